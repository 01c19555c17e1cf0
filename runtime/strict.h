/* For files whose arithmetic reaches a result: no fused multiply-adds, so that training from the same data gives the same bits whatever
   the compiler and its flags. Included last, before any function. */
#ifndef NNC_STRICT_H
#define NNC_STRICT_H

#if defined(__clang__)
#pragma STDC FP_CONTRACT OFF
#elif defined(__GNUC__)
#pragma GCC optimize("fp-contract=off")
#endif

#endif
