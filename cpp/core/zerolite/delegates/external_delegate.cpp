#include "zerolite/delegates/external_delegate.hpp"

#include <dlfcn.h>

#include <exception>

#include "zerolite/platform/error.hpp"
#include "zerolite/platform/shared_library.hpp"
#include "zerolite/runtime/accelerator.hpp"
#include "zerolite/runtime/guard.hpp"

namespace zerolite {
namespace {

using abi::tflite::Delegate;

using Create = Delegate*(const char* const* keys, const char* const* values, std::size_t count,
                         void (*report_error)(const char*));
using Destroy = void(Delegate*);

constexpr const char* kCreate = "tflite_plugin_create_delegate";
constexpr const char* kDestroy = "tflite_plugin_destroy_delegate";

// What the library reports while it makes a delegate: the entry point takes a function, and no data for it.
std::string& reported_message() {
  thread_local std::string message;
  return message;
}

// Called by foreign code, which an exception must not cross.
void report_error(const char* message) noexcept {
  try {
    std::string& reported = reported_message();
    if (!reported.empty()) reported += "; ";
    reported += message == nullptr ? "an error without words" : message;
  } catch (const std::exception&) {  // NOLINT(bugprone-empty-catch): no memory for the message, no reason to die
  }
}

void* open(const std::string& library) {
  void* handle = dlopen(library.c_str(), RTLD_NOW | RTLD_LOCAL);
  if (handle == nullptr) {
    throw DelegateError("the delegate library " + library + " can't be opened (" + loader_error() +
                        "); pass the path of a library that was built for this machine");
  }
  return handle;
}

template <typename Function>
Function* resolve(void* handle, const char* name, const std::string& library) {
  void* symbol = dlsym(handle, name);
  if (symbol == nullptr) {
    throw DelegateError("the library " + library + " has no symbol " + name +
                        ", so it is no delegate in the form of a plug-in; pass one that exports " + kCreate + " and " +
                        kDestroy);
  }
  return reinterpret_cast<Function*>(symbol);
}

Delegate* call(Create* create, const ExternalDelegateSettings& settings) {
  std::vector<const char*> keys;
  std::vector<const char*> values;
  keys.reserve(settings.options.size());
  values.reserve(settings.options.size());
  for (const auto& [key, value] : settings.options) {
    keys.push_back(key.c_str());
    values.push_back(value.c_str());
  }
  reported_message().clear();
  try {
    return create(keys.data(), values.data(), keys.size(), &report_error);
  } catch (const std::exception& error) {
    report_error(error.what());
  } catch (...) {
    report_error("an exception of an unknown type");
  }
  return nullptr;
}

}  // namespace

ExternalDelegate::ExternalDelegate(const ExternalDelegateSettings& settings) : library_(settings.library) {
  // Never closed: such libraries keep threads, thread-local destructors and exit handlers that must find their code.
  void* handle = open(settings.library);
  auto* const create = resolve<Create>(handle, kCreate, settings.library);
  destroy_ = resolve<Destroy>(handle, kDestroy, settings.library);
  delegate_ = call(create, settings);
  if (delegate_ == nullptr) {
    const std::string message = std::exchange(reported_message(), {});
    throw DelegateError("the library " + settings.library + " made no delegate" +
                        (message.empty() ? " and gave no reason" : ": " + message) +
                        "; check the options that it was given");
  }
}

ExternalDelegate::~ExternalDelegate() {
  // A destructor can tell nobody of what the library throws while it takes its delegate down.
  try {
    guard([this] { destroy_(delegate_); });
  } catch (const std::exception&) {  // NOLINT(bugprone-empty-catch)
  }
}

abi::Status ExternalDelegate::answer(const DelegateRequest& /*request*/, abi::DelegateWrapper* wrapper) noexcept {
  return lend_delegate(delegate_, wrapper);
}

}  // namespace zerolite
