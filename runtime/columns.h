/* How a compiler is told to make vectors of a short loop over numbers that stand side by side:

       NNC_NOT_UNROLLED for (int e = 0; e < 8; e++) row[e] += w * columns[i][e];

   gcc would write out a loop of up to 16 turns before it looks for vectors, and find none in what it has written. clang finds them. */
#ifndef NNC_COLUMNS_H
#define NNC_COLUMNS_H

#if defined(__GNUC__) && !defined(__clang__) && !defined(__TINYC__)
#define NNC_NOT_UNROLLED _Pragma("GCC unroll 1")
#else
#define NNC_NOT_UNROLLED
#endif

#endif
