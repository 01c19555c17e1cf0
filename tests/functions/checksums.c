/* Compares the checksums; as a program with stdio, prints those that differ. tests/functions/everywhere runs it on what the
   machine has. With NNC_FREESTANDING, an exit status is all that it needs from its surroundings. */
#if defined(__GNUC__) && !defined(__clang__)
#pragma GCC optimize("fp-contract=off", "no-trapping-math")
#elif defined(__clang__)
#pragma STDC FP_CONTRACT OFF
#endif

#include "checksums.h"

#ifndef NNC_FREESTANDING
#include <stdio.h>
#endif

int main(void) {
    int wrong = 0;
    unsigned i;
    for (i = 0; i < sizeof checksums / sizeof *checksums; i++) {
        const uint32_t sum = checksums[i].checksum();
        if (sum != checksums[i].expected) {
            wrong++;
#ifndef NNC_FREESTANDING
            printf("%s 0x%08lX\n", checksums[i].name, (unsigned long)sum);
#endif
        }
    }
    return wrong;
}
