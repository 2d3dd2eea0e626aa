#include "ops/cases.h"
#include "ops/pool/average_pool.h"
#include "ops/pool/global_pool.h"
#include "ops/pool/max_pool.h"

namespace pochade {
namespace {

template <typename D>
Case& add(Cases& cases, std::vector<int64_t> kernel, Window window, const Shape& x,
          std::string_view name = "") {
  D op;
  op.kernel = std::move(kernel);
  op.window = std::move(window);
  return cases.add("x{}_{}{}", op, x, op.fields_text(), name).input(f32(x));
}

Window steps(int64_t stride, int64_t pad_begin, int64_t pad_end, int64_t dilation = 1,
             bool ceil_mode = false) {
  Window window;
  window.strides = {stride, stride};
  window.dilations = {dilation, dilation};
  window.pads_begin = {pad_begin, pad_begin};
  window.pads_end = {pad_end, pad_end};
  window.ceil_mode = ceil_mode;
  return window;
}

template <typename D>
void add_pool(Cases& cases) {
  for (const int64_t channels : {1, 3, 7, 8, 9, 15, 16, 17, 31, 33, 64})
    add<D>(cases, {3, 3}, steps(2, 0, 0), {1, 9, 11, channels});
  for (const int64_t kernel : {1, 2, 3, 5})
    for (const int64_t stride : {1, 2, 3})
      for (const bool ceil_mode : {false, true}) {
        add<D>(cases, {kernel, kernel}, steps(stride, 0, 0, 1, ceil_mode), {2, 10, 13, 5});
        if (kernel > 1) add<D>(cases, {kernel, kernel}, steps(stride, 1, 0, 1, ceil_mode), {1, 10, 13, 5});
        if (kernel > 2) add<D>(cases, {kernel, kernel}, steps(stride, 1, 2, 1, ceil_mode), {1, 10, 13, 5});
      }
  add<D>(cases, {3, 2}, steps(1, 1, 1, 2), {1, 10, 13, 5});
  for (const AutoPad pad : {AutoPad::kSameUpper, AutoPad::kSameLower}) {
    Window window;
    window.strides = {2, 2};
    window.auto_pad = pad;
    add<D>(cases, {2, 3}, window, {1, 7, 8, 4});
  }
  Window line;
  line.strides = {2};
  add<D>(cases, {3}, line, {2, 11, 5});
  add<D>(cases, {1, 2, 2}, {}, {2, 3, 5, 5, 4});
}

}  // namespace

Cases pool_cases() {
  Cases cases;
  add_pool<MaxPool>(cases);
  add_pool<AveragePool>(cases);
  for (const int64_t kernel : {2, 3})
    for (const bool ceil_mode : {false, true}) {
      AveragePool op;
      op.kernel = {kernel, kernel};
      op.window = steps(2, 1, 1, 1, ceil_mode);
      op.count_include_pad = true;
      cases.add("counting_pads_k{}_{}", op, kernel, ceil_mode).input(f32({1, 8, 9, 5}));
    }
  for (const Shape& x : {Shape{1, 13, 13, 1000}, Shape{2, 5, 6, 7}, Shape{1, 1, 1, 3}, Shape{2, 9, 65},
                         Shape{1, 2, 3, 4, 5}, Shape{3, 4}}) {
    cases.add("x{}", GlobalAveragePool{}, x).input(f32(x));
    cases.add("x{}", GlobalMaxPool{}, x).input(f32(x));
  }
  return cases;
}

}  // namespace pochade
