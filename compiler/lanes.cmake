# make_lanes(TYPE LETTER SUFFIX INTEGER SIZE LANES): the vectors of LANES numbers, runtime/lanes_V.h with V = LETTER LANES.
#
# What is done to vectors is runtime/lanes.h.in with its names filled in; the functions are the text of functions.h (of double:
# functions_double.h) between lines that begin "/* ==== Lanes" and "/* ==== Scalars", with vectors for its numbers:
#
#   const float above = (x < -104.0f) ? -104.0f : x;
#   const nnc_f16 above = nnc_choose_f16((x < -104.0f), nnc_all_f16(-104.0f), x);
#
# What is between "#ifdef NNC_VECTORS" and "#else" is for vectors alone, what is between that and "#endif" for numbers.
# Requires of that text:
# - each choice ?: is the whole right side of a declaration, or what is returned, and without choices in it
# - logic of conditions (&& || !) has parentheses round its operands
# - (float)k and (uint32_t)(int32_t)x convert a number between the formats; (int32_t)(...) says that bits have a sign
# - of the arguments of a call, the first is no literal
# - no loops, no branches, no tables
function(make_lanes T letter F I size N)
  set(V ${letter}${N})
  set(ALIGN ${size})
  math(EXPR BYTES "${size} * ${N}")
  set(FILE functions.h)
  set(literal "-?[0-9][0-9a-fx.p+-]*f")
  set(PACKED ps)
  set(SUM 0x1.8p23f)
  set(ELEMENT s)
  set(unsigned "[0-9][0-9A-Fx]*U")
  if(T STREQUAL double)
    set(FILE functions_double.h)
    set(literal "-?[0-9][0-9a-fx.p+-]*")
    set(PACKED pd)
    set(SUM 0x1.8p52)
    set(ELEMENT d)
  endif()
  set(AVX __AVX__)
  set(SCALES __AVX512VL__)
  set(REGISTER x)
  if(BYTES EQUAL 64)
    set(AVX __AVX512F__)
    set(SCALES __AVX512F__)
    set(REGISTER v)
  endif()
  set_property(DIRECTORY APPEND PROPERTY CMAKE_CONFIGURE_DEPENDS ${PROJECT_SOURCE_DIR}/runtime/${FILE})
  file(READ ${PROJECT_SOURCE_DIR}/runtime/${FILE} text)
  set(FUNCTIONS)
  string(FIND "${text}" "/* ==== Lanes" begin)
  while(begin GREATER -1)
    string(SUBSTRING "${text}" ${begin} -1 text)
    string(FIND "${text}" "/* ==== Scalars" end)
    string(SUBSTRING "${text}" 0 ${end} part)
    string(SUBSTRING "${text}" ${end} -1 text)
    string(APPEND FUNCTIONS "${part}")
    string(FIND "${text}" "/* ==== Lanes" begin)
  endwhile()

  function(replace pattern by)
    string(REGEX REPLACE "${pattern}" "${by}" FUNCTIONS "${FUNCTIONS}")
    set(FUNCTIONS "${FUNCTIONS}" PARENT_SCOPE)
  endfunction()
  replace(" */\\*([^*]|\\*+[^*/])*\\*+/" "") # comments stay where the text is from
  replace("#ifdef NNC_VECTORS\n([^#]*)#else\n[^#]*#endif\n" "\\1")
  replace("\n\n+" "\n\n")
  replace("\nstatic inline " "\nNNC_IN_LANES ")
  replace("nnc_([a-z0-9_]+)${F}\\(" "nnc_\\1_${V}(")
  replace("__builtin_fmaf?\\(" "nnc_fma_${V}(")
  replace("(const u[a-z0-9_]+ [a-z0-9_]+ = )([^?;]*) \\? ([^?:;]*) : ([^?:;]*);" "\\1nnc_choose_unsigned_${V}(\\2, \\3, \\4);")
  replace("(= |return )([^?;]*) \\? ([^?:;]*) : ([^?:;]*);" "\\1nnc_choose_${V}(\\2, \\3, \\4);")
  foreach(twice 1 2) # neighbours share a comma
    replace(", (${unsigned})([,)])" ", nnc_all_unsigned_${V}(\\1)\\2")
    replace(", (${literal})([,)])" ", nnc_all_${V}(\\1)\\2")
  endforeach()
  replace("= (${literal});" "= nnc_all_${V}(\\1);")
  replace("&&" "&")
  replace("\\|\\|" "|")
  replace("!\\(" "~(")
  replace("\\(uint..?_t\\)\\(int..?_t\\)([a-z0-9_]+)" "(nnc_unsigned_${V})__builtin_convertvector(\\1, nnc_signed_${V})")
  replace("\\(${T}\\)([a-z0-9_]+)" "__builtin_convertvector(\\1, nnc_${V})")
  replace("uint[0-9]+_t" "nnc_unsigned_${V}")
  replace("int[0-9]+_t" "nnc_signed_${V}")
  replace("(const|IN_LANES) int " "\\1 nnc_signed_${V} ")
  replace("(^|[^a-z_])${T} " "\\1nnc_${V} ")

  set(SHUFFLES)
  set(half 1)
  while(half LESS ${N})
    set(first)
    set(second)
    math(EXPR last "${N} - 1")
    foreach(lane RANGE ${last})
      math(EXPR bit "(${lane} / ${half}) % 2")
      math(EXPR of_first "${lane} + ${bit} * (${N} - ${half})") # the other row's, from half before
      math(EXPR of_second "${lane} + ${half} + ${bit} * (${N} - ${half})")
      string(APPEND first ", ${of_first}")
      string(APPEND second ", ${of_second}")
    endforeach()
    string(APPEND SHUFFLES "    NNC_UNROLLED\n    for (int i = 0; i < ${N}; i++) {\n"
      "        if ((i & ${half}) != 0) continue;\n"
      "        const nnc_${V} a = rows[i], b = rows[i + ${half}];\n"
      "        rows[i] = __builtin_shufflevector(a, b${first});\n"
      "        rows[i + ${half}] = __builtin_shufflevector(a, b${second});\n    }\n")
    math(EXPR half "${half} * 2")
  endwhile()
  string(STRIP "${SHUFFLES}" SHUFFLES)

  set(HALVES)
  set(whole x)
  set(count ${N})
  while(count GREATER 4 OR (count GREATER 2 AND size EQUAL 8))
    math(EXPR half "${count} / 2")
    set(low)
    set(high)
    math(EXPR last "${half} - 1")
    foreach(lane RANGE ${last})
      math(EXPR above "${lane} + ${half}")
      string(APPEND low ", ${lane}")
      string(APPEND high ", ${above}")
    endforeach()
    math(EXPR bytes "${half} * ${size}")
    string(APPEND HALVES "    const ${T} x${half} __attribute__((vector_size(${bytes}))) =\n"
      "        __builtin_shufflevector(${whole}, ${whole}${low}) + __builtin_shufflevector(${whole}, ${whole}${high});\n")
    set(whole x${half})
    set(count ${half})
  endwhile()
  if(count EQUAL 4)
    string(APPEND HALVES "    return (${whole}[0] + ${whole}[2]) + (${whole}[1] + ${whole}[3]);")
  else()
    string(APPEND HALVES "    return ${whole}[0] + ${whole}[1];")
  endif()
  string(STRIP "${HALVES}" HALVES)
  configure_file(runtime/lanes.h.in ${PROJECT_BINARY_DIR}/runtime/lanes_${V}.h @ONLY)
endfunction()
