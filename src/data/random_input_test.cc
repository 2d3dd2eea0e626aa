#include "data/random_input.h"

#include <gtest/gtest.h>

#include "ops/signal/decode_wav.h"

namespace pochade {
namespace {

Graph wav_graph() {
  Graph graph;
  const ValueId wav = graph.add_input("wav", Fact(DType::kU8, Dims(1)));
  const ValueId other = graph.add_input("other", Fact(DType::kF32, Dims{Dim(), Dim(3)}));
  DecodeWav op;
  op.channels = 1;
  graph.add_output("audio", graph.add_node("decode", make_op(op), {wav}).value().at(0));
  graph.add_output("other", other);
  return graph;
}

TEST(RandomInput, AModelThatDecodesWavGetsAWavFile) {
  const Graph graph = wav_graph();
  EXPECT_TRUE(takes_wav(graph, graph.inputs()[0]));
  EXPECT_FALSE(takes_wav(graph, graph.inputs()[1]));
  const auto shapes = input_shapes(graph, {}).value();
  EXPECT_EQ(to_string(shapes[0]), "32044");
  EXPECT_EQ(to_string(shapes[1]), "1x3");
  const Tensors inputs = random_inputs(graph, shapes, 7).value();
  const WavFile wav = parse_wav({inputs[0].bytes(), inputs[0].byte_size()}).value();
  EXPECT_EQ(wav.sample_rate, 16000);
  EXPECT_EQ(wav.channels, 1);
  EXPECT_EQ(wav.samples, 16000);
  EXPECT_TRUE(inputs[0].identical(random_inputs(graph, shapes, 7)->at(0)));
  EXPECT_FALSE(inputs[0].identical(random_inputs(graph, shapes, 8)->at(0)));
}

TEST(RandomInput, AWavFileHasAHeader) {
  EXPECT_TRUE(parse_wav({random_wav(44, 1)->bytes(), 44}));
  const auto short_file = random_wav(43, 1);
  ASSERT_FALSE(short_file);
  EXPECT_NE(short_file.error().text().find("at least 44 bytes"), std::string::npos);
}

}  // namespace
}  // namespace pochade
