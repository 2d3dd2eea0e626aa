#include "formats/keras/reader/archive.h"

#include <zip.h>

#include <memory>
#include <vector>

namespace pochade::keras {
namespace {

constexpr uint64_t kMostJsonBytes = uint64_t{64} << 20;

struct Discard {
  void operator()(zip_t* archive) const { zip_discard(archive); }
};
using Zip = std::unique_ptr<zip_t, Discard>;

Result<Zip> open_zip(std::span<const std::byte> file) {
  zip_error_t error;
  zip_error_init(&error);
  zip_source_t* source = zip_source_buffer_create(file.data(), file.size(), 0, &error);
  zip_t* archive =
      source == nullptr ? nullptr : zip_open_from_source(source, ZIP_RDONLY | ZIP_CHECKCONS, &error);
  if (archive == nullptr) {
    const std::string why = zip_error_strerror(&error);
    zip_source_free(source);
    zip_error_fini(&error);
    return Error::invalid_model("it is not a zip archive, or a damaged one: {}", why);
  }
  zip_error_fini(&error);
  return Zip(archive);
}

Status unpack(zip_t* archive, const char* name, uint64_t limit_bytes, const Sink& sink) {
  const zip_int64_t index = zip_name_locate(archive, name, 0);
  if (index < 0) return Error::not_found("it has no {}", name);
  zip_stat_t stat;
  zip_stat_init(&stat);
  if (zip_stat_index(archive, static_cast<zip_uint64_t>(index), 0, &stat) != 0)
    return Error::invalid_model("{} is damaged", name);
  if ((stat.valid & ZIP_STAT_ENCRYPTION_METHOD) != 0 && stat.encryption_method != ZIP_EM_NONE)
    return Error::not_supported("{} is encrypted", name);
  if ((stat.valid & ZIP_STAT_SIZE) != 0 && stat.size > limit_bytes)
    return Error::invalid_model("{} unpacks to {} bytes, more than the {} that its size justifies", name,
                                uint64_t{stat.size}, limit_bytes);
  const std::unique_ptr<zip_file_t, int (*)(zip_file_t*)> file(
      zip_fopen_index(archive, static_cast<zip_uint64_t>(index), 0), zip_fclose);
  if (!file) return Error::invalid_model("{} cannot be unpacked: {}", name, zip_strerror(archive));
  std::vector<char> buffer(1 << 16);
  uint64_t total = 0;
  while (true) {
    const zip_int64_t got = zip_fread(file.get(), buffer.data(), buffer.size());
    if (got < 0) return Error::invalid_model("{} is damaged: {}", name, zip_file_strerror(file.get()));
    if (got == 0) return {};
    total += static_cast<uint64_t>(got);
    if (total > limit_bytes)
      return Error::invalid_model("{} unpacks to more than the {} bytes that its size justifies", name,
                                  limit_bytes);
    TRY(sink({buffer.data(), static_cast<size_t>(got)}));
  }
}

Result<std::string> unpack_text(zip_t* archive, const char* name) {
  std::string out;
  TRY(unpack(archive, name, kMostJsonBytes, [&](std::string_view part) -> Status {
    out += part;
    return {};
  }));
  return out;
}

}  // namespace

Result<Archive> read_archive(std::span<const std::byte> file, uint64_t limit_bytes, const Sink& weights) {
  TRY(const Zip archive, open_zip(file));
  Archive out;
  TRY(out.config, unpack_text(archive.get(), "config.json"));
  if (zip_name_locate(archive.get(), "metadata.json", 0) >= 0) {
    TRY(out.metadata, unpack_text(archive.get(), "metadata.json"));
  }
  if (zip_name_locate(archive.get(), "model.weights.h5", 0) < 0 &&
      zip_name_locate(archive.get(), "model.weights.npz", 0) >= 0)
    return Error::not_supported("its weights are in model.weights.npz; only model.weights.h5 is read");
  TRY(unpack(archive.get(), "model.weights.h5", limit_bytes, weights));
  return out;
}

}  // namespace pochade::keras
