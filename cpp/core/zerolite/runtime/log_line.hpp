// One line of what the runtime and its libraries write: how bad it is, and what it says to a user.
#pragma once

#include <string>
#include <string_view>

namespace zerolite {

enum class LogLevel : int { verbose = 0, info = 1, warning = 2, error = 3, silent = 4 };

struct LogLine {
  LogLevel level = LogLevel::error;  // also that of a line in an unknown form
  std::string_view text;             // without prefixes; empty when it tells nothing
};

// Knows the forms of LiteRT and TensorFlow Lite ("ERROR: [file:line] text"), of Abseil ("E0102 03:04:05 7 file:8]
// text") and of Dawn ("Warning: text", followed by indented lines that say where).
LogLine parse_log_line(std::string_view line);

// The line as a terminal may show it: names from models stand in it, and control characters of theirs, ESC first of
// all, would command it. They come out as \x1b, and so do marks that turn the direction of text.
std::string printable(std::string_view line);

}  // namespace zerolite
