#include "formats/npy.h"

#include <charconv>

namespace pochade {
namespace {

struct Descriptor {
  std::string_view text;
  DType dtype;
};
constexpr Descriptor kDescriptors[] = {
    {"<f4", DType::kF32}, {"<f8", DType::kF64}, {"<f2", DType::kF16}, {"|i1", DType::kI8},
    {"<i2", DType::kI16}, {"<i4", DType::kI32}, {"<i8", DType::kI64}, {"|u1", DType::kU8},
    {"<u2", DType::kU16}, {"<u4", DType::kU32}, {"<u8", DType::kU64}, {"|b1", DType::kBool},
};

/// The text after `'key':` in the header's dictionary.
std::optional<std::string_view> find_key(std::string_view header, std::string_view key) {
  const size_t at = header.find(format("'{}'", key));
  if (at == std::string_view::npos) return std::nullopt;
  size_t colon = header.find(':', at);
  if (colon == std::string_view::npos) return std::nullopt;
  ++colon;
  while (colon < header.size() && header[colon] == ' ') ++colon;
  return header.substr(colon);
}

Result<Shape> parse_shape(std::string_view text) {
  if (text.empty() || text[0] != '(') return Error::invalid_argument("the header's shape is not a tuple");
  text.remove_prefix(1);
  Shape shape;
  while (!text.empty() && text[0] != ')') {
    if (text[0] == ' ' || text[0] == ',') {
      text.remove_prefix(1);
      continue;
    }
    int64_t dim = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), dim);
    if (error != std::errc() || dim < 0)
      return Error::invalid_argument("the header's shape has a dim that is no number");
    if (shape.rank() == kMaxRank) return Error::not_supported("more than {} dims", kMaxRank);
    shape.push_back(dim);
    text.remove_prefix(static_cast<size_t>(end - text.data()));
  }
  if (text.empty()) return Error::invalid_argument("the header's shape has no end");
  return shape;
}

}  // namespace

Result<Tensor> parse_npy(const Bytes& bytes) {
  const std::string_view text = bytes.text();
  constexpr std::string_view kMagic("\x93NUMPY", 6);
  if (!text.starts_with(kMagic) || text.size() < 10) return Error::invalid_argument("not a .npy file");
  const auto byte = [&](size_t i) { return static_cast<size_t>(static_cast<unsigned char>(text[i])); };
  const size_t major = byte(6);
  if (major < 1 || major > 3) return Error::not_supported(".npy version {}, expected 1 to 3", major);
  const size_t length_bytes = major == 1 ? 2 : 4;
  if (text.size() < 8 + length_bytes) return Error::invalid_argument("truncated header");
  size_t header_size = byte(8) | byte(9) << 8;
  if (major > 1) header_size |= byte(10) << 16 | byte(11) << 24;
  const size_t start = 8 + length_bytes;
  if (header_size > text.size() - start) return Error::invalid_argument("truncated header");
  const std::string_view header = text.substr(start, header_size);
  const auto descr = find_key(header, "descr"), order = find_key(header, "fortran_order"),
             shape_text = find_key(header, "shape");
  if (!descr || !order || !shape_text)
    return Error::invalid_argument("the header lacks descr, fortran_order or shape");
  if (!order->starts_with("False"))
    return Error::not_supported("Fortran order, expected C order (numpy.ascontiguousarray)");
  TRY(const Shape shape, parse_shape(*shape_text));
  for (const Descriptor& d : kDescriptors) {
    if (descr->size() < 5 || descr->substr(1, 3) != d.text) continue;
    const size_t offset = start + header_size;
    return Tensor::from_bytes(d.dtype, shape, Bytes(bytes.owner(), bytes.span().subspan(offset)));
  }
  return Error::not_supported("elements of type {}", descr->substr(0, 8));
}

Result<Tensor> read_npy(const std::filesystem::path& path) {
  TRY(const Bytes bytes, map_file(path));
  return parse_npy(bytes).context("reading {}", path);
}

std::string npy_bytes(const Tensor& tensor) {
  const DType dtype = tensor.dtype() == DType::kBF16 ? DType::kU16 : tensor.dtype();
  std::string_view descr;
  for (const Descriptor& d : kDescriptors)
    if (d.dtype == dtype) descr = d.text;
  std::string shape = join(tensor.shape().dims(), ", ");
  if (tensor.rank() == 1) shape += ",";
  std::string header = format("{'descr': '{}', 'fortran_order': False, 'shape': ({}), }", descr, shape);
  constexpr size_t kPrefix = 10, kAlignment = 64;
  const size_t total = (kPrefix + header.size() + 1 + kAlignment - 1) / kAlignment * kAlignment;
  header.resize(total - kPrefix - 1, ' ');
  header += '\n';
  std::string out("\x93NUMPY\x01\x00", 8);
  out += static_cast<char>(header.size() & 0xff);
  out += static_cast<char>(header.size() >> 8);
  out += header;
  out.append(reinterpret_cast<const char*>(tensor.bytes()), tensor.byte_size());
  return out;
}

}  // namespace pochade
