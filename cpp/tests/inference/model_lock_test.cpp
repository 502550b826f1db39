#include "zerolite/inference/model_lock.hpp"

#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <functional>
#include <mutex>
#include <string>
#include <thread>

#include "zerolite/platform/error.hpp"

namespace zerolite {
namespace {

using Threads = ModelLock::Threads;

// Whether it is so in a forked child, which has this thread alone.
bool holds_in_child(const std::function<bool()>& condition) {
  const pid_t child = fork();
  if (child == 0) {
    alarm(60);  // ends a child that hangs
    _exit(condition() ? 0 : 1);
  }
  int status = 0;
  return waitpid(child, &status, 0) == child && WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

bool refuses(ModelLock& lock, const std::string& message) {
  try {
    lock.lock();
  } catch (const Error& error) {
    return std::string(error.what()).find(message) != std::string::npos;
  }
  return false;
}

TEST(ModelLockTest, IsTakenByOneAtATime) {
  ModelLock lock("model", Threads::none);
  ASSERT_TRUE(lock.try_lock());
  EXPECT_FALSE(lock.try_lock());
  lock.unlock();
  int runs = 0;
  const auto work = [&] {
    for (int i = 0; i < 10000; ++i) {
      const std::scoped_lock taken(lock);
      ++runs;
    }
  };
  std::thread other(work);
  work();
  other.join();
  EXPECT_EQ(runs, 20000);
}

TEST(ModelLockTest, GoesOnInAChildWhenItIsFree) {
  ModelLock lock("model", Threads::none);
  EXPECT_TRUE(holds_in_child([&] {
    lock.lock();
    lock.unlock();
    return !lock.is_lost();
  }));
}

TEST(ModelLockTest, GoesOnInAChildWithTheThreadThatHoldsIt) {
  ModelLock lock("model", Threads::none);
  lock.lock();
  EXPECT_TRUE(holds_in_child([&] {
    lock.unlock();
    return !lock.is_lost() && lock.try_lock();
  }));
  lock.unlock();
}

TEST(ModelLockTest, IsLostInAChildWhenAnotherThreadHoldsIt) {
  ModelLock lock("mine.tflite", Threads::none);
  lock.lock();
  EXPECT_TRUE(holds_in_child(
      [&] { return !lock.try_lock() && lock.is_lost() && refuses(lock, "mine.tflite was being used by a thread"); }));
  EXPECT_FALSE(lock.is_lost());
  lock.unlock();
}

TEST(ModelLockTest, IsLostInAChildWhenTheModelHasThreads) {
  ModelLock lock("mine.tflite", Threads::own);
  EXPECT_TRUE(holds_in_child(
      [&] { return !lock.try_lock() && lock.is_lost() && refuses(lock, "mine.tflite computes with threads"); }));
  EXPECT_TRUE(lock.try_lock());
  lock.unlock();
}

TEST(ModelLockTest, OfAChildIsUsableThere) {
  EXPECT_TRUE(holds_in_child([] {
    ModelLock lock("model", Threads::own);
    const std::scoped_lock taken(lock);
    return !lock.is_lost();
  }));
}

}  // namespace
}  // namespace zerolite
