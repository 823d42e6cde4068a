/// flow/protocol: datagrams are told apart by their first bytes.
#include "../flow/protocol.hpp"

#include <string>

#include "check.hpp"
#include "pcap_builder.hpp"

using namespace tidegate;
using namespace tidegate::check;

namespace {

std::string named(const std::vector<std::byte>& payload) {
  const auto protocol = protocol_of(payload);
  return protocol ? std::string{kFlowProtocolNames[static_cast<std::size_t>(*protocol)]} : "nothing";
}

}  // namespace

TEST("each protocol is known by its header, and what is none of them is named nothing") {
  const auto words = [](std::uint32_t first, std::uint32_t second, std::size_t bytes) {
    return FileWriter{false}.u32(first).u32(second).zeros(bytes - 8).done();
  };
  const auto halves = [](std::uint16_t first, std::uint16_t second, std::size_t bytes) {
    return FileWriter{false}.u16(first).u16(second).zeros(bytes - 4).done();
  };
  const auto netflow9 = [](std::uint16_t set) {
    return FileWriter{false}.u16(9).u16(1).zeros(16).u16(set).u16(8).zeros(4).done();
  };
  struct Row {
    std::string_view name;
    std::vector<std::byte> payload;
  };
  const Row rows[] = {
      {"sflow5", words(5, 1, 28)},
      {"sflow5", words(5, 2, 40)},
      {"nothing", words(5, 1, 27)},
      {"nothing", words(5, 3, 28)},
      {"nothing", words(5, 0, 28)},
      {"sflow4", words(4, 1, 24)},
      {"sflow4", words(4, 2, 36)},
      {"sflow2", words(2, 1, 24)},
      {"nothing", words(2, 1, 23)},
      {"nothing", words(3, 1, 24)},
      {"nothing", words(6, 1, 28)},
      {"netflow1", halves(1, 3, 16)},
      {"nothing", halves(1, 0, 68)},
      {"netflow5", halves(5, 1, 72)},
      {"netflow5", halves(5, 30, 24)},
      {"nothing", halves(5, 1, 23)},
      {"nothing", halves(5, 0, 72)},
      {"netflow7", halves(7, 1, 76)},
      {"netflow9", netflow9(0)},
      {"netflow9", netflow9(1)},
      {"netflow9", netflow9(256)},
      {"nothing", netflow9(2)},
      {"nothing", netflow9(255)},
      {"netflow9", halves(9, 0, 20)},
      {"nothing", halves(9, 1, 19)},
      {"ipfix", halves(10, 16, 16)},
      {"ipfix", halves(10, 100, 100)},
      {"ipfix", halves(10, 100, 101)},  // bytes behind the message
      {"nothing", halves(10, 100, 99)},
      {"nothing", halves(8, 1, 60)},
      {"nothing", halves(0xABCD, 0x0100, 60)},
      {"nothing", std::vector<std::byte>(15)},
      {"nothing", {}},
  };
  for (const Row& row : rows) {
    NOTE(std::to_string(&row - rows));
    CHECK(named(row.payload) == row.name);
  }
}
