#include "zerolite/platform/shared_channel.hpp"

#include <linux/futex.h>
#include <poll.h>
#include <sched.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <climits>
#include <cstring>
#include <ctime>
#include <new>

#include "zerolite/platform/error.hpp"
#include "zerolite/platform/interruption.hpp"

namespace zerolite {
namespace {

using Clock = std::chrono::steady_clock;

// As long as a short run takes. Waking somebody who sleeps costs several microseconds on either side; who spins longer
// takes the core from others.
constexpr auto kSpin = std::chrono::microseconds(40);
// Who has spun in vain sleeps at once from then on, as where both sides share a core, and tries again this often.
constexpr std::uint32_t kTryAgain = 64;
// How often somebody who sleeps looks whether the other side still lives.
constexpr long kSliceNanoseconds = 5'000'000;
constexpr std::size_t kLongestMessage = 2048;

constexpr const char* kFile = "shared memory";

// Not by fstat, for which the C library makes a call that could ask for any file, and that a confined process has not.
std::size_t size_of(int file) {
  const off_t size = ::lseek(file, 0, SEEK_END);
  if (size < 0) throw FileError(errno, kFile);
  return static_cast<std::size_t>(size);
}

void relax() {
#if defined(__x86_64__) || defined(__i386__)
  __builtin_ia32_pause();
#elif defined(__aarch64__)
  asm volatile("yield");
#endif
}

// Spinning on the only core would keep the other side from it.
bool has_several_cores() {
  cpu_set_t cores;
  CPU_ZERO(&cores);
  return ::sched_getaffinity(0, sizeof(cores), &cores) != 0 || CPU_COUNT(&cores) > 1;
}

// Until the word differs, the slice is over or somebody wakes; `slice` in nanoseconds, 0 for ever.
void sleep_on(std::atomic<std::uint32_t>& word, std::uint32_t seen, long slice) {
  timespec timeout{0, slice};
  (void)::syscall(SYS_futex, &word, FUTEX_WAIT, seen, slice == 0 ? nullptr : &timeout, nullptr, 0);
}

void wake(std::atomic<std::uint32_t>& word) {
  (void)::syscall(SYS_futex, &word, FUTEX_WAKE, INT_MAX, nullptr, nullptr, 0);
}

bool has_ended(int process) {
  pollfd watched{process, POLLIN, 0};
  return ::poll(&watched, 1, 0) > 0;
}

bool spin_until_differs(const std::atomic<std::uint32_t>& word, std::uint32_t seen) {
  constexpr int kLooks = 64;
  const Clock::time_point end = Clock::now() + kSpin;
  do {
    for (int i = 0; i < kLooks; ++i) {
      if (word.load(std::memory_order_acquire) != seen) return true;
      relax();
    }
  } while (Clock::now() < end);
  return false;
}

}  // namespace

SharedMapping::SharedMapping(int file, std::size_t size)
    : data_(static_cast<std::byte*>(::mmap(nullptr, size, PROT_READ | PROT_WRITE, MAP_SHARED, file, 0))), size_(size) {
  if (static_cast<void*>(data_) == MAP_FAILED) throw FileError(errno, kFile);
}

SharedMapping::~SharedMapping() { (void)::munmap(data_, size_); }

// Two of the words are counted up by one side each, and say how many requests and answers there were; each has a cache
// line of its own.
struct SharedChannel::Header {
  static constexpr std::size_t kLine = 64;

  alignas(kLine) std::atomic<std::uint32_t> requests;
  std::atomic<std::uint32_t> server_sleeps;
  SharedCommand command;
  std::uint32_t signature;
  alignas(kLine) std::atomic<std::uint32_t> answers;
  std::atomic<std::uint32_t> client_sleeps;
  Outcome outcome;
  std::uint32_t message_size;
  alignas(kLine) std::atomic<std::uint32_t> stop;
  alignas(kLine) std::atomic<std::uint32_t> begun_operators;
  std::array<char, kLongestMessage> message;
};

SharedChannel::SharedChannel(int file)
    : mapping_(std::make_shared<SharedMapping>(file, std::max(size_of(file), kSpace))), spins_(has_several_cores()) {
  static_assert(sizeof(Header) <= kSpace - kMostNumbers * sizeof(std::int64_t));
  static_assert(std::atomic<std::uint32_t>::is_always_lock_free);
}

SharedChannel::Header& SharedChannel::header() const {
  // The file begins as zeros, which is a header before the first request.
  return *std::launder(reinterpret_cast<Header*>(mapping_->bytes().data()));
}

std::span<std::int64_t> SharedChannel::numbers() const {
  std::byte* begin = mapping_->bytes().data() + (kSpace - kMostNumbers * sizeof(std::int64_t));
  return {reinterpret_cast<std::int64_t*>(begin), kMostNumbers};
}

void SharedChannel::grow(int file, std::size_t size) {
  if (size <= this->size()) return;
  if (::ftruncate(file, static_cast<off_t>(size)) != 0) throw FileError(errno, kFile);
  mapping_ = std::make_shared<SharedMapping>(file, size);
}

void SharedChannel::follow(int file) {
  const std::size_t size = size_of(file);
  if (size > this->size()) mapping_ = std::make_shared<SharedMapping>(file, size);
}

void SharedChannel::ask(SharedCommand command, std::size_t signature) {
  Header& shared = header();
  shared.command = command;
  shared.signature = static_cast<std::uint32_t>(signature);
  shared.stop.store(0, std::memory_order_relaxed);
  shared.begun_operators.store(0, std::memory_order_relaxed);
  shared.requests.store(++asked_, std::memory_order_seq_cst);
  if (shared.server_sleeps.load(std::memory_order_seq_cst) != 0) wake(shared.requests);
}

SharedChannel::Waited SharedChannel::wait_for_answer(int process, Clock::time_point deadline,
                                                     Interruptible interruptible) {
  Header& shared = header();
  const std::uint32_t before = asked_ - 1;
  if (spins_ || asked_ % kTryAgain == 0) spins_ = spin_until_differs(shared.answers, before);
  if (spins_) return Waited::answered;
  while (true) {
    shared.client_sleeps.store(1, std::memory_order_seq_cst);
    if (shared.answers.load(std::memory_order_seq_cst) == before) {
      sleep_on(shared.answers, before, kSliceNanoseconds);
    }
    shared.client_sleeps.store(0, std::memory_order_relaxed);
    if (shared.answers.load(std::memory_order_acquire) != before) return Waited::answered;
    if (has_ended(process)) {
      // It may have answered just before.
      return shared.answers.load(std::memory_order_acquire) != before ? Waited::answered : Waited::ended;
    }
    if (interruptible == Interruptible::yes && Interruption::is_current_due()) return Waited::interrupted;
    if (Clock::now() >= deadline) return Waited::late;
  }
}

void SharedChannel::request_stop() { header().stop.store(1, std::memory_order_relaxed); }

SharedChannel::Outcome SharedChannel::outcome() const {
  const Outcome told = header().outcome;
  return told == Outcome::done || told == Outcome::varies ? told : Outcome::refused;
}

std::string SharedChannel::message() const {
  const Header& shared = header();
  const std::size_t size = std::min<std::size_t>(shared.message_size, kLongestMessage);
  return {shared.message.data(), size};
}

std::uint32_t SharedChannel::begun_operators() const {
  return header().begun_operators.load(std::memory_order_relaxed);
}

SharedChannel::Request SharedChannel::wait_for_request() {
  Header& shared = header();
  const std::uint32_t seen = asked_;
  if (spins_ || seen % kTryAgain == 0) spins_ = spin_until_differs(shared.requests, seen);
  while (shared.requests.load(std::memory_order_acquire) == seen) {
    shared.server_sleeps.store(1, std::memory_order_seq_cst);
    if (shared.requests.load(std::memory_order_seq_cst) == seen) sleep_on(shared.requests, seen, 0);
    shared.server_sleeps.store(0, std::memory_order_relaxed);
  }
  asked_ = shared.requests.load(std::memory_order_acquire);
  return {shared.command, shared.signature};
}

bool SharedChannel::note_operator() {
  Header& shared = header();
  shared.begun_operators.fetch_add(1, std::memory_order_relaxed);
  return shared.stop.load(std::memory_order_relaxed) != 0;
}

void SharedChannel::answer(Outcome outcome, std::string_view message) {
  Header& shared = header();
  shared.outcome = outcome;
  const std::size_t size = std::min(message.size(), kLongestMessage);
  if (size > 0) std::memcpy(shared.message.data(), message.data(), size);
  shared.message_size = static_cast<std::uint32_t>(size);
  shared.answers.store(asked_, std::memory_order_seq_cst);
  if (shared.client_sleeps.load(std::memory_order_seq_cst) != 0) wake(shared.answers);
}

}  // namespace zerolite
