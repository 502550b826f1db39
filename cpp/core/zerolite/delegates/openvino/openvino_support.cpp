#include "zerolite/delegates/openvino/openvino_support.hpp"

#include <algorithm>
#include <array>
#include <set>
#include <string_view>

#include "zerolite/model/dependent_shapes.hpp"
#include "zerolite/model/model_contents.hpp"
#include "zerolite/model/operators.hpp"
#include "zerolite/model/subgraph_view.hpp"

#ifdef __x86_64__
#include <cpuid.h>
#endif

namespace zerolite::openvino {
namespace {

// Whether this processor sums products of 8-bit values in 32 bits. On x86-64 without that, OpenVINO sums two of them in
// 16 bits, which overflow; Intel's manual has the numbers of the features.
bool sums_products_exactly() {
#ifdef __x86_64__
  constexpr unsigned kFeatures = 7;
  constexpr unsigned kAvx512Vnni = 1U << 11;
  constexpr unsigned kAvxVnni = 1U << 4;
  unsigned eax = 0;
  unsigned ebx = 0;
  unsigned ecx = 0;
  unsigned edx = 0;
  if (__get_cpuid_count(kFeatures, 0, &eax, &ebx, &ecx, &edx) != 0 && (ecx & kAvx512Vnni) != 0) return true;
  return __get_cpuid_count(kFeatures, 1, &eax, &ebx, &ecx, &edx) != 0 && (eax & kAvxVnni) != 0;
#else
  return true;
#endif
}

// One operator of a subgraph.
struct OperatorView {
  const SubgraphView& subgraph;
  const OperatorDetails& details;
  Operator operation;

  [[nodiscard]] ElementType input_type(std::size_t input) const {
    return input < details.inputs.size() && subgraph.has_tensor(details.inputs[input])
               ? subgraph.tensor(details.inputs[input]).type
               : ElementType::none;
  }
  [[nodiscard]] ElementType output_type() const {
    return details.outputs.empty() ? ElementType::none : subgraph.tensor(details.outputs.front()).type;
  }
  [[nodiscard]] bool is_constant(std::size_t input) const {
    return input < details.inputs.size() && subgraph.has_tensor(details.inputs[input]) &&
           !subgraph.tensor_details(details.inputs[input]).constant.empty();
  }
};

using Condition = bool(const OperatorView&);

bool always(const OperatorView& /*view*/) { return true; }

bool takes_int32(const OperatorView& view) { return view.input_type(0) == ElementType::int32; }

bool selects_int32(const OperatorView& view) { return view.input_type(1) == ElementType::int32; }

bool overflows(const OperatorView& view) {
  const ElementType type = view.input_type(0);
  if (type != ElementType::int8 && type != ElementType::uint8) return false;
  static const bool is_exact = sums_products_exactly();
  return !is_exact;
}

bool is_float(ElementType type) {
  return type == ElementType::float32 || type == ElementType::float16 || type == ElementType::float64;
}

bool makes_whole_numbers(const OperatorView& view) {
  return is_float(view.input_type(0)) && !is_float(view.output_type()) && view.output_type() != ElementType::boolean;
}

bool has_half_pixel_centers(const OperatorView& view) {
  constexpr unsigned kHalfPixelCenters = 1;  // of ResizeNearestNeighborOptions
  const auto options = options_of(view.operation, view.details);
  return options && options->scalar<std::uint8_t>(kHalfPixelCenters, 0) != 0;
}

template <std::size_t input>
bool is_computed(const OperatorView& view) {
  return !view.is_constant(input);
}

// What OpenVINO 2026.4 takes, and computes otherwise than TensorFlow Lite. tests/delegates/test_openvino_operators.py
// compares them all.
struct KeptOperator {
  Operator operation;
  Condition* condition;
  std::string_view reason;
};

constexpr std::string_view kInFloat = "has int32 values, which OpenVINO computes in float32, exact up to 16777216 only";

constexpr std::string_view kOverflows =
    "multiplies 8-bit values, whose sums overflow in OpenVINO on processors without VNNI";
constexpr std::string_view kMixed =
    "selects int32 values, of which OpenVINO takes wrong ones on processors without AVX-512";

constexpr auto kKept = std::to_array<KeptOperator>({
    {Operator::BATCH_MATMUL, &overflows, kOverflows},
    {Operator::CAST, &makes_whole_numbers,
     "makes whole numbers of floats, and OpenVINO makes others where they are too large"},
    {Operator::CONV_2D, &overflows, kOverflows},
    {Operator::CONV_3D, &overflows, kOverflows},
    {Operator::DEPTHWISE_CONV_2D, &overflows, kOverflows},
    {Operator::DIV, &takes_int32, kInFloat},
    {Operator::EQUAL, &takes_int32, kInFloat},
    {Operator::FLOOR_DIV, &takes_int32, kInFloat},
    {Operator::FLOOR_MOD, &takes_int32, kInFloat},
    {Operator::FULLY_CONNECTED, &overflows, kOverflows},
    {Operator::GATHER_ND, &is_computed<1>, "has computed indices, and OpenVINO does not survive wrong ones"},
    {Operator::GREATER, &takes_int32, kInFloat},
    {Operator::GREATER_EQUAL, &takes_int32, kInFloat},
    {Operator::LESS, &takes_int32, kInFloat},
    {Operator::LESS_EQUAL, &takes_int32, kInFloat},
    {Operator::MEAN, &takes_int32, kInFloat},
    {Operator::NOT_EQUAL, &takes_int32, kInFloat},
    {Operator::POW, &takes_int32, kInFloat},
    {Operator::REDUCE_MAX, &takes_int32, kInFloat},
    {Operator::REDUCE_MIN, &takes_int32, kInFloat},
    {Operator::REDUCE_PROD, &takes_int32, kInFloat},
    {Operator::RESIZE_NEAREST_NEIGHBOR, &has_half_pixel_centers,
     "has half-pixel centers, for which OpenVINO takes other pixels"},
    {Operator::REVERSE_SEQUENCE, &is_computed<1>, "has computed lengths, and OpenVINO takes wrong ones, too"},
    {Operator::REVERSE_V2, &takes_int32, kInFloat},
    {Operator::SCATTER_ND, &always, "adds values of the same index, and OpenVINO keeps one of them"},
    {Operator::SEGMENT_SUM, &is_computed<1>, "has computed segments, and OpenVINO takes wrong ones, too"},
    {Operator::SELECT, &selects_int32, kMixed},
    {Operator::SELECT_V2, &selects_int32, kMixed},
    {Operator::SUM, &takes_int32, kInFloat},
    {Operator::TRANSPOSE_CONV, &overflows, kOverflows},
});

// For which OpenVINO 2026.4 has a translation at all, found by reading a model of each operator.
constexpr auto kTranslated = std::to_array<Operator>({
    Operator::ABS,
    Operator::ADD,
    Operator::ADD_N,
    Operator::ARG_MAX,
    Operator::ARG_MIN,
    Operator::AVERAGE_POOL_2D,
    Operator::BATCH_MATMUL,
    Operator::BATCH_TO_SPACE_ND,
    Operator::BROADCAST_ARGS,
    Operator::BROADCAST_TO,
    Operator::CAST,
    Operator::CEIL,
    Operator::COMPLEX_ABS,
    Operator::CONCATENATION,
    Operator::CONV_2D,
    Operator::CONV_3D,
    Operator::COS,
    Operator::CUMSUM,
    Operator::DEPTHWISE_CONV_2D,
    Operator::DEPTH_TO_SPACE,
    Operator::DEQUANTIZE,
    Operator::DIV,
    Operator::ELU,
    Operator::EMBEDDING_LOOKUP,
    Operator::EQUAL,
    Operator::EXP,
    Operator::EXPAND_DIMS,
    Operator::FILL,
    Operator::FLOOR,
    Operator::FLOOR_DIV,
    Operator::FLOOR_MOD,
    Operator::FULLY_CONNECTED,
    Operator::GATHER,
    Operator::GATHER_ND,
    Operator::GELU,
    Operator::GREATER,
    Operator::GREATER_EQUAL,
    Operator::HARD_SWISH,
    Operator::L2_NORMALIZATION,
    Operator::LEAKY_RELU,
    Operator::LESS,
    Operator::LESS_EQUAL,
    Operator::LOG,
    Operator::LOGICAL_AND,
    Operator::LOGICAL_NOT,
    Operator::LOGICAL_OR,
    Operator::LOGISTIC,
    Operator::LOG_SOFTMAX,
    Operator::MATRIX_DIAG,
    Operator::MAXIMUM,
    Operator::MAX_POOL_2D,
    Operator::MEAN,
    Operator::MINIMUM,
    Operator::MIRROR_PAD,
    Operator::MUL,
    Operator::NEG,
    Operator::NOT_EQUAL,
    Operator::ONE_HOT,
    Operator::PACK,
    Operator::PAD,
    Operator::PADV2,
    Operator::POW,
    Operator::PRELU,
    Operator::QUANTIZE,
    Operator::RANGE,
    Operator::RANK,
    Operator::REDUCE_ALL,
    Operator::REDUCE_ANY,
    Operator::REDUCE_MAX,
    Operator::REDUCE_MIN,
    Operator::REDUCE_PROD,
    Operator::RELU,
    Operator::RELU6,
    Operator::RELU_0_TO_1,
    Operator::RESHAPE,
    Operator::RESIZE_BILINEAR,
    Operator::RESIZE_NEAREST_NEIGHBOR,
    Operator::REVERSE_SEQUENCE,
    Operator::REVERSE_V2,
    Operator::RFFT2D,
    Operator::ROUND,
    Operator::RSQRT,
    Operator::SCATTER_ND,
    Operator::SEGMENT_SUM,
    Operator::SELECT,
    Operator::SELECT_V2,
    Operator::SHAPE,
    Operator::SIGN,
    Operator::SIN,
    Operator::SLICE,
    Operator::SOFTMAX,
    Operator::SPACE_TO_BATCH_ND,
    Operator::SPACE_TO_DEPTH,
    Operator::SPLIT,
    Operator::SPLIT_V,
    Operator::SQRT,
    Operator::SQUARE,
    Operator::SQUARED_DIFFERENCE,
    Operator::SQUEEZE,
    Operator::STRIDED_SLICE,
    Operator::SUB,
    Operator::SUM,
    Operator::TANH,
    Operator::TILE,
    Operator::TOPK_V2,
    Operator::TRANSPOSE,
    Operator::TRANSPOSE_CONV,
    Operator::UNPACK,
    Operator::ZEROS_LIKE,
});

bool is_translated(Operator operation) { return std::ranges::find(kTranslated, operation) != kTranslated.end(); }

std::string reason_of(const OperatorView& view, const OperatorCode& code) {
  if (!callees(view.operation).empty()) return "the operator " + name_of(code) + " runs other subgraphs";
  for (const KeptOperator& kept : kKept) {
    if (kept.operation == view.operation && kept.condition(view)) {
      return "the operator " + name_of(code) + " " + std::string(kept.reason);
    }
  }
  return {};
}

// Whose results are positions and sizes, which 32 bits hold.
bool makes_small_numbers(Operator operation) {
  return operation == Operator::ARG_MAX || operation == Operator::ARG_MIN || operation == Operator::SHAPE;
}

std::string reason_of(const TensorDescription& tensor, const TensorDetails& details, bool has_small_numbers) {
  const std::string name = "tensor '" + tensor.name + "'";
  const std::string type(name_of(tensor.type));
  if (tensor.is_empty()) return name + " is empty";
  if (details.is_variable) return name + " is a variable, which OpenVINO takes for an input";
  if (details.sparsity) return name + " is sparse";
  if (!details.constant.empty() || has_small_numbers) return {};
  switch (tensor.type) {
    case ElementType::string:
      return name + " holds strings";
    case ElementType::resource:
    case ElementType::variant:
      return name + " is a resource, which OpenVINO does not have";
    case ElementType::int64:
    case ElementType::uint64:
    case ElementType::uint32:
      return name + " holds " + type + ", which OpenVINO computes as int32";
    case ElementType::float64:
      return name + " holds " + type + ", which OpenVINO computes as float32";
    case ElementType::float32:
    case ElementType::float16:
    case ElementType::boolean:
    case ElementType::int8:
    case ElementType::uint8:
    case ElementType::int16:
    case ElementType::uint16:
    case ElementType::int32:
      return {};
    default:
      return name + " holds " + type + ", which OpenVINO does not compute";
  }
}

}  // namespace

GraphSupport graph_support(const Model& model, std::size_t subgraph) {
  const ModelContents contents = ModelContents::read(model.bytes().span());
  const SubgraphView view{model.interface(), model.interface().subgraphs[subgraph], contents.subgraphs[subgraph]};
  const std::vector<OperatorDetails>& operators = view.details.operators;
  GraphSupport support{.reason = {}, .takes = std::vector<bool>(operators.size(), true)};
  std::vector<bool> small(view.description.tensors.size());
  for (std::size_t i = 0; i < operators.size(); ++i) {
    const Operator operation = kind_of(view.operator_code(i));
    const std::string reason = reason_of({view, operators[i], operation}, view.operator_code(i));
    if (support.reason.empty()) support.reason = reason;
    support.takes[i] = reason.empty() && is_translated(operation);
    for (const std::int32_t output : operators[i].outputs) {
      small[static_cast<std::size_t>(output)] = makes_small_numbers(operation);
    }
  }
  // Each shape that a run tells would be compiled for by that run.
  std::set<std::int32_t> kept = tensors_of_dependent_shape(view);
  for (std::size_t i = 0; i < view.description.tensors.size(); ++i) {
    const std::string reason = reason_of(view.description.tensors[i], view.details.tensors[i], small[i]);
    if (!reason.empty()) kept.insert(static_cast<std::int32_t>(i));
    if (support.reason.empty()) support.reason = reason;
  }
  for (std::size_t i = 0; i < operators.size(); ++i) {
    for (const auto* tensors : {&operators[i].inputs, &operators[i].outputs, &operators[i].intermediates}) {
      const auto is_kept = [&](std::int32_t tensor) { return kept.contains(tensor); };
      if (std::ranges::any_of(*tensors, is_kept)) support.takes[i] = false;
    }
  }
  return support;
}

}  // namespace zerolite::openvino
