#include "zerolite/compilation/environment.hpp"

#include <algorithm>
#include <map>
#include <mutex>
#include <utility>
#include <vector>

#include "zerolite/delegates/delegate_registry.hpp"
#include "zerolite/delegates/xnnpack_delegate.hpp"
#include "zerolite/graph/graph_observer.hpp"
#include "zerolite/operators/custom_operators.hpp"
#include "zerolite/platform/error.hpp"
#include "zerolite/runtime/status.hpp"

namespace zerolite {
namespace {

abi::EnvironmentOption integer_option(abi::EnvironmentOptionTag tag, std::int64_t value) {
  abi::EnvironmentOption option{};
  option.tag = tag;
  option.value.type = abi::AnyType::integer;
  option.value.int_value = value;
  return option;
}

abi::EnvironmentOption text_option(abi::EnvironmentOptionTag tag, const std::string& value) {
  abi::EnvironmentOption option{};
  option.tag = tag;
  option.value.type = abi::AnyType::string;
  option.value.str_value = value.c_str();  // the runtime keeps a copy
  return option;
}

EnvironmentHandle create(LogLevel log_level, std::vector<abi::EnvironmentOption> options = {}) {
  // None of the runtime's choice: it would probe for GPU and NPU libraries that nobody asked for, and put XNNPACK
  // before all others. How to register XNNPACK is only known of libraries that are known.
  const std::int64_t chosen_by_runtime = RuntimeLibrary::get().is_known() ? 0 : abi::kHardwareCpu;
  options.insert(options.end(),
                 {
                     integer_option(abi::EnvironmentOptionTag::auto_register_accelerators, chosen_by_runtime),
                     integer_option(abi::EnvironmentOptionTag::min_logger_severity, static_cast<int>(log_level)),
                 });
  const LogCapture log;
  abi::Environment environment = nullptr;
  require_ok(runtime().CreateEnvironment(static_cast<int>(options.size()), options.data(), &environment),
             "create its environment", log);
  return EnvironmentHandle(environment);
}

// Warnings are wanted even when nothing is shown: they go into exceptions.
LogLevel runtime_level(LogLevel shown) { return std::min(shown, LogLevel::warning); }

// Accelerators are applied in the order of registration: custom operators have their kernels before any delegate looks
// at the graph, and the observer, coming last, sees the final graph.
void register_before_xnnpack(abi::Environment environment) {
  CustomOperators::register_with(environment);
  DelegateRegistry::register_before_xnnpack(environment);
}

void register_from_xnnpack_on(abi::Environment environment) {
  XnnpackDelegate::register_with(environment);
  DelegateRegistry::register_after_xnnpack(environment);
  GraphObserver::register_with(environment);
}

EnvironmentHandle without_npu() {
  EnvironmentHandle environment = create(runtime_level(runtime_log::level()));
  if (!RuntimeLibrary::get().is_known()) {
    runtime_log::say(LogLevel::warning, RuntimeLibrary::get().unknown_notice());
    return environment;
  }
  register_before_xnnpack(environment.get());
  register_from_xnnpack_on(environment.get());
  return environment;
}

EnvironmentHandle with_npu(const std::string& dispatch_directory) {
  EnvironmentHandle environment =
      create(runtime_level(runtime_log::level()),
             {text_option(abi::EnvironmentOptionTag::dispatch_library_dir, dispatch_directory)});
  register_before_xnnpack(environment.get());
  const LogCapture log;
  require_ok(runtime().RegisterNpuAccelerator(environment.get()), "register its accelerator for NPUs", log);
  register_from_xnnpack_on(environment.get());
  return environment;
}

// One for each key, made when it is first asked for. It must never be destroyed: models may outlive all that is static.
class KeyedEnvironments {
 public:
  template <typename Make>
  const Environment& get(const std::string& key, const Make& make) {
    const std::scoped_lock lock(mutex_);
    const auto known = environments_.find(key);
    return known == environments_.end() ? environments_.emplace(key, make()).first->second : known->second;
  }

 private:
  std::mutex mutex_;
  std::map<std::string, const Environment> environments_;
};

}  // namespace

const Environment& Environment::cpu() {
  static const auto* environment = new Environment(without_npu());
  return *environment;
}

const Environment& Environment::gpu(const std::string& device_key) {
  static auto* const environments = new KeyedEnvironments();
  return environments->get(device_key, [] { return Environment(without_npu()); });
}

const Environment& Environment::npu(const std::string& dispatch_directory, const std::string& device_key) {
  static auto* const environments = new KeyedEnvironments();
  return environments->get(device_key + '\n' + dispatch_directory,
                           [&] { return Environment(with_npu(dispatch_directory)); });
}

Environment Environment::compiler(const std::string& plugin_directory, const std::string& output_directory) {
  return Environment(create(runtime_level(runtime_log::level()),
                            {text_option(abi::EnvironmentOptionTag::compiler_plugin_library_dir, plugin_directory),
                             text_option(abi::EnvironmentOptionTag::compiler_cache_dir, output_directory)}));
}

void Environment::set_runtime_log_level(LogLevel level) {
  // The level is global to the library, and creating an environment is the only call that sets it
  // (LiteRT 2.3.0).
  (void)create(runtime_level(level));
}

}  // namespace zerolite
