#include "zerolite/model/model.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "support/test_models.hpp"
#include "zerolite/compilation/load_model.hpp"
#include "zerolite/platform/error.hpp"

namespace zerolite::tests {
namespace {

TEST(ModelTest, KnowsItsFile) {
  const std::shared_ptr<const Model> model = read_model("dense_2layer");
  EXPECT_EQ(model->name(), model_path("dense_2layer").string());
  EXPECT_EQ(model->size(), std::filesystem::file_size(model_path("dense_2layer")));
  EXPECT_NE(model->handle(), nullptr);
}

TEST(ModelTest, RefusesEveryTruncation) {
  for (const char* name : {"signature_order_differs", "rank_9"}) {
    const std::vector<std::byte> whole = model_content(name);
    for (std::size_t size = 1; size < whole.size(); ++size) {
      EXPECT_THROW(load_model(ModelBytes::copy(std::span(whole).first(size), "the model")), InvalidModelError)
          << name << ", " << size;
    }
  }
}

TEST(ModelTest, NamesTheFileThatIsNoModel) {
  const std::vector<std::byte> zeros(100);
  try {
    (void)load_model(ModelBytes::copy(zeros, "zeros.tflite"));
    FAIL() << "it was taken";
  } catch (const InvalidModelError& error) {
    EXPECT_THAT(error.what(), testing::StartsWith("zeros.tflite is not a sound TensorFlow Lite model"));
  }
}

TEST(ModelTest, LeavesTheBytesAsTheyWere) {
  // Parts of it are masked while the runtime reads it.
  const std::shared_ptr<ModelBytes> bytes = ModelBytes::read(model_path("svdf"));
  const std::vector<std::byte> before(bytes->span().begin(), bytes->span().end());
  (void)load_model(bytes);
  EXPECT_TRUE(std::ranges::equal(bytes->span(), before));
}

}  // namespace
}  // namespace zerolite::tests
