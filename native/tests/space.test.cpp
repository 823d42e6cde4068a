/// HostSpace against a search through all prefixes, one after the other.
#include "../base/hash.hpp"
#include "../counters/space.hpp"
#include "check.hpp"

using namespace tidegate;

namespace {

Prefix prefix(std::string_view text) { return *parse_prefix(text); }

std::optional<Cell> slow_find(const Address& address, const std::vector<Prefix>& networks,
                              const std::vector<HostgroupPrefixes>& groups) {
  int network_length = -1;
  Cell cell;
  for (std::size_t i = 0; i < networks.size(); ++i) {
    if (!contains(networks[i], address) || networks[i].length <= network_length) continue;
    network_length = networks[i].length;
    cell.network = static_cast<std::uint32_t>(i);
  }
  if (network_length < 0) return std::nullopt;
  int group_length = -1;
  for (std::size_t i = 0; i < groups.size(); ++i) {
    if (groups[i].prefixes.empty() && group_length < 0 && cell.hostgroup == 0) cell.hostgroup = static_cast<std::uint32_t>(i);
    for (const Prefix& candidate : groups[i].prefixes) {
      if (!contains(candidate, address) || candidate.length <= group_length) continue;
      group_length = candidate.length;
      cell.hostgroup = static_cast<std::uint32_t>(i);
    }
  }
  return cell;
}

// Addresses are drawn from a small corner, so that prefixes nest and share pages.
Address corner(std::uint64_t& random, Family family) {
  const std::uint64_t bits = next_random(random);
  if (family == Family::ipv4) return ipv4_address(0xc0000000U | static_cast<std::uint32_t>(bits & 0x3ffff));
  return ipv6_address(0x20010db800000000U | (bits & 0xffff), next_random(random) & 0xf00000000000000fU);
}

Prefix random_prefix(std::uint64_t& random, Family family) {
  const std::uint8_t least = family == Family::ipv4 ? 14 : 48;
  const std::uint8_t bits = address_bits(family);
  const auto length = static_cast<std::uint8_t>(least + next_random(random) % (bits - least + 1U));
  return make_prefix(corner(random, family), length);
}

}  // namespace

TEST("the longest network and, apart from it, the longest hostgroup decide, for random nested prefixes") {
  std::uint64_t random = 7;
  for (int round = 0; round < 60; ++round) {
    std::vector<Prefix> networks;
    std::vector<HostgroupPrefixes> groups{{"global", {}}, {"a", {}}, {"b", {}}};
    for (int i = 0; i < 8; ++i) {
      const Family family = next_random(random) % 2 == 0 ? Family::ipv4 : Family::ipv6;
      networks.push_back(random_prefix(random, family));
      groups[1 + next_random(random) % 2].prefixes.push_back(random_prefix(random, family));
    }
    // A group of only the other family still has a prefix; one without any would take the rest.
    groups[1].prefixes.push_back(random_prefix(random, Family::ipv4));
    groups[2].prefixes.push_back(random_prefix(random, Family::ipv6));
    const auto compiled = HostSpace::compile(networks, groups);
    REQUIRE(compiled.space != nullptr);
    for (int i = 0; i < 2000; ++i) {
      const Address address = corner(random, i % 2 == 0 ? Family::ipv4 : Family::ipv6);
      NOTE(format_address(address));
      const auto expected = slow_find(address, networks, groups);
      const auto found = compiled.space->find(address);
      REQUIRE(found.has_value() == expected.has_value());
      if (!found) continue;
      REQUIRE(found->network == expected->network);
      REQUIRE(found->hostgroup == expected->hostgroup);
    }
  }
}

TEST("the edges of a prefix are inside, their neighbours are not") {
  const std::vector<Prefix> networks{prefix("10.1.2.64/26"), prefix("255.255.255.0/24"), prefix("0.0.0.0/32"),
                                     prefix("2001:db8::/32"), prefix("ffff::/16"), prefix("::/128")};
  const std::vector<HostgroupPrefixes> groups{{"global", {}}};
  const auto space = HostSpace::compile(networks, groups).space;
  REQUIRE(space != nullptr);
  struct Row {
    std::string_view address;
    bool ours;
  };
  constexpr Row rows[] = {
      {"10.1.2.63", false},      {"10.1.2.64", true},  {"10.1.2.127", true},    {"10.1.2.128", false},
      {"255.255.255.255", true}, {"255.255.254.255", false}, {"0.0.0.0", true}, {"0.0.0.1", false},
      {"2001:db8::", true},      {"2001:db7:ffff:ffff:ffff:ffff:ffff:ffff", false},
      {"2001:db8:ffff:ffff:ffff:ffff:ffff:ffff", true}, {"2001:db9::", false},
      {"ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff", true}, {"fffe:ffff::", false}, {"::", true}, {"::1", false},
  };
  for (const Row& row : rows) {
    NOTE(std::string{row.address});
    CHECK(space->find(*parse_address(row.address)).has_value() == row.ours);
  }
}

TEST("of equal prefixes the first counts, and a group without networks takes the rest") {
  const std::vector<Prefix> networks{prefix("192.0.2.0/24"), prefix("192.0.2.0/24")};
  const std::vector<HostgroupPrefixes> groups{{"web", {prefix("192.0.2.0/28")}}, {"again", {prefix("192.0.2.0/28")}}, {"rest", {}}};
  const auto space = HostSpace::compile(networks, groups).space;
  REQUIRE(space != nullptr);
  CHECK(space->find(*parse_address("192.0.2.1"))->network == 0U);
  CHECK(space->find(*parse_address("192.0.2.1"))->hostgroup == 0U);
  CHECK(space->find(*parse_address("192.0.2.16"))->hostgroup == 2U);
}

TEST("what cannot be laid out is refused with a reason") {
  const std::vector<HostgroupPrefixes> global{{"global", {}}};
  const std::vector<Prefix> everything{prefix("0.0.0.0/0")};
  const auto too_large = HostSpace::compile(everything, global);
  CHECK(too_large.space == nullptr);
  CHECK(too_large.refused == "the networks hold more than 33554432 IPv4 addresses");
  const std::vector<Prefix> one{prefix("192.0.2.0/24")};
  const std::vector<HostgroupPrefixes> no_rest{{"web", {prefix("192.0.2.0/28")}}};
  CHECK(HostSpace::compile(one, no_rest).refused == "no hostgroup without networks to take the rest");
  CHECK(HostSpace::compile(one, global).refused == "");
}

TEST("an empty list of networks makes nothing ours") {
  const std::vector<HostgroupPrefixes> global{{"global", {}}};
  const auto space = HostSpace::compile({}, global).space;
  REQUIRE(space != nullptr);
  CHECK(!space->find(*parse_address("192.0.2.1")).has_value());
  CHECK(!space->find(*parse_address("2001:db8::1")).has_value());
}
