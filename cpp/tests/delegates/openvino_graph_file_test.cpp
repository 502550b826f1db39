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
#include "zerolite/model/model_interface.hpp"
#include "zerolite/platform/error.hpp"

namespace zerolite::openvino {
namespace {

void expect_only(const std::vector<std::byte>& copy, const ModelInterface& original, std::size_t subgraph) {
  const ModelInterface found = ModelInterface::parse_graphs(copy);
  ASSERT_EQ(found.subgraphs.size(), 1U);
  const SubgraphDescription& expected = original.subgraphs[subgraph];
  EXPECT_EQ(found.subgraphs[0].operators, expected.operators);
  EXPECT_EQ(found.subgraphs[0].inputs, expected.inputs);
  EXPECT_EQ(found.subgraphs[0].outputs, expected.outputs);
  ASSERT_EQ(found.subgraphs[0].tensors.size(), expected.tensors.size());
  for (std::size_t i = 0; i < expected.tensors.size(); ++i) {
    EXPECT_EQ(found.subgraphs[0].tensors[i].name, name_of_tensor(static_cast<std::int32_t>(i)));
    EXPECT_EQ(found.subgraphs[0].tensors[i].shape, expected.tensors[i].shape);
  }
}

TEST(GraphFile, HasOneSubgraphWithTensorsCalledByTheirIndices) {
  for (const char* name : {"multi_signature", "names_duplicate", "names_empty", "dense_2layer"}) {
    const auto bytes = ModelBytes::read(tests::model_path(name));
    const ModelInterface original = ModelInterface::parse(*bytes);
    for (std::size_t i = 0; i < original.subgraphs.size(); ++i) {
      expect_only(single_subgraph(bytes->span(), i), original, i);
    }
  }
}

TEST(GraphFile, RefusesTensorsWithoutNames) {
  const auto bytes = ModelBytes::read(tests::model_path("names_missing"));
  EXPECT_THROW((void)single_subgraph(bytes->span(), 0), DelegateError);
}

TEST(GraphFile, FollowsNoOffsetOutOfTheFile) {
  const auto bytes = ModelBytes::read(tests::model_path("dense_2layer"));
  for (std::size_t size = 0; size < bytes->span().size(); size += 7) {
    try {
      (void)single_subgraph(bytes->span().first(size), 0);
    } catch (const Error&) {
      continue;
    }
  }
}

TEST(GraphFile, HasAPathWhileItLives) {
  const auto bytes = ModelBytes::read(tests::model_path("dense_2layer"));
  std::string path;
  {
    const GraphFile file(bytes->span(), 0);
    path = file.path();
    EXPECT_TRUE(path.ends_with(".tflite"));
    std::ifstream stream(path, std::ios::binary);
    const std::vector<char> content{std::istreambuf_iterator<char>(stream), std::istreambuf_iterator<char>()};
    const std::span<const std::byte> read = std::as_bytes(std::span(content));
    EXPECT_EQ(std::vector<std::byte>(read.begin(), read.end()), single_subgraph(bytes->span(), 0));
  }
  EXPECT_FALSE(std::filesystem::exists(std::filesystem::path(path).parent_path()));
}

}  // namespace
}  // namespace zerolite::openvino
