/// The folder of real captures that lies beside the repository, where it does: see its README.
#pragma once

#include <algorithm>
#include <charconv>
#include <filesystem>
#include <fstream>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "check.hpp"

namespace tidegate::check {

/// Tests run in the repository's root. Ends the test as skipped where the folder is absent.
inline std::filesystem::path captures_folder() {
  const std::filesystem::path folder = "../shared/captures";
  if (!std::filesystem::is_directory(folder)) SKIP("no folder ../shared/captures");
  return folder;
}

/// All capture files in it, in a fixed order.
inline std::vector<std::filesystem::path> capture_files() {
  std::vector<std::filesystem::path> files;
  for (const auto& entry : std::filesystem::recursive_directory_iterator{captures_folder()}) {
    const auto kind = entry.path().extension();
    if (kind == ".pcap" || kind == ".pcapng" || kind == ".cap") files.push_back(entry.path());
  }
  std::sort(files.begin(), files.end());
  return files;
}

inline std::vector<std::string> split(std::string_view text, char by) {
  std::vector<std::string> parts{""};
  for (const char c : text) {
    if (c == by) {
      parts.emplace_back();
    } else {
      parts.back() += c;
    }
  }
  return parts;
}

/// The lines of `<capture>.tshark.tsv`, each as column → text; nothing where there is no such file.
inline std::optional<std::vector<std::map<std::string, std::string>>> tshark_lines(const std::filesystem::path& capture) {
  std::ifstream in{capture.string() + ".tshark.tsv"};
  if (!in) return std::nullopt;
  std::string line;
  std::getline(in, line);
  const auto names = split(line, '\t');
  std::vector<std::map<std::string, std::string>> lines;
  while (std::getline(in, line)) {
    const auto values = split(line, '\t');
    auto& row = lines.emplace_back();
    for (std::size_t i = 0; i < names.size() && i < values.size(); ++i) row[names[i]] = values[i];
  }
  return lines;
}

struct ExpectedCapture {
  std::uint64_t packets = 0;
  std::uint64_t wire_bytes = 0;
};

/// What the folders' `expected.json` say of each capture file. The keys of a capture are indented by two
/// blanks there, those of values inside it by more, so that a line tells where it belongs.
inline std::map<std::filesystem::path, ExpectedCapture> expected_captures() {
  std::map<std::filesystem::path, ExpectedCapture> expected;
  for (const auto& entry : std::filesystem::directory_iterator{captures_folder()}) {
    std::ifstream in{entry.path() / "expected.json"};
    std::filesystem::path current;
    const auto value_of = [](const std::string& line, std::string_view key) -> std::optional<std::string> {
      const std::string start = "  \"" + std::string{key} + "\": ";
      if (!line.starts_with(start)) return std::nullopt;
      std::string value = line.substr(start.size());
      if (value.ends_with(',')) value.pop_back();
      return value;
    };
    const auto number = [](const std::string& text) {
      std::uint64_t value = 0;
      std::from_chars(text.data(), text.data() + text.size(), value);
      return value;
    };
    for (std::string line; std::getline(in, line);) {
      if (const auto file = value_of(line, "file")) current = entry.path() / file->substr(1, file->size() - 2);
      if (const auto packets = value_of(line, "packets")) expected[current].packets = number(*packets);
      if (const auto bytes = value_of(line, "wire_bytes")) expected[current].wire_bytes = number(*bytes);
    }
  }
  return expected;
}

}  // namespace tidegate::check
