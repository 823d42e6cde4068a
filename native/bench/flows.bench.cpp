/// The intake of flow telemetry in memory: bench-flows sflow|netflow5|netflow9|ipfix [hosts] [seconds] [flows]
#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <string_view>

#include "flows.hpp"

using namespace tidegate;

int main(int argc, char** argv) {
  bench::FlowsOptions options;
  const std::string_view name = argc > 1 ? argv[1] : "netflow9";
  options.protocol = name == "sflow"      ? FlowProtocol::sflow5
                     : name == "netflow5" ? FlowProtocol::netflow5
                     : name == "ipfix"    ? FlowProtocol::ipfix
                                          : FlowProtocol::netflow9;
  if (argc > 2) options.hosts = static_cast<std::uint32_t>(std::clamp(std::atoi(argv[2]), 256, 1 << 22));
  if (argc > 3) options.seconds = std::atof(argv[3]);
  options.flows = argc > 4 && std::string_view{argv[4]} == "flows";
  const auto space = bench::bench_space({.hosts = options.hosts});
  const auto result = bench::run_flows(bench::flow_datagrams(options), space, options);
  std::printf("%s %u hosts: %.1f Mrecords/s, %.1f ns a record, %.0f datagrams/s\n", argc > 1 ? argv[1] : "netflow9",
              options.hosts, result.mrps, result.ns_per_record, static_cast<double>(result.datagrams) / result.seconds);
  return result.records == 0 ? 1 : 0;
}
