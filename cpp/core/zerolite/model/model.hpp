// A model that was read: its bytes, what they say, and the runtime's object for them. Replicas share it.
#pragma once

#include <memory>
#include <string>

#include "zerolite/model/model_bytes.hpp"
#include "zerolite/model/model_interface.hpp"
#include "zerolite/runtime/handle.hpp"
#include "zerolite/verification/verification.hpp"

namespace zerolite {

class Model {
 public:
  // Throws InvalidModelError when the bytes are not a sound model. The bytes are nobody else's at that time.
  explicit Model(const std::shared_ptr<ModelBytes>& bytes, Verification level = Verification::structure);

  [[nodiscard]] const std::string& name() const { return bytes_->name(); }
  [[nodiscard]] std::size_t size() const { return bytes_->span().size(); }
  [[nodiscard]] const ModelBytes& bytes() const { return *bytes_; }
  [[nodiscard]] const ModelDescription& description() const { return description_; }
  [[nodiscard]] abi::Model handle() const { return handle_.get(); }

 private:
  std::shared_ptr<const ModelBytes> bytes_;
  ModelDescription description_;
  ModelHandle handle_;
};

}  // namespace zerolite
