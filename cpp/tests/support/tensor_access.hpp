// The values of a signature's tensors.
#pragma once

#include <cstddef>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "zerolite/execution/signature_runner.hpp"

namespace zerolite::tests {

// A tensor's memory as elements.
template <typename Element>
std::span<Element> values(SignatureRunner& runner, Side side, std::size_t index) {
  const std::span<std::byte> bytes = runner.binding(side, index).bytes();
  return {reinterpret_cast<Element*>(bytes.data()), bytes.size() / sizeof(Element)};
}

template <typename Element>
std::vector<Element> output(SignatureRunner& runner, std::size_t index = 0) {
  const std::span<Element> span = values<Element>(runner, Side::output, index);
  return {span.begin(), span.end()};
}

// Fills every input with values that depend on `round`: real numbers between -1 and 1, and for everything else small
// ones that also do as an index, a divisor or a count.
void fill_inputs(SignatureRunner& runner, unsigned round);

void set_strings(SignatureRunner& runner, std::size_t input, const std::vector<std::string_view>& strings);
std::vector<std::string> output_strings(SignatureRunner& runner, std::size_t index = 0);

// What a run left behind, for comparison: the bytes of every output, with its shape. Of strings, what they say.
struct Result {
  std::vector<std::vector<std::int32_t>> shapes;
  std::vector<std::vector<std::byte>> bytes;
  std::vector<std::vector<std::string>> strings;

  bool operator==(const Result&) const = default;
};

Result result_of(SignatureRunner& runner);

std::size_t position_of(const SignatureRunner& runner, Side side, std::string_view name);
// Runs over inputs of this round; the values of the first output.
std::vector<float> run_with(SignatureRunner& runner, unsigned round);

}  // namespace zerolite::tests
