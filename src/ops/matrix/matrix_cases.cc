#include "ops/cases.h"
#include "ops/matrix/gemm.h"

namespace pochade {
namespace {

double tolerance(int64_t k) {
  return 2e-6 * std::max<double>(4, static_cast<double>(k) / 8);
}

void add_gemm(Cases& cases) {
  for (const int64_t m : {1, 2, 3, 5, 6, 7, 8, 13, 14, 15})
    for (const int64_t n : {1, 7, 16, 17, 33}) {
      Gemm op;
      cases.add("m{}_n{}", op, m, n)
          .input(f32({m, 20}))
          .weight(f32({20, n}))
          .weight(f32({n}))
          .tolerance(1e-5, 1e-5);
    }
  for (const int64_t k : {1, 2, 31, 32, 33, 500})
    cases.add("k{}", Gemm{}, k).input(f32({4, k})).weight(f32({k, 9})).tolerance(tolerance(k), tolerance(k));
  for (const bool turn_a : {false, true})
    for (const bool turn_b : {false, true})
      for (const bool constant : {false, true})
        for (const float scale : {1.0f, 0.5f}) {
          Gemm op;
          op.transpose_a = turn_a;
          op.transpose_b = turn_b;
          op.alpha = scale;
          op.beta = scale;
          op.act.kind = Activation::Kind::kRelu;
          Case& test = cases.add("a{}_b{}_constant{}_scale{}", op, turn_a, turn_b, constant, scale);
          test.input(f32(turn_a ? Shape{11, 6} : Shape{6, 11}));
          InputSpec b = f32(turn_b ? Shape{18, 11} : Shape{11, 18});
          if (constant)
            test.weight(b);
          else
            test.input(b);
          test.weight(f32({18}));
        }
  for (const Shape& c : {Shape{}, Shape{1}, Shape{7}, Shape{1, 7}, Shape{5, 1}, Shape{5, 7}, Shape{1, 1}})
    for (const float beta : {1.0f, -2.0f, 0.0f}) {
      Gemm op;
      op.beta = beta;
      cases.add("c{}_beta{}", op, c, beta).input(f32({5, 4})).weight(f32({4, 7})).weight(f32(c));
    }
  cases.add("c_computed_row", Gemm{}).input(f32({5, 4})).weight(f32({4, 7})).input(f32({7}));
  cases.add("c_computed_matrix", Gemm{}).input(f32({5, 4})).weight(f32({4, 7})).input(f32({5, 7}));
  Gemm classifier;
  classifier.transpose_b = true;
  cases.add("classifier", classifier)
      .input(f32({1, 512}))
      .weight(f32({1000, 512}))
      .weight(f32({1000}))
      .tolerance(1e-4, 1e-4);
}

void add_matmul(Cases& cases) {
  struct Pair {
    Shape a, b;
  };
  for (const bool constant : {false, true})
    for (const Pair& pair : {Pair{{5, 7}, {7, 9}}, Pair{{3, 5, 7}, {7, 9}}, Pair{{2, 3, 5, 7}, {3, 7, 9}},
                             Pair{{5, 7}, {3, 7, 9}}, Pair{{2, 1, 5, 7}, {1, 3, 7, 9}}, Pair{{7}, {7, 9}},
                             Pair{{5, 7}, {7}}, Pair{{7}, {7}}, Pair{{7}, {3, 7, 9}}, Pair{{3, 5, 7}, {7}},
                             Pair{{4, 64, 64}, {4, 64, 64}}, Pair{{1, 33, 65}, {1, 65, 31}}}) {
      Case& test = cases.add("a{}_b{}_constant{}", MatMul{}, pair.a, pair.b, constant);
      test.input(f32(pair.a));
      if (constant)
        test.weight(f32(pair.b));
      else
        test.input(f32(pair.b));
      test.tolerance(2e-5, 2e-5);
    }
}

}  // namespace

Cases matrix_cases() {
  Cases cases;
  add_gemm(cases);
  add_matmul(cases);
  return cases;
}

}  // namespace pochade
