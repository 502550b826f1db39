#include "zerolite/inference/batch_loop.hpp"

#include <mutex>
#include <new>
#include <string>
#include <system_error>
#include <thread>
#include <utility>

#include "zerolite/platform/error.hpp"
#include "zerolite/platform/interruption.hpp"

namespace zerolite {
namespace {

std::string in_words(std::size_t first, std::size_t count) {
  if (count == 1) return "item " + std::to_string(first);
  return "items " + std::to_string(first) + " to " + std::to_string(first + count - 1);
}

class Deadline final : public Interruption {
 public:
  explicit Deadline(BatchLoop::Clock::time_point time) : time_(time) {}
  [[nodiscard]] bool is_due() noexcept override { return BatchLoop::Clock::now() >= time_; }

 private:
  BatchLoop::Clock::time_point time_;
};

}  // namespace

BatchLoop::BatchLoop(std::vector<std::shared_ptr<CompiledModel>> replicas, std::size_t signature, Batch batch,
                     std::size_t chunk, ItemState state)
    : replicas_(std::move(replicas)), signature_(signature), batch_(std::move(batch)), chunk_(chunk), state_(state) {}

void BatchLoop::choose_chunk() {
  CompiledModel& first = *replicas_.front();
  const std::scoped_lock lock(first.lock());
  BatchRunner runner(first.signature(signature_));
  const BatchLayout& layout = runner.layout();
  if (chunk_ == 0) {
    // To measure is to run, which a state would tell.
    chunk_ = first.state() == CompiledModel::State::none ? runner.fastest_chunk(batch_) : layout.items_per_run;
  }
  if (chunk_ != layout.items_per_run && !layout.resizable) {
    throw ValueError("chunk is " + std::to_string(chunk_) + ", and this signature takes " +
                     std::to_string(layout.items_per_run) + " at a time: its leading axis can't be resized");
  }
  if (!layout.resizable && batch_.items % layout.items_per_run != 0) {
    throw ValueError("the batch has " + std::to_string(batch_.items) + " items, and this signature takes " +
                     std::to_string(layout.items_per_run) + " at a time; pad the batch to a multiple of that");
  }
}

std::optional<std::size_t> BatchLoop::take_chunk(Clock::time_point until, bool first_of_stretch) {
  const std::scoped_lock lock(lock_);
  // Each stretch gets something done, however short it is.
  if (failure_ || batch_.items - next_ < chunk_ || (!first_of_stretch && Clock::now() >= until)) return std::nullopt;
  return std::exchange(next_, next_ + chunk_);
}

void BatchLoop::note_failure(std::size_t first, std::size_t count) noexcept {
  const std::scoped_lock lock(lock_);
  if (failure_) return;
  failure_ = std::current_exception();
  try {
    throw;
  } catch (const Error& error) {
    try {
      failure_ = std::make_exception_ptr(Error(in_words(first, count) + ": " + error.what()));
    } catch (const std::bad_alloc&) {  // NOLINT(bugprone-empty-catch): then the failure is told without the items
    }
  } catch (...) {  // NOLINT(bugprone-empty-catch): told as it is
  }
}

void BatchLoop::work(CompiledModel& replica, Clock::time_point until) noexcept {
  std::size_t current = 0;
  Deadline deadline(deadline_);
  const InterruptionScope scope(deadline);
  try {
    const std::scoped_lock lock(replica.lock());
    bool first_of_stretch = true;
    const BatchRunner::NextChunk next = [&]() -> std::optional<std::size_t> {
      const std::optional<std::size_t> first = take_chunk(until, std::exchange(first_of_stretch, false));
      current = first.value_or(current);
      return first;
    };
    while (work_on(replica, next)) {
    }
    if (state_ == ItemState::fresh) replica.reset_state();
  } catch (...) {
    note_failure(current, chunk_);
  }
}

bool BatchLoop::work_on(CompiledModel& replica, const BatchRunner::NextChunk& next) {
  using State = CompiledModel::State;
  const State state = state_ == ItemState::fresh ? replica.state() : State::none;
  if (state != State::resources) {
    BatchRunner(replica.signature(signature_)).run(batch_, chunk_, [&] {
      const std::optional<std::size_t> first = next();
      if (state == State::tensors) replica.reset_state();
      return first;
    });
    return false;
  }
  // The model gets other runners when it is reset, so that each of them runs one chunk.
  const std::optional<std::size_t> first = next();
  if (!first) return false;
  replica.reset_state();
  bool taken = false;
  BatchRunner(replica.signature(signature_)).run(batch_, chunk_, [&]() -> std::optional<std::size_t> {
    return std::exchange(taken, true) ? std::nullopt : first;
  });
  return true;
}

void BatchLoop::run_rest() {
  const std::size_t first = next_;
  const std::size_t count = batch_.items - first;
  try {
    CompiledModel& replica = *replicas_.front();
    const std::scoped_lock lock(replica.lock());
    BatchRunner runner(replica.signature(signature_));
    bool taken = false;
    runner.run(batch_, count, [&]() -> std::optional<std::size_t> {
      return std::exchange(taken, true) ? std::nullopt : std::optional(first);
    });
    next_ = batch_.items;
  } catch (...) {
    note_failure(first, count);
  }
}

bool BatchLoop::advance(Clock::time_point until, Clock::time_point deadline) {
  deadline_ = deadline;
  Deadline due(deadline);
  const InterruptionScope scope(due);
  if (next_ == 0 && batch_.items > 0) choose_chunk();
  if (batch_.items - next_ >= chunk_ && batch_.items > 0) {
    // The calling thread works too; where the system has no thread or memory left, with those that have started.
    std::vector<std::jthread> threads;
    try {
      for (std::size_t i = 1; i < replicas_.size(); ++i) {
        threads.emplace_back([this, i, until] { work(*replicas_[i], until); });
      }
    } catch (const std::system_error&) {  // NOLINT(bugprone-empty-catch): the work is done all the same
    } catch (const std::bad_alloc&) {     // NOLINT(bugprone-empty-catch): likewise
    }
    work(*replicas_.front(), until);
  }
  const std::size_t left = batch_.items - next_;
  if (!failure_ && left > 0 && left < chunk_) run_rest();
  if (failure_) std::rethrow_exception(std::exchange(failure_, nullptr));
  return next_ == batch_.items;
}

}  // namespace zerolite
