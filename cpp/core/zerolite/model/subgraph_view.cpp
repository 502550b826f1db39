#include "zerolite/model/subgraph_view.hpp"

#include <algorithm>

#include "zerolite/model/operators.hpp"

namespace zerolite {

std::string SubgraphView::name_of_tensor(std::size_t index) const {
  std::string name = description.tensors[index].name;
  name.resize(std::min(name.size(), name.find('\0')));  // where the error would end
  return "its tensor " + (name.empty() ? std::to_string(index) : "'" + name + "'");
}

std::string SubgraphView::name_of_operator(std::size_t index) const {
  return "its operator " + std::to_string(index) + " (" + name_of(operator_code(index)) + ")";
}

}  // namespace zerolite
