#include "zerolite/delegates/openvino/library.hpp"

#include <dlfcn.h>

#include <cstddef>
#include <sstream>
#include <utility>

#include "zerolite/platform/error.hpp"
#include "zerolite/platform/shared_library.hpp"

namespace zerolite::openvino {
namespace {

using abi::openvino::Status;

constexpr std::string_view kInstall = "install it with: pip install 'zerolite[openvino]'";
// The releases with the numbers of element types that are declared: from this one to the year's last.
constexpr int kYear = 2026;
constexpr int kOldestOfYear = 4;

std::mutex open_mutex;  // NOLINT(cppcoreguidelines-avoid-non-const-global-variables): that is what a mutex is

// Never closed and never destroyed: its threads may go on while the process is already tearing down.
const Library*& opened() {
  static const Library* library = nullptr;
  return library;
}

template <typename Function>
void resolve(void* handle, const char* name, const std::string& path, Function*& function) {
  void* symbol = dlsym(handle, name);
  if (symbol == nullptr) {
    throw DelegateError(path + " has no symbol " + name + ", so it is no OpenVINO of a release that zerolite knows; " +
                        std::string(kInstall));
  }
  function = reinterpret_cast<Function*>(symbol);
}

// The year and the number in it, as in "2026.4.0-22959-...".
std::pair<int, int> release_of(const std::string& build_number) {
  std::pair<int, int> release = {0, 0};
  std::istringstream text(build_number);
  text >> release.first;
  text.ignore();
  text >> release.second;
  return release;
}

// A place in the library's source, or the layer of it that failed, on a line of its own.
bool is_place(std::string_view line) {
  return line.starts_with("Exception from ") || line.starts_with("FrontEnd API failed with ") ||
         (line.starts_with("Check '") && line.ends_with(':'));
}

// The library's message in one line.
std::string plain_words(const std::string& message) {
  std::istringstream lines(message);
  std::string words;
  for (std::string line; std::getline(lines, line);) {
    const std::size_t first = line.find_first_not_of(" \t");
    if (first == std::string::npos || is_place(line)) continue;
    if (!words.empty()) words += ' ';
    words += line.substr(first);
  }
  return words;
}

}  // namespace

Library::Library(const std::string& path) : path_(path) {
  if (path.empty()) throw DelegateError("the package openvino is not installed; " + std::string(kInstall));
  void* handle = dlopen(path.c_str(), RTLD_NOW | RTLD_LOCAL | RTLD_NODELETE);
  if (handle == nullptr) {
    throw DelegateError("OpenVINO's library " + path + " can't be opened (" + loader_error() + "); " +
                        std::string(kInstall));
  }
#define OPENVINO_FUNCTION(result, name, parameters) resolve(handle, "ov_" #name, path, functions_.name);
#include "openvino_abi/functions.def"
#undef OPENVINO_FUNCTION
  require_known_release();
  abi::openvino::Core* core = nullptr;
  require_ok(functions_.core_create(&core), "start");
  core_ = core;
}

void Library::require_known_release() const {
  abi::openvino::Version version = {};
  require_ok(functions_.get_openvino_version(&version), "tell its release");
  const std::string build_number = version.build_number == nullptr ? "unknown" : version.build_number;
  functions_.version_free(&version);
  const auto [year, number] = release_of(build_number);
  if (year != kYear || number < kOldestOfYear) {
    throw DelegateError(path_ + " is of OpenVINO's release " + build_number +
                        ", and this zerolite was written for 2026.4 and later ones of 2026; " + std::string(kInstall));
  }
}

void Library::require_ok(Status status, std::string_view what) const {
  if (status == Status::ok) return;
  const char* message = functions_.get_last_err_msg();
  std::string words = message == nullptr ? std::string() : plain_words(message);
  if (message != nullptr) functions_.free(message);
  if (words.empty()) words = functions_.get_error_info(status);
  throw DelegateError("OpenVINO could not " + std::string(what) + ": " + words);
}

const Library& Library::open(const std::string& path) {
  const std::scoped_lock lock(open_mutex);
  const Library*& library = opened();
  if (library == nullptr) {
    library = std::unique_ptr<const Library>(new Library(path)).release();
  } else if (library->path_ != path) {
    throw DelegateError("OpenVINO is already open from " + library->path_ + " and can't be exchanged for " +
                        (path.empty() ? "one that is not installed" : path) + " in the same process");
  }
  return *library;
}

// No lock: the pointer is set once, before there is anything that could be made with it.
const Library& Library::get() { return *opened(); }

}  // namespace zerolite::openvino
