/// The values of one data record → sightings and details.
///
/// - Ports of ICMP are zero, as in sampled packets. Post-NAT addresses and counters are another view of the same
///   packets and not read.
/// - Totals (IE 85, 86) stand in where deltas are missing. By their definition they grow over a flow's records; the
///   devices that send them without deltas (YAF, older ASA) start anew with each record, and so they are counted.
/// - Without a packet counter there is one packet for each kAssumedPacketBytes begun.
/// - A record of both directions (RFC 5103; firewalls' initiator and responder) gives two, the second with the ends
///   and interfaces exchanged; a direction in which nothing moved gives none, unless neither did.
/// - counts = false: firewall events that are no report of traffic (created, denied, alert), NAT events but the end of
///   a session, records without any counter, and those that name no IP addresses.
/// - A section of a packet makes the record one sampled packet.
#pragma once

#include "../../wire/frame.hpp"
#include "../record.hpp"
#include "walk.hpp"

namespace tidegate::templated {

/// The mean of mixed traffic; larger than that of floods, so that an estimate alone is not one.
inline constexpr std::uint64_t kAssumedPacketBytes = 800;
/// A frame longer than any link carries is damage.
inline constexpr std::uint64_t kMaxFrameLength = std::uint64_t{1} << 20;
/// What one data record can give.
inline constexpr std::size_t kMostOfOneRecord = 2;

/// Needs room for kMostOfOneRecord. A section that cannot be read is one error, and the record is left out unless it
/// names addresses itself.
void take_data_record(const Plan& plan, const Values& values, const MessageTime& time, WireOptions options,
                      RecordBatch& out) noexcept;

}  // namespace tidegate::templated
