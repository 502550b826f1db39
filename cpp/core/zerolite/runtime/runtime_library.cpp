#include "zerolite/runtime/runtime_library.hpp"

#include <dlfcn.h>

#include <exception>
#include <memory>
#include <mutex>
#include <string>
#include <system_error>
#include <type_traits>

#include "zerolite/platform/error.hpp"
#include "zerolite/platform/shared_library.hpp"
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

template <typename Object>
void resolve(void* handle, const char* name, const std::filesystem::path& path, Object*& object) {
  void* symbol = dlsym(handle, name);
  if (symbol == nullptr) {
    throw RuntimeLibraryError(path.string() + " has no symbol " + name +
                              ", so it is older than the release this zerolite was written for; install a newer one "
                              "with: pip install 'ai-edge-litert>=2.3,<2.4'");
  }
  object = reinterpret_cast<Object*>(symbol);
}

}  // namespace

RuntimeLibrary::RuntimeLibrary(const std::filesystem::path& path) : path_(path) {
  void* handle = dlopen(path.c_str(), RTLD_NOW | RTLD_LOCAL);
  if (handle == nullptr) {
    throw RuntimeLibraryError("the LiteRT library " + path.string() + " can't be opened (" + loader_error() +
                              "); install it with: pip install 'ai-edge-litert>=2.3,<2.4', or set ZEROLITE_RUNTIME to "
                              "the path of libLiteRt.so");
  }
#define LITERT_FUNCTION(result, name, parameters)                                  \
  resolve(handle, "LiteRt" #name, path, Guarded<&abi::Functions::name>::original); \
  functions_.name = &Guarded<&abi::Functions::name>::call;
#include "litert_abi/functions.def"
#undef LITERT_FUNCTION
  const abi::AcceleratorDefinition** cpu_accelerator = nullptr;
  resolve(handle, "LiteRtStaticLinkedAcceleratorCpuDef", path, cpu_accelerator);
  cpu_accelerator_ = *cpu_accelerator;
  if (cpu_accelerator_ == nullptr || cpu_accelerator_->major_version != 1) {
    throw RuntimeLibraryError(path.string() +
                              " has no accelerator for the CPU in the form that this zerolite was written for; install "
                              "the release with: pip install 'ai-edge-litert>=2.3,<2.4'");
  }
  captures_log_ = runtime_log::redirect(handle);
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
