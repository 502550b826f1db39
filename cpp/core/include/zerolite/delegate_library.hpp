// Shared libraries with an external delegate.
#pragma once

#include <string>

namespace zerolite {

// Opens the library and gives it back. Throws DelegateError with the system's words when it can't be opened.
class DelegateLibrary {
 public:
  explicit DelegateLibrary(const std::string& path);
  ~DelegateLibrary();
  DelegateLibrary(const DelegateLibrary&) = delete;
  DelegateLibrary& operator=(const DelegateLibrary&) = delete;

  // Whether it has the function that makes a delegate.
  [[nodiscard]] bool makes_delegates() const;

 private:
  void* handle_;
};

}  // namespace zerolite
