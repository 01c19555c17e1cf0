#include <stdio.h>

#include "train.h"

static void print(const char *text) { fputs(text, stdout); }

int main(void) {
    train_network(print);
    return 0;
}
