#include "support/tensor_access.hpp"

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <cstring>
#include <random>

#include "zerolite/tensor/string_tensor.hpp"

namespace zerolite::tests {
namespace {

template <typename Element>
void fill_reals(std::span<std::byte> bytes, std::minstd_rand& random) {
  const std::span<Element> elements{reinterpret_cast<Element*>(bytes.data()), bytes.size() / sizeof(Element)};
  std::uniform_real_distribution<Element> distribution(-1, 1);
  std::ranges::generate(elements, [&] { return distribution(random); });
}

template <typename Element>
void fill_integers(std::span<std::byte> bytes, std::minstd_rand& random, int least, int most) {
  std::uniform_int_distribution<int> distribution(least, most);
  const std::span<Element> elements{reinterpret_cast<Element*>(bytes.data()), bytes.size() / sizeof(Element)};
  std::ranges::generate(elements, [&] { return static_cast<Element>(distribution(random)); });
}

void fill(SignatureRunner& runner, std::size_t input, std::minstd_rand& random) {
  const TensorBinding& binding = runner.binding(Side::input, input);
  const std::span<std::byte> bytes = binding.bytes();
  switch (binding.type()) {
    case ElementType::float32:
    case ElementType::complex64:
      return fill_reals<float>(bytes, random);
    case ElementType::float64:
    case ElementType::complex128:
      return fill_reals<double>(bytes, random);
    case ElementType::int64:
    case ElementType::uint64:
      return fill_integers<std::int64_t>(bytes, random, 1, 3);
    case ElementType::int32:
    case ElementType::uint32:
      return fill_integers<std::int32_t>(bytes, random, 1, 3);
    case ElementType::boolean:
      return fill_integers<std::uint8_t>(bytes, random, 0, 1);
    case ElementType::int8:
      return fill_integers<std::int8_t>(bytes, random, -100, 100);
    case ElementType::float16:
    case ElementType::bfloat16:
      return fill_integers<std::uint16_t>(bytes, random, 0x3800, 0x3C00);
    case ElementType::string: {
      std::size_t count = 1;
      for (const std::int32_t dimension : binding.shape()) count *= static_cast<std::size_t>(dimension);
      std::vector<std::string> texts(count);
      std::ranges::generate(texts, [&] { return std::string(random() % 40, static_cast<char>('a' + random() % 26)); });
      return set_strings(runner, input, {texts.begin(), texts.end()});
    }
    default:
      return fill_integers<std::uint8_t>(bytes, random, 0, 100);
  }
}

}  // namespace

void fill_inputs(SignatureRunner& runner, unsigned round) {
  // The same on every machine and in every run.
  std::minstd_rand random(round + 1);
  for (std::size_t i = 0; i < runner.count(Side::input); ++i) fill(runner, i, random);
}

void set_strings(SignatureRunner& runner, std::size_t input, const std::vector<std::string_view>& strings) {
  runner.set_strings(input, string_tensor::encode(strings));
}

std::vector<std::string> output_strings(SignatureRunner& runner, std::size_t index) {
  const std::vector<std::string_view> views = string_tensor::decode(runner.binding(Side::output, index).bytes());
  return {views.begin(), views.end()};
}

Result result_of(SignatureRunner& runner) {
  Result result;
  for (std::size_t i = 0; i < runner.count(Side::output); ++i) {
    const TensorBinding& binding = runner.binding(Side::output, i);
    result.shapes.push_back(binding.shape());
    if (binding.type() == ElementType::string) {
      result.strings.push_back(output_strings(runner, i));
    } else {
      result.bytes.emplace_back(binding.bytes().begin(), binding.bytes().end());
    }
  }
  return result;
}

std::size_t position_of(const SignatureRunner& runner, Side side, std::string_view name) {
  const auto& tensors = side == Side::input ? runner.description().inputs : runner.description().outputs;
  return static_cast<std::size_t>(std::ranges::find(tensors, name, &NamedTensor::name) - tensors.begin());
}

std::vector<float> run_with(SignatureRunner& runner, unsigned round) {
  fill_inputs(runner, round);
  runner.run();
  return output<float>(runner);
}

}  // namespace zerolite::tests
