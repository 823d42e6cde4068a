/// JSON (RFC 8259) for tests: whole documents of trusted files, numbers as doubles, \u escapes left as they stand.
#pragma once

#include <cstddef>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "check.hpp"

namespace tidegate::check {

struct Json {
  enum class Kind { null, boolean, number, text, list, object };
  Kind kind = Kind::null;
  double number = 0;  ///< of a boolean: 1 or 0
  std::string text;
  std::vector<Json> list;
  std::map<std::string, Json> object;

  [[nodiscard]] bool has(const std::string& key) const { return object.contains(key); }
  /// The value under a key; null where there is none.
  [[nodiscard]] const Json& operator[](const std::string& key) const {
    static const Json none;
    const auto found = object.find(key);
    return found == object.end() ? none : found->second;
  }
  [[nodiscard]] std::uint64_t count() const { return static_cast<std::uint64_t>(number); }
};

class JsonReader {
 public:
  explicit JsonReader(std::string_view text) : rest_{text} {}

  Json value() {
    blank();
    Json out;
    switch (peek()) {
      case '{': return object();
      case '[': return list();
      case '"':
        out.kind = Json::Kind::text;
        out.text = text();
        return out;
      case 't':
      case 'f':
        out.kind = Json::Kind::boolean;
        out.number = peek() == 't' ? 1 : 0;
        word();
        return out;
      case 'n': return word(), out;
      default: break;
    }
    out.kind = Json::Kind::number;
    const std::string digits{word()};
    out.number = std::strtod(digits.c_str(), nullptr);
    return out;
  }

 private:
  [[nodiscard]] char peek() const {
    REQUIRE(!rest_.empty());
    return rest_.front();
  }
  char next() {
    const char c = peek();
    rest_.remove_prefix(1);
    return c;
  }
  void blank() {
    while (!rest_.empty() && std::string_view{" \t\r\n"}.find(rest_.front()) != std::string_view::npos) rest_.remove_prefix(1);
  }
  /// Up to what cannot belong to a number or a literal.
  std::string_view word() {
    const auto word = rest_.substr(0, std::min(rest_.find_first_of(",]} \t\r\n"), rest_.size()));
    rest_.remove_prefix(word.size());
    return word;
  }
  std::string text() {
    std::string out;
    for (next(); peek() != '"';) {
      const char c = next();
      out += c == '\\' ? next() : c;
    }
    next();
    return out;
  }
  Json list() {
    Json out;
    out.kind = Json::Kind::list;
    for (next(), blank(); peek() != ']'; blank()) {
      out.list.push_back(value());
      blank();
      if (peek() == ',') next();
    }
    next();
    return out;
  }
  Json object() {
    Json out;
    out.kind = Json::Kind::object;
    for (next(), blank(); peek() != '}'; blank()) {
      const std::string key = text();
      blank();
      REQUIRE(next() == ':');
      out.object[key] = value();
      blank();
      if (peek() == ',') next();
    }
    next();
    return out;
  }

  std::string_view rest_;
};

inline Json read_json(const std::filesystem::path& path) {
  std::ifstream in{path, std::ios::binary};
  REQUIRE(in.good());
  const std::string text{std::istreambuf_iterator<char>{in}, {}};
  return JsonReader{text}.value();
}

}  // namespace tidegate::check
