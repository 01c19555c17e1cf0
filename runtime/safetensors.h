/* Named arrays in a file of the safetensors format (huggingface.co/docs/safetensors): 8 bytes with the length of the header,
   little-endian; the header, JSON; the numbers, row-major, little-endian. Elements are doubles here whatever they are there. */
#ifndef NNC_SAFETENSORS_H
#define NNC_SAFETENSORS_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

enum { NNC_TENSOR_RANK = 8 }; /* files with more axes are refused */

typedef enum { NNC_F64, NNC_F32, NNC_F16, NNC_BF16 } NncElement; /* in the file; the last two are only read */

typedef struct {
    char *name;
    NncElement element;
    int rank;
    size_t shape[NNC_TENSOR_RANK];
    size_t count; /* the product of the shape */
    double *values;
} NncTensor;

typedef struct {
    char *key, *value;
} NncMetadata;

typedef struct {
    size_t tensor_count, metadata_count;
    NncTensor *tensors; /* in the order of their data */
    NncMetadata *metadata;
} NncTensors;

/* What is wrong, in a sentence without a full stop. */
typedef struct {
    char message[300];
} NncTensorsError;

/* Returns 1 and fills *tensors, which nnc_tensors_free releases; or returns 0 and fills *error, and there is nothing to release.
   No file, however corrupt, does harm. */
int nnc_safetensors_load(const char *path, NncTensors *tensors, NncTensorsError *error);
int nnc_safetensors_parse(const unsigned char *bytes, size_t length, NncTensors *tensors, NncTensorsError *error);

/* Writes the tensors in their order, F64 or F32 each, metadata first: equal tensors give equal bytes. The file appears complete or
   not at all: a temporary file beside it is renamed once it is on disk. Owns nothing. Returns 1, or 0 with *error. */
int nnc_safetensors_save(const char *path, const NncTensors *tensors, NncTensorsError *error);

/* The tensor, or the text of the metadata, of this name; or NULL. */
const NncTensor *nnc_tensors_find(const NncTensors *tensors, const char *name);
const char *nnc_tensors_metadata(const NncTensors *tensors, const char *key);

/* Adds metadata: both texts are copied. Returns 1; 0: there is not enough memory. */
int nnc_tensors_describe(NncTensors *tensors, const char *key, const char *value);

void nnc_tensors_free(NncTensors *tensors);

#ifdef __cplusplus
}
#endif

#endif
