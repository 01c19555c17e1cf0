# nnc compile: what it writes is complete, compiles with the command that it names, and trains; what goes wrong leaves nothing behind.
model=$SOURCE/examples/01_step_by_step/step_by_step.nn
refused() { # CODE COMMAND...: the messages are in err
    local code=$1 status=0
    shift
    "$@" >out 2>err || status=$?
    [ $status = "$code" ] || { echo "exit code $status: $*"; cat err; exit 1; }
    [ -s err ]
}
cc_flags=(-std=c99 -O1 -Wall -Wextra -Werror -D_POSIX_C_SOURCE=200809L)

# ---- A folder: with its program, and as a library

"$NNC" compile "$model" >said
[ -e step_by_step/step_by_step.h ] && [ -e step_by_step/step_by_step.c ] && [ -e step_by_step/step_by_step_main.c ]
sed -n 's/^  //p' said >command
grep -q -- '-lm -o' command
(cd step_by_step && cc "${cc_flags[@]}" ./*.c runtime/*.c -lm -o step_by_step)
mkdir elsewhere
mv step_by_step elsewhere # DIR is all that it needs
elsewhere/step_by_step/step_by_step --json >folder.json
"$NNC" compile "$model" --quiet -o library --library >said
[ ! -s said ]
[ ! -e library/step_by_step_main.c ] && [ ! -e library/runtime/program.h ]
(cd library && cc "${cc_flags[@]}" -c ./*.c)
[ -z "$(find library elsewhere -name '*.tmp')" ]

# ---- One file: its first comment is the command, and its name may be anything

first_comment() { sed -n '1s,^/\* \(.*\) \*/$,\1,p' "$1"; }
mkdir single
cd single
level=-O2
for name in one.c "it's 100% \"quoted\" \\n \$HOME.c"; do
    "$NNC" compile "$model" --quiet --single-file -o "$name"
    bash -c "$(first_comment "$name" | sed "s/ -O2/ $level/")"
    level=-O0
    ./step_by_step --json >single.json
    diff <(sed 's/,"seconds.*//' ../folder.json) <(sed 's/,"seconds.*//' single.json)
    rm step_by_step
done
! command -v clang >/dev/null || clang -std=c99 -Wall -Wextra -Werror -fsyntax-only one.c
"$NNC" compile "$model" --quiet --single-file --library -o library.c
bash -c "$(first_comment library.c)"
[ -e library.o ]
cd ..

# ---- zlib only where a data file ends in .gz, and a message where one that does not is packed

mkdir packed
cp "$SOURCE/examples/03_iris/iris.nn" packed/plain.nn
sed 's/iris\.csv/iris.csv.gz/' packed/plain.nn >packed/gz.nn
sed -i 's,\.\./data/,,' packed/*.nn
cp "$SOURCE/examples/data/iris.csv" packed
gzip -k packed/iris.csv
"$NNC" compile packed/gz.nn --single-file -o gz.c --quiet
first_comment gz.c | grep -q -- '-lm -lz '
"$NNC" compile packed/plain.nn --single-file -o plain.c --quiet
first_comment plain.c | grep -qv -- -lz
grep -q zlib.h gz.c
! grep -q '#include <zlib.h>' plain.c || exit 1
"$NNC" compile packed/gz.nn -o iris >said # one folder after the other: what is there from before does no harm
grep -q -- -lz said
"$NNC" compile packed/plain.nn -o iris >said
grep -qv -- -lz said
(cd iris && cc "${cc_flags[@]}" -O0 ./*.c runtime/*.c -lm -o iris)
iris/iris --data packed --epochs 1 --quiet
cp packed/iris.csv.gz packed/iris.csv
refused 1 iris/iris --data packed --epochs 1
grep -q 'plain.nn:15:9: error: packed/iris.csv: gzip has packed it' err

# ---- What goes wrong: a message, exit code 1, and nothing left behind

list() { find . -type f ! -path ./err ! -path ./out ! -path ./before -printf '%p %T@\n' -o -type d -print | sort; }
"$NNC" compile "$model" --quiet -o kept
touch a_file
mkdir -p taken/step_by_step.c
refused 2 "$NNC" compile # make err and out
list >before
refused 1 "$NNC" compile "$model" -o a_file
grep -q a_file err
refused 1 "$NNC" compile "$model" -o no/such/folder
refused 1 "$NNC" compile "$model" -o taken
refused 1 "$NNC" compile "$model" --single-file -o taken
refused 1 "$NNC" compile no_such.nn -o new
refused 1 bash -c 'ulimit -f 20; exec "$@"' - "$NNC" compile "$model" -o new
grep -q 'File too large' err
refused 1 bash -c 'ulimit -f 20; exec "$@"' - "$NNC" compile "$model" --single-file -o new.c
list | diff before -
refused 1 bash -c 'ulimit -f 2; exec "$@"' - "$NNC" compile "$model" --annotate=2 -o kept # what was there stays as it was
[ -z "$(find kept -newer before -type f)" ] && [ -z "$(find kept -name '*.tmp')" ]
if [ "$(id -u)" != 0 ]; then
    mkdir read_only
    chmod a-w read_only
    refused 1 "$NNC" compile "$model" -o read_only
fi
refused 2 "$NNC" compile "$model" --annotate=3
refused 2 "$NNC" compile "$model" --math=wild
refused 2 "$NNC" compile "$model" --unroll=0
refused 2 "$NNC" compile "$model" --resume x
for missing in '/^optimizer/d' '/^data/,/^}/d'; do
    sed "$missing" "$model" >less.nn
    refused 1 "$NNC" compile less.nn -o less
    [ ! -e less ]
    "$NNC" compile less.nn -o less --library --quiet
    rm -r less
done
