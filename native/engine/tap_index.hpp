/// TapIndex: which taps a packet belongs to.
#pragma once

#include <algorithm>

#include "subject_index.hpp"
#include "tap.hpp"

namespace tidegate {

class TapIndex : public SubjectIndex<Tap> {
 public:
  using SubjectIndex::SubjectIndex;

  [[nodiscard]] bool any_wants_more() const noexcept {
    return std::ranges::any_of(items(), [](const auto& tap) { return tap->wants_more(); });
  }
};

}  // namespace tidegate
