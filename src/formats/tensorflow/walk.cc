#include "formats/tensorflow/walk.h"

#include <algorithm>
#include <charconv>

#include "formats/tensorflow/rows.h"
#include "ops/elementwise/select.h"

namespace pochade::tensorflow {
namespace {

/// Functions and loops inside each other, deeper than this, are refused.
constexpr int kMaxDepth = 48;
/// Nodes that the functions and loops of a file may expand to.
constexpr int64_t kMostNodes = 200000;

constexpr std::string_view kControlFlow[] = {"PartitionedCall",
                                             "StatefulPartitionedCall",
                                             "If",
                                             "StatelessIf",
                                             "While",
                                             "StatelessWhile",
                                             "Switch",
                                             "RefSwitch",
                                             "Merge",
                                             "RefMerge",
                                             "Enter",
                                             "RefEnter",
                                             "Exit",
                                             "RefExit",
                                             "NextIteration",
                                             "RefNextIteration"};

bool is_one_of(std::string_view op, std::string_view a, std::string_view b) {
  return op == a || op == b;
}

Item dead() {
  Item out;
  out.kind = Item::Kind::kDead;
  return out;
}

std::vector<Guard> united(const std::vector<Guard>& a, const std::vector<Guard>& b) {
  std::vector<Guard> out;
  std::set_union(a.begin(), a.end(), b.begin(), b.end(), std::back_inserter(out));
  return out;
}

/// Dead if it needs both sides of one condition.
bool contradicts(const std::vector<Guard>& guards) {
  for (size_t i = 1; i < guards.size(); ++i)
    if (guards[i].condition == guards[i - 1].condition) return true;
  return false;
}

}  // namespace

bool is_control_flow(std::string_view op) {
  return std::find(std::begin(kControlFlow), std::end(kControlFlow), op) != std::end(kControlFlow);
}

Result<Reference> parse_reference(std::string_view text) {
  Reference out;
  if (text.starts_with('^')) {
    out.is_control = true;
    out.node = text.substr(1);
    return out;
  }
  const size_t first = text.find(':');
  out.node = text.substr(0, first);
  if (first == std::string_view::npos) return out;
  std::string_view rest = text.substr(first + 1);
  const size_t second = rest.find(':');
  if (second != std::string_view::npos) {
    out.output = rest.substr(0, second);
    rest.remove_prefix(second + 1);
  }
  const auto [end, error] = std::from_chars(rest.data(), rest.data() + rest.size(), out.index);
  if (error != std::errc() || end != rest.data() + rest.size()) {
    if (second != std::string_view::npos || rest.empty())
      return Error::invalid_model("\"{}\" names no output of a node", text);
    out.output = rest;  // "node:output" without a number
  }
  return out;
}

// Bodies ------------------------------------------------------------------------------------------------

Result<Body> Body::make(const std::vector<NodeRecord>& nodes) {
  Body out;
  out.nodes = &nodes;
  for (size_t i = 0; i < nodes.size(); ++i)
    if (!out.by_name.emplace(nodes[i].name, i).second)
      return Error::invalid_model("two nodes have the name \"{}\"", nodes[i].name);
  const auto input_node = [&](const NodeRecord& node, size_t i) -> const NodeRecord* {
    if (i >= node.inputs.size()) return nullptr;
    const auto reference = parse_reference(node.inputs[i]);
    const auto found = reference ? out.by_name.find(reference->node) : out.by_name.end();
    return found == out.by_name.end() ? nullptr : &nodes[found->second];
  };
  std::unordered_map<size_t, LoopRecord*> loop_of_merge;
  for (size_t i = 0; i < nodes.size(); ++i) {
    if (!is_one_of(nodes[i].op, "Merge", "RefMerge") || nodes[i].inputs.size() < 2) continue;
    const NodeRecord *enter = input_node(nodes[i], 0), *next = input_node(nodes[i], 1);
    if (enter == nullptr || next == nullptr) continue;
    if (is_one_of(enter->op, "NextIteration", "RefNextIteration")) std::swap(enter, next);
    if (!is_one_of(enter->op, "Enter", "RefEnter") ||
        !is_one_of(next->op, "NextIteration", "RefNextIteration"))
      continue;
    const auto frame = enter->attrs.find("frame_name");
    if (frame == enter->attrs.end() || enter->inputs.empty() || next->inputs.empty())
      return Error::invalid_model("node \"{}\" ({}) has no input or no frame_name", enter->name, enter->op);
    LoopRecord& loop = out.loops[frame->second.text];
    loop.name = frame->second.text;
    loop.variables.push_back({i, enter->inputs[0], next->inputs[0]});
    loop_of_merge[i] = &loop;
    out.loop_merges.insert(i);
  }
  for (size_t i = 0; i < nodes.size(); ++i) {
    const bool is_switch = is_one_of(nodes[i].op, "Switch", "RefSwitch");
    const bool is_exit = is_one_of(nodes[i].op, "Exit", "RefExit");
    if (!is_switch && !is_exit) continue;
    const NodeRecord* switch_node = is_switch ? &nodes[i] : input_node(nodes[i], 0);
    const NodeRecord* merge = switch_node == nullptr ? nullptr : input_node(*switch_node, 0);
    if (merge == nullptr) continue;
    const auto index = static_cast<size_t>(merge - nodes.data());
    const auto loop = loop_of_merge.find(index);
    if (loop == loop_of_merge.end()) continue;
    if (is_exit) {
      loop->second->exits.push_back({i, index});
      out.loop_of_exit[i] = loop->second;
    } else if (const NodeRecord* condition = input_node(nodes[i], 1)) {
      loop->second->condition = static_cast<size_t>(condition - nodes.data());
    }
  }
  return out;
}

Result<const Body*> Walker::body(const std::vector<NodeRecord>& nodes) {
  const auto found = bodies_.find(&nodes);
  if (found != bodies_.end()) return &found->second;
  TRY(Body made, Body::make(nodes));
  // Maps of LoopRecords keep their places when the body moves.
  return &bodies_.emplace(&nodes, std::move(made)).first->second;
}

// Walking -----------------------------------------------------------------------------------------------

Result<size_t> Walker::find_node(const Frame& frame, std::string_view name) const {
  const auto found = frame.body.by_name.find(name);
  if (found == frame.body.by_name.end())
    return Error::invalid_model("\"{}{}\" is read, but no node has that name", frame.prefix, name);
  return found->second;
}

Result<Item> Walker::output(Frame& frame, std::string_view text) {
  TRY(const Reference reference, parse_reference(text));
  const auto input = frame.inputs.find(reference.node);
  if (input != frame.inputs.end()) return input->second;
  TRY(const size_t node, find_node(frame, reference.node));
  TRY(evaluate(frame, node));
  return result_of(frame, reference);
}

/// Of a node that is imported already.
Result<Item> Walker::result_of(Frame& frame, const Reference& reference) const {
  const auto input = frame.inputs.find(reference.node);
  if (input != frame.inputs.end()) return input->second;
  TRY(const size_t node, find_node(frame, reference.node));
  const auto results = frame.results.find(node);
  if (results == frame.results.end())
    return Error::invalid_model("\"{}{}\" has no result", frame.prefix, reference.node);
  const std::vector<Item>& items = results->second;
  if (items.size() == 1 && items[0].kind == Item::Kind::kDead) return items[0];
  size_t index = reference.index;
  if (!reference.output.empty()) index += output_offset(frame.body.node(node).op, reference.output);
  if (index >= items.size() || items[index].kind == Item::Kind::kNothing)
    return Error::not_supported("output {} of node \"{}{}\" ({}) is not computed here", index, frame.prefix,
                                reference.node, frame.body.node(node).op);
  return items[index];
}

/// Depth first, without recursion: a chain of nodes may be as long as the file.
Status Walker::evaluate(Frame& frame, size_t wanted) {
  std::vector<size_t> stack{wanted};
  std::set<size_t> open;
  while (!stack.empty()) {
    const size_t node = stack.back();
    if (frame.results.contains(node)) {
      stack.pop_back();
      open.erase(node);
      continue;
    }
    const NodeRecord& record = frame.body.node(node);
    if (frame.body.loop_merges.contains(node))
      return Error::invalid_model("node \"{}{}\" ({}) is read from outside its loop", frame.prefix,
                                  record.name, record.op);
    open.insert(node);
    std::optional<size_t> missing;
    // An Exit runs its loop, and an Enter reads what is outside.
    const bool reads_elsewhere = frame.body.loop_of_exit.contains(node) ||
                                 (frame.loop != nullptr && is_one_of(record.op, "Enter", "RefEnter"));
    for (size_t i = 0; !reads_elsewhere && i < record.inputs.size() && !missing; ++i) {
      TRY(const Reference reference, parse_reference(record.inputs[i]));
      if (reference.is_control && !is_pivot(frame, reference)) continue;
      if (frame.inputs.contains(reference.node)) continue;
      auto found = find_node(frame, reference.node);
      if (!found)
        return Error::invalid_model("node \"{}{}\" ({}) reads \"{}\", but no node has that name",
                                    frame.prefix, record.name, record.op, reference.node);
      if (!frame.results.contains(*found)) missing = *found;
    }
    if (!missing) {
      TRY(import_node(frame, node));
      continue;
    }
    if (open.contains(*missing))
      return Error::invalid_model("node \"{}{}\" ({}) is part of a cycle", frame.prefix, record.name,
                                  record.op);
    stack.push_back(*missing);
  }
  return {};
}

bool Walker::is_pivot(const Frame& frame, const Reference& reference) const {
  const auto found = frame.body.by_name.find(reference.node);
  if (found == frame.body.by_name.end()) return false;
  const NodeRecord& node = frame.body.node(found->second);
  if (is_one_of(node.op, "Switch", "RefSwitch")) return true;
  if (node.op != "Identity" || node.inputs.empty()) return false;
  const auto input = parse_reference(node.inputs[0]);
  const auto source = input ? frame.body.by_name.find(input->node) : frame.body.by_name.end();
  return source != frame.body.by_name.end() &&
         is_one_of(frame.body.node(source->second).op, "Switch", "RefSwitch");
}

Status Walker::import_node(Frame& frame, size_t index) {
  const NodeRecord& node = frame.body.node(index);
  if (++state_.nodes > kMostNodes)
    return Error::not_supported("functions and loops expand to more than {} nodes", kMostNodes);
  const auto import = [&]() -> Status {
    const auto exit = frame.body.loop_of_exit.find(index);
    if (exit != frame.body.loop_of_exit.end()) return run_loop(frame, *exit->second);
    if (is_one_of(node.op, "Enter", "RefEnter") && frame.loop != nullptr) {
      const auto name = node.attrs.find("frame_name");
      const bool is_ours = name != node.attrs.end() && name->second.text == frame.loop->name;
      if (node.inputs.empty()) return Error::invalid_model("it has no input");
      // The Enter of a loop inside this one is read by that loop alone, in a frame of its own.
      TRY(Item item, output(is_ours ? *frame.outer : frame, node.inputs[0]));
      frame.results[index] = {std::move(item)};
      return {};
    }
    std::vector<Item> inputs;
    std::vector<Guard> guards;
    for (const std::string_view text : node.inputs) {
      TRY(const Reference reference, parse_reference(text));
      if (reference.is_control && !is_pivot(frame, reference)) continue;
      TRY(Item item, result_of(frame, reference));
      if (!reference.is_control) {
        inputs.push_back(std::move(item));
      } else if (item.kind == Item::Kind::kDead) {
        frame.results[index] = {dead()};
        return {};
      } else {
        guards = united(guards, item.guards);
      }
    }
    TRY(frame.results[index], import_items(frame, node, std::move(inputs), std::move(guards)));
    return {};
  };
  Status status = import();
  if (status) return status;
  frame.results.erase(index);
  Error error = std::move(status).error();
  if (!error.text().starts_with("node \""))  // else it is named, further inside
    error.add_context(format("node \"{}\" ({})", name_of(frame, node), node.op));
  return tl::unexpected<Error>(std::move(error));
}

/// `guards`: of its control inputs.
Result<std::vector<Item>> Walker::import_items(Frame& frame, const NodeRecord& node, std::vector<Item> inputs,
                                               std::vector<Guard> guards) {
  const std::string name = name_of(frame, node);
  if (is_one_of(node.op, "Merge", "RefMerge")) return merge_node(inputs, name);
  for (const Item& input : inputs) {
    if (input.kind == Item::Kind::kDead) return std::vector<Item>{dead()};
    guards = united(guards, input.guards);
  }
  if (contradicts(guards)) return std::vector<Item>{dead()};
  std::vector<Item> out;
  if (is_one_of(node.op, "PartitionedCall", "StatefulPartitionedCall")) {
    TRY(out, call(frame, node, "f", std::move(inputs), name));
  } else if (is_one_of(node.op, "If", "StatelessIf")) {
    TRY(out, branch(frame, node, std::move(inputs)));
  } else if (is_one_of(node.op, "While", "StatelessWhile")) {
    TRY(out, loop(frame, node, std::move(inputs)));
  } else if (is_one_of(node.op, "Switch", "RefSwitch")) {
    return switch_node(inputs);
  } else if (record_.functions.contains(node.op)) {
    TRY(out, call(frame, FunctionReference{node.op, node.attrs}, std::move(inputs), name));
  } else if (is_one_of(node.op, "NextIteration", "RefNextIteration") ||
             is_one_of(node.op, "Enter", "RefEnter") || is_one_of(node.op, "Exit", "RefExit")) {
    return Error::invalid_model("it is part of no loop that has a Merge, a Switch and a NextIteration");
  } else {
    TRY(out, import_row(frame, node, std::move(inputs)));
  }
  for (Item& item : out) item.guards = united(item.guards, guards);
  return out;
}

Result<std::vector<Item>> Walker::import_row(Frame& frame, const NodeRecord& node, std::vector<Item> inputs) {
  if (const auto known = constants_.find(&node); known != constants_.end()) return known->second;
  const Row* row = find_row(node.op);
  if (row == nullptr || row->import == nullptr)
    return Error::not_supported("this operator is not supported{}{}", row == nullptr ? "" : ": ",
                                row == nullptr ? "" : row->reason);
  NodeScope scope(state_, node, frame.arguments, name_of(frame, node), std::move(inputs));
  TRY(row->import(scope));
  TRY(scope.finish());
  std::vector<Item> out = std::move(scope.results());
  // The node's results have its name, whatever was built on the way.
  for (size_t i = 0; i < out.size(); ++i)
    if (out[i].is_value() && state_.graph.value(out[i].value).producer != kNone &&
        state_.graph.value(out[i].value).name.starts_with(scope.name() + "/"))
      state_.graph.set_name(out[i].value, i == 0 ? scope.name() : format("{}:{}", scope.name(), i));
  if (node.op == "Const") constants_[&node] = out;
  return out;
}

// Functions ---------------------------------------------------------------------------------------------

Result<std::vector<Item>> Walker::call(Frame& frame, const NodeRecord& node, std::string_view attribute,
                                       std::vector<Item> inputs, const std::string& name) {
  const auto found = node.attrs.find(attribute);
  if (found == node.attrs.end() || found->second.kind != AttrKind::kFunction)
    return Error::invalid_model("attribute \"{}\" names no function", attribute);
  TRY(const FunctionReference function, parse_function_reference(found->second.message));
  return call(frame, function, std::move(inputs), name);
}

Result<std::vector<Item>> Walker::call(Frame& frame, const FunctionReference& reference,
                                       std::vector<Item> inputs, const std::string& name) {
  const auto found = record_.functions.find(reference.name);
  if (found == record_.functions.end())
    return Error::invalid_model("the file has no function \"{}\"", reference.name);
  const FunctionRecord& function = found->second;
  if (frame.depth >= kMaxDepth)
    return Error::invalid_model("functions call each other more than {} deep", kMaxDepth);
  if (inputs.size() != function.inputs.size())
    return Error::invalid_model("{} inputs, function \"{}\" has {}", inputs.size(), function.name,
                                function.inputs.size());
  for (const NodeRecord& node : function.nodes)
    if (node.op.starts_with("Assign"))
      return Error::not_supported("node \"{}/{}\" ({}) changes a variable while running: not supported", name,
                                  node.name, node.op);
  TRY(const Body* inside, body(function.nodes));
  Frame inner{*inside, name + "/", {}, &reference.attrs, {}, nullptr, nullptr, frame.depth + 1, {}};
  for (size_t i = 0; i < inputs.size(); ++i)
    inner.inputs.insert_or_assign(function.inputs[i].name, std::move(inputs[i]));
  std::vector<Item> out;
  for (const ArgumentRecord& argument : function.outputs) {
    const auto result = function.results.find(argument.name);
    if (result == function.results.end())
      return Error::invalid_model("function \"{}\" does not say what its output \"{}\" is", function.name,
                                  argument.name);
    TRY(out.emplace_back(), output(inner, result->second));
  }
  return out;
}

Result<bool> Walker::decided(const Item& condition) const {
  if (!condition.is_value()) return Error::invalid_model("the condition is no tensor");
  const Fact& fact = state_.graph.fact(condition.value);
  if (!fact.is_constant() || fact.constant.elements() != 1)
    return Error::not_supported("the condition is computed while running");
  return to_floats(fact.constant)[0] != 0;
}

Result<std::vector<Item>> Walker::branch(Frame& frame, const NodeRecord& node, std::vector<Item> inputs) {
  if (inputs.empty()) return Error::invalid_model("it has no inputs");
  const Item condition = inputs[0];
  inputs.erase(inputs.begin());
  const std::string name = name_of(frame, node);
  if (const auto known = decided(condition))
    return call(frame, node, *known ? "then_branch" : "else_branch", std::move(inputs), name);
  TRY(const auto yes, call(frame, node, "then_branch", inputs, name + "/then"));
  TRY(const auto no, call(frame, node, "else_branch", std::move(inputs), name + "/else"));
  if (!condition.is_value() || yes.size() != no.size())
    return Error::invalid_model("its branches have {} and {} outputs", yes.size(), no.size());
  std::vector<Item> out;
  for (size_t i = 0; i < yes.size(); ++i) {
    TRY(out.emplace_back(), chosen(condition.value, yes[i], no[i], format("{}:{}", name, i)));
  }
  return out;
}

/// Both sides are computed; Where takes one.
Result<Item> Walker::chosen(ValueId condition, const Item& yes, const Item& no, const std::string& name) {
  if (!yes.is_value() || !no.is_value())
    return Error::not_supported(
        "a condition that is computed while running chooses between what are no tensors");
  const Fact &fact = state_.graph.fact(condition), a = state_.graph.fact(yes.value),
             b = state_.graph.fact(no.value);
  if (fact.dtype != DType::kBool || !fact.shape() || fact.shape()->elements() != 1)
    return Error::not_supported("the condition that is computed while running is {}, expected one bool",
                                fact);
  if (!a.rank_known() || !b.rank_known() || a.rank() != b.rank() || a.rank() < fact.rank())
    return Error::not_supported("a condition that is computed while running chooses between {} and {}", a, b);
  for (int i = 0; i < a.rank(); ++i)  // Where would repeat one of them
    if (a.dim(i).is_number() && b.dim(i).is_number() && !(a.dim(i) == b.dim(i)))
      return Error::not_supported("a condition that is computed while running chooses between {} and {}", a,
                                  b);
  TRY(const auto values,
      state_.graph.add_node(name, make_op(Where{}), {condition, yes.value, no.value}, 4096));
  return Item::of(values.at(0));
}

// Loops -------------------------------------------------------------------------------------------------

Result<std::vector<Item>> Walker::loop(Frame& frame, const NodeRecord& node, std::vector<Item> inputs) {
  const std::string name = name_of(frame, node);
  for (int64_t step = 0;; ++step) {
    if (++state_.nodes > kMostNodes) return Error::not_supported("the loop takes more than {} steps", step);
    TRY(const auto condition, call(frame, node, "cond", inputs, format("{}/condition{}", name, step)));
    if (condition.size() != 1) return Error::invalid_model("its condition has {} outputs", condition.size());
    TRY(const bool goes_on,
        decided(condition[0])
            .context("the number of steps is not known before running")
            .hint("Loops are unrolled: save the model with a fixed number of time steps."));
    if (!goes_on) return inputs;
    TRY(auto next, call(frame, node, "body", inputs, format("{}/step{}", name, step)));
    if (next.size() != inputs.size())
      return Error::invalid_model("its body has {} outputs for {} inputs", next.size(), inputs.size());
    inputs = std::move(next);
  }
}

Status Walker::run_loop(Frame& frame, const LoopRecord& loop) {
  if (!loop.condition) return Error::invalid_model("the loop \"{}\" has no condition", loop.name);
  if (frame.depth >= kMaxDepth) return Error::invalid_model("loops are nested more than {} deep", kMaxDepth);
  const NodeRecord& condition_node = frame.body.node(*loop.condition);
  if (condition_node.inputs.empty())
    return Error::invalid_model("the loop \"{}\" has no condition", loop.name);
  std::vector<Item> values;
  for (const LoopRecord::Variable& variable : loop.variables) {
    TRY(values.emplace_back(), output(frame, variable.enter));
  }
  for (int64_t step = 0;; ++step) {
    if (++state_.nodes > kMostNodes)
      return Error::not_supported("the loop \"{}\" takes more than {} steps", loop.name, step);
    Frame inner{frame.body,      frame.prefix,    format("{}#{}", frame.suffix, step),
                frame.arguments, frame.inputs,    &frame,
                &loop,           frame.depth + 1, {}};
    const bool first = step == 0;
    for (size_t i = 0; i < values.size(); ++i) {
      const Tensor came_from = Tensor::scalar<int32_t>(first ? 0 : 1);
      inner.results[loop.variables[i].merge] = {values[i],
                                                Item::of(state_.graph.add_constant("merge", came_from))};
    }
    TRY(const Item condition, output(inner, condition_node.inputs[0]));
    TRY(const bool goes_on,
        decided(condition)
            .context("the number of steps of the loop \"{}\" is not known before running", loop.name)
            .hint("Loops are unrolled: freeze the graph with a fixed number of time steps."));
    if (!goes_on) break;
    for (size_t i = 0; i < values.size(); ++i) {
      TRY(values[i], output(inner, loop.variables[i].next));
    }
  }
  for (const LoopRecord::Exit& exit : loop.exits)
    for (size_t i = 0; i < values.size(); ++i)
      if (loop.variables[i].merge == exit.merge) frame.results[exit.node] = {values[i]};
  return {};
}

/// Output 0 is alive when the condition is false, output 1 when it is true.
Result<std::vector<Item>> Walker::switch_node(const std::vector<Item>& inputs) {
  if (inputs.size() != 2) return Error::invalid_model("{} inputs, expected 2", inputs.size());
  Item no = inputs[0], yes = inputs[0];
  if (const auto known = decided(inputs[1])) {
    (*known ? no : yes) = dead();
    return std::vector<Item>{no, yes};
  }
  if (!inputs[1].is_value()) return Error::invalid_model("the condition is no tensor");
  const auto guarded = [&](Item item, bool when) {
    item.guards = united(united(item.guards, inputs[1].guards), {Guard{inputs[1].value, when}});
    return contradicts(item.guards) ? dead() : item;
  };
  return std::vector<Item>{guarded(no, false), guarded(yes, true)};
}

/// The input that is alive; of two sides of a condition that is computed while running, one of both.
Result<std::vector<Item>> Walker::merge_node(const std::vector<Item>& inputs, const std::string& name) {
  std::vector<size_t> alive;
  for (size_t i = 0; i < inputs.size(); ++i)
    if (inputs[i].kind != Item::Kind::kDead) alive.push_back(i);
  if (alive.empty()) return std::vector<Item>{dead()};
  if (alive.size() == 1) {
    const Item index =
        Item::of(state_.graph.add_constant(name + ":1", Tensor::scalar(static_cast<int32_t>(alive[0]))));
    return std::vector<Item>{inputs[alive[0]], index};
  }
  if (alive.size() > 2) return Error::not_supported("{} inputs may come at once", alive.size());
  const Item &a = inputs[alive[0]], &b = inputs[alive[1]];
  for (const Guard& guard : a.guards) {
    const Guard opposite{guard.condition, !guard.when};
    if (!std::binary_search(b.guards.begin(), b.guards.end(), opposite)) continue;
    TRY(Item out, chosen(guard.condition, guard.when ? a : b, guard.when ? b : a, name));
    for (const Guard& other : united(a.guards, b.guards))
      if (other.condition != guard.condition) out.guards.push_back(other);
    return std::vector<Item>{out};
  }
  return Error::not_supported("both inputs may come at once");
}

}  // namespace pochade::tensorflow
