#include "zerolite/runtime/runtime_log.hpp"

#include <dlfcn.h>
#include <elf.h>
#include <link.h>
#include <sys/mman.h>
#include <unistd.h>

#include <atomic>
#include <cstdint>
#include <cstdio>
#include <cstring>
#include <new>
#include <span>
#include <string_view>
#include <utility>
#include <vector>

namespace zerolite {

// What this thread's captures have collected, and the line that the runtime is writing just now (it writes a line in
// three pieces: prefix, text, newline).
struct runtime_log::ThreadLog {
  int captures = 0;
  std::vector<std::pair<LogLevel, std::string>> collected;
  std::string line;
};

namespace {

using runtime_log::ThreadLog;

// NOLINTNEXTLINE(cppcoreguidelines-avoid-non-const-global-variables): the library's log is one for the process
std::atomic<int> current_level{static_cast<int>(LogLevel::silent)};

runtime_log::ThreadLog& thread_log() {
  thread_local runtime_log::ThreadLog log;
  return log;
}

void take_line(ThreadLog& log) {
  const auto [level, text] = parse_log_line(log.line);
  const bool ours = log.captures > 0;
  if (ours && level >= LogLevel::info && !text.empty()) log.collected.emplace_back(level, text);
  // Another user of the same library in this process (LiteRT's own Python package, say) keeps its messages.
  if (!ours || static_cast<int>(level) >= current_level.load(std::memory_order_relaxed)) {
    std::fprintf(stderr, "%s\n", printable(log.line).c_str());
  }
  log.line.clear();
}

// Called by C code in the middle of the runtime, which an exception must not cross: what there is no memory for is left
// out.
ssize_t write_to_log(void* /*cookie*/, const char* data, std::size_t size) noexcept {
  ThreadLog& log = thread_log();
  for (const char character : std::string_view(data, size)) {
    try {
      if (character == '\n') {
        take_line(log);
      } else {
        log.line.push_back(character);
      }
    } catch (const std::bad_alloc&) {
      if (character == '\n') log.line.clear();
    }
  }
  return static_cast<ssize_t>(size);
}

// The variable that a library reads in place of libc's `stderr`.
FILE*& redirected_stream() {
  static FILE* stream = nullptr;
  return stream;
}

bool open_stream() {
  if (redirected_stream() != nullptr) return true;
  cookie_io_functions_t functions{};
  functions.write = &write_to_log;
  FILE* stream = fopencookie(nullptr, "w", functions);
  if (stream == nullptr) return false;
  // Unbuffered, so that a message is handled on the thread that wrote it.
  (void)std::setvbuf(stream, nullptr, _IONBF, 0);
  redirected_stream() = stream;
  return true;
}

// What lies at an address that the loader tells as a number.
template <typename T>
T* at_address(std::uintptr_t address) {
  return reinterpret_cast<T*>(address);  // NOLINT(performance-no-int-to-ptr)
}

// The parts of a loaded library's dynamic section that lead from a symbol's name to the place that refers to
// it.
struct DynamicSection {
  ElfW(Addr) base = 0;
  const ElfW(Sym) * symbols = nullptr;
  const char* strings = nullptr;
  ElfW(Addr) relocations = 0;
  std::size_t relocations_size = 0;
  std::size_t relocation_size = 0;

  explicit DynamicSection(const link_map& map) : base(map.l_addr) {
    for (const ElfW(Dyn)* entry = map.l_ld; entry->d_tag != DT_NULL; ++entry) {
      switch (entry->d_tag) {
        case DT_SYMTAB:
          symbols = at<ElfW(Sym)>(entry->d_un.d_ptr);
          break;
        case DT_STRTAB:
          strings = at<char>(entry->d_un.d_ptr);
          break;
        case DT_RELA:
        case DT_REL:
          relocations = absolute(entry->d_un.d_ptr);
          break;
        case DT_RELASZ:
        case DT_RELSZ:
          relocations_size = entry->d_un.d_val;
          break;
        case DT_RELAENT:
        case DT_RELENT:
          relocation_size = entry->d_un.d_val;
          break;
        default:
          break;
      }
    }
  }

  // glibc writes absolute addresses into the loaded section, other loaders leave offsets.
  [[nodiscard]] ElfW(Addr) absolute(ElfW(Addr) address) const { return address < base ? base + address : address; }

  template <typename T>
  [[nodiscard]] const T* at(ElfW(Addr) address) const {
    return at_address<const T>(absolute(address));
  }

  // Where a relocation's info keeps the symbol's index: 32 bits up in 64-bit ELF, 8 bits up in 32-bit ELF.
  static constexpr unsigned kSymbolShift = sizeof(ElfW(Addr)) == 8 ? 32 : 8;

  // The place that holds the address of the imported variable `name`, or null.
  [[nodiscard]] void** reference_to(std::string_view name) const {
    if (symbols == nullptr || strings == nullptr || relocation_size == 0) return nullptr;
    for (std::size_t offset = 0; offset < relocations_size; offset += relocation_size) {
      // Elf_Rel is a prefix of Elf_Rela, and a GLOB_DAT relocation has no addend.
      const auto* relocation = at_address<const ElfW(Rel)>(relocations + offset);
      const std::size_t symbol = relocation->r_info >> kSymbolShift;
      if (symbol != 0 && name == strings + symbols[symbol].st_name) {
        return at_address<void*>(base + relocation->r_offset);
      }
    }
    return nullptr;
  }
};

// Whether the loader made the address read-only after relocation (PT_GNU_RELRO).
bool is_read_only_after_relocation(std::uintptr_t address) {
  const auto visit = [](dl_phdr_info* info, std::size_t /*size*/, void* data) {
    auto& wanted = *static_cast<std::uintptr_t*>(data);
    for (ElfW(Half) i = 0; i < info->dlpi_phnum; ++i) {
      const ElfW(Phdr)& header = info->dlpi_phdr[i];
      const std::uintptr_t begin = info->dlpi_addr + header.p_vaddr;
      if (header.p_type == PT_GNU_RELRO && wanted >= begin && wanted < begin + header.p_memsz) {
        wanted = 0;
        return 1;
      }
    }
    return 0;
  };
  return dl_iterate_phdr(visit, &address) == 1;
}

bool overwrite(void** place, void* value) {
  const auto address = reinterpret_cast<std::uintptr_t>(place);
  if (!is_read_only_after_relocation(address)) {
    *place = value;
    return true;
  }
  const auto page_size = static_cast<std::uintptr_t>(sysconf(_SC_PAGESIZE));
  auto* page = at_address<void>(address & ~(page_size - 1));
  if (mprotect(page, page_size, PROT_READ | PROT_WRITE) != 0) return false;
  *place = value;
  return mprotect(page, page_size, PROT_READ) == 0;
}

}  // namespace

LogCapture::LogCapture() : log_(thread_log()), begin_(log_.collected.size()) { ++log_.captures; }

LogCapture::~LogCapture() {
  if (log_.collected.size() != begin_) log_.collected.resize(begin_);
  --log_.captures;
}

std::string LogCapture::message(LogLevel from) const {
  std::string text;
  for (const auto& [level, line] : std::span(log_.collected).subspan(begin_)) {
    if (level < from) continue;
    while (text.ends_with('.')) text.pop_back();
    if (!text.empty()) text += "; ";
    text += line;
  }
  while (text.ends_with('.')) text.pop_back();
  return text;
}

bool runtime_log::redirect(void* library_handle) {
  link_map* map = nullptr;
  if (dlinfo(library_handle, RTLD_DI_LINKMAP, static_cast<void*>(&map)) != 0 || map == nullptr) return false;
  void** place = DynamicSection(*map).reference_to("stderr");
  if (place == nullptr || !open_stream()) return false;
  void* ours = static_cast<void*>(&redirected_stream());
  return *place == ours || overwrite(place, ours);
}

void runtime_log::say(LogLevel severity, const std::string& line) {
  if (severity < level()) return;
  const char* prefix = severity == LogLevel::warning ? "WARNING" : "INFO";
  if (severity >= LogLevel::error) prefix = "ERROR";
  std::fprintf(stderr, "%s: %s\n", prefix, printable(line).c_str());
}

void runtime_log::note(const std::string& error) noexcept {
  ThreadLog& log = thread_log();
  if (log.captures == 0) return;
  try {
    log.collected.emplace_back(LogLevel::error, error);
  } catch (const std::bad_alloc&) {  // NOLINT(bugprone-empty-catch): then it is left out
  }
}

LogLevel runtime_log::level() { return static_cast<LogLevel>(current_level.load(std::memory_order_relaxed)); }

void runtime_log::set_level(LogLevel level) { current_level.store(static_cast<int>(level), std::memory_order_relaxed); }

}  // namespace zerolite
