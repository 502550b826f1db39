// libLiteRt.so, opened once per process, with every function that zerolite calls resolved.
#pragma once

#include <filesystem>
#include <string>
#include <string_view>

#include "litert_abi/series.hpp"
#include "litert_abi/types.hpp"

namespace zerolite {

namespace abi {
// The table of resolved functions; litert_abi/functions.def is its list.
struct Functions {
#define LITERT_FUNCTION(result, name, parameters) result(*name) parameters = nullptr;
#define LITERT_INNER_FUNCTION(result, name, parameters) result(*name) parameters = nullptr;
#include "litert_abi/functions.def"
#undef LITERT_INNER_FUNCTION
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
  // What the library says of its interface, as in "1.5.0"; empty for the 2.3 series, which does not tell.
  [[nodiscard]] const std::string& abi_version() const { return abi_version_; }
  // The library is of a series whose inside this zerolite knows. Of any other only the public interface is used: no
  // context of TensorFlow Lite's is read, no kernel is called directly, guarded or traced, and no delegate but the
  // runtime's own for the CPU is applied.
  [[nodiscard]] bool is_known() const { return series_ != nullptr; }
  // What is particular to it; null for a library that is not known.
  [[nodiscard]] const abi::Series* series() const { return series_; }
  // As in "2.3"; empty for a library that is not known.
  [[nodiscard]] std::string_view series_name() const { return series_ == nullptr ? std::string_view() : series_->name; }
  // What is said of one that is not known: in the log, and where something is left out because of it.
  [[nodiscard]] std::string unknown_notice() const;
  // The names under which it takes options: those of the newest series for a library that is not known.
  [[nodiscard]] const abi::Series& option_names() const { return series_ == nullptr ? abi::kSeries.back() : *series_; }
  // Throws Error, which says that `what` rests on the inside of the library, for one that is not known.
  void require_known(std::string_view what) const;
  // Needs a library that is known.
  [[nodiscard]] const abi::AcceleratorDefinition& cpu_accelerator() const { return *cpu_accelerator_; }
  // YNNPACK, a second library of kernels for the CPU, is linked into the library.
  [[nodiscard]] bool has_ynnpack() const { return has_ynnpack_; }
  // Whether the runtime's messages can be captured (see runtime_log.hpp).
  [[nodiscard]] bool captures_log() const { return captures_log_; }

  ~RuntimeLibrary() = default;
  RuntimeLibrary(const RuntimeLibrary&) = delete;
  RuntimeLibrary& operator=(const RuntimeLibrary&) = delete;

 private:
  explicit RuntimeLibrary(const std::filesystem::path& path);

  void find_series(void* handle);
  void resolve_functions(void* handle);
  void find_accelerators(void* handle);

  std::filesystem::path path_;
  std::string abi_version_;
  const abi::Series* series_ = nullptr;
  abi::Functions functions_;
  const abi::AcceleratorDefinition* cpu_accelerator_ = nullptr;
  bool has_ynnpack_ = false;
  bool captures_log_ = false;
};

// Shorthand for the calls themselves.
inline const abi::Functions& runtime() { return RuntimeLibrary::get().functions(); }

// Says a status in words, as in "runtime failure".
std::string_view describe(abi::Status status);

}  // namespace zerolite
