// What the system's loader says of libraries and their symbols.
#pragma once

#include <optional>
#include <string>

namespace zerolite {

// The loader's own message about what failed last on this thread.
std::string loader_error();

// Why the library, or the process where none is named, has no such symbol, in a message of the loader's; empty when it
// has. A library that was opened for this stays open.
std::string missing_symbol(const std::optional<std::string>& library, const std::string& symbol);

}  // namespace zerolite
