// A delegate for the tests, in the form of a plug-in library.
//
// It takes elementwise operators on float32 tensors of equal shapes and computes them in the plainest way. Options:
//   operators   the operators to take, separated by commas, of ADD, SUB and MUL; all of them without the option
//   fail        where to fail: create (reports an error), null (says nothing), throw, prepare, init, kernel, invoke
//   scale       what its kernel makes the scale of its outputs in Prepare, as some kernels do
// Anything else is refused in words. What it did is counted, for those who open the library themselves.
#include <algorithm>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <map>
#include <memory>
#include <numeric>
#include <optional>
#include <set>
#include <span>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

#include "litert_abi/tflite.hpp"

namespace {

using zerolite::abi::tflite::Context;
using zerolite::abi::tflite::Delegate;
using zerolite::abi::tflite::DelegateParams;
using zerolite::abi::tflite::IntArray;
using zerolite::abi::tflite::Node;
using zerolite::abi::tflite::Registration;
using zerolite::abi::tflite::Status;
using zerolite::abi::tflite::Tensor;

constexpr int kFloat32 = 1;
constexpr std::int32_t kAdd = 0;
constexpr std::int32_t kMul = 18;
constexpr std::int32_t kSub = 41;

std::atomic<int> created = 0;
std::atomic<int> destroyed = 0;
std::atomic<int> taken = 0;
std::atomic<int> invoked = 0;

struct SampleDelegate {
  Delegate delegate{};
  std::set<std::int32_t> operators = {kAdd, kMul, kSub};
  std::string fail;
  std::optional<float> scale;
};

// One operator of a partition.
struct Step {
  std::int32_t code;
  int left;
  int right;
  int output;
};

struct Kernel {
  std::vector<Step> steps;
  // Results that only this partition uses: the runtime gives tensors inside of a partition no memory.
  std::map<int, std::vector<float>> inner;
  bool fails;

  float* values(const Context& context, int index) {
    const auto found = inner.find(index);
    return found == inner.end() ? static_cast<float*>(context.tensors[index].data) : found->second.data();
  }
};

std::size_t count(const Tensor& tensor) {
  const std::span<const int> shape = tensor.dims->values();
  return std::accumulate(shape.begin(), shape.end(), std::size_t{1},
                         [](std::size_t product, int size) { return product * static_cast<std::size_t>(size); });
}

bool is_plain_float(const Context& context, int index) { return index >= 0 && context.tensors[index].type == kFloat32; }

bool same_shape(const Tensor& left, const Tensor& right) {
  return std::ranges::equal(left.dims->values(), right.dims->values());
}

// The first member of the parameters of ADD, SUB and MUL is the fused activation; 0 is none.
bool is_without_activation(const Node& node) {
  return node.builtin_data == nullptr || *static_cast<const int*>(node.builtin_data) == 0;
}

bool takes(const SampleDelegate& sample, const Context& context, const Node& node, const Registration& registration) {
  if (!sample.operators.contains(registration.builtin_code) || !is_without_activation(node)) return false;
  const std::span<const int> inputs = node.inputs->values();
  const int output = node.outputs->values()[0];
  return is_plain_float(context, inputs[0]) && is_plain_float(context, inputs[1]) && is_plain_float(context, output) &&
         same_shape(context.tensors[inputs[0]], context.tensors[inputs[1]]);
}

void* init(Context* context, const char* buffer, std::size_t /*size*/) {
  const auto* params = reinterpret_cast<const DelegateParams*>(buffer);
  const auto* sample = static_cast<const SampleDelegate*>(params->delegate->data);
  if (sample->fail == "init") return nullptr;
  auto kernel = std::make_unique<Kernel>();
  kernel->fails = sample->fail == "invoke";
  for (const int index : params->nodes_to_replace->values()) {
    Node* node = nullptr;
    Registration* registration = nullptr;
    if (context->get_node_and_registration(context, index, &node, &registration) != Status::ok) return nullptr;
    const std::span<const int> inputs = node->inputs->values();
    const int output = node->outputs->values()[0];
    kernel->steps.push_back({registration->builtin_code, inputs[0], inputs[1], output});
    if (std::ranges::count(params->output_tensors->values(), output) == 0) kernel->inner[output];
    ++taken;
  }
  return kernel.release();
}

void release(Context* /*context*/, void* data) { delete static_cast<Kernel*>(data); }

// The runtime frees shapes as it frees its own, which come from malloc.
IntArray* copy(const IntArray& shape) {
  const std::span<const int> dimensions = shape.values();
  auto* memory = static_cast<int*>(std::malloc((dimensions.size() + 1) * sizeof(int)));
  *memory = shape.size;
  std::ranges::copy(dimensions, memory + 1);
  return reinterpret_cast<IntArray*>(memory);
}

Status prepare_kernel(Context* context, Node* node) {
  if (node->user_data == nullptr) {
    context->report_error(context, "the sample delegate could not make its kernel, as it was told");
    return Status::error;
  }
  const auto* sample = static_cast<const SampleDelegate*>(node->delegate->data);
  if (sample->fail == "kernel") {
    context->report_error(context, "the sample delegate could not prepare its kernel, as it was told");
    return Status::error;
  }
  auto* kernel = static_cast<Kernel*>(node->user_data);
  for (const Step& step : kernel->steps) {
    const auto inner = kernel->inner.find(step.output);
    if (inner != kernel->inner.end()) inner->second.resize(count(context->tensors[step.left]));
    IntArray* shape = copy(*context->tensors[step.left].dims);
    if (context->resize_tensor(context, &context->tensors[step.output], shape) != Status::ok) return Status::error;
    if (sample->scale) context->tensors[step.output].params.scale = *sample->scale;
  }
  return Status::ok;
}

Status invoke(Context* context, Node* node) {
  auto* kernel = static_cast<Kernel*>(node->user_data);
  ++invoked;
  if (kernel->fails) {
    context->report_error(context, "the sample delegate failed to compute, as it was told");
    return Status::error;
  }
  for (const Step& step : kernel->steps) {
    const float* left = kernel->values(*context, step.left);
    const float* right = kernel->values(*context, step.right);
    float* output = kernel->values(*context, step.output);
    const std::size_t size = count(context->tensors[step.left]);
    for (std::size_t i = 0; i < size; ++i) {
      output[i] = step.code == kAdd ? left[i] + right[i] : step.code == kSub ? left[i] - right[i] : left[i] * right[i];
    }
  }
  return Status::ok;
}

Status prepare(Context* context, Delegate* delegate) {
  const auto* sample = static_cast<const SampleDelegate*>(delegate->data);
  if (sample->fail == "prepare") {
    context->report_error(context, "the sample delegate refused the graph, as it was told");
    return Status::error;
  }
  IntArray* plan = nullptr;
  if (context->get_execution_plan(context, &plan) != Status::ok) return Status::error;
  std::vector<int> chosen = {0};  // an IntArray: the count comes first
  for (const int index : plan->values()) {
    Node* node = nullptr;
    Registration* registration = nullptr;
    if (context->get_node_and_registration(context, index, &node, &registration) != Status::ok) return Status::error;
    if (takes(*sample, *context, *node, *registration)) chosen.push_back(index);
  }
  chosen.front() = static_cast<int>(chosen.size()) - 1;
  Registration kernel{};
  kernel.init = &init;
  kernel.free = &release;
  kernel.prepare = &prepare_kernel;
  kernel.invoke = &invoke;
  kernel.builtin_code = zerolite::abi::tflite::kBuiltinDelegate;
  kernel.custom_name = "SampleDelegate";
  kernel.version = 1;
  return context->replace_node_subsets_with_delegate_kernels(
      context, kernel, reinterpret_cast<const IntArray*>(chosen.data()), delegate);
}

std::optional<std::string> set_operators(SampleDelegate& sample, std::string_view names) {
  static const std::map<std::string, std::int32_t, std::less<>> known = {{"ADD", kAdd}, {"MUL", kMul}, {"SUB", kSub}};
  sample.operators.clear();
  while (!names.empty()) {
    const std::size_t comma = std::min(names.find(','), names.size());
    const std::string_view name = names.substr(0, comma);
    const auto found = known.find(name);
    if (found == known.end()) return "the sample delegate knows no operator " + std::string(name);
    sample.operators.insert(found->second);
    names.remove_prefix(std::min(comma + 1, names.size()));
  }
  return std::nullopt;
}

std::optional<std::string> configure(SampleDelegate& sample, std::string_view key, std::string_view value) {
  if (key == "operators") return set_operators(sample, value);
  if (key == "scale") {
    sample.scale = std::stof(std::string(value));
    return std::nullopt;
  }
  if (key != "fail") return "the sample delegate has no option " + std::string(key);
  sample.fail = value;
  if (value == "throw") throw std::runtime_error("the sample delegate threw an exception, as it was told");
  if (value == "create") return "the sample delegate made nothing, as it was told";
  return std::nullopt;
}

}  // namespace

extern "C" {

[[gnu::visibility("default")]] Delegate* tflite_plugin_create_delegate(const char* const* keys,
                                                                       const char* const* values, std::size_t count,
                                                                       void (*report_error)(const char*)) {
  auto sample = std::make_unique<SampleDelegate>();
  for (std::size_t i = 0; i < count; ++i) {
    if (const std::optional<std::string> error = configure(*sample, keys[i], values[i])) {
      report_error(error->c_str());
      return nullptr;
    }
  }
  if (sample->fail == "null") return nullptr;
  sample->delegate.data = sample.get();
  sample->delegate.prepare = &prepare;
  ++created;
  return &sample.release()->delegate;
}

[[gnu::visibility("default")]] void tflite_plugin_destroy_delegate(Delegate* delegate) {
  ++destroyed;
  delete static_cast<SampleDelegate*>(delegate->data);
}

[[gnu::visibility("default")]] int sample_delegate_created() { return created; }
[[gnu::visibility("default")]] int sample_delegate_destroyed() { return destroyed; }
[[gnu::visibility("default")]] int sample_delegate_taken() { return taken; }
[[gnu::visibility("default")]] int sample_delegate_invoked() { return invoked; }
}
