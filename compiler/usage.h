/* What nnc says of itself. */
#ifndef NNC_USAGE_H
#define NNC_USAGE_H

extern const char usage[];         /* a line for each command */
extern const char usage_details[]; /* commands and their options */
extern const char usage_shared[];  /* options that several commands have */

#endif
