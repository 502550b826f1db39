// libopenvino_c.so, opened when the first model asks for it, with every function that zerolite calls resolved.
#pragma once

#include <memory>
#include <mutex>
#include <string>
#include <string_view>

#include "openvino_abi/types.hpp"

namespace zerolite {

namespace abi::openvino {
// The table of resolved functions; openvino_abi/functions.def is its list.
struct Functions {
#define OPENVINO_FUNCTION(result, name, parameters) result(*name) parameters = nullptr;
#include "openvino_abi/functions.def"
#undef OPENVINO_FUNCTION
};
}  // namespace abi::openvino

namespace openvino {

class Library {
 public:
  // Opens the library, which the process has one of; an empty path is that of a package that is not installed. Throws
  // DelegateError, which says what is wrong with it and how to mend it.
  static const Library& open(const std::string& path);
  // The opened library, for what was made with it.
  static const Library& get();

  [[nodiscard]] const abi::openvino::Functions& functions() const { return functions_; }
  // Of the process, and for any thread.
  [[nodiscard]] const abi::openvino::Core* core() const { return core_; }

  // Throws DelegateError with the library's words about what it failed to do, as in "read the model". It keeps those of
  // the process's last failure only, so what may fail for reasons that matter is done by one thread at a time.
  void require_ok(abi::openvino::Status status, std::string_view what) const;
  [[nodiscard]] std::unique_lock<std::mutex> one_at_a_time() const { return std::unique_lock(mutex_); }

  ~Library() = default;
  Library(const Library&) = delete;
  Library& operator=(const Library&) = delete;

 private:
  explicit Library(const std::string& path);

  void require_known_release() const;

  std::string path_;
  abi::openvino::Functions functions_;
  const abi::openvino::Core* core_ = nullptr;
  mutable std::mutex mutex_;
};

// Owns what the library has made; `release` is the member of abi::openvino::Functions that gives it back.
template <auto release>
struct Release {
  template <typename Object>
  void operator()(Object* object) const {
    (Library::get().functions().*release)(object);
  }
};

using CoreHandle = std::unique_ptr<abi::openvino::Core, Release<&abi::openvino::Functions::core_free>>;
using ModelHandle = std::unique_ptr<abi::openvino::Model, Release<&abi::openvino::Functions::model_free>>;
using CompiledModelHandle =
    std::unique_ptr<abi::openvino::CompiledModel, Release<&abi::openvino::Functions::compiled_model_free>>;
using InferRequestHandle =
    std::unique_ptr<abi::openvino::InferRequest, Release<&abi::openvino::Functions::infer_request_free>>;
using PortHandle = std::unique_ptr<abi::openvino::Port, Release<&abi::openvino::Functions::output_const_port_free>>;
using TensorHandle = std::unique_ptr<abi::openvino::Tensor, Release<&abi::openvino::Functions::tensor_free>>;

}  // namespace openvino
}  // namespace zerolite
