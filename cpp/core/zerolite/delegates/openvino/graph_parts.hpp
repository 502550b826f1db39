// Which parts of a graph OpenVINO gets, where it does not get all of it.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <set>
#include <vector>

#include "litert_abi/tflite.hpp"
#include "zerolite/model/model.hpp"
#include "zerolite/model/model_contents.hpp"
#include "zerolite/model/subgraph_view.hpp"
#include "zerolite/model/submodel.hpp"

namespace zerolite::openvino {

struct PlannedPart {
  std::vector<int> nodes;  // of the graph that it stands for
  // Its operators are those nodes, and the ones besides that only compute with constants and are needed here, too: else
  // the weights of float16 models would be inputs, since one part dequantizes them for all.
  GraphPart part;
};

class GraphParts {
 public:
  // Within a delegate's Prepare. Of the operators that are planned and not yet taken, those that `takes` names may be
  // in a part. The model must last as long.
  GraphParts(abi::tflite::Context* context, const Model& model, std::size_t subgraph, const std::vector<bool>& takes);

  // The parts that are worth it, in the order in which they run.
  [[nodiscard]] std::vector<PlannedPart> choose() const;
  // Leaves the operators of a part to others.
  void leave(const PlannedPart& part);

 private:
  using Nodes = std::set<int>;

  [[nodiscard]] SubgraphView view() const {
    return {interface_, interface_.subgraphs[subgraph_], contents_.subgraphs[subgraph_]};
  }
  [[nodiscard]] std::vector<PlannedPart> parts_of(const Nodes& nodes) const;
  [[nodiscard]] PlannedPart part_of(const abi::tflite::DelegateParams& params, const Nodes& nodes) const;
  [[nodiscard]] bool is_read_outside(std::int32_t tensor, const Nodes& nodes) const;
  [[nodiscard]] double operations_of(const PlannedPart& planned) const;

  abi::tflite::Context* context_;
  const ModelInterface& interface_;
  ModelContents contents_;
  std::size_t subgraph_;
  Nodes candidates_;
  std::map<std::int32_t, int> computed_constants_;  // by tensor, which operator makes it of constants alone
};

}  // namespace zerolite::openvino
