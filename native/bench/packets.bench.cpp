/// build/native/bench-packets [HOSTS] [on|off] [SECONDS]: prints one line; all four standard cases without arguments.
#include <cstdio>
#include <cstdlib>
#include <string_view>

#include "packets.hpp"

using namespace tidegate::bench;

namespace {

void run(const PacketsOptions& options) {
  const FrameStore frames = mixed_frames(options);
  const PacketsResult result = run_packets(frames, bench_space(options), options);
  std::printf("%8u hosts, flows %-3s  %6.1f Mpps  %5.1f ns a packet   drain of %u hosts %.1f ms\n", options.hosts,
              options.flows ? "on" : "off", result.mpps, result.ns_per_packet, result.drained_hosts, result.drain_ms);
}

}  // namespace

int main(int argc, char** argv) {
  PacketsOptions options;
  if (argc > 3) options.seconds = std::atof(argv[3]);
  if (argc > 1) {
    options.hosts = static_cast<std::uint32_t>(std::strtoul(argv[1], nullptr, 10));
    options.flows = argc > 2 && std::string_view{argv[2]} == "on";
    run(options);
    return 0;
  }
  for (const std::uint32_t hosts : {65536U, 1048576U}) {
    for (const bool flows : {false, true}) {
      options.hosts = hosts;
      options.flows = flows;
      run(options);
    }
  }
}
