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
    client.ask(SharedCommand::run, 3);
    const std::jthread server_thread([&] {
      const SharedChannel::Request request = server.wait_for_request();
      EXPECT_EQ(request.command, SharedCommand::run);
      EXPECT_EQ(request.signature, 3U);
      answer();
    });
    return client.wait_for_answer(ending.descriptor(), Clock::now() + kLong);
  }

  template <typename Number>
  void put(std::size_t place, Number number) {
    std::memcpy(server.mapping()->bytes().data() + place, &number, sizeof number);
  }

  FileDescriptor file = shared_memory();
  Ending ending;
  SharedChannel client{file.value()};
  SharedChannel server{file.value()};
};

TEST_F(SharedChannelTest, AnswersArrive) {
  for (const Outcome outcome : {Outcome::done, Outcome::varies, Outcome::refused}) {
    EXPECT_EQ(ask([&] { server.answer(outcome, "why"); }), Waited::answered);
    EXPECT_EQ(client.outcome(), outcome);
    EXPECT_EQ(client.message(), "why");
  }
}

TEST_F(SharedChannelTest, LongMessageIsCutOff) {
  const std::string text(100'000, 'x');
  EXPECT_EQ(ask([&] { server.answer(Outcome::refused, text); }), Waited::answered);
  EXPECT_LT(client.message().size(), SharedChannel::kSpace);
  EXPECT_TRUE(text.starts_with(client.message()));
  EXPECT_FALSE(client.message().empty());
}

TEST_F(SharedChannelTest, MessageThatLiesAboutItsSizeEndsWithinTheLine) {
  EXPECT_EQ(ask([&] {
              put(kMessageSizePlace, std::numeric_limits<std::uint32_t>::max());
              server.answer(Outcome::refused, "short");
              put(kMessageSizePlace, std::numeric_limits<std::uint32_t>::max());
            }),
            Waited::answered);
  EXPECT_LT(client.message().size(), SharedChannel::kSpace);
}

TEST_F(SharedChannelTest, OutcomeThatThereIsNotIsARefusal) {
  EXPECT_EQ(ask([&] { server.answer(Outcome::done, {}); }), Waited::answered);
  put(kOutcomePlace, 77);
  EXPECT_EQ(client.outcome(), Outcome::refused);
}

TEST_F(SharedChannelTest, OtherSideThatEndsIsNoticed) {
  EXPECT_EQ(ask([&] { ending.end(); }), Waited::ended);
}

TEST_F(SharedChannelTest, AnswerJustBeforeTheEndCounts) {
  ending.end();
  EXPECT_EQ(ask([&] { server.answer(Outcome::done, {}); }), Waited::answered);
}

TEST_F(SharedChannelTest, NoAnswerIsLate) {
  client.ask(SharedCommand::run, 0);
  EXPECT_EQ(client.wait_for_answer(ending.descriptor(), Clock::now()), Waited::late);
}

class Always final : public Interruption {
 public:
  [[nodiscard]] bool is_due() noexcept override { return true; }
};

TEST_F(SharedChannelTest, RunThatIsToEndStopsWaiting) {
  Always interruption;
  const InterruptionScope scope(interruption);
  client.ask(SharedCommand::run, 0);
  EXPECT_EQ(client.wait_for_answer(ending.descriptor(), Clock::now() + kLong), Waited::interrupted);
  EXPECT_FALSE(server.note_operator());
  client.request_stop();
  EXPECT_TRUE(server.note_operator());
  EXPECT_EQ(client.begun_operators(), 2U);
}

TEST_F(SharedChannelTest, BothSidesFollowAFileThatGrows) {
  client.grow(file.value(), SharedChannel::kSpace + 4096);
  EXPECT_EQ(client.size(), SharedChannel::kSpace + 4096);
  server.follow(file.value());
  EXPECT_EQ(server.size(), client.size());
  client.mapping()->bytes().back() = std::byte{7};
  EXPECT_EQ(server.mapping()->bytes().back(), std::byte{7});
  client.grow(file.value(), 1);  // it never shrinks
  EXPECT_EQ(client.size(), server.size());
}

TEST(SharedMapping, WhatIsNoFileIsAnError) { EXPECT_THROW(SharedChannel(-1), FileError); }

}  // namespace
}  // namespace zerolite
