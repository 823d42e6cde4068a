/// NetFlow v9 and IPFIX datagrams → records: templates learned, data read by them, sets kept that came too early.
///
/// - One thread's. Tables are reserved when it is made and touched as they fill; decoding never allocates, locks or throws.
/// - A set that cannot be read costs itself; damage to the structure of sets costs the rest of the datagram.
/// - Data sets without a template wait, each in the clock of its own message. When the template comes, what waited is
///   part of that datagram's batch, up to kMostRecovered records; what more there is comes with the next data set.
///   Sets lost meanwhile are told in the next datagram of the same exporter.
/// - Nobody can be told apart from a spoofer of his address who sends his template ids: see the access list.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "../../base/cursor.hpp"
#include "../../wire/frame.hpp"
#include "../record.hpp"
#include "limits.hpp"
#include "store.hpp"
#include "stored_template.hpp"
#include "waiting.hpp"
#include "walk.hpp"

namespace tidegate::templated {

inline constexpr std::size_t kMaxSetsPerMessage = 2048;
/// Of one datagram's batch.
inline constexpr std::size_t kMostRecovered = kMaxRecordsPerDatagram / 2;

/// What is known of one exporter's templates. Monotonic while it is in the table, but for `templates`.
struct ExporterTemplates {
  std::uint32_t templates = 0;          ///< known now
  std::uint64_t changes = 0;            ///< an id came with other fields
  std::uint64_t evicted = 0;            ///< for want of room, refused ones included
  std::int64_t longest_gap_micros = 0;  ///< between two times that one template was sent, lately; zero: none sent twice yet
  std::uint64_t sets_expired = 0;       ///< data sets that waited in vain, or had no room to wait
};

struct DecoderTotals {
  StoreTotals store;
  std::uint64_t waiting_sets = 0;
  std::uint64_t waiting_bytes = 0;
};

class Decoder {
 public:
  Decoder(const Limits& limits, std::uint64_t seed, WireOptions options);

  /// Reads one datagram of NetFlow v9, or one message of IPFIX. `out` comes cleared; its spans are good as long as
  /// `payload` and until the next decode().
  void decode(std::span<const std::byte> payload, const Address& sender, std::int64_t at_micros, RecordBatch& out) noexcept;
  /// To be called about once a second: forgets templates past their lifetime, and sets that waited too long.
  void expire(std::int64_t at_micros) noexcept;

  /// At most `max` of the templates that are new or changed since they were last taken, or sent again long after that;
  /// and of those withdrawn since.
  [[nodiscard]] std::vector<StoredTemplate> take_changed(std::size_t max) { return store_.take_changed(max); }
  /// False for one that is past its lifetime, known by now, not readable, or finds no room.
  bool restore(const StoredTemplate& stored, std::int64_t at_micros) noexcept;

  /// Nothing for an exporter that is not in the table.
  [[nodiscard]] std::optional<ExporterTemplates> exporter(const Address& address, FlowProtocol protocol,
                                                          std::uint32_t domain) const noexcept;
  [[nodiscard]] DecoderTotals totals() const noexcept;

 private:
  /// What the sets of one message share.
  struct Message {
    ScopeKey key;
    std::uint32_t scope = kNoRow;
    std::size_t end = 0;  ///< of the message in its datagram
    std::int64_t at_micros = 0;
    MessageTime time;
    std::uint32_t data_records = 0;
    bool netflow9 = false;
  };

  [[nodiscard]] bool read_header(Cursor& in, const Address& sender, Message& message, RecordBatch& out) noexcept;
  void read_sets(std::span<const std::byte> payload, Cursor in, Message& message, RecordBatch& out) noexcept;
  void read_templates(Cursor in, bool options, Message& message, RecordBatch& out) noexcept;
  void learn(Message& message, RecordBatch& out) noexcept;
  void read_data_set(std::span<const std::byte> bytes, std::uint16_t id, Message& message, RecordBatch& out) noexcept;
  /// `bytes`: kFront bytes and a set. The data records in it. A record that tells when the device started mends `time`.
  std::uint32_t read_records(std::uint32_t row, std::span<const std::byte> bytes, MessageTime& time, RecordBatch& out) noexcept;
  std::uint32_t read_straight_records(const Plan& plan, std::span<const std::byte> bytes, const MessageTime& time,
                                      RecordBatch& out) noexcept;
  void recover(std::uint32_t row, RecordBatch& out) noexcept;
  void lose(const WaitingKey& key) noexcept;

  Store store_;
  Waiting waiting_;
  std::int64_t lifetime_micros_;
  WireOptions options_;
  TemplateRecord record_;
  Values values_;
};

}  // namespace tidegate::templated
