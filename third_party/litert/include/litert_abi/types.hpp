// The part of LiteRT's C ABI that zerolite calls: handles, enumerators and value structs. See ../../README.md
// for where each fact comes from. Names and values are the runtime's; the declarations are ours.
#pragma once

#include <cstddef>
#include <cstdint>

namespace zerolite::abi {

// Opaque handles. Each is a distinct incomplete type, so that one can't be passed for another.
using Environment = struct EnvironmentHandle*;
using Model = struct ModelHandle*;
using Options = struct OptionsHandle*;
using OpaqueOptions = struct OpaqueOptionsHandle*;
using CompiledModel = struct CompiledModelHandle*;
using TensorBuffer = struct TensorBufferHandle*;
using Accelerator = struct AcceleratorHandle*;
using AcceleratorConst = const struct AcceleratorHandle*;
using DelegateWrapper = struct DelegateWrapperHandle*;
using OpaqueDelegate = struct OpaqueDelegateHandle*;
using Profiler = struct ProfilerHandle*;
using RuntimeContext = struct RuntimeContextHandle*;

enum class Status : int {
  ok = 0,
  invalid_argument = 1,
  memory_allocation_failure = 2,
  runtime_failure = 3,
  missing_input_tensor = 4,
  unsupported = 5,
  not_found = 6,
  timeout_expired = 7,
  wrong_version = 8,
  unknown = 9,
  already_exists = 10,
  cancelled = 100,
  file_io = 500,
  invalid_flatbuffer = 501,
  dynamic_loading = 502,
  serialization = 503,
  compilation = 504,
  index_out_of_bounds = 1000,
  invalid_ir_type = 1001,
  invalid_graph_invariant = 1002,
  graph_modification = 1003,
  invalid_tool_config = 1500,
  unsupported_runtime_version = 4000,
  unsupported_compiler_version = 4001,
  incompatible_byte_code_version = 4002,
  unsupported_shape_inferer = 5000,
  shape_inference_failed = 5001,
};

// Bits of a hardware accelerator set, which travels as int.
inline constexpr int kHardwareCpu = 1;
inline constexpr int kHardwareGpu = 2;
inline constexpr int kHardwareNpu = 4;

enum class AnyType : int { none = 0, boolean = 1, integer = 2, real = 3, string = 8, pointer = 9 };

struct Any {
  AnyType type;
  union {
    bool bool_value;
    std::int64_t int_value;
    double real_value;
    const char* str_value;
    const void* ptr_value;
  };
};

enum class EnvironmentOptionTag : int {
  compiler_plugin_library_dir = 0,
  dispatch_library_dir = 1,
  compiler_cache_dir = 18,
  runtime_library_dir = 22,
  auto_register_accelerators = 24,
  min_logger_severity = 25,
};

struct EnvironmentOption {
  EnvironmentOptionTag tag;
  Any value;
};

inline constexpr int kTensorMaxRank = 8;

struct Layout {
  unsigned int rank : 7;
  unsigned int has_strides : 1;
  std::int32_t dimensions[kTensorMaxRank];
  std::uint32_t strides[kTensorMaxRank];
};

struct RankedTensorType {
  int element_type;
  Layout layout;
};

struct ApiVersion {
  int major;
  int minor;
  int patch;
};

// What an accelerator is made of.
using GetAcceleratorName = Status(AcceleratorConst, const char**);
using GetAcceleratorVersion = Status(AcceleratorConst, ApiVersion*);
using GetHardwareSupport = Status(AcceleratorConst, int*);
using CreateDelegate = Status(RuntimeContext, Environment, AcceleratorConst, Options, DelegateWrapper*);

// How an accelerator makes and maps tensor buffers of its own; only ever handed on to the runtime.
using BufferFunction = void();

struct BufferHandlers {
  std::uint16_t struct_size;
  std::uint16_t major_version;
  std::uint16_t minor_version;
  std::uint16_t reserved;
  BufferFunction* create;
  BufferFunction* destroy;
  BufferFunction* lock;
  BufferFunction* unlock;
  BufferFunction* clear;
  BufferFunction* import;
  int device_tag;
  int queue_tag;
  std::size_t type_count;
  int types[16];
};

// The definition of an accelerator, as a library has it.
struct AcceleratorDefinition {
  std::uint16_t struct_size;
  std::uint16_t major_version;
  std::uint16_t minor_version;
  std::uint16_t reserved;
  GetAcceleratorName* get_name;
  GetAcceleratorVersion* get_version;
  GetHardwareSupport* get_hardware_support;
  Status (*is_delegate_responsible_for_jit_compilation)(AcceleratorConst, bool*);
  CreateDelegate* create_delegate;
  void (*start_metrics_collection)();
  void (*stop_metrics_collection)();
  BufferHandlers buffer_handlers;
};

// Something that happened while a profiler was on. The tag is the profiler's.
struct ProfilerEvent {
  const char* tag;
  int type;
  std::uint64_t start_us;
  std::uint64_t elapsed_us;
  std::size_t memory[6];
  std::uint64_t metadata[2];
  int source;
};

static_assert(sizeof(Layout) == 68 && offsetof(Layout, dimensions) == 4 && offsetof(Layout, strides) == 36);
static_assert(sizeof(RankedTensorType) == 72 && offsetof(RankedTensorType, layout) == 4);
static_assert(sizeof(Any) == 16 && sizeof(EnvironmentOption) == 24 && offsetof(EnvironmentOption, value) == 8);
static_assert(offsetof(AcceleratorDefinition, get_name) == 8 &&
              offsetof(AcceleratorDefinition, create_delegate) == 8 + 4 * sizeof(void*) &&
              offsetof(AcceleratorDefinition, buffer_handlers) == 8 + 7 * sizeof(void*));
static_assert(sizeof(void*) != 8 || (sizeof(BufferHandlers) == 136 && sizeof(AcceleratorDefinition) == 200));
static_assert(sizeof(void*) != 8 ||
              (offsetof(BufferHandlers, device_tag) == 56 && offsetof(BufferHandlers, type_count) == 64 &&
               offsetof(BufferHandlers, types) == 72));
static_assert(sizeof(void*) != 8 || (sizeof(ProfilerEvent) == 104 && offsetof(ProfilerEvent, elapsed_us) == 24));

}  // namespace zerolite::abi
