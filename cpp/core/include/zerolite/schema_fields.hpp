// Field numbers of TensorFlow Lite's schema (schema.fbs, version 3), as far as they are read here.
#pragma once

#include <cstdint>

namespace zerolite::schema {

namespace model {
inline constexpr unsigned kVersion = 0;
inline constexpr unsigned kOperatorCodes = 1;
inline constexpr unsigned kSubgraphs = 2;
inline constexpr unsigned kBuffers = 4;
inline constexpr unsigned kSignatures = 7;
}  // namespace model

namespace operator_code {
inline constexpr unsigned kDeprecatedBuiltinCode = 0;
inline constexpr unsigned kCustomCode = 1;
inline constexpr unsigned kVersion = 2;
inline constexpr unsigned kBuiltinCode = 3;
}  // namespace operator_code

namespace subgraph {
inline constexpr unsigned kTensors = 0;
inline constexpr unsigned kInputs = 1;
inline constexpr unsigned kOutputs = 2;
inline constexpr unsigned kOperators = 3;
inline constexpr unsigned kName = 4;
}  // namespace subgraph

namespace tensor {
inline constexpr unsigned kShape = 0;
inline constexpr unsigned kType = 1;
inline constexpr unsigned kBuffer = 2;
inline constexpr unsigned kName = 3;
inline constexpr unsigned kIsVariable = 5;
inline constexpr unsigned kSparsity = 6;
inline constexpr unsigned kShapeSignature = 7;
inline constexpr unsigned kVariantTensors = 9;
}  // namespace tensor

namespace tensor_type {
inline constexpr std::int8_t kComplex128 = 11;
inline constexpr std::int8_t kVariant = 14;
}  // namespace tensor_type

namespace buffer {
inline constexpr unsigned kData = 0;
}  // namespace buffer

namespace operation {
inline constexpr unsigned kOperatorCode = 0;
inline constexpr unsigned kMutatingVariableInputs = 7;
inline constexpr unsigned kIntermediates = 8;
}  // namespace operation

namespace signature {
inline constexpr unsigned kInputs = 0;
inline constexpr unsigned kOutputs = 1;
inline constexpr unsigned kKey = 2;
inline constexpr unsigned kSubgraph = 4;
}  // namespace signature

namespace tensor_map {
inline constexpr unsigned kName = 0;
inline constexpr unsigned kTensor = 1;
}  // namespace tensor_map

}  // namespace zerolite::schema
