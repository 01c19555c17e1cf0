/* Prints a loop program as C99. */
#ifndef NNC_LOOP_TO_C_H
#define NNC_LOOP_TO_C_H

#include "loop/loop.h"

void loop_to_c_header(Text *text, LoopProgram *loop);                          /* NAME.h */
void loop_to_c_source(Text *text, LoopProgram *loop, const Sources *sources);  /* NAME.c */
void loop_to_c_program(Text *text, LoopProgram *loop, const Sources *sources); /* NAME_main.c */

/* The options with which the C is compiled, and of these the level, -O2 or -O3. */
const char *c_flags(LoopProgram *loop);
const char *c_level(LoopProgram *loop);

#endif
