/// Orders among rows of a table, kept by links inside the rows: the least recently used first.
#pragma once

#include <cstdint>

#include "pages.hpp"

namespace tidegate::templated {

inline constexpr std::uint32_t kNoRow = 0xFFFF'FFFF;

struct Links {
  std::uint32_t before = kNoRow;
  std::uint32_t after = kNoRow;
};

/// One list; a row's place in it is its member `kLinks`.
struct Ends {
  std::uint32_t first = kNoRow;
  std::uint32_t last = kNoRow;
};

template <auto kLinks, typename Row>
void append(Pages<Row>& rows, Ends& list, std::uint32_t row) noexcept {
  rows[row].*kLinks = {list.last, kNoRow};
  if (list.last == kNoRow) {
    list.first = row;
  } else {
    (rows[list.last].*kLinks).after = row;
  }
  list.last = row;
}

template <auto kLinks, typename Row>
void remove(Pages<Row>& rows, Ends& list, std::uint32_t row) noexcept {
  const Links links = rows[row].*kLinks;
  if (links.before == kNoRow) {
    list.first = links.after;
  } else {
    (rows[links.before].*kLinks).after = links.after;
  }
  if (links.after == kNoRow) {
    list.last = links.before;
  } else {
    (rows[links.after].*kLinks).before = links.before;
  }
  rows[row].*kLinks = {};
}

}  // namespace tidegate::templated
