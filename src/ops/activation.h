#pragma once
// What the operators need of an activation; the struct itself is the kernels' (kernels/common.h).

#include "graph/op.h"
#include "kernels/common.h"

namespace pochade {

inline bool is_none(const Activation& activation) {
  return activation.kind == Activation::Kind::kNone;
}

std::string_view to_string(Activation::Kind kind);

/// f("act", act) in an operator's fields() comes here.
void visit_fields_of(const Activation& activation, FieldVisitor& visitor);

/// The oracle's value.
float activate(float x, const Activation& activation);

}  // namespace pochade
