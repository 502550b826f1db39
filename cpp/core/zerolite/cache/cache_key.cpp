#include "zerolite/cache/cache_key.hpp"

#include <algorithm>
#include <array>
#include <cstdint>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <system_error>

namespace zerolite {

std::string processor() {
  constexpr std::array<std::string_view, 10> kLines = {
      "vendor_id",       "cpu family",       "model",       "stepping", "flags", "Features",
      "CPU implementer", "CPU architecture", "CPU variant", "CPU part"};
  std::ifstream file("/proc/cpuinfo");
  std::string description;
  for (std::string line; std::getline(file, line) && !line.empty();) {
    const bool matters = std::ranges::any_of(kLines, [&](std::string_view name) { return line.starts_with(name); });
    if (matters) description += line + '\n';
  }
  return description;
}

Digest cache_key(const Model& model, std::span<const std::string> libraries, std::string_view target,
                 std::span<const std::pair<std::string, std::string>> options) {
  namespace fs = std::filesystem;
  std::error_code ignored;
  std::ostringstream text;
  for (const std::uint64_t part : digest_of(model.bytes().span())) text << part << ' ';
  for (const std::string& library : libraries) {
    text << library << ' ' << fs::file_size(library, ignored) << ' '
         << fs::last_write_time(library, ignored).time_since_epoch().count() << ' ';
  }
  text << target;
  for (const auto& [name, value] : options) text << ' ' << name << '=' << value;
  return digest_of(std::as_bytes(std::span<const char>(text.view())));
}

}  // namespace zerolite
