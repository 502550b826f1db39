// The runtime's own messages. LiteRT and TensorFlow Lite write them to stderr and nowhere else, so the
// library's reference to stderr is pointed at a stream of ours: what is said during one of our calls goes
// into the exception that the call may throw, and reaches the terminal only when a log level asks for it.
#pragma once

#include <cstddef>
#include <string>

#include "zerolite/runtime/log_line.hpp"

namespace zerolite {

namespace runtime_log {
struct ThreadLog;  // what one thread has collected
}

// Collects what the runtime says on this thread while it lives. Captures nest; each sees what came since it
// began.
class LogCapture {
 public:
  LogCapture();
  ~LogCapture();
  LogCapture(const LogCapture&) = delete;
  LogCapture& operator=(const LogCapture&) = delete;

  // What was said so far at this level (info or worse) and above, as one line without the runtime's prefixes; empty
  // when it was nothing.
  [[nodiscard]] std::string message(LogLevel from = LogLevel::warning) const;

 private:
  runtime_log::ThreadLog& log_;
  std::size_t begin_;
};

namespace runtime_log {

// Points the library's `stderr` at our stream; needs no second call for the same library. False when the library has no
// such reference: then its messages go where it sends them, and exceptions carry only the status.
bool redirect(void* library_handle);

// Writes a line of ours to stderr, where the level asks for it.
void say(LogLevel severity, const std::string& line);

// Adds an error to what this thread's captures have collected; where memory runs out, it is left out.
void note(const std::string& error) noexcept;

LogLevel level();
void set_level(LogLevel level);

}  // namespace runtime_log
}  // namespace zerolite
