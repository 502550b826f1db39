// The line between a process and the one that runs its model: what is asked and answered, and what lies on it.
#include "zerolite/platform/shared_channel.hpp"

#include <gtest/gtest.h>

#include <chrono>
#include <cstdint>
#include <cstring>
#include <limits>
#include <string>
#include <thread>

#include "support/shared_memory.hpp"
#include "zerolite/platform/error.hpp"
#include "zerolite/platform/interruption.hpp"

namespace zerolite {
namespace {

using tests::Ending;
using tests::shared_memory;
using Clock = std::chrono::steady_clock;
using Outcome = SharedChannel::Outcome;
using Waited = SharedChannel::Waited;

constexpr auto kLong = std::chrono::seconds(60);
// Where the answering side says how a request went, and how long its message is; see the header of the channel.
constexpr std::size_t kOutcomePlace = 72;
constexpr std::size_t kMessageSizePlace = 76;

class SharedChannelTest : public testing::Test {
 protected:
  // Asks, and answers in another thread.
  template <typename Answer>
  Waited ask(const Answer& answer) {
    client_.ask(SharedCommand::run, 3);
    const std::jthread server_thread([&] {
      const SharedChannel::Request request = server_.wait_for_request();
      EXPECT_EQ(request.command, SharedCommand::run);
      EXPECT_EQ(request.signature, 3U);
      answer();
    });
    return client_.wait_for_answer(ending_.descriptor(), Clock::now() + kLong);
  }

  template <typename Number>
  void put(std::size_t place, Number number) {
    std::memcpy(server_.mapping()->bytes().data() + place, &number, sizeof number);
  }

  FileDescriptor file_ = shared_memory();
  Ending ending_;
  SharedChannel client_{file_.value()};
  SharedChannel server_{file_.value()};
};

TEST_F(SharedChannelTest, AnswersArrive) {
  for (const Outcome outcome : {Outcome::done, Outcome::varies, Outcome::refused}) {
    EXPECT_EQ(ask([&] { server_.answer(outcome, "why"); }), Waited::answered);
    EXPECT_EQ(client_.outcome(), outcome);
    EXPECT_EQ(client_.message(), "why");
  }
}

TEST_F(SharedChannelTest, LongMessageIsCutOff) {
  const std::string text(100'000, 'x');
  EXPECT_EQ(ask([&] { server_.answer(Outcome::refused, text); }), Waited::answered);
  EXPECT_LT(client_.message().size(), SharedChannel::kSpace);
  EXPECT_TRUE(text.starts_with(client_.message()));
  EXPECT_FALSE(client_.message().empty());
}

TEST_F(SharedChannelTest, MessageThatLiesAboutItsSizeEndsWithinTheLine) {
  EXPECT_EQ(ask([&] {
              put(kMessageSizePlace, std::numeric_limits<std::uint32_t>::max());
              server_.answer(Outcome::refused, "short");
              put(kMessageSizePlace, std::numeric_limits<std::uint32_t>::max());
            }),
            Waited::answered);
  EXPECT_LT(client_.message().size(), SharedChannel::kSpace);
}

TEST_F(SharedChannelTest, OutcomeThatThereIsNotIsARefusal) {
  EXPECT_EQ(ask([&] { server_.answer(Outcome::done, {}); }), Waited::answered);
  put(kOutcomePlace, 77);
  EXPECT_EQ(client_.outcome(), Outcome::refused);
}

TEST_F(SharedChannelTest, OtherSideThatEndsIsNoticed) {
  EXPECT_EQ(ask([&] { ending_.end(); }), Waited::ended);
}

TEST_F(SharedChannelTest, AnswerJustBeforeTheEndCounts) {
  ending_.end();
  EXPECT_EQ(ask([&] { server_.answer(Outcome::done, {}); }), Waited::answered);
}

TEST_F(SharedChannelTest, NoAnswerIsLate) {
  client_.ask(SharedCommand::run, 0);
  EXPECT_EQ(client_.wait_for_answer(ending_.descriptor(), Clock::now()), Waited::late);
}

class Always final : public Interruption {
 public:
  [[nodiscard]] bool is_due() noexcept override { return true; }
};

TEST_F(SharedChannelTest, RunThatIsToEndStopsWaiting) {
  Always interruption;
  const InterruptionScope scope(interruption);
  client_.ask(SharedCommand::run, 0);
  EXPECT_EQ(client_.wait_for_answer(ending_.descriptor(), Clock::now() + kLong), Waited::interrupted);
  EXPECT_FALSE(server_.note_operator());
  client_.request_stop();
  EXPECT_TRUE(server_.note_operator());
  EXPECT_EQ(client_.begun_operators(), 2U);
}

TEST_F(SharedChannelTest, BothSidesFollowAFileThatGrows) {
  client_.grow(file_.value(), SharedChannel::kSpace + 4096);
  EXPECT_EQ(client_.size(), SharedChannel::kSpace + 4096);
  server_.follow(file_.value());
  EXPECT_EQ(server_.size(), client_.size());
  client_.mapping()->bytes().back() = std::byte{7};
  EXPECT_EQ(server_.mapping()->bytes().back(), std::byte{7});
  client_.grow(file_.value(), 1);  // it never shrinks
  EXPECT_EQ(client_.size(), server_.size());
}

TEST(SharedMapping, WhatIsNoFileIsAnError) { EXPECT_THROW(SharedChannel(-1), FileError); }

}  // namespace
}  // namespace zerolite
