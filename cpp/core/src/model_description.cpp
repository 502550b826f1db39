#include "zerolite/model_description.hpp"

#include <algorithm>
#include <cstring>
#include <set>
#include <string_view>

#include "zerolite/error.hpp"
#include "zerolite/flatbuffer.hpp"
#include "zerolite/schema_fields.hpp"

namespace zerolite {
namespace {

using flatbuffer::Table;
using flatbuffer::Vector;

// The schema numbers its types from 0 in its own order; the runtime's order is ElementType's.
ElementType element_type(std::int8_t schema_type) {
  static constexpr ElementType kTypes[] = {
      ElementType::float32,   ElementType::float16,       ElementType::int32,      ElementType::uint8,
      ElementType::int64,     ElementType::string,        ElementType::boolean,    ElementType::int16,
      ElementType::complex64, ElementType::int8,          ElementType::float64,    ElementType::complex128,
      ElementType::uint64,    ElementType::resource,      ElementType::variant,    ElementType::uint32,
      ElementType::uint16,    ElementType::int4,          ElementType::bfloat16,   ElementType::int2,
      ElementType::uint4,     ElementType::float8_e4m3fn, ElementType::float8_e5m2};
  const auto index = static_cast<std::size_t>(schema_type);
  return schema_type >= 0 && index < std::size(kTypes) ? kTypes[index] : ElementType::none;
}

std::vector<std::int32_t> integers(const Vector& vector) {
  std::vector<std::int32_t> values(vector.size());
  for (std::size_t i = 0; i < values.size(); ++i) values[i] = vector.scalar<std::int32_t>(i);
  return values;
}

OperatorCode parse_operator_code(const Table& table) {
  OperatorCode code;
  // Codes from 127 on do not fit into the first field, which older files alone use.
  const auto deprecated = table.scalar<std::int8_t>(schema::operator_code::kDeprecatedBuiltinCode, 0);
  code.builtin_code = std::max(table.scalar<std::int32_t>(schema::operator_code::kBuiltinCode, 0),
                               static_cast<std::int32_t>(deprecated));
  code.custom_code = table.string(schema::operator_code::kCustomCode);
  code.version = table.scalar<std::int32_t>(schema::operator_code::kVersion, 1);
  return code;
}

SubgraphDescription parse_subgraph(const Table& table) {
  SubgraphDescription subgraph;
  subgraph.name = table.string(schema::subgraph::kName);
  subgraph.inputs = integers(table.scalars<std::int32_t>(schema::subgraph::kInputs));
  subgraph.outputs = integers(table.scalars<std::int32_t>(schema::subgraph::kOutputs));
  const Vector tensors = table.tables(schema::subgraph::kTensors);
  for (std::size_t i = 0; i < tensors.size(); ++i) {
    const Table tensor = tensors.table(i);
    subgraph.tensors.push_back({std::string(tensor.string(schema::tensor::kName)),
                                element_type(tensor.scalar<std::int8_t>(schema::tensor::kType, 0)),
                                integers(tensor.scalars<std::int32_t>(schema::tensor::kShape))});
  }
  const Vector operators = table.tables(schema::subgraph::kOperators);
  for (std::size_t i = 0; i < operators.size(); ++i) {
    subgraph.operators.push_back(operators.table(i).scalar<std::uint32_t>(schema::operation::kOperatorCode, 0));
  }
  const auto refers_to_tensor = [&](std::int32_t index) {
    return index >= 0 && static_cast<std::size_t>(index) < subgraph.tensors.size();
  };
  if (!std::ranges::all_of(subgraph.inputs, refers_to_tensor) ||
      !std::ranges::all_of(subgraph.outputs, refers_to_tensor)) {
    throw InvalidModelError("an input or output of its subgraph '" + subgraph.name + "' is no tensor of that subgraph");
  }
  return subgraph;
}

// Names the tensors in the subgraph's order; a tensor that the signature names twice appears under both
// names.
std::vector<NamedTensor> named_tensors(const Vector& maps, const std::vector<std::int32_t>& order,
                                       const SubgraphDescription& subgraph, const std::string& key) {
  std::vector<NamedTensor> tensors;
  for (std::size_t i = 0; i < maps.size(); ++i) {
    const Table map = maps.table(i);
    const auto index = map.scalar<std::uint32_t>(schema::tensor_map::kTensor, 0);
    if (index >= subgraph.tensors.size()) {
      throw InvalidModelError("its signature '" + key + "' names a tensor that does not exist");
    }
    std::string name(map.string(schema::tensor_map::kName));
    if (name.empty()) name = subgraph.tensors[index].name;
    tensors.push_back({std::move(name), static_cast<std::int32_t>(index)});
  }
  const auto position = [&](const NamedTensor& tensor) { return std::ranges::find(order, tensor.tensor_index); };
  for (const NamedTensor& tensor : tensors) {
    if (position(tensor) == order.end()) {
      throw InvalidModelError("its signature '" + key + "' names tensor '" + tensor.name +
                              "', which is no input or output of the signature's subgraph");
    }
  }
  std::ranges::stable_sort(tensors, {}, position);
  return tensors;
}

std::vector<NamedTensor> own_names(const std::vector<std::int32_t>& indices, const SubgraphDescription& subgraph) {
  std::vector<NamedTensor> tensors;
  tensors.reserve(indices.size());
  for (const std::int32_t index : indices) {
    tensors.push_back({subgraph.tensors[static_cast<std::size_t>(index)].name, index});
  }
  return tensors;
}

// Names address tensors, so each must be there once and not be empty: a second "x" becomes "x_1".
void make_names_distinct(std::vector<NamedTensor>& tensors, std::string_view unnamed) {
  std::set<std::string, std::less<>> taken;
  for (NamedTensor& tensor : tensors) {
    const std::string base = tensor.name.empty() ? std::string(unnamed) : tensor.name;
    tensor.name = base;
    for (int i = 1; !taken.insert(tensor.name).second; ++i) tensor.name = base + "_" + std::to_string(i);
  }
}

SignatureDescription parse_signature(const Table& table, const std::vector<SubgraphDescription>& subgraphs) {
  SignatureDescription signature;
  signature.key = table.string(schema::signature::kKey);
  signature.subgraph = table.scalar<std::uint32_t>(schema::signature::kSubgraph, 0);
  if (signature.subgraph >= subgraphs.size()) {
    throw InvalidModelError("its signature '" + signature.key + "' refers to a subgraph that does not exist");
  }
  const SubgraphDescription& subgraph = subgraphs[signature.subgraph];
  signature.inputs = named_tensors(table.tables(schema::signature::kInputs), subgraph.inputs, subgraph, signature.key);
  signature.outputs =
      named_tensors(table.tables(schema::signature::kOutputs), subgraph.outputs, subgraph, signature.key);
  return signature;
}

SignatureDescription placeholder_signature(const SubgraphDescription& main) {
  return {kPlaceholderSignature, 0, own_names(main.inputs, main), own_names(main.outputs, main)};
}

void require_identifier(std::span<const std::byte> bytes) {
  constexpr std::string_view kIdentifier = "TFL3";
  constexpr std::size_t kPosition = 4;
  if (bytes.size() < kPosition + kIdentifier.size() ||
      std::memcmp(bytes.data() + kPosition, kIdentifier.data(), kIdentifier.size()) != 0) {
    throw InvalidModelError("it does not carry the identifier TFL3 at byte 4, so it is another kind of file");
  }
}

ModelDescription parse_model(std::span<const std::byte> bytes) {
  require_identifier(bytes);
  const Table root = Table::root(bytes);
  ModelDescription model;
  const Vector codes = root.tables(schema::model::kOperatorCodes);
  for (std::size_t i = 0; i < codes.size(); ++i) model.operator_codes.push_back(parse_operator_code(codes.table(i)));

  const Vector subgraphs = root.tables(schema::model::kSubgraphs);
  if (subgraphs.empty()) throw InvalidModelError("it has no subgraph, so there is nothing to run");
  for (std::size_t i = 0; i < subgraphs.size(); ++i) {
    model.subgraphs.push_back(parse_subgraph(subgraphs.table(i)));
    for (const std::uint32_t code : model.subgraphs.back().operators) {
      if (code >= model.operator_codes.size()) throw InvalidModelError("an operator in it has no operator code");
    }
  }

  const Vector signatures = root.tables(schema::model::kSignatures);
  for (std::size_t i = 0; i < signatures.size(); ++i) {
    model.signatures.push_back(parse_signature(signatures.table(i), model.subgraphs));
  }
  if (model.signatures.empty()) model.signatures.push_back(placeholder_signature(model.subgraphs.front()));
  for (SignatureDescription& signature : model.signatures) {
    make_names_distinct(signature.inputs, "input");
    make_names_distinct(signature.outputs, "output");
  }
  return model;
}

}  // namespace

ModelDescription ModelDescription::parse(const ModelBytes& bytes) {
  try {
    return parse_model(bytes.span());
  } catch (const InvalidModelError& error) {
    throw InvalidModelError(bytes.name() + " is not a sound TensorFlow Lite model: " + error.what() +
                            "; convert or download it again");
  }
}

std::size_t ModelDescription::default_signature() const {
  const auto found = std::ranges::find(signatures, "serving_default", &SignatureDescription::key);
  return found == signatures.end() ? 0 : static_cast<std::size_t>(found - signatures.begin());
}

}  // namespace zerolite
