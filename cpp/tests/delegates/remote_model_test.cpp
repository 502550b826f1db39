// A model in another process, whose side of the line is a thread here that answers as a hostile one could.
#include "zerolite/delegates/isolated/remote_model.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <array>
#include <atomic>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <functional>
#include <limits>
#include <memory>
#include <span>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "support/shared_memory.hpp"
#include "zerolite/platform/error.hpp"

namespace zerolite::isolated {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using tests::Ending;
using Outcome = SharedChannel::Outcome;

constexpr std::int64_t kMostBytes = 1 << 20;
constexpr std::int64_t kHuge = std::numeric_limits<std::int64_t>::max();

// Does what a request asks for; false ends the process.
using Peer = std::function<bool(SharedChannel&, const SharedChannel::Request&)>;

void tell(const SharedChannel& channel, std::initializer_list<std::int64_t> numbers) {
  std::ranges::copy(numbers, channel.numbers().begin());
}

// An honest one: a signature that doubles two floats.
bool doubles(SharedChannel& channel, const SharedChannel::Request& request) {
  static thread_local std::int64_t input = 0;
  static thread_local std::int64_t output = 0;
  if (request.command == SharedCommand::resize) tell(channel, {1, 8, 1, 2});
  if (request.command == SharedCommand::place) {
    input = channel.numbers()[0];
    output = channel.numbers()[1];
  }
  if (request.command == SharedCommand::run) {
    std::array<float, 2> values{};
    std::byte* const memory = channel.mapping()->bytes().data();
    std::memcpy(values.data(), memory + input, sizeof values);
    for (float& value : values) value *= 2;
    std::memcpy(memory + output, values.data(), sizeof values);
  }
  (void)channel.note_operator();
  channel.answer(Outcome::done, {});
  return true;
}

class ThreadLauncher final : public Launcher {
 public:
  explicit ThreadLauncher(Peer peer) : peer_(std::move(peer)) {}
  ~ThreadLauncher() override { (void)end(); }
  ThreadLauncher(const ThreadLauncher&) = delete;
  ThreadLauncher& operator=(const ThreadLauncher&) = delete;

  Child start() override {
    ++starts;
    file_ = tests::shared_memory();
    ending_ = std::make_unique<Ending>();
    server_ = std::make_unique<SharedChannel>(file_.value());
    is_over_ = false;
    thread_ = std::thread([this] {
      while (!is_over_) {
        const SharedChannel::Request request = server_->wait_for_request();
        if (is_over_) return;
        server_->follow(file_.value());
        if (peer_(*server_, request)) continue;
        ending_->end();
        return;
      }
    });
    return {file_.value(), ending_->descriptor()};
  }

  std::string end() noexcept override {
    if (!thread_.joinable()) return {};
    is_over_ = true;
    SharedChannel waker(file_.value());
    for (int i = 0; i < 1000 && thread_.joinable(); ++i) waker.ask(SharedCommand::reset, 0);
    thread_.join();
    return "died of SIGSEGV";
  }

  int starts = 0;

 private:
  Peer peer_;
  FileDescriptor file_;
  std::unique_ptr<Ending> ending_;
  std::unique_ptr<SharedChannel> server_;
  std::atomic<bool> is_over_ = false;
  std::thread thread_;
};

class RemoteModelTest : public testing::Test {
 protected:
  void use(Peer peer, double seconds = 60, bool varies = false) {
    launcher_ = std::make_shared<ThreadLauncher>(std::move(peer));
    RemoteSignature signature{{{2}}, {true, {{{2}, 8}}}, varies, {"ADD", "MUL"}};
    model_ = std::make_unique<RemoteModel>(launcher_, std::vector{signature}, false,
                                           RemoteModel::Limits{seconds, kMostBytes});
  }

  std::vector<float> run() {
    const std::array<float, 2> values = {1, 2};
    const RemoteInput input{values.data(), sizeof values};
    model_->run(0, {{2}}, {&input, 1});
    const std::span<const std::byte> bytes = model_->output(0);
    std::vector<float> result(bytes.size() / sizeof(float));
    std::memcpy(result.data(), bytes.data(), bytes.size());
    return result;
  }

  std::string error_of_run() {
    try {
      (void)run();
    } catch (const Error& error) {
      return error.what();
    }
    return "no error";
  }

  std::shared_ptr<ThreadLauncher> launcher_;
  std::unique_ptr<RemoteModel> model_;
};

TEST_F(RemoteModelTest, HonestProcessComputes) {
  use(doubles);
  EXPECT_THAT(run(), ElementsAre(2, 4));
  EXPECT_THAT(run(), ElementsAre(2, 4));
  EXPECT_EQ(launcher_->starts, 1);
}

TEST_F(RemoteModelTest, DeathIsAnErrorAndTheNextCallStartsAnother) {
  int runs = 0;
  use([&](SharedChannel& channel, const SharedChannel::Request& request) {
    if (request.command == SharedCommand::run && runs++ == 0) {
      (void)channel.note_operator();
      (void)channel.note_operator();
      return false;
    }
    return doubles(channel, request);
  });
  EXPECT_THAT(error_of_run(), HasSubstr("its process died of SIGSEGV in MUL; the next call starts another one"));
  EXPECT_THAT(run(), ElementsAre(2, 4));
  EXPECT_EQ(launcher_->starts, 2);
}

TEST_F(RemoteModelTest, CountOfOperatorsThatLiesNamesNone) {
  use([](SharedChannel& channel, const SharedChannel::Request&) {
    for (int i = 0; i < 100; ++i) (void)channel.note_operator();
    return false;
  });
  EXPECT_THAT(error_of_run(), HasSubstr("its process died of SIGSEGV; the next"));
}

TEST_F(RemoteModelTest, ProcessThatNeverAnswersIsEnded) {
  use([](SharedChannel&, const SharedChannel::Request&) { return true; }, 0.01);
  EXPECT_THAT(error_of_run(), HasSubstr("did not answer within 0.01 s"));
}

TEST_F(RemoteModelTest, RefusalIsItsMessage) {
  use([](SharedChannel& channel, const SharedChannel::Request&) {
    channel.answer(Outcome::refused, "tensor 'x' is wrong");
    return true;
  });
  EXPECT_EQ(error_of_run(), "tensor 'x' is wrong");
  EXPECT_EQ(launcher_->starts, 1);
}

// What a resize answers: whether sizes are known, then of each output its bytes and its shape.
class Lies : public RemoteModelTest, public testing::WithParamInterface<std::vector<std::int64_t>> {};

TEST_P(Lies, AboutSizesAreErrors) {
  use([](SharedChannel& channel, const SharedChannel::Request& request) {
    if (request.command == SharedCommand::resize) {
      std::ranges::copy(GetParam(), channel.numbers().begin());
      channel.answer(Outcome::done, {});
      return true;
    }
    return doubles(channel, request);
  });
  EXPECT_THAT(error_of_run(), HasSubstr("answered with an impossible number"));
}

INSTANTIATE_TEST_SUITE_P(
    Numbers, Lies,
    testing::Values(std::vector<std::int64_t>{2, 8, 1, 2}, std::vector<std::int64_t>{-1, 8, 1, 2},
                    std::vector<std::int64_t>{1, -8, 1, 2}, std::vector<std::int64_t>{1, kMostBytes + 1, 1, 2},
                    std::vector<std::int64_t>{1, kHuge, 1, 2}, std::vector<std::int64_t>{1, 8, -1, 2},
                    std::vector<std::int64_t>{1, 8, 65, 2}, std::vector<std::int64_t>{1, 8, kHuge, 2},
                    std::vector<std::int64_t>{1, 8, 1, -2}, std::vector<std::int64_t>{1, 8, 1, kHuge}));

// After a run whose results have other sizes than before.
TEST_F(RemoteModelTest, ResultsThatGrowBeyondTheLimitAreErrors) {
  use([](SharedChannel& channel, const SharedChannel::Request& request) {
    if (request.command != SharedCommand::run) return doubles(channel, request);
    tell(channel, {0, kMostBytes + 1, 1, 2});
    channel.answer(Outcome::varies, {});
    return true;
  });
  EXPECT_THAT(error_of_run(), HasSubstr("answered with an impossible number"));
}

TEST_F(RemoteModelTest, ResultsWithoutTheirValuesAreZeros) {
  use([](SharedChannel& channel, const SharedChannel::Request& request) {
    if (request.command == SharedCommand::run) tell(channel, {0, 4096, 1, 1024});
    const bool runs = request.command == SharedCommand::run;
    if (request.command == SharedCommand::resize) tell(channel, {1, 8, 1, 2});
    channel.answer(runs ? Outcome::varies : Outcome::done, {});
    return true;
  });
  EXPECT_EQ(run().size(), 1024U);  // of memory that is there, whatever it holds
}

TEST_F(RemoteModelTest, MoreTensorsThanTheLineHasRoomForAreAnError) {
  use(doubles);
  const std::vector<Shape> shapes(SharedChannel::kMostNumbers, Shape{2});
  EXPECT_THROW((void)model_->resize(0, shapes), Error);
}

TEST_F(RemoteModelTest, ResetBeforeAProcessIsThereAsksNobody) {
  use(doubles);
  (*model_).reset();
  EXPECT_EQ(launcher_->starts, 0);
}

}  // namespace
}  // namespace zerolite::isolated
