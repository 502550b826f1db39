// Each lock of a confined process alone, tried from inside: a child of this process shuts its doors and then tries
// them.
#include "zerolite/platform/confinement.hpp"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <csignal>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <functional>
#include <string>
#include <thread>
#include <vector>

#include "support/temporary_directory.hpp"
#include "zerolite/platform/file_descriptor.hpp"

namespace zerolite {
namespace {

// In the exit code of a child: what is no number of an error.
constexpr int kNotShut = 201;
constexpr int kThrew = 202;

// What comes of a try behind a door: 0, or the number of an error.
int tried_in_child(const std::function<void()>& shut, const std::function<long()>& attempt) {
  const pid_t child = ::fork();
  if (child == 0) {
    try {
      shut();
      errno = 0;
      ::_exit(attempt() < 0 ? errno : 0);
    } catch (...) {
      ::_exit(kThrew);
    }
  }
  int status = 0;
  EXPECT_EQ(::waitpid(child, &status, 0), child);
  EXPECT_TRUE(WIFEXITED(status)) << "ended by signal " << WTERMSIG(status);
  return WEXITSTATUS(status);
}

void filter() { filter_calls({}); }
void filter_but_devices() { filter_calls({true, {}}); }
void lock() {
  if (lock_files({}) == 0) ::_exit(kNotShut);
}

long open_file() { return ::open("/etc/passwd", O_RDONLY | O_CLOEXEC); }
long use_tcp() {
  const int made = ::socket(AF_INET, SOCK_STREAM, 0);
  if (made < 0) return made;
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(9);  // where nobody is expected to listen
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  return ::connect(made, reinterpret_cast<const sockaddr*>(&address), sizeof address);
}
long make_process() { return ::syscall(SYS_clone, SIGCHLD, nullptr, nullptr, nullptr, nullptr); }
long run_program() {
  char name[] = "/bin/true";
  const std::array<char*, 2> arguments = {name, nullptr};
  return ::execv(name, arguments.data());
}
long map_memory() {
  return ::mmap(nullptr, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0) == MAP_FAILED ? -1 : 0;
}
long signal_parent() { return ::kill(::getppid(), 0); }

// The version of Landlock here; the filter is the lock that is always there.
int landlock() { return static_cast<int>(::syscall(444, nullptr, 0, 1)); }

TEST(Confinement, FilterAloneShutsEveryDoor) {
  const std::vector<std::pair<const char*, std::function<long()>>> doors = {
      {"open", open_file},
      {"stat",
       [] {
         struct stat status {};
         return ::stat("/etc/passwd", &status);
       }},
      {"unlink", [] { return ::unlink("/tmp/zerolite-confinement-test"); }},
      {"tcp", use_tcp},
      {"unix socket", [] { return ::socket(AF_UNIX, SOCK_STREAM, 0); }},
      {"process", make_process},
      {"program", run_program},
      {"memory file", [] { return ::syscall(SYS_memfd_create, "file", 0U); }},
      {"signal", signal_parent},
      {"trace", [] { return ::ptrace(PTRACE_ATTACH, ::getppid(), nullptr, nullptr); }},
      {"outlive", [] { return ::prctl(PR_SET_PDEATHSIG, 0); }},
      {"limits",
       [] {
         const rlimit limit{RLIM_INFINITY, RLIM_INFINITY};
         return ::setrlimit(RLIMIT_CORE, &limit);
       }},
      {"more rights", [] { return ::setuid(0); }},
  };
  for (const auto& [name, attempt] : doors) EXPECT_EQ(tried_in_child(filter, attempt), EPERM) << name;
}

TEST(Confinement, FilterLetsComputingThrough) {
  EXPECT_EQ(tried_in_child(filter, map_memory), 0);
  EXPECT_EQ(tried_in_child(filter, [] { return ::write(2, "", 0); }), 0);
}

TEST(Confinement, DevicesNeedFilesAndNothingElse) {
  EXPECT_EQ(tried_in_child(filter_but_devices, open_file), 0);
  EXPECT_EQ(tried_in_child(filter_but_devices, use_tcp), EPERM);
  EXPECT_EQ(tried_in_child(filter_but_devices, make_process), EPERM);
  EXPECT_EQ(tried_in_child(filter_but_devices, run_program), EPERM);
  EXPECT_EQ(tried_in_child(filter_but_devices, signal_parent), EPERM);
  char typed = 'x';
  EXPECT_EQ(tried_in_child(filter_but_devices, [&] { return ::ioctl(0, TIOCSTI, &typed); }), EPERM);
}

TEST(Confinement, LandlockAloneShutsFilesAndNetworks) {
  if (landlock() < 1) GTEST_SKIP() << "the kernel has no Landlock";
  const tests::TemporaryDirectory folder;
  const std::string file = (folder.path() / "file").string();
  std::ofstream(file) << "text";
  EXPECT_EQ(tried_in_child(lock, [&] { return ::open(file.c_str(), O_RDONLY); }), EACCES);
  EXPECT_EQ(tried_in_child(lock, [&] { return ::open(file.c_str(), O_WRONLY); }), EACCES);
  EXPECT_EQ(tried_in_child(lock, [&] { return ::open((file + "2").c_str(), O_WRONLY | O_CREAT, 0600); }), EACCES);
  EXPECT_EQ(tried_in_child(lock, [&] { return ::unlink(file.c_str()); }), EACCES);
  EXPECT_EQ(tried_in_child(lock, [&] { return ::mkdir((file + "3").c_str(), 0700); }), EACCES);
  EXPECT_EQ(tried_in_child(lock, run_program), EACCES);
  EXPECT_EQ(tried_in_child(lock, map_memory), 0);
  if (landlock() >= 4) {
    EXPECT_EQ(tried_in_child(lock, use_tcp), EACCES);
  }
  if (landlock() >= 6) {
    EXPECT_EQ(tried_in_child(lock, signal_parent), EPERM);
  }
}

TEST(Confinement, LandlockLetsDriversWriteIntoOneFolder) {
  if (landlock() < 1) GTEST_SKIP() << "the kernel has no Landlock";
  const tests::TemporaryDirectory folder;
  const tests::TemporaryDirectory other;
  const auto lock_but_devices = [&] {
    if (lock_files({true, folder.path().string()}) == 0) ::_exit(kNotShut);
  };
  const auto make_in = [](const std::filesystem::path& where) {
    return [where] { return ::open((where / "made").c_str(), O_WRONLY | O_CREAT, 0600); };
  };
  EXPECT_EQ(tried_in_child(lock_but_devices, open_file), 0);
  EXPECT_EQ(tried_in_child(lock_but_devices, make_in(folder.path())), 0);
  EXPECT_EQ(tried_in_child(lock_but_devices, make_in(other.path())), EACCES);
  EXPECT_EQ(tried_in_child(lock_but_devices, run_program), EACCES);
}

TEST(Confinement, DoorsAreOpenInThisProcess) {
  EXPECT_EQ(tried_in_child([] {}, open_file), 0);
  EXPECT_EQ(tried_in_child([] {}, signal_parent), 0);
  EXPECT_EQ(tried_in_child([] {}, use_tcp), ECONNREFUSED);
}

}  // namespace
}  // namespace zerolite
