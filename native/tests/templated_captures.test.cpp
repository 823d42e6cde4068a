/// flow/templated: real exporters' datagrams give exactly what their folders state.
#include <cstdint>
#include <fstream>
#include <memory>
#include <set>
#include <string>
#include <tuple>
#include <vector>

#include "../base/address.hpp"
#include "../base/cursor.hpp"
#include "../capture/capture_file.hpp"
#include "../flow/templated/decoder.hpp"
#include "../flow/udp_in_frame.hpp"
#include "captures.hpp"
#include "check.hpp"
#include "json.hpp"

using namespace tidegate;
using namespace tidegate::check;

namespace {

struct Payload {
  std::vector<std::byte> bytes;
  Address sender{0, 0xC000'0201, Family::ipv4};
};

std::vector<std::byte> bytes_of(const std::filesystem::path& path) {
  std::ifstream in{path, std::ios::binary};
  REQUIRE(in.good());
  std::vector<std::byte> bytes;
  for (char c; in.get(c);) bytes.push_back(static_cast<std::byte>(c));
  return bytes;
}

bool templated(std::span<const std::byte> payload) {
  if (payload.size() < 2) return false;
  const unsigned version = Fields<2>{payload.first<2>()}.u16<0>();
  return version == 9 || version == 10;
}

/// The datagrams of a capture file, a bare payload, or a file of IPFIX messages back to back (RFC 5655).
void add_payloads(const std::filesystem::path& path, const Json& ports, std::vector<Payload>& out) {
  if (path.extension() == ".ipfix") {
    const auto all = bytes_of(path);
    for (Cursor in{all}; in.left() >= 4;) {
      const std::size_t length = Fields<4>{in.rest().first<4>()}.u16<2>();
      const auto message = in.bytes(length);
      REQUIRE(in.ok());
      REQUIRE(length >= 16);
      out.push_back({{message.begin(), message.end()}});
    }
  } else if (path.extension() == ".pcap") {
    auto file = CaptureFile::open(path);
    REQUIRE(file.ok());
    FileFrame frame;
    while (file.value().next(frame)) {
      const auto udp = udp_in_frame(*link_type_of(frame.link), frame.frame.bytes);
      if (!udp || !templated(udp->payload)) continue;
      if (!ports.has(std::to_string(udp->destination_port))) continue;
      out.push_back({{udp->payload.begin(), udp->payload.end()}, udp->source});
    }
  } else {
    auto bytes = bytes_of(path);
    if (templated(bytes)) out.push_back({std::move(bytes)});
  }
}

/// Every record as a row of what can be compared.
struct Found {
  Sighting sighting;
  FlowDetail detail;
};

struct Sums {
  std::uint64_t templates = 0, option_records = 0, without_template = 0, units = 0, packets = 0, bytes = 0;
  std::vector<Found> records;
  std::set<std::uint32_t> rates;
  std::string errors;
};

Sums decode_all(const std::vector<Payload>& payloads, const templated::Limits& limits = {}) {
  templated::Decoder decoder{limits, 1, {}};
  RecordBatch batch;
  Sums sums;
  for (const Payload& payload : payloads) {
    batch.clear();
    decoder.decode(payload.bytes, payload.sender, 1'000'000, batch);
    sums.templates += batch.extras.templates;
    sums.option_records += batch.extras.option_records;
    sums.without_template += batch.extras.sets_without_template;
    sums.units += batch.header.units;
    for (const auto error : batch.errors()) sums.errors += std::string{error_name(error)} + " ";
    for (const auto& statement : batch.statements()) sums.rates.insert(statement.rate);
    for (std::size_t i = 0; i < batch.sightings().size(); ++i) {
      sums.records.push_back({batch.sightings()[i], batch.details()[i]});
      sums.packets += batch.sightings()[i].packets;
      sums.bytes += batch.sightings()[i].bytes;
    }
  }
  return sums;
}

bool is_icmp(const Json& record) { return record["proto"].count() == 1 || record["proto"].count() == 58; }

/// The IPv4 address that the list of other fields holds under an element.
std::string other_address(const Json& stated, unsigned element) {
  for (const Json& field : stated["other"].list) {
    if (field.list.size() != 3 || field.list[0].count() != 0 || field.list[1].count() != element) continue;
    return format_address(ipv4_address(static_cast<std::uint32_t>(std::stoul(field.list[2].text, nullptr, 16))));
  }
  return "none";
}

/// Where the record differs from the one stated; empty when nowhere.
std::string difference(const Found& found, const Json& stated) {
  const auto& [facts, packets, bytes, sampling, origin] = found.sighting;
  std::string text;
  const auto same = [&](const std::string& key, std::uint64_t ours) {
    if (stated.has(key) && stated[key].count() != ours) {
      text += key + " " + std::to_string(ours) + ", stated " + std::to_string(stated[key].count()) + "; ";
    }
  };
  for (const auto& [key, element, address] : {std::tuple{"src", 8, facts.source}, {"dst", 12, facts.destination}}) {
    if (!stated.has(key)) continue;
    std::string name = stated[key].text;
    if (name == "::") name = other_address(stated, element);  // a template with both families, the IPv6 ones empty
    if (name != format_address(address)) text += std::string{key} + " " + format_address(address) + "; ";
  }
  same("proto", facts.protocol);
  if (!is_icmp(stated)) {
    same("sport", facts.source_port);
    same("dport", facts.destination_port);
  }
  same("packets", packets);
  same("bytes", bytes);
  same("in_if", found.detail.input);
  same("out_if", found.detail.output);
  same("src_as", found.detail.source_as);
  same("dst_as", found.detail.destination_as);
  if (stated.has("tcp_flags")) {
    const auto flags = stated["tcp_flags"].count() & 0xFF;
    if (facts.tcp_flags != flags) text += "tcp_flags " + std::to_string(facts.tcp_flags) + "; ";
  }
  if (stated.has("sampler_id") && !stated.has("selector_id")) same("sampler_id", found.detail.sampler);
  same("selector_id", found.detail.sampler);
  if (stated["direction"].count() < 2 && stated.has("direction")) {
    if (static_cast<std::uint64_t>(found.detail.side) != stated["direction"].count() + 1) text += "direction; ";
  }
  return text;
}

/// Where the record that comes closest differs.
std::string nearest(const std::vector<Found>& records, const Json& stated) {
  std::string best = "no records";
  for (const Found& found : records) {
    const std::string text = difference(found, stated);
    if (best == "no records" || text.size() < best.size()) best = text;
  }
  return best;
}

/// Is it the other direction of that record?
bool exchanged(const Found& found, const Found& of) {
  const PacketFacts& a = found.sighting.facts;
  const PacketFacts& b = of.sighting.facts;
  return a.source == b.destination && a.destination == b.source && a.source_port == b.destination_port &&
         a.destination_port == b.source_port && found.detail.first_micros == of.detail.first_micros;
}

}  // namespace

TEST("every sequence of NetFlow v9 and IPFIX with known values decodes to exactly those, record by record") {
  std::size_t sequences = 0;
  std::size_t compared = 0;
  for (const auto& folder : std::filesystem::directory_iterator{captures_folder()}) {
    if (!std::filesystem::exists(folder.path() / "expected.json")) continue;
    const Json groups = read_json(folder.path() / "expected.json");
    for (const Json& group : groups.list) {
      const Json& counts = group.has("counts") ? group["counts"] : group["flow_counts"];
      if (!counts.has("v9_datagrams") && !counts.has("ipfix_datagrams")) continue;
      std::vector<Payload> payloads;
      if (group.has("file")) add_payloads(folder.path() / group["file"].text, group["flow_ports"], payloads);
      for (const Json& file : group["files"].list) add_payloads(folder.path() / file.text, {}, payloads);
      NOTE(group["note"].text);
      ++sequences;
      const Sums sums = decode_all(payloads);
      CHECK(sums.errors == "");
      CHECK(payloads.size() == counts["v9_datagrams"].count() + counts["ipfix_datagrams"].count());
      CHECK(sums.templates == counts["templates"].count() + counts["option_templates"].count());
      CHECK(sums.option_records == counts["option_records"].count());
      // The folders list single fields. Where a sampling population of 256 stands beside an interval of 1 (RFC 5477
      // section 8.2.3), it is one in 256.
      for (const Json& rate : counts["sampling"].list) {
        const bool stated_in_options = rate.count() != 0;
        if (stated_in_options) CHECK((sums.rates.contains(static_cast<std::uint32_t>(rate.count())) || sums.rates.contains(256)));
      }
      if (counts.has("sum")) {
        CHECK(sums.packets == counts["sum"]["packets"].count());
        CHECK(sums.bytes == counts["sum"]["bytes"].count());
      }
      // Records that had to wait come later than listed. One of both directions gives a second one, not listed.
      std::vector<bool> matched(sums.records.size());
      for (const Json& stated : group["records"].list) {
        std::size_t at = 0;
        while (at < matched.size() && (matched[at] || !difference(sums.records[at], stated).empty())) ++at;
        if (at < matched.size()) {
          matched[at] = true;
        } else {
          CHECK(nearest(sums.records, stated) == "");
        }
        ++compared;
      }
      std::size_t second = 0;
      for (std::size_t i = 1; i < matched.size(); ++i) {
        if (!matched[i] && exchanged(sums.records[i], sums.records[i - 1])) ++second;
      }
      CHECK(sums.records.size() == counts["data_records"].count() + second);
      if (second != 0) CHECK(!counts.has("sum"));
    }
  }
  CHECK(sequences >= 34);
  CHECK(compared >= 500);
}
