// Giving a signature's inputs other shapes.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "zerolite/execution/assigned_variables.hpp"
#include "zerolite/execution/compiled_signature.hpp"
#include "zerolite/execution/dispatcher.hpp"
#include "zerolite/execution/output_layouts.hpp"
#include "zerolite/execution/signature_memory.hpp"
#include "zerolite/platform/error.hpp"

namespace zerolite {

struct ResizeRequest {
  std::size_t input;
  std::vector<std::int32_t> shape;
};

// Whether an input may be given no elements, and a scalar dimensions or the other way round, which kernels need not
// stand.
enum class EmptyShapes { refused, taken };

// The graph can't be prepared for the shapes that its inputs were given.
class PreparationError : public Error {
 public:
  using Error::Error;
};

class InputShapes {
 public:
  InputShapes(const CompiledSignature& signature, const Model& model, SignatureMemory& memory, Dispatcher& dispatcher);
  ~InputShapes() = default;
  InputShapes(const InputShapes&) = delete;
  InputShapes& operator=(const InputShapes&) = delete;

  // Lets the runtime prepare the graph for the shapes of the file. Where it can't, and the file leaves sizes open, the
  // graph waits for a resize. Throws Error where nothing is open.
  void allocate_as_stored();
  // Throws Error while the graph waits for a resize, and says which input.
  void require_prepared() const {
    if (awaits_resize()) throw Error(preparation_failure_ + "; " + required_resize());
  }
  [[nodiscard]] bool awaits_resize() const { return !preparation_failure_.empty(); }
  // XNNPACK could not take some shapes since the graph was prepared. It has noted larger sizes by then, for which it
  // took no memory, and takes none for them later either (LiteRT 2.3.0): a resize that fits would write past the end.
  // The shapes before are safe; for others the model has to be compiled anew.
  [[nodiscard]] bool is_spent() const { return is_spent_; }
  // The same may come of a run, where shapes are known only then.
  void note_failed_run(std::string_view message) noexcept;
  // What has to be resized first, in words; empty where the file leaves nothing open.
  [[nodiscard]] std::string required_resize() const;

  // All or nothing, the memory included. Throws ValueError for a shape that can't be, Error when the graph does not
  // allow it, std::bad_alloc where memory runs out; the shapes are then what they were.
  void resize(std::span<const ResizeRequest> requests, EmptyShapes empty_shapes);
  // Gives the graph shapes that fit memory which was put back. Where that fails, the next run or resize tries again.
  void return_to(std::vector<ResizeRequest> shapes) noexcept;
  // Brings the graph to the shapes that the memory has. They differ only when an earlier call failed, for want of
  // memory, both in what it was to do and in taking it back.
  void apply_pending();

 private:
  void allocate();
  // Notes in a graph that stands in for the runtime's what came of a resize.
  void declare(const OutputLayouts& layouts);
  [[nodiscard]] bool may_be_spent(std::string_view message) const noexcept;
  void require_resizable_in_public(const std::string& refusal) const;
  void require_resizable(std::size_t input, const std::string& refusal) const;
  void require_possible(const ResizeRequest& request, EmptyShapes empty_shapes) const;
  // The other inputs of the same name; of none, mostly.
  [[nodiscard]] std::vector<std::int32_t> namesakes_of(std::int32_t tensor) const;
  void resize_input(std::size_t input, const std::vector<std::int32_t>& shape);
  void apply(std::span<const ResizeRequest> requests);

  const CompiledSignature& signature_;
  SignatureMemory& memory_;
  Dispatcher& dispatcher_;
  AssignedVariables variables_;
  bool prepares_late_;  // only of a graph that stands in for the runtime's; see require_resizable_in_public()
  std::vector<ResizeRequest> pending_resize_;  // see apply_pending()
  bool is_resized_ = false;                    // the graph has to be prepared anew
  bool is_spent_ = false;
  bool was_prepared_ = false;
  std::string preparation_failure_;  // of the shapes of the file; empty when the graph is prepared
};

}  // namespace zerolite
