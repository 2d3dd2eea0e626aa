#pragma once
// What goes from the reader program to us: records, each with its length, ended by a last one. Only the
// reader program links the libraries that open HDF5 and zip files; whatever these files do to it, this side
// checks every length.
//
//   stream = "POCHKRS1" record... ;  numbers are little-endian
//   record = kind u32, name_bytes u32, payload_bytes u64, name, zeros, payload, zeros
// The payload begins, and the record ends, at a multiple of 64 bytes from the start of the stream.

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "tensor/tensor.h"

namespace pochade::keras {

constexpr std::string_view kStreamMagic = "POCHKRS1";
constexpr size_t kStreamAlignment = 64;
constexpr size_t kRecordHeaderBytes = 16;

enum class RecordKind : uint32_t {
  kText = 1,       ///< a file of a .keras archive: its name, its contents
  kAttribute = 2,  ///< "group/subgroup@name": (length u32, text) for each string
  kDataset =
      3,  ///< "group/dataset": element type u32, rank u32, sizes u64 each, zeros up to 64 bytes, elements
  kError = 4,  ///< the reader's own sentence; nothing follows
  kEnd = 5,
};

/// Element types as the stream numbers them.
enum class StreamType : uint32_t {
  kF32 = 1,
  kF64,
  kF16,
  kI8,
  kI16,
  kI32,
  kI64,
  kU8,
  kU16,
  kU32,
  kU64,
  kBool
};

/// Everything that the reader found in a file. Tensors and texts refer to the stream's bytes.
struct Contents {
  std::map<std::string, std::string_view, std::less<>> texts;
  std::map<std::string, std::vector<std::string>, std::less<>> attributes;
  std::map<std::string, Tensor, std::less<>> datasets;
  Bytes bytes;

  /// The only string of an attribute; empty if it is not there.
  std::string_view attribute(std::string_view key) const;
};

/// Errors: a stream that breaks its rules (the reader program was stopped, or is not ours), or the reader's
/// sentence.
Result<Contents> parse_stream(const Bytes& stream);

}  // namespace pochade::keras
