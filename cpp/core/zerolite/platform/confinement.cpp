#include "zerolite/platform/confinement.hpp"

#include <fcntl.h>
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sched.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <filesystem>
#include <string>
#include <string_view>
#include <system_error>
#include <vector>

#include "zerolite/platform/error.hpp"
#include "zerolite/platform/file_descriptor.hpp"

namespace zerolite {
namespace {

// The numbers of system calls depend on the kind of processor, and the filter must know which one it is asked for.
#ifdef __x86_64__
constexpr std::uint32_t kArchitecture = AUDIT_ARCH_X86_64;
#elif defined(__aarch64__)
constexpr std::uint32_t kArchitecture = AUDIT_ARCH_AARCH64;
#else
constexpr std::uint32_t kArchitecture = 0;
#endif

// What computing takes: memory, threads, locks, time, and reading and writing what is open already.
constexpr auto kAllowed = std::to_array<std::uint32_t>({
    SYS_read,
    SYS_write,
    SYS_readv,
    SYS_writev,
    SYS_pread64,
    SYS_lseek,
    SYS_close,
    SYS_fstat,
    SYS_ppoll,
    SYS_munmap,
    SYS_mprotect,
    SYS_mremap,
    SYS_madvise,
    SYS_brk,
    SYS_membarrier,
    SYS_futex,
    SYS_set_robust_list,
    SYS_sched_yield,
    SYS_sched_getaffinity,
    SYS_getcpu,
    SYS_gettid,
    SYS_getpid,
    SYS_getppid,
    SYS_getuid,
    SYS_geteuid,
    SYS_getgid,
    SYS_getegid,
    SYS_uname,
    SYS_sysinfo,
    SYS_getrusage,
    SYS_times,
    SYS_clock_gettime,
    SYS_clock_getres,
    SYS_gettimeofday,
    SYS_clock_nanosleep,
    SYS_nanosleep,
    SYS_getrandom,
    SYS_rt_sigaction,
    SYS_rt_sigprocmask,
    SYS_rt_sigreturn,
    SYS_sigaltstack,
    SYS_restart_syscall,
    SYS_exit,
    SYS_exit_group,
#ifdef SYS_mmap
    SYS_mmap,
#endif
#ifdef SYS_rseq
    SYS_rseq,
#endif
#ifdef SYS_poll
    SYS_poll,
#endif
#ifdef SYS_time
    SYS_time,
#endif
#ifdef SYS_arch_prctl
    SYS_arch_prctl,
#endif
});

// What drivers and compilers do besides: they look for files and open them, wait for events, have talks of their own
// with devices, and write files that nobody needs later.
constexpr auto kAllowedForDevices = std::to_array<std::uint32_t>({
    SYS_openat,     SYS_faccessat, SYS_readlinkat,    SYS_statx,     SYS_getdents64,  SYS_getcwd,       SYS_statfs,
    SYS_fstatfs,    SYS_ioctl,     SYS_fcntl,         SYS_dup,       SYS_dup3,        SYS_memfd_create, SYS_ftruncate,
    SYS_eventfd2,   SYS_pipe2,     SYS_epoll_create1, SYS_epoll_ctl, SYS_epoll_pwait, SYS_pselect6,     SYS_pwrite64,
    SYS_fsync,      SYS_mkdirat,   SYS_unlinkat,      SYS_renameat2,
#ifdef SYS_mkdir
    SYS_mkdir,
#endif
#ifdef SYS_unlink
    SYS_unlink,
#endif
#ifdef SYS_rmdir
    SYS_rmdir,
#endif
#ifdef SYS_rename
    SYS_rename,
#endif
#ifdef SYS_renameat
    SYS_renameat,
#endif
#ifdef SYS_newfstatat
    SYS_newfstatat,
#endif
#ifdef SYS_faccessat2
    SYS_faccessat2,
#endif
#ifdef SYS_open
    SYS_open,
#endif
#ifdef SYS_stat
    SYS_stat,
#endif
#ifdef SYS_lstat
    SYS_lstat,
#endif
#ifdef SYS_access
    SYS_access,
#endif
#ifdef SYS_readlink
    SYS_readlink,
#endif
#ifdef SYS_dup2
    SYS_dup2,
#endif
#ifdef SYS_epoll_wait
    SYS_epoll_wait,
#endif
#ifdef SYS_select
    SYS_select,
#endif
});

constexpr std::uint32_t kRefuse = SECCOMP_RET_ERRNO | (EPERM & SECCOMP_RET_DATA);
// As a kernel without the call: the C library then starts threads by the older one, whose flags a filter can read.
constexpr std::uint32_t kUnknown = SECCOMP_RET_ERRNO | (ENOSYS & SECCOMP_RET_DATA);

class Filter {
 public:
  void load(std::size_t offset) { add(BPF_LD | BPF_W | BPF_ABS, static_cast<std::uint32_t>(offset)); }
  void decide(std::uint32_t action) { add(BPF_RET | BPF_K, action); }
  // What follows is `action` for this value of what was loaded.
  void decide_if(std::uint32_t value, std::uint32_t action) {
    add(BPF_JMP | BPF_JEQ | BPF_K, value, 0, 1);
    decide(action);
  }
  void decide_unless(std::uint32_t value, std::uint32_t action) {
    add(BPF_JMP | BPF_JEQ | BPF_K, value, 1, 0);
    decide(action);
  }
  void decide_if_any_of(std::uint32_t bits, std::uint32_t action) {
    add(BPF_JMP | BPF_JSET | BPF_K, bits, 0, 1);
    decide(action);
  }
  // For one call: it is let through where the lower half of an argument has this value, or all of these bits.
  void allow_with_argument(std::uint32_t call, std::size_t argument, std::uint32_t value, std::uint32_t mask) {
    add(BPF_JMP | BPF_JEQ | BPF_K, call, 0, 5);
    load(offset_of_argument(argument));
    add(BPF_ALU | BPF_AND | BPF_K, mask);
    add(BPF_JMP | BPF_JEQ | BPF_K, value, 0, 1);
    decide(SECCOMP_RET_ALLOW);
    decide(kRefuse);
  }

  // For one call: it is refused where the lower half of an argument has this value; the call's number is loaded again.
  void refuse_with_argument(std::uint32_t call, std::size_t argument, std::uint32_t value) {
    add(BPF_JMP | BPF_JEQ | BPF_K, call, 0, 4);
    load(offset_of_argument(argument));
    add(BPF_JMP | BPF_JEQ | BPF_K, value, 0, 1);
    decide(kRefuse);
    load(offsetof(seccomp_data, nr));
  }

  // For all threads of the process. False where the system refuses.
  [[nodiscard]] bool install() {
    const sock_fprog program{static_cast<unsigned short>(code_.size()), code_.data()};
    return ::syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, SECCOMP_FILTER_FLAG_TSYNC, &program) == 0;
  }

 private:
  static std::size_t offset_of_argument(std::size_t index) {
    return offsetof(seccomp_data, args) + index * sizeof(std::uint64_t);  // little-endian: the lower half comes first
  }
  void add(int code, std::uint32_t value, std::uint8_t if_true = 0, std::uint8_t if_false = 0) {
    code_.push_back({static_cast<std::uint16_t>(code), if_true, if_false, value});
  }

  std::vector<sock_filter> code_;
};

Filter filter_for(const Confinement& confinement) {
  Filter filter;
  filter.load(offsetof(seccomp_data, arch));
  filter.decide_unless(kArchitecture, kRefuse);
  filter.load(offsetof(seccomp_data, nr));
#ifdef __x86_64__
  // Set in the numbers of another set of calls (x32), of which none is let through.
  constexpr std::uint32_t kOtherCalls = 0x40000000;
  filter.decide_if_any_of(kOtherCalls, kRefuse);
#endif
  for (const std::uint32_t call : kAllowed) filter.decide_if(call, SECCOMP_RET_ALLOW);
  if (confinement.devices) {
    // Terminals take what is put into their input for what somebody has typed there.
    constexpr std::uint32_t kTypeIntoTerminal = 0x5412;  // TIOCSTI
    filter.refuse_with_argument(SYS_ioctl, 1, kTypeIntoTerminal);
    for (const std::uint32_t call : kAllowedForDevices) filter.decide_if(call, SECCOMP_RET_ALLOW);
  }
#ifdef SYS_clone3
  filter.decide_if(SYS_clone3, kUnknown);
#endif
  filter.allow_with_argument(SYS_clone, 0, CLONE_THREAD, CLONE_THREAD);
  // abort() signals the process itself.
  filter.allow_with_argument(SYS_tgkill, 0, static_cast<std::uint32_t>(::getpid()), ~std::uint32_t{0});
  // Threads give themselves names.
  filter.allow_with_argument(SYS_prctl, 0, PR_SET_NAME, ~std::uint32_t{0});
  filter.decide(kRefuse);
  return filter;
}

// Landlock's calls, which have the same numbers everywhere, and what it knows of by its version: rights to files,
// to TCP ports, and to other processes. See the kernel's documentation, userspace-api/landlock.
constexpr long kCreateRuleset = 444;
constexpr long kAddRule = 445;
constexpr long kRestrictSelf = 446;
constexpr unsigned kAskVersion = 1;
constexpr int kPathBeneath = 1;

constexpr std::uint64_t kWriteFile = 1U << 1U;
constexpr std::uint64_t kReadFile = 1U << 2U;
constexpr std::uint64_t kReadFolder = 1U << 3U;
constexpr std::uint64_t kTalkToDevice = 1U << 15U;
// To remove folders and files, to make both, to link and move files from one folder to another, and to cut them off.
constexpr std::uint64_t kChangeFolder = 1U << 4U | 1U << 5U | 1U << 7U | 1U << 8U | 1U << 13U | 1U << 14U;

struct Ruleset {
  std::uint64_t files;
  std::uint64_t network;
  std::uint64_t scopes;
};

struct [[gnu::packed]] PathRule {
  std::uint64_t allowed;
  std::int32_t parent;
};

// Nothing where there is no such file.
void allow(const FileDescriptor& ruleset, const std::filesystem::path& path, std::uint64_t rights) {
  const FileDescriptor parent(::open(path.c_str(), O_PATH | O_CLOEXEC));
  if (parent.value() < 0) return;
  const PathRule rule{rights, parent.value()};
  (void)::syscall(kAddRule, ruleset.value(), kPathBeneath, &rule, 0);
}

// By the names that the drivers of GPUs and NPUs give their devices.
bool computes(std::string_view device) {
  constexpr auto kBeginnings = std::to_array<std::string_view>(
      {"accel", "adsprpc", "apex_", "dma_heap", "dri", "galcore", "kfd", "kgsl", "mali", "nvidia", "vha"});
  return std::ranges::any_of(kBeginnings, [&](std::string_view beginning) { return device.starts_with(beginning); });
}

void allow_devices(const FileDescriptor& ruleset, const std::string& folder, std::uint64_t known) {
  allow(ruleset, "/", kReadFile | kReadFolder);
  if (!folder.empty()) allow(ruleset, folder, (kWriteFile | kChangeFolder) & known);
  std::error_code none;
  for (const auto& device : std::filesystem::directory_iterator("/dev", none)) {
    if (!computes(device.path().filename().native())) continue;
    const std::uint64_t rights = (kReadFile | kWriteFile | kTalkToDevice) & known;
    allow(ruleset, device.path(), device.is_directory(none) ? rights | kReadFolder : rights);
  }
}

// Nobody gets more rights by a program that it starts; without it, locks need those of the administrator.
bool give_up_new_rights() { return ::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0; }

}  // namespace

void filter_calls(const Confinement& confinement) {
  const auto refuse = [](const std::string& why) {
    throw Error("a model can't be shut off from files and networks here: " + why +
                "; load it without isolation if you trust where it comes from");
  };
  if (kArchitecture == 0) refuse("no filter of system calls is known for this kind of processor");
  if (!give_up_new_rights()) refuse(std::strerror(errno));
  if (!filter_for(confinement).install()) {
    refuse(std::string("the kernel takes no filter: ") + std::strerror(errno));
  }
}

int lock_files(const Confinement& confinement) {
  const long version = ::syscall(kCreateRuleset, nullptr, 0, kAskVersion);
  if (version < 1 || !give_up_new_rights()) return 0;
  constexpr auto kBits = [](unsigned count) { return (std::uint64_t{1} << count) - 1; };
  Ruleset ruleset{kBits(13), 0, 0};
  std::size_t size = sizeof(ruleset.files);
  if (version >= 2) ruleset.files = kBits(14);
  if (version >= 3) ruleset.files = kBits(15);
  if (version >= 4) {
    ruleset.network = kBits(2);
    size += sizeof(ruleset.network);
  }
  if (version >= 5) ruleset.files = kBits(16);
  if (version >= 6) {
    ruleset.scopes = kBits(2);
    size += sizeof(ruleset.scopes);
  }
  const FileDescriptor made(static_cast<int>(::syscall(kCreateRuleset, &ruleset, size, 0)));
  if (made.value() < 0) return 0;
  // Without a rule nothing is allowed.
  if (confinement.devices) allow_devices(made, confinement.folder, ruleset.files);
  return ::syscall(kRestrictSelf, made.value(), 0) == 0 ? static_cast<int>(version) : 0;
}

void confine_process(const Confinement& confinement) {
  // Others of the same user don't look into it, and no core is written.
  (void)::prctl(PR_SET_DUMPABLE, 0, 0, 0, 0);
  (void)lock_files(confinement);
  filter_calls(confinement);
}

}  // namespace zerolite
