// In which order the source of a model takes and gives its tensors, where the file tells it.
//
// Converters that come from a SavedModel list inputs and outputs as it happens: a SavedModel knows them by name alone.
// zerolite's converter writes the order down. Without that, names that number positions tell it.
#pragma once

#include <cstddef>
#include <span>

#include "zerolite/model/model_interface.hpp"

namespace zerolite {

// The entry of the file's metadata that holds the order: strings in UTF-8, each ended by a null byte. For each
// signature its key, the number of its inputs, their names, the number of its outputs, their names.
inline constexpr const char* kSignatureOrder = "zerolite.signature_order";

// Puts the inputs and outputs of each signature into the source's order, and notes which ones nobody tells. `is_signed`
// says that the signatures are the file's own. An entry that does not fit the signatures is passed over.
void apply_source_order(std::span<const std::byte> bytes, ModelInterface& model, bool is_signed);

}  // namespace zerolite
