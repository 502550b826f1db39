// Under which name a compiled model is kept.
#pragma once

#include <span>
#include <string>
#include <string_view>
#include <utility>

#include "zerolite/model/model.hpp"
#include "zerolite/platform/digest.hpp"

namespace zerolite {

// What decides which kernels a library chooses on the CPU, and with them how it packs and compiles: the processor's
// name and abilities.
std::string processor();

// A digest of what decides what a compiler makes of a model: the model, the libraries' files, for what it compiles, and
// its options.
Digest cache_key(const Model& model, std::span<const std::string> libraries, std::string_view target,
                 std::span<const std::pair<std::string, std::string>> options);

}  // namespace zerolite
