#include "zerolite/model/submodel.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstdint>
#include <iterator>
#include <map>
#include <memory>
#include <numeric>
#include <set>
#include <span>
#include <string>
#include <vector>

#include "support/tensor_access.hpp"
#include "support/test_models.hpp"
#include "zerolite/compilation/load_model.hpp"
#include "zerolite/model/model_contents.hpp"
#include "zerolite/platform/error.hpp"

namespace zerolite::tests {
namespace {

// The operators from `begin` to `end`, with what they need from outside and what others read of them.
GraphPart part_between(const Model& model, const ModelContents& contents, std::size_t begin, std::size_t end) {
  const std::vector<OperatorDetails>& operators = contents.subgraphs[0].operators;
  GraphPart part;
  std::set<std::int32_t> inputs;
  std::set<std::int32_t> made;
  for (std::size_t i = begin; i < end; ++i) {
    part.operators.push_back(i);
    for (const std::int32_t input : operators[i].inputs) {
      if (input < 0 || made.contains(input)) continue;
      if (contents.subgraphs[0].tensors[static_cast<std::size_t>(input)].constant.empty()) inputs.insert(input);
    }
    made.insert(operators[i].outputs.begin(), operators[i].outputs.end());
  }
  std::set<std::int32_t> read(model.interface().subgraphs[0].outputs.begin(),
                              model.interface().subgraphs[0].outputs.end());
  for (std::size_t i = end; i < operators.size(); ++i)
    read.insert(operators[i].inputs.begin(), operators[i].inputs.end());
  part.inputs.assign(inputs.begin(), inputs.end());
  std::ranges::set_intersection(made, read, std::back_inserter(part.outputs));
  return part;
}

std::unique_ptr<CompiledModel> compile_part(const Model& model, const GraphPart& part) {
  const std::span<const std::byte> bytes = model.bytes().span();
  const auto joined = ModelBytes::join(front_of_submodel(bytes, part), bytes, model.name());
  return std::make_unique<CompiledModel>(load_model(joined, Verification::full), builtin_kernels());
}

using Values = std::map<std::int32_t, std::vector<std::byte>>;

// Runs a part over values of tensors, and adds those that it computes.
void run_part(const Model& model, const GraphPart& part, Values& values) {
  const std::unique_ptr<CompiledModel> compiled = compile_part(model, part);
  SignatureRunner& runner = compiled->signature(0);
  for (const std::int32_t input : part.inputs) {
    const std::size_t position = position_of(runner, Side::input, name_of_tensor(input));
    const std::span<std::byte> bytes = runner.binding(Side::input, position).bytes();
    ASSERT_EQ(bytes.size(), values.at(input).size());
    std::ranges::copy(values.at(input), bytes.begin());
  }
  runner.run();
  for (const std::int32_t output : part.outputs) {
    const std::size_t position = position_of(runner, Side::output, name_of_tensor(output));
    const std::span<std::byte> bytes = runner.binding(Side::output, position).bytes();
    values[output] = {bytes.begin(), bytes.end()};
  }
}

class SubmodelTest : public testing::TestWithParam<const char*> {};

TEST_P(SubmodelTest, PartsComputeWhatTheWholeDoes) {
  const std::shared_ptr<const Model> model = read_model(GetParam());
  const ModelContents contents = ModelContents::read(model->bytes().span());
  const SubgraphDescription& whole = model->interface().subgraphs[0];
  const std::unique_ptr<CompiledModel> compiled = compile(GetParam(), builtin_kernels());
  SignatureRunner& runner = compiled->signature(0);
  fill_inputs(runner, 1);
  runner.run();
  const SignatureDescription& signature = model->interface().signatures[0];
  Values given;
  for (std::size_t i = 0; i < signature.inputs.size(); ++i) {
    const std::span<std::byte> bytes = runner.binding(Side::input, i).bytes();
    given[signature.inputs[i].tensor_index] = {bytes.begin(), bytes.end()};
  }
  const std::size_t count = whole.operators.size();
  for (std::size_t split = 1; split < count; ++split) {
    Values values = given;
    run_part(*model, part_between(*model, contents, 0, split), values);
    run_part(*model, part_between(*model, contents, split, count), values);
    for (std::size_t i = 0; i < signature.outputs.size(); ++i) {
      const std::span<std::byte> bytes = runner.binding(Side::output, i).bytes();
      EXPECT_EQ(values.at(signature.outputs[i].tensor_index), std::vector<std::byte>(bytes.begin(), bytes.end()))
          << "divided before operator " << split;
    }
  }
}

INSTANTIATE_TEST_SUITE_P(Models, SubmodelTest,
                         testing::Values("dense_2layer", "dense_2layer_float16", "dense_2layer_dynamic_range",
                                         "small_cnn_int8", "small_mobilenet", "names_duplicate",
                                         "two_inputs_three_outputs", "int4_weights", "mixed_chain"));

TEST(SubmodelTest, HasOneSubgraphWithTensorsCalledByTheirIndices) {
  for (const char* name : {"multi_signature", "names_duplicate", "names_empty", "names_missing", "dense_2layer"}) {
    const auto bytes = ModelBytes::read(model_path(name));
    const ModelInterface original = ModelInterface::parse(*bytes);
    for (std::size_t subgraph = 0; subgraph < original.subgraphs.size(); ++subgraph) {
      const SubgraphDescription& expected = original.subgraphs[subgraph];
      GraphPart part{.subgraph = subgraph,
                     .operators = std::vector<std::size_t>(expected.operators.size()),
                     .inputs = expected.inputs,
                     .outputs = expected.outputs};
      std::iota(part.operators.begin(), part.operators.end(), std::size_t{0});
      const auto joined = ModelBytes::join(front_of_submodel(bytes->span(), part), bytes->span(), name);
      const ModelInterface found = ModelInterface::parse_graphs(joined->span());
      ASSERT_EQ(found.subgraphs.size(), 1U);
      EXPECT_EQ(found.subgraphs[0].operators, expected.operators);
      EXPECT_EQ(found.subgraphs[0].inputs, expected.inputs);
      EXPECT_EQ(found.subgraphs[0].outputs, expected.outputs);
      ASSERT_EQ(found.subgraphs[0].tensors.size(), expected.tensors.size());
      for (std::size_t i = 0; i < expected.tensors.size(); ++i) {
        if (found.subgraphs[0].tensors[i].name == "unused") continue;
        EXPECT_EQ(found.subgraphs[0].tensors[i].name, name_of_tensor(static_cast<std::int32_t>(i)));
        EXPECT_EQ(found.subgraphs[0].tensors[i].shape, expected.tensors[i].shape);
      }
    }
  }
}

TEST(SubmodelTest, LeavesOutWhatItDoesNotUse) {
  const std::shared_ptr<const Model> model = read_model("delegated_chain");
  const ModelContents contents = ModelContents::read(model->bytes().span());
  const auto bytes = ModelBytes::join(front_of_submodel(model->bytes().span(), part_between(*model, contents, 0, 1)),
                                      model->bytes().span(), "part");
  const ModelInterface found = ModelInterface::parse_graphs(bytes->span());
  ASSERT_EQ(found.subgraphs[0].operators.size(), 1U);
  for (const OperatorCode& code : found.operator_codes) {
    EXPECT_EQ(code.builtin_code, found.operator_codes[found.subgraphs[0].operators[0]].builtin_code);
  }
}

TEST(SubmodelTest, RefusesAPartThatTheModelDoesNotHave) {
  const auto bytes = ModelBytes::read(model_path("dense_2layer"));
  const auto refuses = [&](const GraphPart& part) {
    EXPECT_THROW((void)front_of_submodel(bytes->span(), part), InvalidModelError);
  };
  refuses({.subgraph = 7, .operators = {}, .inputs = {}, .outputs = {}});
  refuses({.subgraph = 0, .operators = {99}, .inputs = {}, .outputs = {}});
  refuses({.subgraph = 0, .operators = {}, .inputs = {99}, .outputs = {}});
}

TEST(SubmodelTest, FollowsNoOffsetOutOfTheFile) {
  const auto bytes = ModelBytes::read(model_path("dense_2layer"));
  const GraphPart part{.subgraph = 0, .operators = {0, 1}, .inputs = {0}, .outputs = {}};
  for (std::size_t size = 0; size < bytes->span().size(); size += 7) {
    try {
      (void)front_of_submodel(bytes->span().first(size), part);
    } catch (const Error&) {
      continue;
    }
  }
}

}  // namespace
}  // namespace zerolite::tests
