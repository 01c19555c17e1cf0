#ifndef TRAIN_H
#define TRAIN_H

void train_network(void (*print)(const char *));

#endif
