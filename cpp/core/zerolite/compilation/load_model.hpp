// From bytes to a model.
#pragma once

#include <memory>

#include "zerolite/model/model.hpp"
#include "zerolite/model/model_bytes.hpp"
#include "zerolite/verification/verification.hpp"

namespace zerolite {

// Throws InvalidModelError when the bytes are not a sound model. Nobody else may use the bytes during the call.
std::shared_ptr<const Model> load_model(std::shared_ptr<ModelBytes> bytes,
                                        Verification level = Verification::structure);

}  // namespace zerolite
