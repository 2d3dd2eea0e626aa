// Products on the CPU. B is packed once where it is constant, else at each run into the step's scratch.

#include "ops/matrix/gemm.h"
#include "ops/phases.h"

namespace pochade {
namespace {

GemmShape gemm_shape(int64_t m, int64_t n, int64_t k) {
  return {static_cast<size_t>(m), static_cast<size_t>(n), static_cast<size_t>(k), static_cast<size_t>(k),
          static_cast<size_t>(n)};
}

/// The key of packed weights: everything that their form depends on.
std::string packing(const Kernels& kernels, const GemmPlan& plan, const GemmSource& source, float alpha) {
  return format("gemm {} {} n{} k{} strides {} {} alpha {}", kernels.isa, plan.algorithm, plan.shape.n,
                plan.shape.k, source.k_stride, source.n_stride, alpha);
}

/// What is added to the product: a row for all rows of y, or a matrix like y.
struct Addend {
  PackedWeights::Buffer constant;  ///< null: the input itself
  bool is_row = false;
  bool is_matrix = false;
  bool supported = true;
};

Result<Addend> addend(const Gemm& op, const Lowering& at, int64_t m, int64_t n) {
  Addend out;
  if (!at.has(2) || op.beta == 0) return out;
  const Shape cs = at.in_shape(2);
  const int64_t c_rows = cs.rank() == 2 ? cs[0] : 1, c_columns = cs.rank() == 0 ? 1 : cs.back();
  out.is_row = c_rows == 1;
  out.is_matrix = !out.is_row;
  if (op.beta == 1 && c_columns == n && (c_rows == 1 || c_rows == m)) return out;
  if (!at.in(2).is_constant()) {
    out.supported = false;
    return out;
  }
  const int64_t rows = out.is_row ? 1 : m;
  TRY(out.constant,
      at.pack(at.in(2).constant, format("{} * c to {}x{}", op.beta, rows, n),
              static_cast<size_t>(rows * n) * sizeof(float), [&](std::byte* bytes) {
                const float* c = at.in(2).constant.data<float>().data();
                auto* to = reinterpret_cast<float*>(bytes);
                for (int64_t i = 0; i < rows; ++i)
                  for (int64_t j = 0; j < n; ++j)
                    to[i * n + j] = op.beta * c[(c_rows == 1 ? 0 : i) * c_columns + (c_columns == 1 ? 0 : j)];
              }));
  return out;
}

}  // namespace

Result<Step> lower(const Gemm& op, const Lowering& at) {
  const Shape as = at.in_shape(0), ys = at.out_shape(0);
  const int64_t m = ys[0], n = ys[1], k = as[op.transpose_a ? 0 : 1];
  if (!at.all_f32() || ys.elements() == 0 || k == 0) return Lowering::reference();
  const Kernels& kernels = at.kernels;
  GemmPlan plan;
  kernels.gemm_plan(gemm_shape(m, n, k), &plan);
  TRY(const Addend add, addend(op, at, m, n));
  if (!add.supported) return Lowering::reference();

  Step step;
  step.kernel = "gemm_f32";
  step.why = plan.algorithm;
  step.thread_scratch_bytes = plan.scratch_bytes;
  const ptrdiff_t k_stride = op.transpose_b ? 1 : n, n_stride = op.transpose_b ? k : 1;
  PackedWeights::Buffer packed;
  size_t a_offset = 0;  // floats of scratch before the turned A
  if (at.in(1).is_constant()) {
    const GemmSource source{at.in(1).constant.data<float>().data(), k_stride, n_stride};
    TRY(packed, at.pack(at.in(1).constant, packing(kernels, plan, source, op.alpha),
                        plan.packed_floats * sizeof(float), [&](std::byte* bytes) {
                          auto* to = reinterpret_cast<float*>(bytes);
                          kernels.gemm_pack(plan, source, to, {0, kernels.gemm_pack_units(plan)});
                          if (op.alpha != 1)
                            kernels.unary(Unary::kAffine, to, to, op.alpha, 0, {0, plan.packed_floats});
                        }));
  } else {
    step.why += ", B packed while running";
    a_offset = plan.packed_floats;
    const size_t units = kernels.gemm_pack_units(plan);
    step.phases.push_back(
        {static_cast<int64_t>(units),
         [&kernels, plan, k_stride, n_stride](const StepBuffers& buffers, int64_t begin, int64_t end) {
           kernels.gemm_pack(plan, {buffers.in<float>(1), k_stride, n_stride}, shared_floats(buffers),
                             range(begin, end));
         }});
    if (op.alpha != 1)
      step.phases.push_back(divided(static_cast<int64_t>(plan.packed_floats), 1,
                                    [&kernels, alpha = op.alpha](const StepBuffers& buffers, Range elements) {
                                      float* b = shared_floats(buffers);
                                      kernels.unary(Unary::kAffine, b, b, alpha, 0, elements);
                                    }));
  }
  step.shared_scratch_bytes = a_offset * sizeof(float);
  if (op.transpose_a) {
    step.shared_scratch_bytes += static_cast<size_t>(m * k) * sizeof(float);
    step.phases.push_back(divided(m, k, [m, k, a_offset](const StepBuffers& buffers, Range rows) {
      float* a = shared_floats(buffers, a_offset);
      for (auto i = static_cast<int64_t>(rows.begin); i < static_cast<int64_t>(rows.end); ++i)
        for (int64_t j = 0; j < k; ++j) a[i * k + j] = buffers.in<float>(0)[j * m + i];
    }));
  }
  step.phases.push_back(
      {static_cast<int64_t>(plan.tasks),
       [&kernels, plan, packed, add, a_offset, turned = op.transpose_a, act = op.act](
           const StepBuffers& buffers, int64_t begin, int64_t end) {
         const float* c = add.constant != nullptr       ? reinterpret_cast<const float*>(add.constant.get())
                          : add.is_row || add.is_matrix ? buffers.in<float>(2)
                                                        : nullptr;
         const GemmArgs args{
             turned ? shared_floats(buffers, a_offset) : buffers.in<float>(0),
             packed != nullptr ? reinterpret_cast<const float*>(packed.get()) : shared_floats(buffers),
             add.is_row ? c : nullptr,
             add.is_matrix ? c : nullptr,
             buffers.out<float>(0),
             act};
         kernels.gemm(plan, args, range(begin, end), buffers.thread_scratch);
       }});
  return step;
}

Result<Step> lower(const MatMul&, const Lowering& at) {
  const Shape as = at.in_shape(0), bs = at.in_shape(1);
  MatMulShape shape(as, bs);
  if (!at.all_f32() || shape.y.elements() == 0 || shape.k == 0) return Lowering::reference();
  // One B for all of A: a single taller product.
  const bool one_b = bs.elements() == shape.k * shape.n && as.elements() == shape.batches * shape.m * shape.k;
  if (one_b) {
    shape.m *= shape.batches;
    shape.batches = 1;
  }
  const Kernels& kernels = at.kernels;
  GemmPlan plan;
  kernels.gemm_plan(gemm_shape(shape.m, shape.n, shape.k), &plan);
  const int64_t matrices = bs.elements() / (shape.k * shape.n);  // of B, each packed once
  Step step;
  step.kernel = "gemm_f32";
  step.why = shape.batches > 1 ? format("{} products, {}", shape.batches, plan.algorithm)
                               : std::string(plan.algorithm);
  step.thread_scratch_bytes = plan.scratch_bytes;
  const size_t all_packed = plan.packed_floats * static_cast<size_t>(matrices);
  const auto units = static_cast<int64_t>(kernels.gemm_pack_units(plan));
  const auto columns = static_cast<ptrdiff_t>(shape.n);
  const auto pack = [&kernels, plan, units, k = shape.k, n = columns](const float* b, float* to,
                                                                      int64_t begin, int64_t end) {
    for (int64_t unit = begin; unit < end; ++unit) {
      const int64_t matrix = unit / units;
      kernels.gemm_pack(plan, {b + matrix * k * n, n, 1},
                        to + static_cast<size_t>(matrix) * plan.packed_floats,
                        range(unit % units, unit % units + 1));
    }
  };
  PackedWeights::Buffer packed;
  if (at.in(1).is_constant()) {
    const float* b = at.in(1).constant.data<float>().data();
    TRY(packed,
        at.pack(at.in(1).constant, packing(kernels, plan, {b, columns, 1}, 1), all_packed * sizeof(float),
                [&](std::byte* bytes) { pack(b, reinterpret_cast<float*>(bytes), 0, matrices * units); }));
  } else {
    step.why += ", B packed while running";
    step.shared_scratch_bytes = all_packed * sizeof(float);
    step.phases.push_back({matrices * units, [pack](const StepBuffers& buffers, int64_t begin, int64_t end) {
                             pack(buffers.in<float>(1), shared_floats(buffers), begin, end);
                           }});
  }
  const auto tasks = static_cast<int64_t>(plan.tasks);
  step.phases.push_back({shape.batches * tasks, [&kernels, plan, packed, shape, tasks](
                                                    const StepBuffers& buffers, int64_t begin, int64_t end) {
                           const float* all = packed != nullptr ? reinterpret_cast<const float*>(packed.get())
                                                                : shared_floats(buffers);
                           while (begin < end) {
                             const int64_t batch = begin / tasks, stop = std::min(end, (batch + 1) * tasks);
                             const auto matrix =
                                 static_cast<size_t>(shape.b_offset(batch) / (shape.k * shape.n));
                             const GemmArgs args{buffers.in<float>(0) + shape.a_offset(batch),
                                                 all + matrix * plan.packed_floats,
                                                 nullptr,
                                                 nullptr,
                                                 buffers.out<float>(0) + batch * shape.m * shape.n,
                                                 Activation{}};
                             kernels.gemm(plan, args, range(begin - batch * tasks, stop - batch * tasks),
                                          buffers.thread_scratch);
                             begin = stop;
                           }
                         }});
  return step;
}

}  // namespace pochade
