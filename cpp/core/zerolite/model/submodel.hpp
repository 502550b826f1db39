// A part of a subgraph as a model of its own, for engines that read .tflite files.
//
// Operators, tensors, buffers and operator codes keep their indices, since options of every kind refer to them; what
// the part does not use is replaced by something empty. New tables stand in front of the whole model, whose bytes they
// use.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

namespace zerolite {

struct GraphPart {
  std::size_t subgraph = 0;
  std::vector<std::size_t> operators;  // positions in the subgraph, in an order in which they can run
  std::vector<std::int32_t> inputs;    // tensors that come from outside
  std::vector<std::int32_t> outputs;   // tensors that are wanted outside
};

// What a tensor is called in the part. The names of a file need not be unique, and some tell tensors apart by them.
std::string name_of_tensor(std::int32_t index);

// The bytes that make a model of the part when those of the model follow; see ModelBytes::join. It has one subgraph and
// no signatures. Throws InvalidModelError for a part that the model does not have, and for one that is too large.
std::vector<std::byte> front_of_submodel(std::span<const std::byte> model, const GraphPart& part);

}  // namespace zerolite
