// PNG by libpng. Its errors leave by longjmp: each method below that calls it sets the jump and has only
// trivially destructible locals, so that nothing is skipped; no jump crosses a method.
#include <png.h>

#include <algorithm>
#include <bit>
#include <csetjmp>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <memory>

#include "media/codecs.h"
#include "media/exif.h"

namespace pochade::codec {
namespace {

struct PngErrors {
  char message[160] = "";
};

[[noreturn]] void on_error(png_structp png, png_const_charp message) {
  auto& errors = *static_cast<PngErrors*>(png_get_error_ptr(png));
  std::snprintf(errors.message, sizeof(errors.message), "%s", message);
  png_longjmp(png, 1);
}
void on_warning(png_structp, png_const_charp) {}

/// Deflate shrinks at most 1032 to 1: the most that a file of this length can hold.
size_t most_inflated(size_t file_bytes) {
  return file_bytes * 1040 + 4096;
}
/// Of profiles and other chunks beside the pixels; also enough for the library's own state.
size_t most_in_chunk(size_t file_bytes) {
  constexpr size_t kLargestChunk = 8'000'000, kOwnState = 200'000;
  return std::min(kLargestChunk, most_inflated(file_bytes)) + kOwnState;
}

class PngReader {
 public:
  explicit PngReader(std::span<const std::byte> bytes)
      : bytes_(bytes), largest_allocation_(most_in_chunk(bytes.size())) {
    // libpng takes the memory that an eXIf chunk claims before it sees that the file is shorter.
    png_ = png_create_read_struct_2(
        PNG_LIBPNG_VER_STRING, &errors_, on_error, on_warning, this,
        [](png_structp png, png_alloc_size_t size) -> png_voidp {
          const auto& self = *static_cast<const PngReader*>(png_get_mem_ptr(png));
          return size <= self.largest_allocation_ ? std::malloc(size) : nullptr;
        },
        [](png_structp, png_voidp memory) { std::free(memory); });
    if (png_ != nullptr) info_ = png_create_info_struct(png_);
  }
  PngReader(const PngReader&) = delete;
  PngReader& operator=(const PngReader&) = delete;
  ~PngReader() { png_destroy_read_struct(&png_, &info_, nullptr); }

  bool ready() const { return info_ != nullptr; }
  bool read_header() {
    if (setjmp(png_jmpbuf(png_))) return false;
    png_set_user_limits(png_, 0x7fffffff, 0x7fffffff);  // our own limits follow
    png_set_read_fn(png_, this, [](png_structp png, png_bytep out, size_t size) {
      auto& self = *static_cast<PngReader*>(png_get_io_ptr(png));
      if (self.bytes_.size() - self.at_ < size) png_error(png, "cut short");
      std::memcpy(out, self.bytes_.data() + self.at_, size);
      self.at_ += size;
    });
    png_read_info(png_, info_);
    return true;
  }
  /// Everything becomes R,G,B or R,G,B,A of 16 bits in the machine's byte order.
  bool start() {
    if (setjmp(png_jmpbuf(png_))) return false;
    largest_allocation_ = SIZE_MAX;  // rows: their size was checked
    png_set_expand_16(png_);
    png_set_gray_to_rgb(png_);
    if constexpr (std::endian::native == std::endian::little) png_set_swap(png_);
    passes_ = png_set_interlace_handling(png_);
    png_read_update_info(png_, info_);
    return true;
  }
  bool read_row(uint16_t* row) {
    if (setjmp(png_jmpbuf(png_))) return false;
    png_read_row(png_, reinterpret_cast<png_bytep>(row), nullptr);
    return true;
  }
  /// What stands after the pixels; it may be damaged or missing without harm to them.
  bool read_end() {
    if (setjmp(png_jmpbuf(png_))) return false;
    largest_allocation_ = most_in_chunk(bytes_.size());
    png_read_end(png_, info_);
    return true;
  }

  png_structp png() { return png_; }
  png_infop info() { return info_; }
  int passes() const { return passes_; }
  const char* message() const { return errors_.message; }

 private:
  std::span<const std::byte> bytes_;
  size_t at_ = 0;
  size_t largest_allocation_;
  PngErrors errors_;
  png_structp png_ = nullptr;
  png_infop info_ = nullptr;
  int passes_ = 1;
};

/// iCCP, else sRGB, else cHRM and gAMA (PNG specification, section 12.13, in that order).
std::optional<ColorTransform> color_of(PngReader& reader, bool grey, bool eight_bits) {
  png_charp name = nullptr;
  png_bytep profile = nullptr;
  png_uint_32 profile_bytes = 0;
  int compression = 0;
  if (png_get_iCCP(reader.png(), reader.info(), &name, &compression, &profile, &profile_bytes) != 0)
    return ColorTransform::from_icc({reinterpret_cast<const std::byte*>(profile), profile_bytes},
                                    grey ? ColorModel::kGrey : ColorModel::kRgb, eight_bits);
  if (png_get_valid(reader.png(), reader.info(), PNG_INFO_sRGB) != 0) return std::nullopt;

  Primaries primaries;
  double encoding = 0;
  if (png_get_gAMA(reader.png(), reader.info(), &encoding) != 0 && encoding > 0) {
    constexpr double kSrgbEncoding =
        0.45455;  // what writers put for "sRGB", whose curve is not quite a power
    if (encoding < kSrgbEncoding - 0.01 || encoding > kSrgbEncoding + 0.01) primaries.gamma = 1 / encoding;
  }
  double wx, wy, rx, ry, gx, gy, bx, by;
  if (!grey && png_get_cHRM(reader.png(), reader.info(), &wx, &wy, &rx, &ry, &gx, &gy, &bx, &by) != 0)
    primaries = {wx, wy, rx, ry, gx, gy, bx, by, primaries.gamma};
  if (!grey && png_get_valid(reader.png(), reader.info(), PNG_INFO_gAMA | PNG_INFO_cHRM) == 0)
    return std::nullopt;
  return ColorTransform::from_primaries(primaries, eight_bits);
}

class PngWriter {
 public:
  PngWriter() {
    png_ = png_create_write_struct(PNG_LIBPNG_VER_STRING, &errors_, on_error, on_warning);
    if (png_ != nullptr) info_ = png_create_info_struct(png_);
  }
  PngWriter(const PngWriter&) = delete;
  PngWriter& operator=(const PngWriter&) = delete;
  ~PngWriter() { png_destroy_write_struct(&png_, &info_); }

  bool ready() const { return info_ != nullptr; }
  bool start(const Image& image, int bits) {
    if (setjmp(png_jmpbuf(png_))) return false;
    png_set_user_limits(png_, 0x7fffffff, 0x7fffffff);
    png_set_write_fn(
        png_, this,
        [](png_structp png, png_bytep data, size_t size) {
          auto& self = *static_cast<PngWriter*>(png_get_io_ptr(png));
          if (!self.append(data, size)) png_error(png, "no memory");
        },
        [](png_structp) {});
    png_set_IHDR(png_, info_, static_cast<png_uint_32>(image.width()),
                 static_cast<png_uint_32>(image.height()), bits,
                 image.has_alpha() ? PNG_COLOR_TYPE_RGB_ALPHA : PNG_COLOR_TYPE_RGB, PNG_INTERLACE_NONE,
                 PNG_COMPRESSION_TYPE_DEFAULT, PNG_FILTER_TYPE_DEFAULT);
    png_set_sRGB(png_, info_, PNG_sRGB_INTENT_PERCEPTUAL);
    png_write_info(png_, info_);
    if (bits == 16 && std::endian::native == std::endian::little) png_set_swap(png_);
    return true;
  }
  bool write_row(const void* row) {
    if (setjmp(png_jmpbuf(png_))) return false;
    png_write_row(png_, static_cast<png_const_bytep>(row));
    return true;
  }
  bool finish() {
    if (setjmp(png_jmpbuf(png_))) return false;
    png_write_end(png_, info_);
    return true;
  }
  std::vector<std::byte> take() { return std::move(out_); }
  const char* message() const { return errors_.message; }

 private:
  bool append(const png_byte* data, size_t size) {
    try {
      const auto* bytes = reinterpret_cast<const std::byte*>(data);
      out_.insert(out_.end(), bytes, bytes + size);
      return true;
    } catch (const std::bad_alloc&) {
      return false;
    }
  }
  std::vector<std::byte> out_;
  PngErrors errors_;
  png_structp png_ = nullptr;
  png_infop info_ = nullptr;
};

}  // namespace

Result<Raw> decode_png(std::span<const std::byte> bytes, const DecodeLimits& limits) {
  const auto reader = std::make_unique<PngReader>(bytes);
  if (!reader->ready()) return Error::out_of_memory("no memory for a PNG reader");
  if (!reader->read_header()) return Error::io("{}", reader->message());
  const int64_t width = png_get_image_width(reader->png(), reader->info());
  const int64_t height = png_get_image_height(reader->png(), reader->info());
  const int depth = png_get_bit_depth(reader->png(), reader->info());
  const int type = png_get_color_type(reader->png(), reader->info());
  const bool grey = (type & PNG_COLOR_MASK_COLOR) == 0;
  const bool alpha =
      (type & PNG_COLOR_MASK_ALPHA) != 0 || png_get_valid(reader->png(), reader->info(), PNG_INFO_tRNS) != 0;
  const int64_t bits_per_pixel = int64_t{depth} * png_get_channels(reader->png(), reader->info());
  const int64_t largest = static_cast<int64_t>(most_inflated(bytes.size())) * 8 / bits_per_pixel;
  TRY(check_size(limits, width, height, alpha ? 8 : 6, largest));

  Raw raw;
  if (!reader->start()) return Error::io("{}", reader->message());
  TRY(raw.image, Image::create(width, height, alpha ? 4 : 3));
  if (png_get_rowbytes(reader->png(), reader->info()) != raw.image.row_values() * sizeof(uint16_t))
    return Error::not_supported("colour type {} of {} bits", type, depth);
  for (int pass = 0; pass < reader->passes(); ++pass)
    for (int y = 0; y < raw.image.height(); ++y)
      if (!reader->read_row(raw.image.row(y)))
        return Error::io("{} at row {} of {}", reader->message(), y, height);

  raw.to_srgb = color_of(*reader, grey, depth <= 8);
  reader->read_end();
  png_bytep exif = nullptr;
  png_uint_32 exif_bytes = 0;
  if (png_get_eXIf_1(reader->png(), reader->info(), &exif_bytes, &exif) != 0)
    raw.orientation = exif_orientation({reinterpret_cast<const std::byte*>(exif), exif_bytes});
  return raw;
}

Result<std::vector<std::byte>> encode_png(const Image& image, const EncodeOptions& options) {
  const auto writer = std::make_unique<PngWriter>();
  if (!writer->ready()) return Error::out_of_memory("no memory for a PNG writer");
  if (!writer->start(image, options.png_bits)) return Error::io("{}", writer->message());
  std::vector<uint8_t> row(options.png_bits == 8 ? image.row_values() : 0);
  for (int y = 0; y < image.height(); ++y) {
    const void* from = image.row(y);
    if (options.png_bits == 8) {
      row_to_bytes(image, y, image.channels(), row.data());
      from = row.data();
    }
    if (!writer->write_row(from)) return Error::io("{}", writer->message());
  }
  if (!writer->finish()) return Error::io("{}", writer->message());
  return writer->take();
}

}  // namespace pochade::codec
