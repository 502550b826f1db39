#include "zerolite/compilation/distinct_input_names.hpp"

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "zerolite/model/flatbuffer.hpp"
#include "zerolite/model/schema_fields.hpp"

namespace zerolite {
namespace {

using flatbuffer::Table;
using flatbuffer::Vector;

// Where it ends for the runtime (2.3.0).
std::string_view until_null(std::string_view name) { return name.substr(0, name.find('\0')); }

// The inputs that have the name of another one before them.
std::set<std::int32_t> namesakes(const SubgraphDescription& subgraph) {
  std::map<std::string_view, std::int32_t> first;
  std::set<std::int32_t> later;
  for (const std::int32_t input : subgraph.inputs) {
    const std::string_view name = until_null(subgraph.tensors[static_cast<std::size_t>(input)].name);
    if (!name.empty() && first.try_emplace(name, input).first->second != input) later.insert(input);
  }
  return later;
}

// Names of a given length that no tensor of a subgraph has.
class FreeNames {
 public:
  explicit FreeNames(const SubgraphDescription& subgraph) {
    for (const TensorDescription& tensor : subgraph.tensors) taken_.emplace(until_null(tensor.name));
  }

  // The name with a number in the place of its end; none when all numbers are used up.
  std::optional<std::string> like(std::string name) {
    const std::size_t digits = std::min(name.size(), kMostDigits);
    for (std::size_t& number = next_[digits]; number < count(digits); ++number) {
      std::size_t rest = number;
      for (std::size_t i = 1; i <= digits; ++i, rest /= kDigits.size())
        name[name.size() - i] = kDigits[rest % kDigits.size()];
      if (taken_.insert(name).second) return name;
    }
    return std::nullopt;
  }

 private:
  static constexpr std::string_view kDigits = "0123456789abcdefghijklmnopqrstuvwxyz";
  static constexpr std::size_t kMostDigits = 3;

  static std::size_t count(std::size_t digits) {
    std::size_t numbers = 1;
    for (std::size_t i = 0; i < digits; ++i) numbers *= kDigits.size();
    return numbers;
  }

  std::set<std::string> taken_;
  // By the number of digits: no number is tried twice, so that a file of very many inputs takes no longer for it.
  std::array<std::size_t, kMostDigits + 1> next_ = {};
};

Vector tensors_of(const ModelBytes& bytes, std::size_t subgraph) {
  return Table::root(bytes.span()).tables(schema::model::kSubgraphs).table(subgraph).tables(schema::subgraph::kTensors);
}

// How many tensors of the file use the string at each place for their name.
std::map<std::size_t, std::size_t> uses_of_names(const ModelBytes& bytes, std::size_t subgraphs) {
  std::map<std::size_t, std::size_t> uses;
  for (std::size_t i = 0; i < subgraphs; ++i) {
    const Vector tensors = tensors_of(bytes, i);
    for (std::size_t j = 0; j < tensors.size(); ++j) {
      if (const auto place = tensors.table(j).vector_position(schema::tensor::kName)) ++uses[*place];
    }
  }
  return uses;
}

}  // namespace

void make_input_names_distinct(ModelBytes& bytes, ModelInterface& interface) {
  std::map<std::size_t, std::size_t> uses;
  for (std::size_t i = 0; i < interface.subgraphs.size(); ++i) {
    SubgraphDescription& subgraph = interface.subgraphs[i];
    const std::set<std::int32_t> to_rename = namesakes(subgraph);
    if (to_rename.empty()) continue;
    if (uses.empty()) uses = uses_of_names(bytes, interface.subgraphs.size());
    FreeNames names(subgraph);
    const Vector tensors = tensors_of(bytes, i);
    for (const std::int32_t input : to_rename) {
      const auto index = static_cast<std::size_t>(input);
      const std::optional<std::size_t> place = tensors.table(index).vector_position(schema::tensor::kName);
      if (!place || uses[*place] > 1) continue;
      const std::optional<std::string> name = names.like(std::string(until_null(subgraph.tensors[index].name)));
      if (!name) continue;
      bytes.overwrite(*place + sizeof(std::uint32_t), std::as_bytes(std::span(*name)));
      subgraph.tensors[index].name_for_runtime = *name;
    }
  }
}

}  // namespace zerolite
