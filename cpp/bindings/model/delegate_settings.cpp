#include "model/delegate_settings.hpp"

#include <pybind11/pybind11.h>

#include <array>
#include <cstdint>
#include <span>
#include <string_view>
#include <utility>

#include "python/names.hpp"
#include "register.hpp"
#include "zerolite/delegates/delegate_registry.hpp"
#include "zerolite/delegates/xnnpack_flags.hpp"
#include "zerolite/platform/error.hpp"

namespace py = pybind11;

namespace zerolite::bindings {
namespace {

// The names that Python has for the values of an enumeration.
template <typename Choice>
using Names = std::span<const std::pair<std::string_view, Choice>>;

constexpr std::array kKernels = std::to_array<std::pair<std::string_view, CpuKernels>>({
    {"delegate", CpuKernels::delegate},
    {"builtin", CpuKernels::builtin},
    {"reference", CpuKernels::reference},
});
constexpr std::array kWeights = std::to_array<std::pair<std::string_view, Weights>>({
    {"stored", Weights::stored},
    {"dequantized", Weights::dequantized},
});
constexpr std::array kPrecisions = std::to_array<std::pair<std::string_view, GpuPrecision>>({
    {"automatic", GpuPrecision::automatic},
    {"fp16", GpuPrecision::fp16},
    {"fp32", GpuPrecision::fp32},
    {"fp16_fp32_accumulation", GpuPrecision::fp16_fp32_accumulation},
});
constexpr std::array kStorages = std::to_array<std::pair<std::string_view, GpuStorage>>({
    {"automatic", GpuStorage::automatic},
    {"buffer", GpuStorage::buffer},
});
constexpr std::array kPriorities = std::to_array<std::pair<std::string_view, GpuPriority>>({
    {"low", GpuPriority::low},
    {"normal", GpuPriority::normal},
});
constexpr std::array kWaitTypes = std::to_array<std::pair<std::string_view, GpuWaitType>>({
    {"automatic", GpuWaitType::automatic},
    {"passive", GpuWaitType::passive},
    {"active", GpuWaitType::active},
});

template <typename Choice>
Choice chosen(const char* setting, std::string_view name, Names<Choice> names) {
  std::string known;
  for (const auto& [text, choice] : names) {
    if (text == name) return choice;
    known.append(known.empty() ? "'" : ", '").append(text).append("'");
  }
  throw ValueError(std::string(setting) + " is '" + std::string(name) + "', and must be one of " + known);
}

template <typename Choice>
std::string_view name_of(Choice choice, Names<Choice> names) {
  for (const auto& [text, known] : names) {
    if (known == choice) return text;
  }
  return {};
}

// Options keep the order in which Python has them.
template <typename Value>
std::vector<std::pair<std::string, Value>> options_of(const py::dict& options) {
  std::vector<std::pair<std::string, Value>> pairs;
  pairs.reserve(options.size());
  for (const auto& [name, value] : options) pairs.emplace_back(py::cast<std::string>(name), py::cast<Value>(value));
  return pairs;
}

template <typename Value>
py::dict dict_of(const std::vector<std::pair<std::string, Value>>& options) {
  py::dict values;
  for (const auto& [name, value] : options) values[py::str(name)] = value;
  return values;
}

CpuSettings make_cpu(int threads, std::string_view kernels, std::string_view weights, const py::object& weight_cache,
                     const py::object& weight_cache_file, std::optional<std::vector<std::string>> flags) {
  return {threads,
          kernels_of(kernels),
          chosen<Weights>("weights", weights, kWeights),
          path_bytes(weight_cache),
          path_bytes(weight_cache_file),
          std::move(flags)};
}

py::dict arguments_of(const CpuSettings& settings) {
  py::dict arguments;
  arguments["threads"] = settings.threads;
  arguments["kernels"] = name_of<CpuKernels>(settings.kernels, kKernels);
  arguments["weights"] = name_of<Weights>(settings.weights, kWeights);
  arguments["weight_cache"] = path_as_str(settings.weight_cache);
  arguments["weight_cache_file"] = path_as_str(settings.weight_cache_file);
  arguments["flags"] = settings.flags;
  return arguments;
}

ExternalDelegateSettings make_external(const py::object& library, const py::dict& options) {
  return {path_bytes(library), options_of<std::string>(options), nullptr};
}

py::dict arguments_of(const ExternalDelegateSettings& settings) {
  py::dict arguments;
  arguments["library"] = path_as_str(settings.library);
  arguments["options"] = dict_of(settings.options);
  return arguments;
}

GpuSettings make_gpu(const py::object& library, std::string_view precision, std::string_view storage,
                     std::string_view priority, std::string_view wait_type, const std::string& device,
                     const py::object& cache) {
  return {path_bytes(library),
          chosen<GpuPrecision>("precision", precision, kPrecisions),
          chosen<GpuStorage>("storage", storage, kStorages),
          chosen<GpuPriority>("priority", priority, kPriorities),
          chosen<GpuWaitType>("wait_type", wait_type, kWaitTypes),
          device,
          path_bytes(cache)};
}

py::dict arguments_of(const GpuSettings& settings) {
  py::dict arguments;
  arguments["library"] = path_as_str(settings.library);
  arguments["precision"] = name_of<GpuPrecision>(settings.precision, kPrecisions);
  arguments["storage"] = name_of<GpuStorage>(settings.storage, kStorages);
  arguments["priority"] = name_of<GpuPriority>(settings.priority, kPriorities);
  arguments["wait_type"] = name_of<GpuWaitType>(settings.wait_type, kWaitTypes);
  arguments["device"] = settings.device;
  arguments["cache"] = path_as_str(settings.cache);
  return arguments;
}

NpuSettings make_npu(const py::object& dispatch_library, const py::object& compiler_library, const std::string& vendor,
                     const py::dict& options, const py::object& cache) {
  return {path_bytes(dispatch_library), path_bytes(compiler_library), vendor, options_of<NpuOption>(options),
          path_bytes(cache)};
}

py::dict arguments_of(const NpuSettings& settings) {
  py::dict arguments;
  arguments["dispatch_library"] = path_as_str(settings.dispatch_library);
  arguments["compiler_library"] = path_as_str(settings.compiler_library);
  arguments["vendor"] = settings.vendor;
  arguments["options"] = dict_of(settings.options);
  arguments["cache"] = path_as_str(settings.cache);
  return arguments;
}

OpenVinoSettings make_openvino(const py::object& library, const std::string& device, int threads,
                               const std::string& precision, const py::dict& options, const py::object& cache) {
  return {path_bytes(library), device, threads, precision, options_of<std::string>(options), path_bytes(cache)};
}

py::dict arguments_of(const OpenVinoSettings& settings) {
  py::dict arguments;
  arguments["library"] = path_as_str(settings.library);
  arguments["device"] = settings.device;
  arguments["threads"] = settings.threads;
  arguments["precision"] = settings.precision;
  arguments["options"] = dict_of(settings.options);
  arguments["cache"] = path_as_str(settings.cache);
  return arguments;
}

// What makes another one like these settings when their class is called with it: plain values by name.
template <typename Settings>
void add_arguments(py::class_<Settings>& settings) {
  settings.def_property_readonly("arguments", [](const Settings& self) { return arguments_of(self); });
}

// Name -> whether it is on by default.
py::dict default_flags() {
  py::dict flags;
  for (const NamedXnnpackFlag& known : known_xnnpack_flags()) flags[py::str(known.name)] = known.is_default;
  return flags;
}

}  // namespace

CpuKernels kernels_of(std::string_view name) { return chosen<CpuKernels>("kernels", name, kKernels); }

CompileOptions CpuSettings::options() const {
  CompileOptions options;
  options.threads = threads;
  options.kernels = kernels;
  options.weights = weights;
  options.weight_cache = weight_cache;
  options.weight_cache_file = weight_cache_file;
  if (flags) options.xnnpack_flags = xnnpack_flags(*flags);
  return options;
}

void register_delegate_settings(py::module_& module) {
  module.def("xnnpack_flags", &default_flags, "XNNPACK's flags by name, and whether each is on by default.");

  py::class_<CpuSettings> cpu(module, "CpuSettings", "How operators run on the CPU.");
  cpu.def(py::init(&make_cpu), py::kw_only(), py::arg("threads") = 1, py::arg("kernels") = "delegate",
          py::arg("weights") = "stored", py::arg("weight_cache") = "", py::arg("weight_cache_file") = "",
          py::arg("flags") = py::none());
  add_arguments(cpu);

  py::class_<ExternalDelegateSettings> external(module, "ExternalSettings", "A delegate in a library of its own.");
  external.def(py::init(&make_external), py::kw_only(), py::arg("library"), py::arg("options") = py::dict());
  // The address of the library's own delegate, once it is made; 0 before.
  external.def_property_readonly("address", [](const ExternalDelegateSettings& settings) {
    return settings.made == nullptr ? std::uintptr_t{0} : reinterpret_cast<std::uintptr_t>(settings.made->get());
  });
  add_arguments(external);

  py::class_<GpuSettings> gpu(module, "GpuSettings", "A GPU, through an accelerator's library.");
  gpu.def(py::init(&make_gpu), py::kw_only(), py::arg("library"), py::arg("precision") = "automatic",
          py::arg("storage") = "automatic", py::arg("priority") = "normal", py::arg("wait_type") = "automatic",
          py::arg("device") = "", py::arg("cache") = "");
  add_arguments(gpu);

  py::class_<NpuSettings> npu(module, "NpuSettings", "An NPU, through its vendor's libraries.");
  npu.def(py::init(&make_npu), py::kw_only(), py::arg("dispatch_library"), py::arg("compiler_library") = "",
          py::arg("vendor"), py::arg("options") = py::dict(), py::arg("cache") = "");
  add_arguments(npu);

  py::class_<OpenVinoSettings> openvino(module, "OpenVinoSettings", "OpenVINO, through its C library.");
  openvino.def(py::init(&make_openvino), py::kw_only(), py::arg("library"), py::arg("device") = "CPU",
               py::arg("threads") = 1, py::arg("precision") = "f32", py::arg("options") = py::dict(),
               py::arg("cache") = "");
  add_arguments(openvino);
}

}  // namespace zerolite::bindings
