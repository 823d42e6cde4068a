/// A template as the journal keeps it, or that it is to keep it no more.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "../record.hpp"

namespace tidegate::templated {

struct StoredTemplate {
  FlowProtocol protocol = FlowProtocol::netflow9;  ///< or ipfix
  Address address;
  std::uint32_t domain = 0;
  std::uint16_t id = 0;
  bool options = false;
  std::vector<std::byte> body;    ///< one template record without its set's header: id, counts, fields; empty: withdrawn
  std::int64_t seen_micros = 0;   ///< when it was last sent, by our clock
};

}  // namespace tidegate::templated
