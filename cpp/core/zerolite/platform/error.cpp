#include "zerolite/platform/error.hpp"

#include <system_error>
#include <utility>

namespace zerolite {

FileError::FileError(int error_number, std::string path)
    : std::runtime_error(path + ": " + std::generic_category().message(error_number)),
      error_number_(error_number),
      path_(std::move(path)) {}

}  // namespace zerolite
