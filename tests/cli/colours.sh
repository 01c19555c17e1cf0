# Colours on a terminal only, and never with NO_COLOR.
printf 'input x[2]\nloss = sigmod(x[0])\n' >model.nn
unset NO_COLOR
"$NNC" check model.nn 2>plain || true
! grep -q $'\033' plain || exit 1
if ! command -v script >/dev/null; then
    echo "SKIPPED: script is missing, nothing is known of colours on a terminal"
    exit 0
fi
script -qec "'$NNC' check model.nn" /dev/null >coloured || true
grep -q $'\033\[1;31m' coloured
NO_COLOR=1 script -qec "'$NNC' check model.nn" /dev/null >without || true
! grep -q $'\033' without || exit 1
sed $'s/\033\\[[0-9;]*m//g; s/\r//' coloured | diff - plain
