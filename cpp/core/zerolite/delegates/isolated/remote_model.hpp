// A model that another process runs, seen from this one.
//
// The other process is started when it is first needed and whenever it has died. Nothing that it says is trusted: sizes
// and shapes are checked, and texts are only shown.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "zerolite/platform/shared_channel.hpp"

namespace zerolite::isolated {

// A process that has loaded the model. The descriptors are the launcher's, until it ends the process.
struct Child {
  int memory;   // the file of the channel
  int process;  // becomes readable when the process has ended
};

class Launcher {
 public:
  Launcher() = default;
  virtual ~Launcher() = default;
  Launcher(const Launcher&) = delete;
  Launcher& operator=(const Launcher&) = delete;

  // Throws Error when there is no process, or it could not load the model.
  virtual Child start() = 0;
  // Ends the process, if it has not ended yet. How it did, as the rest of a sentence: "died of SIGSEGV".
  virtual std::string end() noexcept = 0;
};

using Shape = std::vector<std::int32_t>;

// An output as a run, or a resize, has left it.
struct RemoteOutput {
  Shape shape;
  std::size_t size = 0;
};

struct RemoteOutputs {
  bool known = true;  // before a run
  std::vector<RemoteOutput> outputs;
};

// A signature as the process describes it when it has loaded the model.
struct RemoteSignature {
  std::vector<Shape> inputs;
  RemoteOutputs outputs;
  bool varies = false;  // some tensor's size is not that of its shape, or only a run tells it
  // What the steps of a run are called; empty where they are not taken one after the other.
  std::vector<std::string> steps;
};

struct RemoteInput {
  const void* data;
  std::size_t size;
};

// Needs the lock of the model that it stands behind for every call.
class RemoteModel {
 public:
  // What a single request may take, and its results.
  struct Limits {
    double seconds;
    std::int64_t bytes;
  };
  RemoteModel(std::shared_ptr<Launcher> launcher, std::vector<RemoteSignature> signatures, bool keeps_state,
              const Limits& limits);
  ~RemoteModel();
  RemoteModel(const RemoteModel&) = delete;
  RemoteModel& operator=(const RemoteModel&) = delete;

  [[nodiscard]] const RemoteSignature& signature(std::size_t index) const { return signatures_.at(index); }
  [[nodiscard]] std::size_t signature_count() const { return signatures_.size(); }
  // Runs carry values on to the next ones, until a reset or the end of the process.
  [[nodiscard]] bool keeps_state() const { return keeps_state_; }

  // All of these throw Error when the process refuses, ends, or does not answer in time; then it is ended, and the next
  // call begins with another one.
  RemoteOutputs resize(std::size_t signature, const std::vector<Shape>& inputs);
  // Runs with inputs of these shapes. The results stay in shared memory until the next call of anything.
  void run(std::size_t signature, const std::vector<Shape>& shapes, std::span<const RemoteInput> inputs);
  // Outputs of the last run. Those of a signature that varies have the shapes of that run.
  [[nodiscard]] const RemoteOutputs& outputs() const { return outputs_; }
  [[nodiscard]] std::span<const std::byte> output(std::size_t index) const;
  void reset();

 private:
  // Where a signature's tensors lie in shared memory.
  struct Layout {
    std::vector<Shape> shapes;
    std::vector<std::size_t> input_places;
    std::vector<std::size_t> input_capacities;
    std::vector<std::size_t> output_places;
    RemoteOutputs outputs;
  };

  void require_child();
  [[noreturn]] void give_up(std::size_t signature, SharedChannel::Waited why);
  SharedChannel::Outcome request(SharedCommand command, std::size_t signature);
  void place(std::size_t signature, const std::vector<Shape>& shapes, std::span<const RemoteInput> inputs);
  [[nodiscard]] static bool fits(const Layout& layout, const std::vector<Shape>& shapes,
                                 std::span<const RemoteInput> inputs);
  [[nodiscard]] RemoteOutputs read_outputs(std::size_t count) const;
  void fetch(std::size_t signature, std::size_t count);
  [[nodiscard]] std::string step_of(std::size_t signature) const;

  std::shared_ptr<Launcher> launcher_;
  std::vector<RemoteSignature> signatures_;
  bool keeps_state_;
  std::chrono::steady_clock::duration limit_;
  std::int64_t most_bytes_;
  std::unique_ptr<const Child> child_;  // none before the first call, and after its end
  std::unique_ptr<SharedChannel> channel_;
  std::vector<std::unique_ptr<const Layout>> layouts_;  // by signature; none where the process does not know it yet
  RemoteOutputs outputs_;
  std::vector<std::size_t> output_places_;
};

}  // namespace zerolite::isolated
