// The kernel of the node that stands for a signature of a model in another process.
#pragma once

#include <cstddef>
#include <memory>
#include <vector>

#include "litert_abi/tflite.hpp"
#include "zerolite/delegates/isolated/remote_model.hpp"

namespace zerolite::isolated {

class RemoteKernel {
 public:
  using Init = void*(abi::tflite::Context*, const char*, std::size_t);

  static abi::tflite::Registration registration(Init* init);
  // Null when there is no memory. TensorFlow Lite owns it.
  static RemoteKernel* make(const std::shared_ptr<RemoteModel>& model, std::size_t signature) noexcept;

 private:
  RemoteKernel(std::shared_ptr<RemoteModel> model, std::size_t signature);

  static abi::tflite::Status prepare(abi::tflite::Context* context, abi::tflite::Node* node);
  static abi::tflite::Status invoke(abi::tflite::Context* context, abi::tflite::Node* node);
  static void free(abi::tflite::Context* context, void* kernel);

  void fit(abi::tflite::Context& context, const abi::tflite::Node& node);
  void run(abi::tflite::Context& context, const abi::tflite::Node& node);

  std::shared_ptr<RemoteModel> model_;
  std::size_t signature_;
  std::vector<Shape> shapes_;
  std::vector<RemoteInput> inputs_;
};

}  // namespace zerolite::isolated
