#include "zerolite/delegates/gpu_delegate.hpp"

#include <dlfcn.h>

#include <algorithm>
#include <cctype>
#include <exception>
#include <iterator>
#include <map>
#include <mutex>
#include <set>
#include <string_view>
#include <utility>

#include "zerolite/platform/error.hpp"
#include "zerolite/platform/shared_library.hpp"
#include "zerolite/runtime/runtime_log.hpp"
#include "zerolite/runtime/status.hpp"
#include "zerolite/runtime/stdout_silence.hpp"

namespace zerolite {
namespace {

constexpr const char* kDefinition = "LiteRtAcceleratorImpl";

// Never closed: Dawn and the drivers that it loads keep threads and exit handlers that must find their code.
const abi::AcceleratorDefinition& open(const std::string& library) {
  void* handle = dlopen(library.c_str(), RTLD_NOW | RTLD_LOCAL);
  if (handle == nullptr) {
    throw DelegateError("the GPU accelerator's library can't be opened (" + loader_error() +
                        "); ai-edge-litert for x86-64 brings the one of the backend 'webgpu'");
  }
  const auto* definition = static_cast<const abi::AcceleratorDefinition*>(dlsym(handle, kDefinition));
  if (definition == nullptr || definition->major_version != 1) {
    throw DelegateError(library + " has no accelerator in the form that this zerolite was written for; install the " +
                        "release with: pip install 'ai-edge-litert>=2.3,<2.4'");
  }
  (void)runtime_log::redirect(handle);
  return *definition;
}

// Opening a device is not for two threads at once, and neither is an environment's table of buffers (LiteRT 2.3.0).
std::mutex& device_mutex() {
  static std::mutex mutex;
  return mutex;
}

// The accelerator keeps its inputs and outputs in buffers of its own, which the runtime makes with these functions.
void register_buffers(abi::Environment environment, const abi::BufferHandlers& handlers) {
  static auto* const done = new std::set<abi::Environment>();
  if (!done->insert(environment).second) return;
  const LogCapture log;
  for (std::size_t i = 0; i < std::min(handlers.type_count, std::size(handlers.types)); ++i) {
    require_ok(runtime().RegisterTensorBufferHandlers(environment, handlers.types[i], handlers.create, handlers.destroy,
                                                      handlers.lock, handlers.unlock, handlers.clear, handlers.import,
                                                      handlers.device_tag, handlers.queue_tag),
               "register the GPU's buffers", log);
  }
}

// By environment, the device that the accelerator opened there; it says so once, in its log.
std::string& device_of(abi::Environment environment) {
  static auto* const devices = new std::map<abi::Environment, std::string>();
  return (*devices)[environment];
}

void note_device(abi::Environment environment, const std::string& message) {
  constexpr std::string_view kBefore = "Selected adapter: ";
  const std::size_t begin = message.find(kBefore);
  if (begin == std::string::npos) return;
  const std::size_t end = message.find(", arch=", begin);
  if (end != std::string::npos)
    device_of(environment) = message.substr(begin + kBefore.size(), end - begin - kBefore.size());
}

std::string lower(std::string text) {
  std::ranges::transform(text, text.begin(), [](unsigned char character) { return std::tolower(character); });
  return text;
}

std::string_view advice(std::string_view message) {
  // Dawn's message, both when there is no Vulkan loader and when it knows no driver (LiteRT 2.3.0).
  if (message.find("No adapters found") == std::string_view::npos &&
      message.find("No supported adapters") == std::string_view::npos) {
    return {};
  }
  return "; the system shows no GPU through Vulkan: install the Vulkan loader (libvulkan1) and the GPU's Vulkan "
         "driver, or set VK_ICD_FILENAMES to the .json file of one, SwiftShader's for example";
}

template <typename Choice>
std::string number_of(Choice choice) {
  return std::to_string(static_cast<int>(choice));
}

}  // namespace

std::vector<std::pair<std::string, std::string>> GpuSettings::options() const {
  std::vector<std::pair<std::string, std::string>> entries = {
      {"precision", number_of(precision)},
      {"buffer_storage_type", number_of(storage)},
      {"priority", number_of(priority)},
      {"wait_type", number_of(wait_type)},
  };
  if (!device.empty()) entries.emplace_back("preferred_device_substr", '"' + device + '"');
  return entries;
}

std::string GpuSettings::device_key() const { return library + '\n' + number_of(priority) + ' ' + lower(device); }

GpuDelegate::GpuDelegate(GpuSettings settings) : settings_(std::move(settings)) {}

bool GpuDelegate::runs_in(const CapturedGraph& graph) {
  constexpr std::string_view kKernel = "LITERT_WEBGPU";
  return graph.any_planned([&](const PlannedNode& planned) {
    const char* name = planned.registration->custom_name;
    return planned.node->delegate != nullptr && name != nullptr && name == kKernel;
  });
}

abi::Status GpuDelegate::answer(const DelegateRequest& request, abi::DelegateWrapper* wrapper) noexcept {
  try {
    refuse("");
    const LogCapture log;
    const std::scoped_lock lock(device_mutex());
    const StdoutSilence silence;
    const abi::AcceleratorDefinition& definition = open(settings_.library);
    register_buffers(request.environment, definition.buffer_handlers);
    const abi::Status status =
        definition.create_delegate(request.context, request.environment, request.accelerator, request.options, wrapper);
    const std::string message = log.message();
    note_device(request.environment, log.message(LogLevel::info));
    if (status != abi::Status::ok) {
      refuse("the GPU accelerator could not start: " + (message.empty() ? "it gave no reason" : message) +
             std::string(advice(message)));
    }
    // The accelerator takes another GPU when there is none of the name (LiteRT 2.3.0).
    const std::string& device = device_of(request.environment);
    if (status == abi::Status::ok && !device.empty() &&
        lower(device).find(lower(settings_.device)) == std::string::npos) {
      runtime().DestroyDelegateWrapper(std::exchange(*wrapper, nullptr));
      refuse("no GPU has a name with '" + settings_.device + "' in it, and the first one is '" + device + "'");
      return abi::Status::not_found;
    }
    return status;
  } catch (const std::exception& error) {
    refuse(error.what());
    if (*wrapper != nullptr) runtime().DestroyDelegateWrapper(std::exchange(*wrapper, nullptr));
    return abi::Status::runtime_failure;
  }
}

}  // namespace zerolite
