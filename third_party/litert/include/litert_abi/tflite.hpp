// The structs of TensorFlow Lite's delegate ABI, as LiteRT 2.3.0 lays them out. External delegates are
// compiled against them, which is why they only grow at their ends. See ../../README.md for where each fact
// comes from.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

namespace zerolite::abi::tflite {

enum class Status : int { ok = 0, error = 1, delegate_error = 2, application_error = 3, cancelled = 8 };

// TfLiteIntArray and TfLiteFloatArray: a count, then that many elements.
struct IntArray {
  int size;
  [[nodiscard]] std::span<const int> values() const {
    return size > 0 ? std::span<const int>{&size + 1, static_cast<std::size_t>(size)} : std::span<const int>{};
  }
};

struct FloatArray {
  int size;
  [[nodiscard]] std::span<const float> values() const {
    if (size <= 0) return {};
    return {static_cast<const float*>(static_cast<const void*>(&size + 1)), static_cast<std::size_t>(size)};
  }
};

// Values of TfLiteType are those of LiteRT's element types: core/element_type.hpp names them.
using Type = int;

enum class AllocationType : int {
  none = 0,
  mmap_read_only = 1,
  arena = 2,
  arena_persistent = 3,
  dynamic = 4,
  persistent_read_only = 5,
  custom = 6,
  variant_object = 7,
  non_cpu = 8,
};

enum class QuantizationType : int { none = 0, affine = 1, blockwise = 2, multi_axis = 3 };

struct QuantizationParams {
  float scale;
  std::int32_t zero_point;
};

struct Quantization {
  QuantizationType type;
  void* params;
};

struct AffineQuantization {
  FloatArray* scale;
  IntArray* zero_point;
  std::int32_t quantized_dimension;
};

struct Delegate;
struct DelegateParams;

struct Tensor {
  Type type;
  void* data;
  IntArray* dims;
  QuantizationParams params;
  AllocationType allocation_type;
  std::size_t bytes;
  const void* allocation;
  const char* name;
  Delegate* delegate;
  int buffer_handle;
  bool data_is_stale;
  bool is_variable;
  Quantization quantization;
  void* sparsity;
  const IntArray* dims_signature;
};

inline constexpr int kNullBufferHandle = -1;
inline constexpr int kOptionalTensor = -1;

struct Node {
  IntArray* inputs;
  IntArray* outputs;
  IntArray* intermediates;
  IntArray* temporaries;
  void* user_data;
  void* builtin_data;
  const void* custom_initial_data;
  int custom_initial_data_size;
  Delegate* delegate;
  bool might_have_side_effect;
};

struct Context;

// A kernel's run.
using Invoke = Status(Context*, Node*);

struct Registration {
  void* (*init)(Context*, const char*, std::size_t);
  void (*free)(Context*, void*);
  Status (*prepare)(Context*, Node*);
  Invoke* invoke;
  const char* (*profiling_string)(const Context*, const Node*);
  std::int32_t builtin_code;
  const char* custom_name;
  int version;
  void* registration_external;
  void* (*async_kernel)(Context*, Node*);
  std::uint64_t inplace_operator;
};

// Values of BuiltinOperator in TensorFlow Lite's schema: for a custom operator, and for what a delegate puts in.
inline constexpr std::int32_t kBuiltinCustom = 32;
inline constexpr std::int32_t kBuiltinDelegate = 51;

// What Node::builtin_data points to, for the operators of these names.
struct ReverseSequenceParams {
  int seq_dim;
  int batch_dim;
};

struct StablehloCompositeParams {
  const char* name;
  std::int32_t subgraph_index;
  std::int32_t version;
  const std::uint8_t* attributes;
  std::size_t attributes_size;
};

struct Context {
  std::size_t tensors_size;
  Status (*get_execution_plan)(Context*, IntArray**);
  Tensor* tensors;
  void* impl;
  Status (*resize_tensor)(Context*, Tensor*, IntArray*);
  void (*report_error)(Context*, const char*, ...);
  Status (*add_tensors)(Context*, int, int*);
  Status (*get_node_and_registration)(Context*, int, Node**, Registration**);
  // What a delegate calls in its Prepare, with the nodes that it takes.
  Status (*replace_node_subsets_with_delegate_kernels)(Context*, Registration, const IntArray*, Delegate*);
  // The members up to the next one we use keep their places and are never read.
  int recommended_num_threads;
  void* get_external_context;
  void* set_external_context;
  bool allow_fp32_relax_to_fp16;
  void* profiler;
  void* allocate_persistent_buffer;
  void* allocate_buffer_for_eval;
  void* request_scratch_buffer_in_arena;
  void* get_scratch_buffer;
  void* resize_tensor_explicit;
  Status (*preview_delegate_partitioning)(Context*, const IntArray*, DelegateParams**, int*);
  void* get_tensor;
  void* get_eval_tensor;
  void* get_model_metadata;
  Status (*acquire_subgraph_context)(Context*, int, Context**);
  Status (*release_subgraph_context)(Context*, int);
};

inline constexpr std::int64_t kDelegateAllowDynamicTensors = 1;

struct Delegate {
  void* data;
  Status (*prepare)(Context*, Delegate*);
  Status (*copy_from_buffer_handle)(Context*, Delegate*, int, Tensor*);
  Status (*copy_to_buffer_handle)(Context*, Delegate*, int, Tensor*);
  void (*free_buffer_handle)(Context*, Delegate*, int*);
  std::int64_t flags;
  void* opaque_delegate_builder;
};

// What a node that stands for a part of the graph has as its builtin_data: which nodes it stands for.
struct DelegateParams {
  Delegate* delegate;
  IntArray* nodes_to_replace;
  IntArray* input_tensors;
  IntArray* output_tensors;
};

// The same of a delegate with an opaque_delegate_builder.
struct OpaqueDelegateParams {
  Delegate* delegate;
  void* delegate_data;
  IntArray* nodes_to_replace;
};

}  // namespace zerolite::abi::tflite
