#include "zerolite/model/model_interface.hpp"

#include <algorithm>
#include <cstring>
#include <iterator>
#include <map>
#include <optional>
#include <set>
#include <string_view>
#include <utility>

#include "zerolite/model/flatbuffer.hpp"
#include "zerolite/model/schema_fields.hpp"
#include "zerolite/model/signature_order.hpp"
#include "zerolite/platform/error.hpp"

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
  const auto index = static_cast<std::uint8_t>(schema_type);  // what is negative lies behind all of them
  return index < std::size(kTypes) ? kTypes[index] : ElementType::none;
}

// What a description may hold. Offsets may lead to the same place again and again, so that a file of a few kilobytes
// can describe more than fits into any memory; files as converters write them describe each byte about once.
class Allowance {
 public:
  explicit Allowance(std::size_t file_size) : bytes_(kDescriptionsPerByte * file_size) {}

  void take_tables(std::size_t count) { take(tables_, count); }
  void take_bytes(std::size_t count) { take(bytes_, count); }

 private:
  // What FlatBuffers' verifier allows, and so what the runtime does.
  static constexpr std::size_t kMostTables = 1'000'000;
  static constexpr std::size_t kDescriptionsPerByte = 64;

  static void take(std::size_t& left, std::size_t count) {
    if (count > left) throw InvalidModelError("it describes far more than is in it");
    left -= count;
  }

  std::size_t tables_ = kMostTables;
  std::size_t bytes_;
};

Vector tables(const Table& table, unsigned field, Allowance& allowance) {
  const Vector vector = table.tables(field);
  allowance.take_tables(vector.size());
  return vector;
}

std::string text(const Table& table, unsigned field, Allowance& allowance) {
  const std::string_view string = table.string(field);
  allowance.take_bytes(string.size());
  return std::string(string);
}

std::vector<std::int32_t> integers(const Table& table, unsigned field, Allowance& allowance) {
  const Vector vector = table.scalars<std::int32_t>(field);
  allowance.take_bytes(vector.size() * sizeof(std::int32_t));
  std::vector<std::int32_t> values(vector.size());
  for (std::size_t i = 0; i < values.size(); ++i) values[i] = vector.scalar<std::int32_t>(i);
  return values;
}

OperatorCode parse_operator_code(const Table& table, Allowance& allowance) {
  OperatorCode code;
  // Codes from 127 on do not fit into the first field, which older files alone use.
  const auto deprecated = table.scalar<std::int8_t>(schema::operator_code::kDeprecatedBuiltinCode, 0);
  code.builtin_code = std::max(table.scalar<std::int32_t>(schema::operator_code::kBuiltinCode, 0),
                               static_cast<std::int32_t>(deprecated));
  const std::string custom_code = text(table, schema::operator_code::kCustomCode, allowance);
  code.custom_code = custom_code.substr(0, custom_code.find('\0'));  // where it ends for the runtime (2.3.0)
  code.version = table.scalar<std::int32_t>(schema::operator_code::kVersion, 1);
  return code;
}

SubgraphDescription parse_subgraph(const Table& table, Allowance& allowance) {
  SubgraphDescription subgraph;
  subgraph.name = text(table, schema::subgraph::kName, allowance);
  subgraph.inputs = integers(table, schema::subgraph::kInputs, allowance);
  subgraph.outputs = integers(table, schema::subgraph::kOutputs, allowance);
  const Vector tensors = tables(table, schema::subgraph::kTensors, allowance);
  for (std::size_t i = 0; i < tensors.size(); ++i) {
    const Table tensor = tensors.table(i);
    subgraph.tensors.push_back({text(tensor, schema::tensor::kName, allowance),
                                {},
                                element_type(tensor.scalar<std::int8_t>(schema::tensor::kType, 0)),
                                integers(tensor, schema::tensor::kShape, allowance)});
  }
  const Vector operators = tables(table, schema::subgraph::kOperators, allowance);
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

// Those that a signature does not name, under their own names.
std::vector<NamedTensor> unnamed_tensors(const std::vector<NamedTensor>& named, const std::vector<std::int32_t>& order,
                                         const SubgraphDescription& subgraph, Allowance& allowance) {
  std::set<std::int32_t> known;
  for (const NamedTensor& tensor : named) known.insert(tensor.tensor_index);
  std::vector<NamedTensor> unnamed;
  for (const std::int32_t index : order) {
    if (!known.insert(index).second) continue;
    const std::string& name = subgraph.tensors[static_cast<std::size_t>(index)].name;
    allowance.take_bytes(name.size());
    unnamed.push_back({name, index, name, false});
  }
  return unnamed;
}

// The tensors in the subgraph's order, all of them; one that the signature names twice appears under both names.
std::vector<NamedTensor> named_tensors(const Vector& maps, const std::vector<std::int32_t>& order,
                                       const SubgraphDescription& subgraph, const std::string& key,
                                       Allowance& allowance) {
  allowance.take_bytes(order.size() * sizeof(std::int32_t));
  std::map<std::int32_t, std::size_t> positions;
  for (std::size_t i = 0; i < order.size(); ++i) positions.try_emplace(order[i], i);
  std::vector<NamedTensor> tensors;
  for (std::size_t i = 0; i < maps.size(); ++i) {
    const Table map = maps.table(i);
    const auto index = map.scalar<std::uint32_t>(schema::tensor_map::kTensor, 0);
    if (index >= subgraph.tensors.size()) {
      throw InvalidModelError("its signature '" + key + "' names a tensor that does not exist");
    }
    const std::string name_in_file = text(map, schema::tensor_map::kName, allowance);
    std::string name = name_in_file;
    if (name.empty()) {
      name = subgraph.tensors[index].name;
      allowance.take_bytes(name.size());
    }
    tensors.push_back({std::move(name), static_cast<std::int32_t>(index), name_in_file});
  }
  for (const NamedTensor& tensor : tensors) {
    if (!positions.contains(tensor.tensor_index)) {
      throw InvalidModelError("its signature '" + key + "' names tensor '" + tensor.name +
                              "', which is no input or output of the signature's subgraph");
    }
  }
  std::ranges::move(unnamed_tensors(tensors, order, subgraph, allowance), std::back_inserter(tensors));
  std::ranges::stable_sort(tensors, {}, [&](const NamedTensor& tensor) { return positions[tensor.tensor_index]; });
  return tensors;
}

std::vector<NamedTensor> own_names(const std::vector<std::int32_t>& indices, const SubgraphDescription& subgraph) {
  std::vector<NamedTensor> tensors;
  tensors.reserve(indices.size());
  for (const std::int32_t index : indices) {
    const std::string& name = subgraph.tensors[static_cast<std::size_t>(index)].name;
    tensors.push_back({name, index, name});
  }
  return tensors;
}

// Names address tensors, so each must be there once and not be empty: a second "x" becomes "x_1".
void make_names_distinct(std::vector<NamedTensor>& tensors, std::string_view unnamed) {
  std::map<std::string, int, std::less<>> next_number;  // by name that is taken
  for (NamedTensor& tensor : tensors) {
    if (tensor.name.empty()) tensor.name = unnamed;
    const auto [same, is_new] = next_number.try_emplace(tensor.name, 1);
    if (is_new) continue;
    do {
      tensor.name = same->first + "_" + std::to_string(same->second++);
    } while (!next_number.try_emplace(tensor.name, 1).second);
  }
}

SignatureDescription parse_signature(const Table& table, const std::vector<SubgraphDescription>& subgraphs,
                                     Allowance& allowance) {
  SignatureDescription signature;
  signature.key = text(table, schema::signature::kKey, allowance);
  signature.subgraph = table.scalar<std::uint32_t>(schema::signature::kSubgraph, 0);
  if (signature.subgraph >= subgraphs.size()) {
    throw InvalidModelError("its signature '" + signature.key + "' refers to a subgraph that does not exist");
  }
  const SubgraphDescription& subgraph = subgraphs[signature.subgraph];
  const Vector inputs = tables(table, schema::signature::kInputs, allowance);
  const Vector outputs = tables(table, schema::signature::kOutputs, allowance);
  signature.inputs = named_tensors(inputs, subgraph.inputs, subgraph, signature.key, allowance);
  signature.outputs = named_tensors(outputs, subgraph.outputs, subgraph, signature.key, allowance);
  signature.is_complete = inputs.size() == subgraph.inputs.size() && outputs.size() == subgraph.outputs.size() &&
                          std::ranges::all_of(signature.inputs, &NamedTensor::is_named) &&
                          std::ranges::all_of(signature.outputs, &NamedTensor::is_named);
  return signature;
}

std::string incompleteness(const SignatureDescription& signature) {
  for (const auto& [side, tensors] : {std::pair("input", &signature.inputs), std::pair("output", &signature.outputs)}) {
    const auto unnamed = std::ranges::find(*tensors, false, &NamedTensor::is_named);
    if (unnamed != tensors->end()) {
      return std::string("it does not name the ") + side + " '" + unnamed->name + "' of its subgraph";
    }
  }
  return "it names a tensor twice";
}

// Says for each signature what the runtime runs in its place.
void find_runtime_signatures(ModelInterface& model) {
  std::map<std::size_t, std::size_t> complete;  // the first one of each subgraph
  std::size_t count = 0;
  for (std::size_t i = 0; i < model.signatures.size(); ++i) {
    SignatureDescription& signature = model.signatures[i];
    if (!signature.is_complete) {
      model.incomplete_signatures.push_back(i);
      continue;
    }
    signature.runtime_index = count++;
    complete.try_emplace(signature.subgraph, signature.runtime_index);
  }
  if (count == 0) complete.emplace(0, 0);
  const auto is_unusable = [&](const SignatureDescription& signature) {
    return !complete.contains(signature.subgraph);
  };
  for (SignatureDescription& signature : model.signatures) {
    if (is_unusable(signature)) {
      model.unusable_signatures.push_back(
          {signature.key, incompleteness(signature) + " " + std::to_string(signature.subgraph) +
                              ", which the runtime asks for, and no other signature runs that subgraph"});
    } else if (!signature.is_complete) {
      signature.runtime_index = complete[signature.subgraph];
      signature.is_placeholder = count == 0;
    }
    // A run computes the others, too, and nobody asked for them.
    if (std::ranges::any_of(signature.outputs, &NamedTensor::is_named)) {
      std::erase_if(signature.outputs, [](const NamedTensor& output) { return !output.is_named; });
    }
  }
  std::erase_if(model.signatures, is_unusable);
}

SignatureDescription placeholder_signature(const SubgraphDescription& main) {
  SignatureDescription signature;
  signature.key = kPlaceholderSignature;
  signature.inputs = own_names(main.inputs, main);
  signature.outputs = own_names(main.outputs, main);
  signature.is_placeholder = true;
  return signature;
}

void require_identifier(std::span<const std::byte> bytes) {
  constexpr std::string_view kIdentifier = "TFL3";
  constexpr std::size_t kPosition = 4;
  if (bytes.size() < kPosition + kIdentifier.size() ||
      std::memcmp(bytes.data() + kPosition, kIdentifier.data(), kIdentifier.size()) != 0) {
    throw InvalidModelError("it does not carry the identifier TFL3 at byte 4, so it is another kind of file");
  }
}

ModelInterface graphs_in(std::span<const std::byte> bytes, Allowance& allowance) {
  require_identifier(bytes);
  const Table root = Table::root(bytes);
  ModelInterface model;
  const Vector codes = tables(root, schema::model::kOperatorCodes, allowance);
  for (std::size_t i = 0; i < codes.size(); ++i) {
    model.operator_codes.push_back(parse_operator_code(codes.table(i), allowance));
  }
  const Vector subgraphs = tables(root, schema::model::kSubgraphs, allowance);
  for (std::size_t i = 0; i < subgraphs.size(); ++i) {
    model.subgraphs.push_back(parse_subgraph(subgraphs.table(i), allowance));
    for (const std::uint32_t code : model.subgraphs.back().operators) {
      if (code >= model.operator_codes.size()) throw InvalidModelError("an operator in it has no operator code");
    }
  }
  return model;
}

ModelInterface parse_model(std::span<const std::byte> bytes) {
  require_identifier(bytes);
  const Table root = Table::root(bytes);
  constexpr std::uint32_t kSchemaVersion = 3;
  const auto version = root.scalar<std::uint32_t>(schema::model::kVersion, 0);
  if (version != kSchemaVersion) {
    throw InvalidModelError("it is of schema version " + std::to_string(version) + ", and version 3 is expected");
  }
  Allowance allowance(bytes.size());
  ModelInterface model = graphs_in(bytes, allowance);
  if (model.subgraphs.empty()) throw InvalidModelError("it has no subgraph, so there is nothing to run");
  const Vector signatures = tables(root, schema::model::kSignatures, allowance);
  for (std::size_t i = 0; i < signatures.size(); ++i) {
    model.signatures.push_back(parse_signature(signatures.table(i), model.subgraphs, allowance));
  }
  find_runtime_signatures(model);
  const bool is_signed = !model.signatures.empty();
  if (!is_signed) model.signatures.push_back(placeholder_signature(model.subgraphs.front()));
  for (SignatureDescription& signature : model.signatures) {
    make_names_distinct(signature.inputs, "input");
    make_names_distinct(signature.outputs, "output");
  }
  apply_source_order(bytes, model, is_signed);
  return model;
}

}  // namespace

ModelInterface ModelInterface::parse(const ModelBytes& bytes) {
  try {
    return parse_model(bytes.span());
  } catch (const InvalidModelError& error) {
    throw InvalidModelError(bytes.name() + " is not a sound TensorFlow Lite model: " + error.what() +
                            "; convert or download it again");
  }
}

ModelInterface ModelInterface::parse_graphs(std::span<const std::byte> bytes) {
  Allowance allowance(bytes.size());
  return graphs_in(bytes, allowance);
}

std::size_t ModelInterface::default_signature() const {
  const auto found = std::ranges::find(signatures, "serving_default", &SignatureDescription::key);
  return found == signatures.end() ? 0 : static_cast<std::size_t>(found - signatures.begin());
}

}  // namespace zerolite
