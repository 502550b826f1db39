// Field numbers of TensorFlow Lite's schema (schema.fbs, version 3), as far as they are read here.
#pragma once

#include <array>
#include <cstdint>

#include "zerolite/model/flatbuffer_writer.hpp"

namespace zerolite::schema {

namespace model {
inline constexpr unsigned kVersion = 0;
inline constexpr unsigned kOperatorCodes = 1;
inline constexpr unsigned kSubgraphs = 2;
inline constexpr unsigned kDescription = 3;
inline constexpr unsigned kBuffers = 4;
inline constexpr unsigned kMetadataBuffer = 5;
inline constexpr unsigned kMetadata = 6;
inline constexpr unsigned kSignatures = 7;
}  // namespace model

namespace metadata {
inline constexpr unsigned kName = 0;
inline constexpr unsigned kBuffer = 1;
}  // namespace metadata

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
inline constexpr unsigned kQuantization = 4;
inline constexpr unsigned kIsVariable = 5;
inline constexpr unsigned kSparsity = 6;
inline constexpr unsigned kShapeSignature = 7;
inline constexpr unsigned kHasRank = 8;
inline constexpr unsigned kVariantTensors = 9;
inline constexpr unsigned kExternalBuffer = 10;
}  // namespace tensor

namespace tensor_type {
inline constexpr std::int8_t kFloat32 = 0;
inline constexpr std::int8_t kComplex128 = 11;
inline constexpr std::int8_t kVariant = 14;
}  // namespace tensor_type

namespace buffer {
inline constexpr unsigned kData = 0;
// Of data that stands behind the FlatBuffer, in the same file.
inline constexpr unsigned kOffset = 1;
inline constexpr unsigned kSize = 2;
}  // namespace buffer

namespace operation {
inline constexpr unsigned kOperatorCode = 0;
inline constexpr unsigned kInputs = 1;
inline constexpr unsigned kOutputs = 2;
// What an operator can be set to: a table of a type of its own, in one of two unions.
inline constexpr unsigned kOptionsType = 3;
inline constexpr unsigned kOptions = 4;
inline constexpr unsigned kCustomOptions = 5;
inline constexpr unsigned kMutatingVariableInputs = 7;
inline constexpr unsigned kIntermediates = 8;
// Of a custom operator's options that stand behind the FlatBuffer, in the same file.
inline constexpr unsigned kLargeCustomOptionsOffset = 9;
inline constexpr unsigned kLargeCustomOptionsSize = 10;
inline constexpr unsigned kOptions2Type = 11;
inline constexpr unsigned kOptions2 = 12;
}  // namespace operation

namespace depthwise_conv_2d_options {
inline constexpr unsigned kActivation = 4;
}  // namespace depthwise_conv_2d_options

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

namespace quantization {
inline constexpr unsigned kScales = 2;
inline constexpr unsigned kZeroPoints = 3;
inline constexpr unsigned kDetailsType = 4;
inline constexpr unsigned kDetails = 5;
inline constexpr unsigned kDimension = 6;
}  // namespace quantization

namespace quantization_details {
inline constexpr std::uint8_t kBlockwise = 2;
inline constexpr std::uint8_t kMultiAxis = 3;
}  // namespace quantization_details

namespace blockwise_quantization {
inline constexpr unsigned kScales = 0;
inline constexpr unsigned kZeroPoints = 1;
inline constexpr unsigned kBlockSize = 2;
}  // namespace blockwise_quantization

namespace sparsity {
inline constexpr unsigned kTraversalOrder = 0;
inline constexpr unsigned kBlockMap = 1;
inline constexpr unsigned kDimensions = 2;
}  // namespace sparsity

namespace dimension_metadata {
inline constexpr unsigned kFormat = 0;
inline constexpr unsigned kDenseSize = 1;
inline constexpr unsigned kSegmentsType = 2;
inline constexpr unsigned kSegments = 3;
inline constexpr unsigned kIndicesType = 4;
inline constexpr unsigned kIndices = 5;
}  // namespace dimension_metadata

// A vector of indices is a table around one of three integer types.
namespace sparse_index_vector {
inline constexpr std::uint8_t kInt32 = 1;
inline constexpr std::uint8_t kUint16 = 2;
inline constexpr std::uint8_t kUint8 = 3;
inline constexpr unsigned kValues = 0;
}  // namespace sparse_index_vector

// The kinds of all fields, by number, of the tables that are written anew (LiteRT 2.3.0).
namespace written {
inline constexpr auto kReference = flatbuffer::FieldKind::reference;
inline constexpr auto kByte = flatbuffer::FieldKind::byte;
inline constexpr auto kWord = flatbuffer::FieldKind::word;
inline constexpr std::array kModel = {kWord,      kReference, kReference, kReference, kReference,
                                      kReference, kReference, kReference, kReference, kReference};
inline constexpr std::array kSubgraph = {kReference, kReference, kReference, kReference, kReference, kWord};
inline constexpr std::array kTensor = {kReference, kByte,      kWord, kReference, kReference, kByte,
                                       kReference, kReference, kByte, kReference, kWord};
}  // namespace written

}  // namespace zerolite::schema
