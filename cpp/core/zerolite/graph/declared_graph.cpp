#include "zerolite/graph/declared_graph.hpp"

#include <bit>
#include <cstddef>
#include <cstdlib>
#include <new>

namespace zerolite {
namespace {

using abi::tflite::Context;
using abi::tflite::FloatArray;
using abi::tflite::IntArray;
using abi::tflite::Node;
using abi::tflite::Registration;
using abi::tflite::Status;
using abi::tflite::Tensor;

// The runtime's arrays: a count, and then that many values.
std::vector<std::int32_t> counted(const std::vector<std::int32_t>& values) {
  std::vector<std::int32_t> array = {static_cast<std::int32_t>(values.size())};
  array.insert(array.end(), values.begin(), values.end());
  return array;
}

IntArray* as_array(std::vector<std::int32_t>& counted) { return reinterpret_cast<IntArray*>(counted.data()); }

Status no_plan(Context* /*context*/, IntArray** plan) {
  static IntArray empty{0};
  *plan = &empty;
  return Status::ok;
}

Status no_node(Context* /*context*/, int /*index*/, Node** /*node*/, Registration** /*registration*/) {
  return Status::error;
}

}  // namespace

DeclaredGraph::DeclaredGraph(const SubgraphDescription& description, const SubgraphDetails& details)
    : arrays_(description.tensors.size()), tensors_(description.tensors.size()) {
  for (std::size_t i = 0; i < tensors_.size(); ++i) describe(i, description.tensors[i], details.tensors[i]);
  context_.tensors_size = tensors_.size();
  context_.tensors = tensors_.data();
  context_.impl = this;
  context_.get_execution_plan = &no_plan;
  context_.get_node_and_registration = &no_node;
  context_.resize_tensor = &DeclaredGraph::resize;
}

void DeclaredGraph::describe(std::size_t index, const TensorDescription& description, const TensorDetails& details) {
  Arrays& arrays = arrays_[index];
  Tensor& tensor = tensors_[index];
  arrays.name = description.name;
  arrays.dims = counted(description.shape);
  arrays.dims_signature = counted(details.shape_signature.empty() ? description.shape : details.shape_signature);
  tensor = {};
  tensor.type = static_cast<abi::tflite::Type>(description.type);
  tensor.dims = as_array(arrays.dims);
  tensor.dims_signature = as_array(arrays.dims_signature);
  tensor.name = arrays.name.c_str();
  tensor.buffer_handle = abi::tflite::kNullBufferHandle;
  tensor.is_variable = details.is_variable;
  if (details.scales.empty()) return;
  std::vector<std::int32_t> bits;
  bits.reserve(details.scales.size());
  for (const float scale : details.scales) bits.push_back(std::bit_cast<std::int32_t>(scale));
  arrays.scales = counted(bits);
  arrays.zero_points = counted(details.zero_points);
  arrays.quantization = {reinterpret_cast<FloatArray*>(arrays.scales.data()), as_array(arrays.zero_points),
                         details.quantized_dimension};
  tensor.quantization = {abi::tflite::QuantizationType::affine, &arrays.quantization};
}

Status DeclaredGraph::resize(Context* context, Tensor* tensor, IntArray* shape) {
  auto& graph = *static_cast<DeclaredGraph*>(context->impl);
  Status status = Status::ok;
  try {
    std::vector<std::int32_t>& dims = graph.arrays_[static_cast<std::size_t>(tensor - graph.tensors_.data())].dims;
    dims = counted(values_of(shape));
    tensor->dims = as_array(dims);
  } catch (const std::bad_alloc&) {
    status = Status::error;
  }
  std::free(shape);  // NOLINT(cppcoreguidelines-no-malloc): as TensorFlow Lite does it
  return status;
}

}  // namespace zerolite
