/// sFlow datagrams of versions 2 and 4 written field by field (RFC 3176 section 4): parts one behind the other, no lengths.
#pragma once

#include <cstdint>
#include <span>
#include <string_view>
#include <vector>

#include "../base/facts.hpp"
#include "pcap_builder.hpp"

namespace tidegate::check {

class Sflow4Builder {
 public:
  explicit Sflow4Builder(std::uint32_t version) : version_{version} {}

  Sflow4Builder& agent(const Address& address) { return agent_ = address, *this; }
  /// What the datagram says instead of how many there are.
  Sflow4Builder& stated_samples(std::uint32_t value) { return stated_samples_ = value, *this; }

  Sflow4Builder& flow_sample(std::uint32_t rate, std::uint32_t source = 3, std::uint32_t input = 3, std::uint32_t output = 4) {
    end_sample();
    open_ = true;
    samples_.u32(1).u32(7).u32(source).u32(rate).u32(1000).u32(5).u32(input).u32(output);
    return *this;
  }
  Sflow4Builder& raw_header(std::uint32_t protocol, std::uint32_t frame_length, std::span<const std::byte> header) {
    samples_.u32(1).u32(protocol).u32(frame_length).u32(header.size()).bytes(header).zeros((4 - header.size() % 4) % 4);
    return *this;
  }
  Sflow4Builder& sampled_ipv4(std::uint32_t length, std::uint32_t source, std::uint32_t destination) {
    samples_.u32(2).u32(length).u32(6).u32(source).u32(destination).u32(443).u32(5000).u32(18).u32(0);
    return *this;
  }
  Sflow4Builder& sampled_ipv6(std::uint32_t length, const Address& source, const Address& destination) {
    samples_.u32(3).u32(length).u32(17).u64(source.high).u64(source.low).u64(destination.high).u64(destination.low);
    samples_.u32(53).u32(6000).u32(0).u32(0);
    return *this;
  }
  Sflow4Builder& extended(std::uint32_t kind, const FileWriter& body) {
    extended_.u32(kind).bytes(body.done());
    ++extended_count_;
    return *this;
  }
  Sflow4Builder& extended_switch() { return extended(1, FileWriter{false}.u32(100).u32(0).u32(200).u32(0)); }
  Sflow4Builder& extended_router() { return extended(2, FileWriter{false}.u32(1).u32(0x0A00'0001).u32(24).u32(16)); }
  Sflow4Builder& extended_gateway(std::uint32_t source_as, const std::vector<std::uint32_t>& path) {
    FileWriter body{false};
    body.u32(64'496).u32(source_as).u32(64'497);
    if (version_ >= 4) body.u32(1).u32(2);
    body.u32(path.size());
    for (const std::uint32_t as : path) body.u32(as);
    if (version_ >= 4) body.u32(2).u32(7).u32(8).u32(100);
    return extended(3, body);
  }
  Sflow4Builder& extended_user(std::string_view source, std::string_view destination) {
    FileWriter body{false};
    add_text(body, source);
    add_text(body, destination);
    return extended(4, body);
  }
  Sflow4Builder& extended_url(std::string_view url) {
    FileWriter body{false};
    add_text(body.u32(1), url);
    return extended(5, body);
  }
  Sflow4Builder& counters_sample(std::uint32_t kind, std::size_t bytes) {
    end_sample();
    samples_.u32(2).u32(7).u32(3).u32(20).u32(kind).zeros(bytes);
    ++count_;
    return *this;
  }
  /// Anything, as it is.
  Sflow4Builder& sample(const FileWriter& words) {
    end_sample();
    samples_.bytes(words.done());
    ++count_;
    return *this;
  }

  std::vector<std::byte> done() {
    end_sample();
    FileWriter out{false};
    out.u32(version_);
    if (agent_.family == Family::ipv4) {
      out.u32(1).u32(agent_.low);
    } else {
      out.u32(2).u64(agent_.high).u64(agent_.low);
    }
    out.u32(99).u32(123'456).u32(stated_samples_ != 0 ? stated_samples_ : count_);
    return out.bytes(samples_.done()).done();
  }

 private:
  static void add_text(FileWriter& body, std::string_view text) {
    body.u32(text.size()).bytes(std::as_bytes(std::span{text})).zeros((4 - text.size() % 4) % 4);
  }
  void end_sample() {
    if (!open_) return;
    samples_.u32(extended_count_).bytes(extended_.done());
    ++count_;
    open_ = false;
    extended_count_ = 0;
    extended_ = FileWriter{false};
  }

  std::uint32_t version_;
  Address agent_{0, 0xC000'0201, Family::ipv4};
  std::uint32_t stated_samples_ = 0;
  std::uint32_t count_ = 0;
  std::uint32_t extended_count_ = 0;
  bool open_ = false;
  FileWriter extended_{false};
  FileWriter samples_{false};
};

}  // namespace tidegate::check
