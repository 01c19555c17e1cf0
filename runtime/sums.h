/* How a compiler is told, in fast arithmetic, to make vectors of a loop that sums: its terms may be added in any order.

       NNC_SUMS(sum, sum2)          before a loop whose turns fill vectors; what stands in the brackets are its sums
       NNC_UNEVEN_SUMS(sum, sum2)   before a long one whose last turns may not
       NNC_SHORT_SUMS(sum, sum2)    before one that is short, or chooses what it adds
       NNC_ANY_ORDER                first in the body of a loop of the first two kinds

   gcc, and what else knows OpenMP, needs the sums (-fopenmp-simd); gcc computes what does not fill vectors one by one, and where it reorders
   sums anyway (NNC_REORDERS), it does better without being told. clang would unroll loops before it makes vectors of them, and add the
   lanes of a vector one after the other. */
#ifndef NNC_SUMS_H
#define NNC_SUMS_H

#define NNC_PRAGMA(text) _Pragma(#text)

#if defined(__clang__) && __clang_major__ >= 13
#define NNC_SUMS(...) NNC_PRAGMA(clang loop vectorize(enable) unroll(disable))
#define NNC_UNEVEN_SUMS(...) NNC_PRAGMA(clang loop vectorize(enable) unroll(disable))
#define NNC_SHORT_SUMS(...) NNC_PRAGMA(omp simd reduction(+ : __VA_ARGS__))
#define NNC_ANY_ORDER NNC_PRAGMA(clang fp reassociate(on))
#elif defined(__GNUC__) && !defined(__TINYC__)
#define NNC_SUMS(...) NNC_PRAGMA(omp simd reduction(+ : __VA_ARGS__))
#if defined(NNC_REORDERS)
#define NNC_UNEVEN_SUMS(...)
#define NNC_SHORT_SUMS(...)
#else
#define NNC_UNEVEN_SUMS(...) NNC_PRAGMA(omp simd reduction(+ : __VA_ARGS__))
#define NNC_SHORT_SUMS(...) NNC_PRAGMA(omp simd reduction(+ : __VA_ARGS__))
#endif
#define NNC_ANY_ORDER
#else
#define NNC_SUMS(...)
#define NNC_UNEVEN_SUMS(...)
#define NNC_SHORT_SUMS(...)
#define NNC_ANY_ORDER
#endif

#endif
