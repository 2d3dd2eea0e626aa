#include <cmath>

#include "ops/cases.h"

namespace pochade {

// One line a folder: each FOLDER_cases.cc defines its function.
Cases conv_cases();
Cases elementwise_cases();
Cases index_cases();
Cases integer_product_cases();
Cases matrix_cases();
Cases norm_cases();
Cases pool_cases();
Cases quantized_cases();
Cases quantized_conv_cases();
Cases quantized_onnx_cases();
Cases reduce_cases();
Cases resize_cases();
Cases shape_cases();

Cases all_cases() {
  Cases all;
  all.append(conv_cases());
  all.append(elementwise_cases());
  all.append(index_cases());
  all.append(integer_product_cases());
  all.append(matrix_cases());
  all.append(norm_cases());
  all.append(pool_cases());
  all.append(quantized_cases());
  all.append(quantized_conv_cases());
  all.append(quantized_onnx_cases());
  all.append(reduce_cases());
  all.append(resize_cases());
  all.append(shape_cases());
  return all;
}

Facts facts_of_inputs(const Case& test, const Tensors& inputs) {
  Facts facts;
  for (size_t i = 0; i < inputs.size(); ++i) {
    if (!inputs[i].defined())
      facts.emplace_back();
    else if (test.inputs[i].constant)
      facts.emplace_back(inputs[i]);
    else
      facts.emplace_back(inputs[i].dtype(), inputs[i].shape());
  }
  return facts;
}

Tensors make_inputs(const Case& test, uint64_t seed) {
  Tensors out;
  uint64_t state = seed;
  const auto next = [&state] {  // splitmix64 (Steele, Lea, Flood 2014)
    uint64_t z = (state += 0x9e3779b97f4a7c15u);
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
    return z ^ (z >> 31);
  };
  for (const InputSpec& spec : test.inputs) {
    if (spec.given.defined()) {
      out.push_back(spec.given);
      continue;
    }
    if (spec.constant && spec.low == 0 && spec.high == 0) {
      out.emplace_back();
      continue;
    }
    Tensor values = Tensor::make(DType::kF64, spec.shape).value();
    for (double& v : values.mutable_data<double>()) {
      v = spec.low + (spec.high - spec.low) * (static_cast<double>(next() >> 11) * 0x1p-53);
      if (!is_float(spec.dtype)) v = std::floor(v + 0.5);
    }
    out.push_back(values.cast(spec.dtype).value());
  }
  return out;
}

}  // namespace pochade
