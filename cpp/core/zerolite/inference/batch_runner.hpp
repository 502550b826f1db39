// Running a signature over many items: the loop that `map` is.
//
// An item is a slice along the leading axis. Where that axis may be resized, several items go through one run (a
// chunk); else each run takes as many as the model was made for.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <span>
#include <utility>
#include <vector>

#include "zerolite/execution/signature_runner.hpp"

namespace zerolite {

// Items in the caller's memory: each contiguous, at a fixed distance from the one before.
struct BatchTensor {
  std::byte* data = nullptr;
  std::size_t item_size = 0;
  std::ptrdiff_t stride = 0;
  // Bytes that may be read past the end of the last item.
  std::size_t readable_past_end = 0;

  [[nodiscard]] std::byte* item(std::size_t index) const { return data + static_cast<std::ptrdiff_t>(index) * stride; }
  [[nodiscard]] bool is_contiguous() const { return std::cmp_equal(stride, item_size); }
};

struct Batch {
  std::size_t items = 0;
  std::vector<BatchTensor> inputs;   // by the signature's positions
  std::vector<BatchTensor> outputs;  // contiguous as a whole
};

// How a signature's tensors are made of items.
struct BatchLayout {
  // Items that one run of the unresized signature takes.
  std::size_t items_per_run = 1;
  // All tensors have the items along their leading axis; if not, an item is a whole tensor.
  bool leading_axis = false;
  // The leading axis may be resized without changing what an item's result is.
  bool resizable = false;

  // The shape of one item of a tensor of this shape.
  [[nodiscard]] std::vector<std::int32_t> item_shape(const std::vector<std::int32_t>& shape) const;
};

// The sizes that are worth a try for the chunks of a batch of so many items, the smallest first.
[[nodiscard]] std::vector<std::size_t> candidate_chunks(std::size_t items);

// Runs items through one signature. Needs the compiled model's lock, as everything here does.
class BatchRunner {
 public:
  // Gives the first item of the next chunk; nothing when there is none, or no time for it.
  using NextChunk = std::function<std::optional<std::size_t>()>;

  explicit BatchRunner(SignatureRunner& runner);

  [[nodiscard]] const BatchLayout& layout() const { return layout_; }

  // Runs chunks of just `chunk` items for as long as there are some. The signature has its own shapes and memory again
  // afterwards.
  void run(const Batch& batch, std::size_t chunk, const NextChunk& next);

  // The chunk with which an item takes the least time, found by running some of the batch's items; only chunks whose
  // results are those of single runs, bit by bit, are taken. Remembered by the signature for its shapes.
  std::size_t fastest_chunk(const Batch& batch);

 private:
  void run_items(const Batch& batch, std::size_t first, std::size_t count);
  [[nodiscard]] double seconds_per_item(const Batch& batch, std::size_t count);
  [[nodiscard]] std::optional<std::size_t> items_to_resize_to(std::size_t chunk) const;
  std::optional<double> seconds_per_item_of_chunk(const Batch& batch, std::size_t chunk);
  std::size_t measure_chunks(const Batch& batch);

  SignatureRunner& runner_;
  BatchLayout layout_;
};

}  // namespace zerolite
