/// Reads arguments and options from JavaScript, and says by name which one is wrong.
///
/// The first thing wrong is kept: a TypeError for the wrong kind, a RangeError for a number out of bounds.
/// After reading, `raise()` throws it and is true. Values read after a failure are zero or empty.
#pragma once

#include <napi.h>

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "../base/prefix.hpp"

namespace tidegate::door {

class Fields {
 public:
  /// `name`: what messages call the object, 'options'.
  Fields(Napi::Env env, const Napi::Value& value, std::string name);

  [[nodiscard]] double number(const char* field, double least, double most);
  /// A number without a fraction.
  template <class Integer>
  [[nodiscard]] Integer integer(const char* field, double least, double most) {
    return static_cast<Integer>(whole(field, least, most));
  }
  [[nodiscard]] bool boolean(const char* field);
  [[nodiscard]] std::string text(const char* field);
  [[nodiscard]] std::vector<std::string> texts(const char* field);
  [[nodiscard]] std::optional<std::uint64_t> bigint_or_null(const char* field);
  [[nodiscard]] std::optional<std::string> text_or_null(const char* field);
  [[nodiscard]] std::optional<double> number_or_null(const char* field, double least, double most);
  /// A Float64Array of exactly `length` numbers.
  [[nodiscard]] std::vector<double> doubles(const char* field, std::size_t length);
  /// Place of the text in a closed list.
  template <class Names>
  [[nodiscard]] std::size_t one_of(const char* field, const Names& names) {
    const std::string given = text(field);
    if (failed()) return 0;
    for (std::size_t i = 0; i < names.size(); ++i) {
      if (names[i] == given) return i;
    }
    wrong_range(field, "is '" + given + "', which is none of its values");
    return 0;
  }
  [[nodiscard]] Napi::Value value(const char* field);

  void wrong_type(const char* field, const std::string& what);
  void wrong_range(const char* field, const std::string& what);
  /// What is wrong in a part is wrong in the whole.
  void adopt(const Fields& part);
  [[nodiscard]] bool failed() const noexcept { return kind_ != Kind::none; }
  /// Throws what was wrong, if anything.
  [[nodiscard]] bool raise() const;

 private:
  enum class Kind : std::uint8_t { none, type, range };
  [[nodiscard]] double whole(const char* field, double least, double most);

  Napi::Env env_;
  Napi::Object object_;
  std::string name_;
  Kind kind_ = Kind::none;
  std::string message_;
};

/// Throws an Error with a `code`, as failures of the outside world are told.
void throw_coded(Napi::Env env, const std::string& code, const std::string& message);

/// An argument that is a finite number within bounds, or nothing and a thrown error.
[[nodiscard]] std::optional<double> number_argument(const Napi::CallbackInfo& info, std::size_t i, const char* name,
                                                    double least, double most);
/// Microseconds since the Unix epoch: 0 … 2^53, whole.
[[nodiscard]] std::optional<std::int64_t> time_argument(const Napi::CallbackInfo& info, std::size_t i);
[[nodiscard]] std::optional<std::string> text_argument(const Napi::CallbackInfo& info, std::size_t i, const char* name);
/// An address or a prefix, as text.
[[nodiscard]] std::optional<Prefix> subject_argument(const Napi::CallbackInfo& info, std::size_t i);

}  // namespace tidegate::door
