#include "zerolite/cache/weight_cache.hpp"

#include <gtest/gtest.h>

#include <fstream>
#include <iterator>

#include "support/temporary_directory.hpp"
#include "support/tensor_access.hpp"
#include "support/test_models.hpp"
#include "zerolite/platform/error.hpp"

namespace zerolite::tests {
namespace {

class WeightCacheTest : public testing::Test {
 protected:
  [[nodiscard]] CompileOptions options() const {
    CompileOptions options;
    options.weight_cache_file = path().string();
    return options;
  }
  [[nodiscard]] std::filesystem::path path() const { return directory_.path() / "weights"; }
  [[nodiscard]] bool is_found_for(const char* model) const {
    return WeightCache(path().string(), *read_model(model)).was_found();
  }
  [[nodiscard]] std::string content() const {
    std::ifstream file(path(), std::ios::binary);
    return {std::istreambuf_iterator<char>(file), {}};
  }
  void write(const std::string& content) const { std::ofstream(path(), std::ios::binary) << content; }

 private:
  TemporaryDirectory directory_;
};

TEST_F(WeightCacheTest, IsStoredOnceAndFoundForTheSameModelAlone) {
  EXPECT_FALSE(is_found_for("small_cnn"));
  compile("small_cnn", options())->prepare();
  EXPECT_TRUE(is_found_for("small_cnn"));
  EXPECT_FALSE(is_found_for("dense_2layer"));
  const std::string before = content();
  compile("small_cnn", options())->prepare();
  EXPECT_EQ(content(), before);
  EXPECT_EQ(std::distance(std::filesystem::directory_iterator(path().parent_path()), {}), 1);
}

TEST_F(WeightCacheTest, AnyDamageIsNoticedAndMended) {
  compile("dense_2layer", options())->prepare();
  const std::string sound = content();
  for (std::size_t position = 0; position < sound.size(); position += sound.size() / 50) {
    std::string damaged = sound;
    damaged[position] = static_cast<char>(damaged[position] + 1);
    write(damaged);
    EXPECT_FALSE(is_found_for("dense_2layer")) << position;
  }
  for (const std::string& other :
       {std::string(), sound.substr(0, 100), sound.substr(0, sound.size() - 1), sound + "x"}) {
    write(other);
    EXPECT_FALSE(is_found_for("dense_2layer")) << other.size();
  }
  compile("dense_2layer", options())->prepare();
  EXPECT_EQ(content(), sound);
}

TEST_F(WeightCacheTest, ResultsAreThoseWithoutIt) {
  const std::unique_ptr<CompiledModel> plain = compile("small_cnn");
  for (int i = 0; i < 2; ++i) {
    const std::unique_ptr<CompiledModel> cached = compile("small_cnn", options());
    cached->prepare();
    for (CompiledModel* model : {plain.get(), cached.get()}) {
      std::ranges::fill(values<float>(model->signature(0), Side::input, 0), 0.25F);
      model->signature(0).run();
    }
    EXPECT_EQ(output<float>(cached->signature(0)), output<float>(plain->signature(0)));
  }
}

TEST_F(WeightCacheTest, RefusesWhatIsNoFile) {
  CompileOptions strange = options();
  for (const std::string& name :
       {path().parent_path().string(), std::string("/dev/null"), path().string() + "/below/it"}) {
    write("something");
    strange.weight_cache_file = name;
    EXPECT_THROW((void)compile("dense_2layer", strange), FileError) << name;
  }
  strange = options();
  strange.kernels = CpuKernels::builtin;
  EXPECT_THROW((void)compile("dense_2layer", strange), ValueError);
}

}  // namespace
}  // namespace zerolite::tests
