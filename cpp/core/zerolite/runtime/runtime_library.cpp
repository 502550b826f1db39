#include "zerolite/runtime/runtime_library.hpp"

#include <dlfcn.h>

#include <exception>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <system_error>
#include <type_traits>

#include "zerolite/platform/error.hpp"
#include "zerolite/platform/shared_library.hpp"
#include "zerolite/runtime/abi_version.hpp"
#include "zerolite/runtime/guard.hpp"
#include "zerolite/runtime/runtime_log.hpp"

namespace zerolite {
namespace {

std::mutex open_mutex;  // NOLINT(cppcoreguidelines-avoid-non-const-global-variables): that is what a mutex is

// Never closed: the runtime registers thread-local destructors and exit handlers that must find their code. Never
// destroyed either: threads may go on calling while the process is already tearing down.
const RuntimeLibrary*& opened() {
  static const RuntimeLibrary* library = nullptr;
  return library;
}

// Every call of a function of the runtime goes through here, and so through `guard`: the table that the core calls has
// the addresses of these, and the runtime's own stand behind them.
template <auto function>
struct Guarded;

template <typename Result, typename... Parameters, Result (*abi::Functions::*function)(Parameters...)>
struct Guarded<function> {
  static inline Result (*original)(Parameters...) = nullptr;

  static Result call(Parameters... parameters) {
    if constexpr (std::is_void_v<Result>) {
      // What gives something back is called by destructors, which can tell nobody what went wrong.
      try {
        guard([&] { original(parameters...); });
      } catch (const std::exception&) {  // NOLINT(bugprone-empty-catch)
      }
    } else {
      return guard([&] { return original(parameters...); });
    }
  }
};

constexpr const char* kInstall = "pip install 'ai-edge-litert>=2.3,<2.4'";

// What a library is that lacks a symbol. Only one that tells the version of its interface can be a newer one.
std::string missing_symbol_message(const RuntimeLibrary& library, const std::string& symbol) {
  const std::string path = library.path().string();
  const std::string& told = library.abi_version();
  const std::optional<abi::AbiVersion> version = parse_abi_version(told);
  const std::string lacks = " has no symbol " + symbol;
  if (told.empty()) {
    return path + lacks +
           ", so it is older than LiteRT 2.3 or no library of LiteRT; install a newer one with: " + kInstall;
  }
  if (version && is_newer_than_known(*version)) {
    return path + " has version " + told + " of LiteRT's interface, which is newer than those this zerolite was " +
           "written for (LiteRT " + known_series() + "), and" + lacks +
           "; install a newer zerolite, or an older LiteRT with: " + kInstall;
  }
  return path + " has version " + told + " of LiteRT's interface, and" + lacks +
         " as this zerolite knows it; install a release with: " + kInstall;
}

template <typename Object>
void resolve(void* handle, const std::string& name, const RuntimeLibrary& library, Object*& object) {
  void* symbol = dlsym(handle, name.c_str());
  if (symbol == nullptr) throw RuntimeLibraryError(missing_symbol_message(library, name));
  object = reinterpret_cast<Object*>(symbol);
}

// The library that has the code, which is another one where the opened file only stands before it.
void* library_of(void* code, void* otherwise) {
  Dl_info info{};
  if (dladdr(code, &info) == 0 || info.dli_fname == nullptr) return otherwise;
  void* handle = dlopen(info.dli_fname, RTLD_NOW | RTLD_LOCAL | RTLD_NOLOAD);
  return handle == nullptr ? otherwise : handle;
}

}  // namespace

RuntimeLibrary::RuntimeLibrary(const std::filesystem::path& path) : path_(path) {
  void* handle = dlopen(path.c_str(), RTLD_NOW | RTLD_LOCAL);
  if (handle == nullptr) {
    throw RuntimeLibraryError("the LiteRT library " + path.string() + " can't be opened (" + loader_error() +
                              "); install it with: " + kInstall + ", or set ZEROLITE_RUNTIME to " +
                              "the path of libLiteRt.so");
  }
  find_series(handle);
  resolve_functions(handle);
  find_accelerators(handle);
  captures_log_ = runtime_log::redirect(library_of(dlsym(handle, "LiteRtCreateEnvironment"), handle));
}

void RuntimeLibrary::find_series(void* handle) {
  using GetVersion = abi::Status(const char**);
  auto* get_version = reinterpret_cast<GetVersion*>(dlsym(handle, "LiteRtGetRuntimeAbiVersion"));
  const char* told = nullptr;
  if (get_version != nullptr && get_version(&told) == abi::Status::ok && told != nullptr) abi_version_ = told;
  // Without an answer it is of the first series, or no library of LiteRT's.
  const std::optional<abi::AbiVersion> version =
      get_version == nullptr ? abi::AbiVersion() : parse_abi_version(abi_version_);
  series_ = version ? series_of(*version) : nullptr;
}

void RuntimeLibrary::resolve_functions(void* handle) {
#define LITERT_FUNCTION(result, name, parameters)                                   \
  resolve(handle, "LiteRt" #name, *this, Guarded<&abi::Functions::name>::original); \
  functions_.name = &Guarded<&abi::Functions::name>::call;
#define LITERT_INNER_FUNCTION(result, name, parameters) \
  if (is_known()) {                                     \
    LITERT_FUNCTION(result, name, parameters)           \
  }
#include "litert_abi/functions.def"
#undef LITERT_INNER_FUNCTION
#undef LITERT_FUNCTION
}

void RuntimeLibrary::find_accelerators(void* handle) {
  if (series_ == nullptr) return;
  const abi::AcceleratorDefinition** cpu_accelerator = nullptr;
  resolve(handle, series_->cpu_delegate, *this, cpu_accelerator);
  cpu_accelerator_ = *cpu_accelerator;
  const bool has_form = cpu_accelerator_ != nullptr && cpu_accelerator_->major_version == series_->major_version &&
                        cpu_accelerator_->struct_size >= series_->struct_size;
  if (!has_form) {
    throw RuntimeLibraryError(path_.string() +
                              " has no accelerator for the CPU in the form that this zerolite was written for; install "
                              "the release with: " +
                              kInstall);
  }
  if (series_->ynnpack == nullptr) return;
  const auto* const* ynnpack = static_cast<const void* const*>(dlsym(handle, series_->ynnpack));
  has_ynnpack_ = ynnpack != nullptr && *ynnpack != nullptr;
}

std::string RuntimeLibrary::unknown_notice() const {
  return path_.string() + " has version " + (abi_version_.empty() ? "unknown" : abi_version_) +
         " of LiteRT's interface, and this zerolite knows the inside of LiteRT " + known_series() +
         "; models run through the public interface alone, without direct dispatch, guards, traces, profiles and " +
         "delegates other than XNNPACK";
}

void RuntimeLibrary::require_known(std::string_view what) const {
  if (is_known()) return;
  throw Error(std::string(what) + " needs the inside of LiteRT, and " + path_.string() + " has version " +
              (abi_version_.empty() ? "unknown" : abi_version_) +
              " of its interface, of which zerolite uses nothing but the public interface; install a newer zerolite, "
              "or a LiteRT that it knows (" +
              known_series() + ") with: " + kInstall);
}

const RuntimeLibrary& RuntimeLibrary::open(const std::filesystem::path& path) {
  const std::scoped_lock lock(open_mutex);
  const RuntimeLibrary*& library = opened();
  if (library == nullptr) {
    library = std::unique_ptr<const RuntimeLibrary>(new RuntimeLibrary(path)).release();
  } else if (std::error_code failure;
             library->path() != path && !std::filesystem::equivalent(library->path(), path, failure)) {
    throw RuntimeLibraryError("the LiteRT library is already open from " + library->path().string() +
                              " and can't be exchanged for " + path.string() + " in the same process");
  }
  return *library;
}

const RuntimeLibrary& RuntimeLibrary::get() {
  // No lock: the pointer is set once, before the first object that could call this can exist.
  const RuntimeLibrary* library = opened();
  if (library == nullptr) throw RuntimeLibraryError("the LiteRT library has not been opened yet");
  return *library;
}

std::string_view describe(abi::Status status) {
  switch (status) {
    case abi::Status::ok:
      return "success";
    case abi::Status::invalid_argument:
      return "invalid argument";
    case abi::Status::memory_allocation_failure:
      return "out of memory";
    case abi::Status::runtime_failure:
      return "runtime failure";
    case abi::Status::missing_input_tensor:
      return "missing input tensor";
    case abi::Status::unsupported:
      return "unsupported";
    case abi::Status::not_found:
      return "not found";
    case abi::Status::timeout_expired:
      return "timeout expired";
    case abi::Status::wrong_version:
      return "wrong version";
    case abi::Status::already_exists:
      return "already exists";
    case abi::Status::cancelled:
      return "cancelled";
    case abi::Status::file_io:
      return "file error";
    case abi::Status::invalid_flatbuffer:
      return "invalid FlatBuffer";
    case abi::Status::dynamic_loading:
      return "a library can't be loaded";
    case abi::Status::serialization:
      return "serialization failure";
    case abi::Status::compilation:
      return "compilation failure";
    case abi::Status::index_out_of_bounds:
      return "index out of bounds";
    case abi::Status::invalid_ir_type:
      return "invalid type in the graph";
    case abi::Status::invalid_graph_invariant:
      return "invalid graph";
    case abi::Status::graph_modification:
      return "graph modification failure";
    case abi::Status::invalid_tool_config:
      return "invalid tool configuration";
    case abi::Status::unsupported_runtime_version:
      return "unsupported runtime version";
    case abi::Status::unsupported_compiler_version:
      return "unsupported compiler version";
    case abi::Status::incompatible_byte_code_version:
      return "incompatible byte code version";
    case abi::Status::unsupported_shape_inferer:
      return "unsupported shape inference";
    case abi::Status::shape_inference_failed:
      return "shape inference failed";
    case abi::Status::unknown:
      break;
  }
  return "unknown failure";
}

}  // namespace zerolite
