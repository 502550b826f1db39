#include "zerolite/delegates/openvino/graph_file.hpp"

#include <gtest/gtest.h>

#include <cstddef>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <span>
#include <string>
#include <vector>

#include "support/test_models.hpp"
#include "zerolite/model/model_bytes.hpp"
#include "zerolite/model/submodel.hpp"

namespace zerolite::openvino {
namespace {

TEST(GraphFile, HasAPathWhileItLives) {
  const auto bytes = ModelBytes::read(tests::model_path("dense_2layer"));
  const GraphPart part{.subgraph = 0, .operators = {0, 1}, .inputs = {0}, .outputs = {}};
  std::vector<std::byte> expected = front_of_submodel(bytes->span(), part);
  expected.insert(expected.end(), bytes->span().begin(), bytes->span().end());
  std::string path;
  {
    const GraphFile file(bytes->span(), part);
    path = file.path();
    EXPECT_TRUE(path.ends_with(".tflite"));
    std::ifstream stream(path, std::ios::binary);
    const std::vector<char> content{std::istreambuf_iterator<char>(stream), std::istreambuf_iterator<char>()};
    const std::span<const std::byte> read = std::as_bytes(std::span(content));
    EXPECT_EQ(std::vector<std::byte>(read.begin(), read.end()), expected);
  }
  EXPECT_FALSE(std::filesystem::exists(std::filesystem::path(path).parent_path()));
}

}  // namespace
}  // namespace zerolite::openvino
