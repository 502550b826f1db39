// An executable of its own: the library whose messages are captured here is one that says what the tests want to hear.
#include "zerolite/runtime/runtime_log.hpp"

#include <dlfcn.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <array>
#include <initializer_list>
#include <latch>
#include <string>
#include <thread>

namespace zerolite::tests {
namespace {

using testing::HasSubstr;
using testing::internal::CaptureStderr;
using testing::internal::GetCapturedStderr;

class RuntimeLogTest : public testing::Test {
 protected:
  void SetUp() override {
    library_ = ::dlopen(ZEROLITE_TALKATIVE_LIBRARY, RTLD_NOW | RTLD_LOCAL);
    ASSERT_NE(library_, nullptr);
    say_ = reinterpret_cast<void (*)(const char*)>(::dlsym(library_, "say"));
    ASSERT_NE(say_, nullptr);
    ASSERT_TRUE(runtime_log::redirect(library_));
    runtime_log::set_level(LogLevel::silent);
  }

  void say(std::initializer_list<const char*> pieces) const {
    for (const char* piece : pieces) say_(piece);
  }

  [[nodiscard]] void* library() const { return library_; }

 private:
  void* library_ = nullptr;
  void (*say_)(const char*) = nullptr;
};

TEST_F(RuntimeLogTest, CollectsWarningsAndErrors) {
  CaptureStderr();
  const LogCapture log;
  say({"VERBOSE: a\n", "DEBUG: b\n", "INFO: c\n", "WARNING: d\n", "ERROR: e\n", "f\n"});
  EXPECT_EQ(log.message(), "d; e; f");
  EXPECT_EQ(GetCapturedStderr(), "");
}

TEST_F(RuntimeLogTest, PutsLinesTogetherFromTheirPieces) {
  const LogCapture log;
  say({"ERR", "OR: ", "[litert/runtime/model.cc:12] ", "the tensor", " is too large.", "\n", "ERROR: why?\n"});
  EXPECT_EQ(log.message(), "the tensor is too large; why?");
}

TEST_F(RuntimeLogTest, SaysNothingWhenNothingWasSaid) {
  const LogCapture log;
  EXPECT_EQ(log.message(), "");
  say({"\n", "ERROR: \n", "INFO: hello\n"});
  EXPECT_EQ(log.message(), "");
}

TEST_F(RuntimeLogTest, DoesNotTakeEveryBracketForALocation) {
  const LogCapture log;
  say({"ERROR: [1,2] is no shape\n", "ERROR: [unfinished\n"});
  EXPECT_THAT(log.message(), HasSubstr("[unfinished"));
}

TEST_F(RuntimeLogTest, CapturesNest) {
  const LogCapture outer;
  say({"ERROR: first\n"});
  {
    const LogCapture inner;
    say({"ERROR: second\n"});
    EXPECT_EQ(inner.message(), "second");
    EXPECT_EQ(outer.message(), "first; second");
  }
  // What the inner one collected went into the inner one's error.
  EXPECT_EQ(outer.message(), "first");
  say({"ERROR: third\n"});
  EXPECT_EQ(outer.message(), "first; third");
}

TEST_F(RuntimeLogTest, ACaptureBeginsEmpty) {
  {
    const LogCapture log;
    say({"ERROR: old\n"});
  }
  const LogCapture log;
  EXPECT_EQ(log.message(), "");
}

TEST_F(RuntimeLogTest, LeavesTheMessagesOfOthersOnStderr) {
  CaptureStderr();
  say({"INFO: ", "somebody else's message", "\n", "without a severity\n"});
  EXPECT_EQ(GetCapturedStderr(), "INFO: somebody else's message\nwithout a severity\n");
}

TEST_F(RuntimeLogTest, ShowsWhatTheLevelAsksFor) {
  for (const LogLevel level : {LogLevel::info, LogLevel::warning, LogLevel::error, LogLevel::silent}) {
    runtime_log::set_level(level);
    EXPECT_EQ(runtime_log::level(), level);
    CaptureStderr();
    {
      const LogCapture log;
      say({"INFO: a\n", "WARNING: b\n", "ERROR: c\n"});
      EXPECT_EQ(log.message(), "b; c") << "what is shown is captured all the same";
    }
    const std::string shown = GetCapturedStderr();
    EXPECT_EQ(shown.find("INFO: a\n") != std::string::npos, level <= LogLevel::info);
    EXPECT_EQ(shown.find("WARNING: b\n") != std::string::npos, level <= LogLevel::warning);
    EXPECT_EQ(shown.find("ERROR: c\n") != std::string::npos, level <= LogLevel::error);
  }
}

TEST_F(RuntimeLogTest, RedirectsOnce) {
  EXPECT_TRUE(runtime_log::redirect(library()));
  const LogCapture log;
  say({"ERROR: still heard\n"});
  EXPECT_EQ(log.message(), "still heard");
}

TEST_F(RuntimeLogTest, EachThreadHearsItself) {
  constexpr std::size_t kThreads = 4;
  constexpr int kRounds = 500;
  std::array<int, kThreads> wrong{};
  std::latch start(kThreads);
  {
    std::array<std::jthread, kThreads> threads;
    for (std::size_t i = 0; i < kThreads; ++i) {
      threads[i] = std::jthread([&, i] {
        const std::string text = "thread " + std::to_string(i);
        start.arrive_and_wait();
        for (int round = 0; round < kRounds; ++round) {
          const LogCapture log;
          say({"ERROR: ", text.c_str(), "\n"});
          if (log.message() != text) ++wrong[i];
        }
      });
    }
  }
  EXPECT_EQ(wrong, (std::array<int, kThreads>{}));
}

TEST_F(RuntimeLogTest, AThreadWithoutACaptureIsHeardBesideOneThatHasOne) {
  CaptureStderr();
  const LogCapture log;
  std::jthread([&] { say({"ERROR: from elsewhere\n"}); }).join();
  EXPECT_EQ(log.message(), "");
  EXPECT_EQ(GetCapturedStderr(), "ERROR: from elsewhere\n");
}

}  // namespace
}  // namespace zerolite::tests
