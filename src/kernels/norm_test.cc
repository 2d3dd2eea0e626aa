#include <algorithm>

#include "kernels/testing.h"

namespace pochade {
namespace {

class Norm : public KernelTest {};
POCHADE_KERNEL_TESTS(Norm);
class Reduce : public KernelTest {};
POCHADE_KERNEL_TESTS(Reduce);
class Softmax : public KernelTest {};
POCHADE_KERNEL_TESTS(Softmax);
using Floats = GuardedBuffer<float>;

TEST_P(Norm, ChannelStatistics) {
  for (size_t channels : {1, 3, 16, 31, 64, 70, 600})
    for (size_t rows : {1, 2, 15, 17, 1025, 3000}) {
      SCOPED_TRACE(std::to_string(rows) + " rows of " + std::to_string(channels));
      const size_t ld = channels + (rows > 1 ? 2 : 0);
      // A mean far from 0 is what a sum of squares without shift would fail on.
      Floats x(numbers((rows - 1) * ld + channels, 1, 99, 101)), mean(channels), variance(channels);
      const size_t blocks = k().channel_stats_blocks(rows, channels);
      Floats partials(blocks * 2 * channels);
      const ChannelStatsArgs args{x.data(), rows, channels, ld, partials.data()};
      run_divided(blocks, partials, [&](Range r) { k().channel_stats(args, r); });
      k().channel_stats_finish(args, mean.data(), variance.data());
      std::vector<double> want_mean(channels), want_variance(channels);
      for (size_t i = 0; i < rows; ++i)
        for (size_t c = 0; c < channels; ++c) want_mean[c] += x[i * ld + c] / static_cast<double>(rows);
      for (size_t i = 0; i < rows; ++i)
        for (size_t c = 0; c < channels; ++c)
          want_variance[c] +=
              (x[i * ld + c] - want_mean[c]) * (x[i * ld + c] - want_mean[c]) / static_cast<double>(rows);
      expect_near(want_mean, mean.data(), 1e-7, 0, "mean");
      expect_near(want_variance, variance.data(), 2e-6, 1e-9, "variance");
    }
}

TEST_P(Norm, Coefficients) {
  const size_t n = 19;
  Floats mean(numbers(n, 1)), variance(numbers(n, 2, 0, 2)), gamma(numbers(n, 3)), beta(numbers(n, 4)),
      scale(n), shift(n);
  for (bool affine : {false, true}) {
    k().norm_coefficients(mean.data(), variance.data(), affine ? gamma.data() : nullptr,
                          affine ? beta.data() : nullptr, 1e-3f, n, scale.data(), shift.data());
    std::vector<double> want_scale, want_shift;
    for (size_t i = 0; i < n; ++i) {
      want_scale.push_back((affine ? gamma[i] : 1.0) / std::sqrt(variance[i] + 1e-3));
      want_shift.push_back((affine ? beta[i] : 0.0) - mean[i] * want_scale.back());
    }
    expect_near(want_scale, scale.data(), 1e-6, 1e-6, "scale");
    expect_near(want_shift, shift.data(), 1e-6, 1e-6, "shift");
  }
}

TEST_P(Norm, ScaleShift) {
  for (size_t channels : {1, 3, 16, 63, 64, 65, 2050})
    for (const Activation& activation : all_activations())
      for (bool with_residual : {false, true}) {
        const size_t rows = channels > 1000 ? 3 : 41;
        Floats x(numbers(rows * channels, 1)), scale(numbers(channels, 2)), shift(numbers(channels, 3)),
            residual(numbers(rows * channels, 4)), y(rows * channels);
        const ScaleShiftArgs args{
            x.data(), scale.data(), shift.data(), with_residual ? residual.data() : nullptr,
            y.data(), rows,         channels,     activation};
        std::vector<double> want;
        for (size_t i = 0; i < rows * channels; ++i)
          want.push_back(activation_oracle(activation, static_cast<double>(x[i]) * scale[i % channels] +
                                                           shift[i % channels] +
                                                           (with_residual ? residual[i] : 0)));
        run_divided(rows, y, [&](Range r) { k().scale_shift(args, r); });
        expect_near(want, y.data(), 1e-6, 1e-6, "scale_shift");
      }
}

TEST_P(Norm, Rows) {
  for (size_t columns : {1, 3, 16, 33, 768, 5000})
    for (bool affine : {false, true})
      for (bool rms : {false, true}) {
        const size_t rows = 5;
        Floats x(numbers(rows * columns, 1, 9, 11)), gamma(numbers(columns, 2)), beta(numbers(columns, 3)),
            y(rows * columns), mean(rows), inverse(rows);
        RowNormArgs args{x.data(),
                         affine ? gamma.data() : nullptr,
                         affine ? beta.data() : nullptr,
                         y.data(),
                         rows,
                         columns,
                         1e-3f};
        args.rms = rms;
        args.mean = mean.data();
        args.inverse_deviation = inverse.data();
        std::vector<double> want, want_mean, want_inverse;
        for (size_t i = 0; i < rows; ++i) {
          double m = 0, v = 0;
          for (size_t j = 0; j < columns && !rms; ++j) m += x[i * columns + j] / static_cast<double>(columns);
          for (size_t j = 0; j < columns; ++j)
            v += (x[i * columns + j] - m) * (x[i * columns + j] - m) / static_cast<double>(columns);
          want_mean.push_back(m);
          want_inverse.push_back(1 / std::sqrt(v + static_cast<double>(1e-3f)));
          for (size_t j = 0; j < columns; ++j)
            want.push_back((x[i * columns + j] - m) * want_inverse.back() * (affine ? gamma[j] : 1) +
                           (affine ? beta[j] : 0));
        }
        run_divided(rows, y, [&](Range r) { k().row_norm(args, r); });
        expect_near(want, y.data(), 1e-5, 3e-5, "row_norm");
        expect_near(want_mean, mean.data(), 1e-6, 0, "mean");
        expect_near(want_inverse, inverse.data(), 1e-5, 0, "inverse deviation");
      }
}

TEST_P(Softmax, ShortAndLongRows) {
  for (size_t columns : {1, 2, 3, 4, 15, 16, 17, 33, 1000, 9001})
    for (bool logarithm : {false, true}) {
      const size_t rows = 37 / (columns > 100 ? 8 : 1);
      // All below 0, so that a padding lane of 0 would be the largest.
      Floats x(numbers(rows * columns, 5, -90, -1)), y(rows * columns);
      std::vector<double> want(rows * columns);
      for (size_t i = 0; i < rows; ++i) {
        double most = -INFINITY, total = 0;
        for (size_t j = 0; j < columns; ++j) most = std::max<double>(most, x[i * columns + j]);
        for (size_t j = 0; j < columns; ++j) total += std::exp(x[i * columns + j] - most);
        for (size_t j = 0; j < columns; ++j) {
          const double d = x[i * columns + j] - most;
          want[i * columns + j] = logarithm ? d - std::log(total) : std::exp(d) / total;
        }
      }
      const auto run = logarithm ? k().log_softmax : k().softmax;
      run_divided(rows, y, [&](Range r) { run(x.data(), y.data(), columns, r); });
      expect_near(want, y.data(), 1e-6, logarithm ? 1e-6 : 1e-37, "softmax of " + std::to_string(columns));
      run(x.data(), x.data(), columns, {0, rows});
      EXPECT_EQ(x.copy(), y.copy()) << "in place";
    }
}

TEST_P(Softmax, InfinitiesAndNan) {
  for (size_t columns : {3, 20}) {
    Floats x(2 * columns), y(2 * columns);
    for (size_t i = 0; i < x.size(); ++i) x[i] = -INFINITY;
    x[1] = 5;
    x[columns + 2] = NAN;
    k().softmax(x.data(), y.data(), columns, {0, 2});
    for (size_t i = 0; i < columns; ++i) {
      EXPECT_EQ(i == 1 ? 1.0f : 0.0f, y[i]);
      EXPECT_TRUE(std::isnan(y[columns + i]));
    }
  }
  for (size_t columns = 1; columns < 40; ++columns)
    for (size_t place = 0; place < columns; ++place) {
      Floats x(numbers(columns, 1)), y(columns);
      x[place] = NAN;
      k().softmax(x.data(), y.data(), columns, {0, 1});
      for (size_t i = 0; i < columns; ++i) ASSERT_TRUE(std::isnan(y[i])) << i << ", NaN at " << place;
    }
}

TEST_P(Softmax, OfNothing) {
  k().softmax(nullptr, nullptr, 0, {0, 3});
  k().log_softmax(nullptr, nullptr, 0, {0, 3});
}

double reduce_oracle(Reduction r, const std::vector<double>& v) {
  double sum = 0, most = -INFINITY, least = INFINITY, squares = 0, absolute = 0, product = 1;
  bool nan = false;
  for (const double x : v) {
    sum += x;
    nan = nan || std::isnan(x);
    most = std::max(most, x);
    least = std::min(least, x);
    squares += x * x;
    absolute += std::abs(x);
    product *= x;
  }
  if (nan) return NAN;
  switch (r) {
    case Reduction::kSum:
      return sum;
    case Reduction::kMean:
      return sum / static_cast<double>(v.size());
    case Reduction::kMax:
      return most;
    case Reduction::kMin:
      return least;
    case Reduction::kSumOfSquares:
      return squares;
    case Reduction::kSumOfAbs:
      return absolute;
    case Reduction::kProduct:
      return product;
  }
  return 0;
}

TEST_P(Reduce, RowsAndColumns) {
  for (Reduction reduction : {Reduction::kSum, Reduction::kMean, Reduction::kMax, Reduction::kMin,
                              Reduction::kSumOfSquares, Reduction::kSumOfAbs, Reduction::kProduct})
    for (size_t rows : {0, 1, 5, 300})
      for (size_t columns : {0, 1, 3, 16, 31, 67, 5000})
        for (bool nan : {false, true}) {
          if (rows * columns > 100000 || (nan && rows * columns == 0)) continue;
          SCOPED_TRACE(std::to_string(static_cast<int>(reduction)) + " " + std::to_string(rows) + " x " +
                       std::to_string(columns));
          const bool product = reduction == Reduction::kProduct;
          Floats x(numbers(rows * columns, 1, product ? 0.99f : 0.5f, product ? 1.01f : 2)), by_row(rows),
              by_column(columns);
          if (nan) x[rows * columns / 2] = NAN;
          std::vector<double> want_row, want_column;
          for (size_t i = 0; i < rows; ++i) {
            std::vector<double> v;
            for (size_t j = 0; j < columns; ++j) v.push_back(x[i * columns + j]);
            want_row.push_back(reduce_oracle(reduction, v));
          }
          for (size_t j = 0; j < columns; ++j) {
            std::vector<double> v;
            for (size_t i = 0; i < rows; ++i) v.push_back(x[i * columns + j]);
            want_column.push_back(reduce_oracle(reduction, v));
          }
          const ReduceArgs row_args{x.data(), by_row.data(), rows, columns},
              column_args{x.data(), by_column.data(), rows, columns};
          run_divided(rows, by_row, [&](Range r) { k().reduce_rows(reduction, row_args, r); });
          run_divided(columns, by_column, [&](Range r) { k().reduce_columns(reduction, column_args, r); });
          const double tolerance = product ? 1e-3 : 1e-6;
          expect_near(want_row, by_row.data(), tolerance, 0, "by row");
          expect_near(want_column, by_column.data(), tolerance, 0, "by column");
        }
}

TEST_P(Reduce, InfinityIsNotLost) {
  std::vector<float> x(700, 1.0f);
  x[100] = INFINITY;
  float row = 0, column = 0;
  k().reduce_rows(Reduction::kSum, {x.data(), &row, 1, 700}, {0, 1});
  k().reduce_columns(Reduction::kMean, {x.data(), &column, 700, 1}, {0, 1});
  EXPECT_EQ(INFINITY, row);
  EXPECT_EQ(INFINITY, column);
}

TEST_P(Reduce, LongSumsStayAccurate) {
  const size_t n = 3000000;
  std::vector<float> x(n, 0.1f);
  float row = 0, column = 0;
  k().reduce_rows(Reduction::kSum, {x.data(), &row, 1, n}, {0, 1});
  k().reduce_columns(Reduction::kSum, {x.data(), &column, n, 1}, {0, 1});
  const double want = static_cast<double>(0.1f) * n;
  EXPECT_NEAR(want, row, want * 1e-6);
  EXPECT_NEAR(want, column, want * 5e-6);
}

}  // namespace
}  // namespace pochade
