/// sFlow datagrams written field by field: sflow().flow_sample(rate).raw_header(...).
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "../base/facts.hpp"
#include "pcap_builder.hpp"

namespace tidegate::check {

/// Big-endian words; a part that carries its own length is written where it ends.
class SflowBuilder {
 public:
  explicit SflowBuilder(const Address& agent = {0, 0xC000'0201, Family::ipv4}, std::uint32_t sub_agent = 0,
                        std::uint32_t sequence = 1)
      : agent_{agent}, sub_agent_{sub_agent}, sequence_{sequence} {}

  SflowBuilder& version(std::uint32_t value) { return version_ = value, *this; }
  SflowBuilder& agent_type(std::uint32_t value) { return agent_type_ = value, *this; }
  /// What the datagram says instead of how many there are.
  SflowBuilder& stated_samples(std::uint32_t value) { return stated_samples_ = value, *this; }

  SflowBuilder& flow_sample(std::uint32_t rate, std::uint32_t drops = 0) {
    end_sample();
    format_ = 1;
    head_ = FileWriter{false}.u32(7).u32(3).u32(rate).u32(1000).u32(drops).u32(1).u32(2);
    return *this;
  }
  SflowBuilder& expanded_flow_sample(std::uint32_t rate, std::uint32_t drops = 0) {
    end_sample();
    format_ = 3;
    head_ = FileWriter{false}.u32(7).u32(0).u32(3).u32(rate).u32(1000).u32(drops).u32(0).u32(1).u32(0).u32(2);
    return *this;
  }
  /// A flow sample with these words as its source and interfaces.
  SflowBuilder& head(std::uint32_t source, std::uint32_t input, std::uint32_t output) {
    end_sample();
    format_ = 1;
    head_ = FileWriter{false}.u32(7).u32(source).u32(1).u32(1000).u32(0).u32(input).u32(output);
    return *this;
  }
  SflowBuilder& expanded_head(std::uint32_t source_class, std::uint32_t source, std::uint32_t input_format,
                              std::uint32_t input, std::uint32_t output_format, std::uint32_t output) {
    end_sample();
    format_ = 3;
    head_ = FileWriter{false}.u32(7).u32(source_class).u32(source).u32(1).u32(1000).u32(0);
    head_.u32(input_format).u32(input).u32(output_format).u32(output);
    return *this;
  }
  /// A sample of any kind, with `body` as it is.
  SflowBuilder& sample(std::uint32_t format, const FileWriter& body) {
    end_sample();
    samples_.u32(format).u32(body.size()).bytes(body.done()).zeros((4 - body.size() % 4) % 4);
    ++count_;
    return *this;
  }
  SflowBuilder& record(std::uint32_t format, const FileWriter& body) {
    records_.u32(format).u32(body.size()).bytes(body.done()).zeros((4 - body.size() % 4) % 4);
    ++record_count_;
    return *this;
  }
  SflowBuilder& raw_header(std::uint32_t protocol, std::uint32_t frame_length, std::span<const std::byte> header) {
    FileWriter body{false};
    body.u32(protocol).u32(frame_length).u32(4).u32(header.size()).bytes(header).zeros((4 - header.size() % 4) % 4);
    return record(1, body);
  }
  SflowBuilder& sampled_ethernet(std::uint32_t length) {
    return record(2, FileWriter{false}.u32(length).zeros(16).u32(0x0800));
  }
  SflowBuilder& sampled_ipv4(std::uint32_t length, std::uint32_t source, std::uint32_t destination) {
    return record(3, FileWriter{false}.u32(length).u32(6).u32(source).u32(destination).u32(443).u32(5000).u32(18).u32(0));
  }
  SflowBuilder& sampled_ipv6(std::uint32_t length, const Address& source, const Address& destination) {
    FileWriter body{false};
    body.u32(length).u32(17).u64(source.high).u64(source.low).u64(destination.high).u64(destination.low);
    return record(4, body.u32(53).u32(6000).u32(0).u32(0));
  }

  std::vector<std::byte> done() {
    end_sample();
    FileWriter out{false};
    out.u32(version_);
    if (agent_.family == Family::ipv4) {
      out.u32(agent_type_ != 0 ? agent_type_ : 1).u32(agent_.low);
    } else {
      out.u32(agent_type_ != 0 ? agent_type_ : 2).u64(agent_.high).u64(agent_.low);
    }
    out.u32(sub_agent_).u32(sequence_).u32(123'456).u32(stated_samples_ != 0 ? stated_samples_ : count_);
    return out.bytes(samples_.done()).done();
  }

 private:
  void end_sample() {
    if (format_ == 0) return;
    samples_.u32(format_).u32(head_.size() + 4 + records_.size());
    samples_.bytes(head_.done()).u32(record_count_).bytes(records_.done());
    ++count_;
    format_ = 0;
    record_count_ = 0;
    records_ = FileWriter{false};
  }

  Address agent_;
  std::uint32_t sub_agent_;
  std::uint32_t sequence_;
  std::uint32_t version_ = 5;
  std::uint32_t agent_type_ = 0;
  std::uint32_t stated_samples_ = 0;
  std::uint32_t count_ = 0;
  std::uint32_t format_ = 0;
  std::uint32_t record_count_ = 0;
  FileWriter head_{false};
  FileWriter records_{false};
  FileWriter samples_{false};
};

}  // namespace tidegate::check
