// A batch on its way through one model or several replicas of it, in stretches of time: between two of them the caller
// may look after signals, progress and other users of the models.
#pragma once

#include <chrono>
#include <cstddef>
#include <exception>
#include <memory>
#include <mutex>
#include <vector>

#include "zerolite/inference/batch_runner.hpp"
#include "zerolite/inference/compiled_model.hpp"

namespace zerolite {

// What the variables of a stateful model hold when an item begins: what the item before has left there, or what they
// hold in a model just loaded. Where items begin anew, so does whatever runs after the batch.
enum class ItemState { carried, fresh };

class BatchLoop {
 public:
  using Clock = std::chrono::steady_clock;

  // `chunk` 0 measures what is fastest. The models are replicas: alike in all but their state.
  BatchLoop(std::vector<std::shared_ptr<CompiledModel>> replicas, std::size_t signature, Batch batch, std::size_t chunk,
            ItemState state = ItemState::carried);

  // Runs until everything is done or the time is over; true when all is done. Takes the models' locks for as long.
  // Throws Error, which names the item, when a run fails; the other items of this stretch are finished.
  // Runs of a model in another process, which can be ended, end at the deadline.
  bool advance(Clock::time_point until, Clock::time_point deadline = Clock::time_point::max());

  // Items done so far.
  [[nodiscard]] std::size_t done() const { return next_; }
  [[nodiscard]] std::size_t items() const { return batch_.items; }

 private:
  void choose_chunk();
  void work(CompiledModel& replica, Clock::time_point until) noexcept;
  // False when there is nothing more to do in this stretch.
  bool work_on(CompiledModel& replica, const BatchRunner::NextChunk& next);
  void run_rest();
  [[nodiscard]] std::optional<std::size_t> take_chunk(Clock::time_point until, bool first_of_stretch);
  void note_failure(std::size_t first, std::size_t count) noexcept;

  std::vector<std::shared_ptr<CompiledModel>> replicas_;
  std::size_t signature_;
  Batch batch_;
  std::size_t chunk_;
  ItemState state_;
  Clock::time_point deadline_ = Clock::time_point::max();

  std::mutex lock_;  // over what follows
  std::size_t next_ = 0;
  std::exception_ptr failure_;
};

}  // namespace zerolite
