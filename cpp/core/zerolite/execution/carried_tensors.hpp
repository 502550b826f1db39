// Values that an output of one run leaves to an input of the next, without a copy.
//
// Where the plan proves that a run may compute the output into the memory of the input, both have one memory for good.
// Else two memories take turns: a run reads the one and writes the other, and afterwards both tensors show what was
// written. So between two runs input and output are one either way.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "zerolite/execution/compiled_signature.hpp"
#include "zerolite/execution/dispatcher.hpp"
#include "zerolite/execution/signature_memory.hpp"

namespace zerolite {

class CarriedTensors {
 public:
  CarriedTensors(const CompiledSignature& signature, SignatureMemory& memory, Dispatcher& dispatcher);

  // By the signature's names. Throws ValueError for tensors that can't be one. Returns what kept memory alive that is
  // not used any more, to be let go without the lock.
  std::shared_ptr<void> carry(std::size_t input, std::size_t output);
  // From now on both have memory of their own, the input with the value that it has. Nothing happens where the input is
  // not carried.
  std::shared_ptr<void> stop(std::size_t input);
  [[nodiscard]] bool is_carried(Side side, std::size_t index) const;
  [[nodiscard]] bool empty() const { return pairs_.empty(); }

  // Why a run can't compute an output, by its position among bindings, into memory of its size that the inputs at these
  // positions have; empty where it can.
  [[nodiscard]] std::string in_place_obstacle(const std::vector<std::size_t>& inputs, std::size_t output) const;
  // Before a run: the plan may be another one since tensors were given one memory. Throws Error where it does not allow
  // that any more.
  void require_in_place();

  // Gives the outputs their memory for as long as it lives. What the run has written is the inputs' value from commit()
  // on; without it they keep theirs.
  class Turn {
   public:
    explicit Turn(CarriedTensors& carried) : carried_(carried) { carried_.begin_run(); }
    ~Turn() { carried_.end_run(is_done_); }
    Turn(const Turn&) = delete;
    Turn& operator=(const Turn&) = delete;
    void commit() noexcept { is_done_ = true; }

   private:
    CarriedTensors& carried_;
    bool is_done_ = false;
  };

  // While runs get other memory than the tensors', which carries nothing.
  void suspend() noexcept { pairs_.swap(suspended_); }
  void resume() noexcept { pairs_.swap(suspended_); }
  // With the same signature of another compilation.
  void exchange(CarriedTensors& other) noexcept { pairs_.swap(other.pairs_); }

 private:
  struct Memory {
    std::byte* data = nullptr;
    std::shared_ptr<void> owner;
  };
  // Positions among bindings.
  struct Pair {
    std::size_t input = 0;
    std::size_t output = 0;
    std::size_t size = 0;         // of the memory below; another one after a resize
    std::optional<Memory> other;  // that the next run writes; none where it writes in place
  };

  void begin_run();
  void end_run(bool is_done) noexcept;
  void establish(Pair& pair);
  void use(std::size_t position, Memory memory) noexcept;
  [[nodiscard]] Memory memory_of(std::size_t position) const;
  [[nodiscard]] std::vector<std::size_t> inputs_sharing_with(std::size_t output) const;

  const CompiledSignature& signature_;
  SignatureMemory& memory_;
  Dispatcher& dispatcher_;
  std::vector<Pair> pairs_;
  std::vector<Pair> suspended_;
  std::uint64_t proven_generation_ = 0;
};

}  // namespace zerolite
