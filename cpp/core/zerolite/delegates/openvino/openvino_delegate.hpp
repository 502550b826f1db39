// OpenVINO as a delegate, which takes the subgraph of a signature whole, or large parts of it.
//
// Where TensorFlow Lite offers it a subgraph that no other delegate has a part of, and OpenVINO can compute all of it,
// its operators become one node, whose kernel runs what OpenVINO has compiled over the tensors' own memory. Else the
// parts that OpenVINO can compute, where they are large enough to be worth it, become a node each.
#pragma once

#include <cstddef>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "litert_abi/tflite.hpp"
#include "zerolite/delegates/model_delegate.hpp"
#include "zerolite/delegates/openvino/program.hpp"
#include "zerolite/delegates/openvino/settings.hpp"
#include "zerolite/model/model.hpp"
#include "zerolite/model/submodel.hpp"

namespace zerolite {

namespace openvino {
class GraphKernel;
}

class OpenVinoDelegate final : public ModelDelegate {
 public:
  static constexpr const char* kName = "OpenVINO";

  OpenVinoDelegate(OpenVinoSettings settings, std::shared_ptr<const Model> model);
  ~OpenVinoDelegate() override;
  OpenVinoDelegate(const OpenVinoDelegate&) = delete;
  OpenVinoDelegate& operator=(const OpenVinoDelegate&) = delete;

  // What OpenVINO tells of the last run of a node; nothing for a node that it does not run or does not count in.
  static std::vector<openvino::NodeCounter> counters(const abi::tflite::Node& node);

  abi::Status answer(const DelegateRequest& request, abi::DelegateWrapper* wrapper) noexcept override;
  [[nodiscard]] std::string name() const override { return kName; }
  [[nodiscard]] bool allows_dynamic_tensors() const override { return true; }
  [[nodiscard]] bool is_dispensable() const override { return true; }

 private:
  static abi::tflite::Status prepare(abi::tflite::Context* context, abi::tflite::Delegate* delegate);
  static void* init(abi::tflite::Context* context, const char* buffer, std::size_t size);

  using Kernel = std::unique_ptr<openvino::GraphKernel>;

  // The kernel for all of a subgraph. Throws DelegateError where OpenVINO does not get it whole.
  [[nodiscard]] Kernel compile_whole(abi::tflite::Context* context, std::size_t subgraph,
                                     const std::string& reason) const;
  // Keeps the kernels of the parts that OpenVINO takes; none where none is worth it.
  void compile_parts(abi::tflite::Context* context, std::size_t subgraph, const std::vector<bool>& takes);
  [[nodiscard]] Kernel compile_part(abi::tflite::Context* context, const GraphPart& part) const;
  abi::tflite::Status take(abi::tflite::Context* context);

  abi::tflite::Delegate delegate_{};
  OpenVinoSettings settings_;
  std::shared_ptr<const Model> model_;
  // The kernels of the nodes that are being made, by the nodes that they stand for.
  std::map<std::vector<int>, Kernel> kernels_;
};

}  // namespace zerolite
