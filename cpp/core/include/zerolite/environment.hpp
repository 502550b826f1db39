// LiteRT's environment: which accelerators there are, in which order they are applied.
#pragma once

#include <memory>

#include "zerolite/handle.hpp"
#include "zerolite/runtime_log.hpp"

namespace zerolite {

class Environment {
 public:
  // The process's environment for the CPU. It lives until the process ends, since accelerators can't be
  // unregistered.
  static const Environment& cpu();

  // Makes the runtime write messages from this level on; what becomes of them is runtime_log's business.
  static void set_runtime_log_level(LogLevel level);

  [[nodiscard]] abi::Environment handle() const { return handle_.get(); }

 private:
  Environment();

  EnvironmentHandle handle_;
};

}  // namespace zerolite
