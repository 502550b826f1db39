// What a model's file says besides its interface: quantization, sparsity, constants, operands, and signatures in
// their own words. For those who ask about every tensor; a model that is only run needs none of it.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "zerolite/model/flatbuffer.hpp"

namespace zerolite {

// How one dimension of a sparse tensor is stored: all of it, or the places of what is not zero.
struct DimensionMetadata {
  bool sparse = false;
  std::int32_t dense_size = 0;
  std::vector<std::int32_t> segments;
  std::vector<std::int32_t> indices;
};

struct Sparsity {
  std::vector<std::int32_t> traversal_order;
  std::optional<std::vector<std::int32_t>> block_map;
  std::vector<DimensionMetadata> dimensions;
};

// Scales and zero points for blocks of a tensor, which are the values of other tensors.
struct BlockwiseQuantization {
  std::int32_t scales = -1;
  std::int32_t zero_points = -1;
  std::int32_t block_size = 0;
};

struct TensorDetails {
  std::vector<std::int32_t> shape_signature;  // empty where it is the shape
  bool has_rank = true;                       // else the shape is empty because nothing is known of it
  std::vector<float> scales;
  std::vector<std::int32_t> zero_points;
  std::int32_t quantized_dimension = 0;
  std::optional<BlockwiseQuantization> blockwise;
  std::optional<Sparsity> sparsity;
  std::span<const std::byte> constant;  // part of the model's bytes; empty for what a run computes
  bool is_variable = false;
  std::uint32_t external_buffer = 0;  // not 0 for what is stored in another file
};

// The schema has two unions of such tables, of which an operator uses one.
struct OperatorOptions {
  std::uint8_t type = 0;
  std::optional<flatbuffer::Table> table;
};

struct OperatorDetails {
  std::uint32_t code = 0;  // index into ModelInterface::operator_codes
  std::vector<std::int32_t> inputs;
  std::vector<std::int32_t> outputs;
  std::vector<std::int32_t> intermediates;
  OperatorOptions options;
  OperatorOptions options_2;
  std::span<const std::byte> custom_options;  // part of the model's bytes
};

struct SubgraphDetails {
  std::vector<TensorDetails> tensors;
  std::vector<OperatorDetails> operators;
};

// A signature with the names that stand in the file, which may be empty or occur twice (the last one counts).
struct SignatureDetails {
  std::string key;
  std::size_t subgraph = 0;
  std::map<std::string, std::int32_t> inputs;
  std::map<std::string, std::int32_t> outputs;
};

// What somebody wrote about the model under a name of their own, such as the oldest runtime that it needs.
struct MetadataEntry {
  std::string name;
  std::span<const std::byte> content;  // part of the model's bytes
};

struct ModelContents {
  std::vector<SubgraphDetails> subgraphs;
  std::vector<SignatureDetails> signatures;  // none for a model without
  std::string description;                   // the converter's words, often "MLIR Converted."
  std::uint32_t schema_version = 0;
  std::vector<MetadataEntry> metadata;

  // Throws InvalidModelError for what the model's interface does not cover and is unsound. The bytes must outlive the
  // details.
  static ModelContents read(std::span<const std::byte> bytes);

  [[nodiscard]] bool has_sparse_tensors() const;
};

}  // namespace zerolite
