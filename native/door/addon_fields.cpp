#include "addon_fields.hpp"

#include <cmath>

#include "../base/address.hpp"

namespace tidegate::door {

namespace {
/// Longest text taken from JavaScript: a path.
constexpr std::size_t kMaxText = 4096;
/// Most entries of a list of texts.
constexpr std::uint32_t kMaxTexts = 65536;

std::string bounds(double least, double most) {
  const auto shown = [](double value) {
    return value == std::floor(value) && std::abs(value) < 1e15 ? std::to_string(static_cast<long long>(value))
                                                                : std::to_string(value);
  };
  return shown(least) + " … " + shown(most);
}
}  // namespace

Fields::Fields(Napi::Env env, const Napi::Value& value, std::string name) : env_{env}, name_{std::move(name)} {
  if (value.IsObject()) {
    object_ = value.As<Napi::Object>();
  } else {
    kind_ = Kind::type;
    message_ = name_ + " must be an object";
  }
}

void Fields::wrong_type(const char* field, const std::string& what) {
  if (failed()) return;
  kind_ = Kind::type;
  message_ = name_ + "." + field + " " + what;
}

void Fields::wrong_range(const char* field, const std::string& what) {
  if (failed()) return;
  kind_ = Kind::range;
  message_ = name_ + "." + field + " " + what;
}

void Fields::adopt(const Fields& part) {
  if (failed() || !part.failed()) return;
  kind_ = part.kind_;
  message_ = part.message_;
}

bool Fields::raise() const {
  if (env_.IsExceptionPending()) return true;
  if (kind_ == Kind::type) Napi::TypeError::New(env_, message_).ThrowAsJavaScriptException();
  if (kind_ == Kind::range) Napi::RangeError::New(env_, message_).ThrowAsJavaScriptException();
  return failed();
}

Napi::Value Fields::value(const char* field) {
  if (failed() || env_.IsExceptionPending()) return env_.Undefined();
  const Napi::Value value = object_.Get(field);
  return env_.IsExceptionPending() ? env_.Undefined() : value;
}

double Fields::number(const char* field, double least, double most) {
  const Napi::Value given = value(field);
  if (!given.IsNumber()) {
    wrong_type(field, "must be a number");
    return 0;
  }
  const double number = given.As<Napi::Number>().DoubleValue();
  if (!(number >= least && number <= most)) {
    wrong_range(field, "must be in " + bounds(least, most));
    return 0;
  }
  return number;
}

double Fields::whole(const char* field, double least, double most) {
  const double given = number(field, least, most);
  if (given == std::floor(given)) return given;
  wrong_range(field, "must be a whole number");
  return 0;
}

bool Fields::boolean(const char* field) {
  const Napi::Value given = value(field);
  if (given.IsBoolean()) return given.As<Napi::Boolean>().Value();
  wrong_type(field, "must be true or false");
  return false;
}

std::string Fields::text(const char* field) {
  const Napi::Value given = value(field);
  if (!given.IsString()) {
    wrong_type(field, "must be a string");
    return {};
  }
  std::string text = given.As<Napi::String>().Utf8Value();
  if (text.size() <= kMaxText && text.find('\0') == std::string::npos) return text;
  wrong_range(field, "is too long or holds a zero byte");
  return {};
}

std::vector<std::string> Fields::texts(const char* field) {
  const Napi::Value given = value(field);
  std::vector<std::string> all;
  if (!given.IsArray()) {
    wrong_type(field, "must be an array of strings");
    return all;
  }
  const auto list = given.As<Napi::Array>();
  if (list.Length() > kMaxTexts) wrong_range(field, "has more than " + std::to_string(kMaxTexts) + " entries");
  for (std::uint32_t i = 0; i < list.Length() && !failed(); ++i) {
    const Napi::HandleScope scope{env_};
    const Napi::Value entry = list[i];
    if (entry.IsString()) {
      all.push_back(entry.As<Napi::String>().Utf8Value());
    } else {
      wrong_type(field, "must be an array of strings");
    }
  }
  return all;
}

std::optional<std::uint64_t> Fields::bigint_or_null(const char* field) {
  const Napi::Value given = value(field);
  if (given.IsNull()) return std::nullopt;
  if (!given.IsBigInt()) {
    wrong_type(field, "must be a bigint or null");
    return std::nullopt;
  }
  bool lossless = false;
  const std::uint64_t number = given.As<Napi::BigInt>().Uint64Value(&lossless);
  if (!lossless) wrong_range(field, "must be in 0 … 2^64 - 1");
  return number;
}

std::optional<std::string> Fields::text_or_null(const char* field) {
  if (value(field).IsNull()) return std::nullopt;
  return text(field);
}

std::optional<double> Fields::number_or_null(const char* field, double least, double most) {
  if (value(field).IsNull()) return std::nullopt;
  return number(field, least, most);
}

std::vector<double> Fields::doubles(const char* field, std::size_t length) {
  const Napi::Value given = value(field);
  if (!given.IsTypedArray() || given.As<Napi::TypedArray>().TypedArrayType() != napi_float64_array) {
    wrong_type(field, "must be a Float64Array");
    return std::vector<double>(length);
  }
  const auto array = given.As<Napi::Float64Array>();
  if (array.ElementLength() != length) {
    wrong_range(field, "must have " + std::to_string(length) + " numbers");
    return std::vector<double>(length);
  }
  std::vector<double> all(length);
  for (std::size_t i = 0; i < length; ++i) all[i] = array[i];
  return all;
}

void throw_coded(Napi::Env env, const std::string& code, const std::string& message) {
  const Napi::Error error = Napi::Error::New(env, message);
  error.Value().Set("code", code);
  error.ThrowAsJavaScriptException();
}

std::optional<double> number_argument(const Napi::CallbackInfo& info, std::size_t i, const char* name, double least,
                                      double most) {
  if (!info[i].IsNumber()) {
    Napi::TypeError::New(info.Env(), std::string{name} + " must be a number").ThrowAsJavaScriptException();
    return std::nullopt;
  }
  const double number = info[i].As<Napi::Number>().DoubleValue();
  if (number >= least && number <= most && number == std::floor(number)) return number;
  Napi::RangeError::New(info.Env(), std::string{name} + " must be a whole number in " + bounds(least, most))
      .ThrowAsJavaScriptException();
  return std::nullopt;
}

std::optional<std::int64_t> time_argument(const Napi::CallbackInfo& info, std::size_t i) {
  constexpr double kLatest = 9007199254740992.0;
  const auto at = number_argument(info, i, "at", 0, kLatest);
  if (!at) return std::nullopt;
  return static_cast<std::int64_t>(*at);
}

std::optional<std::string> text_argument(const Napi::CallbackInfo& info, std::size_t i, const char* name) {
  if (info[i].IsString()) return info[i].As<Napi::String>().Utf8Value();
  Napi::TypeError::New(info.Env(), std::string{name} + " must be a string").ThrowAsJavaScriptException();
  return std::nullopt;
}

std::optional<Prefix> subject_argument(const Napi::CallbackInfo& info, std::size_t i) {
  const auto text = text_argument(info, i, "subject");
  if (!text) return std::nullopt;
  std::optional<Prefix> subject;
  if (text->find('/') != std::string::npos) {
    subject = parse_prefix(*text);
  } else if (const auto host = parse_address(*text)) {
    subject = make_prefix(*host, address_bits(host->family));
  }
  if (!subject) {
    Napi::RangeError::New(info.Env(), "subject is neither an address nor a prefix").ThrowAsJavaScriptException();
  }
  return subject;
}

}  // namespace tidegate::door
