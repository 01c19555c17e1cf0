/* The network of plain.c. Its sizes come from the command line: INPUTS, HIDDEN, OUTPUTS, BATCH, RATE and one of SIGMOID, TANH, RELU. */
#ifndef PLAIN_H
#define PLAIN_H

typedef struct {
    float W1[HIDDEN][INPUTS], b1[HIDDEN];
    float W2[OUTPUTS][HIDDEN], b2[OUTPUTS];
} plain_parameters;

extern plain_parameters plain;

/* Trains on n examples, BATCH at a time; n is a multiple of BATCH. Returns the mean loss, each batch's before its update. */
float plain_train(const float x[][INPUTS], const float t[][OUTPUTS], int n);

#endif
