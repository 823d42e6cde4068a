/// A listener for flow telemetry over UDP: one thread and one lane a worker, an exporter always on the same one.
/// Threads are named 'tg-flow:<port>'.
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <mutex>
#include <thread>
#include <vector>

#include "../capture/udp_workers.hpp"
#include "flow_counting.hpp"
#include "flow_report.hpp"
#include "source.hpp"

namespace tidegate {

enum class FlowTransport : std::uint8_t { udp, tcp };

struct FlowSettings {
  FlowTransport transport = FlowTransport::udp;
  UdpOptions socket;
  std::size_t workers = 1;
  CollectorOptions collector;  ///< of all workers together where it bounds
};

/// By its transport.
[[nodiscard]] Opened<std::shared_ptr<Source>> open_flow_source(std::shared_ptr<Engine> engine,
                                                               const FlowSettings& settings);

class FlowSource final : public Source {
 public:
  [[nodiscard]] static Opened<std::shared_ptr<FlowSource>> open(std::shared_ptr<Engine> engine,
                                                                const FlowSettings& settings);
  /// For open() alone.
  FlowSource(std::shared_ptr<Engine> engine, std::vector<TappedLane> lanes, std::vector<UdpListener> sockets,
             const FlowSettings& settings);
  ~FlowSource() override;
  void close() noexcept override;
  [[nodiscard]] bool calm() noexcept override { return none_near(); }

  [[nodiscard]] std::uint16_t bound_port() const noexcept override { return bound_port_; }
  [[nodiscard]] std::vector<ExporterStats> exporters() const override;
  [[nodiscard]] std::optional<FlowListenerReport> flow() const override;
  [[nodiscard]] std::vector<templated::StoredTemplate> take_templates() override;
  [[nodiscard]] std::size_t restore_templates(std::span<const templated::StoredTemplate> stored) override;

 private:
  struct Worker;

  void run(const std::stop_token& stop, Worker& worker);
  void work(const std::stop_token& stop, Worker& worker);
  [[nodiscard]] std::uint64_t dropped() const noexcept override;

  std::size_t asked_bytes_;
  std::size_t granted_bytes_;
  std::uint16_t bound_port_;
  std::vector<std::unique_ptr<Worker>> workers_;
  std::vector<std::jthread> threads_;
};

}  // namespace tidegate
