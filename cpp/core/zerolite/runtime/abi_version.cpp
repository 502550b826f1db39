#include "zerolite/runtime/abi_version.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <cstddef>
#include <memory>
#include <system_error>

namespace zerolite {

std::optional<abi::AbiVersion> parse_abi_version(std::string_view text) {
  std::array<int, 3> numbers{};
  for (std::size_t i = 0; i < numbers.size(); ++i) {
    if (i > 0) {
      if (!text.starts_with('.')) return std::nullopt;
      text.remove_prefix(1);
    }
    const char* end = std::to_address(text.end());
    const auto [rest, error] = std::from_chars(std::to_address(text.begin()), end, numbers[i]);
    if (error != std::errc() || numbers[i] < 0) return std::nullopt;
    text = std::string_view(rest, static_cast<std::size_t>(end - rest));
  }
  // What follows is a pre-release or a build, as semantic versions have them.
  if (!text.empty() && !text.starts_with('-') && !text.starts_with('+')) return std::nullopt;
  return abi::AbiVersion{numbers[0], numbers[1], numbers[2]};
}

std::string to_string(const abi::AbiVersion& version) {
  return std::to_string(version.major) + "." + std::to_string(version.minor) + "." + std::to_string(version.patch);
}

const abi::Series* series_of(const abi::AbiVersion& version) {
  const auto* found = std::ranges::find_if(abi::kSeries, [&](const abi::Series& series) {
    return series.abi.major == version.major && series.abi.minor == version.minor;
  });
  return found == abi::kSeries.end() ? nullptr : found;
}

bool is_newer_than_known(const abi::AbiVersion& version) {
  const abi::AbiVersion& newest = abi::kSeries.back().abi;
  return version.major != newest.major ? version.major > newest.major : version.minor > newest.minor;
}

std::string known_series() {
  std::string names;
  for (std::size_t i = 0; i < abi::kSeries.size(); ++i) {
    if (i > 0) names += i + 1 == abi::kSeries.size() ? " and " : ", ";
    names += abi::kSeries[i].name;
  }
  return names;
}

}  // namespace zerolite
