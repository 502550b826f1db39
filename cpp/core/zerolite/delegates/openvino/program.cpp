#include "zerolite/delegates/openvino/program.hpp"

#include <algorithm>
#include <memory>
#include <string>
#include <utility>

#include "zerolite/delegates/openvino/graph_file.hpp"
#include "zerolite/platform/error.hpp"

namespace zerolite::openvino {
namespace {

namespace ov = abi::openvino;

const ov::Functions& functions() { return Library::get().functions(); }

// Dynamic for a type that OpenVINO can't have in memory of others.
ov::ElementType type_of(ElementType type) {
  switch (type) {
    case ElementType::float32:
      return ov::ElementType::float32;
    case ElementType::float16:
      return ov::ElementType::float16;
    case ElementType::float64:
      return ov::ElementType::float64;
    case ElementType::boolean:
      return ov::ElementType::boolean;
    case ElementType::int8:
      return ov::ElementType::int8;
    case ElementType::int16:
      return ov::ElementType::int16;
    case ElementType::int32:
      return ov::ElementType::int32;
    case ElementType::int64:
      return ov::ElementType::int64;
    case ElementType::uint8:
      return ov::ElementType::uint8;
    case ElementType::uint16:
      return ov::ElementType::uint16;
    case ElementType::uint32:
      return ov::ElementType::uint32;
    case ElementType::uint64:
      return ov::ElementType::uint64;
    default:
      return ov::ElementType::dynamic;
  }
}

ModelHandle read_model(const Library& library, const std::string& path) {
  ov::Model* model = nullptr;
  library.require_ok(library.functions().core_read_model(library.core(), path.c_str(), nullptr, &model),
                     "read the graph");
  return ModelHandle(model);
}

// A file leaves sizes open that are known by now.
void fix_shapes(const Library& library, const ov::Model* model, std::span<const GraphTensor> inputs) {
  std::vector<std::string> names;
  std::vector<std::vector<ov::Dimension>> dimensions;
  for (const GraphTensor& input : inputs) {
    if (input.shape.empty()) continue;  // nothing to fix, and OpenVINO takes no dimensions for any number of them
    names.push_back(name_of_tensor(input.index));
    std::vector<ov::Dimension>& sizes = dimensions.emplace_back();
    for (const std::int32_t size : input.shape) sizes.push_back({size, size});
  }
  if (names.empty()) return;
  std::vector<const char*> pointers;
  std::vector<ov::PartialShape> shapes;
  for (std::size_t i = 0; i < names.size(); ++i) {
    const auto rank = static_cast<std::int64_t>(dimensions[i].size());
    pointers.push_back(names[i].c_str());
    shapes.push_back({{rank, rank}, dimensions[i].data()});
  }
  library.require_ok(library.functions().model_reshape(model, pointers.data(), shapes.data(), shapes.size()),
                     "take the shapes of the inputs");
}

using NamedProperties = std::vector<std::pair<std::string, std::string>>;

// Of strings that are the caller's.
std::vector<ov::Property> properties_of(const NamedProperties& named) {
  std::vector<ov::Property> properties;
  properties.reserve(named.size());
  for (const auto& [name, value] : named) properties.push_back({name.c_str(), value.c_str()});
  return properties;
}

CompiledModelHandle compile_model(const Library& library, const ov::Model* model, const OpenVinoSettings& settings) {
  const NamedProperties named = settings.properties();
  const std::vector<ov::Property> properties = properties_of(named);
  ov::CompiledModel* compiled = nullptr;
  library.require_ok(library.functions().core_compile_model_props(library.core(), model, settings.device.c_str(),
                                                                  properties.size(), properties.data(), &compiled),
                     "compile the graph for the device " + settings.device);
  return CompiledModelHandle(compiled);
}

}  // namespace

Program Program::compile(std::span<const std::byte> model, const GraphPart& part, const OpenVinoSettings& settings,
                         std::span<const GraphTensor> inputs, std::span<const GraphTensor> outputs) {
  const Library& library = Library::open(settings.library);
  const GraphFile file(model, part);
  const std::unique_lock lock = library.one_at_a_time();
  const ModelHandle read = read_model(library, file.path());
  fix_shapes(library, read.get(), inputs);
  return Program(nullptr, compile_model(library, read.get(), settings), inputs, outputs);
}

std::optional<Program> Program::restore(std::span<const char> content, const OpenVinoSettings& settings,
                                        std::span<const GraphTensor> inputs, std::span<const GraphTensor> outputs) {
  const Library& library = Library::open(settings.library);
  const std::unique_lock lock = library.one_at_a_time();
  const NamedProperties named = settings.properties();
  const std::vector<ov::Property> properties = properties_of(named);
  ov::Core* core = nullptr;
  library.require_ok(functions().core_create(&core), "start");
  CoreHandle owner(core);
  library.require_ok(
      functions().core_set_properties(core, settings.device.c_str(), properties.size(), properties.data()),
      "take its options");
  ov::CompiledModel* compiled = nullptr;
  if (functions().core_import_model(core, content.data(), content.size(), settings.device.c_str(), &compiled) !=
      ov::Status::ok) {
    return std::nullopt;
  }
  return Program(std::move(owner), CompiledModelHandle(compiled), inputs, outputs);
}

Program::Program(CoreHandle core, CompiledModelHandle compiled, std::span<const GraphTensor> inputs,
                 std::span<const GraphTensor> outputs)
    : core_(std::move(core)), compiled_(std::move(compiled)) {
  const Library& library = Library::get();
  std::size_t input_count = 0;
  library.require_ok(functions().compiled_model_inputs_size(compiled_.get(), &input_count), "count the inputs");
  if (input_count != inputs.size()) {
    throw DelegateError("OpenVINO makes " + std::to_string(input_count) + " inputs of the graph's " +
                        std::to_string(inputs.size()));
  }
  for (const GraphTensor& input : inputs) inputs_.push_back(open_port(find_input(input), input));
  for (const GraphTensor& output : outputs) outputs_.push_back(open_port(find_output(output), output));
  ov::InferRequest* request = nullptr;
  library.require_ok(functions().compiled_model_create_infer_request(compiled_.get(), &request), "make a request");
  request_.reset(request);
}

std::vector<char> Program::serialized() const {
  const Library& library = Library::get();
  const FileDescriptor memory = make_memory_file();
  {
    const std::unique_lock lock = library.one_at_a_time();
    library.require_ok(functions().compiled_model_export_model(compiled_.get(), path_of(memory).c_str()),
                       "give away what it has compiled");
  }
  // From the file's start: OpenVINO wrote through a descriptor of its own.
  return read_all(memory, path_of(memory));
}

PortHandle Program::find_input(const GraphTensor& tensor) const {
  ov::Port* port = nullptr;
  const std::string name = name_of_tensor(tensor.index);
  Library::get().require_ok(functions().compiled_model_input_by_name(compiled_.get(), name.c_str(), &port),
                            "find an input of the graph");
  return PortHandle(port);
}

PortHandle Program::find_output(const GraphTensor& tensor) const {
  ov::Port* port = nullptr;
  const std::string name = name_of_tensor(tensor.index);
  Library::get().require_ok(functions().compiled_model_output_by_name(compiled_.get(), name.c_str(), &port),
                            "find an output of the graph");
  return PortHandle(port);
}

Program::Port Program::open_port(PortHandle handle, const GraphTensor& tensor) {
  const Library& library = Library::get();
  Port port;
  port.handle = std::move(handle);
  library.require_ok(functions().port_get_element_type(port.handle.get(), &port.type), "tell a type");
  if (port.type != type_of(tensor.type)) {
    throw DelegateError("OpenVINO makes another type of an input or output of " + std::string(name_of(tensor.type)));
  }
  ov::Shape shape = {};
  library.require_ok(functions().const_port_get_shape(port.handle.get(), &shape),
                     "tell the shape of an output before a run");
  port.dimensions.assign(shape.dimensions, shape.dimensions + shape.rank);
  (void)functions().shape_free(&shape);
  return port;
}

void Program::bind(Port& port, void* memory) {
  if (memory == port.memory) return;
  const Library& library = Library::get();
  ov::Tensor* tensor = nullptr;
  const ov::Shape shape = {static_cast<std::int64_t>(port.dimensions.size()), port.dimensions.data()};
  library.require_ok(functions().tensor_create_from_host_ptr(port.type, shape, memory, &tensor), "take memory");
  const TensorHandle owner(tensor);
  library.require_ok(functions().infer_request_set_tensor_by_const_port(request_.get(), port.handle.get(), tensor),
                     "take memory");
  port.memory = memory;
}

std::vector<NodeCounter> Program::counters() const {
  ov::ProfilingInfoList list = {};
  Library::get().require_ok(functions().infer_request_get_profiling_info(request_.get(), &list), "tell its counters");
  const std::unique_ptr<ov::ProfilingInfoList, Release<&ov::Functions::profiling_info_list_free>> owner(&list);
  std::vector<NodeCounter> counters;
  for (const ov::ProfilingInfo& info : std::span(list.infos, list.size)) {
    if (info.status != ov::NodeStatus::executed) continue;
    counters.push_back({std::string(info.node_type) + " (" + info.kernel + ")",
                        static_cast<std::uint64_t>(std::max<std::int64_t>(0, info.real_time))});
  }
  return counters;
}

void Program::run() { Library::get().require_ok(functions().infer_request_infer(request_.get()), "run the graph"); }

}  // namespace zerolite::openvino
