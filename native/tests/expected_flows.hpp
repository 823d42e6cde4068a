/// What the folders of real captures say of flow telemetry in them: sums, counts and every record.
#pragma once

#include <algorithm>
#include <charconv>
#include <filesystem>
#include <fstream>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "captures.hpp"

namespace tidegate::check {

/// One entry of an `expected.json`: a sequence of files, to be fed in this order from one exporter.
struct ExpectedFlows {
  std::vector<std::filesystem::path> files;
  std::map<std::string, std::uint64_t> counts;              ///< 'v5_records', 'sum.packets', …; absent: not stated
  std::vector<std::map<std::string, std::string>> records;  ///< scalars alone, without their quotes

  [[nodiscard]] std::uint64_t count(const std::string& name) const {
    const auto found = counts.find(name);
    return found == counts.end() ? 0 : found->second;
  }
};

/// All entries that state `count`, such as 'v5_datagrams'. The files are written one value a line, each level
/// indented by one blank more, so that a line tells where it belongs.
inline std::vector<ExpectedFlows> expected_flows(const std::string& count) {
  std::vector<ExpectedFlows> all;
  for (const auto& folder : std::filesystem::directory_iterator{captures_folder()}) {
    std::ifstream in{folder.path() / "expected.json"};
    std::string section;
    std::string inner;
    for (std::string line; std::getline(in, line);) {
      const std::size_t indent = line.find_first_not_of(' ');
      std::string text = line.substr(std::min(indent, line.size()));
      if (text.ends_with(',')) text.pop_back();
      const std::size_t colon = text.starts_with('"') ? text.find("\": ") : std::string::npos;
      const std::string key = colon == std::string::npos ? "" : text.substr(1, colon - 1);
      std::string value = colon == std::string::npos ? text : text.substr(colon + 3);
      if (value.size() > 1 && value.starts_with('"')) value = value.substr(1, value.size() - 2);
      if (indent == 1 && text == "{") all.emplace_back();
      if (all.empty()) continue;
      ExpectedFlows& entry = all.back();
      if (indent == 2 && !key.empty()) section = key;
      if (indent == 3) inner = key;
      const bool of_counts = section == "counts" || section == "flow_counts";
      if (indent == 2 && key == "file") entry.files.push_back(folder.path() / value);
      if (indent == 3 && section == "files" && key.empty()) entry.files.push_back(folder.path() / value);
      if (of_counts && (indent == 3 || (indent == 4 && inner == "sum"))) {
        std::uint64_t number = 0;
        const auto read = std::from_chars(value.data(), value.data() + value.size(), number);
        if (read.ec == std::errc{}) entry.counts[indent == 3 ? key : inner + "." + key] = number;
      }
      if (section == "records" && indent == 3 && text == "{") entry.records.emplace_back();
      if (section == "records" && indent == 4 && !key.empty() && value != "[") entry.records.back()[key] = value;
    }
  }
  std::erase_if(all, [&](const ExpectedFlows& entry) { return entry.count(count) == 0; });
  std::ranges::sort(all, {}, &ExpectedFlows::files);
  return all;
}

}  // namespace tidegate::check
