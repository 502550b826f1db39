// The kernel of a node that stands for a graph or a part of it: programs for the shapes that its inputs have had.
#pragma once

#include <cstddef>
#include <list>
#include <memory>
#include <vector>

#include "litert_abi/tflite.hpp"
#include "zerolite/delegates/openvino/program.hpp"
#include "zerolite/model/model.hpp"
#include "zerolite/model/submodel.hpp"

namespace zerolite::openvino {

class GraphKernel {
 public:
  // For the shapes that the inputs have by now. Throws DelegateError when OpenVINO can't compile that.
  GraphKernel(std::shared_ptr<const Model> model, GraphPart part, OpenVinoSettings settings,
              std::vector<GraphTensor> inputs, std::vector<GraphTensor> outputs);

  // TensorFlow Lite's functions of a kernel, for a node whose user data is a GraphKernel. No exception leaves them.
  static abi::tflite::Status prepare(abi::tflite::Context* context, abi::tflite::Node* node);
  static abi::tflite::Status invoke(abi::tflite::Context* context, abi::tflite::Node* node);
  static void free(abi::tflite::Context* context, void* kernel);

  // See Program; of the program that ran last.
  [[nodiscard]] std::vector<NodeCounter> counters() const { return programs_.front().counters(); }

 private:
  // Compiling takes much longer than a run, and `map` goes back and forth between a chunk and the rest of a batch.
  static constexpr std::size_t kMostPrograms = 4;

  [[nodiscard]] Program compile() const;
  // Only for the shapes that a model is loaded with, so that the directory does not grow with every resize.
  [[nodiscard]] Program find_or_compile(const ProgramStore& store) const;
  void fit(abi::tflite::Context& context);
  void run(abi::tflite::Context& context);
  [[nodiscard]] bool fits(const Program& program) const;

  std::shared_ptr<const Model> model_;
  GraphPart part_;
  OpenVinoSettings settings_;
  std::vector<GraphTensor> inputs_;
  std::vector<GraphTensor> outputs_;
  std::list<Program> programs_;  // that of the present shapes is the first
};

}  // namespace zerolite::openvino
