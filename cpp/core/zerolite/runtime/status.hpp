// Turning the runtime's statuses into exceptions.
#pragma once

#include <cxxabi.h>

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

// What `guarded` makes of an exception that a kernel, or the runtime, let out of a C interface.
inline constexpr abi::Status kThrown = abi::Status::unknown;

// What it says is then among the messages of the captures that there are.
template <typename Call>
abi::Status guarded(Call&& call) {
  try {
    return call();
  } catch (const Error& error) {
    runtime_log::note(error.what());  // of a call that `guard` surrounds
  } catch (const std::exception& error) {
    runtime_log::note(std::string("an exception was thrown: ") + error.what());
  } catch (const ::abi::__forced_unwind&) {
    throw;  // the end of a thread
  } catch (...) {
    runtime_log::note("an exception of an unknown type was thrown");
  }
  return kThrown;
}

}  // namespace zerolite
