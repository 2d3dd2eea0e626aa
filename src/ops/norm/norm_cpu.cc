// Batch, instance and group normalisation on the CPU: whatever the statistics come from, each channel becomes
// x * scale + shift.

#include "ops/norm/batch_normalization.h"
#include "ops/norm/instance_normalization.h"
#include "ops/norm/layer_normalization.h"
#include "ops/phases.h"

namespace pochade {
namespace {

/// y = act(x * scale + shift) by channel, with one pair of vectors for each image: at `coefficients` floats
/// into the shared scratch, scale then shift. `image_step` floats lie from one image's pair to the next
/// one's.
Phase scale_shift_phase(const Kernels& kernels, const Shape& x, size_t coefficients, size_t image_step,
                        const Activation& act) {
  const int64_t channels = x.back(), pixels = x.product(1, x.rank() - 1);
  const int64_t rows_at_once = std::max<int64_t>(1, 64 / channels);  // short rows: several of them a unit
  const int64_t units = (pixels + rows_at_once - 1) / rows_at_once;
  return divided(x[0] * units, channels * rows_at_once,
                 [&kernels, channels, pixels, units, rows_at_once, coefficients, image_step, act](
                     const StepBuffers& buffers, Range range_of_units) {
                   auto begin = static_cast<int64_t>(range_of_units.begin);
                   const auto end = static_cast<int64_t>(range_of_units.end);
                   while (begin < end) {
                     const int64_t n = begin / units, stop = std::min(end, (n + 1) * units);
                     const float* pair =
                         shared_floats(buffers, coefficients + static_cast<size_t>(n) * image_step);
                     const int64_t first = n * pixels * channels;
                     const ScaleShiftArgs args{.x = buffers.in<float>(0) + first,
                                               .scale = pair,
                                               .shift = pair + channels,
                                               .residual = nullptr,
                                               .y = buffers.out<float>(0) + first,
                                               .rows = static_cast<size_t>(pixels),
                                               .channels = static_cast<size_t>(channels),
                                               .activation = act};
                     kernels.scale_shift(args, range((begin - n * units) * rows_at_once,
                                                     std::min(pixels, (stop - n * units) * rows_at_once)));
                     begin = stop;
                   }
                 });
}

/// Mean and variance of each channel over groups of channels of equal size (the law of total variance).
void merge_groups(float* mean, float* variance, int64_t channels, int64_t groups) {
  const int64_t size = channels / groups;
  for (int64_t g = 0; g < groups; ++g) {
    float* m = mean + g * size;
    float* v = variance + g * size;
    double group_mean = 0, group_variance = 0;
    for (int64_t c = 0; c < size; ++c) group_mean += m[c];
    group_mean /= static_cast<double>(size);
    for (int64_t c = 0; c < size; ++c) {
      const double d = m[c] - group_mean;
      group_variance += v[c] + d * d;
    }
    std::fill(m, m + size, static_cast<float>(group_mean));
    std::fill(v, v + size, static_cast<float>(group_variance / static_cast<double>(size)));
  }
}

/// Statistics of each channel (or group of them) of each image, then scale and shift. Phase 1: partial
/// statistics of blocks of pixels, whose number depends on the shape alone; phase 2: merged in order; phase
/// 3: applied.
Result<Step> lower_image_norm(const Lowering& at, int64_t groups, float epsilon, const Activation& act,
                              std::string name) {
  const Shape xs = at.in_shape(0);
  if (!at.all_f32() || xs.elements() == 0) return Lowering::reference();
  const Kernels& kernels = at.kernels;
  const auto channels = static_cast<size_t>(xs.back());
  const auto pixels = static_cast<size_t>(xs.product(1, xs.rank() - 1));
  const int64_t images = xs[0];
  const size_t blocks = kernels.channel_stats_blocks(pixels, channels);
  // Shared scratch, in floats: for each image its partials, then mean, variance, scale, shift, gamma, beta.
  const size_t partials = blocks * 2 * channels, coefficients = static_cast<size_t>(images) * partials,
               step_floats = 6 * channels;
  const bool gamma_by_group = at.in_shape(1).elements() != xs.back(),
             beta_by_group = at.in_shape(2).elements() != xs.back();

  Step step;
  step.kernel = std::move(name);
  step.why = format("{} blocks of pixels", blocks);
  step.shared_scratch_bytes = (coefficients + static_cast<size_t>(images) * step_floats) * sizeof(float);
  step.in_place_inputs = {0};
  const auto stats = [pixels, channels, partials](const StepBuffers& buffers, size_t n) {
    return ChannelStatsArgs{buffers.in<float>(0) + n * pixels * channels, pixels, channels, channels,
                            shared_floats(buffers, n * partials)};
  };
  const auto block_cost = static_cast<int64_t>(pixels / blocks * channels);
  step.phases.push_back(
      divided(images * static_cast<int64_t>(blocks), block_cost,
              [&kernels, stats, blocks](const StepBuffers& buffers, Range units) {
                for (size_t unit = units.begin; unit < units.end;) {
                  const size_t n = unit / blocks, stop = std::min(units.end, (n + 1) * blocks);
                  kernels.channel_stats(stats(buffers, n), {unit - n * blocks, stop - n * blocks});
                  unit = stop;
                }
              }));
  step.phases.push_back(
      {images, [&kernels, stats, coefficients, step_floats, channels, groups, epsilon, gamma_by_group,
                beta_by_group](const StepBuffers& buffers, int64_t begin, int64_t end) {
         for (auto n = static_cast<size_t>(begin); n < static_cast<size_t>(end); ++n) {
           float* scale = shared_floats(buffers, coefficients + n * step_floats);
           float *shift = scale + channels, *mean = shift + channels, *variance = mean + channels;
           kernels.channel_stats_finish(stats(buffers, n), mean, variance);
           const auto count = static_cast<int64_t>(channels);
           if (groups != count) merge_groups(mean, variance, count, groups);
           const auto by_channel = [&](size_t input, bool by_group, float* room) {
             const float* values = buffers.in<float>(input);
             if (!by_group) return values;
             for (size_t c = 0; c < channels; ++c)
               room[c] = values[c / (channels / static_cast<size_t>(groups))];
             return static_cast<const float*>(room);
           };
           const float* gamma = by_channel(1, gamma_by_group, variance + channels);
           const float* beta = by_channel(2, beta_by_group, variance + 2 * channels);
           kernels.norm_coefficients(mean, variance, gamma, beta, epsilon, channels, scale, shift);
         }
       }});
  step.phases.push_back(scale_shift_phase(kernels, xs, coefficients, step_floats, act));
  return step;
}

}  // namespace

Result<Step> lower(const InstanceNormalization& norm, const Lowering& at) {
  return lower_image_norm(at, at.in_shape(0).back(), norm.epsilon, norm.act, "instance_norm_f32");
}

Result<Step> lower(const GroupNormalization& norm, const Lowering& at) {
  return lower_image_norm(at, norm.groups, norm.epsilon, Activation{}, "group_norm_f32");
}

Result<Step> lower(const BatchNormalization& norm, const Lowering& at) {
  const Shape xs = at.in_shape(0);
  if (!at.all_f32() || norm.training || xs.elements() == 0) return Lowering::reference();
  const auto channels = static_cast<size_t>(xs.back());
  Step step;
  step.kernel = "scale_shift_f32";
  step.why = "mean and variance are given";
  step.shared_scratch_bytes = 2 * channels * sizeof(float);
  step.in_place_inputs = {0};
  step.phases.push_back({1, [&kernels = at.kernels, channels, epsilon = norm.epsilon](
                                const StepBuffers& buffers, int64_t, int64_t) {
                           float* scale = shared_floats(buffers);
                           kernels.norm_coefficients(buffers.in<float>(3), buffers.in<float>(4),
                                                     buffers.in<float>(1), buffers.in<float>(2), epsilon,
                                                     channels, scale, scale + channels);
                         }});
  step.phases.push_back(scale_shift_phase(at.kernels, xs, 0, 0, norm.act));
  return step;
}

Result<Step> lower(const LayerNormalization& norm, const Lowering& at) {
  const Shape xs = at.in_shape(0);
  const int first = *normal_axis(norm.axis, xs.rank());
  const int64_t rows = xs.product(0, first), columns = xs.product(first, xs.rank());
  if (!at.all_f32() || xs.elements() == 0) return Lowering::reference();
  for (size_t i = 1; i < 3; ++i)
    if (at.has(i) && at.in_shape(i).elements() != columns) return Lowering::reference();
  Step step;
  step.kernel = "row_norm_f32";
  step.why = format("rows of {}", columns);
  step.in_place_inputs = {0};
  step.phases.push_back(
      divided(rows, columns * 4,
              [&kernels = at.kernels, rows, columns, epsilon = norm.epsilon, has_bias = at.has(2),
               statistics = norm.with_statistics](const StepBuffers& buffers, Range range_of_rows) {
                const RowNormArgs args{.x = buffers.in<float>(0),
                                       .gamma = buffers.in<float>(1),
                                       .beta = has_bias ? buffers.in<float>(2) : nullptr,
                                       .y = buffers.out<float>(0),
                                       .rows = static_cast<size_t>(rows),
                                       .columns = static_cast<size_t>(columns),
                                       .epsilon = epsilon,
                                       .mean = statistics ? buffers.out<float>(1) : nullptr,
                                       .inverse_deviation = statistics ? buffers.out<float>(2) : nullptr};
                kernels.row_norm(args, range_of_rows);
              }));
  return step;
}

}  // namespace pochade
