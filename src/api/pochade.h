/* Pochade's C interface: load a model, say its shapes, run it.
 *
 * Every function that can fail returns a pochade_status; pochade_last_error() says in one line what happened
 * on the calling thread. Nothing throws. Nothing is global: two sessions never share state, and each may be
 * used by one thread at a time. Tensors are dense, row-major, in the byte order of the machine. */
#ifndef POCHADE_H
#define POCHADE_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#if defined(__GNUC__)
#define POCHADE_API __attribute__((visibility("default")))
#else
#define POCHADE_API
#endif

typedef enum pochade_status {
  POCHADE_OK = 0,
  POCHADE_INVALID_MODEL = 1,    /* the file breaks its format's rules */
  POCHADE_INVALID_ARGUMENT = 2, /* a null pointer, an index out of range, a wrong shape or size */
  POCHADE_NOT_SUPPORTED = 3,    /* valid, but nothing here does it */
  POCHADE_NOT_FOUND = 4,
  POCHADE_IO = 5,
  POCHADE_OUT_OF_MEMORY = 6,
  POCHADE_CANCELLED = 7
} pochade_status;

typedef enum pochade_dtype {
  POCHADE_FLOAT32 = 0,
  POCHADE_FLOAT64 = 1,
  POCHADE_FLOAT16 = 2,
  POCHADE_BFLOAT16 = 3,
  POCHADE_INT8 = 4,
  POCHADE_INT16 = 5,
  POCHADE_INT32 = 6,
  POCHADE_INT64 = 7,
  POCHADE_UINT8 = 8,
  POCHADE_UINT16 = 9,
  POCHADE_UINT32 = 10,
  POCHADE_UINT64 = 11,
  POCHADE_BOOL = 12
} pochade_dtype;

enum { POCHADE_MAX_RANK = 8 };

/* An input or output. A dim that is not known is -1. `name` lives as long as the session. */
typedef struct pochade_tensor_info {
  const char* name;
  pochade_dtype dtype;
  int rank; /* -1: not known */
  int64_t dims[POCHADE_MAX_RANK];
} pochade_tensor_info;

typedef struct pochade_options {
  int threads;              /* 0: the CPUs that this process may use */
  const char* isa;          /* null: the best; else "scalar", "avx2", "avx512_vnni", ... */
  int64_t max_memory_bytes; /* for activations and packed weights; 0: what the machine has */
} pochade_options;

typedef struct pochade_session pochade_session;

/* "0.1.0" */
POCHADE_API const char* pochade_version(void);

/* The last failure on this thread, in one line; empty if there was none. Valid until the next call that
 * fails. */
POCHADE_API const char* pochade_last_error(void);

/* Loads a model by the readers that are linked (the format is told by the content). `options` may be null. */
POCHADE_API pochade_status pochade_load_file(const char* path, const pochade_options* options,
                                             pochade_session** session);
/* The bytes are copied. Files that the model refers to are not found. */
POCHADE_API pochade_status pochade_load_memory(const void* data, size_t size, const pochade_options* options,
                                               pochade_session** session);
/* Null is allowed. */
POCHADE_API void pochade_free(pochade_session* session);

POCHADE_API size_t pochade_input_count(const pochade_session* session);
POCHADE_API size_t pochade_output_count(const pochade_session* session);
POCHADE_API pochade_status pochade_input_info(const pochade_session* session, size_t index,
                                              pochade_tensor_info* info);
/* After pochade_prepare() or a run, the dims of that size. */
POCHADE_API pochade_status pochade_output_info(const pochade_session* session, size_t index,
                                               pochade_tensor_info* info);

/* Sets the shape of an input whose dims are open. Fixed dims must match. */
POCHADE_API pochade_status pochade_set_shape(pochade_session* session, size_t input, const int64_t* dims,
                                             int rank);
/* Makes the plan and its memory for the shapes set so far; pochade_run() does so by itself if needed. */
POCHADE_API pochade_status pochade_prepare(pochade_session* session);

/* The caller's elements of input `index`, read during pochade_run(): they must stay valid until it returns.
 */
POCHADE_API pochade_status pochade_set_input(pochade_session* session, size_t index, const void* data,
                                             size_t byte_size);
POCHADE_API pochade_status pochade_run(pochade_session* session);
/* The elements of an output of the last run; valid until the next run or pochade_free(). */
POCHADE_API pochade_status pochade_output(const pochade_session* session, size_t index, const void** data,
                                          size_t* byte_size);

/* Sets all values that live between runs to their initial contents. */
POCHADE_API pochade_status pochade_reset_state(pochade_session* session);

#ifdef __cplusplus
}
#endif

#endif
