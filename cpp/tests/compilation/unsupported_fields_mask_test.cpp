#include "zerolite/compilation/unsupported_fields_mask.hpp"

#include <gtest/gtest.h>

#include <string>

#include "support/test_models.hpp"
#include "zerolite/model/flatbuffer.hpp"
#include "zerolite/model/schema_fields.hpp"
#include "zerolite/platform/error.hpp"

namespace zerolite::tests {
namespace {

using flatbuffer::Table;
using flatbuffer::Vector;

// What LiteRT's model object refuses, as far as a model's tensors and operators have it.
struct Refused {
  bool variable = false;
  bool complex128 = false;
  bool high_rank = false;
  bool intermediates = false;

  bool operator==(const Refused&) const = default;
};

Refused refused_in(std::span<const std::byte> bytes) {
  Refused found;
  const Table main = Table::root(bytes).tables(schema::model::kSubgraphs).table(0);
  const Vector tensors = main.tables(schema::subgraph::kTensors);
  for (std::size_t i = 0; i < tensors.size(); ++i) {
    const Table tensor = tensors.table(i);
    found.variable |= tensor.scalar<std::uint8_t>(schema::tensor::kIsVariable, 0) != 0;
    found.complex128 |= tensor.scalar<std::int8_t>(schema::tensor::kType, 0) == schema::tensor_type::kComplex128;
    found.high_rank |= tensor.scalars<std::int32_t>(schema::tensor::kShape).size() > 8;
  }
  const Vector operators = main.tables(schema::subgraph::kOperators);
  for (std::size_t i = 0; i < operators.size(); ++i) {
    found.intermediates |= !operators.table(i).scalars<std::int32_t>(schema::operation::kIntermediates).empty();
  }
  return found;
}

struct Case {
  const char* name;
  Refused refused;
};

class MaskedModel : public testing::TestWithParam<Case> {};

TEST_P(MaskedModel, IsMaskedAndRestoredByteForByte) {
  const std::vector<std::byte> original = model_content(GetParam().name);
  ASSERT_EQ(refused_in(original), GetParam().refused);
  std::vector<std::byte> bytes = original;
  {
    const UnsupportedFieldsMask masked(bytes);
    EXPECT_EQ(refused_in(bytes), Refused{});
    EXPECT_NE(bytes, original);
  }
  EXPECT_EQ(bytes, original);
}

TEST_P(MaskedModel, IsLoaded) { EXPECT_NO_THROW((void)compile(GetParam().name)); }

INSTANTIATE_TEST_SUITE_P(Parts, MaskedModel,
                         testing::Values(Case{"svdf", {.variable = true}}, Case{"sequence_lstm", {.variable = true}},
                                         Case{"dtype_complex128", {.complex128 = true}},
                                         Case{"dtype_complex128_parts", {.complex128 = true}},
                                         Case{"rank_9", {.high_rank = true}}),
                         [](const auto& parts) { return std::string(parts.param.name); });

TEST(UnsupportedFieldsMaskTest, LeavesOtherModelsAsTheyAre) {
  const std::vector<std::byte> original = model_content("dense_2layer");
  std::vector<std::byte> bytes = original;
  const UnsupportedFieldsMask masked(bytes);
  EXPECT_EQ(bytes, original);
}

// Whatever the bytes say, nothing outside them is touched (AddressSanitizer watches), and everything is put back.
TEST(UnsupportedFieldsMaskTest, RestoresDamagedModels) {
  for (const char* name : {"svdf", "rank_9"}) {
    const std::vector<std::byte> original = model_content(name);
    for (std::size_t position = 0; position < original.size(); ++position) {
      for (const unsigned value : {0x00U, 0x01U, 0x04U, 0x08U, 0x7FU, 0x80U, 0xFFU}) {
        std::vector<std::byte> damaged = original;
        damaged[position] = static_cast<std::byte>(value);
        std::vector<std::byte> bytes = damaged;
        try {
          const UnsupportedFieldsMask masked(bytes);
        } catch (const InvalidModelError&) {
          EXPECT_EQ(bytes, damaged) << name << ", byte " << position << " is " << value;
          continue;
        }
        ASSERT_EQ(bytes, damaged) << name << ", byte " << position << " is " << value;
      }
    }
  }
}

TEST(UnsupportedFieldsMaskTest, RestoresTruncatedModels) {
  const std::vector<std::byte> original = model_content("svdf");
  for (std::size_t size = 0; size < original.size(); ++size) {
    const std::vector<std::byte> part(original.begin(), original.begin() + static_cast<std::ptrdiff_t>(size));
    std::vector<std::byte> bytes = part;
    try {
      const UnsupportedFieldsMask masked(bytes);
    } catch (const InvalidModelError&) {
      EXPECT_EQ(bytes, part) << size;
      continue;
    }
    EXPECT_EQ(bytes, part) << size;
  }
}

}  // namespace
}  // namespace zerolite::tests
