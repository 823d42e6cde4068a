#include "decoder.hpp"

#include <algorithm>
#include <utility>

#include "../ipfix/ipfix.hpp"
#include "../netflow9/netflow9.hpp"

namespace tidegate::templated {

namespace {

/// Set header, RFC 3954 section 5.2 and RFC 7011 section 3.3.2: id (2), length with these four bytes (2).
constexpr std::size_t kSetHeaderBytes = 4;

std::int64_t micros_of(std::uint32_t seconds) noexcept {
  return static_cast<std::int64_t>(seconds) * static_cast<std::int64_t>(kMicrosPerSecond);
}

}  // namespace

Decoder::Decoder(const Limits& limits, std::uint64_t seed, WireOptions options)
    : store_{limits, seed},
      waiting_{limits.waiting_bytes, limits.waiting_micros, store_.exporters_bound(), seed},
      lifetime_micros_{limits.lifetime_micros},
      options_{options} {}

void Decoder::decode(std::span<const std::byte> payload, const Address& sender, std::int64_t at_micros,
                     RecordBatch& out) noexcept {
  waiting_.release();
  Cursor in{payload};
  Message message;
  message.at_micros = at_micros;
  message.end = payload.size();
  if (!read_header(in, sender, message, out)) return;
  message.scope = store_.scope_of(message.key, at_micros);
  if (message.scope != kNoRow) {
    Scope& scope = store_.scope(message.scope);
    out.extras.sets_expired += std::exchange(scope.sets_expired_unsaid, 0U);
    if (!message.netflow9 && scope.boot_micros != 0) {
      message.time.uptime_known = true;
      message.time.uptime_ms = uptime_at(message.time.export_micros, scope.boot_micros);
    }
  }
  read_sets(payload, in, message, out);
  out.header.units = message.netflow9 ? 1 : message.data_records;
}

bool Decoder::read_header(Cursor& in, const Address& sender, Message& message, RecordBatch& out) noexcept {
  FlowHeader& header = out.header;
  Cursor ahead = in;
  message.netflow9 = ahead.u16() == netflow9::kVersion;
  header.protocol = message.netflow9 ? FlowProtocol::netflow9 : FlowProtocol::ipfix;
  header.agent = sender;
  if (message.netflow9) {
    const auto read = netflow9::read_header(in);
    if (!read.ok()) return out.error(read.error()), false;
    header.domain = read.value().source_id;
    header.sequence = read.value().sequence;
    header.export_micros = micros_of(read.value().export_seconds);
    header.uptime_ms = read.value().uptime_ms;
  } else {
    const auto read = ipfix::read_header(in);
    if (!read.ok()) return out.error(read.error()), false;
    header.domain = read.value().domain;
    header.sequence = read.value().sequence;
    header.export_micros = micros_of(read.value().export_seconds);
    const std::size_t body = read.value().length - ipfix::kMessageHeaderBytes;
    if (body > in.left()) {
      out.error(DecodeError::ipfix_truncated);  // what there is of it is read
    } else {
      message.end -= in.left() - body;
      in = in.slice(body);
    }
  }
  header.sequenced = true;
  message.key = {sender, header.protocol, header.domain};
  message.time = {header.export_micros, header.uptime_ms, message.netflow9};
  return true;
}

void Decoder::read_sets(std::span<const std::byte> payload, Cursor in, Message& message, RecordBatch& out) noexcept {
  // The first set begins behind at least 16 bytes of header, its records kSetHeaderBytes later: kFront is there.
  for (std::size_t sets = 0; in.left() >= kSetHeaderBytes; ++sets) {
    if (sets == kMaxSetsPerMessage) return out.error(DecodeError::templated_too_many_sets);
    const std::uint16_t id = in.u16();
    const std::size_t length = in.u16();
    if (id == 0 && length == 0) return;  // padding behind the last set
    if (length < kSetHeaderBytes || length - kSetHeaderBytes > in.left()) return out.error(DecodeError::templated_bad_set);
    const std::size_t begin = message.end - in.left();
    const Cursor set = in.slice(length - kSetHeaderBytes);
    if (id >= kLeastTemplateId) {
      read_data_set(payload.subspan(begin - kFront, kFront + length - kSetHeaderBytes), id, message, out);
    } else if (id == (message.netflow9 ? netflow9::kTemplateSet : ipfix::kTemplateSet)) {
      read_templates(set, false, message, out);
    } else if (id == (message.netflow9 ? netflow9::kOptionsTemplateSet : ipfix::kOptionsTemplateSet)) {
      read_templates(set, true, message, out);
    } else {
      out.error(DecodeError::templated_bad_set);
    }
  }
}

void Decoder::read_templates(Cursor in, bool options, Message& message, RecordBatch& out) noexcept {
  while (in.left() != 0) {
    const TemplateRead read = message.netflow9 ? netflow9::read_template(in, options, record_)
                                               : ipfix::read_template(in, options, record_);
    switch (read) {
      case TemplateRead::whole: learn(message, out); break;
      case TemplateRead::padding: return;
      case TemplateRead::malformed: return out.error(DecodeError::template_malformed);
      case TemplateRead::too_many_fields: return out.error(DecodeError::template_too_many_fields);
    }
  }
}

void Decoder::learn(Message& message, RecordBatch& out) noexcept {
  if (record_.field_count == 0) {
    ++out.extras.withdrawals;
    if (message.scope == kNoRow) return;
    if (record_.id < kLeastTemplateId) return store_.withdraw_all(message.scope, record_.options, message.at_micros);
    return store_.withdraw(message.scope, record_.id, message.at_micros);
  }
  ++out.extras.templates;
  if (message.scope == kNoRow) return out.error(DecodeError::template_refused);
  const auto lesson = store_.learn(message.scope, record_, message.at_micros);
  switch (lesson.learned) {
    case Store::Learned::refused: return out.error(DecodeError::template_refused);
    case Store::Learned::malformed: return out.error(DecodeError::template_malformed);
    case Store::Learned::too_many_fields: return out.error(DecodeError::template_too_many_fields);
    default: break;
  }
  if (!waiting_.empty()) recover(lesson.row, out);
}

void Decoder::expire(std::int64_t at_micros) noexcept {
  waiting_.expire(at_micros, [this](const WaitingKey& key) { lose(key); });
  store_.expire(at_micros);
}

/// Told to the exporter it came from, as long as that is still there.
void Decoder::lose(const WaitingKey& key) noexcept {
  Scope& scope = store_.scope(key.scope);
  if (!scope.alive || scope.generation != key.generation) return;
  ++scope.sets_expired;
  ++scope.sets_expired_unsaid;
}

bool Decoder::restore(const StoredTemplate& stored, std::int64_t at_micros) noexcept {
  const std::int64_t seen = std::min(stored.seen_micros, at_micros);
  if (lifetime_micros_ != 0 && at_micros - seen > lifetime_micros_) return false;
  const bool netflow9 = stored.protocol == FlowProtocol::netflow9;
  if (!netflow9 && stored.protocol != FlowProtocol::ipfix) return false;
  Cursor in{stored.body};
  const TemplateRead read = netflow9 ? netflow9::read_template(in, stored.options, record_)
                                     : ipfix::read_template(in, stored.options, record_);
  if (read != TemplateRead::whole || record_.field_count == 0 || in.left() != 0) return false;
  const std::uint32_t scope = store_.scope_of({stored.address, stored.protocol, stored.domain}, at_micros);
  if (scope == kNoRow) return false;
  if (store_.find(scope, record_.id, at_micros) != kNoRow) return false;  // what it has said since stands
  const auto lesson = store_.learn(scope, record_, seen);
  if (lesson.row == kNoRow) return false;
  store_.is_stored(lesson.row);
  return true;
}

std::optional<ExporterTemplates> Decoder::exporter(const Address& address, FlowProtocol protocol,
                                                   std::uint32_t domain) const noexcept {
  const Scope* const scope = store_.find_scope({address, protocol, domain});
  if (scope == nullptr) return std::nullopt;
  return ExporterTemplates{scope->templates, scope->changes, scope->evicted, scope->gap.longest_micros(), scope->sets_expired};
}

DecoderTotals Decoder::totals() const noexcept { return {store_.totals(), waiting_.sets(), waiting_.bytes()}; }

}  // namespace tidegate::templated
