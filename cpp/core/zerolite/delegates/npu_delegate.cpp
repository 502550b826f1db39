#include "zerolite/delegates/npu_delegate.hpp"

#include <dlfcn.h>

#include <array>
#include <charconv>
#include <cmath>
#include <exception>
#include <mutex>
#include <optional>
#include <string_view>

#include "zerolite/graph/delegation.hpp"
#include "zerolite/platform/error.hpp"
#include "zerolite/platform/shared_library.hpp"
#include "zerolite/runtime/runtime_log.hpp"
#include "zerolite/runtime/status.hpp"
#include "zerolite/runtime/stdout_silence.hpp"

namespace zerolite {
namespace {

// What the process's dispatch library was started with. The runtime keeps one for the process and gives it options once
// (LiteRT 2.3.0), so a second one would be the first all the same.
class Started {
 public:
  std::mutex mutex;

  void require_same(const NpuSettings& asked) const {
    if (!settings_) return;
    if (settings_->dispatch_library != asked.dispatch_library) {
      throw DelegateError("the process has started the NPU library " + settings_->dispatch_library +
                          ", and the runtime takes no second one; use " + asked.dispatch_library +
                          " in another process");
    }
    if (settings_->vendor != asked.vendor || settings_->toml_options() != asked.toml_options()) {
      throw DelegateError("the process has started the NPU library " + asked.dispatch_library +
                          " with other options, and the runtime passes them on once; use these in another process");
    }
  }
  void set(const NpuSettings& settings) { settings_ = settings; }

 private:
  std::optional<NpuSettings> settings_;
};

Started& started() {
  static auto* const started = new Started();
  return *started;
}

std::string_view advice(std::string_view message) {
  if (message.find("libopenvino") != std::string_view::npos) {
    return "; Intel's libraries come with: pip install 'openvino==2026.3.*' beside ai-edge-litert, and those of its "
           "NPU with the NPU's driver";
  }
  return "; install what the vendor's libraries need, where the system's loader finds it (LD_LIBRARY_PATH)";
}

// With a point or an exponent, which tells it from a whole number.
std::string text_of(double number) {
  constexpr double kLeastFixed = 1e-4;  // beyond these there would be too many zeros
  constexpr double kMostFixed = 1e16;
  const double size = std::abs(number);
  const bool fixed = size == 0 || (size >= kLeastFixed && size < kMostFixed);
  std::array<char, 64> buffer{};
  const auto [end, error] = std::to_chars(buffer.data(), buffer.data() + buffer.size(), number,
                                          fixed ? std::chars_format::fixed : std::chars_format::scientific);
  std::string text(buffer.data(), end);
  if (fixed && text.find('.') == std::string::npos) text += ".0";
  return text;
}

std::string text_of(bool value) { return value ? "true" : "false"; }
std::string text_of(std::int64_t number) { return std::to_string(number); }
std::string text_of(const std::string& text) { return '"' + text + '"'; }

}  // namespace

std::vector<std::pair<std::string, std::string>> NpuSettings::toml_options() const {
  std::vector<std::pair<std::string, std::string>> toml;
  toml.reserve(options.size());
  for (const auto& [name, option] : options) {
    toml.emplace_back(name, std::visit([](const auto& value) { return text_of(value); }, option));
  }
  return toml;
}

void open_vendor_library(const std::string& library, const std::string& purpose, const NpuSettings& settings) {
  if (library.empty()) {
    throw DelegateError("there is no " + purpose + " of the vendor '" + settings.vendor +
                        "' in the package ai-edge-litert for this machine; pass the directory of one");
  }
  // Never closed: such libraries keep threads and exit handlers that must find their code.
  void* handle = dlopen(library.c_str(), RTLD_NOW | RTLD_LOCAL | RTLD_NODELETE);
  if (handle == nullptr) {
    const std::string message = loader_error();
    throw DelegateError("the NPU's " + purpose + " " + library + " can't be opened (" + message + ")" +
                        std::string(advice(message)));
  }
  (void)runtime_log::redirect(handle);
}

NpuDelegate::NpuDelegate(NpuSettings settings) : settings_(std::move(settings)) {}

bool NpuDelegate::runs_in(const CapturedGraph& graph) {
  return graph.any_planned([&](const PlannedNode& planned) {
    return planned.node->delegate != nullptr && kernel_name(graph, planned) == kDispatchKernel;
  });
}

void NpuDelegate::start(const DelegateRequest& request) const {
  const std::scoped_lock lock(started().mutex);
  open_vendor_library(settings_.dispatch_library, "dispatch library", settings_);
  started().require_same(settings_);
  const StdoutSilence silence;
  const LogCapture log;
  const abi::Status status =
      guarded([&] { return runtime().DispatchInitialize(request.context, request.environment, request.options); });
  if (status != abi::Status::ok) {
    const std::string message = log.message();
    throw DelegateError("the NPU's dispatch library " + settings_.dispatch_library + " could not start: " +
                        (message.empty() ? "it gave no reason" : message) + " (" + std::string(describe(status)) + ")");
  }
  started().set(settings_);
}

abi::Status NpuDelegate::answer(const DelegateRequest& request, abi::DelegateWrapper* /*wrapper*/) noexcept {
  try {
    refuse("");
    start(request);
    return abi::Status::ok;
  } catch (const std::exception& error) {
    refuse(error.what());
    return abi::Status::runtime_failure;
  }
}

}  // namespace zerolite
