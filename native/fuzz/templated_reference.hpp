/// A second decoder of NetFlow v9 and IPFIX, slow and plain: bytes by index, fields by name in a map, no plans. It
/// shares no code with flow/templated but the bounds and what wire/ makes of a sampled packet.
#pragma once

#include <cstddef>
#include <span>
#include <string>
#include <vector>

namespace tidegate::templated::reference {

/// Empty when the decoder, given these datagrams of one exporter in turn, finds what the reference finds; else where
/// they differ. Of a field's meaning the reference has a table of its own.
std::string difference(const std::vector<std::vector<std::byte>>& datagrams);

/// A fuzzer's input as datagrams: each behind two bytes of its length. The first two bytes of each become `version`.
std::vector<std::vector<std::byte>> datagrams_of(std::span<const std::byte> input, unsigned version);

}  // namespace tidegate::templated::reference
