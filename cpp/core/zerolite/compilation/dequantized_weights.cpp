#include "zerolite/compilation/dequantized_weights.hpp"

#include <algorithm>
#include <array>
#include <bit>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <span>
#include <utility>
#include <vector>

#include "zerolite/compilation/load_model.hpp"
#include "zerolite/compilation/npu_compilation.hpp"
#include "zerolite/model/flatbuffer.hpp"
#include "zerolite/model/flatbuffer_writer.hpp"
#include "zerolite/model/model_contents.hpp"
#include "zerolite/model/operators.hpp"
#include "zerolite/model/schema_fields.hpp"
#include "zerolite/model/subgraph_view.hpp"

namespace zerolite {
namespace {

using flatbuffer::NewTable;
using flatbuffer::Place;
using flatbuffer::Table;
using flatbuffer::Vector;

// Whether XNNPACK is faster with the float32 filter than the builtin kernel with the int8 one. Its depthwise kernels
// have up to 25 taps; larger filters, and several outputs for each input, are computed as a convolution in groups,
// which pays when a group is not too small (XNNPACK of LiteRT 2.3.0, measured with AVX-512).
bool is_faster_with_float(std::int32_t inputs, std::int32_t outputs, std::int64_t taps) {
  constexpr std::int64_t kMostTaps = 25;
  constexpr std::int32_t kLeastGroup = 4;
  const std::int32_t multiplier = outputs / inputs;
  return multiplier == 1 ? taps <= kMostTaps : inputs == 1 || multiplier >= kLeastGroup;
}

bool has_float_kernel(const SubgraphView& subgraph, std::size_t index) {
  // XNNPACK takes no depthwise convolution without a bias, nor with one that is computed.
  constexpr std::size_t kInputs = 3;
  const OperatorDetails& operation = subgraph.details.operators[index];
  if (kind_of(subgraph.operator_code(index)) != Operator::DEPTHWISE_CONV_2D || operation.inputs.size() != kInputs ||
      operation.outputs.size() != 1 ||
      !std::ranges::all_of(operation.inputs, [&](std::int32_t tensor) { return subgraph.has_tensor(tensor); })) {
    return false;
  }
  const auto is_float = [&](std::int32_t tensor) {
    return subgraph.has_tensor(tensor) && subgraph.tensor(tensor).type == ElementType::float32;
  };
  if (!is_float(operation.inputs[0]) || !is_float(operation.inputs[2]) || !is_float(operation.outputs[0])) return false;
  if (subgraph.tensor_details(operation.inputs[2]).constant.empty()) return false;
  const std::vector<std::int32_t>& input = subgraph.tensor(operation.inputs[0]).shape;
  const std::vector<std::int32_t>& filter = subgraph.tensor(operation.inputs[1]).shape;
  constexpr std::size_t kRank = 4;
  if (input.size() != kRank || filter.size() != kRank || filter[0] != 1) return false;
  if (input[3] < 1 || filter[3] < input[3] || filter[3] % input[3] != 0) return false;
  // XNNPACK clamps, and knows no other activations.
  constexpr std::int8_t kRelu6 = 3;
  const std::optional<Table> options = options_of(Operator::DEPTHWISE_CONV_2D, operation);
  const auto activation =
      options ? options->scalar<std::int8_t>(schema::depthwise_conv_2d_options::kActivation, 0) : std::int8_t{0};
  if (activation < 0 || activation > kRelu6) return false;
  return is_faster_with_float(input[3], filter[3], std::int64_t{filter[1]} * filter[2]);
}

// What uses a tensor: nothing, operators that want it as float32, or anything else besides.
enum class Use { none, wants_float, other };

std::vector<Use> uses_of_tensors(const SubgraphView& subgraph) {
  std::vector<Use> uses(subgraph.description.tensors.size());
  const auto use = [&](std::int32_t tensor, bool wants_float) {
    if (!subgraph.has_tensor(tensor)) return;
    Use& known = uses[static_cast<std::size_t>(tensor)];
    known = wants_float && known != Use::other ? Use::wants_float : Use::other;
  };
  for (std::size_t i = 0; i < subgraph.details.operators.size(); ++i) {
    const OperatorDetails& operation = subgraph.details.operators[i];
    const bool wants_float = has_float_kernel(subgraph, i);
    for (std::size_t j = 0; j < operation.inputs.size(); ++j) use(operation.inputs[j], wants_float && j == 1);
    for (const auto* tensors : {&operation.outputs, &operation.intermediates}) {
      for (const std::int32_t tensor : *tensors) use(tensor, false);
    }
  }
  for (const auto* tensors : {&subgraph.description.inputs, &subgraph.description.outputs}) {
    for (const std::int32_t tensor : *tensors) use(tensor, false);
  }
  for (const TensorDetails& tensor : subgraph.details.tensors) {
    if (!tensor.blockwise) continue;
    use(tensor.blockwise->scales, false);
    use(tensor.blockwise->zero_points, false);
  }
  return uses;
}

bool can_be_dequantized(const TensorDescription& tensor, const TensorDetails& details) {
  if (tensor.type != ElementType::int8 || details.is_variable || details.external_buffer != 0) return false;
  if (details.sparsity || details.blockwise || details.scales.empty()) return false;
  const auto axis = static_cast<std::size_t>(details.quantized_dimension);
  const std::size_t scales = details.scales.size();
  if (scales > 1 && (axis >= tensor.shape.size() || std::cmp_not_equal(tensor.shape[axis], scales))) {
    return false;
  }
  const bool are_numbers = std::ranges::all_of(details.scales, [](float scale) { return std::isfinite(scale); });
  return are_numbers && details.zero_points.size() == scales && !details.constant.empty() &&
         details.constant.size() == byte_size(ElementType::int8, tensor.shape);
}

std::vector<float> dequantized(const TensorDescription& tensor, const TensorDetails& details) {
  const std::size_t channels = details.scales.size();
  std::size_t stride = 1;  // from one channel to the next
  for (std::size_t i = static_cast<std::size_t>(details.quantized_dimension) + 1; i < tensor.shape.size(); ++i) {
    stride *= static_cast<std::size_t>(tensor.shape[i]);
  }
  std::vector<float> values(details.constant.size());
  for (std::size_t i = 0; i < values.size(); ++i) {
    const std::size_t channel = channels == 1 ? 0 : i / stride % channels;
    // Both are numbers of 8 bits, so their difference is exact.
    const auto stored = static_cast<float>(std::bit_cast<std::int8_t>(details.constant[i]));
    values[i] = (stored - static_cast<float>(details.zero_points[channel])) * details.scales[channel];
  }
  return values;
}

// Float32 weights by subgraph and tensor.
using NewWeights = std::map<std::size_t, std::map<std::size_t, std::vector<float>>>;

NewWeights new_weights(const ModelInterface& interface, const ModelContents& contents) {
  NewWeights weights;
  for (std::size_t i = 0; i < interface.subgraphs.size(); ++i) {
    const SubgraphView subgraph{interface, interface.subgraphs[i], contents.subgraphs[i]};
    const std::vector<Use> uses = uses_of_tensors(subgraph);
    for (std::size_t tensor = 0; tensor < uses.size(); ++tensor) {
      const TensorDescription& description = subgraph.description.tensors[tensor];
      const TensorDetails& details = subgraph.details.tensors[tensor];
      if (uses[tensor] != Use::wants_float || !can_be_dequantized(description, details)) continue;
      weights[i].emplace(tensor, dequantized(description, details));
    }
  }
  return weights;
}

// Whether parts of the file are named by their distance from its first byte, which another part in front would change.
bool has_data_behind_the_flatbuffer(const Table& root) {
  const Vector buffers = root.tables(schema::model::kBuffers);
  for (std::size_t i = 0; i < buffers.size(); ++i) {
    if (buffers.table(i).scalar<std::uint64_t>(schema::buffer::kOffset, 0) > 1) return true;
  }
  const Vector subgraphs = root.tables(schema::model::kSubgraphs);
  for (std::size_t i = 0; i < subgraphs.size(); ++i) {
    const Vector operators = subgraphs.table(i).tables(schema::subgraph::kOperators);
    for (std::size_t j = 0; j < operators.size(); ++j) {
      const Table operation = operators.table(j);
      if (operation.scalar<std::uint64_t>(schema::operation::kLargeCustomOptionsOffset, 0) > 1) return true;
    }
  }
  return false;
}

// What stands before the model's bytes in the copy: all tables on the way to the weights, and the weights.
std::vector<std::byte> front_of_copy(std::span<const std::byte> bytes, const NewWeights& weights) {
  constexpr std::size_t kAlignment = 16;  // which the schema asks for
  const Table root = Table::root(bytes);
  flatbuffer::Writer writer;
  const Vector subgraphs = root.tables(schema::model::kSubgraphs);
  std::vector<Place> buffer_places = flatbuffer::places_in_source(root.tables(schema::model::kBuffers));
  std::vector<Place> subgraph_places = flatbuffer::places_in_source(subgraphs);
  for (const auto& [index, tensors_to_write] : weights) {
    const Table subgraph = subgraphs.table(index);
    const Vector tensors = subgraph.tables(schema::subgraph::kTensors);
    std::vector<Place> tensor_places = flatbuffer::places_in_source(tensors);
    for (const auto& [tensor, values] : tensors_to_write) {
      const Place data = writer.add(std::as_bytes(std::span(values)), kAlignment);
      NewTable with_weights(tensors.table(tensor), schema::written::kTensor);
      with_weights.set(schema::tensor::kType, schema::tensor_type::kFloat32)
          .set(schema::tensor::kBuffer, static_cast<std::uint32_t>(buffer_places.size()))
          .remove(schema::tensor::kQuantization);
      tensor_places[tensor] = writer.add(with_weights);
      buffer_places.push_back(writer.add(NewTable().refer(schema::buffer::kData, data)));
    }
    const Place written = writer.add(tensor_places);
    subgraph_places[index] =
        writer.add(NewTable(subgraph, schema::written::kSubgraph).refer(schema::subgraph::kTensors, written));
  }
  NewTable model(root, schema::written::kModel);
  model.refer(schema::model::kBuffers, writer.add(buffer_places))
      .refer(schema::model::kSubgraphs, writer.add(subgraph_places));
  constexpr std::size_t kIdentifier = 4;
  flatbuffer::require(bytes, kIdentifier, kIdentifier);
  return writer.finish(writer.add(model), bytes.subspan<kIdentifier, kIdentifier>());
}

}  // namespace

std::shared_ptr<const Model> dequantize_weights(const std::shared_ptr<const Model>& model) {
  model->bytes().require_unchanged();
  const std::span<const std::byte> bytes = model->bytes().span();
  if (!npu_of_compiled_model(*model).empty() || has_data_behind_the_flatbuffer(Table::root(bytes))) return model;
  const NewWeights weights = new_weights(model->interface(), ModelContents::read(bytes));
  if (weights.empty()) return model;
  return load_model(ModelBytes::join(front_of_copy(bytes, weights), bytes, model->name()), model->verification());
}

}  // namespace zerolite
