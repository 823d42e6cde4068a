/// One interface, captured by one thread a worker, each with a lane of its own. Threads are named 'tg-<interface>/<n>'.
#pragma once

#include <atomic>
#include <memory>
#include <thread>
#include <vector>

#include "../capture/af_packet.hpp"
#include "../wire/frame.hpp"
#include "source.hpp"

namespace tidegate {

struct CaptureSettings {
  AfPacketOptions capture;
  WireOptions wire;
  std::uint32_t sampling = 1;  ///< packets that each frame stands for
};

class CaptureSource final : public Source {
 public:
  [[nodiscard]] static Opened<std::shared_ptr<Source>> open(std::shared_ptr<Engine> engine,
                                                            const CaptureSettings& settings);
  /// For open() alone.
  CaptureSource(std::shared_ptr<Engine> engine, std::vector<TappedLane> lanes, std::vector<AfPacketWorker> workers,
                const CaptureSettings& settings);
  ~CaptureSource() override;
  void close() noexcept override;
  [[nodiscard]] bool calm() noexcept override { return none_near(); }

 private:
  /// What a worker's thread shares with the others.
  struct Shared {
    std::atomic<std::uint64_t> dropped{0};
    std::atomic<CaptureFault> fault{CaptureFault::none};
  };

  void run(const std::stop_token& stop, std::size_t worker);
  void work(const std::stop_token& stop, std::size_t worker);
  void note_fault(std::size_t worker, CaptureFault fault);
  [[nodiscard]] std::uint64_t dropped() const noexcept override;

  CaptureSettings settings_;
  std::vector<AfPacketWorker> workers_;
  std::vector<Shared> shared_;  // by worker; fixed in size
  std::vector<std::jthread> threads_;
};

}  // namespace tidegate
