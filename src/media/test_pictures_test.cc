#include "media/test_pictures.h"

#include <gtest/gtest.h>
#include <lcms2.h>
#include <libheif/heif.h>
#include <png.h>

#include <cstdio>
#include <cstdlib>
#include <cstring>

#include <jpeglib.h>

#include "media/codecs.h"
#include "media/encode.h"

// The HEVC encoder that the tests use leaks; nothing of ours calls it.
extern "C" __attribute__((visibility("default"))) const char* __lsan_default_suppressions() {
  return "leak:libx265\n";
}

namespace pochade::test {
namespace {

void append(FileBytes& out, const void* data, size_t size) {
  const auto* bytes = static_cast<const std::byte*>(data);
  for (size_t i = 0; i < size; ++i) out.push_back(bytes[i]);
}

void append_number(FileBytes& out, uint32_t value, int bytes, bool little_endian) {
  for (int i = 0; i < bytes; ++i) {
    const int shift = 8 * (little_endian ? i : bytes - 1 - i);
    out.push_back(static_cast<std::byte>(value >> shift & 0xff));
  }
}

FileBytes saved(cmsHPROFILE profile) {
  cmsUInt32Number size = 0;
  cmsSaveProfileToMem(profile, nullptr, &size);
  FileBytes out(size);
  cmsSaveProfileToMem(profile, out.data(), &size);
  cmsCloseProfile(profile);
  return out;
}

void append_chunk(FileBytes& out, const char* name, std::span<const std::byte> data) {
  append(out, name, 4);
  append_number(out, static_cast<uint32_t>(data.size()), 4, true);
  append(out, data.data(), data.size());
  if (data.size() % 2 != 0) out.push_back(std::byte{0});
}

}  // namespace

Image gradient(int width, int height, int channels) {
  auto image = *Image::create(width, height, channels);
  for (int y = 0; y < height; ++y)
    for (int x = 0; x < width; ++x) {
      uint16_t* p = image.pixel(x, y);
      p[0] = from_8_bits(static_cast<uint8_t>(255 * x / width));
      p[1] = from_8_bits(static_cast<uint8_t>(255 * y / height));
      p[2] = from_8_bits(static_cast<uint8_t>(64 + 127 * (x + y) / (width + height)));
      if (channels == 4) p[3] = from_8_bits(static_cast<uint8_t>(255 - 200 * x / width));
    }
  return image;
}

Difference difference(const Image& a, const Image& b) {
  Difference out;
  if (a.width() != b.width() || a.height() != b.height() || a.channels() != b.channels()) return {256, 256};
  for (size_t i = 0; i < a.values().size(); ++i) {
    const int d = std::abs(to_8_bits(a.values()[i]) - to_8_bits(b.values()[i]));
    out.largest = std::max(out.largest, d);
    out.mean += d;
  }
  out.mean /= static_cast<double>(a.values().size());
  return out;
}

FileBytes exif_block(int orientation, bool little_endian, bool prefix) {
  FileBytes out;
  if (prefix) append(out, "Exif\0\0", 6);
  append(out, little_endian ? "II*\0" : "MM\0*", 4);
  append_number(out, 8, 4, little_endian);       // where the directory stands
  append_number(out, 2, 2, little_endian);       // entries
  append_number(out, 0x010f, 2, little_endian);  // maker, four letters
  append_number(out, 2, 2, little_endian);
  append_number(out, 4, 4, little_endian);
  append(out, "Acme", 4);
  append_number(out, 0x0112, 2, little_endian);
  append_number(out, 3, 2, little_endian);
  append_number(out, 1, 4, little_endian);
  append_number(out, static_cast<uint32_t>(orientation), 2, little_endian);
  append_number(out, 0, 2, little_endian);
  append_number(out, 0, 4, little_endian);
  return out;
}

FileBytes rgb_profile(bool srgb) {
  if (srgb) return saved(cmsCreate_sRGBProfile());
  const cmsCIExyY white{0.3127, 0.3290, 1};
  const cmsCIExyYTRIPLE adobe{{0.64, 0.33, 1}, {0.21, 0.71, 1}, {0.15, 0.06, 1}};
  cmsToneCurve* curve = cmsBuildGamma(nullptr, 2.19921875);
  cmsToneCurve* curves[] = {curve, curve, curve};
  cmsHPROFILE profile = cmsCreateRGBProfile(&white, &adobe, curves);
  cmsFreeToneCurve(curve);
  return saved(profile);
}

FileBytes grey_profile(double gamma) {
  cmsToneCurve* curve = cmsBuildGamma(nullptr, gamma);
  cmsHPROFILE profile = cmsCreateGrayProfile(cmsD50_xyY(), curve);
  cmsFreeToneCurve(curve);
  return saved(profile);
}

FileBytes png_file(const PngSpec& spec) {
  FileBytes out;
  png_structp png = png_create_write_struct(PNG_LIBPNG_VER_STRING, nullptr, nullptr, nullptr);
  png_infop info = png_create_info_struct(png);
  png_set_write_fn(
      png, &out,
      [](png_structp p, png_bytep data, size_t size) {
        append(*static_cast<FileBytes*>(png_get_io_ptr(p)), data, size);
      },
      [](png_structp) {});
  png_set_IHDR(png, info, static_cast<png_uint_32>(spec.width), static_cast<png_uint_32>(spec.height),
               spec.bits, spec.color_type, spec.interlaced ? PNG_INTERLACE_ADAM7 : PNG_INTERLACE_NONE, 0, 0);
  if (!spec.palette.empty())
    png_set_PLTE(png, info, reinterpret_cast<png_const_colorp>(spec.palette.data()),
                 static_cast<int>(spec.palette.size() / 3));
  if (!spec.palette_alpha.empty())
    png_set_tRNS(png, info, spec.palette_alpha.data(), static_cast<int>(spec.palette_alpha.size()), nullptr);
  if (spec.grey_transparent >= 0) {
    png_color_16 color{};
    color.gray = static_cast<png_uint_16>(spec.grey_transparent);
    png_set_tRNS(png, info, nullptr, 0, &color);
  }
  if (spec.gamma > 0) png_set_gAMA(png, info, spec.gamma);
  if (!spec.icc.empty())
    png_set_iCCP(png, info, "test", 0, reinterpret_cast<png_const_bytep>(spec.icc.data()),
                 static_cast<png_uint_32>(spec.icc.size()));
  std::vector<uint8_t> exif(spec.exif.size());
  if (!exif.empty()) {
    std::memcpy(exif.data(), spec.exif.data(), exif.size());
    png_set_eXIf_1(png, info, static_cast<png_uint_32>(exif.size()), exif.data());
  }
  png_write_info(png, info);
  const size_t row_bytes = spec.rows.size() / static_cast<size_t>(spec.height);
  std::vector<png_bytep> rows;
  for (int y = 0; y < spec.height; ++y)
    rows.push_back(const_cast<png_bytep>(spec.rows.data() + static_cast<size_t>(y) * row_bytes));
  png_write_image(png, rows.data());
  png_write_end(png, info);
  png_destroy_write_struct(&png, &info);
  return out;
}

FileBytes jpeg_file(const JpegSpec& spec) {
  jpeg_compress_struct file{};
  jpeg_error_mgr errors;
  file.err = jpeg_std_error(&errors);
  jpeg_create_compress(&file);
  unsigned char* memory = nullptr;
  unsigned long size = 0;  // NOLINT: the library's type
  jpeg_mem_dest(&file, &memory, &size);
  const bool inks = spec.colors == JpegColors::kCmyk || spec.colors == JpegColors::kYcck;
  file.image_width = static_cast<JDIMENSION>(spec.width);
  file.image_height = static_cast<JDIMENSION>(spec.height);
  file.input_components = inks ? 4 : spec.colors == JpegColors::kGrey ? 1 : 3;
  file.in_color_space = inks ? JCS_CMYK : spec.colors == JpegColors::kGrey ? JCS_GRAYSCALE : JCS_RGB;
  jpeg_set_defaults(&file);
  if (spec.colors == JpegColors::kYcck) jpeg_set_colorspace(&file, JCS_YCCK);
  jpeg_set_quality(&file, 98, TRUE);
  if (inks) file.write_Adobe_marker = spec.adobe_marker;
  if (spec.progressive) jpeg_simple_progression(&file);
  jpeg_start_compress(&file, TRUE);
  if (!spec.exif.empty())
    jpeg_write_marker(&file, JPEG_APP0 + 1, reinterpret_cast<const JOCTET*>(spec.exif.data()),
                      static_cast<unsigned>(spec.exif.size()));
  if (!spec.icc.empty())
    jpeg_write_icc_profile(&file, reinterpret_cast<const JOCTET*>(spec.icc.data()),
                           static_cast<unsigned>(spec.icc.size()));
  const size_t row_bytes = static_cast<size_t>(spec.width) * static_cast<size_t>(file.input_components);
  for (int y = 0; y < spec.height; ++y) {
    auto* row = const_cast<JSAMPROW>(spec.rows.data() + static_cast<size_t>(y) * row_bytes);
    jpeg_write_scanlines(&file, &row, 1);
  }
  jpeg_finish_compress(&file);
  jpeg_destroy_compress(&file);
  FileBytes out;
  append(out, memory, size);
  std::free(memory);
  return out;
}

FileBytes webp_file(const Image& image, const FileBytes& icc, const FileBytes& exif, int frames) {
  const auto simple = *encode_image(image, ImageFormat::kWebp, {.lossless = true});
  // A simple file is RIFF, size, WEBP and one chunk: that chunk goes into the extended container.
  const auto bitstream = std::span(simple).subspan(12);
  const auto size_minus_one = [&](FileBytes& out) {
    append_number(out, static_cast<uint32_t>(image.width() - 1), 3, true);
    append_number(out, static_cast<uint32_t>(image.height() - 1), 3, true);
  };
  FileBytes header;
  const uint32_t flags = (icc.empty() ? 0u : 0x20u) | (image.has_alpha() ? 0x10u : 0u) |
                         (exif.empty() ? 0u : 0x08u) | (frames > 1 ? 0x02u : 0u);
  append_number(header, flags, 4, true);
  size_minus_one(header);
  FileBytes body;
  append(body, "WEBP", 4);
  append_chunk(body, "VP8X", header);
  if (!icc.empty()) append_chunk(body, "ICCP", icc);
  if (frames > 1) {
    append_chunk(body, "ANIM", FileBytes(6));
    FileBytes frame(6);  // x, y
    size_minus_one(frame);
    append_number(frame, 100, 3, true);  // duration
    append_number(frame, 0, 1, true);
    append(frame, bitstream.data(), bitstream.size());
    for (int i = 0; i < frames; ++i) append_chunk(body, "ANMF", frame);
  } else {
    append(body, bitstream.data(), bitstream.size());
  }
  if (!exif.empty()) append_chunk(body, "EXIF", exif);
  FileBytes out;
  append_chunk(out, "RIFF", body);
  return out;
}

FileBytes heic_file(const Image& image, int orientation, const FileBytes& icc) {
  heif_context* context = heif_context_alloc();
  heif_encoder* encoder = nullptr;
  FileBytes out;
  if (heif_context_get_encoder_for_format(context, heif_compression_HEVC, &encoder).code == heif_error_Ok) {
    heif_encoder_set_lossy_quality(encoder, 95);
    heif_image* pixels = nullptr;
    const bool alpha = image.has_alpha();
    heif_image_create(image.width(), image.height(), heif_colorspace_RGB,
                      alpha ? heif_chroma_interleaved_RGBA : heif_chroma_interleaved_RGB, &pixels);
    heif_image_add_plane(pixels, heif_channel_interleaved, image.width(), image.height(), 8);
    int stride = 0;
    uint8_t* plane = heif_image_get_plane(pixels, heif_channel_interleaved, &stride);
    for (int y = 0; y < image.height(); ++y)
      codec::row_to_bytes(image, y, image.channels(), plane + y * stride);
    if (!icc.empty()) heif_image_set_raw_color_profile(pixels, "prof", icc.data(), icc.size());
    heif_encoding_options* options = heif_encoding_options_alloc();
    options->image_orientation = static_cast<heif_orientation>(orientation);
    heif_image_handle* handle = nullptr;
    if (heif_context_encode_image(context, pixels, encoder, options, &handle).code == heif_error_Ok) {
      heif_writer writer{};
      writer.writer_api_version = 1;
      writer.write = [](heif_context*, const void* data, size_t size, void* user) {
        append(*static_cast<FileBytes*>(user), data, size);
        return heif_error{heif_error_Ok, heif_suberror_Unspecified, ""};
      };
      heif_context_write(context, &writer, &out);
      heif_image_handle_release(handle);
    }
    heif_encoding_options_free(options);
    heif_image_release(pixels);
    heif_encoder_release(encoder);
  }
  heif_context_free(context);
  return out;
}

TEST(TestPictures, ExifBlockIsWhatItSays) {
  EXPECT_EQ(exif_block(6, true, true).size(), 6u + 8 + 2 + 24 + 4);
  EXPECT_EQ(exif_block(6, false, false).size(), 8u + 2 + 24 + 4);
}

}  // namespace pochade::test
