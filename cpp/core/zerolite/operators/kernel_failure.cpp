#include "zerolite/operators/kernel_failure.hpp"

#include <utility>

namespace zerolite::kernel_failure {
namespace {

struct Failure {
  std::string message;
  std::exception_ptr exception;
};

Failure& failure() {
  thread_local Failure kept;
  return kept;
}

}  // namespace

void keep(std::string message, std::exception_ptr exception) { failure() = {std::move(message), std::move(exception)}; }

void forget() noexcept {
  if (failure().exception != nullptr) failure().exception = nullptr;
}

std::exception_ptr take_for(std::string_view error_message) noexcept {
  Failure& kept = failure();
  if (kept.exception == nullptr) return nullptr;
  std::exception_ptr taken = std::exchange(kept.exception, nullptr);
  return error_message.find(kept.message) == std::string_view::npos ? nullptr : taken;
}

}  // namespace zerolite::kernel_failure
