// ConvTranspose as stride_h * stride_w small convolutions, one for each place of an output pixel between
// input pixels: nothing is multiplied by zeros and nothing is added to memory twice.  (Shi et al. 2016,
// arXiv:1609.07009)

#include "ops/conv/conv_step.h"
#include "ops/conv/conv_transpose.h"
#include "ops/conv/sub_pixel.h"
#include "ops/phases.h"

namespace pochade {
namespace {

struct Part {
  ConvPlan plan;
  PackedWeights::Buffer packed;
  int64_t y_offset;    // floats
  int64_t task_begin;  // of the tasks of all parts
};

/// Pixels that no tap reaches: act(bias).
struct Fill {
  SubPixel h, w;
};

}  // namespace

Result<Step> lower(const ConvTranspose& op, const Lowering& at) {
  if (!at.all_f32() || !at.in(1).is_constant() || (at.has(2) && !at.in(2).is_constant()))
    return Lowering::reference();
  const Shape xs = at.in_shape(0), ws = at.in_shape(1), ys = at.out_shape(0);
  if (xs.rank() > 4 || xs.elements() == 0 || ys.elements() == 0) return Lowering::reference();
  TRY(const WindowAxes axes, op.resolve_all(spatial_dims(ws), spatial_dims(xs)));
  const WindowAxis &h = axes[1], &w = axes[2];
  if (h.stride * w.stride > 64) return Lowering::reference();
  const int64_t channels = ws[0], group_in = ws.back(), batch = xs[0];
  const Kernels& kernels = at.kernels;

  std::vector<Part> parts;
  std::vector<Fill> fills;
  int64_t tasks = 0;
  size_t scratch = 0;
  for (int64_t phase_h = 0; phase_h < h.stride; ++phase_h)
    for (int64_t phase_w = 0; phase_w < w.stride; ++phase_w) {
      const SubPixel sh = sub_pixel(h, phase_h), sw = sub_pixel(w, phase_w);
      if (sh.count == 0 || sw.count == 0) continue;
      if (sh.taps == 0 || sw.taps == 0) {
        fills.push_back({sh, sw});
        continue;
      }
      ConvShape shape;
      shape.batch = static_cast<size_t>(batch);
      shape.height = static_cast<size_t>(h.in);
      shape.width = static_cast<size_t>(w.in);
      shape.in_channels = static_cast<size_t>(xs.back());
      shape.out_height = static_cast<size_t>(sh.count);
      shape.out_width = static_cast<size_t>(sw.count);
      shape.out_channels = static_cast<size_t>(channels);
      shape.kernel_h = static_cast<size_t>(sh.taps);
      shape.kernel_w = static_cast<size_t>(sw.taps);
      shape.dilation_h = static_cast<size_t>(sh.dilation);
      shape.dilation_w = static_cast<size_t>(sw.dilation);
      shape.pad_top = sh.pad;
      shape.pad_left = sw.pad;
      shape.groups = static_cast<size_t>(op.groups);
      shape.y_pixel = static_cast<size_t>(w.stride * channels);
      shape.y_row = static_cast<size_t>(h.stride * w.out * channels);
      shape.y_image = static_cast<size_t>(h.out * w.out * channels);
      Part part{};
      kernels.conv_plan(shape, &part.plan);
      const auto pixel = static_cast<ptrdiff_t>(group_in), row = static_cast<ptrdiff_t>(w.kernel) * pixel;
      const ConvSource source{
          at.in(1).constant.data<float>().data() + sh.last_tap * row + sw.last_tap * pixel,
          static_cast<ptrdiff_t>(h.kernel) * row, -static_cast<ptrdiff_t>(sh.tap_step) * row,
          -static_cast<ptrdiff_t>(sw.tap_step) * pixel, 1};
      TRY(part.packed, pack_conv(at, part.plan, source,
                                 format("transposed {},{} of {}x{}", phase_h, phase_w, h.stride, w.stride)));
      part.y_offset = (sh.first * w.out + sw.first) * channels;
      part.task_begin = tasks;
      tasks += static_cast<int64_t>(part.plan.tasks);
      scratch = std::max(scratch, part.plan.scratch_bytes);
      parts.push_back(std::move(part));
    }

  Step step;
  step.kernel = "conv_transpose_f32";
  step.why = format("{} sub-pixel convolutions", parts.size());
  if (!parts.empty()) step.why += format(" ({})", parts[0].plan.algorithm);
  step.thread_scratch_bytes = scratch;
  if (tasks > 0)
    step.phases.push_back(
        {tasks, [&kernels, parts, has_bias = at.has(2), act = op.act](const StepBuffers& buffers,
                                                                      int64_t begin, int64_t end) {
           for (const Part& part : parts) {
             const int64_t part_end = part.task_begin + static_cast<int64_t>(part.plan.tasks);
             const int64_t from = std::max(begin, part.task_begin), to = std::min(end, part_end);
             if (from >= to) continue;
             const ConvArgs args{.x = buffers.in<float>(0),
                                 .packed = reinterpret_cast<const float*>(part.packed.get()),
                                 .bias = has_bias ? buffers.in<float>(2) : nullptr,
                                 .residual = nullptr,
                                 .y = buffers.out<float>(0) + part.y_offset,
                                 .activation = act};
             kernels.conv(part.plan, args, range(from - part.task_begin, to - part.task_begin),
                          buffers.thread_scratch);
           }
         }});
  if (!fills.empty()) {
    std::vector<float> pixel(static_cast<size_t>(channels));
    for (size_t c = 0; c < pixel.size(); ++c)
      pixel[c] = activate(at.has(2) ? at.in(2).constant.data<float>()[c] : 0, op.act);
    step.phases.push_back(divided(
        batch, h.out * w.out * channels / 4, [fills, pixel, h, w](const StepBuffers& buffers, Range images) {
          const auto image = static_cast<size_t>(h.out * w.out) * pixel.size();
          for (size_t n = images.begin; n < images.end; ++n)
            for (const Fill& fill : fills)
              for (int64_t i = 0; i < fill.h.count; ++i)
                for (int64_t j = 0; j < fill.w.count; ++j) {
                  const int64_t at_pixel =
                      (fill.h.first + i * h.stride) * w.out + fill.w.first + j * w.stride;
                  std::copy(pixel.begin(), pixel.end(),
                            buffers.out<float>(0) + n * image + static_cast<size_t>(at_pixel) * pixel.size());
                }
        }));
  }
  return step;
}

}  // namespace pochade
