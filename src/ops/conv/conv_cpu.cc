// Conv on the CPU: one 2-D kernel for everything that can be seen as 2-D, depthwise apart; 3-D as a sum of
// planes.

#include "ops/conv/conv.h"
#include "ops/conv/conv_step.h"
#include "ops/phases.h"

namespace pochade {
namespace {

/// Whether the depth axis only counts pictures.
bool depth_is_batch(const WindowAxis& depth) {
  return depth.kernel == 1 && depth.stride == 1 && depth.pad_begin == 0 && depth.pad_end == 0;
}

/// The height and width of `axes` as the kernel wants them; `batch` pictures.
ConvShape conv_shape(const Conv& op, const WindowAxes& axes, int64_t batch, int64_t in_channels,
                     int64_t out_channels) {
  const WindowAxis &h = axes[1], &w = axes[2];
  ConvShape shape;
  shape.batch = static_cast<size_t>(batch);
  shape.height = static_cast<size_t>(h.in);
  shape.width = static_cast<size_t>(w.in);
  shape.in_channels = static_cast<size_t>(in_channels);
  shape.out_height = static_cast<size_t>(h.out);
  shape.out_width = static_cast<size_t>(w.out);
  shape.out_channels = static_cast<size_t>(out_channels);
  shape.kernel_h = static_cast<size_t>(h.kernel);
  shape.kernel_w = static_cast<size_t>(w.kernel);
  shape.stride_h = static_cast<size_t>(h.stride);
  shape.stride_w = static_cast<size_t>(w.stride);
  shape.dilation_h = static_cast<size_t>(h.dilation);
  shape.dilation_w = static_cast<size_t>(w.dilation);
  shape.pad_top = h.pad_begin;
  shape.pad_left = w.pad_begin;
  shape.groups = static_cast<size_t>(op.groups);
  shape.pad_mode = op.pad_mode;
  return shape;
}

/// Weights O, (kd,) kh, kw, I as the kernel reads them.
ConvSource plane_source(const float* data, const WindowAxes& axes, int64_t group_in, int64_t kd) {
  const auto pixel = static_cast<ptrdiff_t>(group_in), row = static_cast<ptrdiff_t>(axes[2].kernel) * pixel,
             plane = static_cast<ptrdiff_t>(axes[1].kernel) * row;
  return {data + kd * plane, static_cast<ptrdiff_t>(axes[0].kernel) * plane, row, pixel, 1};
}

/// Depthwise weights O, kh, kw, 1 -> kh, kw, O.
void reorder_depthwise(const float* w, int64_t channels, int64_t taps, float* out) {
  for (int64_t o = 0; o < channels; ++o)
    for (int64_t t = 0; t < taps; ++t) out[t * channels + o] = w[o * taps + t];
}

struct ConvFacts {
  WindowAxes axes;
  Shape x, w, y;
  int64_t batch = 0;  ///< pictures, if depth counts as such
  bool has_bias = false;
};

Result<Step> lower_depthwise(const Conv& op, const Lowering& at, const ConvFacts& facts) {
  const Kernels& kernels = at.kernels;
  const WindowAxis &h = facts.axes[1], &w = facts.axes[2];
  const int64_t channels = facts.x.back(), out_channels = facts.w[0], taps = h.kernel * w.kernel;
  DepthwiseShape shape;
  shape.batch = static_cast<size_t>(facts.batch);
  shape.height = static_cast<size_t>(h.in);
  shape.width = static_cast<size_t>(w.in);
  shape.channels = static_cast<size_t>(channels);
  shape.multiplier = static_cast<size_t>(out_channels / channels);
  shape.out_height = static_cast<size_t>(h.out);
  shape.out_width = static_cast<size_t>(w.out);
  shape.kernel_h = static_cast<size_t>(h.kernel);
  shape.kernel_w = static_cast<size_t>(w.kernel);
  shape.stride_h = static_cast<size_t>(h.stride);
  shape.stride_w = static_cast<size_t>(w.stride);
  shape.dilation_h = static_cast<size_t>(h.dilation);
  shape.dilation_w = static_cast<size_t>(w.dilation);
  shape.pad_top = h.pad_begin;
  shape.pad_left = w.pad_begin;
  TRY(const auto filter,
      at.pack(at.in(1).constant, "depthwise", static_cast<size_t>(taps * out_channels) * sizeof(float),
              [&](std::byte* out) {
                reorder_depthwise(at.in(1).constant.data<float>().data(), out_channels, taps,
                                  reinterpret_cast<float*>(out));
              }));
  Step step;
  step.kernel = "depthwise_f32";
  step.why = format("{} groups of one channel", channels);
  const bool pads_first = op.pad_mode != PadMode::kZero &&
                          (h.pad_begin != 0 || h.pad_end != 0 || w.pad_begin != 0 || w.pad_end != 0);
  if (pads_first) {
    PadArgs pad{};
    pad.element_bytes = sizeof(float);
    pad.batch = shape.batch;
    pad.height = shape.height;
    pad.width = shape.width;
    pad.channels = shape.channels;
    pad.out_height = static_cast<size_t>(h.in + h.pad_begin + h.pad_end);
    pad.out_width = static_cast<size_t>(w.in + w.pad_begin + w.pad_end);
    pad.pad_top = h.pad_begin;
    pad.pad_left = w.pad_begin;
    pad.mode = op.pad_mode;
    shape.height = pad.out_height;
    shape.width = pad.out_width;
    shape.pad_top = shape.pad_left = 0;
    step.shared_scratch_bytes = pad.batch * pad.out_height * pad.out_width * pad.channels * sizeof(float);
    step.why += format(", padded first ({})", op.pad_mode);
    step.phases.push_back(divided(static_cast<int64_t>(pad.batch * pad.out_height),
                                  static_cast<int64_t>(pad.out_width * pad.channels),
                                  [&kernels, pad](const StepBuffers& buffers, Range rows) {
                                    PadArgs args = pad;
                                    args.x = buffers.inputs[0];
                                    args.y = buffers.shared_scratch;
                                    kernels.pad(args, rows);
                                  }));
  }
  step.phases.push_back(divided(facts.batch * h.out, w.out * out_channels * taps,
                                [&kernels, shape, filter, pads_first, has_bias = facts.has_bias,
                                 act = op.act](const StepBuffers& buffers, Range rows) {
                                  const float* x = pads_first ? shared_floats(buffers) : buffers.in<float>(0);
                                  const DepthwiseArgs args{x, reinterpret_cast<const float*>(filter.get()),
                                                           has_bias ? buffers.in<float>(2) : nullptr,
                                                           buffers.out<float>(0), act};
                                  kernels.depthwise(shape, args, rows);
                                }));
  return step;
}

/// y[d] = act(bias + sum over kd of the 2-D convolution of plane d * stride + kd * dilation - pad with w[:,
/// kd]).
Result<Step> lower_planes(const Conv& op, const Lowering& at, const ConvFacts& facts) {
  const WindowAxes& axes = facts.axes;
  for (int64_t od = 0; od < axes[0].out; ++od) {
    bool reached = false;
    for (int64_t kd = 0; kd < axes[0].kernel; ++kd)
      reached |= padded_source(axes[0].at(od, kd), axes[0].in, op.pad_mode) >= 0;
    if (!reached) return Lowering::reference();  // a plane that sees nothing but padding
  }
  const ConvShape shape = conv_shape(op, axes, 1, facts.x.back(), facts.w[0]);
  ConvPlan plan;
  at.kernels.conv_plan(shape, &plan);
  std::vector<PackedWeights::Buffer> packed;
  for (int64_t kd = 0; kd < axes[0].kernel; ++kd) {
    const ConvSource source = plane_source(at.in(1).constant.data<float>().data(), axes, facts.w.back(), kd);
    TRY(auto weights, pack_conv(at, plan, source, format("plane {}", kd)));
    packed.push_back(std::move(weights));
  }
  Step step;
  step.kernel = "conv_planes_f32";
  step.why = format("3-D as {} 2-D convolutions ({})", axes[0].kernel, plan.algorithm);
  step.thread_scratch_bytes = plan.scratch_bytes;
  const auto tasks = static_cast<int64_t>(plan.tasks);
  const int64_t x_plane = axes[1].in * axes[2].in * facts.x.back(),
                y_plane = axes[1].out * axes[2].out * facts.w[0];
  step.phases.push_back(
      {facts.x[0] * axes[0].out * tasks,
       [&kernels = at.kernels, plan, packed, depth = axes[0], tasks, x_plane, y_plane, mode = op.pad_mode,
        act = op.act, has_bias = facts.has_bias](const StepBuffers& buffers, int64_t begin, int64_t end) {
         for (int64_t i = begin; i < end; ++i) {
           const int64_t plane = i / tasks, task = i % tasks, n = plane / depth.out, od = plane % depth.out;
           float* y = buffers.out<float>(0) + plane * y_plane;
           const auto source = [&](int64_t kd) { return padded_source(depth.at(od, kd), depth.in, mode); };
           int64_t last = depth.kernel - 1;
           while (last > 0 && source(last) < 0) --last;
           bool first = true;
           for (int64_t kd = 0; kd <= last; ++kd) {
             const int64_t d = source(kd);
             if (d < 0) continue;
             const float* x = buffers.in<float>(0) + (n * depth.in + d) * x_plane;
             const ConvArgs args{
                 .x = x,
                 .packed = reinterpret_cast<const float*>(packed[static_cast<size_t>(kd)].get()),
                 .bias = has_bias && first ? buffers.in<float>(2) : nullptr,
                 .residual = first ? nullptr : y,
                 .y = y,
                 .activation = kd == last ? act : Activation{}};
             kernels.conv(plan, args, range(task, task + 1), buffers.thread_scratch);
             first = false;
           }
         }
       }});
  return step;
}

Result<Step> lower_2d(const Conv& op, const Lowering& at, const ConvFacts& facts) {
  const Kernels& kernels = at.kernels;
  ConvPlan plan;
  kernels.conv_plan(conv_shape(op, facts.axes, facts.batch, facts.x.back(), facts.w[0]), &plan);
  Step step;
  step.kernel = "conv_f32";
  step.why = plan.algorithm;
  step.thread_scratch_bytes = plan.scratch_bytes;
  PackedWeights::Buffer packed;
  if (at.in(1).is_constant()) {
    const ConvSource source =
        plane_source(at.in(1).constant.data<float>().data(), facts.axes, facts.w.back(), 0);
    TRY(packed, pack_conv(at, plan, source, "ohwi"));
  } else {
    step.why += ", weights packed while running";
    step.shared_scratch_bytes = plan.packed_floats * sizeof(float);
    step.phases.push_back({op.groups, [&kernels, plan, axes = facts.axes, group_in = facts.w.back()](
                                          const StepBuffers& buffers, int64_t begin, int64_t end) {
                             kernels.conv_pack(plan, plane_source(buffers.in<float>(1), axes, group_in, 0),
                                               shared_floats(buffers), range(begin, end));
                           }});
  }
  step.phases.push_back(
      {static_cast<int64_t>(plan.tasks), [&kernels, plan, packed, has_bias = facts.has_bias, act = op.act](
                                             const StepBuffers& buffers, int64_t begin, int64_t end) {
         const float* weights =
             packed != nullptr ? reinterpret_cast<const float*>(packed.get()) : shared_floats(buffers);
         const ConvArgs args{.x = buffers.in<float>(0),
                             .packed = weights,
                             .bias = has_bias ? buffers.in<float>(2) : nullptr,
                             .residual = nullptr,
                             .y = buffers.out<float>(0),
                             .activation = act};
         kernels.conv(plan, args, range(begin, end), buffers.thread_scratch);
       }});
  return step;
}

}  // namespace

Result<PackedWeights::Buffer> pack_conv(const Lowering& at, const ConvPlan& plan, const ConvSource& source,
                                        std::string_view part) {
  const ConvShape& s = plan.shape;
  const std::string packing =
      format("conv {} {} k{}x{} s{}x{} d{}x{} g{}", at.kernels.isa, part, s.kernel_h, s.kernel_w, s.stride_h,
             s.stride_w, s.dilation_h, s.dilation_w, s.groups);
  return at.pack(at.in(1).constant, packing, plan.packed_floats * sizeof(float), [&](std::byte* out) {
    at.kernels.conv_pack(plan, source, reinterpret_cast<float*>(out), {0, s.groups});
  });
}

Result<Step> lower(const Conv& op, const Lowering& at) {
  if (!at.all_f32()) return Lowering::reference();
  ConvFacts facts;
  facts.x = at.in_shape(0);
  facts.w = at.in_shape(1);
  facts.y = at.out_shape(0);
  facts.has_bias = at.has(2);
  if (facts.y.elements() == 0 || facts.x.elements() == 0 || facts.w.elements() == 0)
    return Lowering::reference();
  TRY(facts.axes, resolve_axes(op.window, spatial_dims(facts.w), spatial_dims(facts.x)));
  facts.batch = facts.x[0] * facts.axes[0].in;
  const bool constant = at.in(1).is_constant();
  if (!depth_is_batch(facts.axes[0])) return constant ? lower_planes(op, at, facts) : Lowering::reference();
  if (op.groups > 1 && op.groups == facts.x.back() && constant) return lower_depthwise(op, at, facts);
  return lower_2d(op, at, facts);
}

}  // namespace pochade
