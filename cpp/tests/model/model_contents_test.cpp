#include "zerolite/model/model_contents.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <string_view>

#include "support/test_models.hpp"
#include "zerolite/platform/error.hpp"

namespace zerolite::tests {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;
using testing::SizeIs;

// Details point into the model's bytes.
struct Read {
  explicit Read(std::string_view name) : model(read_model(name)), details(ModelContents::read(model->bytes().span())) {}

  std::shared_ptr<const Model> model;
  ModelContents details;
};

TEST(ModelContentsTest, CoverEveryTensorAndOperator) {
  for (const std::string_view name : {"dense_2layer", "while_loop", "multi_signature", "lstm"}) {
    const Read read(name);
    const ModelInterface& description = read.model->interface();
    ASSERT_EQ(read.details.subgraphs.size(), description.subgraphs.size()) << name;
    for (std::size_t i = 0; i < description.subgraphs.size(); ++i) {
      EXPECT_EQ(read.details.subgraphs[i].tensors.size(), description.subgraphs[i].tensors.size()) << name;
      ASSERT_EQ(read.details.subgraphs[i].operators.size(), description.subgraphs[i].operators.size()) << name;
      for (std::size_t j = 0; j < description.subgraphs[i].operators.size(); ++j) {
        EXPECT_EQ(read.details.subgraphs[i].operators[j].code, description.subgraphs[i].operators[j]) << name;
      }
    }
  }
}

TEST(ModelContentsTest, TellConstantsFromWhatARunComputes) {
  const Read read("dense_2layer");
  const SubgraphDescription& description = read.model->interface().subgraphs.front();
  const SubgraphDetails& details = read.details.subgraphs.front();
  std::size_t constants = 0;
  for (std::size_t i = 0; i < details.tensors.size(); ++i) {
    if (details.tensors[i].constant.empty()) continue;
    ++constants;
    EXPECT_EQ(details.tensors[i].constant.size(), byte_size(description.tensors[i].type, description.tensors[i].shape));
  }
  EXPECT_EQ(constants, 4U);  // two layers' weights and biases
  const auto input = static_cast<std::size_t>(description.inputs.front());
  EXPECT_TRUE(details.tensors[input].constant.empty());
  EXPECT_THAT(details.tensors[input].shape_signature, ElementsAre(-1, 64));
}

TEST(ModelContentsTest, TellQuantizationByTensorAndByChannel) {
  const Read whole("quantized_add_int8");
  const auto input = static_cast<std::size_t>(whole.model->interface().subgraphs.front().inputs.front());
  EXPECT_THAT(whole.details.subgraphs.front().tensors[input].scales, SizeIs(1));
  EXPECT_THAT(whole.details.subgraphs.front().tensors[input].zero_points, SizeIs(1));

  const Read channels("per_channel_input");
  const SubgraphDescription& description = channels.model->interface().subgraphs.front();
  const auto index = static_cast<std::size_t>(description.inputs.front());
  const TensorDetails& tensor = channels.details.subgraphs.front().tensors[index];
  const auto axis = static_cast<std::size_t>(tensor.quantized_dimension);
  EXPECT_EQ(tensor.scales.size(), static_cast<std::size_t>(description.tensors[index].shape[axis]));
  EXPECT_EQ(tensor.zero_points.size(), tensor.scales.size());
}

TEST(ModelContentsTest, TellHowSparseWeightsAreStored) {
  const Read read("sparse_weights");
  std::size_t sparse = 0;
  for (const TensorDetails& tensor : read.details.subgraphs.front().tensors) {
    if (!tensor.sparsity) continue;
    ++sparse;
    EXPECT_GE(tensor.sparsity->dimensions.size(), 2U);
    EXPECT_EQ(tensor.sparsity->traversal_order.size(), tensor.sparsity->dimensions.size());
    bool compressed = false;
    for (const DimensionMetadata& dimension : tensor.sparsity->dimensions) {
      compressed = compressed || dimension.sparse;
      if (dimension.sparse) {
        EXPECT_FALSE(dimension.segments.empty());
        EXPECT_EQ(dimension.indices.size(), static_cast<std::size_t>(dimension.segments.back()));
      } else {
        EXPECT_GT(dimension.dense_size, 0);
      }
    }
    EXPECT_TRUE(compressed);
  }
  EXPECT_EQ(sparse, 1U);
}

TEST(ModelContentsTest, KeepTheNamesOfSignaturesAsTheyAre) {
  const Read read("multi_signature");
  ASSERT_EQ(read.details.signatures.size(), read.model->interface().signatures.size());
  for (std::size_t i = 0; i < read.details.signatures.size(); ++i) {
    const SignatureDescription& description = read.model->interface().signatures[i];
    EXPECT_EQ(read.details.signatures[i].key, description.key);
    EXPECT_EQ(read.details.signatures[i].subgraph, description.subgraph);
    for (const NamedTensor& input : description.inputs) {
      EXPECT_EQ(read.details.signatures[i].inputs.at(input.name), input.tensor_index);
    }
  }
  EXPECT_THAT(Read("no_signature").details.signatures, IsEmpty());
}

TEST(ModelContentsTest, TellWhatTheConverterWrote) {
  const Read read("small_cnn_int8");
  EXPECT_EQ(read.details.description, "MLIR Converted.");
  EXPECT_EQ(read.details.schema_version, 3U);
  const auto oldest = std::ranges::find(read.details.metadata, "min_runtime_version", &MetadataEntry::name);
  ASSERT_NE(oldest, read.details.metadata.end());
  const std::string_view version(reinterpret_cast<const char*>(oldest->content.data()), oldest->content.size());
  EXPECT_EQ(version.substr(0, version.find('\0')), "1.14.0");
}

TEST(ModelContentsTest, TellScalarsFromTensorsOfUnknownRank) {
  const Read scalars("rank_0");
  EXPECT_TRUE(std::ranges::all_of(scalars.details.subgraphs.front().tensors, &TensorDetails::has_rank));
  const std::shared_ptr<ModelBytes> unknown =
      ModelBytes::read(model_path("../mutations/crashers/log_softmax_of_a_scalar"));
  EXPECT_FALSE(
      std::ranges::all_of(ModelContents::read(unknown->span()).subgraphs.front().tensors, &TensorDetails::has_rank));
}

TEST(ModelContentsTest, RefuseABufferThatIsNotThere) {
  const std::shared_ptr<ModelBytes> bytes = ModelBytes::read(model_path("buffer_out_of_range"));
  EXPECT_THAT([&] { ModelContents::read(bytes->span()); },
              testing::ThrowsMessage<InvalidModelError>(testing::HasSubstr("tensor 'x' refers to a buffer")));
}

}  // namespace
}  // namespace zerolite::tests
