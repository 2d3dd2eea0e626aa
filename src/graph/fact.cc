#include "graph/fact.h"

#include <algorithm>

namespace pochade {

std::string to_string(const Dim& dim) {
  if (dim.is_number()) return std::to_string(dim.number());
  if (dim.is_named()) return dim.name();
  return dim.bound() >= 0 ? format("<={}", dim.bound()) : "?";
}

std::optional<Shape> Fact::shape() const {
  if (!dims || dims->size() > kMaxRank) return std::nullopt;
  Shape out;
  for (const Dim& dim : *dims) {
    if (!dim.is_number()) return std::nullopt;
    out.push_back(dim.number());
  }
  return out;
}

std::string to_string(const Fact& fact) {
  if (!fact.present()) return "absent";
  std::string out(to_string(*fact.dtype));
  out += ' ';
  if (!fact.dims) {
    out += "of unknown rank";
  } else {
    out += fact.dims->empty() ? "scalar" : join(*fact.dims, "x");
  }
  if (fact.quantization) out += fact.quantization->scale.size() > 1 ? " quantized per channel" : " quantized";
  if (fact.is_constant()) out += " constant";
  return out;
}

namespace {
bool same_quantization(const Fact& a, const Fact& b) {
  if (!a.quantization || !b.quantization) return !a.quantization && !b.quantization;
  return a.quantization == b.quantization || *a.quantization == *b.quantization;
}
}  // namespace

bool operator==(const Fact& a, const Fact& b) {
  return a.dtype == b.dtype && a.dims == b.dims && same_quantization(a, b) &&
         a.constant.identical(b.constant);
}

bool refines(const Fact& known, const Fact& fact) {
  if (known.dtype != fact.dtype || !same_quantization(known, fact)) return false;
  if (fact.is_constant() && !known.constant.identical(fact.constant)) return false;
  if (!fact.dims) return true;
  if (!known.dims || known.dims->size() != fact.dims->size()) return false;
  for (size_t i = 0; i < fact.dims->size(); ++i) {
    const Dim& wanted = (*fact.dims)[i];
    const Dim& got = (*known.dims)[i];
    if (wanted.is_number() && got != wanted) return false;
    if (wanted.is_named() && !got.is_number() && got != wanted) return false;
  }
  return true;
}

Status expect_inputs(std::span<const Fact> in, size_t least, size_t most) {
  if (in.size() >= least && in.size() <= most) {
    for (size_t i = 0; i < least; ++i)
      if (!in[i].present()) return Error::invalid_model("input {} is missing", i);
    return {};
  }
  if (least == most) return Error::invalid_model("has {} inputs, expected {}", in.size(), least);
  return Error::invalid_model("has {} inputs, expected {} to {}", in.size(), least, most);
}

Status expect_dtype(const Fact& fact, std::string_view what, std::initializer_list<DType> allowed) {
  if (!fact.present()) return Error::invalid_model("{} is missing", what);
  if (std::find(allowed.begin(), allowed.end(), *fact.dtype) != allowed.end()) return {};
  std::vector<std::string_view> names;
  for (const DType t : allowed) names.push_back(to_string(t));
  return Error::not_supported("{} is {}, expected {}", what, to_string(*fact.dtype), join(names, " or "));
}

Status expect_rank(const Fact& fact, std::string_view what, int least, int most) {
  if (!fact.present()) return Error::invalid_model("{} is missing", what);
  if (!fact.dims || (fact.rank() >= least && fact.rank() <= most)) return {};
  if (least == most) return Error::invalid_model("{} has rank {}, expected {}", what, fact.rank(), least);
  return Error::invalid_model("{} has rank {}, expected {} to {}", what, fact.rank(), least, most);
}

std::optional<std::vector<int64_t>> constant_ints(const Fact& fact) {
  if (!fact.is_constant()) return std::nullopt;
  return to_int64s(fact.constant);
}

Result<std::optional<Dims>> broadcast(std::span<const Fact> facts) {
  size_t rank = 0;
  for (const Fact& fact : facts) {
    if (!fact.dims) return std::optional<Dims>();
    rank = std::max(rank, fact.dims->size());
  }
  Dims out(rank, Dim(1));
  for (const Fact& fact : facts) {
    for (size_t i = 0; i < fact.dims->size(); ++i) {
      Dim& to = out[rank - fact.dims->size() + i];
      const Dim& from = (*fact.dims)[i];
      if (from == to || from.is(1)) continue;
      if (to.is(1)) {
        to = from;
      } else if (from.is_number() && to.is_number()) {
        return Error::invalid_model("shapes do not broadcast: {} against {}", join(*facts[0].dims, "x"),
                                    join(*fact.dims, "x"));
      } else if (from.is_number()) {
        to = from;  // the other one must be this or 1
      } else if (!to.is_number()) {
        to = Dim();
      }
    }
  }
  return std::optional<Dims>(std::move(out));
}

Result<Shape> broadcast_shapes(std::span<const Shape> shapes) {
  Facts facts;
  for (const Shape& shape : shapes) facts.emplace_back(DType::kF32, shape);
  TRY(const auto dims, broadcast(facts));
  return *Fact(DType::kF32, dims).shape();
}

}  // namespace pochade
