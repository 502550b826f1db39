// A libFuzzer target: bytes are taken for a model, verified with "full", compiled, and every signature is run. More in
// docs/reliability.md.
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <new>
#include <optional>
#include <random>
#include <span>
#include <string_view>
#include <vector>

#include "model_mutator.hpp"
#include "zerolite/compilation/load_model.hpp"
#include "zerolite/inference/compiled_model.hpp"
#include "zerolite/model/model.hpp"
#include "zerolite/model/model_bytes.hpp"
#include "zerolite/platform/error.hpp"
#include "zerolite/runtime/runtime_library.hpp"
#include "zerolite/tensor/string_tensor.hpp"

// libFuzzer's own changes, made to the beginning of a memory of `capacity` bytes.
// NOLINTNEXTLINE(readability-identifier-naming): libFuzzer's name for it
extern "C" std::size_t LLVMFuzzerMutate(std::uint8_t* data, std::size_t size, std::size_t capacity);

namespace zerolite::fuzz {
namespace {

// A model may declare any amount of memory, which is no fault: what declares more than this is verified and not run.
constexpr std::size_t kMostMemory = std::size_t{32} << 20;

bool is_small(const ModelInterface& model) {
  std::size_t total = 0;
  for (const SubgraphDescription& subgraph : model.subgraphs) {
    for (const TensorDescription& tensor : subgraph.tensors) {
      // Strings take a few bytes each.
      const ElementType type = tensor.type == ElementType::string ? ElementType::int64 : tensor.type;
      total += byte_size(type, tensor.shape).value_or(0);
      if (total > kMostMemory) return false;
    }
  }
  return true;
}

void fill(SignatureRunner& runner, std::size_t input, std::uint8_t seed) {
  const TensorBinding& binding = runner.binding(Side::input, input);
  if (binding.type() == ElementType::string) {
    const std::size_t count = byte_size(ElementType::int8, binding.shape()).value_or(0);
    if (count > kMostMemory / sizeof(std::int64_t)) throw Error("more strings than are tried");
    const std::vector<std::string_view> strings(count, seed == 0 ? "" : "text");
    runner.set_strings(input, string_tensor::encode(strings));
    return;
  }
  if (binding.type() == ElementType::float32) {
    std::minstd_rand random(seed);
    const auto fraction = [&] { return static_cast<float>(random() % 64) / 16.0F - 2.0F; };
    const std::span<float> values(reinterpret_cast<float*>(binding.data()), binding.size() / sizeof(float));
    std::ranges::generate(values, [&] { return seed == 0 ? 0.0F : fraction(); });
    return;
  }
  // Small numbers in the first byte of every 8: valid as indices and sizes of any width.
  std::ranges::fill(binding.bytes(), std::byte{0});
  for (std::size_t i = 0; i < binding.size(); i += sizeof(std::int64_t)) {
    binding.bytes()[i] = static_cast<std::byte>((i / sizeof(std::int64_t) + seed) % 3);
  }
}

void load_and_run(std::span<const std::uint8_t> bytes) {
  const auto model = load_model(ModelBytes::copy(std::as_bytes(bytes), "model"), Verification::full);
  if (!is_small(model->interface())) return;
  CompiledModel compiled(model, {});
  compiled.prepare();
  for (std::size_t i = 0; i < model->interface().signatures.size(); ++i) {
    for (std::uint8_t seed = 0; seed < 2; ++seed) {
      SignatureRunner& runner = compiled.signature(i);
      for (std::size_t input = 0; input < runner.count(Side::input); ++input) fill(runner, input, seed);
      runner.run();
    }
  }
}

}  // namespace
}  // namespace zerolite::fuzz

// NOLINTBEGIN(readability-identifier-naming): libFuzzer's names

extern "C" int LLVMFuzzerInitialize(int* /*count*/, char*** /*arguments*/) {
  // An exception ends the fuzzer, with its message.
  zerolite::RuntimeLibrary::open(ZEROLITE_FUZZ_RUNTIME);
  return 0;
}

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  try {
    zerolite::fuzz::load_and_run({data, size});
  } catch (const zerolite::Error&) {
    return 0;  // refused, which is what has to happen to most
  } catch (const std::bad_alloc&) {
    return 0;  // it asked for more than there is
  }
  return 0;
}

extern "C" std::size_t LLVMFuzzerCustomMutator(std::uint8_t* data, std::size_t size, std::size_t capacity,
                                               unsigned int seed) {
  zerolite::fuzz::ModelMutator mutator(seed);
  // libFuzzer's own changes follow what the checks compare with; two of three are made by those who know the format.
  const std::size_t mutated = seed % 3 == 0 ? 0 : mutator.mutate({data, capacity}, size);
  return mutated == 0 ? LLVMFuzzerMutate(data, size, capacity) : mutated;
}

// NOLINTEND(readability-identifier-naming)
