// LiteRT's environment: which accelerators there are, in which order they are applied.
#pragma once

#include <string>

#include "zerolite/handle.hpp"
#include "zerolite/runtime_log.hpp"

namespace zerolite {

class Environment {
 public:
  // The process's environment for the CPU. It lives until the process ends, since accelerators can't be
  // unregistered.
  static const Environment& cpu();
  // Likewise one for the models that run on a GPU, by what chooses the GPU: an environment keeps the device that its
  // first such model opened (LiteRT 2.3.0). Models of different environments do not disturb one another.
  static const Environment& gpu(const std::string& device_key);

  // Makes the runtime write messages from this level on; what becomes of them is runtime_log's business.
  static void set_runtime_log_level(LogLevel level);

  [[nodiscard]] abi::Environment handle() const { return handle_.get(); }

 private:
  Environment();

  EnvironmentHandle handle_;
};

}  // namespace zerolite
