// The same as run_model.c through the C++ header: a float model with one input.
//   run_model_cpp MODEL.onnx [OPEN_SIZE]
#include <cstdlib>
#include <exception>
#include <iostream>
#include <pochade.hpp>

int main(int argc, char** argv) {
  if (argc < 2) {
    std::cerr << "usage: run_model_cpp MODEL.onnx [OPEN_SIZE]\n";
    return 2;
  }
  const int64_t open_size = argc > 2 ? std::atol(argv[2]) : 64;
  try {
    pochade_api::Session session(argv[1]);
    pochade_tensor_info info = session.input_info(0);
    std::vector<int64_t> dims(info.dims, info.dims + info.rank);
    size_t elements = 1;
    for (size_t d = 0; d < dims.size(); ++d) {
      if (dims[d] < 0) dims[d] = d == 0 ? 1 : open_size;
      elements *= static_cast<size_t>(dims[d]);
    }
    const std::vector<float> picture(elements, 0.5f);
    session.set_shape(0, dims);
    session.set_input(0, picture);
    session.run();
    const std::vector<float> result = session.output<float>(0);
    std::cout << info.name << ": " << elements << " elements in, " << result.size() << " out, first value "
              << result.at(0) << "\n";
  } catch (const std::exception& error) {
    std::cerr << "run_model_cpp: " << error.what() << "\n";
    return 1;
  }
  return 0;
}
