#include "opened.hpp"

#include <cstring>

namespace tidegate {

std::string errno_name(int error_number) {
  const char* const name = strerrorname_np(error_number);
  if (name != nullptr) return name;
  std::string numbered{"E"};
  numbered += std::to_string(error_number);
  return numbered;
}

OpenFailure system_failure(std::string_view what, int error_number) {
  std::string text = errno_name(error_number);
  text += ": ";
  text += what;
  if (const char* const words = strerrordesc_np(error_number); words != nullptr) {
    text += " (";
    text += words;
    text += ")";
  }
  return {error_number, std::move(text)};
}

}  // namespace tidegate
