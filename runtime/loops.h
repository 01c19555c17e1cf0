/* How a compiler is told to make vectors of a loop over numbers that stand side by side:

       NNC_NOT_UNROLLED for (int e = 0; e < 8; e++) row[e] += w * columns[i][e];
       NNC_INDEPENDENT for (int j = 0; j < 64; j++) hidden[b][j] = nnc_tanhf(z[b][j]);

   NNC_NOT_UNROLLED: gcc would write out a loop of up to 16 turns before it looks for vectors, and find none in what it has written.
   NNC_INDEPENDENT: also, no turn reads what another one writes, which clang cannot always see. */
#ifndef NNC_LOOPS_H
#define NNC_LOOPS_H

#if defined(__clang__)
#pragma clang diagnostic ignored "-Wpass-failed" /* at lower levels it makes no vectors */
#define NNC_NOT_UNROLLED
#define NNC_INDEPENDENT _Pragma("clang loop vectorize(assume_safety)")
#elif defined(__GNUC__) && !defined(__TINYC__)
#define NNC_NOT_UNROLLED _Pragma("GCC unroll 1")
#define NNC_INDEPENDENT _Pragma("GCC unroll 1") _Pragma("GCC ivdep")
#else
#define NNC_NOT_UNROLLED
#define NNC_INDEPENDENT
#endif

#endif
