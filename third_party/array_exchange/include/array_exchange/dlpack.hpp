// DLPack: tensors that stay where they are and are passed on as structs in capsules.
#pragma once

#include <cstddef>
#include <cstdint>

namespace zerolite::dlpack {

struct Version {
  std::uint32_t major;
  std::uint32_t minor;
};

// What is used here, of version 1.0 for capsules; the version in which a table of functions first came is 1.2, and its
// layout goes with the major number, too.
inline constexpr Version kVersion{1, 0};

enum class DeviceType : std::int32_t {
  cpu = 1,
  cuda = 2,
  cuda_host = 3,
  opencl = 4,
  vulkan = 7,
  metal = 8,
  vpi = 9,
  rocm = 10,
  rocm_host = 11,
  extension = 12,
  cuda_managed = 13,
  one_api = 14,
  webgpu = 15,
  hexagon = 16,
  maia = 17,
  trainium = 18,
};

struct Device {
  DeviceType type = DeviceType::cpu;
  std::int32_t id = 0;
};

enum class TypeCode : std::uint8_t {
  signed_integer = 0,
  unsigned_integer = 1,
  ieee_float = 2,
  opaque = 3,
  bfloat = 4,
  complex = 5,
  boolean = 6,
  float8_e4m3fn = 10,
  float8_e5m2 = 12,
};

struct DataType {
  TypeCode code;
  std::uint8_t bits;
  std::uint16_t lanes;

  friend bool operator==(const DataType&, const DataType&) = default;
};

struct Tensor {
  void* data;
  Device device;
  std::int32_t rank;
  DataType type;
  std::int64_t* shape;
  std::int64_t* strides;  // in elements; null for C order
  std::uint64_t byte_offset;
};

// In a capsule of this name until it is taken over.
inline constexpr const char* kUnversionedName = "dltensor";
inline constexpr const char* kUsedUnversionedName = "used_dltensor";

struct UnversionedTensor {
  Tensor tensor;
  void* context;
  void (*deleter)(UnversionedTensor* self);
};

inline constexpr const char* kVersionedName = "dltensor_versioned";
inline constexpr const char* kUsedVersionedName = "used_dltensor_versioned";

inline constexpr std::uint64_t kReadOnly = 1;
inline constexpr std::uint64_t kIsCopied = 2;

// The tensor comes last, so that another major version can still be deleted.
struct VersionedTensor {
  Version version;
  void* context;
  void (*deleter)(VersionedTensor* self);
  std::uint64_t flags;
  Tensor tensor;
};

// Functions of a library, in a capsule of this name that is an attribute of its type.
inline constexpr const char* kExchangeTableAttribute = "__dlpack_c_exchange_api__";
inline constexpr const char* kExchangeTableName = "dlpack_exchange_api";

struct ExchangeTable {
  Version version;
  ExchangeTable* older;
  int (*allocate)(Tensor* like, VersionedTensor** result, void* context,
                  void (*set_error)(void* context, const char* kind, const char* message));
  int (*export_tensor)(void* object, VersionedTensor** result);
  int (*import_tensor)(VersionedTensor* tensor, void** object);
  // Null where there is none. What it fills in is there until control goes back to the library.
  int (*borrow_tensor)(void* object, Tensor* result);
  int (*current_stream)(DeviceType type, std::int32_t id, void** stream);
};

static_assert(sizeof(DataType) == 4);
static_assert(sizeof(Device) == 8);
#if UINTPTR_MAX == UINT64_MAX
static_assert(sizeof(Tensor) == 48);
static_assert(sizeof(UnversionedTensor) == 64);
static_assert(offsetof(VersionedTensor, flags) == 24 && sizeof(VersionedTensor) == 80);
static_assert(offsetof(ExchangeTable, borrow_tensor) == 40);
#endif

}  // namespace zerolite::dlpack
