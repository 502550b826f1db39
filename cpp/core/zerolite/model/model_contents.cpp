#include "zerolite/model/model_contents.hpp"

#include <algorithm>
#include <cstdint>
#include <limits>
#include <string_view>

#include "zerolite/model/flatbuffer.hpp"
#include "zerolite/model/schema_fields.hpp"
#include "zerolite/platform/error.hpp"

namespace zerolite {
namespace {

using flatbuffer::Table;
using flatbuffer::Vector;

class Reader {
 public:
  // Offsets may lead to the same numbers again and again; files as converters write them describe each byte about once.
  explicit Reader(std::span<const std::byte> bytes) : bytes_(bytes), allowance_(kDescriptionsPerByte * bytes.size()) {}

  ModelContents read() {
    const Table root = Table::root(bytes_);
    buffers_ = root.tables(schema::model::kBuffers);
    ModelContents details;
    const Vector subgraphs = root.tables(schema::model::kSubgraphs);
    for (std::size_t i = 0; i < subgraphs.size(); ++i) details.subgraphs.push_back(subgraph(subgraphs.table(i)));
    const Vector signatures = root.tables(schema::model::kSignatures);
    for (std::size_t i = 0; i < signatures.size(); ++i) details.signatures.push_back(signature(signatures.table(i)));
    details.description = text(root, schema::model::kDescription);
    details.schema_version = root.scalar<std::uint32_t>(schema::model::kVersion, 0);
    const Vector entries = root.tables(schema::model::kMetadata);
    take(entries.size());
    for (std::size_t i = 0; i < entries.size(); ++i) {
      const Table entry = entries.table(i);
      details.metadata.push_back(
          {text(entry, schema::metadata::kName), buffer(entry.scalar<std::uint32_t>(schema::metadata::kBuffer, 0))});
    }
    return details;
  }

 private:
  static constexpr std::size_t kDescriptionsPerByte = 64;

  void take(std::size_t count) {
    if (count > allowance_) throw InvalidModelError("it describes far more than is in it");
    allowance_ -= count;
  }

  template <typename Stored, typename Value = Stored>
  std::vector<Value> numbers(const Table& table, unsigned field) {
    const Vector vector = table.scalars<Stored>(field);
    take(vector.size() * sizeof(Value));
    std::vector<Value> values(vector.size());
    for (std::size_t i = 0; i < values.size(); ++i) values[i] = static_cast<Value>(vector.scalar<Stored>(i));
    return values;
  }

  SubgraphDetails subgraph(const Table& table) {
    SubgraphDetails details;
    const Vector tensors = table.tables(schema::subgraph::kTensors);
    take(tensors.size());
    for (std::size_t i = 0; i < tensors.size(); ++i) details.tensors.push_back(tensor(tensors.table(i)));
    const Vector operators = table.tables(schema::subgraph::kOperators);
    take(operators.size());
    for (std::size_t i = 0; i < operators.size(); ++i) {
      const Table operation = operators.table(i);
      using namespace schema::operation;
      details.operators.push_back({operation.scalar<std::uint32_t>(kOperatorCode, 0),
                                   numbers<std::int32_t>(operation, kInputs),
                                   numbers<std::int32_t>(operation, kOutputs),
                                   numbers<std::int32_t>(operation, kIntermediates),
                                   {operation.scalar<std::uint8_t>(kOptionsType, 0), operation.table(kOptions)},
                                   {operation.scalar<std::uint8_t>(kOptions2Type, 0), operation.table(kOptions2)},
                                   custom_options(operation)});
    }
    return details;
  }

  TensorDetails tensor(const Table& table) {
    TensorDetails details;
    details.is_variable = table.scalar<std::uint8_t>(schema::tensor::kIsVariable, 0) != 0;
    details.external_buffer = table.scalar<std::uint32_t>(schema::tensor::kExternalBuffer, 0);
    const auto index = table.scalar<std::uint32_t>(schema::tensor::kBuffer, 0);
    if (index > 0 && index >= buffers_.size()) {
      throw InvalidModelError("its tensor '" + std::string(table.string(schema::tensor::kName)) +
                              "' refers to a buffer that does not exist");
    }
    details.constant = buffer(index);
    // The runtime keeps the signature of tensors that it computes, and reads the sparsity of those that are stored.
    if (details.constant.empty()) {
      details.shape_signature = numbers<std::int32_t>(table, schema::tensor::kShapeSignature);
    } else if (const std::optional<Table> sparse = table.table(schema::tensor::kSparsity)) {
      details.sparsity = sparsity(*sparse);
    }
    details.has_rank = table.scalar<std::uint8_t>(schema::tensor::kHasRank, 0) != 0 ||
                       table.position(schema::tensor::kShape) || !details.shape_signature.empty();
    if (const std::optional<Table> quantized = table.table(schema::tensor::kQuantization)) {
      quantization(*quantized, details);
    }
    return details;
  }

  // Beyond what a 32-bit processor can address there is nothing, which the check of the bounds then says.
  static std::size_t in_memory(std::uint64_t value) {
    return static_cast<std::size_t>(std::min<std::uint64_t>(value, std::numeric_limits<std::size_t>::max()));
  }

  // The first one stands for nothing.
  [[nodiscard]] std::span<const std::byte> buffer(std::uint32_t index) const {
    using namespace schema::buffer;
    if (index == 0 || index >= buffers_.size()) return {};
    return contents(buffers_.table(index), kData, kOffset, kSize);
  }

  [[nodiscard]] std::span<const std::byte> custom_options(const Table& operation) const {
    using namespace schema::operation;
    return contents(operation, kCustomOptions, kLargeCustomOptionsOffset, kLargeCustomOptionsSize);
  }

  // Bytes that are stored in a vector, or behind the FlatBuffer. Of the latter the runtime adds the two numbers, which
  // may overflow, before it compares them with the file's size (2.3.0).
  [[nodiscard]] std::span<const std::byte> contents(const Table& table, unsigned data_field, unsigned offset_field,
                                                    unsigned size_field) const {
    if (const std::optional<std::size_t> position = table.vector_position(data_field)) {
      const Vector data = table.scalars<std::uint8_t>(data_field);
      return bytes_.subspan(*position + sizeof(std::uint32_t), data.size());
    }
    const std::size_t offset = in_memory(table.scalar<std::uint64_t>(offset_field, 0));
    const std::size_t size = in_memory(table.scalar<std::uint64_t>(size_field, 0));
    if (offset <= 1) return {};  // 1 is a placeholder
    flatbuffer::require(bytes_, offset, size);
    return bytes_.subspan(offset, size);
  }

  void quantization(const Table& table, TensorDetails& details) {
    const auto kind = table.scalar<std::uint8_t>(schema::quantization::kDetailsType, 0);
    if (kind == schema::quantization_details::kMultiAxis) return;
    const auto dimension = table.scalar<std::int32_t>(schema::quantization::kDimension, 0);
    if (kind == schema::quantization_details::kBlockwise) {
      const std::optional<Table> blocks = table.table(schema::quantization::kDetails);
      if (!blocks) return;
      details.quantized_dimension = dimension;
      details.blockwise = {blocks->scalar<std::int32_t>(schema::blockwise_quantization::kScales, 0),
                           blocks->scalar<std::int32_t>(schema::blockwise_quantization::kZeroPoints, 0),
                           blocks->scalar<std::int32_t>(schema::blockwise_quantization::kBlockSize, 0)};
      return;
    }
    details.scales = numbers<float>(table, schema::quantization::kScales);
    details.zero_points = numbers<std::int64_t, std::int32_t>(table, schema::quantization::kZeroPoints);
    if (details.scales.empty()) return;
    details.quantized_dimension = dimension;
  }

  Sparsity sparsity(const Table& table) {
    Sparsity sparsity;
    sparsity.traversal_order = numbers<std::int32_t>(table, schema::sparsity::kTraversalOrder);
    if (table.position(schema::sparsity::kBlockMap)) {
      sparsity.block_map = numbers<std::int32_t>(table, schema::sparsity::kBlockMap);
    }
    const Vector dimensions = table.tables(schema::sparsity::kDimensions);
    take(dimensions.size());
    for (std::size_t i = 0; i < dimensions.size(); ++i) {
      const Table metadata = dimensions.table(i);
      DimensionMetadata dimension;
      dimension.sparse = metadata.scalar<std::int8_t>(schema::dimension_metadata::kFormat, 0) != 0;
      dimension.dense_size = metadata.scalar<std::int32_t>(schema::dimension_metadata::kDenseSize, 0);
      if (dimension.sparse) {
        using namespace schema::dimension_metadata;
        dimension.segments = sparse_indices(metadata, kSegmentsType, kSegments);
        dimension.indices = sparse_indices(metadata, kIndicesType, kIndices);
      }
      sparsity.dimensions.push_back(std::move(dimension));
    }
    return sparsity;
  }

  std::vector<std::int32_t> sparse_indices(const Table& metadata, unsigned type_field, unsigned field) {
    using namespace schema::sparse_index_vector;
    const std::optional<Table> vector = metadata.table(field);
    if (!vector) return {};
    switch (metadata.scalar<std::uint8_t>(type_field, 0)) {
      case kInt32:
        return numbers<std::int32_t>(*vector, kValues);
      case kUint16:
        return numbers<std::uint16_t, std::int32_t>(*vector, kValues);
      case kUint8:
        return numbers<std::uint8_t, std::int32_t>(*vector, kValues);
      default:
        return {};
    }
  }

  SignatureDetails signature(const Table& table) {
    SignatureDetails details;
    details.key = text(table, schema::signature::kKey);
    details.subgraph = table.scalar<std::uint32_t>(schema::signature::kSubgraph, 0);
    details.inputs = tensor_map(table.tables(schema::signature::kInputs));
    details.outputs = tensor_map(table.tables(schema::signature::kOutputs));
    return details;
  }

  std::string text(const Table& table, unsigned field) {
    const std::string_view string = table.string(field);
    take(string.size());
    return std::string(string);
  }

  std::map<std::string, std::int32_t> tensor_map(const Vector& entries) {
    std::map<std::string, std::int32_t> tensors;
    take(entries.size());
    for (std::size_t i = 0; i < entries.size(); ++i) {
      const Table entry = entries.table(i);
      tensors[text(entry, schema::tensor_map::kName)] =
          static_cast<std::int32_t>(entry.scalar<std::uint32_t>(schema::tensor_map::kTensor, 0));
    }
    return tensors;
  }

  std::span<const std::byte> bytes_;
  std::size_t allowance_;
  Vector buffers_;
};

}  // namespace

ModelContents ModelContents::read(std::span<const std::byte> bytes) { return Reader(bytes).read(); }

bool ModelContents::has_sparse_tensors() const {
  const auto is_sparse = [](const TensorDetails& tensor) { return tensor.sparsity.has_value(); };
  return std::ranges::any_of(
      subgraphs, [&](const SubgraphDetails& subgraph) { return std::ranges::any_of(subgraph.tensors, is_sparse); });
}

}  // namespace zerolite
