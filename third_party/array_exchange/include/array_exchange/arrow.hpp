// Arrow's C data interface: columns that stay where they are and are passed on as structs in capsules.
#pragma once

#include <cstdint>

namespace zerolite::arrow {

inline constexpr const char* kSchemaName = "arrow_schema";
inline constexpr const char* kArrayName = "arrow_array";

struct Schema {
  const char* format;
  const char* name;
  // Pairs: their number as int32, and of each the key and the value, with the length of either as int32 before it.
  const char* metadata;
  std::int64_t flags;
  std::int64_t child_count;
  Schema** children;
  Schema* dictionary;
  void (*release)(Schema* self);  // null once it was released or moved
  void* private_data;
};

struct Array {
  std::int64_t length;
  std::int64_t null_count;  // -1: not counted
  std::int64_t offset;
  std::int64_t buffer_count;
  std::int64_t child_count;
  void** buffers;  // to read from, which Arrow says with a const
  Array** children;
  Array* dictionary;
  void (*release)(Array* self);  // null once it was released or moved
  void* private_data;
};

}  // namespace zerolite::arrow
