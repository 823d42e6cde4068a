/// A listener for IPFIX over TCP (RFC 7011 section 10.4): one thread, one lane, named 'tg-flow:<port>'.
///
/// - Each connection is a transport session with templates of its own, which end with it and are not kept.
/// - A stream that is out of step, or a message that is not whole kMessageMicros after it began, costs its connection.
#pragma once

#include <atomic>
#include <memory>
#include <mutex>
#include <thread>
#include <vector>

#include "../capture/tcp_streams.hpp"
#include "../flow/message_stream.hpp"
#include "flow_counting.hpp"
#include "flow_source.hpp"

namespace tidegate {

inline constexpr std::int64_t kMessageMicros = 30'000'000;

class FlowStreams final : public Source, private TcpVisitor {
 public:
  [[nodiscard]] static Opened<std::shared_ptr<FlowStreams>> open(std::shared_ptr<Engine> engine,
                                                                 const FlowSettings& settings);
  /// For open() alone.
  FlowStreams(std::shared_ptr<Engine> engine, std::vector<TappedLane> lanes, TcpStreams streams,
              const FlowSettings& settings);
  ~FlowStreams() override;
  void close() noexcept override { thread_.request_stop(); }

  [[nodiscard]] std::uint16_t bound_port() const noexcept override { return streams_.bound_port(); }
  [[nodiscard]] std::vector<ExporterStats> exporters() const override;
  [[nodiscard]] std::optional<FlowListenerReport> flow() const override;

 private:
  struct Session {
    Session(const templated::Limits& limits, std::uint64_t seed, WireOptions wire) : templates{limits, seed, wire} {}
    Address peer;
    MessageStream messages;
    std::int64_t whole_at = 0;  // when no message was begun, last
    templated::Decoder templates;
  };

  [[nodiscard]] bool admits(const Address& peer) override;
  void opened(std::size_t connection, const Address& peer) override;
  [[nodiscard]] bool received(std::size_t connection, std::span<const std::byte> bytes) override;
  void closed(std::size_t connection) override { sessions_[connection].reset(); }

  void run(const std::stop_token& stop);
  void work(const std::stop_token& stop);
  void look_after_sessions();
  void publish();

  CollectorOptions options_;
  std::size_t asked_bytes_;
  TcpStreams streams_;                              // of the thread, as all up to reports_
  FlowCounting counting_;
  std::vector<std::unique_ptr<Session>> sessions_;  // by connection
  std::int64_t now_ = 0;
  std::uint64_t not_allowed_ = 0;
  std::optional<Address> last_not_allowed_;
  FlowReports reports_;
  std::jthread thread_;
};

}  // namespace tidegate
