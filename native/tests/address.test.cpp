/// base/: addresses and prefixes as text, masks and containment.
#include "../base/prefix.hpp"
#include "check.hpp"

using namespace tidegate;

namespace {

std::string round_trip(std::string_view text) {
  const auto address = parse_address(text);
  return address ? format_address(*address) : "refused";
}

std::string prefix_round_trip(std::string_view text) {
  const auto prefix = parse_prefix(text);
  return prefix ? format_prefix(*prefix) : "refused";
}

struct Row {
  std::string_view text;
  std::string_view becomes;
};

}  // namespace

TEST("an address is read strictly and written in its canonical form") {
  constexpr Row rows[] = {
      {"192.0.2.7", "192.0.2.7"},
      {"255.255.255.255", "255.255.255.255"},
      {"0.0.0.0", "0.0.0.0"},
      {"192.0.2.07", "refused"},
      {"192.0.2.256", "refused"},
      {"192.0.2", "refused"},
      {"192.0.2.7.1", "refused"},
      {"192.0.2.7 ", "refused"},
      {"", "refused"},
      {"::", "::"},
      {"::1", "::1"},
      {"2001:DB8::1", "2001:db8::1"},
      {"2001:db8:0:0:1:0:0:1", "2001:db8::1:0:0:1"},
      {"2001:db8:0:1:1:1:1:1", "2001:db8:0:1:1:1:1:1"},
      {"2001:0:0:1:0:0:0:1", "2001:0:0:1::1"},
      {"1:2:3:4:5:6:7::", "1:2:3:4:5:6:7:0"},
      {"1::", "1::"},
      {"::ffff:192.0.2.1", "::ffff:192.0.2.1"},
      {"64:ff9b::192.0.2.33", "64:ff9b::c000:221"},
      {"1:2:3:4:5:6:7:8:9", "refused"},
      {"1:2:3:4:5:6:7", "refused"},
      {"1::2::3", "refused"},
      {":::", "refused"},
      {"1:", "refused"},
      {":1", "refused"},
      {"1:2:3:4:5:6:7:8::", "refused"},
      {"12345::", "refused"},
      {"fe80::1%eth0", "refused"},
      {"192.0.2.1::", "refused"},
      {"1:192.0.2.1:2::", "refused"},
  };
  for (const Row& row : rows) {
    NOTE(std::string{row.text});
    CHECK(round_trip(row.text) == row.becomes);
  }
}

TEST("a prefix loses its host bits and refuses a length that its family has not") {
  constexpr Row rows[] = {
      {"192.0.2.0/24", "192.0.2.0/24"}, {"192.0.2.7/24", "192.0.2.0/24"}, {"192.0.2.7", "192.0.2.7/32"},
      {"0.0.0.0/0", "0.0.0.0/0"},       {"1.2.3.4/33", "refused"},        {"1.2.3.4/", "refused"},
      {"1.2.3.4/08", "refused"},        {"1.2.3.4/-1", "refused"},        {"1.2.3.4/8/8", "refused"},
      {"2001:db8::1/32", "2001:db8::/32"}, {"2001:db8::1", "2001:db8::1/128"}, {"::/0", "::/0"},
      {"2001:db8:0:0:8000::/65", "2001:db8:0:0:8000::/65"}, {"::/129", "refused"},
  };
  for (const Row& row : rows) {
    NOTE(std::string{row.text});
    CHECK(prefix_round_trip(row.text) == row.becomes);
  }
}

TEST("a prefix contains the addresses that share its bits, and none of the other family") {
  const auto outer = *parse_prefix("2001:db8::/33");
  CHECK(contains(outer, *parse_address("2001:db8:7fff::1")));
  CHECK(!contains(outer, *parse_address("2001:db8:8000::1")));
  CHECK(contains(*parse_prefix("0.0.0.0/0"), *parse_address("203.0.113.9")));
  CHECK(!contains(*parse_prefix("::/0"), *parse_address("203.0.113.9")));
  CHECK(contains(outer, *parse_prefix("2001:db8::/48")));
  CHECK(!contains(outer, *parse_prefix("2001:db8::/32")));
}
