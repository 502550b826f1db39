#include "zerolite/model/operands.hpp"

#include <algorithm>
#include <array>
#include <limits>

namespace zerolite {
namespace {

constexpr std::size_t kMany = std::numeric_limits<std::size_t>::max();

struct Entry {
  std::int32_t builtin_code;
  OperandCounts counts;
};

// By number, as the kernels of LiteRT 2.3.0 check it while they are prepared. The delegates that look at an operator
// before do not check it all.
constexpr auto kCounts = std::to_array<Entry>({
    {0, {2, 2, 1, 1}},        // ADD
    {1, {1, 1, 1, 1}},        // AVERAGE_POOL_2D
    {2, {1, kMany, 1, 1}},    // CONCATENATION
    {3, {2, 3, 1, 1}},        // CONV_2D
    {4, {2, 3, 1, 1}},        // DEPTHWISE_CONV_2D
    {5, {1, 1, 1, 1}},        // DEPTH_TO_SPACE
    {6, {1, 1, 1, 1}},        // DEQUANTIZE
    {7, {2, 2, 1, 1}},        // EMBEDDING_LOOKUP
    {8, {1, 1, 1, 1}},        // FLOOR
    {9, {2, 3, 1, 2}},        // FULLY_CONNECTED
    {11, {1, 1, 1, 1}},       // L2_NORMALIZATION
    {12, {1, 1, 1, 1}},       // L2_POOL_2D
    {13, {1, 1, 1, 1}},       // LOCAL_RESPONSE_NORMALIZATION
    {14, {1, 1, 1, 1}},       // LOGISTIC
    {17, {1, 1, 1, 1}},       // MAX_POOL_2D
    {18, {2, 2, 1, 1}},       // MUL
    {19, {1, 1, 1, 1}},       // RELU
    {20, {1, 1, 1, 1}},       // RELU_N1_TO_1
    {21, {1, 1, 1, 1}},       // RELU6
    {22, {1, 2, 1, 1}},       // RESHAPE
    {23, {2, 2, 1, 1}},       // RESIZE_BILINEAR
    {24, {5, 5, 1, 1}},       // RNN
    {25, {1, 1, 1, 1}},       // SOFTMAX
    {26, {1, 1, 1, 1}},       // SPACE_TO_DEPTH
    {27, {5, 5, 1, 1}},       // SVDF
    {28, {1, 1, 1, 1}},       // TANH
    {34, {2, 2, 1, 1}},       // PAD
    {35, {5, 5, 1, 1}},       // UNIDIRECTIONAL_SEQUENCE_RNN
    {36, {2, 2, 1, 1}},       // GATHER
    {37, {3, 3, 1, 1}},       // BATCH_TO_SPACE_ND
    {38, {3, 3, 1, 1}},       // SPACE_TO_BATCH_ND
    {39, {2, 2, 1, 1}},       // TRANSPOSE
    {40, {2, 2, 1, 1}},       // MEAN
    {41, {2, 2, 1, 1}},       // SUB
    {42, {2, 2, 1, 1}},       // DIV
    {43, {1, 1, 1, 1}},       // SQUEEZE
    {44, {20, 24, 1, 1}},     // UNIDIRECTIONAL_SEQUENCE_LSTM
    {45, {4, 4, 1, 1}},       // STRIDED_SLICE
    {47, {1, 1, 1, 1}},       // EXP
    {48, {2, 2, 2, 2}},       // TOPK_V2
    {49, {2, 2, 1, kMany}},   // SPLIT
    {50, {1, 1, 1, 1}},       // LOG_SOFTMAX
    {53, {1, 1, 1, 1}},       // CAST
    {54, {2, 2, 1, 1}},       // PRELU
    {55, {2, 2, 1, 1}},       // MAXIMUM
    {56, {2, 2, 1, 1}},       // ARG_MAX
    {57, {2, 2, 1, 1}},       // MINIMUM
    {58, {2, 2, 1, 1}},       // LESS
    {59, {1, 1, 1, 1}},       // NEG
    {60, {3, 3, 1, 1}},       // PADV2
    {61, {2, 2, 1, 1}},       // GREATER
    {62, {2, 2, 1, 1}},       // GREATER_EQUAL
    {63, {2, 2, 1, 1}},       // LESS_EQUAL
    {64, {3, 3, 1, 1}},       // SELECT
    {65, {3, 3, 1, 1}},       // SLICE
    {66, {1, 1, 1, 1}},       // SIN
    {67, {3, 4, 1, 1}},       // TRANSPOSE_CONV
    {68, {4, 4, 1, 1}},       // SPARSE_TO_DENSE
    {69, {2, 2, 1, 1}},       // TILE
    {70, {2, 2, 1, 1}},       // EXPAND_DIMS
    {71, {2, 2, 1, 1}},       // EQUAL
    {72, {2, 2, 1, 1}},       // NOT_EQUAL
    {73, {1, 1, 1, 1}},       // LOG
    {74, {2, 2, 1, 1}},       // SUM
    {75, {1, 1, 1, 1}},       // SQRT
    {76, {1, 1, 1, 1}},       // RSQRT
    {77, {1, 1, 1, 1}},       // SHAPE
    {78, {2, 2, 1, 1}},       // POW
    {79, {2, 2, 1, 1}},       // ARG_MIN
    {80, {1, 1, 1, 1}},       // FAKE_QUANT
    {81, {2, 2, 1, 1}},       // REDUCE_PROD
    {82, {2, 2, 1, 1}},       // REDUCE_MAX
    {83, {1, kMany, 1, 1}},   // PACK
    {84, {2, 2, 1, 1}},       // LOGICAL_OR
    {85, {4, 4, 1, 1}},       // ONE_HOT
    {86, {2, 2, 1, 1}},       // LOGICAL_AND
    {87, {1, 1, 1, 1}},       // LOGICAL_NOT
    {88, {1, 1, 1, kMany}},   // UNPACK
    {89, {2, 2, 1, 1}},       // REDUCE_MIN
    {90, {2, 2, 1, 1}},       // FLOOR_DIV
    {91, {2, 2, 1, 1}},       // REDUCE_ANY
    {92, {1, 1, 1, 1}},       // SQUARE
    {93, {1, 1, 1, 1}},       // ZEROS_LIKE
    {94, {2, 2, 1, 1}},       // FILL
    {95, {2, 2, 1, 1}},       // FLOOR_MOD
    {96, {3, 3, 1, 1}},       // RANGE
    {97, {2, 2, 1, 1}},       // RESIZE_NEAREST_NEIGHBOR
    {98, {1, 1, 1, 1}},       // LEAKY_RELU
    {99, {2, 2, 1, 1}},       // SQUARED_DIFFERENCE
    {100, {2, 2, 1, 1}},      // MIRROR_PAD
    {101, {1, 1, 1, 1}},      // ABS
    {102, {3, 3, 1, kMany}},  // SPLIT_V
    {103, {1, 1, 2, 2}},      // UNIQUE
    {104, {1, 1, 1, 1}},      // CEIL
    {105, {2, 2, 1, 1}},      // REVERSE_V2
    {106, {1, kMany, 1, 1}},  // ADD_N
    {107, {2, 2, 1, 1}},      // GATHER_ND
    {108, {1, 1, 1, 1}},      // COS
    {109, {1, 1, 1, 1}},      // WHERE
    {110, {1, 1, 1, 1}},      // RANK
    {111, {1, 1, 1, 1}},      // ELU
    {112, {2, 2, 1, 1}},      // REVERSE_SEQUENCE
    {113, {1, 1, 1, 1}},      // MATRIX_DIAG
    {114, {1, 1, 1, 1}},      // QUANTIZE
    {115, {2, 2, 1, 1}},      // MATRIX_SET_DIAG
    {116, {1, 1, 1, 1}},      // ROUND
    {117, {1, 1, 1, 1}},      // HARD_SWISH
    {120, {5, 5, 2, 2}},      // NON_MAX_SUPPRESSION_V4
    {121, {6, 6, 3, 3}},      // NON_MAX_SUPPRESSION_V5
    {122, {3, 3, 1, 1}},      // SCATTER_ND
    {123, {3, 3, 1, 1}},      // SELECT_V2
    {124, {1, 1, 1, 1}},      // DENSIFY
    {125, {2, 2, 1, 1}},      // SEGMENT_SUM
    {126, {2, 2, 1, 1}},      // BATCH_MATMUL
    {128, {2, 2, 1, 1}},      // CUMSUM
    {130, {2, 2, 1, 1}},      // BROADCAST_TO
    {131, {2, 2, 1, 1}},      // RFFT2D
    {132, {2, 3, 1, 1}},      // CONV_3D
    {133, {1, 1, 1, 1}},      // IMAG
    {134, {1, 1, 1, 1}},      // REAL
    {135, {1, 1, 1, 1}},      // COMPLEX_ABS
    {136, {0, 0, 1, 1}},      // HASHTABLE
    {137, {3, 3, 1, 1}},      // HASHTABLE_FIND
    {138, {3, 3, 0, 0}},      // HASHTABLE_IMPORT
    {139, {1, 1, 1, 1}},      // HASHTABLE_SIZE
    {140, {2, 2, 1, 1}},      // REDUCE_ALL
    {141, {3, 4, 1, 1}},      // CONV_3D_TRANSPOSE
    {142, {0, 0, 1, 1}},      // VAR_HANDLE
    {143, {1, 1, 1, 1}},      // READ_VARIABLE
    {144, {2, 2, 0, 0}},      // ASSIGN_VARIABLE
    {145, {2, 2, 1, 1}},      // BROADCAST_ARGS
    {146, {1, 1, 1, 1}},      // RANDOM_STANDARD_NORMAL
    {147, {1, 1, 1, 1}},      // BUCKETIZE
    {148, {1, 1, 1, 1}},      // RANDOM_UNIFORM
    {149, {2, 2, 1, 1}},      // MULTINOMIAL
    {150, {1, 1, 1, 1}},      // GELU
    {151, {3, 3, 1, 1}},      // DYNAMIC_UPDATE_SLICE
    {152, {1, 1, 1, 1}},      // RELU_0_TO_1
    {153, {3, 3, 1, 1}},      // UNSORTED_SEGMENT_PROD
    {154, {3, 3, 1, 1}},      // UNSORTED_SEGMENT_MAX
    {155, {3, 3, 1, 1}},      // UNSORTED_SEGMENT_SUM
    {156, {2, 2, 1, 1}},      // ATAN2
    {157, {3, 3, 1, 1}},      // UNSORTED_SEGMENT_MIN
    {158, {1, 1, 1, 1}},      // SIGN
    {201, {2, 2, 1, 1}},      // STABLEHLO_GATHER
    {207, {2, 2, 1, 1}},      // STABLEHLO_SHIFT_LEFT
});

static_assert(std::ranges::is_sorted(kCounts, {}, &Entry::builtin_code));

// Kernels that copy take as many bytes as the input has; others compute in its type, or with the quantization that the
// output had with its own type (2.3.0).
struct OneType {
  std::int32_t builtin_code;
  std::size_t input;
};

constexpr auto kOneType = std::to_array<OneType>({
    {2, 0},    // CONCATENATION
    {5, 0},    // DEPTH_TO_SPACE
    {18, 0},   // MUL
    {22, 0},   // RESHAPE
    {26, 0},   // SPACE_TO_DEPTH
    {34, 0},   // PAD
    {36, 0},   // GATHER
    {37, 0},   // BATCH_TO_SPACE_ND
    {38, 0},   // SPACE_TO_BATCH_ND
    {39, 0},   // TRANSPOSE
    {40, 0},   // MEAN
    {43, 0},   // SQUEEZE
    {45, 0},   // STRIDED_SLICE
    {49, 1},   // SPLIT
    {59, 0},   // NEG
    {60, 0},   // PADV2
    {64, 1},   // SELECT
    {65, 0},   // SLICE
    {69, 0},   // TILE
    {70, 0},   // EXPAND_DIMS
    {74, 0},   // SUM
    {81, 0},   // REDUCE_PROD
    {82, 0},   // REDUCE_MAX
    {83, 0},   // PACK
    {88, 0},   // UNPACK
    {89, 0},   // REDUCE_MIN
    {93, 0},   // ZEROS_LIKE
    {94, 1},   // FILL
    {100, 0},  // MIRROR_PAD
    {102, 0},  // SPLIT_V
    {103, 0},  // UNIQUE
    {105, 0},  // REVERSE_V2
    {107, 0},  // GATHER_ND
    {112, 0},  // REVERSE_SEQUENCE
    {113, 0},  // MATRIX_DIAG
    {115, 0},  // MATRIX_SET_DIAG
    {122, 1},  // SCATTER_ND
    {123, 1},  // SELECT_V2
    {125, 0},  // SEGMENT_SUM
    {128, 0},  // CUMSUM
    {130, 0},  // BROADCAST_TO
    {151, 0},  // DYNAMIC_UPDATE_SLICE
    {153, 0},  // UNSORTED_SEGMENT_PROD
    {154, 0},  // UNSORTED_SEGMENT_MAX
    {155, 0},  // UNSORTED_SEGMENT_SUM
    {157, 0},  // UNSORTED_SEGMENT_MIN
    {163, 0},  // STABLEHLO_ADD
    {165, 0},  // STABLEHLO_MULTIPLY
    {166, 0},  // STABLEHLO_MAXIMUM
    {176, 0},  // STABLEHLO_AND
    {181, 0},  // STABLEHLO_MINIMUM
    {183, 0},  // STABLEHLO_OR
    {201, 0},  // STABLEHLO_GATHER
    {207, 0},  // STABLEHLO_SHIFT_LEFT
});

static_assert(std::ranges::is_sorted(kOneType, {}, &OneType::builtin_code));

}  // namespace

std::optional<OperandCounts> operand_counts(std::int32_t builtin_code) {
  const auto* const found = std::ranges::lower_bound(kCounts, builtin_code, {}, &Entry::builtin_code);
  if (found == kCounts.end() || found->builtin_code != builtin_code) return std::nullopt;
  return found->counts;
}

std::optional<std::size_t> input_of_output_type(std::int32_t builtin_code) {
  const auto* const found = std::ranges::lower_bound(kOneType, builtin_code, {}, &OneType::builtin_code);
  if (found == kOneType.end() || found->builtin_code != builtin_code) return std::nullopt;
  return found->input;
}

}  // namespace zerolite
