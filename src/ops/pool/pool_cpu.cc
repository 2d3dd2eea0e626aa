// Pools on the CPU: the kernels are 2-D; one spatial axis is a picture of height 1, and a depth that is not
// pooled counts pictures.

#include <optional>

#include "ops/phases.h"
#include "ops/pool/average_pool.h"
#include "ops/pool/global_pool.h"
#include "ops/pool/max_pool.h"

namespace pochade {
namespace {

/// Empty if the kernels cannot do it.
Result<std::optional<PoolArgs>> pool_args(const Lowering& at, const Window& window,
                                          std::span<const int64_t> kernel) {
  const Shape xs = at.in_shape(0);
  if (!at.all_f32() || xs.elements() == 0 || at.out_shape(0).elements() == 0)
    return std::optional<PoolArgs>();
  TRY(const WindowAxes axes, resolve_axes(window, kernel, spatial_dims(xs)));
  const auto& [d, h, w] = axes;
  if (d.kernel != 1 || d.stride != 1 || d.pad_begin != 0 || d.pad_end != 0) return std::optional<PoolArgs>();
  // A window that lies in the padding alone has no largest element.
  for (const WindowAxis& axis : {h, w})
    if (axis.pad_begin >= axis.extent() || axis.pad_end >= axis.extent() || axis.pad_begin < 0 ||
        axis.pad_end < 0)
      return std::optional<PoolArgs>();
  PoolArgs args{};
  args.batch = static_cast<size_t>(xs[0] * d.in);
  args.height = static_cast<size_t>(h.in);
  args.width = static_cast<size_t>(w.in);
  args.channels = static_cast<size_t>(xs.back());
  args.out_height = static_cast<size_t>(h.out);
  args.out_width = static_cast<size_t>(w.out);
  args.kernel_h = static_cast<size_t>(h.kernel);
  args.kernel_w = static_cast<size_t>(w.kernel);
  args.stride_h = static_cast<size_t>(h.stride);
  args.stride_w = static_cast<size_t>(w.stride);
  args.dilation_h = static_cast<size_t>(h.dilation);
  args.dilation_w = static_cast<size_t>(w.dilation);
  args.pad_top = h.pad_begin;
  args.pad_left = w.pad_begin;
  args.pad_bottom = h.pad_end;
  args.pad_right = w.pad_end;
  return std::optional<PoolArgs>(args);
}

Step pool_step(void (*kernel)(const PoolArgs&, Range), std::string name, const PoolArgs& pool) {
  Step step;
  step.kernel = std::move(name);
  step.why = "2-D window";
  const size_t row_cost = pool.out_width * pool.channels * pool.kernel_h * pool.kernel_w;
  step.phases.push_back(divided(static_cast<int64_t>(pool.batch * pool.out_height),
                                static_cast<int64_t>(row_cost),
                                [kernel, pool](const StepBuffers& buffers, Range rows) {
                                  PoolArgs args = pool;
                                  args.x = buffers.in<float>(0);
                                  args.y = buffers.out<float>(0);
                                  kernel(args, rows);
                                }));
  return step;
}

/// Reduces the pixels of each channel of each image.
Step global_step(const Lowering& at, Reduction reduction, std::string name) {
  const Shape xs = at.in_shape(0);
  const int64_t channels = xs.back(), pixels = xs.product(1, xs.rank() - 1);
  if (!at.all_f32() || xs.elements() == 0) return Lowering::reference();
  Step step;
  step.kernel = std::move(name);
  step.why = "columns of pixels x channels";
  constexpr int64_t kBlock = 64;  // channels of a task
  const int64_t blocks = (channels + kBlock - 1) / kBlock;
  step.phases.push_back(divided(
      xs[0] * blocks, pixels * kBlock,
      [&kernels = at.kernels, reduction, channels, pixels, blocks](const StepBuffers& buffers, Range units) {
        for (size_t unit = units.begin; unit < units.end; ++unit) {
          const int64_t n = static_cast<int64_t>(unit) / blocks, block = static_cast<int64_t>(unit) % blocks;
          const ReduceArgs args{buffers.in<float>(0) + n * pixels * channels,
                                buffers.out<float>(0) + n * channels, static_cast<size_t>(pixels),
                                static_cast<size_t>(channels)};
          kernels.reduce_columns(reduction, args,
                                 range(block * kBlock, std::min(channels, (block + 1) * kBlock)));
        }
      }));
  return step;
}

}  // namespace

Result<Step> lower(const MaxPool& pool, const Lowering& at) {
  if (pool.with_indices) return Lowering::reference();
  TRY(const auto args, pool_args(at, pool.window, pool.kernel));
  return args ? pool_step(at.kernels.max_pool, "max_pool_f32", *args) : Lowering::reference();
}

Result<Step> lower(const AveragePool& pool, const Lowering& at) {
  TRY(auto args, pool_args(at, pool.window, pool.kernel));
  if (!args) return Lowering::reference();
  args->count_include_pad = pool.count_include_pad;
  return pool_step(at.kernels.average_pool, "average_pool_f32", *args);
}

Result<Step> lower(const GlobalAveragePool&, const Lowering& at) {
  return global_step(at, Reduction::kMean, "global_average_pool_f32");
}

Result<Step> lower(const GlobalMaxPool&, const Lowering& at) {
  return global_step(at, Reduction::kMax, "global_max_pool_f32");
}

}  // namespace pochade
