// Delegates as Python names them: a library, and options.
#pragma once

#include <pybind11/stl.h>

#include <string>
#include <tuple>
#include <utility>
#include <variant>
#include <vector>

#include "zerolite/delegates/delegate_registry.hpp"

namespace zerolite::bindings {

using DelegateOptions = std::vector<std::pair<std::string, std::string>>;
// An external delegate is a library and options.
using DelegateLibrary = std::pair<std::string, DelegateOptions>;
// A GPU is a library, options, a part of the device's name, a cache, and the key of the device.
using GpuLibrary = std::tuple<std::string, DelegateOptions, std::string, std::string, std::string>;
// An NPU is a dispatch library, a compiler's plug-in, the vendor's name, options, and a cache.
using NpuLibraries = std::tuple<std::string, std::string, std::string, DelegateOptions, std::string>;
using Delegates = std::vector<std::variant<DelegateLibrary, GpuLibrary, NpuLibraries>>;

inline std::vector<DelegateSettings> delegate_settings(const Delegates& delegates) {
  std::vector<DelegateSettings> settings;
  settings.reserve(delegates.size());
  for (const auto& delegate : delegates) {
    if (const auto* gpu = std::get_if<GpuLibrary>(&delegate)) {
      const auto& [library, options, device, cache, device_key] = *gpu;
      settings.emplace_back(GpuSettings{library, options, device, cache, device_key});
    } else if (const auto* npu = std::get_if<NpuLibraries>(&delegate)) {
      const auto& [dispatch, compiler, vendor, options, cache] = *npu;
      settings.emplace_back(NpuSettings{dispatch, compiler, vendor, options, cache});
    } else {
      const auto& [library, options] = std::get<DelegateLibrary>(delegate);
      settings.emplace_back(ExternalDelegateSettings{library, options});
    }
  }
  return settings;
}

}  // namespace zerolite::bindings
