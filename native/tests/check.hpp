/// The tests' own harness: TEST("a claim that can be false") { CHECK(a == b); }
///
/// CHECK prints both sides of a comparison when it does not hold; the test goes on. REQUIRE ends it.
/// SKIP("why") ends a test that cannot run here; it is counted apart. main() is in check_main.cpp.
#pragma once

#include <concepts>
#include <functional>
#include <iostream>
#include <sstream>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

namespace tidegate::check {

struct Test {
  std::string_view claim;
  std::function<void()> body;
};
std::vector<Test>& all_tests();
void report_failure(std::string_view file, int line, const std::string& what);
void note(const std::string& text);

struct EndTest {};
struct SkipTest {
  std::string why;
};

struct Registered {
  Registered(std::string_view claim, std::function<void()> body) { all_tests().push_back({claim, std::move(body)}); }
};

template <typename T>
std::string shown(const T& value) {
  if constexpr (std::is_same_v<T, bool>) {
    return value ? "true" : "false";
  } else if constexpr (std::is_enum_v<T>) {
    return std::to_string(static_cast<long long>(value));
  } else if constexpr (std::is_same_v<T, std::uint8_t> || std::is_same_v<T, char>) {
    return std::to_string(static_cast<int>(value));
  } else if constexpr (requires(std::ostringstream& out) { out << value; }) {
    std::ostringstream out;
    out << value;
    return out.str();
  } else {
    return "(no text form)";
  }
}

/// Both sides of a comparison, kept for the message.
template <typename L>
class Left {
 public:
  explicit Left(const L& left) : left_{left} {}

  // One operator each, so that CHECK(a < b) reads as it is written.
#define TIDEGATE_COMPARE(op)                                                              \
  template <typename R>                                                                   \
  std::pair<bool, std::string> operator op(const R& right) const {                        \
    if constexpr (std::integral<L> && std::integral<R> && !std::is_same_v<L, bool> &&     \
                  !std::is_same_v<R, bool> && !std::is_same_v<L, char>) {                 \
      return {static_cast<long long>(left_) op static_cast<long long>(right),             \
              shown(left_) + " " #op " " + shown(right)};                                 \
    } else {                                                                              \
      return {left_ op right, shown(left_) + " " #op " " + shown(right)};                 \
    }                                                                                     \
  }
  TIDEGATE_COMPARE(==)
  TIDEGATE_COMPARE(!=)
  TIDEGATE_COMPARE(<)
  TIDEGATE_COMPARE(<=)
  TIDEGATE_COMPARE(>)
  TIDEGATE_COMPARE(>=)
#undef TIDEGATE_COMPARE

  explicit(false) operator std::pair<bool, std::string>() const { return {static_cast<bool>(left_), shown(left_)}; }

 private:
  const L& left_;
};

struct Taker {
  template <typename L>
  Left<L> operator<=>(const L& left) const {
    return Left<L>{left};
  }
};

}  // namespace tidegate::check

#define TIDEGATE_JOIN_(a, b) a##b
#define TIDEGATE_JOIN(a, b) TIDEGATE_JOIN_(a, b)
#define TEST(claim)                                                                                    \
  static void TIDEGATE_JOIN(test_body_, __LINE__)();                                                   \
  static const ::tidegate::check::Registered TIDEGATE_JOIN(test_registered_, __LINE__){                \
      claim, TIDEGATE_JOIN(test_body_, __LINE__)};                                                     \
  static void TIDEGATE_JOIN(test_body_, __LINE__)()

#define TIDEGATE_CHECKED(on_failure, ...)                                                              \
  do {                                                                                                 \
    _Pragma("GCC diagnostic push") _Pragma("GCC diagnostic ignored \"-Wparentheses\"")                 \
    const std::pair<bool, std::string> outcome_ = ::tidegate::check::Taker{} <=> __VA_ARGS__;          \
    _Pragma("GCC diagnostic pop")                                                                      \
    if (!outcome_.first) {                                                                             \
      ::tidegate::check::report_failure(__FILE__, __LINE__, #__VA_ARGS__ "   was: " + outcome_.second); \
      on_failure;                                                                                      \
    }                                                                                                  \
  } while (false)
#define CHECK(...) TIDEGATE_CHECKED(static_cast<void>(0), __VA_ARGS__)
#define REQUIRE(...) TIDEGATE_CHECKED(throw ::tidegate::check::EndTest{}, __VA_ARGS__)
/// Says what a failing CHECK below it was about; for tables.
#define NOTE(text) ::tidegate::check::note(text)
#define SKIP(why) throw ::tidegate::check::SkipTest { why }
