#include "gateway.hpp"

namespace tidegate::sflow {

namespace {

/// A list of words with their number in front: the last of them, or zero. It ends at the bytes that there are.
std::uint32_t last_of_list(Cursor& in) noexcept {
  constexpr std::size_t kWord = sizeof(std::uint32_t);
  const std::size_t count = in.u32();
  const auto words = in.bytes(count * kWord);
  return words.empty() ? 0 : Fields<kWord>{words.last<kWord>()}.u32<0>();
}

}  // namespace

bool skip_address(Cursor& in) noexcept {
  switch (in.u32()) {
    case 0: break;
    case 1: in.skip(4); break;
    case 2: in.skip(16); break;
    default: return false;
  }
  return in.ok();
}

// extended_gateway, section 5.3.
//
//   0               8               16              24            31
//  +---------------+---------------+---------------+---------------+
//  |     5: next hop, address type, then one word or four          |
//  +---------------+---------------+---------------+---------------+
//  |                     AS of the router itself                   |
//  +---------------+---------------+---------------+---------------+
//  |                          Source AS                            |
//  +---------------+---------------+---------------+---------------+
//  |                        Source peer AS                         |
//  +---------------+---------------+---------------+---------------+
//  |   Number of segments, then each: type, number of AS, these    |  2: number of AS, these
//  +---------------+---------------+---------------+---------------+
//  |           4, 5: number of communities, these                  |
//  +---------------+---------------+---------------+---------------+
//  |                 4, 5: local preference                        |
//  +---------------+---------------+---------------+---------------+
bool read_gateway(Cursor& in, GatewayLayout layout, FlowDetail& detail) noexcept {
  if (layout == GatewayLayout::version5 && !skip_address(in)) return false;
  in.skip(sizeof(std::uint32_t));
  const std::uint32_t source = in.u32();
  in.skip(sizeof(std::uint32_t));
  std::uint32_t destination = 0;
  if (layout == GatewayLayout::version2) {
    destination = last_of_list(in);
  } else {
    const std::uint32_t segments = in.u32();
    if (segments > kMaxAsSegments) return false;
    for (std::uint32_t i = 0; i < segments && in.ok(); ++i) {
      in.skip(sizeof(std::uint32_t));
      const std::uint32_t last = last_of_list(in);
      if (last != 0) destination = last;
    }
    static_cast<void>(last_of_list(in));
    in.skip(sizeof(std::uint32_t));
  }
  if (!in.ok()) return false;
  detail.source_as = source;
  detail.destination_as = destination;
  return true;
}

}  // namespace tidegate::sflow
