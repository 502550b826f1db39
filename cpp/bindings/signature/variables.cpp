#include "signature/variables.hpp"

#include <memory>
#include <mutex>
#include <span>
#include <utility>
#include <vector>

#include "arrays/array_memory.hpp"
#include "arrays/dtypes.hpp"
#include "python/instance.hpp"
#include "python/locking.hpp"
#include "python/names.hpp"
#include "signature/signature_object.hpp"
#include "zerolite/inference/model_variables.hpp"
#include "zerolite/platform/error.hpp"

namespace py = pybind11;

namespace zerolite::bindings {
namespace {

std::vector<VariableValue> copied_variables(CompiledModel& model) {
  const std::unique_lock lock = lock_model(model.lock());
  return zerolite::read_variables(model);
}

}  // namespace

std::vector<ReadVariable> read_variables(py::handle signature) {
  std::vector<ReadVariable> read;
  for (auto& [subgraph, tensor, spec, values] : copied_variables(native<SignatureObject>(signature).model())) {
    std::byte* const data = values->data();
    const std::size_t readable = values->capacity();
    read.emplace_back(subgraph, tensor, name_as_str(spec.name),
                      array_over(data, dtype_of(spec.type), spec.shape, std::move(values), readable));
  }
  return read;
}

void write_variables(py::handle signature, const std::vector<WrittenVariable>& written) {
  CompiledModel& model = native<SignatureObject>(signature).model();
  std::vector<NewValue> values;
  for (const auto& [subgraph, tensor, array] : written) {
    if (!PyArray_IS_C_CONTIGUOUS(as_array(array))) throw ValueError("the values of a variable are not in C order");
    values.push_back({subgraph,
                      tensor,
                      {static_cast<const std::byte*>(PyArray_DATA(as_array(array))),
                       static_cast<std::size_t>(PyArray_NBYTES(as_array(array)))}});
  }
  const std::unique_lock lock = lock_model(model.lock());
  zerolite::write_variables(model, values);
}

}  // namespace zerolite::bindings
