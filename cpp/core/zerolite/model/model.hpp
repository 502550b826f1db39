// A model that was read: its bytes, what they say, and the runtime's object for them. Replicas share it.
#pragma once

#include <memory>
#include <string>
#include <utility>

#include "zerolite/model/model_bytes.hpp"
#include "zerolite/model/model_interface.hpp"
#include "zerolite/runtime/handle.hpp"

namespace zerolite {

enum class Verification;  // see verification.hpp

class Model {
 public:
  [[nodiscard]] const std::string& name() const { return bytes_->name(); }
  [[nodiscard]] std::size_t size() const { return bytes_->span().size(); }
  [[nodiscard]] const ModelBytes& bytes() const { return *bytes_; }
  [[nodiscard]] const ModelInterface& interface() const { return interface_; }
  // How closely it was looked at.
  [[nodiscard]] Verification verification() const { return verification_; }
  [[nodiscard]] abi::Model handle() const { return handle_.get(); }

 private:
  // The only one who makes models: of bytes that it has verified.
  friend std::shared_ptr<const Model> load_model(std::shared_ptr<ModelBytes> bytes, Verification level);

  Model(std::shared_ptr<const ModelBytes> bytes, ModelInterface interface, Verification verification,
        ModelHandle handle)
      : bytes_(std::move(bytes)),
        interface_(std::move(interface)),
        verification_(verification),
        handle_(std::move(handle)) {}

  std::shared_ptr<const ModelBytes> bytes_;
  ModelInterface interface_;
  Verification verification_;
  ModelHandle handle_;
};

}  // namespace zerolite
