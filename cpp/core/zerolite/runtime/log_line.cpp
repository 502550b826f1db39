#include "zerolite/runtime/log_line.hpp"

#include <algorithm>
#include <array>
#include <optional>
#include <utility>

namespace zerolite {
namespace {

bool is_digit(char character) { return character >= '0' && character <= '9'; }

// LiteRT begins its messages with "[file:line] ", which tells a user of ours nothing.
std::string_view without_source_location(std::string_view text) {
  if (!text.starts_with('[')) return text;
  const std::size_t end = text.find("] ");
  return end == std::string_view::npos ? text : text.substr(end + 2);
}

std::optional<LogLine> parse_prefixed(std::string_view line) {
  using Prefix = std::pair<std::string_view, LogLevel>;
  static constexpr std::array<Prefix, 7> kPrefixes = {
      Prefix{"VERBOSE: ", LogLevel::verbose}, Prefix{"DEBUG: ", LogLevel::verbose},
      Prefix{"INFO: ", LogLevel::info},       Prefix{"WARNING: ", LogLevel::warning},
      Prefix{"ERROR: ", LogLevel::error},     Prefix{"Warning: ", LogLevel::warning},
      Prefix{"Error: ", LogLevel::error}};
  for (const auto& [prefix, level] : kPrefixes) {
    if (line.starts_with(prefix)) return LogLine{level, without_source_location(line.substr(prefix.size()))};
  }
  return std::nullopt;
}

std::optional<LogLine> parse_abseil(std::string_view line) {
  using Letter = std::pair<char, LogLevel>;
  static constexpr std::array<Letter, 4> kLetters = {Letter{'I', LogLevel::info}, Letter{'W', LogLevel::warning},
                                                     Letter{'E', LogLevel::error}, Letter{'F', LogLevel::error}};
  constexpr std::size_t kDateEnd = 5;
  const std::size_t end = line.find("] ");
  if (line.size() <= kDateEnd || end == std::string_view::npos || line[kDateEnd] != ' ' ||
      !std::ranges::all_of(line.substr(1, kDateEnd - 1), &is_digit)) {
    return std::nullopt;
  }
  for (const auto& [letter, level] : kLetters) {
    if (line.front() == letter) return LogLine{level, line.substr(end + 2)};
  }
  return std::nullopt;
}

// Lines that only continue the one before: where in somebody's sources it came from, and that Abseil was not set up.
bool tells_nothing(std::string_view line) {
  return line.starts_with("    at ") || line.starts_with("third_party/") || line.starts_with("=== Source Location") ||
         line.starts_with("WARNING: Logging before InitGoogle()") ||
         line.starts_with("WARNING: All log messages before absl::InitializeLog()");
}

}  // namespace

LogLine parse_log_line(std::string_view line) {
  if (tells_nothing(line)) return {LogLevel::verbose, {}};
  if (const std::optional<LogLine> found = parse_prefixed(line)) return *found;
  if (const std::optional<LogLine> found = parse_abseil(line)) return *found;
  return {LogLevel::error, without_source_location(line)};
}

}  // namespace zerolite
