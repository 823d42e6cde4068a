#include "field_table.hpp"

#include <array>

namespace tidegate::templated {

namespace {

struct Row {
  std::uint16_t element;
  Meaning meaning;
};

// One line an element. Where the same thing has many names, the one that says most exactly what moved since the
// last record stands first: deltas, a firewall's own deltas, layer 2 deltas, totals, and what left the device last.
constexpr Row kElements[] = {
    {8, {Slot::source4}},
    {12, {Slot::destination4}},
    {27, {Slot::source6, Reading::address6}},
    {28, {Slot::destination6, Reading::address6}},
    {7, {Slot::source_port}},
    {11, {Slot::destination_port}},
    {180, {Slot::udp_source_port}},
    {181, {Slot::udp_destination_port}},
    {182, {Slot::tcp_source_port}},
    {183, {Slot::tcp_destination_port}},
    {4, {Slot::protocol}},
    {6, {Slot::tcp_flags}},

    {1, {Slot::octets, Reading::number, 0}},     // octetDeltaCount
    {231, {Slot::octets, Reading::number, 1}},   // initiatorOctets
    {352, {Slot::octets, Reading::number, 2}},   // layer2OctetDeltaCount
    {85, {Slot::octets, Reading::number, 3}},    // octetTotalCount
    {23, {Slot::octets, Reading::number, 4}},    // postOctetDeltaCount, v9 OUT_BYTES
    {353, {Slot::octets, Reading::number, 5}},   // layer2OctetTotalCount
    {171, {Slot::octets, Reading::number, 6}},   // postOctetTotalCount
    {2, {Slot::packets, Reading::number, 0}},    // packetDeltaCount
    {298, {Slot::packets, Reading::number, 1}},  // initiatorPackets
    {86, {Slot::packets, Reading::number, 3}},   // packetTotalCount
    {24, {Slot::packets, Reading::number, 4}},   // postPacketDeltaCount, v9 OUT_PKTS
    {172, {Slot::packets, Reading::number, 6}},  // postPacketTotalCount
    {232, {Slot::back_octets, Reading::number, 1}},   // responderOctets
    {299, {Slot::back_packets, Reading::number, 1}},  // responderPackets

    {10, {Slot::input, Reading::number, 0}},    // ingressInterface
    {252, {Slot::input, Reading::number, 1}},   // ingressPhysicalInterface
    {14, {Slot::output, Reading::number, 0}},   // egressInterface
    {253, {Slot::output, Reading::number, 1}},  // egressPhysicalInterface
    {16, {Slot::source_as}},
    {17, {Slot::destination_as}},

    {152, {Slot::first, Reading::millis, 0}},         // flowStartMilliseconds
    {156, {Slot::first, Reading::ntp, 1}},            // flowStartNanoseconds
    {154, {Slot::first, Reading::ntp, 2}},            // flowStartMicroseconds
    {150, {Slot::first, Reading::seconds, 3}},        // flowStartSeconds
    {158, {Slot::first, Reading::before_export, 4}},  // flowStartDeltaMicroseconds
    {22, {Slot::first_uptime}},                       // flowStartSysUpTime
    {153, {Slot::last, Reading::millis, 0}},
    {157, {Slot::last, Reading::ntp, 1}},
    {155, {Slot::last, Reading::ntp, 2}},
    {151, {Slot::last, Reading::seconds, 3}},
    {159, {Slot::last, Reading::before_export, 4}},
    {21, {Slot::last_uptime}},
    {323, {Slot::observed, Reading::millis, 0}},  // observationTimeMilliseconds
    {325, {Slot::observed, Reading::ntp, 1}},     // observationTimeNanoseconds
    {324, {Slot::observed, Reading::ntp, 2}},     // observationTimeMicroseconds
    {322, {Slot::observed, Reading::seconds, 3}}, // observationTimeSeconds
    {162, {Slot::duration, Reading::micros, 0}},  // flowDurationMicroseconds
    {161, {Slot::duration, Reading::millis, 1}},  // flowDurationMilliseconds
    {160, {Slot::boot, Reading::millis}},         // systemInitTimeMilliseconds

    {61, {Slot::direction}},    // flowDirection
    {136, {Slot::end_reason}},  // flowEndReason
    {89, {Slot::forwarding}},   // forwardingStatus
    {34, {Slot::interval, Reading::number, 0}},  // samplingInterval
    {50, {Slot::interval, Reading::number, 1}},  // samplerRandomInterval
    {305, {Slot::packet_interval}},              // samplingPacketInterval
    {306, {Slot::packet_space}},                 // samplingPacketSpace
    {309, {Slot::sample_size}},                  // samplingSize
    {310, {Slot::population}},                   // samplingPopulation
    {311, {Slot::probability}},                  // samplingProbability
    {302, {Slot::sampler, Reading::number, 0}},  // selectorId
    {48, {Slot::sampler, Reading::number, 1}},   // samplerId

    {88, {Slot::fragment_offset}},
    {197, {Slot::fragment_flags}},
    {192, {Slot::ttl, Reading::number, 0}},  // ipTTL
    {52, {Slot::ttl, Reading::number, 1}},   // minimumTTL
    {53, {Slot::ttl, Reading::number, 2}},   // maximumTTL
    {233, {Slot::firewall_event, Reading::number, 0}},    // firewallEvent
    {40005, {Slot::firewall_event, Reading::number, 1}},  // the same before it was registered, Cisco ASA 8
    {230, {Slot::nat_event}},

    {313, {Slot::ip_section, Reading::section}},       // ipHeaderPacketSection
    {315, {Slot::link_section, Reading::section, 0}},  // dataLinkFrameSection
    {104, {Slot::link_section, Reading::section, 1}},  // layer2packetSectionData
    {312, {Slot::frame_size}},                         // dataLinkFrameSize
    {410, {Slot::section_size, Reading::number, 0}},   // sectionExportedOctets
    {103, {Slot::section_size, Reading::number, 1}},   // layer2packetSectionSize
    {224, {Slot::ip_total_length, Reading::number, 0}},
    {190, {Slot::ip_total_length, Reading::number, 1}},  // totalLengthIPv4
};

constexpr Row kReverseElements[] = {
    {1, {Slot::back_octets, Reading::number, 0}},
    {352, {Slot::back_octets, Reading::number, 2}},
    {85, {Slot::back_octets, Reading::number, 3}},
    {2, {Slot::back_packets, Reading::number, 0}},
    {86, {Slot::back_packets, Reading::number, 3}},
    {6, {Slot::back_tcp_flags}},
};

// RFC 3954 section 6.1: 1 System, 2 Interface, 3 Line Card, 4 Cache, 5 Template.
constexpr std::uint16_t kScopeInterface = 2;

constexpr std::uint16_t kElementsByNumber = 512;
/// Row + 1 of each element below kElementsByNumber.
constexpr auto kRowOf = [] {
  std::array<std::uint8_t, kElementsByNumber> rows{};
  for (std::size_t i = 0; i < std::size(kElements); ++i) {
    if (kElements[i].element < kElementsByNumber) rows[kElements[i].element] = static_cast<std::uint8_t>(i + 1);
  }
  return rows;
}();

Meaning row_of(const FieldSpec& field) noexcept {
  if (field.enterprise == kReverseEnterprise) {
    for (const Row& row : kReverseElements) {
      if (row.element == field.element) return row.meaning;
    }
    return {};
  }
  if (field.enterprise != 0) return {};
  if (field.element < kElementsByNumber) {
    const std::uint8_t row = kRowOf[field.element];
    return row == 0 ? Meaning{} : kElements[row - 1].meaning;
  }
  for (const Row& row : kElements) {
    if (row.element == field.element) return row.meaning;
  }
  return {};
}

bool length_fits(const FieldSpec& field, const Meaning& meaning) noexcept {
  switch (meaning.reading) {
    case Reading::section: return field.length != 0;
    case Reading::address6: return field.length == 16;
    case Reading::ntp: return field.length == 8;
    default: break;
  }
  if (meaning.slot == Slot::source4 || meaning.slot == Slot::destination4) return field.length == 4;
  return (field.length >= 1 && field.length <= 8) || field.length == kVariableLength;
}

}  // namespace

Meaning meaning_of(const FieldSpec& field) noexcept {
  const Meaning meaning = row_of(field);
  return length_fits(field, meaning) ? meaning : Meaning{};
}

Meaning scope_meaning_of(const FieldSpec& field, bool netflow9) noexcept {
  Meaning meaning;
  if (netflow9) {
    if (field.element == kScopeInterface && field.enterprise == 0) meaning.slot = Slot::scope_interface;
  } else {
    meaning = row_of(field);
    if (meaning.slot == Slot::input || meaning.slot == Slot::output) meaning.slot = Slot::scope_interface;
  }
  return length_fits(field, meaning) ? meaning : Meaning{};
}

}  // namespace tidegate::templated
