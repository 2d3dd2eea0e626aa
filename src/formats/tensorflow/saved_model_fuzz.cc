// Any bytes as a SavedModel with its variables: three files, one behind the other, the lengths of the first
// two in front. Run with -rss_limit_mb=1024 -max_len=65536.
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>

#include "formats/tensorflow/bundle.h"
#include "formats/tensorflow/import.h"

namespace {

pochade::Bytes take(const uint8_t*& data, size_t& left, size_t size) {
  const size_t taken = size < left ? size : left;
  const auto out = pochade::Bytes::copy_of({reinterpret_cast<const std::byte*>(data), taken});
  data += taken;
  left -= taken;
  return out;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  if (size < 4) return 0;
  uint16_t sizes[2];
  std::memcpy(sizes, data, 4);
  data += 4;
  size -= 4;
  const pochade::Bytes model = take(data, size, sizes[0]), index = take(data, size, sizes[1]),
                       shard = take(data, size, size);
  if (auto bundle = pochade::tensorflow::Bundle::open(
          index, [&](int64_t, int64_t) { return pochade::Result<pochade::Bytes>(shard); }))
    (void)bundle->tensor("w");
  const auto graph = pochade::import_saved_model(model, index, shard);
  if (!graph) {
    if (graph.error().text().empty()) std::abort();
    return 0;
  }
  if (const auto status = graph->verify(); !status) {
    std::fprintf(stderr, "%s\n", status.error().text().c_str());
    std::abort();
  }
  return 0;
}
