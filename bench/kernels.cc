// Speed of single kernels on one thread, against the fused multiply-adds that the CPU can do at most.
//   bench_kernels [--isa NAME] [--seconds S] [SUBSTRING]
// Time is the thread's CPU time, the least of the repetitions, so that other programs disturb it little.

#include <ctime>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <functional>
#include <string>
#include <tuple>
#include <vector>

#include "kernels/isa.h"
#include "kernels/kernels.h"

namespace pochade {
namespace {

double now_s() {
  timespec t;
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
  return static_cast<double>(t.tv_sec) + 1e-9 * static_cast<double>(t.tv_nsec);
}

double budget_s = 0.3;

double least_time_s(const std::function<void()>& work) {
  work();
  double least = 1e30;
  const double end = now_s() + budget_s;
  do {
    const double start = now_s();
    work();
    least = std::min(least, now_s() - start);
  } while (now_s() < end);
  return least;
}

/// Multiply-adds a second of independent vector instructions in registers.
double peak_macs(Isa isa) {
  constexpr int kLoops = 200000;
  double lanes = 0;
#if defined(__x86_64__)
  const auto loop = [&]() {
    if (isa == Isa::kAvx512 || isa == Isa::kAvx512Vnni) {
      lanes = 16;
      for (int i = 0; i < kLoops; ++i)
        __asm__ volatile(
            "vfmadd231ps %%zmm0,%%zmm1,%%zmm2\n vfmadd231ps %%zmm0,%%zmm1,%%zmm3\n vfmadd231ps "
            "%%zmm0,%%zmm1,%%zmm4\n"
            "vfmadd231ps %%zmm0,%%zmm1,%%zmm5\n vfmadd231ps %%zmm0,%%zmm1,%%zmm6\n vfmadd231ps "
            "%%zmm0,%%zmm1,%%zmm7\n"
            "vfmadd231ps %%zmm0,%%zmm1,%%zmm8\n vfmadd231ps %%zmm0,%%zmm1,%%zmm9\n vfmadd231ps "
            "%%zmm0,%%zmm1,%%zmm10\n"
            "vfmadd231ps %%zmm0,%%zmm1,%%zmm11\n vfmadd231ps %%zmm0,%%zmm1,%%zmm12\n vfmadd231ps "
            "%%zmm0,%%zmm1,%%zmm13\n" ::
                : "xmm2", "xmm3", "xmm4", "xmm5", "xmm6", "xmm7", "xmm8", "xmm9", "xmm10", "xmm11", "xmm12",
                  "xmm13");
    } else if (isa == Isa::kAvx2 || isa == Isa::kAvxVnni) {
      lanes = 8;
      for (int i = 0; i < kLoops; ++i)
        __asm__ volatile(
            "vfmadd231ps %%ymm0,%%ymm1,%%ymm2\n vfmadd231ps %%ymm0,%%ymm1,%%ymm3\n vfmadd231ps "
            "%%ymm0,%%ymm1,%%ymm4\n"
            "vfmadd231ps %%ymm0,%%ymm1,%%ymm5\n vfmadd231ps %%ymm0,%%ymm1,%%ymm6\n vfmadd231ps "
            "%%ymm0,%%ymm1,%%ymm7\n"
            "vfmadd231ps %%ymm0,%%ymm1,%%ymm8\n vfmadd231ps %%ymm0,%%ymm1,%%ymm9\n vfmadd231ps "
            "%%ymm0,%%ymm1,%%ymm10\n"
            "vfmadd231ps %%ymm0,%%ymm1,%%ymm11\n vfmadd231ps %%ymm0,%%ymm1,%%ymm12\n vfmadd231ps "
            "%%ymm0,%%ymm1,%%ymm13\n" ::
                : "xmm2", "xmm3", "xmm4", "xmm5", "xmm6", "xmm7", "xmm8", "xmm9", "xmm10", "xmm11", "xmm12",
                  "xmm13");
    } else {
      lanes = 4;
      for (int i = 0; i < kLoops; ++i)
        __asm__ volatile(
            "mulps %%xmm0,%%xmm2\n addps %%xmm1,%%xmm3\n mulps %%xmm0,%%xmm4\n addps %%xmm1,%%xmm5\n"
            "mulps %%xmm0,%%xmm6\n addps %%xmm1,%%xmm7\n mulps %%xmm0,%%xmm8\n addps %%xmm1,%%xmm9\n" ::
                : "xmm2", "xmm3", "xmm4", "xmm5", "xmm6", "xmm7", "xmm8", "xmm9");
      lanes = 4.0 * 4 / 12;  // a pair of instructions is one multiply-add: 4 pairs where the others have 12
    }
  };
  const double time = least_time_s(loop);
  return 12.0 * lanes * kLoops / time;
#elif defined(__aarch64__)
  (void)isa;
  lanes = 4;
  const double time = least_time_s([] {
    for (int i = 0; i < kLoops; ++i)
      __asm__ volatile(
          "fmla v2.4s,v0.4s,v1.4s\n fmla v3.4s,v0.4s,v1.4s\n fmla v4.4s,v0.4s,v1.4s\n fmla "
          "v5.4s,v0.4s,v1.4s\n"
          "fmla v6.4s,v0.4s,v1.4s\n fmla v7.4s,v0.4s,v1.4s\n fmla v16.4s,v0.4s,v1.4s\n fmla "
          "v17.4s,v0.4s,v1.4s\n"
          "fmla v18.4s,v0.4s,v1.4s\n fmla v19.4s,v0.4s,v1.4s\n fmla v20.4s,v0.4s,v1.4s\n fmla "
          "v21.4s,v0.4s,v1.4s\n" ::
              : "v2", "v3", "v4", "v5", "v6", "v7", "v16", "v17", "v18", "v19", "v20", "v21");
  });
  return 12.0 * lanes * kLoops / time;
#else
  (void)isa;
  (void)lanes;
  return 0;
#endif
}

#if defined(__x86_64__)
#define POCHADE_TWELVE(F, a, b) \
  F(a, b, 2)                    \
  F(a, b, 3)                    \
  F(a, b, 4)                    \
  F(a, b, 5) F(a, b, 6) F(a, b, 7) F(a, b, 8) F(a, b, 9) F(a, b, 10) F(a, b, 11) F(a, b, 12) F(a, b, 13)
#define POCHADE_VPDPBUSD(a, b, i) "vpdpbusd %%" a "0,%%" a "1,%%" a #i "\n"
#define POCHADE_VPDPBUSD_VEX(a, b, i) "%{vex%} vpdpbusd %%" a "0,%%" a "1,%%" a #i "\n"
#define POCHADE_VPMADDWD(a, b, i) \
  "vpmaddwd %%" a "0,%%" a "1,%%" a "14\n vpaddd %%" a "14,%%" a #i ",%%" a #i "\n"
#define POCHADE_SUMS \
  "xmm2", "xmm3", "xmm4", "xmm5", "xmm6", "xmm7", "xmm8", "xmm9", "xmm10", "xmm11", "xmm12", "xmm13", "xmm14"
#endif

/// Multiply-adds of 8-bit integers a second, as the kernels of `isa` do them; 0 if that is not known.
double peak_int8_macs([[maybe_unused]] Isa isa) {
#if defined(__x86_64__)
  constexpr int kLoops = 200000;
  double in_an_instruction = 0;
  const double time = least_time_s([&] {
    if (isa == Isa::kAvx512Vnni) {
      in_an_instruction = 64;
      for (int i = 0; i < kLoops; ++i)
        __asm__ volatile(POCHADE_TWELVE(POCHADE_VPDPBUSD, "zmm", "")::: POCHADE_SUMS);
    } else if (isa == Isa::kAvxVnni) {
      in_an_instruction = 32;
      for (int i = 0; i < kLoops; ++i)
        __asm__ volatile(POCHADE_TWELVE(POCHADE_VPDPBUSD_VEX, "ymm", "")::: POCHADE_SUMS);
    } else if (isa == Isa::kAvx512) {
      in_an_instruction = 32;
      for (int i = 0; i < kLoops; ++i)
        __asm__ volatile(POCHADE_TWELVE(POCHADE_VPMADDWD, "zmm", "")::: POCHADE_SUMS);
    } else if (isa == Isa::kAvx2) {
      in_an_instruction = 16;
      for (int i = 0; i < kLoops; ++i)
        __asm__ volatile(POCHADE_TWELVE(POCHADE_VPMADDWD, "ymm", "")::: POCHADE_SUMS);
    }
  });
  return 12.0 * in_an_instruction * kLoops / time;
#else
  return 0;
#endif
}

/// A convolution with a square kernel, padded as much on each side as keeps the size at stride 1.
ConvShape same(size_t height, size_t width, size_t in_channels, size_t out_channels, size_t kernel = 1,
               size_t stride = 1) {
  ConvShape s{.height = height, .width = width, .in_channels = in_channels, .out_channels = out_channels};
  s.kernel_h = s.kernel_w = kernel;
  s.stride_h = s.stride_w = stride;
  s.pad_top = s.pad_left = static_cast<ptrdiff_t>(kernel / 2);
  return s;
}

/// The same with one filter a channel, for a picture of size x size.
DepthwiseShape same_depthwise(size_t size, size_t channels, size_t kernel, size_t stride) {
  DepthwiseShape s{.height = size, .width = size, .channels = channels};
  s.out_height = s.out_width = (size + stride - 1) / stride;
  s.kernel_h = s.kernel_w = kernel;
  s.stride_h = s.stride_w = stride;
  s.pad_top = s.pad_left = static_cast<ptrdiff_t>(kernel / 2);
  return s;
}

/// Floats on a page boundary, with small values.
class Floats {
 public:
  explicit Floats(size_t n) : memory_(n + 1024) {
    for (size_t i = 0; i < memory_.size(); ++i) memory_[i] = static_cast<float>(i % 17) * 0.1f - 0.8f;
  }
  float* data() {
    return memory_.data() + (4096 - reinterpret_cast<uintptr_t>(memory_.data()) % 4096) / sizeof(float);
  }

 private:
  std::vector<float> memory_;
};

/// Bytes on a page boundary, with all values.
class Bytes {
 public:
  explicit Bytes(size_t n) : memory_(n + 8192) {
    for (size_t i = 0; i < memory_.size(); ++i) memory_[i] = static_cast<uint8_t>(i * 2654435761u >> 13);
  }
  uint8_t* data() { return memory_.data() + (4096 - reinterpret_cast<uintptr_t>(memory_.data()) % 4096); }

 private:
  std::vector<uint8_t> memory_;
};

/// What requantizes each channel of a benchmark.
struct Channels {
  std::vector<int32_t> bias, multiplier, exponent;
  explicit Channels(size_t n) : bias(n, 100), multiplier(n, 0x5a5a5a5a), exponent(n, -9) {}
  Int8Source source(const void* data, ptrdiff_t o, ptrdiff_t r, ptrdiff_t s) const {
    return {data, o, r, s, 1, bias.data(), multiplier.data(), exponent.data(), nullptr, nullptr};
  }
};

struct Bench {
  const Kernels& k;
  double peak;
  double peak_int8;
  std::string filter;

  void report(const char* name, double macs, const char* how, const std::function<void()>& work) const {
    report(name, macs, how, peak, work);
  }
  void report(const char* name, double macs, const char* how, double most,
              const std::function<void()>& work) const {
    const double time = least_time_s(work);
    std::printf("%-34s %9.3f ms %8.1f GMAC/s %6.1f %%  %s\n", name, time * 1e3, macs / time / 1e9,
                most > 0 ? 100 * macs / time / most : 0.0, how);
    std::fflush(stdout);
  }
  bool wanted(const char* name) const {
    return filter.empty() || std::string(name).find(filter) != std::string::npos;
  }

  void conv(const char* name, ConvShape s) const {
    if (!wanted(name)) return;
    if (s.out_height == 0) s.out_height = (s.height + 2 * s.pad_top - s.kernel_h) / s.stride_h + 1;
    if (s.out_width == 0) s.out_width = (s.width + 2 * s.pad_left - s.kernel_w) / s.stride_w + 1;
    ConvPlan plan;
    k.conv_plan(s, &plan);
    Floats x(s.height * s.width * s.in_channels), y(s.out_height * s.out_width * s.out_channels),
        packed(plan.packed_floats), bias(s.out_channels), scratch(plan.scratch_bytes / 4 + 16);
    const ConvArgs args{x.data(), packed.data(), bias.data(), nullptr, y.data(), {ActivationKind::kRelu}};
    const double macs =
        static_cast<double>(s.out_height * s.out_width) *
        static_cast<double>(s.out_channels * s.kernel_h * s.kernel_w * s.in_channels / s.groups);
    report(name, macs, plan.algorithm, [&] { k.conv(plan, args, {0, plan.tasks}, scratch.data()); });
  }

  void int8_conv(const char* name, ConvShape s, Int8Numbers numbers = {}) const {
    if (!wanted(name)) return;
    if (s.out_height == 0) s.out_height = (s.height + 2 * s.pad_top - s.kernel_h) / s.stride_h + 1;
    if (s.out_width == 0) s.out_width = (s.width + 2 * s.pad_left - s.kernel_w) / s.stride_w + 1;
    Int8ConvPlan plan;
    k.int8->conv_plan(s, numbers, &plan);
    const auto row = static_cast<ptrdiff_t>(s.kernel_w * s.in_channels);
    const Channels channels(s.out_channels);
    Bytes x(s.height * s.width * s.in_channels), y(s.out_height * s.out_width * s.out_channels),
        w(s.out_channels * s.kernel_h * s.kernel_w * s.in_channels), packed(plan.packed_bytes),
        scratch(plan.scratch_bytes);
    k.int8->conv_pack(plan,
                      channels.source(w.data(), static_cast<ptrdiff_t>(s.kernel_h) * row, row,
                                      static_cast<ptrdiff_t>(s.in_channels)),
                      packed.data());
    const Int8Args args{x.data(), packed.data(), y.data()};
    const double macs = static_cast<double>(s.out_height * s.out_width) *
                        static_cast<double>(s.out_channels * s.kernel_h * s.kernel_w * s.in_channels);
    report(name, macs, plan.algorithm, peak_int8,
           [&] { k.int8->conv(plan, args, {0, plan.tasks}, scratch.data()); });
  }

  void int8_depthwise(const char* name, size_t size, size_t channels, size_t kernel, size_t stride) const {
    if (!wanted(name)) return;
    const DepthwiseShape s = same_depthwise(size, channels, kernel, stride);
    const size_t out = s.out_height;
    Int8DepthwisePlan plan;
    k.int8->depthwise_plan(s, {}, &plan);
    const Channels each(channels);
    Bytes x(size * size * channels), y(out * out * channels), w(kernel * kernel * channels),
        packed(plan.packed_bytes), scratch(plan.scratch_bytes);
    k.int8->depthwise_pack(
        plan,
        each.source(w.data(), 1, static_cast<ptrdiff_t>(kernel * channels), static_cast<ptrdiff_t>(channels)),
        packed.data());
    const Int8Args args{x.data(), packed.data(), y.data()};
    report(name, static_cast<double>(out * out * channels * kernel * kernel), "", peak_int8,
           [&] { k.int8->depthwise(plan, args, {0, out}, scratch.data()); });
  }

  /// Layers of MobileNet V2, of a residual network and of a style network.
  void int8() const {
    int8_conv("int8 1x1 32->16 112", same(112, 112, 32, 16));
    int8_conv("int8 1x1 16->96 112", same(112, 112, 16, 96));
    int8_conv("int8 1x1 16->96 28", same(28, 28, 16, 96));
    int8_conv("int8 1x1 16->64 28", same(28, 28, 16, 64));
    int8_conv("int8 1x1 96->24 56", same(56, 56, 96, 24));
    int8_conv("int8 1x1 24->144 56", same(56, 56, 24, 144));
    int8_conv("int8 1x1 64->384 14", same(14, 14, 64, 384));
    int8_conv("int8 1x1 384->64 14", same(14, 14, 384, 64));
    int8_conv("int8 1x1 960->160 7", same(7, 7, 960, 160));
    int8_conv("int8 1x1 320->1280 7", same(7, 7, 320, 1280));
    int8_conv("int8 1x1 1280->1000 1", same(1, 1, 1280, 1000));
    int8_conv(
        "int8 uint8 1x1 384->64 14", same(14, 14, 384, 64),
        {.x_signed = false, .w_signed = false, .y_signed = false, .w_zero = 120, .low = 0, .high = 255});
    int8_conv("int8 3x3 s2 3->32 224", same(224, 224, 3, 32, 3, 2));
    for (const auto& [name, size, channels] : {std::tuple{"int8 3x3 16->16 32", size_t{32}, size_t{16}},
                                               {"int8 3x3 128->128 64", 64, 128},
                                               {"int8 3x3 512->512 7", 7, 512}})
      int8_conv(name, same(size, size, channels, channels, 3));
    int8_conv("int8 512^3", same(1, 512, 512, 512));
    int8_depthwise("int8 depthwise 3x3 112 c32", 112, 32, 3, 1);
    int8_depthwise("int8 depthwise 3x3 s2 112 c96", 112, 96, 3, 2);
    int8_depthwise("int8 depthwise 3x3 56 c144", 56, 144, 3, 1);
    int8_depthwise("int8 depthwise 3x3 14 c384", 14, 384, 3, 1);
    int8_depthwise("int8 depthwise 5x5 14 c480", 14, 480, 5, 1);
  }

  void gemm(const char* name, size_t m, size_t n, size_t depth) const {
    if (!wanted(name)) return;
    GemmPlan plan;
    k.gemm_plan({m, n, depth, depth, n}, &plan);
    Floats a(m * depth), c(m * n), packed(plan.packed_floats), scratch(plan.scratch_bytes / 4 + 16);
    const GemmArgs args{a.data(), packed.data(), nullptr, nullptr, c.data(), {}};
    report(name, static_cast<double>(m * n) * static_cast<double>(depth), plan.algorithm,
           [&] { k.gemm(plan, args, {0, plan.tasks}, scratch.data()); });
  }

  void depthwise(const char* name, size_t size, size_t channels, size_t kernel, size_t stride) const {
    if (!wanted(name)) return;
    const DepthwiseShape s = same_depthwise(size, channels, kernel, stride);
    const size_t out = s.out_height;
    Floats x(size * size * channels), y(out * out * channels), f(kernel * kernel * channels);
    const DepthwiseArgs args{x.data(), f.data(), nullptr, y.data(), {ActivationKind::kRelu}};
    report(name, static_cast<double>(out * out * channels * kernel * kernel), "",
           [&] { k.depthwise(s, args, {0, out}); });
  }

  void each(const char* name, size_t n, const std::function<void()>& work) const {
    if (!wanted(name)) return;
    const double time = least_time_s(work);
    std::printf("%-34s %9.3f ms %8.2f ns an element of %zu\n", name, time * 1e3,
                time / static_cast<double>(n) * 1e9, n);
    std::fflush(stdout);
  }

  void streams() const {
    const size_t n = 1 << 16, rows = 180 * 180, channels = 128;
    Floats x(rows * channels), y(rows * channels), partials(2 * channels * 2048), scale(channels),
        shift(channels);
    for (const auto& [name, op] : {std::pair{"relu", Unary::kRelu},
                                   {"sigmoid", Unary::kSigmoid},
                                   {"tanh", Unary::kTanh},
                                   {"exp", Unary::kExp},
                                   {"log", Unary::kLog},
                                   {"erf", Unary::kErf},
                                   {"gelu", Unary::kGelu}})
      each(name, n, [&, which = op] { k.unary(which, x.data(), y.data(), 0, 0, {0, n}); });
    each("softmax rows of 1000", n, [&] { k.softmax(x.data(), y.data(), 1000, {0, 65}); });
    each("softmax rows of 2", n, [&] { k.softmax(x.data(), y.data(), 2, {0, n / 2}); });
    const ChannelStatsArgs stats{x.data(), rows, channels, channels, partials.data()};
    each("channel stats 180x180x128", rows * channels,
         [&] { k.channel_stats(stats, {0, k.channel_stats_blocks(rows, channels)}); });
    each("channel stats, merged", channels,
         [&] { k.channel_stats_finish(stats, scale.data(), shift.data()); });
    const ScaleShiftArgs norm{x.data(), scale.data(), shift.data(), nullptr,
                              y.data(), rows,         channels,     {ActivationKind::kRelu}};
    each("scale, shift, relu 180x180x128", rows * channels, [&] { k.scale_shift(norm, {0, rows}); });
    const CopyArgs transpose{x.data(),
                             y.data(),
                             4,
                             2,
                             {channels, rows},
                             {1, static_cast<ptrdiff_t>(channels)},
                             {static_cast<ptrdiff_t>(rows), 1}};
    each("transpose 180x180x128 to C,H,W", rows * channels,
         [&] { k.copy(transpose, {0, k.copy_units(transpose)}); });
    const ptrdiff_t pixels = 720 * 720;
    const CopyArgs last{x.data(), y.data(), 4, 2, {720 * 720, 3}, {1, pixels}, {3, 1}};
    each("3x720x720 to channels last", 720 * 720 * 3, [&] { k.copy(last, {0, k.copy_units(last)}); });
    const CopyArgs first{x.data(), y.data(), 4, 2, {3, 720 * 720}, {1, 3}, {pixels, 1}};
    each("720x720x3 to channels first", 720 * 720 * 3, [&] { k.copy(first, {0, k.copy_units(first)}); });
    const PoolArgs pool{.x = x.data(),
                        .y = y.data(),
                        .height = 112,
                        .width = 112,
                        .channels = 64,
                        .out_height = 56,
                        .out_width = 56,
                        .kernel_h = 3,
                        .kernel_w = 3,
                        .stride_h = 2,
                        .stride_w = 2};
    each("max pool 3x3 s2 112x112x64", 56 * 56 * 64, [&] { k.max_pool(pool, {0, 55}); });
  }
};

void run(Isa isa, const std::string& filter) {
  const double peak = peak_macs(isa);
  const double peak_int8 = peak_int8_macs(isa);
  std::printf("isa %s, peak %.1f GMAC/s of floats, %.1f of 8-bit integers (%s)\n", kernels(isa)->isa,
              peak / 1e9, peak_int8 / 1e9, kernels(isa)->int8->form);
  const Bench b{*kernels(isa), peak, peak_int8, filter};
  b.int8();
  b.conv("conv 3x3 128->128 180x180", same(180, 180, 128, 128, 3));
  b.conv("conv 9x9 3->32 720x720", same(720, 720, 3, 32, 9));
  b.conv("conv 9x9 32->3 720x720", same(720, 720, 32, 3, 9));
  b.conv("conv 3x3 s2 32->64 360", same(360, 360, 32, 64, 3, 2));
  b.conv("conv 3x3 s2 64->128 180", same(180, 180, 64, 128, 3, 2));
  b.conv("conv 3x3 s2 3->16 240x320", same(240, 320, 3, 16, 3, 2));
  b.conv("conv 1x1 256->256 28x28", same(28, 28, 256, 256));
  b.conv("conv 1x1 64->24 60x80", same(60, 80, 64, 24));
  b.conv("conv 1x1 512->2048 7x7", same(7, 7, 512, 2048));
  b.conv("conv 3x3 16->64 56x56", same(56, 56, 16, 64, 3));
  b.conv("conv 3x3 64->256 13x13", same(13, 13, 64, 256, 3));
  b.conv("conv 3x3 512->512 7x7", same(7, 7, 512, 512, 3));
  b.conv("conv 3x3 64->6 30x40", same(30, 40, 64, 6, 3));
  b.gemm("gemm 512^3", 512, 512, 512);
  b.gemm("gemm 1024^3", 1024, 1024, 1024);
  b.gemm("gemm 1x1000x1280", 1, 1000, 1280);
  b.gemm("gemm 49x3072x768", 49, 3072, 768);
  b.depthwise("depthwise 3x3 56x56x128", 56, 128, 3, 1);
  b.depthwise("depthwise 3x3 s2 112x112x64", 112, 64, 3, 2);
  b.depthwise("depthwise 5x5 14x14x480", 14, 480, 5, 1);
  b.streams();
}

}  // namespace
}  // namespace pochade

int main(int argc, char** argv) {
  using namespace pochade;
  std::string filter;
  Isa isa = best_isa();
  for (int i = 1; i < argc; ++i) {
    const std::string arg = argv[i];
    if (arg == "--isa" && i + 1 < argc) {
      const auto parsed = parse_isa(argv[++i]);
      if (!parsed || kernels(*parsed) == nullptr) {
        std::fprintf(stderr, "bench_kernels: this machine does not run the ISA \"%s\"\n", argv[i]);
        return 2;
      }
      isa = *parsed;
    } else if (arg == "--seconds" && i + 1 < argc) {
      budget_s = std::atof(argv[++i]);
    } else if (arg[0] == '-') {
      std::fprintf(stderr, "usage: bench_kernels [--isa NAME] [--seconds S] [SUBSTRING]\n");
      return 2;
    } else {
      filter = arg;
    }
  }
  run(isa, filter);
  return 0;
}
