// Memory that two processes share, and in it a line on which one of them asks and the other one answers.
//
// The one that asks trusts nothing that it reads here: whatever the other one may write, it is copied once and checked
// before it is used. The file behind the memory can't shrink (it is sealed), so that reading never fails.
#pragma once

#include <atomic>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>

namespace zerolite {

// A file of shared memory in this process's addresses.
class SharedMapping {
 public:
  // Throws FileError when the system refuses.
  SharedMapping(int file, std::size_t size);
  ~SharedMapping();
  SharedMapping(const SharedMapping&) = delete;
  SharedMapping& operator=(const SharedMapping&) = delete;

  [[nodiscard]] std::span<std::byte> bytes() const { return {data_, size_}; }

 private:
  std::byte* data_;
  std::size_t size_;
};

enum class SharedCommand : std::uint32_t { run = 1, resize = 2, place = 3, fetch = 4, reset = 5 };

class SharedChannel {
 public:
  static constexpr std::size_t kMostNumbers = 16384;
  // Where the space for tensors begins. The file is at least as large.
  static constexpr std::size_t kSpace = 4096 + kMostNumbers * sizeof(std::int64_t);

  // `varies` is done, with results of other sizes than those that were known before.
  enum class Outcome { done, varies, refused };
  enum class Waited { answered, ended, late, interrupted };
  enum class Interruptible : bool { no, yes };

  // Takes what is left of the descriptor's file; the descriptor stays the caller's.
  explicit SharedChannel(int file);

  [[nodiscard]] const std::shared_ptr<SharedMapping>& mapping() const { return mapping_; }
  // Numbers that go with a request or an answer.
  [[nodiscard]] std::span<std::int64_t> numbers() const;
  [[nodiscard]] std::size_t size() const { return mapping_->bytes().size(); }
  // Of the one that asks: makes the file at least as large.
  void grow(int file, std::size_t size);

  // The side that asks.
  void ask(SharedCommand command, std::size_t signature);
  // Waits for the answer, as long as the process of the descriptor lives, the deadline is not over and nobody wants to
  // end the run that this thread is in.
  [[nodiscard]] Waited wait_for_answer(int process, std::chrono::steady_clock::time_point deadline,
                                       Interruptible interruptible = Interruptible::yes);
  // Asks the other side to end the run that is under way before its next operator.
  void request_stop();
  [[nodiscard]] Outcome outcome() const;
  [[nodiscard]] std::string message() const;
  // How many operators have begun in the run that was asked for.
  [[nodiscard]] std::uint32_t begun_operators() const;

  // The side that answers.
  struct Request {
    SharedCommand command;
    std::size_t signature;
  };
  [[nodiscard]] Request wait_for_request();
  [[nodiscard]] bool note_operator();  // whether the run has to stop before it
  void answer(Outcome outcome, std::string_view message);
  // After the other side has made the file larger.
  void follow(int file);

 private:
  struct Header;
  [[nodiscard]] Header& header() const;

  std::shared_ptr<SharedMapping> mapping_;
  std::uint32_t asked_ = 0;
  bool spins_;
};

}  // namespace zerolite
