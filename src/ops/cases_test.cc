// Every case of every operator with a kernel, on every instruction set that this machine runs, against the
// oracle. Outputs and scratch hold NaN (or 0xA5) before each run, and every buffer ends at a page that may
// not be touched.

#include "ops/cases.h"

#include <gtest/gtest.h>

#include <cmath>
#include <cstring>
#include <set>

#include "kernels/guarded_buffer.h"
#include "kernels/isa.h"
#include "kernels/kernels.h"
#include "ops/list.h"
#include "plan/run_step.h"

namespace pochade {
namespace {

using Buffer = GuardedBuffer<std::byte>;

const std::deque<Case>& case_list() {
  static const Cases cases = all_cases();
  return cases.list();
}

/// The same for a case wherever and in whatever order it runs.
uint64_t seed_of(const Case& test) {
  uint64_t hash = 14695981039346656037u;  // FNV-1a
  for (const char c : test.name) hash = (hash ^ static_cast<unsigned char>(c)) * 1099511628211u;
  return hash;
}

/// Floats become NaN, everything else 0xA5.
void poison(Buffer& buffer, DType dtype) {
  buffer.poison();
  if (dtype == DType::kF32 || dtype == DType::kF16 || dtype == DType::kBF16 || dtype == DType::kF64)
    std::memset(buffer.data(), 0xFF, buffer.size());
}

/// Inputs, outputs and scratch of one step, each between guard pages.
class Bench {
 public:
  Bench(const Step& step, const Tensors& inputs, const Facts& outputs, Buffer::Flush flush)
      : step_(step),
        shared_(rounded_to_64(step.shared_scratch_bytes)),
        thread_scratch_(kThreads * rounded_to_64(step.thread_scratch_bytes)) {
    for (const Tensor& input : inputs) {
      inputs_.emplace_back(input.defined() ? input.byte_size() : 0, flush);
      if (input.defined() && input.byte_size() > 0)
        std::memcpy(inputs_.back().data(), input.bytes(), input.byte_size());
      input_pointers_.push_back(input.defined() ? inputs_.back().data() : nullptr);
    }
    for (const Fact& output : outputs) {
      const size_t bytes =
          output.present() ? static_cast<size_t>(output.shape()->elements()) * size_of(*output.dtype) : 0;
      outputs_.emplace_back(bytes, flush);
      dtypes_.push_back(output.dtype.value_or(DType::kU8));
      output_pointers_.push_back(output.present() ? outputs_.back().data() : nullptr);
    }
  }

  static constexpr size_t kThreads = 3;

  /// Output 0 shares the memory of input `i`, as the planner may let it.
  void put_in_place(size_t i) { output_pointers_[0] = const_cast<std::byte*>(input_pointers_[i]); }

  void run(ThreadPool& pool) {
    prepare();
    run_step(step_, buffers(), thread_scratch_.data(), pool);
  }

  /// Tasks from the last to the first, in pieces of 1, 2 and 3.
  void run_in_pieces() {
    prepare();
    StepBuffers mine = buffers();
    mine.thread_scratch = thread_scratch_.data();
    for (const Phase& phase : step_.phases)
      for (int64_t end = phase.tasks; end > 0;) {
        const int64_t n = std::min<int64_t>(end, 1 + end % 3);
        phase.run(mine, end - n, end);
        end -= n;
      }
  }

  std::vector<std::byte> output(size_t i) const {
    const std::byte* from = output_pointers_[i];
    return from == nullptr ? std::vector<std::byte>()
                           : std::vector<std::byte>(from, from + outputs_[i].size());
  }
  std::vector<std::vector<std::byte>> outputs() const {
    std::vector<std::vector<std::byte>> all;
    for (size_t i = 0; i < outputs_.size(); ++i) all.push_back(output(i));
    return all;
  }
  /// Inputs that the step did not change.
  bool inputs_are(const Tensors& tensors) const {
    for (size_t i = 0; i < tensors.size(); ++i)
      if (tensors[i].defined() && tensors[i].byte_size() > 0 &&
          std::memcmp(inputs_[i].data(), tensors[i].bytes(), tensors[i].byte_size()) != 0)
        return false;
    return true;
  }

 private:
  void prepare() {
    for (size_t i = 0; i < outputs_.size(); ++i) poison(outputs_[i], dtypes_[i]);
    poison(shared_, DType::kF32);
    poison(thread_scratch_, DType::kF32);
  }
  StepBuffers buffers() {
    StepBuffers out;
    out.inputs = input_pointers_.data();
    out.outputs = output_pointers_.data();
    out.shared_scratch = shared_.data();
    return out;
  }

  const Step& step_;
  std::vector<Buffer> inputs_, outputs_;
  Buffer shared_, thread_scratch_;
  std::vector<DType> dtypes_;
  std::vector<const std::byte*> input_pointers_;
  std::vector<std::byte*> output_pointers_;
};

/// The first element that differs by more than the case allows, in words; empty if there is none.
std::string difference(const Tensor& want, const std::vector<std::byte>& got_bytes, const Case& test) {
  Tensor got = Tensor::make(want.dtype(), want.shape()).value();
  if (got.byte_size() > 0) std::memcpy(got.mutable_bytes(), got_bytes.data(), got_bytes.size());
  const Tensor wanted = want.cast(DType::kF64).value(), gotten = got.cast(DType::kF64).value();
  // Integers are exact, unless the case says that rounding may go either way.
  const bool exact = !is_float(want.dtype()) && test.absolute_tolerance < 1;
  for (size_t i = 0; i < wanted.data<double>().size(); ++i) {
    const double w = wanted.data<double>()[i], g = gotten.data<double>()[i];
    if (w == g || (std::isnan(w) && std::isnan(g))) continue;
    const double allowed = exact ? 0 : test.absolute_tolerance + test.relative_tolerance * std::fabs(w);
    if (!(std::fabs(g - w) <= allowed))
      return format("element {} of {} is {}, expected {}", i, want.shape(), g, w);
  }
  return {};
}

class OperatorCase : public testing::TestWithParam<size_t> {};

TEST_P(OperatorCase, AgreesWithTheOracle) {
  const Case& test = case_list()[GetParam()];
  const uint64_t seed = seed_of(test);
  SCOPED_TRACE(format("{} {} seed {}", test.name, test.op->fields_text(), seed));
  const Tensors inputs = make_inputs(test, seed);
  const Facts facts = facts_of_inputs(test, inputs);
  const auto inferred = test.op->infer(facts);
  ASSERT_TRUE(inferred) << inferred.error().text();
  const auto want = test.op->eval(inputs);
  ASSERT_TRUE(want) << want.error().text();
  ASSERT_EQ(want->size(), inferred->size());
  for (size_t i = 0; i < want->size(); ++i) {
    ASSERT_TRUE((*inferred)[i].shape()) << to_string((*inferred)[i]);
    ASSERT_EQ(to_string(*(*inferred)[i].shape()), to_string((*want)[i].shape()));
    ASSERT_EQ(*(*inferred)[i].dtype, (*want)[i].dtype());
  }

  static ThreadPool one(1), two(2), three(3);
  for (const Isa isa : supported_isas()) {
    PackedWeights weights;
    const auto step = lower_op(*test.op, Lowering{*kernels(isa), facts, *inferred, weights});
    ASSERT_TRUE(step) << step.error().text();
    if (step->is_reference()) continue;
    SCOPED_TRACE(format("{} on {}: {}", step->kernel, name(isa), step->why));
    Bench bench(*step, inputs, *inferred, isa == Isa::kScalar ? Buffer::Flush::kStart : Buffer::Flush::kEnd);
    bench.run(one);
    const auto got = bench.outputs();
    for (size_t i = 0; i < want->size(); ++i)
      ASSERT_EQ(difference((*want)[i], got[i], test), "") << "output " << i;
    bench.run_in_pieces();
    ASSERT_EQ(bench.outputs(), got) << "the bits depend on how the tasks are divided";
    bench.run(two);
    ASSERT_EQ(bench.outputs(), got) << "the bits depend on the number of threads";
    bench.run(three);
    ASSERT_EQ(bench.outputs(), got) << "the bits depend on the number of threads";
    ASSERT_TRUE(bench.inputs_are(inputs)) << "an input was written";
    for (const int input : step->in_place_inputs) {
      Bench in_place(*step, inputs, *inferred, Buffer::Flush::kEnd);
      in_place.put_in_place(static_cast<size_t>(input));
      in_place.run_in_pieces();
      ASSERT_EQ(in_place.outputs(), got) << "in place of input " << input;
    }
  }
}

std::vector<size_t> case_numbers() {
  std::vector<size_t> out(case_list().size());
  for (size_t i = 0; i < out.size(); ++i) out[i] = i;
  return out;
}

/// GoogleTest wants letters, digits and underscores, and no name twice.
std::string case_name(const testing::TestParamInfo<size_t>& info) {
  std::string out = case_list()[info.param].name;
  for (char& c : out)
    if (std::isalnum(static_cast<unsigned char>(c)) == 0) c = '_';
  return out + "_" + std::to_string(info.param);
}

INSTANTIATE_TEST_SUITE_P(All, OperatorCase, testing::ValuesIn(case_numbers()), case_name);
GTEST_ALLOW_UNINSTANTIATED_PARAMETERIZED_TEST(OperatorCase);

TEST(OperatorCases, HaveNamesOfTheirOwn) {
  std::set<std::string_view> names;
  for (const Case& test : case_list()) EXPECT_TRUE(names.insert(test.name).second) << test.name;
}

TEST(OperatorCases, ReachAKernelOfTheirOperatorOnEveryIsa) {
  std::set<std::pair<std::string_view, std::string_view>> reached, wanted;
  for (const Case& test : case_list()) {
    const Tensors inputs = make_inputs(test, seed_of(test));
    const Facts facts = facts_of_inputs(test, inputs);
    const auto inferred = test.op->infer(facts);
    ASSERT_TRUE(inferred) << test.name << ": " << inferred.error().text();
    for (const Isa isa : supported_isas()) {
      wanted.emplace(test.op->name(), name(isa));
      if (reached.contains({test.op->name(), name(isa)})) continue;
      PackedWeights weights;
      const auto step = lower_op(*test.op, Lowering{*kernels(isa), facts, *inferred, weights});
      ASSERT_TRUE(step) << test.name << ": " << step.error().text();
      if (!step->is_reference()) reached.emplace(test.op->name(), name(isa));
    }
  }
  for (const auto& pair : wanted)
    EXPECT_TRUE(reached.contains(pair))
        << pair.first << " has cases, but none reaches a kernel on " << pair.second;
}

}  // namespace
}  // namespace pochade
