/* What a kernel for a custom operator needs of TensorFlow Lite's C ABI, in C and C++. It stands alone: copy it.
 *
 * The names and layouts are those of TensorFlow Lite's tflite/core/c/common.h, so that a kernel written for one compiles
 * with the other; where that header was included before, this one adds only the functions at its end. Structures are
 * declared up to the last member that kernels use, and are only ever reached through pointers that the runtime gives.
 *
 * A library has a function for each of its operators, and zerolite is told its name:
 *
 *   ZEROLITE_EXPORT TfLiteRegistration* Register_MyOp(void) {
 *     static TfLiteRegistration registration = {0};  // in C++, {}
 *     registration.prepare = my_prepare;
 *     registration.invoke = my_invoke;
 *     return &registration;
 *   }
 *
 * init     makes what a node keeps, from the options in the model, and returns it; NULL when there is nothing.
 * free     gives it back.
 * prepare  gives outputs their shapes, whenever those of the inputs have changed. Without it they are the file's.
 * invoke   computes. Both tell why they fail with context->ReportError, and return kTfLiteError.
 */
#ifndef ZEROLITE_CUSTOM_OP_H_
#define ZEROLITE_CUSTOM_OP_H_

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#ifdef __cplusplus
#define ZEROLITE_EXTERN_C extern "C"
#else
#define ZEROLITE_EXTERN_C
#endif
#ifdef _WIN32
#define ZEROLITE_EXPORT ZEROLITE_EXTERN_C __declspec(dllexport)
#else
#define ZEROLITE_EXPORT ZEROLITE_EXTERN_C __attribute__((visibility("default")))
#endif

#ifndef TENSORFLOW_LITE_CORE_C_COMMON_H_

#ifdef __cplusplus
extern "C" {
#endif

typedef enum TfLiteStatus {
  kTfLiteOk = 0,
  kTfLiteError = 1,
} TfLiteStatus;

typedef enum {
  kTfLiteNoType = 0,
  kTfLiteFloat32 = 1,
  kTfLiteInt32 = 2,
  kTfLiteUInt8 = 3,
  kTfLiteInt64 = 4,
  kTfLiteString = 5,
  kTfLiteBool = 6,
  kTfLiteInt16 = 7,
  kTfLiteComplex64 = 8,
  kTfLiteInt8 = 9,
  kTfLiteFloat16 = 10,
  kTfLiteFloat64 = 11,
  kTfLiteComplex128 = 12,
  kTfLiteUInt64 = 13,
  kTfLiteResource = 14,
  kTfLiteVariant = 15,
  kTfLiteUInt32 = 16,
  kTfLiteUInt16 = 17,
  kTfLiteInt4 = 18,
  kTfLiteBFloat16 = 19,
} TfLiteType;

/* Where a tensor's memory comes from. */
typedef enum TfLiteAllocationType {
  kTfLiteMemNone = 0,
  kTfLiteMmapRo = 1, /* a constant of the model */
  kTfLiteArenaRw = 2,
  kTfLiteArenaRwPersistent = 3,
  kTfLiteDynamic = 4, /* its shape is only known after a run */
  kTfLitePersistentRo = 5,
  kTfLiteCustom = 6,
} TfLiteAllocationType;

/* `size` numbers follow the count: in C data[0] ... data[size - 1]. */
typedef struct TfLiteIntArray {
  int size;
#if defined(__cplusplus) && !defined(__GNUC__)
  int data[1];
#else
  int data[];
#endif
} TfLiteIntArray;

typedef struct TfLiteFloatArray {
  int size;
#if defined(__cplusplus) && !defined(__GNUC__)
  float data[1];
#else
  float data[];
#endif
} TfLiteFloatArray;

/* A real number is scale * (stored - zero_point); scale is 0 where a tensor is not quantized. */
typedef struct TfLiteQuantizationParams {
  float scale;
  int32_t zero_point;
} TfLiteQuantizationParams;

typedef enum TfLiteQuantizationType {
  kTfLiteNoQuantization = 0,
  kTfLiteAffineQuantization = 1,
} TfLiteQuantizationType;

typedef struct TfLiteAffineQuantization {
  TfLiteFloatArray* scale;
  TfLiteIntArray* zero_point;
  int32_t quantized_dimension;
} TfLiteAffineQuantization;

typedef struct TfLiteQuantization {
  TfLiteQuantizationType type;
  void* params; /* a TfLiteAffineQuantization */
} TfLiteQuantization;

typedef union TfLitePtrUnion {
  int32_t* i32;
  uint32_t* u32;
  int64_t* i64;
  uint64_t* u64;
  float* f;
  double* f64;
  char* raw;
  const char* raw_const;
  uint8_t* uint8;
  bool* b;
  int16_t* i16;
  uint16_t* ui16;
  int8_t* int8;
  void* data;
} TfLitePtrUnion;

typedef struct TfLiteDelegate TfLiteDelegate;

typedef struct TfLiteTensor {
  TfLiteType type;
  TfLitePtrUnion data;
  TfLiteIntArray* dims;
  TfLiteQuantizationParams params; /* of a tensor with one scale */
  TfLiteAllocationType allocation_type;
  size_t bytes;
  const void* allocation;
  const char* name;
  TfLiteDelegate* delegate;
  int buffer_handle;
  bool data_is_stale;
  bool is_variable;
  TfLiteQuantization quantization;
  void* sparsity;
  const TfLiteIntArray* dims_signature; /* -1 for an axis of any size */
} TfLiteTensor;

/* In the place of an input that the model leaves out. */
#define kTfLiteOptionalTensor (-1)

typedef struct TfLiteNode {
  TfLiteIntArray* inputs; /* indices into the context's tensors */
  TfLiteIntArray* outputs;
  TfLiteIntArray* intermediates;
  TfLiteIntArray* temporaries;
  void* user_data; /* what init returned */
  void* builtin_data;
  const void* custom_initial_data; /* the options */
  int custom_initial_data_size;
} TfLiteNode;

typedef struct TfLiteContext TfLiteContext;

struct TfLiteContext {
  size_t tensors_size;
  TfLiteStatus (*GetExecutionPlan)(TfLiteContext*, TfLiteIntArray**);
  TfLiteTensor* tensors;
  void* impl_;
  /* Takes the array, which ZeroliteShape or malloc made; call it in prepare, and in invoke for a dynamic tensor. */
  TfLiteStatus (*ResizeTensor)(TfLiteContext*, TfLiteTensor*, TfLiteIntArray*);
  void (*ReportError)(TfLiteContext*, const char* format, ...);
};

typedef struct TfLiteRegistration {
  void* (*init)(TfLiteContext*, const char* options, size_t length);
  void (*free)(TfLiteContext*, void* user_data);
  TfLiteStatus (*prepare)(TfLiteContext*, TfLiteNode*);
  TfLiteStatus (*invoke)(TfLiteContext*, TfLiteNode*);
  const char* (*profiling_string)(const TfLiteContext*, const TfLiteNode*);
  int32_t builtin_code;
  const char* custom_name;
  int version;
} TfLiteRegistration;

#ifdef __cplusplus
} /* extern "C" */
#endif

#endif /* TENSORFLOW_LITE_CORE_C_COMMON_H_ */

/* NULL for an input that the model leaves out. */
static inline TfLiteTensor* ZeroliteInput(const TfLiteContext* context, const TfLiteNode* node, int index) {
  const int tensor = node->inputs->data[index];
  return tensor == kTfLiteOptionalTensor ? NULL : &context->tensors[tensor];
}

static inline TfLiteTensor* ZeroliteOutput(const TfLiteContext* context, const TfLiteNode* node, int index) {
  return &context->tensors[node->outputs->data[index]];
}

/* How many values a tensor has. */
static inline size_t ZeroliteCount(const TfLiteTensor* tensor) {
  size_t count = 1;
  for (int i = 0; i < tensor->dims->size; ++i) count *= (size_t)tensor->dims->data[i];
  return count;
}

/* A copy of a shape, as ResizeTensor takes it; NULL when there is no memory. */
static inline TfLiteIntArray* ZeroliteShape(int rank, const int* sizes) {
  TfLiteIntArray* shape = (TfLiteIntArray*)malloc(sizeof(int) * ((size_t)rank + 1));
  if (shape == NULL) return NULL;
  shape->size = rank;
  for (int i = 0; i < rank; ++i) shape->data[i] = sizes[i];
  return shape;
}

/* For prepare: gives the output the shape of a tensor. */
static inline TfLiteStatus ZeroliteSameShape(TfLiteContext* context, TfLiteTensor* output, const TfLiteTensor* as) {
  TfLiteIntArray* shape = ZeroliteShape(as->dims->size, as->dims->data);
  return shape == NULL ? kTfLiteError : context->ResizeTensor(context, output, shape);
}

/* For prepare: only a run tells the shape of the output, and invoke calls ResizeTensor with it. */
static inline void ZeroliteDynamicShape(TfLiteTensor* output) {
  if (output->allocation_type == kTfLiteDynamic) return;
  output->allocation_type = kTfLiteDynamic;
  output->data.raw = NULL;
}

#endif /* ZEROLITE_CUSTOM_OP_H_ */
