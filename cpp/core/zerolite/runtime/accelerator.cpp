#include "zerolite/runtime/accelerator.hpp"

#include "zerolite/runtime/handle.hpp"
#include "zerolite/runtime/opaque_options.hpp"
#include "zerolite/runtime/runtime_library.hpp"
#include "zerolite/runtime/status.hpp"

namespace zerolite {
namespace {

abi::Status get_name(abi::AcceleratorConst /*accelerator*/, const char** name) {
  *name = "zerolite";
  return abi::Status::ok;
}

abi::Status get_version(abi::AcceleratorConst /*accelerator*/, abi::ApiVersion* version) {
  *version = {1, 0, 0};
  return abi::Status::ok;
}

abi::Status get_hardware_support(abi::AcceleratorConst /*accelerator*/, int* hardware) {
  *hardware = abi::kHardwareCpu;
  return abi::Status::ok;
}

// The runtime insists on destructors; what is handed out belongs to the model that is being compiled.
void keep_settings(void* /*settings*/) {}
void keep_delegate(abi::OpaqueDelegate /*delegate*/) {}

}  // namespace

void register_accelerator(abi::Environment environment, const abi::AcceleratorDefinition& identity,
                          abi::CreateDelegate* create_delegate) {
  const LogCapture log;
  const auto require = [&](abi::Status status) { require_ok(status, "register an accelerator", log); };
  abi::Accelerator accelerator = nullptr;
  require(runtime().CreateAccelerator(&accelerator));
  AcceleratorHandle handle(accelerator);
  require(runtime().SetAcceleratorGetName(accelerator, identity.get_name));
  require(runtime().SetAcceleratorGetVersion(accelerator, identity.get_version));
  require(runtime().SetAcceleratorGetHardwareSupport(accelerator, identity.get_hardware_support));
  require(runtime().SetDelegateFunction(accelerator, create_delegate));
  // The runtime takes the accelerator whether it accepts it or not.
  require(runtime().RegisterAccelerator(environment, handle.release(), nullptr, nullptr));
}

void register_accelerator(abi::Environment environment, abi::CreateDelegate* create_delegate) {
  abi::AcceleratorDefinition ours{};
  ours.get_name = &get_name;
  ours.get_version = &get_version;
  ours.get_hardware_support = &get_hardware_support;
  register_accelerator(environment, ours, create_delegate);
}

void attach_settings(abi::Options options, const char* identifier, void* settings) {
  add_opaque_options(options, identifier, OpaqueOptions(settings, &keep_settings));
}

void* find_settings(abi::Options options, const char* identifier) {
  abi::OpaqueOptions payloads = nullptr;
  void* settings = nullptr;
  if (runtime().GetOpaqueOptions(options, &payloads) != abi::Status::ok) return nullptr;
  if (runtime().FindOpaqueOptionsData(payloads, identifier, &settings) != abi::Status::ok) return nullptr;
  return settings;
}

abi::Status lend_delegate(abi::tflite::Delegate* delegate, abi::DelegateWrapper* wrapper) {
  return runtime().WrapDelegate(reinterpret_cast<abi::OpaqueDelegate>(delegate), &keep_delegate, wrapper);
}

}  // namespace zerolite
