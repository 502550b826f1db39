#include "zerolite/compilation/operator_origins.hpp"

#include <algorithm>
#include <cstdint>
#include <map>
#include <set>
#include <string>

#include "zerolite/model/model_contents.hpp"

namespace zerolite {
namespace {

using Operators = std::vector<OperatorDetails>;

// A tensor of the model by the names that the compiled model may have for it: LiteRT 2.3.0 gives those of signatures
// the signatures' names. Names that several tensors have are left out.
std::map<std::string, std::int32_t> tensors_by_name(const ModelInterface& model, std::size_t subgraph) {
  std::map<std::string, std::int32_t> tensors;
  std::set<std::string> ambiguous;
  const auto add = [&](const std::string& name, std::int32_t tensor) {
    if (const auto [known, is_new] = tensors.try_emplace(name, tensor); !is_new && known->second != tensor) {
      ambiguous.insert(name);
    }
  };
  const std::vector<TensorDescription>& described = model.subgraphs[subgraph].tensors;
  for (std::size_t i = 0; i < described.size(); ++i) add(described[i].name, static_cast<std::int32_t>(i));
  for (const SignatureDescription& signature : model.signatures) {
    if (signature.subgraph != subgraph) continue;
    for (const auto* side : {&signature.inputs, &signature.outputs}) {
      for (const NamedTensor& tensor : *side) add(tensor.name, tensor.tensor_index);
    }
  }
  for (const std::string& name : ambiguous) tensors.erase(name);
  return tensors;
}

// What computes the outputs from the inputs.
std::set<std::size_t> between(const Operators& operators, const std::set<std::int32_t>& inputs,
                              std::vector<std::int32_t> outputs) {
  std::set<std::size_t> found;
  while (!outputs.empty()) {
    const std::int32_t tensor = outputs.back();
    outputs.pop_back();
    if (inputs.contains(tensor)) continue;
    const auto producer = std::ranges::find_if(operators, [&](const OperatorDetails& candidate) {
      return std::ranges::find(candidate.outputs, tensor) != candidate.outputs.end();
    });
    if (producer == operators.end()) continue;
    if (!found.insert(static_cast<std::size_t>(producer - operators.begin())).second) continue;
    outputs.insert(outputs.end(), producer->inputs.begin(), producer->inputs.end());
  }
  return found;
}

// The model's tensors under the names of the compiled model's; nothing when one is not to be told.
std::optional<std::vector<std::int32_t>> translated(const std::vector<std::int32_t>& tensors,
                                                    const SubgraphDescription& compiled,
                                                    const std::map<std::string, std::int32_t>& by_name) {
  std::vector<std::int32_t> result;
  for (const std::int32_t tensor : tensors) {
    if (tensor < 0) continue;  // an optional input that is not there
    const auto found = by_name.find(compiled.tensors[static_cast<std::size_t>(tensor)].name);
    if (found == by_name.end()) return std::nullopt;
    result.push_back(found->second);
  }
  return result;
}

}  // namespace

std::optional<OperatorOrigins> OperatorOrigins::of(const Model& model, const Model& compiled) {
  const ModelContents original = ModelContents::read(model.bytes().span());
  const ModelContents made = ModelContents::read(compiled.bytes().span());
  if (original.subgraphs.size() != made.subgraphs.size()) return std::nullopt;
  OperatorOrigins origins;
  for (std::size_t subgraph = 0; subgraph < original.subgraphs.size(); ++subgraph) {
    const Operators& operators = original.subgraphs[subgraph].operators;
    const std::map<std::string, std::int32_t> by_name = tensors_by_name(model.interface(), subgraph);
    const SubgraphDescription& description = compiled.interface().subgraphs[subgraph];
    std::vector<bool> explained(operators.size());
    origins.origins_.emplace_back();
    for (const OperatorDetails& compiled_operator : made.subgraphs[subgraph].operators) {
      const auto inputs = translated(compiled_operator.inputs, description, by_name);
      const auto outputs = translated(compiled_operator.outputs, description, by_name);
      if (!inputs || !outputs) return std::nullopt;
      const std::set<std::size_t> found = between(operators, {inputs->begin(), inputs->end()}, *outputs);
      for (const std::size_t index : found) {
        if (explained[index]) return std::nullopt;
        explained[index] = true;
      }
      origins.origins_.back().emplace_back(found.begin(), found.end());
    }
    if (std::ranges::find(explained, false) != explained.end()) return std::nullopt;
  }
  return origins;
}

std::vector<std::size_t> OperatorOrigins::of_operators(std::size_t subgraph,
                                                       const std::vector<std::size_t>& operators) const {
  std::vector<std::size_t> result;
  for (const std::size_t index : operators) {
    const std::vector<std::size_t>& origins = origins_[subgraph][index];
    result.insert(result.end(), origins.begin(), origins.end());
  }
  std::ranges::sort(result);
  return result;
}

}  // namespace zerolite
