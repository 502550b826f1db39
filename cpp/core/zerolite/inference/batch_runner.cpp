#include "zerolite/inference/batch_runner.hpp"

#include <algorithm>
#include <array>
#include <chrono>
#include <cstring>
#include <limits>
#include <utility>

#include "zerolite/platform/aligned_buffer.hpp"
#include "zerolite/platform/error.hpp"

namespace zerolite {
namespace {

using Shape = std::vector<std::int32_t>;

constexpr std::array kSides = {Side::input, Side::output};

// From this size on an item is used where it lies, when it is aligned. Smaller ones are copied: XNNPACK prepares its
// operators again when a pointer has changed, which costs more than copying a few pages.
constexpr std::size_t kInPlace = std::size_t{32} << 10;

constexpr std::array<std::size_t, 5> kChunks = {1, 8, 32, 128, 512};

BatchLayout layout_of(const SignatureRunner& runner) {
  BatchLayout layout;
  layout.leading_axis = runner.count(Side::input) > 0;
  bool open = layout.leading_axis;
  // The shapes in the file tell what belongs together: a run can change those of outputs.
  std::optional<std::int32_t> leading_in_file;
  std::optional<std::int32_t> leading;
  for (const Side side : kSides) {
    for (std::size_t i = 0; i < runner.count(side); ++i) {
      const Shape& in_file = runner.shape_in_file(side, i);
      bool same = !in_file.empty() && in_file[0] == leading_in_file.value_or(in_file[0]);
      if (same) leading_in_file = in_file[0];
      if (side == Side::input) {
        const TensorSpec spec = runner.spec(side, i);
        same = same && !spec.shape.empty() && spec.shape[0] == leading.value_or(spec.shape[0]);
        if (same) leading = spec.shape[0];
        open = open && !spec.shape_signature.empty() && spec.shape_signature[0] == -1;
      }
      layout.leading_axis = layout.leading_axis && same;
    }
  }
  if (layout.leading_axis && leading && *leading > 0) layout.items_per_run = static_cast<std::size_t>(*leading);
  // State goes from run to run, so that runs of several items are not runs of one.
  layout.resizable = layout.leading_axis && open && !runner.has_dynamic_outputs() && !runner.keeps_state();
  return layout;
}

// Gives a signature memory of its own for as long as it lives, and another number of items where one is asked for: the
// caller's views and bound arrays stay as they are.
class OwnMemory {
 public:
  OwnMemory(SignatureRunner& runner, std::optional<std::size_t> items) : runner_(runner), saved_(runner.swap_out()) {
    if (!items) return;
    try {
      resize_to(*items);
    } catch (...) {
      runner_.swap_in(std::move(saved_), {});
      throw;
    }
  }
  ~OwnMemory() { runner_.swap_in(std::move(saved_), std::move(original_)); }
  OwnMemory(const OwnMemory&) = delete;
  OwnMemory& operator=(const OwnMemory&) = delete;

 private:
  void resize_to(std::size_t items) {
    std::vector<ResizeRequest> requests;
    for (std::size_t i = 0; i < runner_.count(Side::input); ++i) {
      Shape shape = runner_.spec(Side::input, i).shape;
      original_.push_back({i, shape});
      shape[0] = static_cast<std::int32_t>(items);
      requests.push_back({i, std::move(shape)});
    }
    runner_.resize(requests);
  }

  SignatureRunner& runner_;
  std::vector<TensorBinding> saved_;
  std::vector<ResizeRequest> original_;
};

// With memmove, as where results are copied: the caller's arrays may overlap the memory that is bound.
void copy_items(const BatchTensor& tensor, std::size_t first, std::size_t count, std::byte* to) {
  if (tensor.item_size == 0) return;
  if (tensor.is_contiguous()) {
    std::memmove(to, tensor.item(first), count * tensor.item_size);
    return;
  }
  for (std::size_t i = 0; i < count; ++i)
    std::memmove(to + i * tensor.item_size, tensor.item(first + i), tensor.item_size);
}

// Ends borrowing, whatever came of the run.
class EndOfBorrowing {
 public:
  explicit EndOfBorrowing(SignatureRunner& runner) : runner_(runner) {}
  ~EndOfBorrowing() { runner_.end_borrowing(); }
  EndOfBorrowing(const EndOfBorrowing&) = delete;
  EndOfBorrowing& operator=(const EndOfBorrowing&) = delete;

 private:
  SignatureRunner& runner_;
};

// The items as memory that a run can use where it is, or null.
std::byte* in_place(const Batch& batch, const BatchTensor& tensor, Side side, std::size_t first, std::size_t count) {
  std::byte* const data = tensor.item(first);
  if (count * tensor.item_size < kInPlace || !tensor.is_contiguous() || !is_aligned(data)) return nullptr;
  if (side == Side::input) {
    const std::size_t behind = (batch.items - first - count) * tensor.item_size + tensor.readable_past_end;
    if (behind < kReadPastEnd) return nullptr;
  }
  return data;
}

}  // namespace

Shape BatchLayout::item_shape(const Shape& shape) const {
  if (!leading_axis) return shape;
  return {shape.begin() + 1, shape.end()};
}

BatchRunner::BatchRunner(SignatureRunner& runner) : runner_(runner), layout_(layout_of(runner)) {}

void BatchRunner::run_items(const Batch& batch, std::size_t first, std::size_t count) {
  const EndOfBorrowing end(runner_);
  for (std::size_t i = 0; i < batch.inputs.size(); ++i) {
    if (std::byte* data = in_place(batch, batch.inputs[i], Side::input, first, count)) {
      runner_.borrow(Side::input, i, data);
    } else {
      copy_items(batch.inputs[i], first, count, runner_.binding(Side::input, i).data());
    }
  }
  for (std::size_t i = 0; i < batch.outputs.size(); ++i) {
    const TensorBinding& binding = runner_.binding(Side::output, i);
    const bool size_is_known = binding.size() == count * batch.outputs[i].item_size;
    std::byte* data = size_is_known ? in_place(batch, batch.outputs[i], Side::output, first, count) : nullptr;
    if (data != nullptr) runner_.borrow(Side::output, i, data);
  }
  runner_.run();
  for (std::size_t i = 0; i < batch.outputs.size(); ++i) {
    const BatchTensor& tensor = batch.outputs[i];
    const TensorBinding& binding = runner_.binding(Side::output, i);
    if (binding.size() != count * tensor.item_size) {
      throw Error("output '" + runner_.description().outputs[i].name + "' does not have a result for each item");
    }
    std::byte* const to = tensor.item(first);
    if (binding.data() != to && binding.size() > 0) std::memmove(to, binding.data(), binding.size());
  }
}

std::vector<std::size_t> candidate_chunks(std::size_t items) {
  return {kChunks.begin(), std::ranges::upper_bound(kChunks, items)};
}

void BatchRunner::run(const Batch& batch, std::size_t chunk, const NextChunk& next) {
  const OwnMemory memory(runner_, items_to_resize_to(chunk));
  while (const std::optional<std::size_t> first = next()) run_items(batch, *first, chunk);
}

double BatchRunner::seconds_per_item(const Batch& batch, std::size_t count) {
  using Clock = std::chrono::steady_clock;
  // The first runs prepare (see SignatureRunner::run); then the best of a few counts.
  for (int i = 0; i < 3; ++i) run_items(batch, 0, count);
  constexpr auto kEnough = std::chrono::microseconds(300);
  double best = std::numeric_limits<double>::infinity();
  const Clock::time_point begin = Clock::now();
  for (int i = 0; i < 20 && (i == 0 || Clock::now() - begin < kEnough); ++i) {
    const Clock::time_point start = Clock::now();
    run_items(batch, 0, count);
    best = std::min(best, std::chrono::duration<double>(Clock::now() - start).count());
  }
  return best / static_cast<double>(count);
}

std::size_t BatchRunner::fastest_chunk(const Batch& batch) {
  if (!layout_.resizable || batch.items <= layout_.items_per_run) return layout_.items_per_run;
  ChosenChunk chosen{{}, std::min(batch.items, kChunks.back()), 0};
  for (std::size_t i = 0; i < runner_.count(Side::input); ++i) {
    chosen.item_shapes.push_back(layout_.item_shape(runner_.spec(Side::input, i).shape));
  }
  std::optional<ChosenChunk>& remembered = runner_.chosen_chunk();
  if (!remembered || remembered->item_shapes != chosen.item_shapes || remembered->items < chosen.items) {
    chosen.chunk = measure_chunks(batch);
    remembered = std::move(chosen);
  }
  return remembered->chunk;
}

std::size_t BatchRunner::measure_chunks(const Batch& batch) {
  const std::size_t single = layout_.items_per_run;
  double best = 0;
  std::size_t chosen = single;
  // What single runs give for the first items, to hold the chunks' results against.
  constexpr std::size_t kCompared = 8;
  const std::size_t compared = std::min(kCompared, batch.items) / single * single;
  {
    const OwnMemory memory(runner_, std::nullopt);
    best = seconds_per_item(batch, single);
    for (std::size_t i = 0; i < compared; i += single) run_items(batch, i, single);
  }
  std::vector<std::vector<std::byte>> expected;
  expected.reserve(batch.outputs.size());
  for (const BatchTensor& output : batch.outputs) {
    expected.emplace_back(output.data, output.data + compared * output.item_size);
  }
  const auto agrees = [&](const BatchTensor& output, const std::vector<std::byte>& bytes) {
    return std::equal(bytes.begin(), bytes.end(), output.data);
  };
  for (const std::size_t chunk : candidate_chunks(batch.items)) {
    if (chunk <= single) continue;
    const std::optional<double> seconds = seconds_per_item_of_chunk(batch, chunk);
    // After what XNNPACK could not take there are no other shapes; see InputShapes.
    if (!seconds) return runner_.is_spent() ? single : chosen;
    if (*seconds < best && std::ranges::equal(batch.outputs, expected, agrees)) {
      best = *seconds;
      chosen = chunk;
    }
    // Past its optimum the time per item only grows, as activations leave the caches.
    constexpr double kWorse = 1.2;
    if (*seconds > best * kWorse) break;
  }
  return chosen;
}

std::optional<std::size_t> BatchRunner::items_to_resize_to(std::size_t chunk) const {
  return chunk == layout_.items_per_run ? std::nullopt : std::optional(chunk);
}

std::optional<double> BatchRunner::seconds_per_item_of_chunk(const Batch& batch, std::size_t chunk) {
  try {
    const OwnMemory memory(runner_, items_to_resize_to(chunk));
    return seconds_per_item(batch, chunk);
  } catch (const Error&) {
    return std::nullopt;  // the graph does not take so many items, or has no result for each
  }
}

}  // namespace zerolite
