// Turning the runtime's statuses into exceptions.
#pragma once

#include <exception>
#include <string>
#include <string_view>

#include "zerolite/platform/error.hpp"
#include "zerolite/runtime/runtime_library.hpp"
#include "zerolite/runtime/runtime_log.hpp"

namespace zerolite {

// "the runtime could not <action>: <its own message> (<status>)".
inline std::string failure(abi::Status status, std::string_view action, const LogCapture& log) {
  const std::string message = log.message();
  std::string text = "the runtime could not ";
  text.append(action);
  if (!message.empty()) text.append(": ").append(message);
  return text.append(" (").append(describe(status)).append(")");
}

inline void require_ok(abi::Status status, std::string_view action, const LogCapture& log) {
  if (status != abi::Status::ok) throw Error(failure(status, action, log));
}

// What `guarded` makes of an exception that the runtime let out of its C interface.
inline constexpr abi::Status kThrown = abi::Status::unknown;

template <typename Call>
abi::Status guarded(Call&& call) {
  try {
    return call();
  } catch (const std::exception&) {
    return kThrown;
  }
}

}  // namespace zerolite
