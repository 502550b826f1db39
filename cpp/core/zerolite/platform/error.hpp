// What the core throws. The bindings turn each type into one Python exception.
#pragma once

#include <stdexcept>
#include <string>

namespace zerolite {

// The runtime refused something; the message carries the runtime's own message.
class Error : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

// The bytes are not a sound model.
class InvalidModelError : public Error {
 public:
  using Error::Error;
};

// A delegate can't be loaded, or took nothing where it had to.
class DelegateError : public Error {
 public:
  using Error::Error;
};

// The library is missing, too old, or not the one this version was written for.
class RuntimeLibraryError : public Error {
 public:
  using Error::Error;
};

// The caller's value is wrong: a shape, a name, a setting. Python's ValueError.
class ValueError : public std::invalid_argument {
 public:
  using std::invalid_argument::invalid_argument;
};

// The caller's type is wrong: a dtype. Python's TypeError.
class TypeError : public std::invalid_argument {
 public:
  using std::invalid_argument::invalid_argument;
};

// The operating system refused a file. Python's OSError, with its errno.
class FileError : public std::runtime_error {
 public:
  FileError(int error_number, std::string path);
  [[nodiscard]] int error_number() const { return error_number_; }
  [[nodiscard]] const std::string& path() const { return path_; }

 private:
  int error_number_;
  std::string path_;
};

// Somebody else may have written a file that is only of use where nobody else has. Python's PermissionError.
class UntrustedFileError : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

}  // namespace zerolite
