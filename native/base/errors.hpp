/// Why bytes were not counted: one closed list, from which the names and the counters are made.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>

namespace tidegate {

// Add an error to its section; its name and its counter follow. `none` is success and stays first.
// clang-format off
#define TIDEGATE_DECODE_ERRORS(X)                                                               \
  X(none)                                                                                       \
  /* wire/: one frame */                                                                        \
  X(link_truncated)           /* the link header is not whole */                                \
  X(link_unsupported)         /* a link type that wire/ does not read */                        \
  X(vlan_too_deep)            /* more than kMaxVlanTags tags */                                 \
  X(mpls_truncated)           /* the captured bytes end inside the label stack */               \
  X(mpls_too_deep)            /* more than kMaxMplsLabels labels */                             \
  X(pppoe_malformed)          /* PPPoE version, type or length impossible */                    \
  X(not_ip)                   /* ARP, LLDP, …: nothing to count by address */                   \
  X(ipv4_truncated)                                                                             \
  X(ipv4_bad_version)                                                                           \
  X(ipv4_bad_header_length)   /* below 20 bytes, or past the datagram */                        \
  X(ipv4_bad_total_length)    /* below the header's own length */                               \
  X(ipv6_truncated)                                                                             \
  X(ipv6_bad_version)                                                                           \
  X(ipv6_too_many_extensions) /* more than kMaxExtensionHeaders */                              \
  /* capture/: pcap and pcapng files */                                                         \
  X(pcap_bad_magic)                                                                             \
  X(pcap_truncated)                                                                             \
  X(pcap_bad_record_length)                                                                     \
  X(pcap_bad_block)                                                                             \
  X(pcap_too_many_interfaces)                                                                   \
  X(pcap_unknown_interface)                                                                     \
  /* flow/: sFlow versions 2, 4 and 5 */                                                        \
  X(sflow_truncated)                                                                            \
  X(sflow_bad_version)                                                                          \
  X(sflow_bad_address_type)                                                                     \
  X(sflow_too_many_samples)                                                                     \
  X(sflow_too_many_records)                                                                     \
  X(sflow_bad_sample_length)                                                                    \
  X(sflow_bad_record_length)                                                                    \
  X(sflow_bad_frame_length)   /* longer than any link carries */                                \
  X(sflow_unsupported_header) /* a header protocol that wire/ does not read */                  \
  X(sflow_no_packet)          /* a flow sample without a record that names addresses */         \
  X(sflow_bad_gateway)        /* the record of AS path and communities cannot be read */        \
  X(sflow_unknown_kind)       /* versions 2 and 4: a part of unknown length ends the datagram */\
  /* flow/: NetFlow versions 1, 5 and 7 */                                                      \
  X(netflow_truncated)        /* the header, or the records it promises, are not all there */   \
  X(netflow_bad_version)                                                                        \
  /* flow/templated: NetFlow version 9 and IPFIX */                                             \
  X(netflow9_truncated)       /* the packet header is not whole */                              \
  X(ipfix_truncated)          /* the message header is not whole, or not all of the message */  \
  X(ipfix_bad_length)         /* a message shorter than its header */                           \
  X(templated_bad_version)    /* neither 9 nor 10 */                                            \
  X(templated_bad_set)        /* a set shorter than its header, longer than the rest, or of a reserved id */ \
  X(templated_too_many_sets)  /* more than kMaxSetsPerMessage */                                \
  X(template_malformed)       /* not whole, of a reserved id, or of records without bytes */    \
  X(template_too_many_fields) /* more than kMaxFieldsPerTemplate, or kMaxSteps to read */       \
  X(template_refused)         /* no room that could be made without hurting others */           \
  X(record_truncated)         /* a field of a record ends past its set */                       \
  X(record_bad_section)       /* a sampled packet of impossible length */                       \
  X(record_too_many)          /* more than kMaxRecordsPerDatagram */
// clang-format on

enum class DecodeError : std::uint8_t {
#define TIDEGATE_ERROR_MEMBER(name) name,
  TIDEGATE_DECODE_ERRORS(TIDEGATE_ERROR_MEMBER)
#undef TIDEGATE_ERROR_MEMBER
};

/// Names in the order of DecodeError: what stats and metrics call them.
inline constexpr std::array kDecodeErrorNames{
#define TIDEGATE_ERROR_NAME(name) std::string_view{#name},
    TIDEGATE_DECODE_ERRORS(TIDEGATE_ERROR_NAME)
#undef TIDEGATE_ERROR_NAME
};
inline constexpr std::size_t kDecodeErrors = kDecodeErrorNames.size();
static_assert(kDecodeErrors < 256);

constexpr std::string_view error_name(DecodeError error) noexcept {
  return kDecodeErrorNames[static_cast<std::size_t>(error)];
}

/// A count for each error, by the error itself; `none` is never counted.
using DecodeErrorCounts = std::array<std::uint64_t, kDecodeErrors>;

}  // namespace tidegate
