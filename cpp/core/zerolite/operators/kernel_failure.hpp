// What a user's kernel threw, until the Error that the run ends with has come out of the runtime.
//
// The runtime passes on a status and a message. The exception waits beside it, on the thread that runs.
#pragma once

#include <exception>
#include <string>
#include <string_view>

namespace zerolite::kernel_failure {

// `message` is what the runtime is told.
void keep(std::string message, std::exception_ptr exception);
// A kernel begins, and whatever failed before has come out or is forgotten.
void forget() noexcept;
// The exception whose message is in the message of an error; null when there is none, as for most errors.
[[nodiscard]] std::exception_ptr take_for(std::string_view error_message) noexcept;

}  // namespace zerolite::kernel_failure
