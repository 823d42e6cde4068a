/// The bounds of one decoder of templated protocols.
#pragma once

#include <cstddef>
#include <cstdint>

namespace tidegate::templated {

struct Limits {
  std::size_t max_templates = 65'536;             ///< of all exporters
  std::size_t max_templates_per_exporter = 4'096;
  std::size_t max_exporters = 65'536;             ///< address, protocol and domain; each that has sent anything lately
  std::int64_t lifetime_micros = 0;               ///< a template not sent again for so long is forgotten; zero: never (TCP)
  std::size_t waiting_bytes = std::size_t{8} << 20;  ///< data sets that wait for their template
  std::int64_t waiting_micros = 120'000'000;      ///< and for how long each
};

inline constexpr std::size_t kMostTemplates = std::size_t{1} << 22;
inline constexpr std::size_t kMostExporters = std::size_t{1} << 22;
inline constexpr std::size_t kMostWaitingBytes = std::size_t{1} << 30;

/// An exporter or template that has been of use is not given up for a new one until it has been idle for so long.
inline constexpr std::int64_t kProtectedMicros = 60'000'000;

}  // namespace tidegate::templated
