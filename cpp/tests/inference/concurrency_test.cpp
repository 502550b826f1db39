// For ThreadSanitizer as much as for AddressSanitizer.
#include <gtest/gtest.h>

#include <array>
#include <latch>
#include <mutex>
#include <thread>

#include "support/tensor_access.hpp"
#include "support/test_models.hpp"
#include "zerolite/platform/error.hpp"

namespace zerolite::tests {
namespace {

constexpr unsigned kRounds = 100;

std::vector<std::vector<float>> expected_of(const char* name) {
  const std::unique_ptr<CompiledModel> model = compile(name);
  SignatureRunner& runner = model->signature(0);
  std::vector<std::vector<float>> expected;
  for (unsigned round = 0; round < kRounds; ++round) {
    fill_inputs(runner, round);
    runner.run();
    expected.push_back(output<float>(runner));
  }
  return expected;
}

// Runs `work` on two threads that begin together, and counts what it counts.
template <typename Work>
std::array<unsigned, 2> on_two_threads(const Work& work) {
  std::array<unsigned, 2> counts{};
  std::latch start(2);
  {
    std::array<std::jthread, 2> threads;
    for (std::size_t i = 0; i < threads.size(); ++i) {
      threads[i] = std::jthread([&, i] {
        start.arrive_and_wait();
        counts[i] = work(i);
      });
    }
  }
  return counts;
}

using Counts = std::array<unsigned, 2>;

TEST(ConcurrencyTest, ThreadsTakeTurnsOnOneModel) {
  const std::vector<std::vector<float>> expected = expected_of("dense_2layer");
  const std::unique_ptr<CompiledModel> model = compile("dense_2layer");
  const Counts wrong = on_two_threads([&](std::size_t thread) {
    unsigned count = 0;
    for (unsigned i = 0; i < kRounds; ++i) {
      const unsigned round = thread == 0 ? i : kRounds - 1 - i;
      const std::scoped_lock lock(model->lock());
      SignatureRunner& runner = model->signature(0);
      fill_inputs(runner, round);
      runner.run();
      if (output<float>(runner) != expected[round]) ++count;
    }
    return count;
  });
  EXPECT_EQ(wrong, Counts{});
}

TEST(ConcurrencyTest, ReplicasRunAtTheSameTime) {
  const std::vector<std::vector<float>> expected = expected_of("small_cnn");
  const std::shared_ptr<const Model> model = read_model("small_cnn");
  const Counts wrong = on_two_threads([&](std::size_t) {
    CompiledModel replica(model, {});
    unsigned count = 0;
    for (unsigned round = 0; round < kRounds; ++round) {
      fill_inputs(replica.signature(0), round);
      replica.signature(0).run();
      if (output<float>(replica.signature(0)) != expected[round]) ++count;
    }
    return count;
  });
  EXPECT_EQ(wrong, Counts{});
}

TEST(ConcurrencyTest, ModelsAreCompiledAtTheSameTime) {
  const Counts failures = on_two_threads([](std::size_t thread) {
    unsigned count = 0;
    for (int i = 0; i < 5; ++i) {
      const std::unique_ptr<CompiledModel> model = compile(thread == 0 ? "small_cnn" : "svdf");
      model->signature(0).run();
      if (model->signature(0).count(Side::output) != 1) ++count;
    }
    return count;
  });
  EXPECT_EQ(failures, Counts{});
}

TEST(ConcurrencyTest, EachThreadHearsOfItsOwnFailure) {
  const Counts wrong = on_two_threads([](std::size_t thread) {
    const char* const name = thread == 0 ? "unknown_custom_op" : "builtin_version_too_new";
    const std::string word = thread == 0 ? "NobodyKnowsThis" : "NEG";
    unsigned count = 0;
    for (int i = 0; i < 20; ++i) {
      try {
        (void)compile(name)->signature(0);
        ++count;
      } catch (const Error& error) {
        if (std::string(error.what()).find(word) == std::string::npos) ++count;
      }
    }
    return count;
  });
  EXPECT_EQ(wrong, Counts{});
}

}  // namespace
}  // namespace zerolite::tests
