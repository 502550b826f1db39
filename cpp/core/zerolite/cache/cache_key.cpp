#include "zerolite/cache/cache_key.hpp"

#include <cstdint>
#include <filesystem>
#include <sstream>
#include <system_error>

namespace zerolite {

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
