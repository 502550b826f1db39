#include "zerolite/compilation/npu_compilation.hpp"

#include <algorithm>
#include <array>
#include <cstdint>
#include <cstring>
#include <filesystem>
#include <optional>
#include <span>
#include <system_error>
#include <utility>
#include <vector>

#include "zerolite/cache/cache_file.hpp"
#include "zerolite/cache/cache_key.hpp"
#include "zerolite/compilation/compile_options.hpp"
#include "zerolite/compilation/environment.hpp"
#include "zerolite/compilation/load_model.hpp"
#include "zerolite/graph/delegation.hpp"
#include "zerolite/model/flatbuffer.hpp"
#include "zerolite/model/schema_fields.hpp"
#include "zerolite/platform/error.hpp"
#include "zerolite/runtime/status.hpp"
#include "zerolite/runtime/stdout_silence.hpp"

namespace zerolite {
namespace {

namespace fs = std::filesystem;

constexpr const char* kStamp = "LiteRtStamp";

// The manufacturer stands first in the stamp that LiteRT puts into a compiled model's metadata (core/build_stamp.cc).
std::string manufacturer_of(const Model& model) {
  const std::span<const std::byte> bytes = model.bytes().span();
  const auto root = flatbuffer::Table::root(bytes);
  const flatbuffer::Vector entries = root.tables(schema::model::kMetadata);
  for (std::size_t i = 0; i < entries.size(); ++i) {
    const flatbuffer::Table entry = entries.table(i);
    if (entry.string(schema::metadata::kName) != kStamp) continue;
    const flatbuffer::Vector buffers = root.tables(schema::model::kBuffers);
    const auto index = entry.scalar<std::uint32_t>(schema::metadata::kBuffer, 0);
    if (index >= buffers.size()) return {};
    const flatbuffer::Vector data = buffers.table(index).scalars<char>(schema::buffer::kData);
    std::string name;
    for (std::size_t at = 0; at < data.size() && data.scalar<char>(at) != '\0'; ++at) name += data.scalar<char>(at);
    return name;
  }
  return {};
}

std::shared_ptr<const Model> model_of(const FileContent& content, const Model& original) {
  return load_model(ModelBytes::copy(std::as_bytes(std::span(content)), original.name()));
}

bool same_tensors(const std::vector<NamedTensor>& left, const SubgraphDescription& left_graph,
                  const std::vector<NamedTensor>& right, const SubgraphDescription& right_graph) {
  return std::ranges::equal(left, right, [&](const NamedTensor& one, const NamedTensor& other) {
    const TensorDescription& first = left_graph.tensors[static_cast<std::size_t>(one.tensor_index)];
    const TensorDescription& second = right_graph.tensors[static_cast<std::size_t>(other.tensor_index)];
    return one.name == other.name && first.type == second.type && first.shape == second.shape;
  });
}

// The user of a model must see no difference after it was compiled.
void require_same_signatures(const Model& compiled, const Model& original) {
  const ModelInterface& left = compiled.interface();
  const ModelInterface& right = original.interface();
  const bool same = std::ranges::equal(
      left.signatures, right.signatures, [&](const SignatureDescription& one, const SignatureDescription& other) {
        const SubgraphDescription& first = left.subgraphs[one.subgraph];
        const SubgraphDescription& second = right.subgraphs[other.subgraph];
        return one.key == other.key && same_tensors(one.inputs, first, other.inputs, second) &&
               same_tensors(one.outputs, first, other.outputs, second);
      });
  if (!same) throw DelegateError("the NPU's compiler gave the model other signatures, inputs or outputs");
}

std::optional<FileContent> find_compiled_model(const fs::path& directory) {
  std::error_code failure;
  for (const fs::directory_entry& entry : fs::recursive_directory_iterator(directory, failure)) {
    if (entry.path().extension() == ".tflite") return read_file(entry.path());
  }
  return std::nullopt;
}

// An object of the runtime's to be used once: compiling takes it apart (LiteRT 2.3.0).
ModelHandle model_to_compile(const Model& model, const Environment& environment) {
  const std::span<const std::byte> bytes = model.bytes().span();
  const LogCapture log;
  abi::Model handle = nullptr;
  const abi::Status status = runtime().CreateModelFromBuffer(environment.handle(), bytes.data(), bytes.size(), &handle);
  if (status != abi::Status::ok) {
    throw DelegateError("the model can't be given to the NPU's compiler: " + failure(status, "read it", log));
  }
  return ModelHandle(handle);
}

FileContent run_compiler(const Model& model, const NpuSettings& settings, const fs::path& directory) {
  open_vendor_library(settings.compiler_library, "compiler plug-in", settings);
  const Environment environment = Environment::compiler(fs::path(settings.compiler_library).parent_path(), directory);
  const ModelHandle handle = model_to_compile(model, environment);
  CompileOptions options;
  options.before_xnnpack.emplace_back(settings);
  const OptionsHandle runtime_options = options.to_runtime();
  const StdoutSilence silence;
  const LogCapture log;
  // Whether the runtime could go on to run it is of no interest here: this environment has nothing to run it with.
  abi::CompiledModel compiled = nullptr;
  (void)guarded([&] {
    return runtime().CreateCompiledModel(environment.handle(), handle.get(), runtime_options.get(), &compiled);
  });
  const CompiledModelHandle unused(compiled);
  std::optional<FileContent> compiled_model = find_compiled_model(directory);
  if (!compiled_model) {
    const std::string message = log.message();
    throw DelegateError("the NPU's compiler plug-in " + settings.compiler_library +
                        " compiled nothing: " + (message.empty() ? "it gave no reason" : message));
  }
  return *std::move(compiled_model);
}

}  // namespace

std::string npu_of_compiled_model(const Model& model) {
  // Converters may list the operator without using it.
  const std::vector<OperatorCode>& codes = model.interface().operator_codes;
  const bool is_compiled = std::ranges::any_of(model.interface().subgraphs, [&](const SubgraphDescription& subgraph) {
    return std::ranges::any_of(subgraph.operators, [&](std::uint32_t code) {
      return codes[code].custom_code.find(kDispatchOperator) != std::string::npos;
    });
  });
  if (!is_compiled) return {};
  const std::string manufacturer = manufacturer_of(model);
  return manufacturer.empty() ? "an NPU" : "an NPU (" + manufacturer + ")";
}

std::shared_ptr<const Model> compile_for_npu(const std::shared_ptr<const Model>& model, const NpuSettings& settings) {
  const bool keeps = !settings.cache.empty();
  const std::array libraries = {settings.compiler_library, RuntimeLibrary::get().path().string()};
  const Digest key = cache_key(*model, libraries, settings.vendor, settings.toml_options());
  const fs::path shared = keeps ? make_directory(settings.cache) : fs::temp_directory_path();
  const fs::path kept = shared / (hexadecimal(key) + ".sealed");
  std::optional<FileContent> content = keeps ? read_checksummed(kept, key) : std::nullopt;
  if (!content) {
    const PrivateDirectory directory(shared);
    content = run_compiler(*model, settings, directory.path());
    if (keeps) write_checksummed(kept, key, *content);
  }
  std::shared_ptr<const Model> compiled = model_of(*content, *model);
  if (npu_of_compiled_model(*compiled).empty()) return model;
  require_same_signatures(*compiled, *model);
  return compiled;
}

}  // namespace zerolite
