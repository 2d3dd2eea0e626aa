// JPEG by libjpeg-turbo. Its errors leave by longjmp: each method below that calls it sets the jump and has
// only trivially destructible locals, so that nothing is skipped; no jump crosses a method.
#include <csetjmp>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <new>

#include <jpeglib.h>

#include <jerror.h>

#include "media/codecs.h"
#include "media/exif.h"

namespace pochade::codec {
namespace {

struct JpegErrors {
  jpeg_error_mgr manager;  // first: the library gives us this address
  std::jmp_buf jump;
  char message[JMSG_LENGTH_MAX];
  bool damaged;  // entropy-coded data did not make sense: part of the picture is invented
  bool ended;    // the file ended before its end marker
};

JpegErrors& errors_of(j_common_ptr common) {
  return *reinterpret_cast<JpegErrors*>(common->err);
}

[[noreturn]] void on_error(j_common_ptr common) {
  JpegErrors& errors = errors_of(common);
  common->err->format_message(common, errors.message);
  std::longjmp(errors.jump, 1);
}

void on_message(j_common_ptr common, int level) {
  if (level >= 0) return;
  switch (common->err->msg_code) {
    case JWRN_JPEG_EOF:
      errors_of(common).ended = true;
      break;
    case JWRN_HIT_MARKER:
    case JWRN_HUFF_BAD_CODE:
    case JWRN_MUST_RESYNC:
    case JWRN_ARITH_BAD_CODE:
      errors_of(common).damaged = true;
      break;
    default:
      break;
  }
}

// A progressive file may ask for any number of passes over the picture; honest ones have about ten.
constexpr int kMostScans = 200;
void on_progress(j_common_ptr common) {
  if (!common->is_decompressor) return;
  if (reinterpret_cast<j_decompress_ptr>(common)->input_scan_number <= kMostScans) return;
  JpegErrors& errors = errors_of(common);
  std::snprintf(errors.message, sizeof(errors.message), "more than %d scans", kMostScans);
  std::longjmp(errors.jump, 1);
}

jpeg_error_mgr* set_up(JpegErrors& errors) {
  jpeg_std_error(&errors.manager);
  errors.manager.error_exit = on_error;
  errors.manager.emit_message = on_message;
  errors.manager.output_message = [](j_common_ptr) {};
  errors.message[0] = '\0';
  errors.damaged = errors.ended = false;
  return &errors.manager;
}

class JpegReader {
 public:
  JpegReader() = default;
  JpegReader(const JpegReader&) = delete;
  JpegReader& operator=(const JpegReader&) = delete;
  ~JpegReader() {
    std::free(profile_);
    if (created_) jpeg_destroy_decompress(&file_);
  }

  bool read_header(std::span<const std::byte> bytes) {
    file_.err = set_up(errors_);
    if (setjmp(errors_.jump)) return false;
    jpeg_create_decompress(&file_);
    created_ = true;
    progress_.progress_monitor = on_progress;
    file_.progress = &progress_;
    jpeg_mem_src(&file_, reinterpret_cast<const unsigned char*>(bytes.data()), bytes.size());
    jpeg_save_markers(&file_, JPEG_APP0 + 1, 0xffff);  // EXIF
    jpeg_save_markers(&file_, JPEG_APP0 + 2, 0xffff);  // ICC
    jpeg_read_header(&file_, TRUE);
    jpeg_read_icc_profile(&file_, &profile_, &profile_bytes_);
    return true;
  }
  bool start() {
    if (setjmp(errors_.jump)) return false;
    if (file_.jpeg_color_space == JCS_GRAYSCALE)
      file_.out_color_space = JCS_GRAYSCALE;
    else if (file_.jpeg_color_space == JCS_CMYK || file_.jpeg_color_space == JCS_YCCK)
      file_.out_color_space = JCS_CMYK;
    else
      file_.out_color_space = JCS_RGB;
    return jpeg_start_decompress(&file_);
  }
  bool read_row(uint8_t* row) {
    if (setjmp(errors_.jump)) return false;
    return jpeg_read_scanlines(&file_, &row, 1) == 1;
  }
  /// To the end marker: data that is missing from the last rows shows only here.
  bool finish() {
    if (setjmp(errors_.jump)) return false;
    return jpeg_finish_decompress(&file_);
  }

  jpeg_decompress_struct& file() { return file_; }
  bool several_scans() { return jpeg_has_multiple_scans(&file_); }
  const JpegErrors& errors() const { return errors_; }
  std::span<const std::byte> profile() const {
    return {reinterpret_cast<const std::byte*>(profile_), profile_ != nullptr ? profile_bytes_ : 0};
  }

 private:
  jpeg_decompress_struct file_{};
  jpeg_progress_mgr progress_{};
  JpegErrors errors_{};
  bool created_ = false;
  JOCTET* profile_ = nullptr;
  unsigned profile_bytes_ = 0;
};

int orientation_in(const jpeg_decompress_struct& file) {
  for (auto marker = file.marker_list; marker != nullptr; marker = marker->next)
    if (marker->marker == JPEG_APP0 + 1 && marker->data_length > 6 &&
        std::memcmp(marker->data, "Exif\0\0", 6) == 0)
      return exif_orientation({reinterpret_cast<const std::byte*>(marker->data), marker->data_length});
  return 1;
}

// Ink without a profile: each ink takes away its share of light.
void plain_cmyk_row(const uint8_t* cmyk, uint16_t* rgb, int pixels) {
  for (int i = 0; i < pixels; ++i, cmyk += 4, rgb += 3)
    for (int c = 0; c < 3; ++c)
      rgb[c] = from_8_bits(static_cast<uint8_t>(((255 - cmyk[c]) * (255 - cmyk[3]) + 127) / 255));
}

void widen_row(const uint8_t* from, uint16_t* rgb, int pixels, int components) {
  for (int i = 0; i < pixels; ++i)
    for (int c = 0; c < 3; ++c) rgb[i * 3 + c] = from_8_bits(from[components == 1 ? i : i * 3 + c]);
}

Status read_pixels(JpegReader& reader, Image& image, const ColorTransform* from_cmyk) {
  const auto& file = reader.file();
  const int components = file.output_components;
  std::vector<uint8_t> row(static_cast<size_t>(file.output_width) * static_cast<size_t>(components));
  // Adobe's programs store ink inverted, and mark the file as theirs.
  const bool inverted = file.saw_Adobe_marker;
  for (int y = 0; y < image.height(); ++y) {
    if (!reader.read_row(row.data())) return Error::io("{}", reader.errors().message);
    if (reader.errors().damaged) return Error::io("cut short or damaged at row {} of {}", y, image.height());
    if (components == 4) {
      if (inverted)
        for (auto& ink : row) ink = static_cast<uint8_t>(255 - ink);
      if (from_cmyk != nullptr)
        from_cmyk->cmyk_row(row.data(), image.row(y), image.width());
      else
        plain_cmyk_row(row.data(), image.row(y), image.width());
    } else {
      widen_row(row.data(), image.row(y), image.width(), components);
    }
  }
  return {};
}

class JpegWriter {
 public:
  JpegWriter() = default;
  JpegWriter(const JpegWriter&) = delete;
  JpegWriter& operator=(const JpegWriter&) = delete;
  ~JpegWriter() {
    if (created_) jpeg_destroy_compress(&file_);
    std::free(out_);
  }

  bool start(int width, int height, int quality) {
    file_.err = set_up(errors_);
    if (setjmp(errors_.jump)) return false;
    jpeg_create_compress(&file_);
    created_ = true;
    jpeg_mem_dest(&file_, &out_, &out_bytes_);
    file_.image_width = static_cast<JDIMENSION>(width);
    file_.image_height = static_cast<JDIMENSION>(height);
    file_.input_components = 3;
    file_.in_color_space = JCS_RGB;
    jpeg_set_defaults(&file_);
    jpeg_set_quality(&file_, quality, TRUE);
    file_.comp_info[0].h_samp_factor = file_.comp_info[0].v_samp_factor =
        1;  // 4:4:4: strokes have sharp colours
    file_.optimize_coding = TRUE;
    jpeg_start_compress(&file_, TRUE);
    return true;
  }
  bool write_row(uint8_t* row) {
    if (setjmp(errors_.jump)) return false;
    return jpeg_write_scanlines(&file_, &row, 1) == 1;
  }
  bool finish() {
    if (setjmp(errors_.jump)) return false;
    jpeg_finish_compress(&file_);
    return true;
  }
  std::span<const std::byte> out() const { return {reinterpret_cast<const std::byte*>(out_), out_bytes_}; }
  const char* message() const { return errors_.message; }

 private:
  jpeg_compress_struct file_{};
  JpegErrors errors_{};
  bool created_ = false;
  unsigned char* out_ = nullptr;
  unsigned long out_bytes_ = 0;  // NOLINT: the library's type
};

}  // namespace

Result<Raw> decode_jpeg(std::span<const std::byte> bytes, const DecodeLimits& limits) {
  const auto reader = std::make_unique<JpegReader>();
  if (!reader->read_header(bytes)) return Error::io("{}", reader->errors().message);
  auto& file = reader->file();
  // A block of 8x8 takes at least one bit in one component that is sampled at least every fourth pixel each
  // way; arithmetic coding has no such bound.
  const int64_t largest = file.arith_code ? INT64_MAX : int64_t{2048} * static_cast<int64_t>(bytes.size());
  const bool several_scans = reader->several_scans();
  const int64_t bytes_per_pixel = 6 + (several_scans ? 2 * file.num_components : 0);
  TRY(check_size(limits, file.image_width, file.image_height, bytes_per_pixel, largest));

  Raw raw;
  raw.orientation = orientation_in(file);
  if (!reader->start()) return Error::io("{}", reader->errors().message);
  const int components = file.output_components;
  if (components != 1 && components != 3 && components != 4)
    return Error::not_supported("{} colour components", components);
  const ColorModel model = components == 1   ? ColorModel::kGrey
                           : components == 3 ? ColorModel::kRgb
                                             : ColorModel::kCmyk;
  raw.to_srgb = ColorTransform::from_icc(reader->profile(), model, /*eight_bit_source=*/true);

  TRY(raw.image, Image::create(file.output_width, file.output_height, 3));
  TRY(read_pixels(*reader, raw.image, model == ColorModel::kCmyk && raw.to_srgb ? &*raw.to_srgb : nullptr));
  // Without its end marker a file of one scan may still be whole; of several scans we cannot know.
  if (!reader->finish() || reader->errors().damaged || (several_scans && reader->errors().ended))
    return Error::io("cut short or damaged");
  if (model == ColorModel::kCmyk) {
    raw.notes.push_back(raw.to_srgb ? "CMYK converted by its ICC profile"
                                    : "CMYK without a usable profile: plain inks");
    raw.to_srgb.reset();
  }
  return raw;
}

Result<std::vector<std::byte>> encode_jpeg(const Image& image, const EncodeOptions& options) {
  if (image.width() > JPEG_MAX_DIMENSION || image.height() > JPEG_MAX_DIMENSION)
    return Error::invalid_argument("{}x{} pixels: JPEG holds at most {} a side", image.width(),
                                   image.height(), JPEG_MAX_DIMENSION);
  const auto writer = std::make_unique<JpegWriter>();
  if (!writer->start(image.width(), image.height(), options.quality))
    return Error::io("{}", writer->message());
  std::vector<uint8_t> row(static_cast<size_t>(image.width()) * 3);
  for (int y = 0; y < image.height(); ++y) {
    row_to_bytes(image, y, 3, row.data());
    if (!writer->write_row(row.data())) return Error::io("{}", writer->message());
  }
  if (!writer->finish()) return Error::io("{}", writer->message());
  return std::vector<std::byte>(writer->out().begin(), writer->out().end());
}

}  // namespace pochade::codec
