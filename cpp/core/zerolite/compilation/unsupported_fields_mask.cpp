#include "zerolite/compilation/unsupported_fields_mask.hpp"

#include <optional>

#include "litert_abi/types.hpp"
#include "zerolite/model/flatbuffer.hpp"
#include "zerolite/model/schema_fields.hpp"

namespace zerolite {

using flatbuffer::Table;
using flatbuffer::Vector;

UnsupportedFieldsMask::UnsupportedFieldsMask(std::span<std::byte> bytes) : bytes_(bytes) {
  try {
    mask_model();
  } catch (...) {
    restore();
    throw;
  }
}

UnsupportedFieldsMask::~UnsupportedFieldsMask() { restore(); }

void UnsupportedFieldsMask::restore() {
  // The last first: a byte that was overwritten twice gets its first value back.
  for (; !originals_.empty(); originals_.pop_back()) bytes_[originals_.back().position] = originals_.back().value;
}

void UnsupportedFieldsMask::mask_model() {
  const Vector subgraphs = Table::root(bytes_).tables(schema::model::kSubgraphs);
  for (std::size_t i = 0; i < subgraphs.size(); ++i) {
    const Table subgraph = subgraphs.table(i);
    const Vector tensors = subgraph.tables(schema::subgraph::kTensors);
    for (std::size_t j = 0; j < tensors.size(); ++j) {
      const Table tensor = tensors.table(j);
      if (const std::optional<std::size_t> variable = tensor.position(schema::tensor::kIsVariable)) {
        overwrite_byte(*variable, 0);
      }
      if (const std::optional<std::size_t> type = tensor.position(schema::tensor::kType)) {
        const auto value = tensor.scalar<std::int8_t>(schema::tensor::kType, 0);
        if (value == schema::tensor_type::kComplex128 || value == schema::tensor_type::kVariant) {
          overwrite_byte(*type, 0);  // float32
        }
      }
      for (const unsigned field : {schema::tensor::kShape, schema::tensor::kShapeSignature}) {
        if (const std::optional<std::size_t> shape = tensor.vector_position(field)) {
          shorten(*shape, abi::kTensorMaxRank);
        }
      }
      if (const std::optional<std::size_t> variants = tensor.vector_position(schema::tensor::kVariantTensors)) {
        shorten(*variants, 0);
      }
    }
    const Vector operators = subgraph.tables(schema::subgraph::kOperators);
    for (std::size_t j = 0; j < operators.size(); ++j) {
      for (const unsigned field : {schema::operation::kMutatingVariableInputs, schema::operation::kIntermediates}) {
        if (const std::optional<std::size_t> vector = operators.table(j).vector_position(field)) shorten(*vector, 0);
      }
    }
  }
}

void UnsupportedFieldsMask::overwrite_byte(std::size_t position, std::uint8_t value) {
  flatbuffer::require(bytes_, position, 1);
  originals_.push_back({position, bytes_[position]});
  bytes_[position] = static_cast<std::byte>(value);
}

void UnsupportedFieldsMask::shorten(std::size_t vector_position, std::uint32_t length) {
  if (flatbuffer::read<std::uint32_t>(bytes_, vector_position) <= length) return;
  for (std::size_t i = 0; i < sizeof(length); ++i) {
    overwrite_byte(vector_position + i, static_cast<std::uint8_t>((length >> (8 * i)) & 0xFFU));
  }
}

}  // namespace zerolite
