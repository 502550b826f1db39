#include "signature/variables.hpp"

#include <algorithm>
#include <cstring>
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
#include "zerolite/platform/aligned_buffer.hpp"
#include "zerolite/platform/error.hpp"

namespace py = pybind11;

namespace zerolite::bindings {
namespace {

struct Copied {
  Variable variable;  // whose memory is not looked at any more
  std::shared_ptr<AlignedBuffer> values;
};

std::vector<Copied> copied_variables(CompiledModel& model) {
  const std::unique_lock lock = lock_model(model.lock());
  std::vector<Copied> copies;
  for (Variable& variable : variables_of(model)) {
    std::shared_ptr<AlignedBuffer> values = AlignedBuffer::allocate(variable.bytes.size());
    std::ranges::copy(variable.bytes, values->data());
    copies.push_back({std::move(variable), std::move(values)});
  }
  return copies;
}

}  // namespace

std::vector<ReadVariable> read_variables(py::handle signature) {
  std::vector<ReadVariable> read;
  for (auto& [variable, values] : copied_variables(native<SignatureObject>(signature).model())) {
    std::byte* const data = values->data();
    const std::size_t readable = values->capacity();
    read.emplace_back(variable.subgraph, variable.tensor, name_as_str(variable.spec.name),
                      array_over(data, dtype_of(variable.spec.type), variable.spec.shape, std::move(values), readable));
  }
  return read;
}

void write_variables(py::handle signature, const std::vector<WrittenVariable>& written) {
  CompiledModel& model = native<SignatureObject>(signature).model();
  const std::unique_lock lock = lock_model(model.lock());
  const std::vector<Variable> variables = variables_of(model);
  std::vector<std::pair<std::span<std::byte>, const std::byte*>> copies;
  for (const auto& [subgraph, tensor, array] : written) {
    const auto found =
        std::ranges::find_if(variables, [&, subgraph = subgraph, tensor = tensor](const Variable& known) {
          return known.subgraph == subgraph && known.tensor == tensor;
        });
    const auto size = static_cast<std::size_t>(PyArray_NBYTES(as_array(array)));
    if (found == variables.end() || found->bytes.size() != size || !PyArray_IS_C_CONTIGUOUS(as_array(array))) {
      throw ValueError("the model's variables have other shapes by now; read its state again");
    }
    copies.emplace_back(found->bytes, static_cast<const std::byte*>(PyArray_DATA(as_array(array))));
  }
  for (const auto& [to, from] : copies) {
    if (!to.empty()) std::memcpy(to.data(), from, to.size());
  }
}

}  // namespace zerolite::bindings
