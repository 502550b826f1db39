// The models of tests/models.
#pragma once

#include <cstddef>
#include <filesystem>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "zerolite/inference/compiled_model.hpp"
#include "zerolite/model/model.hpp"

namespace zerolite::tests {

std::filesystem::path model_path(std::string_view name);
// All of them, sorted.
std::vector<std::string> model_names();
std::vector<std::byte> model_content(std::string_view name);

std::shared_ptr<const Model> read_model(std::string_view name);
// The settings with which no delegate takes an operator.
CompileOptions builtin_kernels();
std::unique_ptr<CompiledModel> compile(std::string_view name, const CompileOptions& options = {});

// While it lives, signatures that are used for the first time are never dispatched directly.
class RegularDispatchOnly {
 public:
  RegularDispatchOnly();
  ~RegularDispatchOnly();
  RegularDispatchOnly(const RegularDispatchOnly&) = delete;
  RegularDispatchOnly& operator=(const RegularDispatchOnly&) = delete;
};

}  // namespace zerolite::tests
