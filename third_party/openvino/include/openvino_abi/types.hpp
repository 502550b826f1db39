// What passes between zerolite and OpenVINO's C interface, as release 2026.4 lays it out. See ../../README.md for where
// each fact comes from.
#pragma once

#include <cstddef>
#include <cstdint>

namespace zerolite::abi::openvino {

// Every other value is a failure, which the library says in words.
enum class Status : int { ok = 0 };

// The element types that TensorFlow Lite has, too.
enum class ElementType : int {
  dynamic = 0,
  boolean = 1,
  float16 = 3,
  float32 = 4,
  float64 = 5,
  int8 = 7,
  int16 = 8,
  int32 = 9,
  int64 = 10,
  uint8 = 16,
  uint16 = 17,
  uint32 = 18,
  uint64 = 19,
};

struct Shape {
  std::int64_t rank;
  std::int64_t* dimensions;
};
static_assert(sizeof(Shape) == 16);

// From the smallest to the largest size; a size that is known has both alike.
struct Dimension {
  std::int64_t least;
  std::int64_t most;
};
static_assert(sizeof(Dimension) == 16);

struct PartialShape {
  Dimension rank;
  Dimension* dimensions;
};
static_assert(sizeof(PartialShape) == 24);

struct Version {
  const char* build_number;
  const char* description;
};
static_assert(sizeof(Version) == 2 * sizeof(void*));

struct Property {
  const char* name;
  const char* value;
};
static_assert(sizeof(Property) == 2 * sizeof(void*));

// Whether a run had a node at all.
enum class NodeStatus : int { not_run = 0, optimized_out = 1, executed = 2 };

// What a run took in one node, in microseconds.
struct ProfilingInfo {
  NodeStatus status;
  std::int64_t real_time;
  std::int64_t cpu_time;
  const char* node_name;
  const char* kernel;  // as in "brgconv_avx512_f32"
  const char* node_type;
};
static_assert(offsetof(ProfilingInfo, node_name) == 24);

struct ProfilingInfoList {
  ProfilingInfo* infos;
  std::size_t size;
};
static_assert(sizeof(ProfilingInfoList) == 2 * sizeof(void*));

// The library's own.
struct Core;
struct Model;
struct CompiledModel;
struct InferRequest;
struct Port;
struct Tensor;

}  // namespace zerolite::abi::openvino
