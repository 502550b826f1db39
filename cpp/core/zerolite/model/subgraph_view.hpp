// One subgraph of a file, as the checks of it see it: what it is made of, and what it is called in an error.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>

#include "zerolite/model/model_contents.hpp"
#include "zerolite/model/model_interface.hpp"

namespace zerolite {

struct SubgraphView {
  const ModelInterface& model;
  const SubgraphDescription& description;
  const SubgraphDetails& details;

  [[nodiscard]] const TensorDescription& tensor(std::int32_t index) const {
    return description.tensors[static_cast<std::size_t>(index)];
  }
  [[nodiscard]] const TensorDetails& tensor_details(std::int32_t index) const {
    return details.tensors[static_cast<std::size_t>(index)];
  }
  [[nodiscard]] const OperatorCode& operator_code(std::size_t index) const {
    return model.operator_codes[description.operators[index]];
  }
  [[nodiscard]] bool has_tensor(std::int32_t index) const {
    return index >= 0 && static_cast<std::size_t>(index) < description.tensors.size();
  }
  // "its tensor 'x'", or "its tensor 3" where it has no name.
  [[nodiscard]] std::string name_of_tensor(std::size_t index) const;
  // "its operator 3 (ADD)".
  [[nodiscard]] std::string name_of_operator(std::size_t index) const;
};

}  // namespace zerolite
