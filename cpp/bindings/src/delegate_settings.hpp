// External delegates as Python names them: a library, and options.
#pragma once

#include <pybind11/stl.h>

#include <string>
#include <utility>
#include <vector>

#include "zerolite/external_delegate.hpp"

namespace zerolite::bindings {

using DelegateOptions = std::vector<std::pair<std::string, std::string>>;
using Libraries = std::vector<std::pair<std::string, DelegateOptions>>;

inline std::vector<ExternalDelegateSettings> delegate_settings(const Libraries& libraries) {
  std::vector<ExternalDelegateSettings> settings;
  settings.reserve(libraries.size());
  for (const auto& [library, options] : libraries) settings.push_back({library, options});
  return settings;
}

}  // namespace zerolite::bindings
