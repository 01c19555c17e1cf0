/* FANN, one example at a time. It has neither softmax nor relu: but for sigmoids with half the squared error it trains a network of the
   same sizes with sigmoids (tanh where the row has tanh) and squared error. */
#include "peer.h"

#include <floatfann.h>
#include <stdlib.h>

static const unsigned size[] = {SIZES};
static struct fann *network;

static void make(void) {
    network = fann_create_standard_array(LAYERS + 1, size);
    if (network == NULL) exit(1);
    fann_set_activation_function_hidden(network, FANN_SIGMOID);
    fann_set_activation_function_output(network, FANN_SIGMOID);
    fann_set_activation_steepness_hidden(network, 0.5f); /* FANN's sigmoid is 1 / (1 + exp(-2 steepness x)) */
    fann_set_activation_steepness_output(network, 0.5f);
#ifdef TANH
    fann_set_activation_function_hidden(network, FANN_SIGMOID_SYMMETRIC); /* tanh(steepness x) */
    fann_set_activation_steepness_hidden(network, 1.0f);
#endif
    fann_set_training_algorithm(network, FANN_TRAIN_INCREMENTAL);
    fann_set_train_error_function(network, FANN_ERRORFUNC_LINEAR);
    fann_set_learning_rate(network, RATE);
}

/* FANN has the bias behind the weights of each unit. */
void peer_start(const float *parameters) {
    if (network == NULL) make();
    float *weight = network->weights;
    for (int l = 0; l < LAYERS; l++) {
        const float *bias = parameters + size[l] * size[l + 1];
        for (unsigned j = 0; j < size[l + 1]; j++) {
            for (unsigned i = 0; i < size[l]; i++) *weight++ = *parameters++;
            *weight++ = bias[j];
        }
        parameters = bias + size[l + 1];
    }
}

double peer_train(const float *x, const float *t, size_t n) {
    fann_reset_MSE(network);
    for (size_t e = 0; e < n; e++) fann_train(network, (float *)x + e * INPUTS, (float *)t + e * TARGETS);
    return 0.5 * (double)network->MSE_value;
}
