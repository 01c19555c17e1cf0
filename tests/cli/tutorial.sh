# Both languages of the tutorial have the same chapters, with the same models, commands and outputs, and what they link to is there.
cd "$SOURCE/docs/tutorial"
[ "$(ls en)" = "$(ls ko)" ]
for chapter in en/*.md; do
    diff <(sed -n '/^```[a-z]/,/^```$/p' "$chapter") <(sed -n '/^```[a-z]/,/^```$/p' "ko/${chapter#en/}")
done
for file in README.md en/*.md ko/*.md; do
    grep -o '](\([^)#]*\)' "$file" | sed 's/^](//' | while read -r link; do [ -e "${file%"${file##*/}"}$link" ]; done
done
