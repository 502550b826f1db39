// Which series of LiteRT a library is of, told by the version of its interface.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "litert_abi/series.hpp"

namespace zerolite {

// Of "1.5.0" or "1.5.0-rc1"; nothing for what is no version of three numbers.
[[nodiscard]] std::optional<abi::AbiVersion> parse_abi_version(std::string_view text);
[[nodiscard]] std::string to_string(const abi::AbiVersion& version);

// The series of that version; null for one that this zerolite does not know.
[[nodiscard]] const abi::Series* series_of(const abi::AbiVersion& version);
// Later than every series that is known.
[[nodiscard]] bool is_newer_than_known(const abi::AbiVersion& version);
// "2.3 and 2.4".
[[nodiscard]] std::string known_series();

}  // namespace zerolite
