#include "zerolite/graph/resource_variables.hpp"

#include <algorithm>
#include <array>
#include <cstdlib>
#include <map>
#include <memory>
#include <new>
#include <set>
#include <utility>

#include "zerolite/graph/delegation.hpp"
#include "zerolite/model/model_contents.hpp"
#include "zerolite/model/operators.hpp"
#include "zerolite/model/variable_operators.hpp"
#include "zerolite/platform/error.hpp"
#include "zerolite/runtime/guard.hpp"
#include "zerolite/runtime/runtime_log.hpp"

namespace zerolite {
namespace {

using abi::tflite::AllocationType;
using abi::tflite::Context;
using abi::tflite::IntArray;
using abi::tflite::Node;
using abi::tflite::Status;
using abi::tflite::Tensor;

constexpr int kHandle = 0;
constexpr int kValue = 1;

// What a kernel is called with: tensors of ours, a handle and a value, in the place of the graph's.
struct KernelCall {
  Context context;  // the first member, by which the kernel's questions find the rest
  std::array<Tensor, 2> tensors;
  std::vector<std::int32_t> shape;  // of the value, from here on for reading
  std::shared_ptr<AlignedBuffer> values;
  bool failed = false;

  KernelCall(const CapturedGraph& graph, int& id, ElementType type) : context(*graph.context()), tensors() {
    context.tensors = tensors.data();
    context.tensors_size = tensors.size();
    context.resize_tensor = &take_shape;
    tensors[kHandle].type = static_cast<int>(ElementType::resource);
    tensors[kHandle].data = &id;
    tensors[kHandle].bytes = sizeof(id);
    tensors[kHandle].allocation_type = AllocationType::arena;
    tensors[kValue].type = static_cast<int>(type);
    tensors[kValue].allocation_type = AllocationType::dynamic;
  }
  KernelCall(const KernelCall&) = delete;
  KernelCall& operator=(const KernelCall&) = delete;
  ~KernelCall() = default;

  Status run(const CapturedGraph& graph, std::size_t node_index, std::span<const int> inputs,
             std::span<const int> outputs) {
    const std::optional<PlannedNode> planned = graph.planned_node(node_index);
    if (!planned) return Status::error;
    std::array<int, 3> given = as_int_array(inputs);
    std::array<int, 3> computed = as_int_array(outputs);
    Node node = *planned->node;
    node.inputs = reinterpret_cast<IntArray*>(given.data());
    node.outputs = reinterpret_cast<IntArray*>(computed.data());
    return guard([&] { return planned->registration->invoke(&context, &node); });
  }

 private:
  static std::array<int, 3> as_int_array(std::span<const int> tensors) {
    std::array<int, 3> array = {static_cast<int>(tensors.size())};
    std::ranges::copy(tensors, array.begin() + 1);
    return array;
  }

  // In the middle of the runtime's code. The shape is ours from here on.
  static Status take_shape(Context* context, Tensor* tensor, IntArray* shape) {
    auto* call = reinterpret_cast<KernelCall*>(context);
    // NOLINTNEXTLINE(cppcoreguidelines-no-malloc): where TensorFlow Lite has it from
    const std::unique_ptr<IntArray, decltype(&std::free)> owned(shape, &std::free);
    try {
      call->shape = values_of(shape);
      const std::optional<std::size_t> size = byte_size(static_cast<ElementType>(tensor->type), call->shape);
      if (!size) return Status::error;
      call->values = AlignedBuffer::allocate(*size);
      tensor->data = call->values->data();
      tensor->bytes = *size;
      return Status::ok;
    } catch (const std::bad_alloc&) {
      call->failed = true;
      return Status::error;
    }
  }
};

bool is_of_variables(Operator kind) {
  return kind == Operator::VAR_HANDLE || kind == Operator::READ_VARIABLE || kind == Operator::ASSIGN_VARIABLE;
}

}  // namespace

ResourceVariables::ResourceVariables(const GraphObserver& observer, const Model& model)
    : observer_(observer), model_(model.name()) {
  find_operators(model);
}

void ResourceVariables::find_operators(const Model& model) {
  const ModelInterface& interface = model.interface();
  const ModelContents contents = ModelContents::read(model.bytes().span());
  const std::vector<VariableNames> passed = passed_variables(interface, contents);
  std::map<std::string, std::set<ElementType>> types;
  std::optional<NodeIndex> reader;
  std::optional<NodeIndex> writer;
  std::vector<std::set<std::string>> assigned(contents.subgraphs.size());
  for (std::size_t i = 0; i < contents.subgraphs.size(); ++i) {
    const SubgraphView graph{interface, interface.subgraphs[i], contents.subgraphs[i]};
    for (const VariableOperator& operation : variable_operators(graph, passed[i])) {
      types[operation.variable].insert(graph.tensor(operation.tensor).type);
      if (operation.kind == VariableOperator::Kind::assign) assigned[i].insert(operation.variable);
    }
  }
  for (std::size_t i = 0; i < contents.subgraphs.size(); ++i) {
    const SubgraphView graph{interface, interface.subgraphs[i], contents.subgraphs[i]};
    for (std::size_t j = 0; j < graph.details.operators.size(); ++j) {
      const OperatorDetails& operation = graph.details.operators[j];
      const Operator kind = kind_of(graph.operator_code(j));
      const NodeIndex index{i, j};
      if (kind == Operator::CALL_ONCE && observer_.graph(i) != nullptr) {
        const std::optional<flatbuffer::Table> options = options_of(kind, operation);
        if (!options) continue;
        const auto callee = static_cast<std::size_t>(options->scalar<std::int32_t>(callees(kind).front(), 0));
        initializations_.push_back({index, {assigned[callee].begin(), assigned[callee].end()}});
      }
      if (!is_of_variables(kind)) continue;
      if (observer_.graph(i) == nullptr) continue;  // its variables have handles in the graphs that run it, mostly
      (void)require_own(index);
      if (kind == Operator::READ_VARIABLE) reader = index;
      if (kind == Operator::ASSIGN_VARIABLE) writer = index;
      if (kind != Operator::VAR_HANDLE) continue;
      const std::string name = name_of_variable(operation);
      if (std::ranges::find(resources_, name, &Resource::name) != resources_.end()) continue;
      resources_.push_back({name, i, operation.outputs[0], id_of(index), {types[name].begin(), types[name].end()}});
    }
  }
  for (const auto& [name, known] : types) {
    const bool is_shown = std::ranges::find(resources_, name, &Resource::name) != resources_.end();
    if (!is_shown || !reader || !writer) {
      throw Error(model_ + " keeps variable '" + name +
                  "' in a subgraph that the runtime does not show; reset() puts it back to its start");
    }
  }
  if (reader) reader_ = *reader;
  if (writer) writer_ = *writer;
}

const CapturedGraph& ResourceVariables::require_own(NodeIndex index) const {
  const CapturedGraph& graph = *observer_.graph(index.subgraph);
  for (const Partition& partition : Delegation::of(graph).partitions) {
    if (std::ranges::find(partition.operators, index.node) == partition.operators.end()) continue;
    throw Error(model_ + " keeps its state in resources, whose values " + partition.delegate +
                " does not show; load it without that delegate, for XNNPACK with XNNPack(kernels=\"builtin\"), or use "
                "reset(), which puts them back to their start");
  }
  return graph;
}

int ResourceVariables::id_of(NodeIndex handle) const {
  int id = -1;
  const CapturedGraph& graph = *observer_.graph(handle.subgraph);
  KernelCall call(graph, id, ElementType::none);
  const LogCapture log;
  if (call.run(graph, handle.node, {}, std::array{kHandle}) != Status::ok) {
    throw Error(model_ + ": the runtime does not tell the number of a variable: " + log.message());
  }
  return id;
}

void ResourceVariables::initialize() {
  for (const Initialization& initialization : initializations_) {
    // What has a value by now has had its first one.
    const bool is_due = std::ranges::all_of(initialization.variables, [this](const std::string& name) {
      const auto resource = std::ranges::find(resources_, name, &Resource::name);
      return resource == resources_.end() || !read(*resource);
    });
    const CapturedGraph& graph = *observer_.graph(initialization.node.subgraph);
    const std::optional<PlannedNode> planned = graph.planned_node(initialization.node.node);
    if (!is_due || !planned) continue;
    const LogCapture log;
    if (guard([&] { return planned->registration->invoke(graph.context(), planned->node); }) != Status::ok) {
      throw Error(model_ + ": the variables can't be given their first values: " + log.message());
    }
  }
}

std::optional<VariableValue> ResourceVariables::read(const Resource& resource) const {
  for (const ElementType type : resource.types) {
    const CapturedGraph& graph = *observer_.graph(reader_.subgraph);
    int id = resource.id;
    KernelCall call(graph, id, type);
    const LogCapture log;  // which may tell of a variable without a value, or of another type
    const Status status = call.run(graph, reader_.node, std::array{kHandle}, std::array{kValue});
    if (call.failed) throw std::bad_alloc();
    if (status != Status::ok || call.values == nullptr) continue;
    VariableValue value{resource.subgraph, resource.handle, {}, std::move(call.values)};
    value.spec.name = resource.name;
    value.spec.type = type;
    value.spec.shape = std::move(call.shape);
    return value;
  }
  return std::nullopt;
}

std::vector<VariableValue> ResourceVariables::read() const {
  std::vector<VariableValue> values;
  for (const Resource& resource : resources_) {
    if (std::optional<VariableValue> value = read(resource)) values.push_back(std::move(*value));
  }
  return values;
}

bool ResourceVariables::are_complete() const {
  return std::ranges::all_of(resources_, [this](const Resource& resource) { return read(resource).has_value(); });
}

void ResourceVariables::write(std::span<const VariableValue> values) {
  for (const VariableValue& value : values) {
    const auto resource = std::ranges::find_if(resources_, [&](const Resource& known) {
      return known.subgraph == value.subgraph && known.handle == value.tensor;
    });
    if (resource == resources_.end()) continue;
    const CapturedGraph& graph = *observer_.graph(writer_.subgraph);
    int id = resource->id;
    KernelCall call(graph, id, value.spec.type);
    std::vector<int> dimensions = {static_cast<int>(value.spec.shape.size())};
    dimensions.insert(dimensions.end(), value.spec.shape.begin(), value.spec.shape.end());
    Tensor& tensor = call.tensors[kValue];
    tensor.dims = reinterpret_cast<IntArray*>(dimensions.data());
    tensor.data = value.values->data();
    tensor.bytes = byte_size(value.spec.type, value.spec.shape).value_or(0);
    const LogCapture log;
    if (call.run(graph, writer_.node, std::array{kHandle, kValue}, {}) != Status::ok) {
      throw Error(model_ + ": variable '" + resource->name + "' can't be written: " + log.message());
    }
  }
}

}  // namespace zerolite
