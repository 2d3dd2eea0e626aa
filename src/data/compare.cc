#include "data/compare.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <set>

namespace pochade {

Difference compare(std::string name, const Tensor& a, const Tensor& b) {
  Difference out;
  out.name = std::move(name);
  if (a.dtype() != b.dtype() || a.shape() != b.shape()) {
    out.mismatch =
        format("{} {} against {} {}", to_string(a.dtype()), a.shape(), to_string(b.dtype()), b.shape());
    return out;
  }
  const Tensor wide_a = a.cast(DType::kF64).value(), wide_b = b.cast(DType::kF64).value();
  const auto x = wide_a.data<double>(), y = wide_b.data<double>();
  double squared_error = 0, xx = 0, yy = 0, xy = 0, largest = 0;
  double low = std::numeric_limits<double>::infinity(), high = -low;
  for (size_t i = 0; i < x.size(); ++i) {
    if (!std::isfinite(x[i]) || !std::isfinite(y[i])) {
      const bool same = x[i] == y[i] || (std::isnan(x[i]) && std::isnan(y[i]));
      if (!same) out.max_abs = std::numeric_limits<double>::infinity();
      continue;
    }
    const double error = std::abs(x[i] - y[i]);
    out.max_abs = std::max(out.max_abs, error);
    squared_error += error * error;
    xx += x[i] * x[i];
    yy += y[i] * y[i];
    xy += x[i] * y[i];
    largest = std::max(largest, std::abs(x[i]));
    low = std::min(low, x[i]);
    high = std::max(high, x[i]);
  }
  out.max_relative =
      out.max_abs == 0 ? 0 : out.max_abs / std::max(largest, std::numeric_limits<double>::min());
  out.cosine = xx == 0 && yy == 0 ? 1 : xx == 0 || yy == 0 ? 0 : xy / std::sqrt(xx * yy);
  const double range = high > low ? high - low : std::max(largest, 1.0);
  out.psnr_db = out.max_abs == 0 ? std::numeric_limits<double>::infinity()
                : std::isinf(out.max_abs)
                    ? -std::numeric_limits<double>::infinity()
                    : 20 * std::log10(range) - 10 * std::log10(squared_error / static_cast<double>(x.size()));
  return out;
}

void keep_worst(Difference& worst, const Difference& next) {
  worst.max_abs = std::max(worst.max_abs, next.max_abs);
  worst.max_relative = std::max(worst.max_relative, next.max_relative);
  worst.cosine = std::min(worst.cosine, next.cosine);
  worst.psnr_db = std::min(worst.psnr_db, next.psnr_db);
  if (worst.mismatch.empty()) worst.mismatch = next.mismatch;
}

Graph with_all_outputs(const Graph& graph) {
  Graph out = graph;
  std::set<std::string> taken;
  for (const GraphOutput& o : out.outputs()) taken.insert(o.name);
  for (const NodeId n : graph.topological_order())
    for (const ValueId v : graph.node(n).outputs)
      if (graph.fact(v).present() && taken.insert(graph.value(v).name).second)
        out.add_output(graph.value(v).name, v);
  return out;
}

}  // namespace pochade
