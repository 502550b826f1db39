// What is in a model's file, whether or not this runtime can run it.
#include <pybind11/pybind11.h>

#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "python/instance.hpp"
#include "python/names.hpp"
#include "register.hpp"
#include "zerolite/model/model_contents.hpp"
#include "zerolite/model/operators.hpp"

namespace py = pybind11;

namespace zerolite::bindings {
namespace {

struct StoredTensor {
  py::str name;
  std::string_view dtype;
  py::tuple shape;
  py::object shape_signature;  // None where not even the number of dimensions is known
  py::tuple scales;
  py::tuple zero_points;
  std::int32_t axis;
  std::size_t constant_bytes;
  bool variable;
};

struct StoredOperator {
  py::str name;
  std::int32_t version;
  bool custom;
  py::tuple inputs;
  py::tuple outputs;
};

struct StoredSubgraph {
  py::str name;
  py::tuple tensors;
  py::tuple operators;
  py::tuple inputs;
  py::tuple outputs;
};

struct StoredSignature {
  py::str key;
  std::size_t subgraph;
  py::object inputs;  // mappings that can't be changed
  py::object outputs;
};

struct Contents {
  py::str description;
  std::uint32_t schema_version;
  py::tuple subgraphs;
  py::tuple signatures;
  py::object metadata;
};

// The elements made into objects of Python's, by their positions.
template <typename Make>
py::tuple tuple_of(std::size_t size, Make make) {
  py::tuple result(size);
  for (std::size_t i = 0; i < size; ++i) result[i] = py::cast(make(i));
  return result;
}

template <typename Element>
py::tuple tuple_of(const std::vector<Element>& values) {
  return tuple_of(values.size(), [&](std::size_t i) { return values[i]; });
}

StoredTensor tensor(const TensorDescription& described, const TensorDetails& details) {
  const py::tuple shape = tuple_of(described.shape);
  const py::object signature = details.shape_signature.empty() ? shape : tuple_of(details.shape_signature);
  return {name_as_str(described.name),
          name_of(described.type),
          shape,
          details.has_rank ? signature : py::none(),
          tuple_of(details.scales),
          tuple_of(details.zero_points),
          details.quantized_dimension,
          details.constant.size(),
          details.is_variable};
}

StoredOperator operation(const OperatorCode& code, const OperatorDetails& details) {
  return {name_as_str(name_of(code)), code.version, code.is_custom(), tuple_of(details.inputs),
          tuple_of(details.outputs)};
}

StoredSubgraph subgraph(const SubgraphDescription& described, const SubgraphDetails& details,
                        const std::vector<OperatorCode>& codes) {
  return {
      name_as_str(described.name),
      tuple_of(details.tensors.size(), [&](std::size_t i) { return tensor(described.tensors[i], details.tensors[i]); }),
      tuple_of(details.operators.size(),
               [&](std::size_t i) { return operation(codes[details.operators[i].code], details.operators[i]); }),
      tuple_of(described.inputs), tuple_of(described.outputs)};
}

py::object read_only(const py::dict& mapping) {
  auto proxy = py::reinterpret_steal<py::object>(PyDictProxy_New(mapping.ptr()));
  if (!proxy) throw py::error_already_set();
  return proxy;
}

py::object tensor_indices(const std::map<std::string, std::int32_t>& tensors) {
  py::dict indices;
  for (const auto& [name, index] : tensors) indices[name_as_str(name)] = index;
  return read_only(indices);
}

StoredSignature signature(const SignatureDetails& details) {
  return {name_as_str(details.key), details.subgraph, tensor_indices(details.inputs), tensor_indices(details.outputs)};
}

Contents read_contents(const py::buffer& content) {
  const py::buffer_info info = content.request();
  if (PyBuffer_IsContiguous(info.view(), 'C') == 0) throw ValueError("the model's bytes do not follow each other");
  const std::span source(static_cast<const std::byte*>(info.ptr),
                         static_cast<std::size_t>(info.size) * static_cast<std::size_t>(info.itemsize));
  std::shared_ptr<const ModelBytes> bytes;
  ModelInterface described;
  ModelContents details;
  {
    const py::gil_scoped_release release;
    bytes = ModelBytes::copy(source, "the model");
    described = ModelInterface::parse_graphs(bytes->span());
    details = ModelContents::read(bytes->span());
  }
  py::dict metadata;
  for (const MetadataEntry& entry : details.metadata) {
    metadata[name_as_str(entry.name)] =
        py::bytes(reinterpret_cast<const char*>(entry.content.data()), entry.content.size());
  }
  return {name_as_str(details.description), details.schema_version,
          tuple_of(details.subgraphs.size(),
                   [&](std::size_t i) {
                     return subgraph(described.subgraphs[i], details.subgraphs[i], described.operator_codes);
                   }),
          tuple_of(details.signatures.size(), [&](std::size_t i) { return signature(details.signatures[i]); }),
          read_only(metadata)};
}

// A field of an object that Python only reads.
template <typename Object, typename Value>
auto field(Value Object::*member) {
  return [member](py::handle self) -> Value { return native<Object>(self).*member; };
}

}  // namespace

void register_contents(py::module_& module) {
  py::class_<StoredTensor>(module, "StoredTensor")
      .def_property_readonly("name", field(&StoredTensor::name))
      .def_property_readonly("dtype", field(&StoredTensor::dtype))
      .def_property_readonly("shape", field(&StoredTensor::shape))
      .def_property_readonly("shape_signature", field(&StoredTensor::shape_signature))
      .def_property_readonly("scales", field(&StoredTensor::scales))
      .def_property_readonly("zero_points", field(&StoredTensor::zero_points))
      .def_property_readonly("axis", field(&StoredTensor::axis))
      .def_property_readonly("constant_bytes", field(&StoredTensor::constant_bytes))
      .def_property_readonly("variable", field(&StoredTensor::variable));
  py::class_<StoredOperator>(module, "StoredOperator")
      .def_property_readonly("name", field(&StoredOperator::name))
      .def_property_readonly("version", field(&StoredOperator::version))
      .def_property_readonly("custom", field(&StoredOperator::custom))
      .def_property_readonly("inputs", field(&StoredOperator::inputs))
      .def_property_readonly("outputs", field(&StoredOperator::outputs));
  py::class_<StoredSubgraph>(module, "StoredSubgraph")
      .def_property_readonly("name", field(&StoredSubgraph::name))
      .def_property_readonly("tensors", field(&StoredSubgraph::tensors))
      .def_property_readonly("operators", field(&StoredSubgraph::operators))
      .def_property_readonly("inputs", field(&StoredSubgraph::inputs))
      .def_property_readonly("outputs", field(&StoredSubgraph::outputs));
  py::class_<StoredSignature>(module, "StoredSignature")
      .def_property_readonly("key", field(&StoredSignature::key))
      .def_property_readonly("subgraph", field(&StoredSignature::subgraph))
      .def_property_readonly("inputs", field(&StoredSignature::inputs))
      .def_property_readonly("outputs", field(&StoredSignature::outputs));
  py::class_<Contents>(module, "ModelContents", "What is in a model's file, whether or not it can be run here.")
      .def_property_readonly("description", field(&Contents::description))
      .def_property_readonly("schema_version", field(&Contents::schema_version))
      .def_property_readonly("subgraphs", field(&Contents::subgraphs))
      .def_property_readonly("signatures", field(&Contents::signatures))
      .def_property_readonly("metadata", field(&Contents::metadata));
  module.def("read_contents", &read_contents, py::arg("content"), py::pos_only(),
             "Reads a model's file, which need not be one that can be run here.");
}

}  // namespace zerolite::bindings
