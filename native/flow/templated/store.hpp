/// Whose templates we know: bounded tables of exporters (scopes) and of templates.
///
/// - Scope is address, protocol and source id or observation domain; the port plays no part (pmacct changes it).
/// - When full, a new template takes the place of one by which no record was ever read, the longest unused first; of a
///   useful one only when that has been idle for kProtectedMicros, else it is refused. An exporter at its own
///   bound gives up one of its own. So floods of spoofed exporters or ids push out each other. Exporters the same.
/// - All templates of an exporter count as useful once a record has been read by one of them.
/// - Memory is reserved once and touched as it fills. Nothing here allocates but take_changed(). One thread.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "../../base/hash.hpp"
#include "bodies.hpp"
#include "limits.hpp"
#include "linked_rows.hpp"
#include "pages.hpp"
#include "plan.hpp"
#include "row_index.hpp"
#include "stored_template.hpp"

namespace tidegate::templated {

struct ScopeKey {
  Address address;
  FlowProtocol protocol = FlowProtocol::netflow9;
  std::uint32_t domain = 0;

  friend constexpr bool operator==(const ScopeKey&, const ScopeKey&) noexcept = default;
};

/// The longest gap between two times that one template was sent, of those lately: a template that comes in time
/// kRefreshesInTime times in a row takes its own long gap back, and the longest since then stands.
class RefreshGap {
 public:
  void refreshed(std::uint16_t id, std::int64_t gap_micros) noexcept;
  void is_gone(std::uint16_t id) noexcept;
  /// Zero: no template was sent twice yet.
  [[nodiscard]] std::int64_t longest_micros() const noexcept { return longest_.micros; }

 private:
  struct Gap {
    std::int64_t micros = 0;
    std::uint16_t id = 0;
  };
  void take_back() noexcept;

  Gap longest_;
  Gap since_;  // the longest of those after it
  std::uint32_t in_time_ = 0;
};

inline constexpr std::uint32_t kRefreshesInTime = 4;

struct Scope {
  ScopeKey key;
  std::uint64_t hash = 0;
  std::uint32_t generation = 0;        ///< counts who has lived in this row
  std::uint32_t templates = 0;
  bool alive = false;
  bool useful = false;                 ///< a record of it has been read
  std::int64_t used_micros = 0;
  std::int64_t boot_micros = 0;        ///< IE 160 systemInitTimeMilliseconds as last said; zero: never
  std::uint64_t changes = 0;           ///< an id came with other fields
  std::uint64_t evicted = 0;           ///< templates lost for want of room, refused ones included
  RefreshGap gap;                      ///< between two times that one template was sent
  std::uint64_t sets_expired = 0;
  std::uint32_t sets_expired_unsaid = 0;  ///< of these, since its last datagram
  Ends unused, proven;                 ///< its templates
  Links links;
};

struct Template {
  Plan plan;
  std::uint64_t hash = 0;
  std::int64_t seen_micros = 0;
  std::int64_t used_micros = 0;
  std::int64_t stored_micros = 0;  ///< seen_micros as last handed to the journal; zero: never
  std::uint32_t scope = kNoRow;
  std::uint32_t body = kNoRow;
  std::uint16_t body_bytes = 0;
  std::uint16_t id = 0;
  bool proven = false;     ///< a record has been read by it
  bool useful = false;     ///< proven, or of a useful exporter
  bool changed = false;    ///< waits for the journal
  bool backlog = false;    ///< more data sets of it wait than one batch had room for
  Links links, in_scope, in_changed;
};

struct StoreTotals {
  std::uint64_t templates = 0;
  std::uint64_t bound = 0;
  std::uint64_t evicted = 0;
  std::uint64_t refused = 0;
  std::uint64_t exporters = 0;
  std::uint64_t exporters_evicted = 0;
  std::uint64_t exporters_refused = 0;
};

class Store {
 public:
  enum class Learned : std::uint8_t { fresh, same, changed, refused, malformed, too_many_fields };
  struct Lesson {
    Learned learned = Learned::refused;
    std::uint32_t row = kNoRow;
  };

  Store(const Limits& limits, std::uint64_t seed);

  /// The exporter's row, made where it is new; kNoRow when there is no room for it.
  [[nodiscard]] std::uint32_t scope_of(const ScopeKey& key, std::int64_t at_micros) noexcept;
  [[nodiscard]] const Scope* find_scope(const ScopeKey& key) const noexcept;
  [[nodiscard]] Scope& scope(std::uint32_t row) noexcept { return scopes_[row]; }

  /// kNoRow for one that is unknown or past its lifetime.
  [[nodiscard]] std::uint32_t find(std::uint32_t scope, std::uint16_t id, std::int64_t at_micros) const noexcept;
  [[nodiscard]] Template& at(std::uint32_t row) noexcept { return templates_[row]; }
  [[nodiscard]] Lesson learn(std::uint32_t scope, const TemplateRecord& record, std::int64_t at_micros) noexcept;
  void withdraw(std::uint32_t scope, std::uint16_t id, std::int64_t at_micros) noexcept;
  void withdraw_all(std::uint32_t scope, bool options, std::int64_t at_micros) noexcept;
  /// A record has been read by this template.
  void used(std::uint32_t row, std::int64_t at_micros) noexcept;
  /// Looks at a bounded part of the table for templates past their lifetime.
  void expire(std::int64_t at_micros) noexcept;

  /// Those withdrawn first.
  [[nodiscard]] std::vector<StoredTemplate> take_changed(std::size_t max);
  /// What the journal has needs no handing over.
  void is_stored(std::uint32_t row) noexcept;

  [[nodiscard]] const StoreTotals& totals() const noexcept { return totals_; }
  /// Rows of exporters.
  [[nodiscard]] std::size_t exporters_bound() const noexcept { return scopes_.size(); }

 private:
  /// A template that the journal has and its exporter has taken back.
  struct Withdrawn {
    ScopeKey key;
    std::uint16_t id = 0;
    std::int64_t at_micros = 0;
  };
  [[nodiscard]] std::uint64_t hash_of(const ScopeKey& key) const noexcept;
  [[nodiscard]] std::uint64_t hash_of(std::uint32_t scope, std::uint16_t id) const noexcept;
  [[nodiscard]] std::uint32_t row_of(std::uint32_t scope, std::uint16_t id) const noexcept;
  [[nodiscard]] Ends& everywhere(const Template& row) noexcept { return row.useful ? useful_ : unused_; }
  [[nodiscard]] Ends& everywhere(const Scope& row) noexcept { return row.useful ? useful_scopes_ : unused_scopes_; }
  [[nodiscard]] Ends& within(const Template& row) noexcept {
    return row.proven ? scopes_[row.scope].proven : scopes_[row.scope].unused;
  }
  /// The first record of an exporter has been read: none of its templates gives way to those of strangers any more.
  void is_useful(std::uint32_t scope, std::int64_t at_micros) noexcept;
  void link(std::uint32_t row) noexcept;
  void unlink(std::uint32_t row) noexcept;
  void mark_changed(std::uint32_t row) noexcept;
  void refresh(std::uint32_t row, std::int64_t at_micros) noexcept;
  [[nodiscard]] std::uint32_t free_row() noexcept;
  [[nodiscard]] bool make_room(std::uint32_t scope, std::size_t body_bytes, std::uint32_t spare, std::int64_t at_micros) noexcept;
  [[nodiscard]] bool evict_any(std::uint32_t spare, std::int64_t at_micros) noexcept;
  void evict(std::uint32_t row) noexcept;
  void forget(std::uint32_t row) noexcept;
  void withdraw_row(std::uint32_t row, std::int64_t at_micros) noexcept;
  void forget_scope(std::uint32_t row) noexcept;

  Limits limits_;
  HashKey hash_key_;
  Pages<Scope> scopes_;
  RowIndex scope_index_;
  Ends unused_scopes_, useful_scopes_;
  std::uint32_t free_scope_ = kNoRow;
  std::size_t untouched_scope_ = 0;
  std::uint32_t last_scope_ = kNoRow;  ///< datagrams come in trains

  Pages<Template> templates_;
  RowIndex template_index_;
  Ends unused_, useful_, changed_;
  std::uint32_t free_template_ = kNoRow;
  std::size_t untouched_template_ = 0;
  std::size_t sweep_ = 0;
  Bodies bodies_;
  /// Never full: who is here was handed over before, and nothing is handed over while somebody is here.
  Pages<Withdrawn> withdrawn_;
  std::size_t withdrawn_count_ = 0;
  StoreTotals totals_;
};

}  // namespace tidegate::templated
