// Any bytes as what the reader program says of a Keras file: an error or a valid graph, never a crash. This
// is our side of the border that HDF5 files do not cross. Run with -rss_limit_mb=1024 -max_len=65536.
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>

#include "formats/keras/import.h"
#include "formats/keras/stream.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const auto stream = pochade::Bytes::copy_of({reinterpret_cast<const std::byte*>(data), size});
  const auto contents = pochade::keras::parse_stream(stream);
  if (!contents) return contents.error().text().empty() ? std::abort(), 0 : 0;
  const auto graph = pochade::keras::import_contents(*contents);
  if (!graph) {
    if (graph.error().text().empty()) std::abort();
    return 0;
  }
  if (const auto status = graph->verify(); !status) {
    std::fprintf(stderr, "%s\n", status.error().text().c_str());
    std::abort();
  }
  return graph->dump().empty() ? 1 : 0;
}
