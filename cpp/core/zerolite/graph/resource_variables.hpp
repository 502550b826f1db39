// Variables that are resources of the runtime (tf.Variable), read and written by the model's own kernels.
//
// LiteRT 2.3.0 exports no function that names a resource. The kernels of VAR_HANDLE, READ_VARIABLE and ASSIGN_VARIABLE
// know resources by the context that they are given and tensors by that context's list, and do not look further; so
// they are called with a copy of the context whose list has tensors of ours. Nothing of the graph is touched, its
// outputs among it, but the variable.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "zerolite/graph/graph_observer.hpp"
#include "zerolite/model/model.hpp"
#include "zerolite/platform/aligned_buffer.hpp"
#include "zerolite/tensor/tensor_spec.hpp"

namespace zerolite {

// A copy of a variable's values, and where the variable is: the subgraph, and the tensor or, for a resource, the first
// handle of it.
struct VariableValue {
  std::size_t subgraph = 0;
  std::int32_t tensor = 0;
  TensorSpec spec;
  std::shared_ptr<AlignedBuffer> values;

  [[nodiscard]] std::span<const std::byte> bytes() const { return {values->data(), values->size()}; }
};

class ResourceVariables {
 public:
  // Throws Error where a delegate keeps them or the runtime does not show their graph. The graphs are prepared. Both
  // outlive this.
  ResourceVariables(const GraphObserver& observer, const Model& model);

  // Gives variables that have no value yet the first one, where the next run would do that: by CALL_ONCE. Throws Error
  // when that fails.
  void initialize();
  // Those that have a value, in the order of the file.
  [[nodiscard]] std::vector<VariableValue> read() const;
  // Whether all have a value.
  [[nodiscard]] bool are_complete() const;
  // Writes values with a type and a shape of their own. Throws Error when the kernel fails.
  void write(std::span<const VariableValue> values);

 private:
  struct NodeIndex {
    std::size_t subgraph;
    std::size_t node;
  };
  struct Resource {
    std::string name;
    std::size_t subgraph;
    std::int32_t handle;             // the tensor
    int id;                          // the runtime's
    std::vector<ElementType> types;  // that operators read and write
  };
  struct Initialization {
    NodeIndex node;
    std::vector<std::string> variables;  // that it gives values
  };

  void find_operators(const Model& model);
  [[nodiscard]] const CapturedGraph& require_own(NodeIndex index) const;
  [[nodiscard]] int id_of(NodeIndex handle) const;
  [[nodiscard]] std::optional<VariableValue> read(const Resource& resource) const;

  const GraphObserver& observer_;
  std::string model_;
  std::vector<Resource> resources_;
  std::vector<Initialization> initializations_;
  // Of operators whose kernels read and write; used only where there is a variable.
  NodeIndex reader_{};
  NodeIndex writer_{};
};

}  // namespace zerolite
