#pragma once
// The part of a card that speaks of the task; only for card.cc.

#include "data/card_section.h"
#include "data/task_card.h"

namespace pochade {

/// [task], [detect] and [audio] of a card. Labels are looked for in `folder`.
Status read_task_sections(const CardSection& top, const std::filesystem::path& folder, TaskCard& out);

}  // namespace pochade
