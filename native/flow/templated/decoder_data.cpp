/// The decoder's way with data sets.
#include <algorithm>

#include "data_records.hpp"
#include "decoder.hpp"
#include "stated_sampling.hpp"
#include "straight.hpp"

namespace tidegate::templated {

void Decoder::read_data_set(std::span<const std::byte> bytes, std::uint16_t id, Message& message, RecordBatch& out) noexcept {
  const std::uint32_t row = message.scope == kNoRow ? kNoRow : store_.find(message.scope, id, message.at_micros);
  if (row == kNoRow) {
    ++out.extras.sets_without_template;
    out.header.units_known = message.netflow9;
    const bool kept = message.scope != kNoRow &&
                      waiting_.keep({message.scope, store_.scope(message.scope).generation, id}, message.time,
                                    bytes.subspan(kFront), message.at_micros, [this](const WaitingKey& key) { lose(key); });
    if (kept) return;
    ++out.extras.sets_expired;
    if (message.scope != kNoRow) ++store_.scope(message.scope).sets_expired;
    return;
  }
  const std::uint32_t records = read_records(row, bytes, message.time, out);
  message.data_records += records;
  if (records != 0) store_.used(row, message.at_micros);
  if (store_.at(row).backlog) recover(row, out);
}

std::uint32_t Decoder::read_straight_records(const Plan& plan, std::span<const std::byte> bytes, const MessageTime& time,
                                             RecordBatch& out) noexcept {
  const std::size_t records = (bytes.size() - kFront) / plan.record_bytes;
  const std::size_t fitting = std::min(records, out.free_details().size());
  read_straight(plan, bytes, kFront, fitting, time, out);
  if (fitting != records) out.error(DecodeError::record_too_many);
  return static_cast<std::uint32_t>(records);
}

std::uint32_t Decoder::read_records(std::uint32_t row, std::span<const std::byte> bytes, MessageTime& time,
                                    RecordBatch& out) noexcept {
  const Plan& plan = store_.at(row).plan;
  if (straight_reads(plan, time)) return read_straight_records(plan, bytes, time, out);
  std::uint32_t records = 0;
  // What is left behind the last record and is shorter than one is padding (RFC 3954 section 5.3, RFC 7011 section 3.3.1).
  for (Cursor in{bytes.subspan(kFront)}; in.left() >= plan.record_bytes; ++records) {
    if (!walk(plan, in, time, values_)) {
      out.error(DecodeError::record_truncated);
      return records;
    }
    if (values_.time(Slot::boot) != 0) {
      store_.scope(store_.at(row).scope).boot_micros = values_.time(Slot::boot);
      if (!plan.netflow9) time = {time.export_micros, uptime_at(time.export_micros, values_.time(Slot::boot)), true};
    }
    if (plan.options) {
      ++out.extras.option_records;
      if (const auto statement = statement_of(values_)) out.state(*statement);
    } else if (out.free_details().size() < kMostOfOneRecord) {
      out.error(DecodeError::record_too_many);
      return records + static_cast<std::uint32_t>(in.left() / plan.record_bytes) + 1;
    } else {
      take_data_record(plan, values_, time, options_, out);
    }
  }
  return records;
}

/// All that waited for this template, as far as there is room.
void Decoder::recover(std::uint32_t row, RecordBatch& out) noexcept {
  Template& known = store_.at(row);
  const WaitingKey key{known.scope, store_.scope(known.scope).generation, known.id};
  known.backlog = false;
  const std::size_t each = known.plan.both_directions ? kMostOfOneRecord : 1;
  for (std::uint32_t entry = waiting_.first_of(key); entry != kNoRow; entry = waiting_.first_of(key)) {
    const std::size_t kept = out.details().size();
    const std::size_t most = waiting_[entry].bytes / known.plan.record_bytes * each;
    if (!known.plan.options && kept != 0 && kept + most > kMostRecovered) {
      known.backlog = true;
      return;
    }
    waiting_.take(entry);
    MessageTime time = waiting_[entry].time;
    const std::uint32_t read = read_records(row, waiting_.bytes_of(entry), time, out);
    out.extras.records_recovered += read;
    if (read != 0) store_.used(row, waiting_[entry].since_micros);
  }
}

}  // namespace tidegate::templated
