// A batch of float items in memory of its own, for signatures of one input and one output.
#pragma once

#include <cstddef>
#include <random>
#include <vector>

#include "support/tensor_access.hpp"
#include "zerolite/inference/batch_runner.hpp"
#include "zerolite/inference/compiled_model.hpp"

namespace zerolite::tests {

struct FloatBatch {
  FloatBatch(std::size_t item_count, std::size_t input_elements, std::size_t output_elements)
      : items(item_count),
        inputs(item_count * input_elements),
        outputs(item_count * output_elements, -1),
        input_size(input_elements),
        output_size(output_elements) {
    // NOLINTNEXTLINE(bugprone-random-generator-seed): the same on every machine and in every run
    std::minstd_rand random(7);
    std::uniform_real_distribution<float> distribution(-1, 1);
    for (float& value : inputs) value = distribution(random);
  }

  [[nodiscard]] Batch batch() {
    Batch batch;
    batch.items = items;
    batch.inputs.push_back(tensor(inputs, input_size));
    batch.outputs.push_back(tensor(outputs, output_size));
    return batch;
  }

  // What running the items one by one gives.
  [[nodiscard]] std::vector<float> expected(CompiledModel& model) const {
    std::vector<float> all;
    SignatureRunner& runner = model.signature(0);
    for (std::size_t i = 0; i < items; ++i) {
      const auto first = inputs.begin() + static_cast<std::ptrdiff_t>(i * input_size);
      std::copy(first, first + static_cast<std::ptrdiff_t>(input_size), values<float>(runner, Side::input, 0).begin());
      runner.run();
      const std::vector<float> result = output<float>(runner);
      all.insert(all.end(), result.begin(), result.end());
    }
    return all;
  }

  std::size_t items;
  std::vector<float> inputs;
  std::vector<float> outputs;
  std::size_t input_size;
  std::size_t output_size;

 private:
  static BatchTensor tensor(std::vector<float>& elements, std::size_t item) {
    const std::size_t bytes = item * sizeof(float);
    return {reinterpret_cast<std::byte*>(elements.data()), bytes, static_cast<std::ptrdiff_t>(bytes), 0};
  }
};

}  // namespace zerolite::tests
