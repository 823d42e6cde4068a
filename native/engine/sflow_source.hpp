/// A UDP listener for sFlow: one thread, one lane. The thread is named 'tg-flow:<port>'.
#pragma once

#include <atomic>
#include <memory>
#include <mutex>
#include <thread>
#include <vector>

#include "../capture/udp.hpp"
#include "sflow_counting.hpp"
#include "source.hpp"

namespace tidegate {

struct SflowSettings {
  UdpOptions socket;
  WireOptions wire;
  std::size_t max_exporters = 1024;
};

class SflowSource final : public Source {
 public:
  [[nodiscard]] static Opened<std::shared_ptr<SflowSource>> open(std::shared_ptr<Engine> engine,
                                                                 const SflowSettings& settings);
  /// For open() alone.
  SflowSource(std::shared_ptr<Engine> engine, std::vector<TappedLane> lanes, UdpListener listener,
              const SflowSettings& settings);
  ~SflowSource() override;
  void close() noexcept override;
  [[nodiscard]] std::uint16_t bound_port() const noexcept { return bound_port_; }
  [[nodiscard]] std::size_t receive_buffer_asked() const noexcept { return asked_; }
  [[nodiscard]] std::size_t receive_buffer_bytes() const noexcept { return granted_; }
  /// As of the last second at most.
  [[nodiscard]] std::vector<ExporterView> exporters() const override;

 private:
  void run(const std::stop_token& stop);
  void work(const std::stop_token& stop);
  void publish();
  [[nodiscard]] std::uint64_t dropped() const noexcept override { return dropped_.load(std::memory_order_relaxed); }

  UdpListener listener_;
  std::uint16_t bound_port_;
  std::size_t asked_;
  std::size_t granted_;
  SflowCounting counting_;  // of the thread
  std::atomic<std::uint64_t> dropped_{0};
  mutable std::mutex published_mutex_;
  std::vector<ExporterView> published_;  // under published_mutex_
  std::jthread thread_;
};

}  // namespace tidegate
