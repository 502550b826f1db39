// A delegate that tries to get out of the process that it runs in, for the tests of isolated models.
//
// It takes every operator that is planned, as one node. The option `attempt` names what a run tries; each element of the
// first output is then what came of it: 0 when it succeeded, or else the number of the error. Attempts that end the
// process (abort, read_null, exhaust_stack, exit) or that never end (loop) give no result. Without the option, and where
// the first value is negative, it adds 1.
#include <fcntl.h>
#include <linux/memfd.h>
#include <netinet/in.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <map>
#include <memory>
#include <new>
#include <span>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include "litert_abi/tflite.hpp"

namespace {

using zerolite::abi::tflite::Context;
using zerolite::abi::tflite::Delegate;
using zerolite::abi::tflite::DelegateParams;
using zerolite::abi::tflite::IntArray;
using zerolite::abi::tflite::Node;
using zerolite::abi::tflite::Registration;
using zerolite::abi::tflite::Status;
using zerolite::abi::tflite::Tensor;

struct Intruder {
  Delegate delegate{};
  std::string attempt;
};

// What a system call says: the number of its error, or 0.
int error_of(long result) { return result < 0 ? errno : 0; }

int start_thread() {
  int sum = 0;
  std::thread([&] { sum = 1; }).join();
  return sum - 1;
}

int allocate_too_much() {
  const std::size_t size = std::size_t{1} << 40U;
  void* memory = ::mmap(nullptr, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  return memory == MAP_FAILED ? errno : 0;
}

// Without the C library, which would wait for a child that there is not.
int fork_plainly() {
  const long child = ::syscall(SYS_clone, SIGCHLD, nullptr, nullptr, nullptr, nullptr);
  if (child == 0) ::_exit(0);
  return error_of(child);
}

int run_program() {
  char name[] = "/bin/true";
  char* const arguments[] = {name, nullptr};
  char* const environment[] = {nullptr};
  return error_of(::execve(name, arguments, environment));
}

// Up to 64 MiB into the file that takes what the process prints.
int write_much() {
  const std::vector<char> bytes(std::size_t{1} << 20U, '\n');
  for (int i = 0; i < 64; ++i) {
    if (::write(1, bytes.data(), bytes.size()) < 0) return errno;
  }
  return 0;
}

[[gnu::noinline]] int exhaust_stack(int depth) {
  volatile char room[4096];
  room[0] = static_cast<char>(depth);
  return depth < 0 ? 0 : exhaust_stack(depth + 1) + room[0];
}

int attempt(const std::string& name) {
  if (name == "open") return error_of(::open("/etc/passwd", O_RDONLY | O_CLOEXEC));
  if (name == "create") return error_of(::open("/tmp/zerolite-intruder", O_CREAT | O_WRONLY | O_CLOEXEC, 0600));
  if (name == "stat") {
    struct stat status{};
    return error_of(::stat("/etc/passwd", &status));
  }
  if (name == "unlink") return error_of(::unlink("/tmp/zerolite-intruder"));
  if (name == "memfd") return error_of(::syscall(SYS_memfd_create, "intruder", MFD_CLOEXEC));
  if (name == "socket") return error_of(::socket(AF_INET, SOCK_STREAM, 0));
  if (name == "unix_socket") return error_of(::socket(AF_UNIX, SOCK_STREAM, 0));
  if (name == "fork") return fork_plainly();
  if (name == "exec") return run_program();
  if (name == "kill") return error_of(::kill(::getppid(), 0));
  if (name == "ptrace") return error_of(::ptrace(PTRACE_ATTACH, ::getppid(), nullptr, nullptr));
  if (name == "outlive") return error_of(::prctl(PR_SET_PDEATHSIG, 0));
  if (name == "raise_limits") {
    rlimit limit{RLIM_INFINITY, RLIM_INFINITY};
    return error_of(::setrlimit(RLIMIT_AS, &limit));
  }
  if (name == "shrink") return error_of(::ftruncate(3, 0));
  if (name == "allocate") return allocate_too_much();
  if (name == "write") return write_much();
  if (name == "thread") return start_thread();
  if (name == "abort") std::abort();
  if (name == "exit") ::_exit(3);
  if (name == "read_null") return *reinterpret_cast<volatile int*>(std::uintptr_t{8});  // NOLINT
  if (name == "exhaust_stack") return exhaust_stack(0);
  while (name == "loop") {
  }
  return -1;
}

std::size_t elements(const Tensor& tensor) { return tensor.bytes / sizeof(float); }

IntArray* copy(const IntArray& shape) {
  const std::span<const int> dimensions = shape.values();
  auto* memory = static_cast<int*>(std::malloc((dimensions.size() + 1) * sizeof(int)));
  memory[0] = shape.size;
  std::memcpy(memory + 1, dimensions.data(), dimensions.size_bytes());
  return reinterpret_cast<IntArray*>(memory);
}

void* init(Context* /*context*/, const char* buffer, std::size_t /*size*/) {
  return reinterpret_cast<const DelegateParams*>(buffer)->delegate->data;
}

// The first input that is no constant of the model.
const Tensor& input_of(const Context& context, const Node& node) {
  const std::span<const int> inputs = node.inputs->values();
  const auto computed = std::ranges::find_if(inputs, [&](int index) {
    return context.tensors[index].allocation_type != zerolite::abi::tflite::AllocationType::mmap_read_only;
  });
  return context.tensors[computed == inputs.end() ? inputs.front() : *computed];
}

Status prepare_kernel(Context* context, Node* node) {
  const Tensor& input = input_of(*context, *node);
  for (const int output : node->outputs->values()) {
    if (context->resize_tensor(context, &context->tensors[output], copy(*input.dims)) != Status::ok) {
      return Status::error;
    }
  }
  return Status::ok;
}

Status invoke(Context* context, Node* node) {
  const auto* intruder = static_cast<const Intruder*>(node->user_data);
  const Tensor& input = input_of(*context, *node);
  const Tensor& output = context->tensors[node->outputs->values()[0]];
  const auto* read = static_cast<const float*>(input.data);
  auto* written = static_cast<float*>(output.data);
  const bool adds = intruder->attempt.empty() || read[0] < 0;
  const auto result = adds ? 0.0F : static_cast<float>(attempt(intruder->attempt));
  for (std::size_t i = 0; i < elements(output); ++i) written[i] = adds ? read[i] + 1 : result;
  return Status::ok;
}

Status prepare(Context* context, Delegate* delegate) {
  IntArray* plan = nullptr;
  if (context->get_execution_plan(context, &plan) != Status::ok) return Status::error;
  Registration kernel{};
  kernel.init = &init;
  kernel.prepare = &prepare_kernel;
  kernel.invoke = &invoke;
  kernel.builtin_code = zerolite::abi::tflite::kBuiltinDelegate;
  kernel.custom_name = "SampleIntruder";
  kernel.version = 1;
  return context->replace_node_subsets_with_delegate_kernels(context, kernel, plan, delegate);
}

}  // namespace

extern "C" {

[[gnu::visibility("default")]] Delegate* tflite_plugin_create_delegate(const char* const* keys,
                                                                       const char* const* values, std::size_t count,
                                                                       void (*/*report_error*/)(const char*)) {
  auto intruder = std::make_unique<Intruder>();
  for (std::size_t i = 0; i < count; ++i) {
    if (std::string_view(keys[i]) == "attempt") intruder->attempt = values[i];
  }
  intruder->delegate.data = intruder.get();
  intruder->delegate.prepare = &prepare;
  return &intruder.release()->delegate;
}

[[gnu::visibility("default")]] void tflite_plugin_destroy_delegate(Delegate* delegate) {
  delete static_cast<Intruder*>(delegate->data);
}
}
