// libLiteRt.so, opened once per process, with every function that zerolite calls resolved.
#pragma once

#include <filesystem>
#include <string_view>

#include "litert_abi/types.hpp"

namespace zerolite {

namespace abi {
// The table of resolved functions; litert_abi/functions.def is its list.
struct Functions {
#define LITERT_FUNCTION(result, name, parameters) result(*name) parameters = nullptr;
#include "litert_abi/functions.def"
#undef LITERT_FUNCTION
};
}  // namespace abi

class RuntimeLibrary {
 public:
  // Opens the library and resolves its functions; later calls must name the same file. Throws
  // RuntimeLibraryError, which names the path and what is wrong with it.
  static const RuntimeLibrary& open(const std::filesystem::path& path);

  // The opened library. Throws RuntimeLibraryError when none has been opened.
  static const RuntimeLibrary& get();

  [[nodiscard]] const std::filesystem::path& path() const { return path_; }
  [[nodiscard]] const abi::Functions& functions() const { return functions_; }
  [[nodiscard]] const abi::AcceleratorDefinition& cpu_accelerator() const { return *cpu_accelerator_; }
  // Whether the runtime's messages can be captured (see runtime_log.hpp).
  [[nodiscard]] bool captures_log() const { return captures_log_; }

  ~RuntimeLibrary() = default;
  RuntimeLibrary(const RuntimeLibrary&) = delete;
  RuntimeLibrary& operator=(const RuntimeLibrary&) = delete;

 private:
  explicit RuntimeLibrary(const std::filesystem::path& path);

  std::filesystem::path path_;
  abi::Functions functions_;
  const abi::AcceleratorDefinition* cpu_accelerator_ = nullptr;
  bool captures_log_ = false;
};

// Shorthand for the calls themselves.
inline const abi::Functions& runtime() { return RuntimeLibrary::get().functions(); }

// Says a status in words, as in "runtime failure".
std::string_view describe(abi::Status status);

}  // namespace zerolite
