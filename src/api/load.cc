// The part of the C API that knows file formats: it is linked with the readers (libpochade_formats), not with
// libpochade.

#include "api/session.h"
#include "formats/formats.h"

namespace {

pochade_status load(const std::function<pochade::Result<pochade::Graph>()>& read,
                    const pochade_options* options, pochade_session** session) {
  return pochade::guarded([&]() -> pochade::Status {
    if (session == nullptr) return pochade::Error::invalid_argument("session is null");
    *session = nullptr;
    TRY(pochade::Graph graph, read());
    TRY(*session, pochade::open_session(std::move(graph), options));
    return {};
  });
}

}  // namespace

pochade_status pochade_load_file(const char* path, const pochade_options* options,
                                 pochade_session** session) {
  return load(
      [&]() -> pochade::Result<pochade::Graph> {
        if (path == nullptr) return pochade::Error::invalid_argument("path is null");
        return pochade::import_model(path);
      },
      options, session);
}

pochade_status pochade_load_memory(const void* data, size_t size, const pochade_options* options,
                                   pochade_session** session) {
  return load(
      [&]() -> pochade::Result<pochade::Graph> {
        if (data == nullptr && size != 0) return pochade::Error::invalid_argument("data is null");
        return pochade::import_model(pochade::Bytes::copy_of({static_cast<const std::byte*>(data), size}));
      },
      options, session);
}
