/// A decoder of templated protocols fed datagram by datagram, what it finds in words, and the plain reference beside it.
#pragma once

#include <string>
#include <vector>

#include "../base/address.hpp"
#include "../flow/templated/decoder.hpp"
#include "../fuzz/templated_reference.hpp"
#include "templated_builder.hpp"

namespace tidegate::check {

inline constexpr Address kSender{0, 0xC000'0201, Family::ipv4};
inline constexpr std::int64_t kNow = 1'700'000'000'000'000;
inline constexpr std::uint32_t kFour = 0xC633'6401;
inline constexpr std::uint32_t kOther = 0xCB00'7105;
inline const BuiltFields kPlain{{8, 4}, {12, 4}, {7, 2}, {11, 2}, {4, 1}, {6, 1}, {1, 4}, {2, 4}};

inline FileWriter plain_record(std::uint32_t source = kFour, std::uint32_t bytes = 1500, std::uint32_t packets = 3) {
  FileWriter out{false};
  return out.u32(source).u32(kOther).u16(443).u16(5000).u16(6 << 8 | 18).u32(bytes).u32(packets);
}

/// Decodes in turn, and says how what each gave compares with the plain reference.
struct TemplatedRun {
  templated::Decoder decoder{{}, 1, {}};
  RecordBatch batch;
  std::vector<std::vector<std::byte>> all;

  RecordBatch& operator()(const TemplatedBuilder& datagram, std::int64_t at = kNow) {
    all.push_back(datagram.done());
    batch.clear();
    decoder.decode(all.back(), kSender, at, batch);
    return batch;
  }
  [[nodiscard]] std::string against_reference() const { return templated::reference::difference(all); }
};

inline std::string errors_of(const RecordBatch& batch) {
  std::string text;
  for (const auto error : batch.errors()) text += (text.empty() ? "" : " ") + std::string{error_name(error)};
  return text;
}

inline std::string shown_record(RecordBatch& batch, std::size_t i) {
  const auto& [facts, packets, bytes, sampling, origin] = batch.sightings()[i];
  return format_address(facts.source) + ":" + std::to_string(facts.source_port) + " " + format_address(facts.destination) + ":" +
         std::to_string(facts.destination_port) + " " + std::to_string(facts.protocol) + " " + std::to_string(packets) + " " +
         std::to_string(bytes) + (batch.details()[i].counts ? "" : " event");
}

}  // namespace tidegate::check
