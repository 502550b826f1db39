// What a model says of itself: its subgraphs, operators and signatures, read from the FlatBuffer.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "zerolite/model/model_bytes.hpp"
#include "zerolite/tensor/element_type.hpp"

namespace zerolite {

struct OperatorCode {
  static constexpr std::int32_t kCustom = 32;  // BuiltinOperator.CUSTOM of the schema

  std::int32_t builtin_code = 0;
  std::string custom_code;
  std::int32_t version = 1;

  [[nodiscard]] bool is_custom() const { return builtin_code == kCustom; }
};

struct TensorDescription {
  std::string name;
  std::string name_for_runtime;  // where it is another one; see distinct_input_names.hpp
  ElementType type = ElementType::none;
  std::vector<std::int32_t> shape;

  [[nodiscard]] bool is_empty() const { return std::ranges::find(shape, 0) != shape.end(); }
};

struct SubgraphDescription {
  std::string name;
  std::vector<TensorDescription> tensors;
  std::vector<std::int32_t> inputs;
  std::vector<std::int32_t> outputs;
  std::vector<std::uint32_t> operators;  // indices into ModelInterface::operator_codes
};

// A tensor under the name that a signature gives it, and where it stands among its subgraph's inputs or
// outputs.
struct NamedTensor {
  std::string name;
  std::int32_t tensor_index = 0;
  std::string name_in_file;  // which may be empty or occur twice
  bool is_named = true;      // by the signature; else the name is the tensor's own
};

struct SignatureDescription {
  std::string key;
  std::size_t subgraph = 0;
  // In the source's order where the file tells it (see signature_order.hpp), or else in the subgraph's, which is that
  // of tf.lite.Interpreter.get_input_details().
  // All inputs of the subgraph, and the outputs that the signature names, or all of them where it names none.
  std::vector<NamedTensor> inputs;
  std::vector<NamedTensor> outputs;
  // The file does not tell in which order its source takes the inputs, and the subgraph's need not be it.
  bool inputs_in_doubt = false;
  bool is_complete = true;  // names every input and output of the subgraph once
  // The signature that stands for it where the runtime runs it: itself, or another one of its subgraph if it is not
  // complete. The place is among the complete ones, which alone the runtime gets to see.
  std::size_t runtime_index = 0;
  // The runtime has no signatures then, and looks the tensors of the first subgraph up by their own names.
  bool is_placeholder = false;
};

// A signature that nothing can run, and why.
struct UnusableSignature {
  std::string key;
  std::string reason;
};

// The key of the signature of a model that has none: LiteRT's own.
inline constexpr const char* kPlaceholderSignature = "<placeholder signature>";

struct ModelInterface {
  std::vector<OperatorCode> operator_codes;
  std::vector<SubgraphDescription> subgraphs;
  // Never empty: a model without any that is usable has one under kPlaceholderSignature, with the tensors' own names.
  std::vector<SignatureDescription> signatures;
  std::vector<UnusableSignature> unusable_signatures;
  // Places in the file. The runtime refuses all of a file that has one (LiteRT 2.3.0).
  std::vector<std::size_t> incomplete_signatures;

  // Throws InvalidModelError, which names the file and what is wrong with it.
  static ModelInterface parse(const ModelBytes& bytes);
  // Without signatures, and so also of a file whose version or signatures nothing can run. Its errors name no file.
  static ModelInterface parse_graphs(std::span<const std::byte> bytes);

  // "serving_default", or else the first.
  [[nodiscard]] std::size_t default_signature() const;
};

}  // namespace zerolite
