#include "zerolite/compilation/load_model.hpp"

#include <utility>

#include "zerolite/compilation/environment.hpp"
#include "zerolite/compilation/refused_parts.hpp"
#include "zerolite/compilation/unsupported_fields_mask.hpp"
#include "zerolite/platform/error.hpp"
#include "zerolite/runtime/status.hpp"

namespace zerolite {
namespace {

abi::Status create(const ModelBytes& bytes, abi::Model& model) {
  // The call that takes a buffer verifies the FlatBuffer; the one that takes a file does not (LiteRT 2.3.0).
  return runtime().CreateModelFromBuffer(Environment::cpu().handle(), bytes.span().data(), bytes.span().size(), &model);
}

ModelHandle create(ModelBytes& bytes) {
  const LogCapture log;
  abi::Model model = nullptr;
  abi::Status status = create(bytes, model);
  // The FlatBuffer was sound, then; a part of the model was refused.
  if (status == abi::Status::unsupported) {
    const UnsupportedFieldsMask masked(bytes.mutable_span());
    status = create(bytes, model);
  }
  if (status != abi::Status::ok) {
    throw InvalidModelError(bytes.name() + " is not a sound TensorFlow Lite model: " + failure(status, "read it", log) +
                            "; convert or download it again");
  }
  return ModelHandle(model);
}

}  // namespace

std::shared_ptr<const Model> load_model(std::shared_ptr<ModelBytes> bytes, Verification level) {
  // What can't even be parsed is refused as it is.
  ModelInterface interface = ModelInterface::parse(*bytes);
  if (remove_refused_parts(bytes->mutable_span())) interface = ModelInterface::parse(*bytes);
  verify(*bytes, interface, level);
  ModelHandle handle = create(*bytes);
  // make_shared would need a public constructor.
  return std::shared_ptr<const Model>(new Model(std::move(bytes), std::move(interface), level, std::move(handle)));
}

}  // namespace zerolite
