// A signature of a compiled model, as the parts of its runner see it.
#pragma once

#include <cstddef>
#include <string>

#include "litert_abi/types.hpp"
#include "zerolite/graph/captured_graph.hpp"
#include "zerolite/model/model.hpp"
#include "zerolite/operators/custom_operators.hpp"

namespace zerolite {

// Owns nothing: the compiled model, the model and the graph outlive it.
struct CompiledSignature {
  CompiledSignature(abi::CompiledModel compiled_model, std::size_t signature, const Model& model,
                    const CapturedGraph& captured, const CustomOperators* custom)
      : compiled(compiled_model),
        model_name(model.name()),
        file_size(model.bytes().span().size()),
        description(model.interface().signatures[signature]),
        index(description.runtime_index),
        subgraph(model.interface().subgraphs[description.subgraph]),
        graph(captured),
        custom_operators(custom) {}

  abi::CompiledModel compiled;
  const std::string& model_name;
  std::size_t file_size;
  const SignatureDescription& description;
  std::size_t index;  // among the runtime's signatures
  const SubgraphDescription& subgraph;
  const CapturedGraph& graph;
  const CustomOperators* custom_operators;  // that have kernels of the user's, or null
};

}  // namespace zerolite
