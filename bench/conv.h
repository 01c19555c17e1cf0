/* The convolutions of conv.nn and strided.nn: FILTERS of MAPS images of SIDE x SIDE pixels, OUT x OUT results each */
#ifndef BENCH_CONV_H
#define BENCH_CONV_H

enum { MAPS = 16, SIDE = 16, KERNEL = 3, FILTERS = 32 };
#ifdef ROW_STRIDED
enum { OUT = 8, STRIDE = 2, DILATION = 3, PAD = 3 };
#else
enum { OUT = 16, STRIDE = 1, DILATION = 1, PAD = 1 };
#endif
enum { PADDED = SIDE + 2 * PAD };

#endif
