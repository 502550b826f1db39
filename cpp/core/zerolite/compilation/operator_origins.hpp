// Which operators of a model stand behind those of the compiled model that an NPU's compiler made of it.
#pragma once

#include <cstddef>
#include <optional>
#include <vector>

#include "zerolite/model/model.hpp"

namespace zerolite {

class OperatorOrigins {
 public:
  // Nothing when it can't be told: the compiler may have changed operators that it did not take.
  static std::optional<OperatorOrigins> of(const Model& model, const Model& compiled);

  // Positions in the model's subgraph, for positions in the compiled model's one of the same index.
  [[nodiscard]] std::vector<std::size_t> of_operators(std::size_t subgraph,
                                                      const std::vector<std::size_t>& operators) const;

 private:
  std::vector<std::vector<std::vector<std::size_t>>> origins_;  // by subgraph, by operator of the compiled model
};

}  // namespace zerolite
