#include "zerolite/model/model_interface.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cstring>

#include "support/test_models.hpp"
#include "zerolite/platform/error.hpp"

namespace zerolite::tests {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

ModelInterface describe(std::string_view name) { return ModelInterface::parse(*ModelBytes::read(model_path(name))); }

ModelInterface parse(std::span<const std::byte> bytes) {
  return ModelInterface::parse(*ModelBytes::copy(bytes, "the model"));
}

std::vector<std::string> names(const std::vector<NamedTensor>& tensors) {
  std::vector<std::string> names(tensors.size());
  std::ranges::transform(tensors, names.begin(), &NamedTensor::name);
  return names;
}

std::string error_of(std::string_view name) {
  try {
    (void)describe(name);
  } catch (const InvalidModelError& error) {
    return error.what();
  }
  return "";
}

TEST(ModelInterfaceTest, TellsTensorsAndOperators) {
  const ModelInterface model = describe("dense_2layer");
  ASSERT_EQ(model.subgraphs.size(), 1U);
  const SubgraphDescription& main = model.subgraphs.front();
  ASSERT_EQ(main.inputs.size(), 1U);
  const TensorDescription& input = main.tensors[static_cast<std::size_t>(main.inputs.front())];
  EXPECT_EQ(input.type, ElementType::float32);
  EXPECT_THAT(input.shape, ElementsAre(1, 64));
  constexpr std::int32_t kFullyConnected = 9;
  ASSERT_FALSE(main.operators.empty());
  EXPECT_EQ(model.operator_codes[main.operators.front()].builtin_code, kFullyConnected);
}

TEST(ModelInterfaceTest, TellsCustomOperators) {
  const ModelInterface model = describe("detection");
  constexpr std::int32_t kCustom = 32;
  const auto custom = std::ranges::find(model.operator_codes, kCustom, &OperatorCode::builtin_code);
  ASSERT_NE(custom, model.operator_codes.end());
  EXPECT_EQ(custom->custom_code, "TFLite_Detection_PostProcess");
}

TEST(ModelInterfaceTest, TellsVersionsAndCodesThatDoNotFitIntoAByte) {
  EXPECT_EQ(describe("builtin_version_too_new").operator_codes.front().version, 99);
  EXPECT_EQ(describe("unknown_builtin").operator_codes.front().builtin_code, 999);
}

struct TypedModel {
  const char* name;
  ElementType type;
};

class ModelOfType : public testing::TestWithParam<TypedModel> {};

TEST_P(ModelOfType, TellsTheType) {
  const ModelInterface model = describe(GetParam().name);
  const SubgraphDescription& main = model.subgraphs.front();
  EXPECT_EQ(main.tensors[static_cast<std::size_t>(main.inputs.front())].type, GetParam().type);
}

INSTANTIATE_TEST_SUITE_P(
    Types, ModelOfType,
    testing::Values(
        TypedModel{"dense_2layer", ElementType::float32}, TypedModel{"dtype_float16", ElementType::float16},
        TypedModel{"dtype_int32", ElementType::int32}, TypedModel{"dtype_uint8", ElementType::uint8},
        TypedModel{"dtype_int64", ElementType::int64}, TypedModel{"string_passthrough", ElementType::string},
        TypedModel{"dtype_bool", ElementType::boolean}, TypedModel{"dtype_int16", ElementType::int16},
        TypedModel{"dtype_complex64", ElementType::complex64}, TypedModel{"dtype_int8", ElementType::int8},
        TypedModel{"dtype_float64", ElementType::float64}, TypedModel{"dtype_complex128", ElementType::complex128},
        TypedModel{"dtype_uint64", ElementType::uint64}, TypedModel{"dtype_uint32", ElementType::uint32},
        TypedModel{"dtype_uint16", ElementType::uint16}, TypedModel{"dtype_int4_input", ElementType::int4},
        TypedModel{"dtype_bfloat16", ElementType::bfloat16}, TypedModel{"dtype_int2_input", ElementType::int2},
        TypedModel{"dtype_uint4_input", ElementType::uint4},
        TypedModel{"dtype_float8_e4m3fn", ElementType::float8_e4m3fn},
        TypedModel{"dtype_float8_e5m2", ElementType::float8_e5m2}),
    [](const auto& typed) { return std::string(typed.param.name); });

TEST(ModelInterfaceTest, OrdersSignaturesAsTheSubgraphDoes) {
  const ModelInterface model = describe("signature_order_differs");
  ASSERT_EQ(model.signatures.size(), 1U);
  EXPECT_THAT(names(model.signatures.front().inputs), ElementsAre("a", "b"));
  EXPECT_THAT(names(model.signatures.front().outputs), ElementsAre("exponential", "negative"));
}

TEST(ModelInterfaceTest, TellsOneTensorUnderTwoNames) {
  const SignatureDescription signature = describe("same_output_twice").signatures.front();
  EXPECT_THAT(names(signature.outputs), ElementsAre("first", "second"));
  EXPECT_EQ(signature.outputs[0].tensor_index, signature.outputs[1].tensor_index);
}

TEST(ModelInterfaceTest, TellsAnInputThatIsAnOutput) {
  const SignatureDescription signature = describe("passthrough_only").signatures.front();
  EXPECT_THAT(names(signature.inputs), ElementsAre("x"));
  EXPECT_THAT(names(signature.outputs), ElementsAre("same"));
  EXPECT_EQ(signature.inputs.front().tensor_index, signature.outputs.front().tensor_index);
}

TEST(ModelInterfaceTest, AModelWithoutSignaturesHasAPlaceholder) {
  const ModelInterface model = describe("no_signature_two_inputs");
  ASSERT_EQ(model.signatures.size(), 1U);
  const SignatureDescription& signature = model.signatures.front();
  EXPECT_EQ(signature.key, kPlaceholderSignature);
  EXPECT_EQ(signature.subgraph, 0U);
  EXPECT_EQ(signature.inputs.size(), 2U);
  EXPECT_EQ(signature.outputs.size(), 3U);
}

TEST(ModelInterfaceTest, MakesNamesDistinct) {
  const SignatureDescription duplicate = describe("names_duplicate").signatures.front();
  EXPECT_THAT(names(duplicate.inputs), ElementsAre("same", "same_1"));
  EXPECT_THAT(names(duplicate.outputs), ElementsAre("other", "other_1"));
  for (const char* name : {"names_empty", "names_missing"}) {
    const SignatureDescription unnamed = describe(name).signatures.front();
    EXPECT_THAT(names(unnamed.inputs), ElementsAre("input", "input_1")) << name;
    EXPECT_THAT(names(unnamed.outputs), ElementsAre("output", "output_1")) << name;
  }
  const SignatureDescription alike = describe("names_input_and_output_alike").signatures.front();
  EXPECT_THAT(names(alike.inputs), ElementsAre("a", "b"));
  EXPECT_THAT(names(alike.outputs), ElementsAre("a", "b"));
}

TEST(ModelInterfaceTest, KeepsNamesAsTheyAre) {
  const SignatureDescription signature = describe("names_unicode").signatures.front();
  EXPECT_THAT(names(signature.inputs), testing::UnorderedElementsAre("a \"quoted\"\\name", "größe"));
  EXPECT_EQ(describe("names_empty_signature").signatures.front().key, "");
  EXPECT_EQ(describe("names_long").signatures.front().inputs.front().name.size(), 5000U);
}

TEST(ModelInterfaceTest, TheDefaultIsServingDefaultOrTheFirst) {
  const ModelInterface with = describe("multi_signature_with_default");
  EXPECT_EQ(with.signatures[with.default_signature()].key, "serving_default");
  const ModelInterface without = describe("multi_signature");
  EXPECT_EQ(without.default_signature(), 0U);
}

TEST(ModelInterfaceTest, SaysWhatIsWrongAndWhere) {
  EXPECT_THAT(error_of("no_subgraph"), HasSubstr("no subgraph"));
  EXPECT_THAT(error_of("input_out_of_range"), HasSubstr("no tensor of that subgraph"));
  EXPECT_THAT(error_of("opcode_out_of_range"), HasSubstr("no operator code"));
  EXPECT_THAT(error_of("signature_tensor_out_of_range"), HasSubstr("a tensor that does not exist"));
  EXPECT_THAT(error_of("signature_subgraph_out_of_range"), HasSubstr("a subgraph that does not exist"));
  for (const char* name : {"no_subgraph", "input_out_of_range"}) {
    EXPECT_THAT(error_of(name), testing::StartsWith(model_path(name).string())) << name;
  }
}

TEST(ModelInterfaceTest, TellsTheGraphsOfWhatNothingCanRun) {
  const auto graphs_of = [](std::string_view name) {
    return ModelInterface::parse_graphs(ModelBytes::read(model_path(name))->span());
  };
  for (const char* name : {"schema_version", "signature_tensor_out_of_range", "signature_subgraph_out_of_range"}) {
    EXPECT_EQ(graphs_of(name).subgraphs.size(), 1U) << name;
  }
  EXPECT_TRUE(graphs_of("no_subgraph").subgraphs.empty());
  EXPECT_THROW(graphs_of("input_out_of_range"), InvalidModelError);
  const ModelInterface custom = graphs_of("unknown_custom_op");
  EXPECT_TRUE(std::ranges::any_of(custom.operator_codes, &OperatorCode::is_custom));
}

TEST(ModelInterfaceTest, RefusesOtherKindsOfFiles) {
  const std::string text = "#!/bin/sh\necho this is no model\n";
  EXPECT_THROW((void)parse(std::as_bytes(std::span(text))), InvalidModelError);
  EXPECT_THROW((void)parse(std::vector<std::byte>(7)), InvalidModelError);
  EXPECT_THROW((void)parse(std::vector<std::byte>(1000)), InvalidModelError);
  std::vector<std::byte> only_identifier(8);
  std::memcpy(only_identifier.data() + 4, "TFL3", 4);
  EXPECT_THROW((void)parse(only_identifier), InvalidModelError);
}

// A model whose subgraphs are all the same, whose tensors are all the same, with that many dimensions of 1.
std::vector<std::byte> repetitive_model(std::uint32_t subgraphs, std::uint32_t tensors, std::uint32_t dimensions) {
  std::vector<std::byte> bytes;
  const auto put = [&](auto... values) {
    const auto put_one = [&](auto value) {
      const auto* begin = reinterpret_cast<const std::byte*>(&value);
      bytes.insert(bytes.end(), begin, begin + sizeof(value));
    };
    (put_one(values), ...);
  };
  const auto put_table = [&](std::size_t fields) {  // whose only field is the vector that follows
    put(static_cast<std::int32_t>(bytes.size() - fields), std::uint32_t{4});
  };
  const auto put_vector = [&](std::uint32_t count) {  // of the table that follows
    put(count);
    for (std::uint32_t i = 0; i < count; ++i) put((count - i) * std::uint32_t{sizeof(std::uint32_t)});
  };
  using Offset = std::uint16_t;
  put(std::uint32_t{24}, 'T', 'F', 'L', '3');
  put(Offset{10}, Offset{12}, Offset{4}, Offset{0}, Offset{8});  // at 8: a model has its version and its subgraphs
  put(Offset{6}, Offset{8}, Offset{4});                          // at 18: subgraphs and tensors have one vector
  put(std::int32_t{16}, std::uint32_t{3}, std::uint32_t{4});
  put_vector(subgraphs);
  put_table(18);
  put_vector(tensors);
  put_table(18);
  put(dimensions);
  for (std::uint32_t i = 0; i < dimensions; ++i) put(std::int32_t{1});
  return bytes;
}

TEST(ModelInterfaceTest, RefusesToDescribeFarMoreThanThereIs) {
  const ModelInterface small = parse(repetitive_model(2, 3, 4));
  ASSERT_EQ(small.subgraphs.size(), 2U);
  ASSERT_EQ(small.subgraphs.back().tensors.size(), 3U);
  EXPECT_THAT(small.subgraphs.back().tensors.back().shape, ElementsAre(1, 1, 1, 1));
  // A hundred million tensors in 80 kB, and half a gigabyte of dimensions.
  EXPECT_THROW((void)parse(repetitive_model(10'000, 10'000, 0)), InvalidModelError);
  EXPECT_THROW((void)parse(repetitive_model(1, 10'000, 10'000)), InvalidModelError);
}

TEST(ModelInterfaceTest, TakesAsMuchAsThereIs) {
  const ModelInterface many = parse(repetitive_model(1, 100'000, 4));
  EXPECT_EQ(many.subgraphs.front().tensors.size(), 100'000U);
  const ModelInterface deep = parse(repetitive_model(1, 1, 100'000));
  EXPECT_EQ(deep.subgraphs.front().tensors.front().shape.size(), 100'000U);
}

// AddressSanitizer and UBSan judge what is read; that it is refused, where it is, is the smaller part.
TEST(ModelInterfaceTest, ReadsNothingOutsideATruncatedFile) {
  for (const char* name : {"dtype_int4_input", "signature_order_differs"}) {
    const std::vector<std::byte> whole = model_content(name);
    for (std::size_t size = 1; size < whole.size(); ++size) {
      try {
        (void)parse(std::span(whole).first(size));
      } catch (const InvalidModelError&) {
        continue;
      }
    }
  }
}

TEST(ModelInterfaceTest, ReadsNothingOutsideWhateverAByteSays) {
  const std::vector<std::byte> original = model_content("signature_order_differs");
  for (std::size_t position = 0; position < original.size(); ++position) {
    for (const unsigned value : {0x00U, 0x01U, 0x04U, 0x7FU, 0x80U, 0xFEU, 0xFFU}) {
      std::vector<std::byte> bytes = original;
      bytes[position] = static_cast<std::byte>(value);
      try {
        (void)parse(bytes);
      } catch (const InvalidModelError&) {
        continue;
      }
    }
  }
}

}  // namespace
}  // namespace zerolite::tests
