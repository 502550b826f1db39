#include "zerolite/environment.hpp"

#include <algorithm>
#include <array>
#include <map>
#include <memory>
#include <mutex>

#include "zerolite/accelerator.hpp"
#include "zerolite/delegate_slots.hpp"
#include "zerolite/error.hpp"
#include "zerolite/graph_observer.hpp"
#include "zerolite/status.hpp"

namespace zerolite {
namespace {

abi::EnvironmentOption integer_option(abi::EnvironmentOptionTag tag, std::int64_t value) {
  abi::EnvironmentOption option{};
  option.tag = tag;
  option.value.type = abi::AnyType::integer;
  option.value.int_value = value;
  return option;
}

EnvironmentHandle create(LogLevel log_level) {
  const std::array options = {
      // None of the runtime's choice: it would probe for GPU and NPU libraries that nobody asked for, and put XNNPACK
      // before all others.
      integer_option(abi::EnvironmentOptionTag::auto_register_accelerators, 0),
      integer_option(abi::EnvironmentOptionTag::min_logger_severity, static_cast<int>(log_level)),
  };
  const LogCapture log;
  abi::Environment environment = nullptr;
  require_ok(runtime().CreateEnvironment(static_cast<int>(options.size()), options.data(), &environment),
             "create its environment", log);
  return EnvironmentHandle(environment);
}

// Warnings are wanted even when nothing is shown: they go into exceptions.
LogLevel runtime_level(LogLevel shown) { return std::min(shown, LogLevel::warning); }

}  // namespace

Environment::Environment() : handle_(create(runtime_level(runtime_log::level()))) {
  // Accelerators are applied in the order of registration: the observer, coming last, sees the final graph.
  DelegateSlots::register_before_xnnpack(handle_.get());
  register_cpu_accelerator(handle_.get());
  DelegateSlots::register_after_xnnpack(handle_.get());
  GraphObserver::register_with(handle_.get());
}

const Environment& Environment::cpu() {
  // Leaked on purpose: models may be destroyed while the process is already tearing down.
  static const auto* environment = new Environment();
  return *environment;
}

const Environment& Environment::gpu(const std::string& device_key) {
  static std::mutex mutex;
  static auto* environments = new std::map<std::string, std::unique_ptr<const Environment>>();
  const std::scoped_lock lock(mutex);
  std::unique_ptr<const Environment>& environment = (*environments)[device_key];
  if (environment == nullptr) environment = std::unique_ptr<const Environment>(new Environment());
  return *environment;
}

void Environment::set_runtime_log_level(LogLevel level) {
  // The level is global to the library, and creating an environment is the only call that sets it
  // (LiteRT 2.3.0).
  (void)create(runtime_level(level));
}

}  // namespace zerolite
