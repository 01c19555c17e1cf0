# cmake -DFILE=a.nn -DSYMBOL=a_nn -DOUTPUT=a.c -P embed.cmake: a file becomes a C array, one line of it per line.
# Character constants rather than a string: ISO C promises only 4095 characters in a literal.
file(READ ${FILE} bytes HEX)
string(REGEX REPLACE "(..)" "'\\\\x\\1'," bytes "${bytes}")
string(REPLACE "'\\x0a'," "'\\x0a',\n    " bytes "${bytes}")
file(WRITE ${OUTPUT} "#include <stddef.h>

extern const char ${SYMBOL}[];
extern const size_t ${SYMBOL}_length;

const char ${SYMBOL}[] = {
    ${bytes}'\\0'};
const size_t ${SYMBOL}_length = sizeof ${SYMBOL} - 1;
")
