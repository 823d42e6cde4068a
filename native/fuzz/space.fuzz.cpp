/// Prefix text and HostSpace: one prefix or address a line. What parses must survive its own text, and the
/// compiled space must answer as a search through the list does.
#include <cstdint>
#include <cstdlib>
#include <string_view>
#include <vector>

#include "../counters/space.hpp"

namespace {

constexpr std::size_t kMaxLines = 64;

void require(bool holds) {
  if (!holds) std::abort();
}

void check_lookup(const tidegate::HostSpace& space, const std::vector<tidegate::Prefix>& networks,
                  const tidegate::Address& address) {
  const tidegate::Prefix* longest = nullptr;
  for (const tidegate::Prefix& network : networks) {
    if (contains(network, address) && (longest == nullptr || network.length > longest->length)) longest = &network;
  }
  const auto found = space.find(address);
  require(found.has_value() == (longest != nullptr));
  if (found) require(space.networks()[found->network] == *longest);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace tidegate;
  std::string text;
  for (const std::uint8_t byte : std::span{data, size}) text += static_cast<char>(byte);
  std::string_view rest = text;
  std::vector<Prefix> networks;
  for (std::size_t line = 0; line < kMaxLines && !rest.empty(); ++line) {
    const std::size_t end = rest.find('\n');
    const auto prefix = parse_prefix(rest.substr(0, end));
    rest.remove_prefix(end == std::string_view::npos ? rest.size() : end + 1);
    if (!prefix) continue;
    require(parse_prefix(format_prefix(*prefix)) == prefix);
    // Large IPv4 prefixes only cost the fuzzer time: the refusal of too many pages has its own test.
    if (prefix->address.family == Family::ipv6 || prefix->length >= 16) networks.push_back(*prefix);
  }
  const std::vector<HostgroupPrefixes> groups{{"global", {}}};
  const auto compiled = HostSpace::compile(networks, groups);
  require(compiled.space != nullptr);
  for (const Prefix& network : networks) {
    Address after = network.address;
    check_lookup(*compiled.space, networks, network.address);
    after.low ^= 1;
    check_lookup(*compiled.space, networks, after);
    Address before = network.address;
    before.low = (before.low - 1) & (before.family == Family::ipv4 ? 0xffffffffU : ~std::uint64_t{0});
    check_lookup(*compiled.space, networks, before);
  }
  return 0;
}
