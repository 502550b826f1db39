#include "zerolite/runtime/log_line.hpp"

#include <algorithm>
#include <array>
#include <cstddef>
#include <iomanip>
#include <optional>
#include <sstream>
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

// How many bytes at the beginning are one character that a terminal would obey or hide: a control character of ASCII or
// of the C1 block, a mark of direction, or another end of a line, all in UTF-8.
std::size_t hidden_size(std::string_view text) {
  using Range = std::pair<std::string_view, std::string_view>;
  static constexpr std::array<Range, 6> kHidden = {
      Range{"\xc2\x80", "\xc2\x9f"},         Range{"\xd8\x9c", "\xd8\x9c"},
      Range{"\xe2\x80\x8e", "\xe2\x80\x8f"}, Range{"\xe2\x80\xa8", "\xe2\x80\xae"},
      Range{"\xe2\x81\xa6", "\xe2\x81\xa9"}, Range{"\x7f", "\x7f"}};
  const auto byte = static_cast<unsigned char>(text.front());
  if (byte < static_cast<unsigned char>(' ') && text.front() != '\t') return 1;
  for (const auto& [first, last] : kHidden) {
    const std::string_view begin = text.substr(0, first.size());
    if (begin >= first && begin <= last) return first.size();
  }
  return 0;
}

}  // namespace

LogLine parse_log_line(std::string_view line) {
  if (tells_nothing(line)) return {LogLevel::verbose, {}};
  if (const std::optional<LogLine> found = parse_prefixed(line)) return *found;
  if (const std::optional<LogLine> found = parse_abseil(line)) return *found;
  return {LogLevel::error, without_source_location(line)};
}

std::string printable(std::string_view line) {
  std::ostringstream shown;
  shown << std::hex << std::setfill('0');
  while (!line.empty()) {
    const std::size_t hidden = hidden_size(line);
    for (const char byte : line.substr(0, hidden)) {
      shown << "\\x" << std::setw(2) << static_cast<unsigned>(static_cast<unsigned char>(byte));
    }
    if (hidden == 0) shown << line.front();
    line.remove_prefix(std::max<std::size_t>(hidden, 1));
  }
  return shown.str();
}

}  // namespace zerolite
