#include "support/test_models.hpp"

#include <algorithm>
#include <cstdlib>

#include "zerolite/compilation/load_model.hpp"
#include "zerolite/model/model_bytes.hpp"

namespace zerolite::tests {

std::filesystem::path model_path(std::string_view name) {
  return std::filesystem::path(ZEROLITE_TEST_MODELS) / (std::string(name) + ".tflite");
}

std::vector<std::string> model_names() {
  std::vector<std::string> names;
  for (const auto& entry : std::filesystem::directory_iterator(ZEROLITE_TEST_MODELS)) {
    if (entry.path().extension() == ".tflite") names.push_back(entry.path().stem().string());
  }
  std::ranges::sort(names);
  return names;
}

std::vector<std::byte> model_content(std::string_view name) {
  const std::shared_ptr<ModelBytes> bytes = ModelBytes::read(model_path(name));
  return {bytes->span().begin(), bytes->span().end()};
}

std::shared_ptr<const Model> read_model(std::string_view name) {
  return load_model(ModelBytes::read(model_path(name)));
}

CompileOptions builtin_kernels() {
  CompileOptions options;
  options.kernels = CpuKernels::builtin;
  return options;
}

std::unique_ptr<CompiledModel> compile(std::string_view name, const CompileOptions& options) {
  return std::make_unique<CompiledModel>(read_model(name), options);
}

// The tests that use it have one thread.
// NOLINTBEGIN(concurrency-mt-unsafe)
RegularDispatchOnly::RegularDispatchOnly() { ::setenv("ZEROLITE_DISPATCH", "runtime", 1); }
RegularDispatchOnly::~RegularDispatchOnly() { ::unsetenv("ZEROLITE_DISPATCH"); }
// NOLINTEND(concurrency-mt-unsafe)

}  // namespace zerolite::tests
