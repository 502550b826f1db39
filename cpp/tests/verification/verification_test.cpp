#include "zerolite/verification/verification.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <array>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "support/test_models.hpp"
#include "zerolite/compilation/load_model.hpp"
#include "zerolite/platform/error.hpp"
#include "zerolite/verification/flexbuffer_check.hpp"
#include "zerolite/verification/sparsity_check.hpp"

namespace zerolite::tests {
namespace {

using testing::HasSubstr;
using testing::Optional;

// A block-sparse matrix of 4 x 4 with blocks of 2 x 2, of which the first row of blocks has one and the second has two.
Sparsity blocks() {
  Sparsity sparsity;
  sparsity.traversal_order = {0, 1, 2, 3};
  sparsity.block_map = {{0, 1}};
  sparsity.dimensions = {{false, 2, {}, {}}, {true, 0, {0, 1, 3}, {1, 0, 1}}, {false, 2, {}, {}}, {false, 2, {}, {}}};
  return sparsity;
}

constexpr std::array<std::int32_t, 2> kShape{4, 4};

TEST(SparsityCheckTest, CountsWhatIsStored) { EXPECT_EQ(count_stored_values(blocks(), kShape, ""), 12U); }

TEST(SparsityCheckTest, RefusesListsThatLeadAstray) {
  const auto refused = [](void (*change)(Sparsity&)) {
    Sparsity sparsity = blocks();
    change(sparsity);
    EXPECT_THROW((void)count_stored_values(sparsity, kShape, ""), InvalidModelError);
  };
  refused([](Sparsity& sparsity) { sparsity.traversal_order = {0, 0, 2, 3}; });
  refused([](Sparsity& sparsity) { sparsity.traversal_order = {0, 2, 1, 3}; });
  refused([](Sparsity& sparsity) { sparsity.traversal_order = {0, 1, 2}; });
  refused([](Sparsity& sparsity) { sparsity.traversal_order = {0, -1, 2, 3}; });
  refused([](Sparsity& sparsity) { sparsity.block_map = {{1, 0}}; });
  refused([](Sparsity& sparsity) { sparsity.block_map = {{0, 2}}; });
  refused([](Sparsity& sparsity) { sparsity.dimensions[0].dense_size = 3; });
  refused([](Sparsity& sparsity) { sparsity.dimensions[2].dense_size = 0; });
  refused([](Sparsity& sparsity) { sparsity.dimensions[2].dense_size = 3; });
  refused([](Sparsity& sparsity) { sparsity.dimensions[1].indices[2] = 2; });
  refused([](Sparsity& sparsity) { sparsity.dimensions[1].indices[2] = -1; });
  refused([](Sparsity& sparsity) { sparsity.dimensions[1].segments = {0, 1, 4}; });
  refused([](Sparsity& sparsity) { sparsity.dimensions[1].segments = {0, 4, 3}; });
  refused([](Sparsity& sparsity) { sparsity.dimensions[1].segments = {0, 3}; });
  refused([](Sparsity& sparsity) { sparsity.dimensions[1].segments = {}; });
}

std::vector<std::byte> bytes_of(std::initializer_list<int> values) {
  std::vector<std::byte> bytes;
  for (const int value : values) bytes.push_back(static_cast<std::byte>(value));
  return bytes;
}

// {"a": 7}: the name, a vector of names, and a map that refers to it.
std::vector<std::byte> map_of_one() { return bytes_of({'a', 0, 1, 3, 1, 1, 1, 7, 4, 2, 0x24, 1}); }

TEST(FlexBufferCheckTest, TakesAMapOfNumbers) { EXPECT_EQ(flexbuffer::unsound_settings(map_of_one()), std::nullopt); }

TEST(FlexBufferCheckTest, ReadsIntegers) {
  EXPECT_THAT(flexbuffer::integer_setting(map_of_one(), "a"), Optional(7));
  EXPECT_EQ(flexbuffer::integer_setting(map_of_one(), "b"), std::nullopt);
  std::vector<std::byte> negative = map_of_one();
  negative[7] = std::byte{0xFE};
  EXPECT_THAT(flexbuffer::integer_setting(negative, "a"), Optional(-2));
}

TEST(FlexBufferCheckTest, NeverReadsOutside) {
  const std::vector<std::byte> sound = map_of_one();
  for (std::size_t size = 0; size < sound.size(); ++size) {
    (void)flexbuffer::unsound_settings(std::span(sound).first(size));
  }
  int refused = 0;
  for (std::size_t position = 0; position < sound.size(); ++position) {
    for (int value = 0; value < 256; ++value) {
      std::vector<std::byte> changed = sound;
      changed[position] = static_cast<std::byte>(value);
      refused += flexbuffer::unsound_settings(changed) ? 1 : 0;
    }
  }
  EXPECT_GT(refused, 1000);
}

TEST(FlexBufferCheckTest, SaysWhatIsWrong) {
  EXPECT_THAT(flexbuffer::unsound_settings(bytes_of({7, 4, 1})), Optional(HasSubstr("its root is no map")));
  EXPECT_THAT(flexbuffer::unsound_settings({}), Optional(HasSubstr("outside")));
}

// Under the sanitizers: whatever a byte is changed to, the checks stay within the file.
TEST(VerificationTest, NeverReadsOutsideAChangedFile) {
  for (const std::string_view name : {"sparse_weights", "hashtable_to_string", "quantized_add_int8", "while_loop"}) {
    const std::shared_ptr<ModelBytes> whole = ModelBytes::read(model_path(name));
    std::vector<std::byte> content(whole->span().begin(), whole->span().end());
    for (std::size_t position = 0; position < content.size(); position += 3) {
      const std::byte original = content[position];
      for (const int value : {0x00, 0x01, 0x7F, 0x80, 0xFF}) {
        content[position] = static_cast<std::byte>(value);
        try {
          const std::shared_ptr<ModelBytes> changed = ModelBytes::copy(content, "the model");
          verify(*changed, ModelInterface::parse(*changed), Verification::full);
        } catch (const InvalidModelError&) {
          continue;  // which is as good
        }
      }
      content[position] = original;
    }
  }
}

std::string refusal_of(const std::filesystem::path& path) {
  try {
    (void)load_model(ModelBytes::read(path), Verification::full);
  } catch (const InvalidModelError& error) {
    return error.what();
  }
  return "none";
}

TEST(VerificationTest, RefusesWhatTheFuzzerFound) {
  const std::filesystem::path folder = std::filesystem::path(ZEROLITE_TEST_MODELS) / "../mutations/crashers";
  const auto refusal = [&](const char* name) { return refusal_of(folder / (std::string(name) + ".tflite")); };
  EXPECT_THAT(refusal("empty_image"), HasSubstr("(RESIZE_BILINEAR) reads the values of input 0, its tensor "
                                                "'serving_default_image:0', which is empty"));
  EXPECT_THAT(refusal("zero_point_without_scale"), HasSubstr("has 0 scales and 1 zero points"));
  EXPECT_THAT(refusal("detections_overflow"), HasSubstr("has 983040 for its setting max_classes_per_detection"));
  EXPECT_THAT(refusal("detections_times_classes_overflow"),
              HasSubstr("has 100663297 for its setting max_classes_per_detection, and 1 to 32768 is expected"));
  EXPECT_THAT(refusal("detection_named_with_null_bytes"), HasSubstr("(TFLite_Detection_PostProcess) has"));
  EXPECT_THAT(refusal("constant_longer_than_its_shape"),
              HasSubstr("(EXPAND_DIMS) has the constant its tensor 'tensor_0' of 0 bytes by its shape, and its buffer "
                        "holds 4"));
  EXPECT_THAT(refusal("recurrent_result_as_int8"), HasSubstr("(RNN) has an input of float32 and an output of int8"));
  EXPECT_THAT(refusal("hashes_as_int8"), HasSubstr("of the type int8 as output 0, and int32 is expected"));
  EXPECT_THAT(refusal("dilation_by_no_value"), HasSubstr("(DILATE) reads the values of input 2"));
  EXPECT_THAT(refusal("variable_read_beyond_its_least"),
              HasSubstr("(READ_VARIABLE) reads 262140 bytes from variable '', which holds 12"));
  // What only a resize or a run shows.
  const std::set<std::string> shown_later = {"assignment_of_variables_alone", "branch_that_no_resize_fits",
                                             "broadcast_division_by_zero",    "broadcast_in_a_composite",
                                             "eleven_dimensions_for_xnnpack", "place_outside_of_a_sparse_lookup"};
  for (const auto& entry : std::filesystem::directory_iterator(folder)) {
    const std::string name = entry.path().stem().string();
    EXPECT_EQ(refusal_of(entry.path()) == "none", shown_later.contains(name)) << name;
  }
}

TEST(VerificationTest, NamesTheFile) {
  try {
    (void)load_model(ModelBytes::read(model_path("short_constant")));
    FAIL();
  } catch (const InvalidModelError& error) {
    EXPECT_THAT(error.what(), HasSubstr("short_constant.tflite is not a sound TensorFlow Lite model: its tensor "
                                        "'constant' takes 32 bytes, and its buffer holds 20"));
  }
}

}  // namespace
}  // namespace zerolite::tests
