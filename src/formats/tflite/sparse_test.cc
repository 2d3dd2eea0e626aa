// Compressed tensors, as DENSIFY and some weights have them.

#include "formats/tflite/testing.h"

namespace pochade::tflite {
namespace {

constexpr auto kFloat = TensorType::FLOAT32;

struct Level {
  bool sparse = false;
  int size = 0;
  std::vector<int> segments;
  std::vector<uint8_t> indices;
};

Offset<schema::SparsityParameters> sparsity(ModelBuilder& m, const std::vector<int>& order,
                                            const std::vector<int>& block_map,
                                            const std::vector<Level>& levels) {
  std::vector<Offset<schema::DimensionMetadata>> list;
  for (const Level& level : levels) {
    if (!level.sparse) {
      list.push_back(schema::CreateDimensionMetadata(m.fbb, schema::DimensionType::DENSE, level.size));
      continue;
    }
    const auto segments = schema::CreateInt32VectorDirect(m.fbb, &level.segments).Union();
    const auto indices = schema::CreateUint8VectorDirect(m.fbb, &level.indices).Union();
    list.push_back(schema::CreateDimensionMetadata(m.fbb, schema::DimensionType::SPARSE_CSR, 0,
                                                   schema::SparseIndexVector::Int32Vector, segments,
                                                   schema::SparseIndexVector::Uint8Vector, indices));
  }
  return schema::CreateSparsityParametersDirect(m.fbb, &order, &block_map, &list);
}

TEST(TfliteSparse, RowsOfColumns) {
  ModelBuilder m;
  TensorOptions options;
  options.sparsity = sparsity(m, {0, 1}, {}, {{false, 3, {}, {}}, {true, 0, {0, 2, 2, 3}, {0, 3, 1}}});
  const int w =
      m.tensor("w", TensorType::FLOAT16, {3, 4}, bytes_of<uint16_t>({0x3c00, 0x4000, 0x4200}), options);
  EXPECT_EQ(constant_values(m, w, {3, 4}), (std::vector<float>{1, 0, 0, 2, 0, 0, 0, 0, 0, 3, 0, 0}));
}

TEST(TfliteSparse, ColumnsFirst) {
  ModelBuilder m;
  TensorOptions options;
  options.sparsity = sparsity(m, {1, 0}, {}, {{false, 2, {}, {}}, {true, 0, {0, 1, 3}, {2, 0, 1}}});
  const int w =
      m.tensor("w", TensorType::FLOAT16, {3, 2}, bytes_of<uint16_t>({0x3c00, 0x4000, 0x4200}), options);
  EXPECT_EQ(constant_values(m, w, {3, 2}), (std::vector<float>{0, 2, 0, 3, 1, 0}));
}

TEST(TfliteSparse, Blocks) {
  ModelBuilder m;
  TensorOptions options;
  // 4x4 in blocks of 2x2: block row 0 holds block column 1, block row 1 holds block column 0.
  options.sparsity =
      sparsity(m, {0, 1, 2, 3}, {0, 1},
               {{false, 2, {}, {}}, {true, 0, {0, 1, 2}, {1, 0}}, {false, 2, {}, {}}, {false, 2, {}, {}}});
  const int w =
      m.tensor("w", TensorType::FLOAT16, {4, 4},
               bytes_of<uint16_t>({0x3c00, 0x4000, 0x4200, 0x4400, 0x4500, 0x4600, 0x4700, 0x4800}), options);
  EXPECT_EQ(constant_values(m, w, {4, 4}),
            (std::vector<float>{0, 0, 1, 2, 0, 0, 3, 4, 5, 6, 0, 0, 7, 8, 0, 0}));
}

/// What is wrong with a compressed 3x4 tensor.
std::string sparse_error(const std::vector<int>& order, const std::vector<int>& blocks,
                         const std::vector<Level>& levels, size_t values = 3) {
  ModelBuilder m;
  TensorOptions options;
  options.sparsity = sparsity(m, order, blocks, levels);
  const int w = m.tensor("w", kFloat, {3, 4}, bytes_of(std::vector<float>(values, 1)), options);
  const int y = m.tensor("y", kFloat, {3, 4});
  m.op(BuiltinOperator::DENSIFY, {w}, {y});
  m.end_subgraph({}, {y});
  return error_of(m.bytes());
}

TEST(TfliteSparse, DamageIsNamed) {
  const auto has = [](const std::string& text, std::string_view part) {
    return text.find(part) != std::string::npos ? "" : text;
  };
  const Level rows{false, 3, {}, {}};
  EXPECT_EQ(
      has(sparse_error({0, 1}, {}, {rows, {true, 0, {0, 2, 2, 3}, {0, 9, 1}}}), "an index of level 1 is 9"),
      "");
  EXPECT_EQ(has(sparse_error({0, 1}, {}, {rows, {true, 0, {0, 2}, {0, 3, 1}}}), "end too early"), "");
  EXPECT_EQ(has(sparse_error({0, 1}, {}, {rows, {true, 0, {0, 2, 1, 3}, {0, 3, 1}}}), "not in order"), "");
  EXPECT_EQ(has(sparse_error({0, 1}, {}, {rows, {true, 0, {0, 2, 2, 9}, {0, 3, 1}}}), "not in order"), "");
  EXPECT_EQ(has(sparse_error({0, 0}, {}, {rows, {true, 0, {0, 2, 2, 3}, {0, 3, 1}}}), "is not an order"), "");
  EXPECT_EQ(
      has(sparse_error({0, 1}, {}, {{false, 4, {}, {}}, {true, 0, {0, 2, 2, 3}, {0, 3, 1}}}), "expected 3"),
      "");
  EXPECT_EQ(has(sparse_error({0, 1}, {}, {rows}), "do not fit 2 dimensions"), "");
  EXPECT_EQ(has(sparse_error({0, 1, 2}, {7}, {rows, rows, rows}), "block map names dimension 7"), "");
  EXPECT_EQ(has(sparse_error({0, 1}, {}, {rows, {true, 0, {0, 2, 2, 3}, {0, 3, 1}}}, 2), "fewer values"), "");
}

}  // namespace
}  // namespace pochade::tflite
