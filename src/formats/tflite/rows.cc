#include "formats/tflite/rows.h"

namespace pochade::tflite {
namespace {

constexpr std::string_view kTexts = "it works on texts, which are no tensors here";
constexpr std::string_view kComplex = "complex numbers are not supported";
constexpr std::string_view kControl = "it calls another subgraph";
constexpr std::string_view kTables = "tables that are filled while running are not supported";

constexpr Row kRefused[] = {
    {"BITCAST", nullptr, "it reads bytes as another type"},
    {"CALL", nullptr, kControl},
    {"COMPLEX_ABS", nullptr, kComplex},
    {"CONCAT_EMBEDDINGS", nullptr, "no file is known to use it"},
    {"DELEGATE", nullptr, "it belongs to a program that ran the model, not to the model"},
    {"EMBEDDING_LOOKUP_SPARSE", nullptr, "sparse lookups are not supported"},
    {"HASHTABLE", nullptr, kTables},
    {"HASHTABLE_FIND", nullptr, kTables},
    {"HASHTABLE_IMPORT", nullptr, kTables},
    {"HASHTABLE_LOOKUP", nullptr, kTables},
    {"HASHTABLE_SIZE", nullptr, kTables},
    {"IF", nullptr, kControl},
    {"IMAG", nullptr, kComplex},
    {"LSH_PROJECTION", nullptr, kTexts},
    {"PLACEHOLDER_FOR_GREATER_OP_CODES", nullptr, "the file was written for a newer reader"},
    {"REAL", nullptr, kComplex},
    {"RFFT2D", nullptr, kComplex},
    {"SKIP_GRAM", nullptr, kTexts},
    {"STABLEHLO_COMPOSITE", nullptr, kControl},
    {"WHILE", nullptr, kControl},
};

}  // namespace

std::span<const Row> refused_rows() {
  return kRefused;
}

const std::vector<Row>& all_rows() {
  static const std::vector<Row> all = [] {
    std::vector<Row> out;
    for (const auto rows : {elementwise_rows(), reduce_rows(), shape_rows(), slice_rows(), index_rows(),
                            matrix_rows(), conv_rows(), pool_rows(), resize_rows(), quant_rows(),
                            recurrent_rows(), variable_rows(), detect_rows(), refused_rows()})
      out.insert(out.end(), rows.begin(), rows.end());
    return out;
  }();
  return all;
}

const Row* find_row(std::string_view name, bool is_custom) {
  for (const Row& row : all_rows())
    if (row.name == name && row.is_custom == is_custom) return &row;
  return nullptr;
}

}  // namespace pochade::tflite
