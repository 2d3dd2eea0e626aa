/* Loads a model, runs it once on an input of zeros, and prints what comes out.
 *   run_model MODEL.onnx [OPEN_SIZE]     dims that the model leaves open become OPEN_SIZE (default 64; the
 * first one 1) */
#include <pochade.h>
#include <stdio.h>
#include <stdlib.h>

static int failed(const char* what) {
  fprintf(stderr, "run_model: %s: %s\n", what, pochade_last_error());
  return 1;
}

int main(int argc, char** argv) {
  if (argc < 2) {
    fprintf(stderr, "usage: run_model MODEL.onnx [OPEN_SIZE]\n");
    return 2;
  }
  const long open_size = argc > 2 ? strtol(argv[2], NULL, 10) : 64;
  printf("Pochade %s\n", pochade_version());

  pochade_session* session = NULL;
  if (pochade_load_file(argv[1], NULL, &session) != POCHADE_OK) return failed("load");

  const size_t inputs = pochade_input_count(session);
  void** buffers = calloc(inputs + 1, sizeof(void*));
  int result = 1;
  static const size_t kSizes[] = {4, 8, 2, 2, 1, 2, 4, 8, 1, 2, 4, 8, 1}; /* by pochade_dtype */
  for (size_t i = 0; i < inputs; ++i) {
    pochade_tensor_info info;
    if (pochade_input_info(session, i, &info) != POCHADE_OK) goto end;
    size_t elements = 1;
    for (int d = 0; d < info.rank; ++d) {
      if (info.dims[d] < 0) info.dims[d] = d == 0 ? 1 : open_size;
      elements *= (size_t)info.dims[d];
    }
    const size_t bytes = elements * kSizes[info.dtype];
    buffers[i] = calloc(bytes + 1, 1);
    if (pochade_set_shape(session, i, info.dims, info.rank) != POCHADE_OK) goto end;
    if (pochade_set_input(session, i, buffers[i], bytes) != POCHADE_OK) goto end;
    printf("input  %s: %zu elements\n", info.name, elements);
  }
  if (pochade_run(session) != POCHADE_OK) goto end;
  for (size_t i = 0; i < pochade_output_count(session); ++i) {
    pochade_tensor_info info;
    const void* data = NULL;
    size_t bytes = 0;
    if (pochade_output_info(session, i, &info) != POCHADE_OK) goto end;
    if (pochade_output(session, i, &data, &bytes) != POCHADE_OK) goto end;
    printf("output %s:", info.name);
    for (int d = 0; d < info.rank; ++d) printf("%s%lld", d == 0 ? " " : "x", (long long)info.dims[d]);
    if (info.dtype == POCHADE_FLOAT32 && bytes >= sizeof(float))
      printf(", first value %g", (double)*(const float*)data);
    printf("\n");
  }
  result = 0;
end:
  if (result != 0) failed("run");
  for (size_t i = 0; i < inputs; ++i) free(buffers[i]);
  free(buffers);
  pochade_free(session);
  return result;
}
