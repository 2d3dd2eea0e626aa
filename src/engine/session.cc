#include "engine/session.h"

#include <algorithm>
#include <charconv>
#include <chrono>
#include <cstdlib>
#include <cstring>

#include "base/knobs.h"
#include "base/memory.h"
#include "engine/planner.h"
#include "passes/fuse_elementwise.h"
#include "passes/pipeline.h"
#include "passes/specialise.h"
#include "plan/run_step.h"

namespace pochade {
namespace {

constexpr size_t kCachedPlans = 4;
constexpr size_t kMostInputs = 64;  // of one step that runs a kernel: more go through a vector

struct AlignedFree {
  void operator()(std::byte* p) const { std::free(p); }
};
using AlignedBytes = std::unique_ptr<std::byte, AlignedFree>;

Result<AlignedBytes> allocate(size_t bytes, std::string_view what) {
  if (bytes == 0) return AlignedBytes();
  AlignedBytes out(static_cast<std::byte*>(std::aligned_alloc(64, rounded_to_64(bytes))));
  if (!out)
    return Error::out_of_memory("no memory for the {}: {}", what, bytes_text(static_cast<int64_t>(bytes)));
  return out;
}

/// A plan with its memory.
struct ReadyPlan {
  std::vector<Shape> input_shapes;
  Plan plan;
  AlignedBytes arena;
  AlignedBytes thread_scratch;
  std::vector<Tensor> dynamic;             // one a value, for sizes that depend on the data
  std::vector<const std::byte*> pointers;  // one a value, bound anew at each run
};

Result<int> choose_threads(const SessionOptions& options) {
  if (options.threads < 0)
    return Error::invalid_argument("threads is {}, expected 1 or more", options.threads);
  if (options.threads > 0) return options.threads;
  const std::string text = knob("POCHADE_THREADS");
  if (text.empty()) return available_cpus();
  int threads = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), threads);
  if (error != std::errc() || end != text.data() + text.size() || threads < 1 || threads > 1024)
    return Error::invalid_argument("POCHADE_THREADS is \"{}\", expected a number from 1 to 1024", text);
  return threads;
}

Result<Isa> choose_isa(const SessionOptions& options) {
  Isa isa = best_isa();
  if (options.isa) {
    isa = *options.isa;
  } else if (const std::string text = knob("POCHADE_ISA"); !text.empty()) {
    const auto parsed = parse_isa(text);
    if (!parsed)
      return Error::invalid_argument("POCHADE_ISA is \"{}\", which is no instruction set that we know", text);
    isa = *parsed;
  }
  if (kernels(isa) == nullptr) {
    std::vector<std::string_view> names;
    for (const Isa supported : supported_isas()) names.push_back(name(supported));
    return Error::not_supported("this machine does not run the kernels of {}; it runs {}", name(isa),
                                join(names));
  }
  return isa;
}

}  // namespace

class Session::Impl {
 public:
  Impl(Graph graph, int threads, Isa isa, int64_t memory_limit_bytes)
      : graph_(std::move(graph)), isa_(isa), memory_limit_bytes_(memory_limit_bytes), pool_(threads) {
    reset_state();
  }

  Result<ReadyPlan*> prepare(std::span<const Shape> shapes) {
    for (auto it = plans_.begin(); it != plans_.end(); ++it) {
      if (!std::ranges::equal(it->input_shapes, shapes)) continue;
      plans_.splice(plans_.begin(), plans_, it);
      return &plans_.front();
    }
    if (shapes.size() != graph_.inputs().size())
      return Error::invalid_argument("got {} inputs, the model has {}", shapes.size(),
                                     graph_.inputs().size());
    std::map<std::string, Shape> named;
    for (size_t i = 0; i < shapes.size(); ++i) {
      const Value& input = graph_.value(graph_.inputs()[i]);
      TRY(Status(check_shape(input.fact, shapes[i])).context("input \"{}\"", input.name));
      named[input.name] = shapes[i];
    }
    TRY(Graph special, specialise(graph_, named));
    if (optimise_) {
      TRY(special, optimise(std::move(special), {}));
      TRY(auto fusion, fuse_elementwise(special));
      TRY(special, std::move(fusion).apply());
    }
    ReadyPlan ready;
    TRY(ready.plan, make_plan(std::move(special), *kernels(isa_), weights_));
    ready.input_shapes.assign(shapes.begin(), shapes.end());
    const size_t scratch_bytes =
        rounded_to_64(ready.plan.thread_scratch_bytes) * static_cast<size_t>(pool_.threads());
    const int64_t needed = static_cast<int64_t>(ready.plan.arena_bytes + scratch_bytes);
    // A picture size that comes once must not keep the memory of the sizes before it.
    while (!plans_.empty() && (plans_.size() >= kCachedPlans || needed > memory_left())) plans_.pop_back();
    if (needed > memory_left())
      return Error::out_of_memory("running at this size needs {}, but only {} are available",
                                  bytes_text(needed), bytes_text(memory_left()));
    TRY(ready.arena, allocate(ready.plan.arena_bytes, "activations"));
    TRY(ready.thread_scratch, allocate(scratch_bytes, "threads' scratch"));
    ready.dynamic.resize(static_cast<size_t>(ready.plan.graph.value_count()));
    ready.pointers.assign(static_cast<size_t>(ready.plan.graph.value_count()), nullptr);
    plans_.push_front(std::move(ready));
    return &plans_.front();
  }

  Status run(ReadyPlan& ready, std::span<const TensorView> inputs, std::span<const TensorView> outputs) {
    bind(ready, inputs, outputs);
    for (size_t s = 0; s < ready.plan.steps.size(); ++s) {
      const auto start =
          times_ != nullptr ? std::chrono::steady_clock::now() : std::chrono::steady_clock::time_point();
      TRY(run_one(ready, ready.plan.steps[s]));
      if (times_ != nullptr) add_time(ready.plan.steps[s], s, start);
      if (on_step_ && !on_step_(s + 1, ready.plan.steps.size()))
        return Error::make(ErrorCode::kCancelled, "stopped");
    }
    const Graph& graph = ready.plan.graph;
    for (size_t i = 0; i < outputs.size(); ++i) {  // those that no step could write in place
      const ValueId v = graph.outputs()[i].value;
      const Location& at = ready.plan.locations[static_cast<size_t>(v)];
      if (at.kind == Location::Kind::kDynamic || (at.kind == Location::Kind::kOutput && at.index == i))
        continue;
      if (outputs[i].byte_size() != 0)
        std::memcpy(outputs[i].data, ready.pointers[static_cast<size_t>(v)], outputs[i].byte_size());
    }
    for (size_t i = 0; i < graph.states().size(); ++i) {
      const ValueId next = graph.states()[i].next;
      const Location& at = ready.plan.locations[static_cast<size_t>(next)];
      const std::byte* from = at.kind == Location::Kind::kDynamic
                                  ? ready.dynamic[static_cast<size_t>(next)].bytes()
                                  : ready.pointers[static_cast<size_t>(next)];
      if (from != states_[i].bytes()) std::memcpy(states_[i].mutable_bytes(), from, states_[i].byte_size());
    }
    return {};
  }

  void reset_state() {
    states_.clear();
    for (const State& state : graph_.states()) {
      Tensor copy = Tensor::make(state.initial.dtype(), state.initial.shape()).value();
      if (copy.byte_size() != 0) std::memcpy(copy.mutable_bytes(), state.initial.bytes(), copy.byte_size());
      states_.push_back(std::move(copy));
    }
  }

  int64_t held_bytes() const {
    int64_t total = static_cast<int64_t>(weights_.total_bytes());
    for (const ReadyPlan& p : plans_)
      total += static_cast<int64_t>(p.plan.arena_bytes + rounded_to_64(p.plan.thread_scratch_bytes) *
                                                             static_cast<size_t>(pool_.threads()));
    return total;
  }

  Graph graph_;
  Isa isa_;
  int64_t memory_limit_bytes_;
  bool optimise_ = true;
  ThreadPool pool_;
  PackedWeights weights_;
  std::list<ReadyPlan> plans_;  // most recently used first
  std::vector<Tensor> states_;
  std::vector<StepTime>* times_ = nullptr;
  std::function<bool(size_t, size_t)> on_step_;

 private:
  int64_t memory_left() const {
    return memory_limit_bytes_ > 0 ? memory_limit_bytes_ - held_bytes() : available_memory_bytes();
  }

  static Status check_shape(const Fact& fact, const Shape& shape) {
    if (!fact.dims) return {};
    bool fits = fact.rank() == shape.rank();
    for (int i = 0; fits && i < shape.rank(); ++i)
      fits = !fact.dim(i).is_number() || fact.dim(i).is(shape[i]);
    if (fits) return {};
    return Error::invalid_argument("has the shape {}, the model expects {}", shape,
                                   fact.dims->empty() ? "a scalar" : join(*fact.dims, "x"));
  }

  void bind(ReadyPlan& ready, std::span<const TensorView> inputs, std::span<const TensorView> outputs) {
    for (size_t v = 0; v < ready.pointers.size(); ++v) {
      const Location& at = ready.plan.locations[v];
      const std::byte*& pointer = ready.pointers[v];
      switch (at.kind) {
        case Location::Kind::kAbsent:
          pointer = nullptr;
          break;
        case Location::Kind::kArena:
          pointer = ready.arena.get() + at.offset;
          break;
        case Location::Kind::kConstant:
          pointer = ready.plan.graph.fact(static_cast<ValueId>(v)).constant.bytes();
          break;
        case Location::Kind::kInput:
          pointer = inputs[at.index].data;
          break;
        case Location::Kind::kOutput:
          pointer = outputs[at.index].data;
          break;
        case Location::Kind::kState:
          pointer = states_[at.index].bytes();
          break;
        case Location::Kind::kDynamic:
          pointer = nullptr;
          break;
      }
    }
  }

  Status run_one(ReadyPlan& ready, const PlannedStep& planned) {
    if (planned.data_dependent || planned.step.is_reference())
      return Status(run_reference(ready, planned))
          .context("node \"{}\" ({})", planned.name, planned.op->name());
    if (planned.step.phases.empty()) return {};
    const std::byte* few_inputs[kMostInputs];
    std::byte* few_outputs[kMostInputs];
    std::vector<const std::byte*> many_inputs;
    std::vector<std::byte*> many_outputs;
    const std::byte** in = few_inputs;
    std::byte** out = few_outputs;
    if (planned.inputs.size() > kMostInputs)
      in = (many_inputs.resize(planned.inputs.size()), many_inputs.data());
    if (planned.outputs.size() > kMostInputs)
      out = (many_outputs.resize(planned.outputs.size()), many_outputs.data());
    for (size_t i = 0; i < planned.inputs.size(); ++i)
      in[i] = planned.inputs[i] == kNone ? nullptr : ready.pointers[static_cast<size_t>(planned.inputs[i])];
    for (size_t i = 0; i < planned.outputs.size(); ++i)
      out[i] = const_cast<std::byte*>(ready.pointers[static_cast<size_t>(planned.outputs[i])]);
    const StepBuffers buffers{in, out, ready.arena.get() + planned.shared_scratch_offset, nullptr};
    run_step(planned.step, buffers, ready.thread_scratch.get(), pool_);
    return {};
  }

  /// No kernel, or a size that only the data decides: the oracle, on tensors that borrow the plan's memory.
  Status run_reference(ReadyPlan& ready, const PlannedStep& planned) {
    const Graph& graph = ready.plan.graph;
    Tensors in;
    Facts facts;
    for (const ValueId v : planned.inputs) {
      const Location::Kind kind =
          v == kNone ? Location::Kind::kAbsent : ready.plan.locations[static_cast<size_t>(v)].kind;
      if (kind == Location::Kind::kAbsent) {
        in.emplace_back();
      } else if (kind == Location::Kind::kDynamic) {
        in.push_back(ready.dynamic[static_cast<size_t>(v)]);
      } else if (kind == Location::Kind::kConstant) {
        in.push_back(graph.fact(v).constant);
      } else {
        in.push_back(Tensor::view(*graph.fact(v).dtype, *graph.fact(v).shape(),
                                  ready.pointers[static_cast<size_t>(v)]));
      }
    }
    if (planned.data_dependent) {  // what the planner could not check beforehand
      for (size_t i = 0; i < in.size(); ++i) {
        facts.push_back(in[i].defined() ? Fact(in[i].dtype(), in[i].shape()) : Fact());
        if (in[i].defined() && is_integer(in[i].dtype()))
          facts.back().constant = in[i];  // shapes, axes, counts
      }
      TRY(planned.op->infer(facts));
    }
    TRY(const Tensors out, planned.op->eval(in));
    for (size_t i = 0; i < planned.outputs.size(); ++i) {
      const ValueId v = planned.outputs[i];
      const Location::Kind kind = ready.plan.locations[static_cast<size_t>(v)].kind;
      if (kind == Location::Kind::kAbsent || kind == Location::Kind::kConstant || i >= out.size() ||
          !out[i].defined())
        continue;
      if (kind == Location::Kind::kDynamic) {
        ready.dynamic[static_cast<size_t>(v)] = out[i];
        continue;
      }
      const Shape expected = *graph.fact(v).shape();
      if (out[i].dtype() != *graph.fact(v).dtype || out[i].shape() != expected)
        return Error::invalid_model("gave {} of {}, the plan expected {}", to_string(out[i].dtype()),
                                    out[i].shape(), graph.fact(v));
      std::byte* to = const_cast<std::byte*>(ready.pointers[static_cast<size_t>(v)]);
      if (out[i].byte_size() != 0 && to != out[i].bytes())
        std::memmove(to, out[i].bytes(), out[i].byte_size());
    }
    return {};
  }

  void add_time(const PlannedStep& step, size_t index, std::chrono::steady_clock::time_point start) {
    const double ms =
        std::chrono::duration<double, std::milli>(std::chrono::steady_clock::now() - start).count();
    if (times_->size() <= index) times_->resize(index + 1);
    (*times_)[index].step = &step;
    (*times_)[index].milliseconds += ms;
  }
};

Session::Session(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
Session::Session(Session&&) noexcept = default;
Session& Session::operator=(Session&&) noexcept = default;
Session::~Session() = default;

Result<Session> Session::create(Graph graph, const SessionOptions& options) {
  TRY(const int threads, choose_threads(options));
  TRY(const Isa isa, choose_isa(options));
  if (options.optimise) {
    TRY(graph, optimise(std::move(graph), {}));
  }
  auto impl = std::make_unique<Impl>(std::move(graph), threads, isa, options.memory_limit_bytes);
  impl->optimise_ = options.optimise;
  return Session(std::move(impl));
}

const Graph& Session::graph() const {
  return impl_->graph_;
}
int Session::threads() const {
  return impl_->pool_.threads();
}
Isa Session::isa() const {
  return impl_->isa_;
}
void Session::reset_state() {
  impl_->reset_state();
}
void Session::profile(std::vector<StepTime>* times) {
  impl_->times_ = times;
}
void Session::on_step(std::function<bool(size_t, size_t)> callback) {
  impl_->on_step_ = std::move(callback);
}
int64_t Session::held_bytes() const {
  return impl_->held_bytes();
}

Result<const Plan*> Session::prepare(std::span<const Shape> input_shapes) {
  TRY(ReadyPlan* const ready, impl_->prepare(input_shapes));
  return &ready->plan;
}

namespace {
Status check_input(const Graph& graph, size_t i, DType dtype) {
  const Value& input = graph.value(graph.inputs()[i]);
  if (input.fact.dtype == dtype) return {};
  return Error::invalid_argument("input \"{}\" is {}, the model expects {}", input.name, to_string(dtype),
                                 to_string(*input.fact.dtype));
}
}  // namespace

Result<Tensors> Session::run(std::span<const Tensor> inputs) {
  std::vector<Shape> shapes;
  std::vector<TensorView> in;
  if (inputs.size() != graph().inputs().size())
    return Error::invalid_argument("got {} inputs, the model has {}", inputs.size(), graph().inputs().size());
  for (size_t i = 0; i < inputs.size(); ++i) {
    if (!inputs[i].defined())
      return Error::invalid_argument("input \"{}\" is missing", graph().value(graph().inputs()[i]).name);
    TRY(check_input(graph(), i, inputs[i].dtype()));
    shapes.push_back(inputs[i].shape());
    in.push_back({inputs[i].dtype(), inputs[i].shape(), const_cast<std::byte*>(inputs[i].bytes())});
  }
  TRY(ReadyPlan* const ready, impl_->prepare(shapes));
  const Graph& special = ready->plan.graph;
  Tensors results;
  std::vector<TensorView> out;
  for (const GraphOutput& o : special.outputs()) {
    const Fact& fact = special.fact(o.value);
    if (ready->plan.locations[static_cast<size_t>(o.value)].kind == Location::Kind::kDynamic) {
      results.emplace_back();
      out.emplace_back();
      continue;
    }
    TRY(Tensor tensor,
        Result<Tensor>(Tensor::make(*fact.dtype, *fact.shape())).context("output \"{}\"", o.name));
    out.push_back({tensor.dtype(), tensor.shape(), tensor.mutable_bytes()});
    results.push_back(std::move(tensor));
  }
  TRY(impl_->run(*ready, in, out));
  for (size_t i = 0; i < results.size(); ++i)
    if (!results[i].defined()) results[i] = ready->dynamic[static_cast<size_t>(special.outputs()[i].value)];
  return results;
}

Status Session::run(std::span<const TensorView> inputs, std::span<const TensorView> outputs) {
  const size_t expected = graph().inputs().size();
  if (inputs.size() != expected)
    return Error::invalid_argument("got {} inputs, the model has {}", inputs.size(), expected);
  Shape shapes[kMostInputs];
  if (inputs.size() > kMostInputs)
    return Error::not_supported("{} inputs, at most {}", inputs.size(), kMostInputs);
  for (size_t i = 0; i < inputs.size(); ++i) {
    TRY(check_input(graph(), i, inputs[i].dtype));
    shapes[i] = inputs[i].shape;
  }
  TRY(ReadyPlan* const ready, impl_->prepare({shapes, inputs.size()}));
  const Graph& special = ready->plan.graph;
  if (outputs.size() != special.outputs().size())
    return Error::invalid_argument("got {} outputs, the model has {}", outputs.size(),
                                   special.outputs().size());
  for (size_t i = 0; i < outputs.size(); ++i) {
    const Fact& fact = special.fact(special.outputs()[i].value);
    const auto shape = fact.shape();
    if (!shape)
      return Error::not_supported("the size of output \"{}\" depends on the data: run with tensors",
                                  special.outputs()[i].name);
    if (outputs[i].dtype != *fact.dtype || outputs[i].shape != *shape)
      return Error::invalid_argument("output \"{}\" is {}, the caller gave {} {}", special.outputs()[i].name,
                                     fact, to_string(outputs[i].dtype), outputs[i].shape);
  }
  return impl_->run(*ready, inputs, outputs);
}

}  // namespace pochade
