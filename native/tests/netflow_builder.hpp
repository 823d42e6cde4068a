/// NetFlow datagrams of versions 1, 5 and 7 written field by field (Cisco, "NetFlow Export Datagram Formats").
#pragma once

#include <cstdint>
#include <vector>

#include "pcap_builder.hpp"

namespace tidegate::check {

struct NetflowRecord {
  std::uint32_t source = 0xC633'6401;
  std::uint32_t destination = 0xCB00'7105;
  std::uint16_t input = 3;
  std::uint16_t output = 4;
  std::uint32_t packets = 10;
  std::uint32_t bytes = 6'000;
  std::uint32_t first_ms = 90'000;
  std::uint32_t last_ms = 99'000;
  std::uint16_t source_port = 53;
  std::uint16_t destination_port = 4444;
  std::uint8_t tcp_flags = 0;
  std::uint8_t protocol = 17;
  std::uint16_t source_as = 64'500;
  std::uint16_t destination_as = 64'501;
};

struct NetflowHeader {
  std::uint16_t version = 5;
  std::uint16_t stated = 0;  ///< records, instead of how many there are; zero: these
  std::uint32_t uptime_ms = 100'000;
  std::uint32_t seconds = 1'700'000'000;
  std::uint32_t nanos = 250'000'000;
  std::uint32_t sequence = 77;
  std::uint16_t engine = 0x0102;
  std::uint16_t sampling = 0;
  bool is_long = false;  ///< version 1: records of 52 bytes, not 48
};

inline std::vector<std::byte> netflow_of(const NetflowHeader& header, const std::vector<NetflowRecord>& records) {
  FileWriter out{false};
  const bool first_version = header.version == 1;
  out.u16(header.version).u16(header.stated != 0 ? header.stated : records.size());
  out.u32(header.uptime_ms).u32(header.seconds).u32(header.nanos);
  if (!first_version) out.u32(header.sequence);
  if (header.version == 5) out.u16(header.engine).u16(header.sampling);
  if (header.version == 7) out.u32(0);
  for (const NetflowRecord& record : records) {
    out.u32(record.source).u32(record.destination).u32(0x0A00'0001).u16(record.input).u16(record.output);
    out.u32(record.packets).u32(record.bytes).u32(record.first_ms).u32(record.last_ms);
    out.u16(record.source_port).u16(record.destination_port);
    if (first_version) {
      out.u16(0).u16(record.protocol << 8 | 0x10).u16(record.tcp_flags << 8).zeros(header.is_long ? 10 : 6);
      continue;
    }
    out.u16(record.tcp_flags).u16(record.protocol << 8 | 0x10);
    out.u16(record.source_as).u16(record.destination_as).u16(24 << 8 | 16).u16(0);
    if (header.version == 7) out.u32(0xC000'0201);
  }
  return out.done();
}

}  // namespace tidegate::check
