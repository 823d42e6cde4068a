#include "store.hpp"

#include <algorithm>

namespace tidegate::templated {

namespace {
/// Most templates have fewer than 20 fields of 4 bytes.
constexpr std::size_t kBlocksPerTemplate = 4;
/// Rows that one expire() looks at.
constexpr std::size_t kSweepRows = 1024;
/// Order of use is kept this exactly.
constexpr std::int64_t kTouchMicros = 1'000'000;
/// A template that lives for ever is handed to the journal again so often.
constexpr std::int64_t kStoreAgainMicros = std::int64_t{10} * 60 * 1'000'000;
/// One that does not, after this part of its lifetime.
constexpr std::int64_t kStoreAgainPart = 4;

Limits held(Limits limits) noexcept {
  limits.max_templates = std::clamp(limits.max_templates, std::size_t{1}, kMostTemplates);
  limits.max_exporters = std::clamp(limits.max_exporters, std::size_t{1}, kMostExporters);
  limits.max_templates_per_exporter = std::max(limits.max_templates_per_exporter, std::size_t{1});
  return limits;
}
}  // namespace

Store::Store(const Limits& limits, std::uint64_t seed)
    : limits_{held(limits)},
      hash_key_{make_hash_key(seed)},
      scopes_{limits_.max_exporters},
      scope_index_{limits_.max_exporters},
      templates_{limits_.max_templates},
      template_index_{limits_.max_templates},
      bodies_{limits_.max_templates * kBlocksPerTemplate},
      withdrawn_{limits_.max_templates} {
  // Where memory is not to be had, there is no room for anybody, and all are refused.
  if (!scope_index_.usable() || !template_index_.usable() || withdrawn_.size() == 0) scopes_ = Pages<Scope>{0};
  totals_.bound = templates_.size();
}

std::uint64_t Store::hash_of(std::uint32_t scope, std::uint16_t id) const noexcept {
  return hash_words(hash_key_, std::uint64_t{scope} << 16 | id, 0);
}

std::uint32_t Store::row_of(std::uint32_t scope, std::uint16_t id) const noexcept {
  return template_index_.find(hash_of(scope, id), [&](std::uint32_t row) {
    return templates_[row].scope == scope && templates_[row].id == id;
  });
}

std::uint32_t Store::find(std::uint32_t scope, std::uint16_t id, std::int64_t at_micros) const noexcept {
  const std::uint32_t row = row_of(scope, id);
  if (row == kNoRow || limits_.lifetime_micros == 0) return row;
  return at_micros - templates_[row].seen_micros > limits_.lifetime_micros ? kNoRow : row;
}

void Store::link(std::uint32_t row) noexcept {
  append<&Template::links>(templates_, everywhere(templates_[row]), row);
  append<&Template::in_scope>(templates_, within(templates_[row]), row);
}

void Store::unlink(std::uint32_t row) noexcept {
  remove<&Template::links>(templates_, everywhere(templates_[row]), row);
  remove<&Template::in_scope>(templates_, within(templates_[row]), row);
}

void Store::mark_changed(std::uint32_t row) noexcept {
  if (templates_[row].changed) return;
  templates_[row].changed = true;
  append<&Template::in_changed>(templates_, changed_, row);
}

void Store::is_stored(std::uint32_t row) noexcept {
  Template& known = templates_[row];
  known.stored_micros = known.seen_micros;
  if (!known.changed) return;
  known.changed = false;
  remove<&Template::in_changed>(templates_, changed_, row);
}

void RefreshGap::refreshed(std::uint16_t id, std::int64_t gap_micros) noexcept {
  if (gap_micros <= 0) return;  // twice in one datagram, or a clock set back
  if (gap_micros >= longest_.micros) {
    longest_ = {gap_micros, id};
    since_ = {};
    in_time_ = 0;
    return;
  }
  if (gap_micros >= since_.micros) since_ = {gap_micros, id};
  if (id == longest_.id && ++in_time_ == kRefreshesInTime) take_back();
}

void RefreshGap::is_gone(std::uint16_t id) noexcept {
  if (id == longest_.id) take_back();
}

void RefreshGap::take_back() noexcept {
  longest_ = since_;
  since_ = {};
  in_time_ = 0;
}

void Store::refresh(std::uint32_t row, std::int64_t at_micros) noexcept {
  Template& known = templates_[row];
  Scope& owner = scopes_[known.scope];
  owner.gap.refreshed(known.id, at_micros - known.seen_micros);
  known.seen_micros = std::max(known.seen_micros, at_micros);
  const std::int64_t again = limits_.lifetime_micros == 0 ? kStoreAgainMicros : limits_.lifetime_micros / kStoreAgainPart;
  if (at_micros - known.stored_micros > again) mark_changed(row);
  if (!known.proven && at_micros - known.used_micros >= kTouchMicros) {
    unlink(row);
    known.used_micros = at_micros;
    link(row);
  }
}

void Store::is_useful(std::uint32_t scope, std::int64_t at_micros) noexcept {
  remove<&Scope::links>(scopes_, unused_scopes_, scope);
  scopes_[scope].useful = true;
  append<&Scope::links>(scopes_, useful_scopes_, scope);
  for (std::uint32_t row = scopes_[scope].unused.first; row != kNoRow; row = templates_[row].in_scope.after) {
    remove<&Template::links>(templates_, unused_, row);
    templates_[row].useful = true;
    templates_[row].used_micros = at_micros;
    append<&Template::links>(templates_, useful_, row);
  }
}

void Store::used(std::uint32_t row, std::int64_t at_micros) noexcept {
  Template& known = templates_[row];
  Scope& owner = scopes_[known.scope];
  if (!owner.useful) is_useful(known.scope, at_micros);
  if (known.proven && at_micros - known.used_micros < kTouchMicros) return;
  unlink(row);
  known.proven = known.useful = true;
  known.used_micros = at_micros;
  link(row);
}

void Store::forget(std::uint32_t row) noexcept {
  Template& gone = templates_[row];
  unlink(row);
  if (gone.changed) remove<&Template::in_changed>(templates_, changed_, row);
  template_index_.erase(gone.hash, row);
  bodies_.drop(gone.body);
  --scopes_[gone.scope].templates;
  scopes_[gone.scope].gap.is_gone(gone.id);
  --totals_.templates;
  gone = Template{};
  gone.links.after = free_template_;
  free_template_ = row;
}

void Store::evict(std::uint32_t row) noexcept {
  ++totals_.evicted;
  ++scopes_[templates_[row].scope].evicted;
  forget(row);
}

/// `spare`: a row that must stay.
bool Store::evict_any(std::uint32_t spare, std::int64_t at_micros) noexcept {
  const auto first_of = [&](const Ends& list) {
    return list.first == spare && spare != kNoRow ? templates_[spare].links.after : list.first;
  };
  if (const std::uint32_t row = first_of(unused_); row != kNoRow) return evict(row), true;
  const std::uint32_t row = first_of(useful_);
  if (row == kNoRow || at_micros - templates_[row].used_micros < kProtectedMicros) return false;
  return evict(row), true;
}

/// For a new template of this exporter, or (`spare`) for the new body of one it has.
bool Store::make_room(std::uint32_t scope, std::size_t body_bytes, std::uint32_t spare, std::int64_t at_micros) noexcept {
  if (spare == kNoRow && scopes_[scope].templates >= limits_.max_templates_per_exporter) {
    const Ends& unused = scopes_[scope].unused;
    evict(unused.first != kNoRow ? unused.first : scopes_[scope].proven.first);
  }
  if (spare == kNoRow && totals_.templates == templates_.size() && !evict_any(spare, at_micros)) return false;
  while (!bodies_.room_for(body_bytes)) {
    if (!evict_any(spare, at_micros)) return false;
  }
  return true;
}

std::uint32_t Store::free_row() noexcept {
  const std::uint32_t row = free_template_;
  if (row == kNoRow) return static_cast<std::uint32_t>(untouched_template_++);
  free_template_ = templates_[row].links.after;
  return row;
}

Store::Lesson Store::learn(std::uint32_t scope, const TemplateRecord& record, std::int64_t at_micros) noexcept {
  std::uint32_t row = row_of(scope, record.id);
  const bool known = row != kNoRow;
  if (known && templates_[row].plan.options == record.options && bodies_.equal(templates_[row].body, record.body)) {
    refresh(row, at_micros);
    return {Learned::same, row};
  }
  Plan plan;
  switch (compile(record, plan)) {
    case DecodeError::none: break;
    case DecodeError::template_too_many_fields: return {Learned::too_many_fields, kNoRow};
    default: return {Learned::malformed, kNoRow};
  }
  if (!make_room(scope, record.body.size(), row, at_micros)) {
    ++totals_.refused;
    ++scopes_[scope].evicted;
    if (known) forget(row);  // its records are not what it says any more
    return {Learned::refused, kNoRow};
  }
  if (known) {
    bodies_.drop(templates_[row].body);
    ++scopes_[scope].changes;
  } else {
    row = free_row();
    Template& made = templates_[row];
    made = Template{};
    made.hash = hash_of(scope, record.id);
    made.scope = scope;
    made.id = record.id;
    made.useful = scopes_[scope].useful;
    made.used_micros = at_micros;
    template_index_.insert(made.hash, row);
    link(row);
    ++scopes_[scope].templates;
    ++totals_.templates;
  }
  Template& taught = templates_[row];
  taught.plan = plan;
  taught.seen_micros = at_micros;
  taught.body = bodies_.keep(record.body);
  taught.body_bytes = static_cast<std::uint16_t>(record.body.size());
  mark_changed(row);
  return {known ? Learned::changed : Learned::fresh, row};
}

void Store::withdraw_row(std::uint32_t row, std::int64_t at_micros) noexcept {
  const Template& gone = templates_[row];
  if (gone.stored_micros != 0 && withdrawn_count_ < withdrawn_.size()) {
    withdrawn_[withdrawn_count_++] = {scopes_[gone.scope].key, gone.id, at_micros};
  }
  forget(row);
}

void Store::withdraw(std::uint32_t scope, std::uint16_t id, std::int64_t at_micros) noexcept {
  const std::uint32_t row = row_of(scope, id);
  if (row != kNoRow) withdraw_row(row, at_micros);
}

void Store::withdraw_all(std::uint32_t scope, bool options, std::int64_t at_micros) noexcept {
  for (const std::uint32_t first : {scopes_[scope].unused.first, scopes_[scope].proven.first}) {
    for (std::uint32_t row = first; row != kNoRow;) {
      const std::uint32_t after = templates_[row].in_scope.after;
      if (templates_[row].plan.options == options) withdraw_row(row, at_micros);
      row = after;
    }
  }
}

void Store::expire(std::int64_t at_micros) noexcept {
  if (limits_.lifetime_micros == 0) return;
  for (std::size_t i = 0; i < std::min(kSweepRows, untouched_template_); ++i) {
    sweep_ = sweep_ + 1 < untouched_template_ ? sweep_ + 1 : 0;
    const Template& row = templates_[sweep_];
    if (row.scope == kNoRow || at_micros - row.seen_micros <= limits_.lifetime_micros) continue;
    forget(static_cast<std::uint32_t>(sweep_));
  }
}

std::vector<StoredTemplate> Store::take_changed(std::size_t max) {
  std::vector<StoredTemplate> out;
  for (; withdrawn_count_ != 0 && out.size() < max; --withdrawn_count_) {
    const Withdrawn& gone = withdrawn_[withdrawn_count_ - 1];
    out.push_back({gone.key.protocol, gone.key.address, gone.key.domain, gone.id, false, {}, gone.at_micros});
  }
  while (withdrawn_count_ == 0 && changed_.first != kNoRow && out.size() < max) {
    const std::uint32_t row = changed_.first;
    const Template& known = templates_[row];
    const ScopeKey& key = scopes_[known.scope].key;
    out.push_back({key.protocol, key.address, key.domain, known.id, known.plan.options,
                   bodies_.copy(known.body, known.body_bytes), known.seen_micros});
    is_stored(row);
  }
  return out;
}

}  // namespace tidegate::templated
