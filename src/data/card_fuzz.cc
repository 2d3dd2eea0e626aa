// Any bytes as a card, a list of labels, an annotation: an error or a value, never a crash.
#include <cstddef>
#include <cstdint>

#include "data/card.h"
#include "data/dataset.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  (void)pochade::parse_card(text, "card.toml", "/nowhere");
  (void)pochade::parse_labels(text);
  (void)pochade::parse_voc(text);
  return 0;
}
