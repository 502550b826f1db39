#include "zerolite/delegates/isolated/remote_model.hpp"

#include <algorithm>
#include <cstring>
#include <limits>
#include <utility>

#include "zerolite/platform/error.hpp"
#include "zerolite/platform/interruption.hpp"

namespace zerolite::isolated {
namespace {

using Clock = std::chrono::steady_clock;

constexpr std::size_t kAlignment = 64;
// Kernels read past the end of what they are given.
constexpr std::size_t kPadding = 64;
constexpr std::size_t kMostDimensions = 64;
// How long a process gets to end a run that it was asked to stop.
constexpr auto kGrace = std::chrono::milliseconds(200);

std::size_t aligned(std::size_t size) { return (size + kAlignment - 1) / kAlignment * kAlignment; }

// Numbers from shared memory, each read once.
class Reader {
 public:
  explicit Reader(std::span<const std::int64_t> numbers) : numbers_(numbers) {}

  std::int64_t next(std::int64_t least, std::int64_t most) {
    const std::int64_t value =
        next_ < numbers_.size() ? static_cast<const volatile std::int64_t*>(numbers_.data())[next_++] : least - 1;
    if (value < least || value > most) throw Error("the process of the model answered with an impossible number");
    return value;
  }

 private:
  std::span<const std::int64_t> numbers_;
  std::size_t next_ = 0;
};

class Writer {
 public:
  explicit Writer(std::span<std::int64_t> numbers) : numbers_(numbers) {}

  void add(std::int64_t value) {
    if (next_ == numbers_.size()) {
      throw Error(
          "the signature has more tensors than a model in a process of its own may have; load it without "
          "isolation if you trust where it comes from");
    }
    numbers_[next_++] = value;
  }
  void add(std::size_t value) { add(static_cast<std::int64_t>(value)); }

 private:
  std::span<std::int64_t> numbers_;
  std::size_t next_ = 0;
};

std::string in_seconds(Clock::duration duration) {
  std::string text = std::to_string(std::chrono::duration<double>(duration).count());
  text.erase(text.find_last_not_of('0') + 1);
  if (text.back() == '.') text.pop_back();
  return text;
}

Clock::duration limit_of(double seconds) {
  constexpr double kYear = 3e7;
  return std::chrono::duration_cast<Clock::duration>(std::chrono::duration<double>(std::min(seconds, kYear)));
}

}  // namespace

RemoteModel::RemoteModel(std::shared_ptr<Launcher> launcher, std::vector<RemoteSignature> signatures, bool keeps_state,
                         const Limits& limits)
    : launcher_(std::move(launcher)),
      signatures_(std::move(signatures)),
      keeps_state_(keeps_state),
      limit_(limit_of(limits.seconds)),
      most_bytes_(limits.bytes),
      layouts_(signatures_.size()) {}

RemoteModel::~RemoteModel() { (void)launcher_->end(); }

void RemoteModel::require_child() {
  if (child_ != nullptr) return;
  child_ = std::make_unique<const Child>(launcher_->start());
  layouts_.clear();
  layouts_.resize(signatures_.size());
  channel_ = std::make_unique<SharedChannel>(child_->memory);
}

std::string RemoteModel::step_of(std::size_t signature) const {
  const std::vector<std::string>& steps = signatures_[signature].steps;
  const std::size_t begun = channel_->begun_operators();
  if (begun == 0 || begun > steps.size()) return {};
  return " in " + steps[begun - 1];
}

void RemoteModel::give_up(std::size_t signature, SharedChannel::Waited why) {
  const std::string step = step_of(signature);
  child_.reset();
  const std::string how = launcher_->end();
  if (why == SharedChannel::Waited::interrupted) throw Error("it was interrupted, and its process was ended" + step);
  const std::string what =
      why == SharedChannel::Waited::late ? "did not answer within " + in_seconds(limit_) + " s" : how;
  throw Error("its process " + what + step + "; the next call starts another one");
}

SharedChannel::Outcome RemoteModel::request(SharedCommand command, std::size_t signature) {
  using Waited = SharedChannel::Waited;
  channel_->ask(command, signature);
  Waited waited = channel_->wait_for_answer(child_->process, Clock::now() + limit_);
  if (waited == Waited::interrupted) {
    channel_->request_stop();
    const Waited stopped =
        channel_->wait_for_answer(child_->process, Clock::now() + kGrace, SharedChannel::Interruptible::no);
    if (stopped != Waited::late) waited = stopped;
  }
  if (waited != Waited::answered) give_up(signature, waited);
  const SharedChannel::Outcome outcome = channel_->outcome();
  if (outcome == SharedChannel::Outcome::refused) throw Error(channel_->message());
  return outcome;
}

RemoteOutputs RemoteModel::read_outputs(std::size_t count) const {
  Reader numbers(channel_->numbers());
  RemoteOutputs result;
  result.known = numbers.next(0, 1) == 1;
  result.outputs.resize(count);
  std::int64_t left = most_bytes_;
  for (RemoteOutput& output : result.outputs) {
    output.size = static_cast<std::size_t>(numbers.next(0, left));
    left -= static_cast<std::int64_t>(output.size);
    output.shape.resize(static_cast<std::size_t>(numbers.next(0, kMostDimensions)));
    for (std::int32_t& dimension : output.shape) {
      dimension = static_cast<std::int32_t>(numbers.next(0, std::numeric_limits<std::int32_t>::max()));
    }
  }
  return result;
}

RemoteOutputs RemoteModel::resize(std::size_t signature, const std::vector<Shape>& inputs) {
  require_child();
  layouts_[signature].reset();
  Writer numbers(channel_->numbers());
  for (const Shape& shape : inputs) {
    numbers.add(shape.size());
    for (const std::int32_t dimension : shape) numbers.add(std::int64_t{dimension});
  }
  (void)request(SharedCommand::resize, signature);
  RemoteOutputs outputs = read_outputs(signatures_[signature].outputs.outputs.size());
  if (!outputs.known) signatures_[signature].varies = true;
  return outputs;
}

bool RemoteModel::fits(const Layout& layout, const std::vector<Shape>& shapes, std::span<const RemoteInput> inputs) {
  if (layout.shapes != shapes) return false;
  for (std::size_t i = 0; i < inputs.size(); ++i) {
    if (inputs[i].size > layout.input_capacities[i]) return false;
  }
  return true;
}

void RemoteModel::place(std::size_t signature, const std::vector<Shape>& shapes, std::span<const RemoteInput> inputs) {
  Layout layout;
  layout.shapes = shapes;
  layout.outputs = resize(signature, shapes);
  std::size_t end = SharedChannel::kSpace;
  for (const RemoteInput& input : inputs) {
    layout.input_places.push_back(end);
    layout.input_capacities.push_back(input.size);
    end += aligned(input.size + kPadding);
  }
  for (const RemoteOutput& output : layout.outputs.outputs) {
    layout.output_places.push_back(end);
    if (!signatures_[signature].varies) end += aligned(output.size + kPadding);
  }
  channel_->grow(child_->memory, end);
  Writer numbers(channel_->numbers());
  for (const std::size_t input : layout.input_places) numbers.add(input);
  for (const std::size_t output : layout.output_places) numbers.add(output);
  (void)request(SharedCommand::place, signature);
  layouts_[signature] = std::make_unique<const Layout>(std::move(layout));
}

void RemoteModel::run(std::size_t signature, const std::vector<Shape>& shapes, std::span<const RemoteInput> inputs) {
  require_child();
  if (layouts_[signature] == nullptr || !fits(*layouts_[signature], shapes, inputs)) place(signature, shapes, inputs);
  const Layout& layout = *layouts_[signature];
  std::byte* const memory = channel_->mapping()->bytes().data();
  for (std::size_t i = 0; i < inputs.size(); ++i) {
    if (inputs[i].size > 0) std::memcpy(memory + layout.input_places[i], inputs[i].data, inputs[i].size);
  }
  const bool varies = signatures_[signature].varies;
  if (varies) {
    Writer numbers(channel_->numbers());
    for (const RemoteInput& input : inputs) numbers.add(input.size);
  }
  if (request(SharedCommand::run, signature) == SharedChannel::Outcome::varies) signatures_[signature].varies = true;
  if (signatures_[signature].varies) {
    fetch(signature, layout.output_places.size());
  } else {
    outputs_ = layout.outputs;
    output_places_ = layout.output_places;
  }
}

// The process has kept results whose sizes only the run has told, and puts them where there is room for them by now.
void RemoteModel::fetch(std::size_t signature, std::size_t count) {
  outputs_ = read_outputs(count);
  output_places_.clear();
  std::size_t end = SharedChannel::kSpace;
  for (const RemoteOutput& output : outputs_.outputs) {
    output_places_.push_back(end);
    end += aligned(output.size + kPadding);
  }
  channel_->grow(child_->memory, end);
  Writer numbers(channel_->numbers());
  for (const std::size_t place : output_places_) numbers.add(place);
  (void)request(SharedCommand::fetch, signature);
}

std::span<const std::byte> RemoteModel::output(std::size_t index) const {
  return std::span<const std::byte>(channel_->mapping()->bytes())
      .subspan(output_places_.at(index), outputs_.outputs.at(index).size);
}

void RemoteModel::reset() {
  if (child_ == nullptr) return;  // a process that is not there yet has nothing to forget
  (void)request(SharedCommand::reset, 0);
}

}  // namespace zerolite::isolated
