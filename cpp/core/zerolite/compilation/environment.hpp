// LiteRT's environment: which accelerators there are, in which order they are applied.
#pragma once

#include <string>
#include <utility>

#include "zerolite/runtime/handle.hpp"
#include "zerolite/runtime/runtime_log.hpp"

namespace zerolite {

class Environment {
 public:
  // The process's environment for the CPU. It lives until the process ends, since accelerators can't be
  // unregistered.
  static const Environment& cpu();
  // One for the models that run on the same GPU, by the settings that choose it: an environment keeps the device that
  // its first such model has opened (LiteRT 2.3.0). Models of different environments do not disturb one another.
  static const Environment& gpu(const std::string& device_key);

  // One for the models that run on the same NPU, by the directory of its dispatch library, which an environment is made
  // with, and by the settings that choose a GPU.
  static const Environment& npu(const std::string& dispatch_directory, const std::string& device_key);
  // One that only compiles for an NPU, with the plug-in in a directory, and leaves what it compiled in another one.
  static Environment compiler(const std::string& plugin_directory, const std::string& output_directory);

  // Makes the runtime write messages from this level on; what becomes of them is runtime_log's business.
  static void set_runtime_log_level(LogLevel level);

  [[nodiscard]] abi::Environment handle() const { return handle_.get(); }

 private:
  explicit Environment(EnvironmentHandle handle) : handle_(std::move(handle)) {}

  EnvironmentHandle handle_;
};

}  // namespace zerolite
