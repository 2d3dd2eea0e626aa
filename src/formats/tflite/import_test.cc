#include "formats/tflite/import.h"

#include <flatbuffers/flexbuffers.h>
#include <formats/tflite/metadata_generated.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <set>

#include "formats/formats.h"
#include "formats/tflite/model_builder.h"
#include "formats/tflite/rows.h"
#include "formats/tflite/testing.h"

namespace pochade::tflite {
namespace {

constexpr auto kFloat = TensorType::FLOAT32;

void expect_error(const Bytes& file, std::string_view part) {
  const std::string text = error_of(file);
  EXPECT_NE(text.find(part), std::string::npos) << text;
}

/// x (2x3) through one operator without options.
Bytes unary(BuiltinOperator code) {
  ModelBuilder m;
  const int x = m.tensor("x", kFloat, {2, 3}), y = m.tensor("y", kFloat, {2, 3});
  m.op(code, {x}, {y});
  m.end_subgraph({x}, {y});
  return m.bytes();
}

/// x: 1x4x4x1, a convolution with a constant weight 1x2x2x1 and bias.
struct ConvModel {
  ModelBuilder m;
  int x = m.tensor("x", kFloat, {1, 4, 4, 1});
  int w = m.tensor("w", kFloat, {1, 2, 2, 1}, bytes_of<float>({1, 2, 3, 4}));
  int b = m.tensor("b", kFloat, {1}, bytes_of<float>({-60}));
  int y = m.tensor("y", kFloat, {1, 3, 3, 1});
  Bytes bytes(schema::Padding padding, ActivationFunctionType act, int stride = 1, int dilation = 1) {
    m.op(BuiltinOperator::CONV_2D, {x, w, b}, {y}, BuiltinOptions::Conv2DOptions,
         schema::CreateConv2DOptions(m.fbb, padding, stride, stride, act, dilation, dilation).Union());
    m.end_subgraph({x}, {y});
    return m.bytes();
  }
};

Tensor ramp(const Shape& shape) {
  Tensor out = Tensor::make(DType::kF32, shape).value();
  float value = 0;
  for (float& v : out.mutable_data<float>()) v = value++;
  return out;
}

// --- What is read

TEST(TfliteImport, NamesInputsAndOutputs) {
  const Graph graph = read(unary(BuiltinOperator::NEG));
  ASSERT_EQ(graph.inputs().size(), 1u);
  EXPECT_EQ(graph.value(graph.inputs()[0]).name, "x");
  EXPECT_EQ(graph.outputs()[0].name, "y");
  EXPECT_EQ(to_string(graph.fact(graph.outputs()[0].value)), "float32 2x3");
  EXPECT_EQ(graph.metadata().at("producer"), "test");
}

TEST(TfliteImport, IsFoundByContent) {
  EXPECT_TRUE(import_model(unary(BuiltinOperator::ABS)));
  EXPECT_TRUE(looks_like_tflite(unary(BuiltinOperator::ABS)));
  EXPECT_FALSE(looks_like_tflite(Bytes::copy_of(std::string_view("\x08\x07"))));
}

TEST(TfliteImport, ValidConvolutionWithActivation) {
  ConvModel model;
  const Graph graph = read(model.bytes(schema::Padding::VALID, ActivationFunctionType::RELU));
  // The window at row r, column c: 1*v + 2*(v+1) + 3*(v+4) + 4*(v+5) - 60 with v = 4r + c.
  const auto y = floats(run(graph, {ramp({1, 4, 4, 1})}));
  EXPECT_EQ(y, (std::vector<float>{0, 0, 0, 14, 24, 34, 54, 64, 74}));
}

TEST(TfliteImport, SamePaddingAddsTheOddOneAtTheEnd) {
  ConvModel model;
  const Graph graph = read(model.bytes(schema::Padding::SAME, ActivationFunctionType::NONE));
  const auto y = floats(run(graph, {ramp({1, 4, 4, 1})}));
  ASSERT_EQ(y.size(), 16u);
  EXPECT_EQ(y[0], 0 * 1 + 1 * 2 + 4 * 3 + 5 * 4 - 60.0f);
  EXPECT_EQ(y[3], 3 * 1 + 7 * 3 - 60.0f);  // nothing to its right
  EXPECT_EQ(y[15], 15 - 60.0f);
}

TEST(TfliteImport, DepthwiseKeepsItsMultiplier) {
  ModelBuilder m;
  const int x = m.tensor("x", kFloat, {1, 1, 2, 2});
  // 1,H,W,O: output 2 * c + k reads channel c.
  const int w = m.tensor("w", kFloat, {1, 1, 2, 4}, bytes_of<float>({1, 2, 3, 4, 10, 20, 30, 40}));
  const int b = m.tensor("b", kFloat, {4}, bytes_of<float>({0, 0, 0, 0.5f}));
  const int y = m.tensor("y", kFloat, {1, 1, 1, 4});
  m.op(BuiltinOperator::DEPTHWISE_CONV_2D, {x, w, b}, {y}, BuiltinOptions::DepthwiseConv2DOptions,
       schema::CreateDepthwiseConv2DOptions(m.fbb, schema::Padding::VALID, 1, 1, 2).Union());
  m.end_subgraph({x}, {y});
  const Tensor in = Tensor::of<float>({1, 1, 2, 2}, {1, 2, 3, 4});
  EXPECT_EQ(floats(run(read(m.bytes()), {in})), (std::vector<float>{31, 62, 126, 168.5f}));
}

TEST(TfliteImport, BatchThatIsNotFixedIsNamed) {
  ModelBuilder m;
  TensorOptions free;
  free.signature = {-1, 6};
  const int x = m.tensor("x", kFloat, {1, 6}, {}, free);
  const int w = m.tensor("w", kFloat, {2, 6}, bytes_of(std::vector<float>(12, 1)));
  const int y = m.tensor("y", kFloat, {1, 2});
  m.op(BuiltinOperator::FULLY_CONNECTED, {x, w, -1}, {y}, BuiltinOptions::FullyConnectedOptions,
       schema::CreateFullyConnectedOptions(m.fbb).Union());
  m.end_subgraph({x}, {y});
  const Graph graph = read(m.bytes());
  EXPECT_EQ(to_string(graph.fact(graph.inputs()[0])), "float32 Nx6");
  EXPECT_EQ(floats(run(graph, {ramp({3, 6})})), (std::vector<float>{15, 15, 51, 51, 87, 87}));
}

TEST(TfliteImport, QuantizedInputsSaySo) {
  ModelBuilder m;
  TensorOptions q;
  q.scale = {0.5f};
  q.zero_point = {3};
  const int x = m.tensor("x", TensorType::INT8, {4}, {}, q), y = m.tensor("y", kFloat, {4});
  m.op(BuiltinOperator::DEQUANTIZE, {x}, {y});
  m.end_subgraph({x}, {y});
  const Graph graph = read(m.bytes());
  const auto& quantization = graph.fact(graph.inputs()[0]).quantization;
  ASSERT_NE(quantization, nullptr);
  EXPECT_EQ(quantization->scale, std::vector<float>{0.5f});
  EXPECT_EQ(quantization->zero_point, std::vector<int32_t>{3});
  EXPECT_EQ(floats(run(graph, {Tensor::of<int8_t>({4}, {3, 5, -1, 127})})),
            (std::vector<float>{0, 1, -2, 62}));
}

TEST(TfliteImport, HalvesAreWidened) {
  ModelBuilder m;
  const int w = m.tensor("w", TensorType::FLOAT16, {3}, bytes_of<uint16_t>({0x3c00, 0xc000, 0x3800}));
  EXPECT_EQ(constant_values(m, w, {3}), (std::vector<float>{1, -2, 0.5f}));
}

TEST(TfliteImport, FourBitsAreUnpacked) {
  ModelBuilder m;
  TensorOptions q;
  q.scale = {2};
  q.zero_point = {0};
  const int w = m.tensor("w", TensorType::INT4, {5}, {0x21, 0x7f, 0x08}, q);
  EXPECT_EQ(constant_values(m, w, {5}), (std::vector<float>{2, 4, -2, 14, -16}));
}

TEST(TfliteImport, FourBitsMustFillTheirShape) {
  ModelBuilder m;
  const int w = m.tensor("w", TensorType::INT4, {5}, {0x21, 0x7f});
  const int y = m.tensor("y", TensorType::INT8, {5});
  m.op(BuiltinOperator::ABS, {w}, {y});
  m.end_subgraph({}, {y});
  expect_error(m.bytes(), "2 bytes of data do not fill 5 of 4 bits");
}

// --- What lives between runs

TEST(TfliteImport, SvdfRemembers) {
  ModelBuilder m;
  TensorOptions variable;
  variable.is_variable = true;
  const int x = m.tensor("x", kFloat, {1, 1});
  const int feature = m.tensor("feature", kFloat, {1, 1}, bytes_of<float>({1}));
  const int time = m.tensor("time", kFloat, {1, 3}, bytes_of<float>({100, 10, 1}));
  const int state = m.tensor("state", kFloat, {1, 3}, {}, variable);
  const int y = m.tensor("y", kFloat, {1, 1});
  m.op(BuiltinOperator::SVDF, {x, feature, time, -1, state}, {y}, BuiltinOptions::SVDFOptions,
       schema::CreateSVDFOptions(m.fbb, 1).Union());
  m.end_subgraph({x}, {y});
  auto session = Session::create(read(m.bytes()));
  ASSERT_TRUE(session) << session.error().text();
  std::vector<float> results;
  for (const float value : {1.0f, 2.0f, 3.0f, 4.0f})
    results.push_back(
        floats(session->run(std::vector<Tensor>{Tensor::of<float>({1, 1}, {value})}).value())[0]);
  EXPECT_EQ(results, (std::vector<float>{1, 12, 123, 234}));
  session->reset_state();
  EXPECT_EQ(floats(session->run(std::vector<Tensor>{Tensor::of<float>({1, 1}, {5})}).value())[0], 5);
}

/// y = variable + x, which becomes the variable; CALL_ONCE of subgraph 1 makes it `first`.
Bytes counter(bool initialised) {
  ModelBuilder m;
  const auto handle = [&](int tensor) {
    m.op(BuiltinOperator::VAR_HANDLE, {}, {tensor}, BuiltinOptions::VarHandleOptions,
         schema::CreateVarHandleOptionsDirect(m.fbb, "", "sum").Union());
  };
  const int x = m.tensor("x", kFloat, {2}), resource = m.tensor("resource", TensorType::RESOURCE, {}),
            before = m.tensor("before", kFloat, {2}), y = m.tensor("y", kFloat, {2});
  if (initialised)
    m.op(BuiltinOperator::CALL_ONCE, {}, {}, BuiltinOptions::CallOnceOptions,
         schema::CreateCallOnceOptions(m.fbb, 1).Union());
  handle(resource);
  m.op(BuiltinOperator::READ_VARIABLE, {resource}, {before});
  m.op(BuiltinOperator::ADD, {x, before}, {y}, BuiltinOptions::AddOptions,
       schema::CreateAddOptions(m.fbb).Union());
  m.op(BuiltinOperator::ASSIGN_VARIABLE, {resource, y}, {});
  m.end_subgraph({x}, {y});
  const int again = m.tensor("again", TensorType::RESOURCE, {}),
            first = m.tensor("first", kFloat, {2}, bytes_of<float>({100, 200}));
  handle(again);
  m.op(BuiltinOperator::ASSIGN_VARIABLE, {again, first}, {});
  m.end_subgraph({}, {});
  return m.bytes();
}

TEST(TfliteImport, VariablesBecomeStates) {
  auto session = Session::create(read(counter(true)));
  ASSERT_TRUE(session) << session.error().text();
  const std::vector<Tensor> in{Tensor::of<float>({2}, {1, 2})};
  EXPECT_EQ(floats(session->run(in).value()), (std::vector<float>{101, 202}));
  EXPECT_EQ(floats(session->run(in).value()), (std::vector<float>{102, 204}));
}

TEST(TfliteImport, VariablesNeedAFirstValue) {
  expect_error(counter(false), "no CALL_ONCE gives it a value");
}

// --- What a file says of itself

TEST(TfliteImport, SignaturesAreMetadata) {
  ModelBuilder m;
  const int x = m.tensor("x:0", kFloat, {1}), y = m.tensor("y:0", kFloat, {1});
  m.op(BuiltinOperator::ABS, {x}, {y});
  m.end_subgraph({x}, {y});
  m.signature("serve", "picture", 0);
  EXPECT_EQ(read(m.bytes()).metadata().at("signature:serve:input:picture"), "x:0");
}

/// A ZIP archive of one stored (or, as it claims, compressed) file.
std::string archive(const std::string& name, const std::string& text, int method = 0) {
  const auto number = [](uint32_t value, int bytes) {
    std::string out;
    for (int i = 0; i < bytes; ++i) out += static_cast<char>(value >> (8 * i));
    return out;
  };
  const auto size = static_cast<uint32_t>(text.size()), name_size = static_cast<uint32_t>(name.size());
  const std::string common = number(20, 2) + number(0, 2) + number(static_cast<uint32_t>(method), 2) +
                             number(0, 4) + number(0, 4) + number(size, 4) + number(size, 4) +
                             number(name_size, 2) + number(0, 2);
  const std::string local = "PK\x03\x04" + common + name + text;
  const std::string entry = "PK\x01\x02" + number(20, 2) + common + number(0, 2) + number(0, 2) +
                            number(0, 2) + number(0, 4) + number(0, 4) + name;
  return local + entry + "PK\x05\x06" + number(0, 4) + number(1, 2) + number(1, 2) +
         number(static_cast<uint32_t>(entry.size()), 4) + number(static_cast<uint32_t>(local.size()), 4) +
         number(0, 2);
}

Bytes labelled(int method) {
  flatbuffers::FlatBufferBuilder fbb;
  const auto file = schema::CreateAssociatedFileDirect(fbb, "labels.txt", "",
                                                       schema::AssociatedFileType::TENSOR_AXIS_LABELS);
  const std::vector<Offset<schema::AssociatedFile>> files{file};
  const std::vector<float> mean{127.5f}, std{128};
  const auto options = schema::CreateNormalizationOptionsDirect(fbb, &mean, &std).Union();
  const std::vector<Offset<schema::ProcessUnit>> units{
      schema::CreateProcessUnit(fbb, schema::ProcessUnitOptions::NormalizationOptions, options)};
  const std::vector<Offset<schema::TensorMetadata>> inputs{
      schema::CreateTensorMetadataDirect(fbb, "x", "a picture", nullptr, 0, &units)};
  const std::vector<Offset<schema::TensorMetadata>> outputs{
      schema::CreateTensorMetadataDirect(fbb, "y", nullptr, nullptr, 0, nullptr, 0, &files)};
  const std::vector<Offset<schema::SubGraphMetadata>> graphs{
      schema::CreateSubGraphMetadataDirect(fbb, nullptr, nullptr, &inputs, &outputs)};
  schema::FinishModelMetadataBuffer(fbb,
                                    schema::CreateModelMetadataDirect(fbb, "net", nullptr, nullptr, &graphs));
  ModelBuilder m;
  const int x = m.tensor("x", kFloat, {1}), y = m.tensor("y", kFloat, {1});
  m.op(BuiltinOperator::ABS, {x}, {y});
  m.end_subgraph({x}, {y});
  m.metadata("TFLITE_METADATA", {fbb.GetBufferPointer(), fbb.GetBufferPointer() + fbb.GetSize()});
  const Bytes bytes = m.bytes();
  return Bytes::copy_of(std::string(bytes.text()) + archive("labels.txt", "cat\ndog\n", method));
}

TEST(TfliteImport, LabelsComeFromTheArchiveAtTheEnd) {
  const auto metadata = read(labelled(0)).metadata();
  EXPECT_EQ(metadata.at("labels:y"), "cat\ndog\n");
  EXPECT_EQ(metadata.at("normalization:x"), "mean=127.5 std=128");
  EXPECT_EQ(metadata.at("doc:x"), "a picture");
  EXPECT_EQ(metadata.at("name"), "net");
}

TEST(TfliteImport, CompressedLabelsAreAWarning) {
  const auto metadata = read(labelled(8)).metadata();
  EXPECT_FALSE(metadata.contains("labels:y"));
  EXPECT_NE(metadata.at("warning:labels:y").find("compressed"), std::string::npos);
}

// --- What is refused

TEST(TfliteImport, UnknownOperatorsAreNamedTogether) {
  ModelBuilder m;
  const int x = m.tensor("x", kFloat, {1}), y = m.tensor("y", kFloat, {1}), z = m.tensor("z", kFloat, {1});
  m.op(BuiltinOperator::RFFT2D, {x}, {y});
  m.custom_op("MyOperator", {y}, {z});
  m.end_subgraph({x}, {z});
  const Bytes file = m.bytes();
  expect_error(file, "RFFT2D (complex numbers are not supported)");
  expect_error(file, "custom operator MyOperator");
}

TEST(TfliteImport, LoopsAreRefusedWithTheirSubgraphs) {
  ModelBuilder m;
  const int x = m.tensor("x", kFloat, {1}), y = m.tensor("y", kFloat, {1});
  m.op(BuiltinOperator::WHILE, {x}, {y}, BuiltinOptions::WhileOptions,
       schema::CreateWhileOptions(m.fbb, 3, 4).Union());
  m.end_subgraph({x}, {y});
  expect_error(m.bytes(),
               "WHILE (it calls another subgraph) [cond_subgraph_index 3] [body_subgraph_index 4]");
}

TEST(TfliteImport, OptionsThatNobodyReadsAreRefused) {
  ModelBuilder m;
  const int x = m.tensor("x", kFloat, {1}), y = m.tensor("y", kFloat, {1});
  m.op(BuiltinOperator::ABS, {x}, {y}, BuiltinOptions::LeakyReluOptions,
       schema::CreateLeakyReluOptions(m.fbb, 0.5f).Union());
  m.end_subgraph({x}, {y});
  expect_error(m.bytes(), "node \"y\" (ABS): option \"alpha\" is not known for this operator");
}

TEST(TfliteImport, FieldsOfANewerSchemaAreRefused) {
  ModelBuilder m;
  const int x = m.tensor("x", kFloat, {1}), y = m.tensor("y", kFloat, {1});
  const auto start = m.fbb.StartTable();
  m.fbb.AddElement<float>(4, 0.5f, 0.0f);  // alpha
  m.fbb.AddElement<float>(6, 2.0f, 0.0f);  // unknown
  const Offset<void> options(m.fbb.EndTable(start));
  m.op(BuiltinOperator::LEAKY_RELU, {x}, {y}, BuiltinOptions::LeakyReluOptions, options);
  m.end_subgraph({x}, {y});
  expect_error(m.bytes(), "option \"field 1\" is not known");
}

TEST(TfliteImport, InputsThatNobodyReadsAreRefused) {
  ModelBuilder m;
  const int x = m.tensor("x", kFloat, {1}), y = m.tensor("y", kFloat, {1});
  m.op(BuiltinOperator::LEAKY_RELU, {x, x}, {y});
  m.end_subgraph({x}, {y});
  expect_error(m.bytes(), "input 1 is not known for this operator");
}

TEST(TfliteImport, OperatorsWithoutOutputsAreRefused) {
  ModelBuilder m;
  const int x = m.tensor("x", kFloat, {2, 3});
  const int axis = m.tensor("axis", TensorType::INT32, {1}, bytes_of<int32_t>({1}));
  m.op(BuiltinOperator::ARG_MAX, {x, axis}, {});
  m.end_subgraph({x}, {x});
  expect_error(m.bytes(), "it has no output");
}

TEST(TfliteImport, TypesOfOutputsAreChecked) {
  ModelBuilder m;
  const int x = m.tensor("x", kFloat, {1}), y = m.tensor("y", TensorType::INT32, {1});
  m.op(BuiltinOperator::ABS, {x}, {y});
  m.end_subgraph({x}, {y});
  expect_error(m.bytes(), "output 0 is declared int32, but the operator gives float32");
}

TEST(TfliteImport, DataMustFillTheShape) {
  ModelBuilder m;
  const int w = m.tensor("w", kFloat, {3}, bytes_of<float>({1, 2})), y = m.tensor("y", kFloat, {3});
  m.op(BuiltinOperator::ABS, {w}, {y});
  m.end_subgraph({}, {y});
  expect_error(m.bytes(), "input 0 \"w\": 8 bytes of data do not fill float32 of 3");
}

TEST(TfliteImport, BuffersOutsideTheFileAreRefused) {
  for (const auto& [offset, size] : {std::pair<uint64_t, uint64_t>{1u << 20, 12}, {64, UINT64_MAX - 10}}) {
    ModelBuilder m;
    const int w = m.tensor_with_buffer("w", kFloat, {3}, m.add_outer_buffer(offset, size));
    m.end_subgraph({}, {w});
    expect_error(m.bytes(), "ends beyond the end of the file");
  }
}

TEST(TfliteImport, BuffersBehindTheFlatBufferAreRead) {
  ModelBuilder m;
  const int x = m.tensor("x", kFloat, {2}), y = m.tensor("y", kFloat, {2});
  const int w = m.tensor_with_buffer("w", kFloat, {2}, m.add_outer_buffer(4096, 8));
  m.op(BuiltinOperator::MUL, {x, w}, {y}, BuiltinOptions::MulOptions,
       schema::CreateMulOptions(m.fbb).Union());
  m.end_subgraph({x}, {y});
  std::string file(m.bytes().text());
  ASSERT_LT(file.size(), 4096u);
  file.resize(4096);
  const auto data = bytes_of<float>({3, 5});
  file.append(data.begin(), data.end());
  EXPECT_EQ(floats(run(read(Bytes::copy_of(file)), {Tensor::of<float>({2}, {1, 2})})),
            (std::vector<float>{3, 10}));
}

TEST(TfliteImport, IndicesAreChecked) {
  {
    ModelBuilder m;
    const int x = m.tensor("x", kFloat, {1});
    m.op(BuiltinOperator::ABS, {7}, {x});
    m.end_subgraph({x}, {x});
    expect_error(m.bytes(), "it refers to tensor 7, the subgraph has 1");
  }
  {
    ModelBuilder m;
    const int x = m.tensor_with_buffer("x", kFloat, {1}, 9);
    m.end_subgraph({x}, {x});
    expect_error(m.bytes(), "buffer 9 does not exist");
  }
  {
    ModelBuilder m;
    const int x = m.tensor("x", kFloat, {1}), y = m.tensor("y", kFloat, {1}), z = m.tensor("z", kFloat, {1});
    m.op(BuiltinOperator::ABS, {y}, {z});
    m.op(BuiltinOperator::ABS, {x}, {y});
    m.end_subgraph({x}, {z});
    expect_error(m.bytes(), "has no data and is not computed before");
  }
  {
    ModelBuilder m;
    const int x = m.tensor("x", kFloat, {1}), y = m.tensor("y", kFloat, {1});
    m.op(BuiltinOperator::ABS, {x}, {y});
    m.op(BuiltinOperator::NEG, {x}, {y});
    m.end_subgraph({x}, {y});
    expect_error(m.bytes(), "is computed already");
  }
}

TEST(TfliteImport, OtherVersionsAndFilesAreRefused) {
  ModelBuilder m;
  const int x = m.tensor("x", kFloat, {1});
  m.end_subgraph({x}, {x});
  expect_error(m.bytes(2), "version 2");
  expect_error(Bytes::copy_of(std::string_view("\0\0\0\0TFL3abcdefgh", 16)), "damaged");
  expect_error(Bytes::copy_of(std::string_view("hello, this is text")), "does not begin as a TFLite file");
}

TEST(TfliteImport, UnsupportedTypesAreNamed) {
  ModelBuilder m;
  const int x = m.tensor("x", TensorType::STRING, {1});
  m.end_subgraph({x}, {x});
  expect_error(m.bytes(), "input \"x\": elements of type string are not supported");
}

/// Many tensors that share one list must not make a small file take much memory.
TEST(TfliteImport, SharedListsArePaidFor) {
  ModelBuilder m;
  std::vector<float> scales(4000, 1);
  const auto shared = m.fbb.CreateVector(scales);
  const auto name = m.fbb.CreateString("w");
  std::vector<Offset<schema::Tensor>> tensors;
  const auto quantization = schema::CreateQuantizationParameters(m.fbb, 0, 0, shared);
  for (int i = 0; i < 4000; ++i)
    tensors.push_back(schema::CreateTensor(m.fbb, 0, kFloat, 0, name, quantization));
  const std::vector<int> none;
  const std::vector<Offset<schema::SubGraph>> graphs{
      schema::CreateSubGraphDirect(m.fbb, &tensors, &none, &none)};
  const std::vector<Offset<schema::Buffer>> buffers{schema::CreateBuffer(m.fbb)};
  schema::FinishModelBuffer(m.fbb, schema::CreateModelDirect(m.fbb, 3, nullptr, &graphs, nullptr, &buffers));
  expect_error(Bytes::copy_of(std::as_bytes(std::span(m.fbb.GetBufferPointer(), size_t{m.fbb.GetSize()}))),
               "referred to more often");
}

// --- Damage

void expect_error_or_valid(const Bytes& file) {
  const auto graph = import_tflite(file);
  if (!graph) {
    EXPECT_FALSE(graph.error().text().empty());
    return;
  }
  const auto valid = graph->verify();
  EXPECT_TRUE(valid) << valid.error().text();
}

TEST(TfliteImport, TruncatedFilesAreErrors) {
  ConvModel model;
  const std::string whole(model.bytes(schema::Padding::SAME, ActivationFunctionType::RELU6).text());
  for (size_t size = 0; size < whole.size(); ++size)
    expect_error_or_valid(Bytes::copy_of(whole.substr(0, size)));
}

TEST(TfliteImport, DamagedFilesAreErrorsOrValidGraphs) {
  uint64_t random = 88172645463325252u;
  const auto next = [&random](size_t below) {
    random ^= random << 13;
    random ^= random >> 7;
    random ^= random << 17;
    return static_cast<size_t>(random % below);
  };
  for (const Bytes& file : {ConvModel().bytes(schema::Padding::SAME, ActivationFunctionType::RELU),
                            counter(true), labelled(0), unary(BuiltinOperator::LOGISTIC)})
    for (int round = 0; round < 3000; ++round) {
      std::string damaged(file.text());
      for (size_t change = 0; change <= next(3); ++change)
        damaged[next(damaged.size())] = static_cast<char>(next(4) == 0 ? 0xff : next(256));
      expect_error_or_valid(Bytes::copy_of(damaged));
    }
}

// --- The list of operators

TEST(TfliteRows, AreOfTheSchemaAndOnce) {
  std::set<std::string_view> schema_names, seen;
  for (const auto code : schema::EnumValuesBuiltinOperator())
    schema_names.insert(schema::EnumNameBuiltinOperator(code));
  int supported = 0;
  for (const Row& row : all_rows()) {
    if (!row.is_custom) {
      EXPECT_TRUE(schema_names.contains(row.name)) << row.name;
    }
    EXPECT_TRUE(seen.insert(row.name).second) << row.name;
    EXPECT_EQ(row.import == nullptr, !row.reason.empty()) << row.name;
    supported += row.import != nullptr && !row.is_custom;
  }
  EXPECT_GE(supported, 130);
}

/// What docs/tflite.md says behind its mark.
std::string list_of_operators() {
  std::vector<std::string> read, custom, refused;
  for (const Row& row : all_rows()) {
    const std::string name = format("`{}`", row.name);
    if (row.import == nullptr)
      refused.push_back(format("| {} | {} |", name, row.reason));
    else
      (row.is_custom ? custom : read).push_back(name);
  }
  for (auto* list : {&read, &custom, &refused}) std::sort(list->begin(), list->end());
  return format(
      "\n{} builtin operators are read: {}.\n\nCustom operators: {}.\n\nKnown, but refused:\n\n"
      "| Operator | Why |\n|---|---|\n{}\n",
      read.size(), join(read), join(custom), join(refused, "\n"));
}

TEST(TfliteRows, AreListedInTheDocuments) {
  const std::filesystem::path path = std::filesystem::path(POCHADE_SOURCE_DIR) / "docs" / "tflite.md";
  std::string text(map_file(path).value().text());
  const std::string mark = "<!-- operators -->\n";
  const size_t at = text.find(mark);
  ASSERT_NE(at, std::string::npos);
  const std::string wanted = text.substr(0, at + mark.size()) + list_of_operators();
  if (std::getenv("POCHADE_WRITE_DOCS") != nullptr) {
    ASSERT_TRUE(write_file(path, wanted));
    text = wanted;
  }
  EXPECT_EQ(text, wanted) << "POCHADE_WRITE_DOCS=1 writes it";
}

TEST(TfliteOptions, FlexBuffersAreRead) {
  flexbuffers::Builder builder;
  builder.Map([&] {
    builder.Int("max_detections", 10);
    builder.Float("x_scale", 5.0f);
    builder.Bool("use_regular_nms", true);
  });
  builder.Finish();
  const auto options = parse_custom_options(std::as_bytes(std::span(builder.GetBuffer())));
  ASSERT_TRUE(options) << options.error().text();
  ASSERT_EQ(options->size(), 3u);
  EXPECT_EQ((*options)[0].name, "max_detections");
  EXPECT_EQ((*options)[0].integer, 10);
  EXPECT_EQ((*options)[2].number, 5.0);
  const auto text = Bytes::copy_of(std::string_view("abcdefg"));
  EXPECT_FALSE(parse_custom_options(text.span()));
}

}  // namespace
}  // namespace pochade::tflite
