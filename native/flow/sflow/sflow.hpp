/// sFlow datagrams of versions 2, 4 and 5 → records (sflow.org, "sFlow Version 5", July 2004, section 5; RFC 3176
/// section 4 for version 4, of which version 2 lacks the communities and the kinds of AS path segments).
///
/// - Stateless: all that a datagram means is in it.
/// - A flow sample gives one record, sampling not undone: one packet of the length that it had on the wire, as the
///   exporter states it, mostly with the 4 bytes of Ethernet's frame check sequence. It is read from the raw packet
///   header, or where that is missing or not readable from the sampled IPv4 or IPv6 record.
/// - A flow sample whose packet cannot be read, or is not IP, is a record that does not count and one error.
/// - Counter samples and samples of discarded packets are counted and passed over, other kinds likewise.
/// - Version 5 states the length of each part: damage costs that part. Versions 2 and 4 do not: what comes behind a
///   part of an unknown kind cannot be found, and is one error.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include "../../wire/frame.hpp"
#include "../record.hpp"

namespace tidegate::sflow {

inline constexpr std::size_t kMaxSamplesPerDatagram = 1024;
inline constexpr std::size_t kMaxRecordsPerSample = 256;
static_assert(kMaxSamplesPerDatagram <= kMaxRecordsPerDatagram);
/// No link has longer frames, not even ones that an offloading interface has put together; a length past it is damage.
inline constexpr std::uint32_t kMaxFrameLength = 1U << 20;
/// Of an AS path; each is a set or a sequence.
inline constexpr std::uint32_t kMaxAsSegments = 64;

/// Reads one UDP payload into `out`, which it clears first; FlowDetail::bytes are those of `payload`. False: there is
/// no header to go by, and only the error is told.
bool decode(std::span<const std::byte> payload, WireOptions options, RecordBatch& out) noexcept;

}  // namespace tidegate::sflow
