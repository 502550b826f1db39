#include "zerolite/platform/trusted_file.hpp"

#include <fcntl.h>
#include <grp.h>
#include <pwd.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <iomanip>
#include <sstream>
#include <string>
#include <string_view>
#include <system_error>

#include "zerolite/platform/error.hpp"

namespace zerolite {
namespace {

namespace fs = std::filesystem;

constexpr std::size_t kEntrySize = 1 << 14;  // of a user or a group, with the names of its members

// Whoever owns the root of all files can change every one of them; in a container that need not be user 0.
bool is_trusted(uid_t owner) {
  struct stat root {};
  return owner == ::geteuid() || owner == 0 || (::stat("/", &root) == 0 && owner == root.st_uid);
}

// Systems that give each user a group of the same name let it write by default.
bool is_private(gid_t group, uid_t owner) {
  std::array<char, kEntrySize> user_memory{};
  std::array<char, kEntrySize> group_memory{};
  struct passwd user {};
  struct passwd* found_user = nullptr;
  struct group entry {};
  struct group* found = nullptr;
  if (::getpwuid_r(owner, &user, user_memory.data(), user_memory.size(), &found_user) != 0 || found_user == nullptr ||
      ::getgrgid_r(group, &entry, group_memory.data(), group_memory.size(), &found) != 0 || found == nullptr) {
    return false;
  }
  const std::string_view name = user.pw_name;
  if (user.pw_gid != group || name != entry.gr_name) return false;
  for (char** member = entry.gr_mem; *member != nullptr; ++member) {
    if (name != *member) return false;
  }
  return true;
}

bool others_may_write(const struct stat& status) {
  if ((status.st_mode & S_IWOTH) != 0) return true;
  return (status.st_mode & S_IWGRP) != 0 && !is_private(status.st_gid, status.st_uid);
}

std::string mode_of(const struct stat& status) {
  std::ostringstream text;
  text << std::oct << std::setw(4) << std::setfill('0') << (status.st_mode & ALLPERMS);
  return text.str();
}

std::string owner_of(const struct stat& status) {
  return "belongs to user " + std::to_string(status.st_uid) + ", and this is user " + std::to_string(::geteuid());
}

void require_trusted(const fs::path& folder, const fs::path& asked) {
  struct stat status {};
  if (::lstat(folder.c_str(), &status) != 0) throw FileError(errno, folder);
  const std::string beginning =
      asked.string() + " is not used, since somebody else may have put it there: the folder " + folder.string() + ' ';
  if (!is_trusted(status.st_uid)) {
    throw UntrustedFileError(beginning + owner_of(status) + "; name a path in a folder of your own");
  }
  if (others_may_write(status) && (status.st_mode & S_ISVTX) == 0) {
    throw UntrustedFileError(beginning + "may be written to by others (mode " + mode_of(status) +
                             "); take that right away with chmod go-w, or name a path in a folder of your own");
  }
}

// The folder without links, after it and all above it were looked at.
fs::path trusted_folder(const fs::path& folder, const fs::path& asked) {
  std::error_code failure;
  const fs::path real = fs::canonical(folder.empty() ? fs::path(".") : folder, failure);
  if (failure) throw FileError(failure.value(), asked);
  fs::path above;
  for (const fs::path& part : real) {
    above /= part;
    require_trusted(above, asked);
  }
  return real;
}

void require_trusted(const FileDescriptor& file, const fs::path& path) {
  struct stat status {};
  if (::fstat(file.value(), &status) != 0) throw FileError(errno, path);
  if (S_ISDIR(status.st_mode)) throw FileError(EISDIR, path);
  if (!S_ISREG(status.st_mode)) throw FileError(EINVAL, path);
  if (!is_trusted(status.st_uid)) {
    throw UntrustedFileError(path.string() + " is not used, since it " + owner_of(status) +
                             "; remove it, or name a file of your own");
  }
  if (others_may_write(status)) {
    throw UntrustedFileError(path.string() + " is not used, since others may write to it (mode " + mode_of(status) +
                             "); remove it, so that it is made anew, or take that right away with chmod go-w");
  }
}

}  // namespace

void require_trusted_folder(const fs::path& folder) {
  const fs::path real = trusted_folder(folder, folder);
  std::error_code ignored;
  if (!fs::is_directory(real, ignored)) throw FileError(ENOTDIR, folder);
}

FileDescriptor open_trusted(const fs::path& path) {
  const fs::path real = trusted_folder(path.parent_path(), path) / path.filename();
  FileDescriptor file(::open(real.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOFOLLOW));
  if (!file.is_open() && errno == ELOOP) {
    throw UntrustedFileError(path.string() +
                             " is not used, since it is a symbolic link; name the file that it leads to");
  }
  if (!file.is_open()) throw FileError(errno, path);
  require_trusted(file, path);
  return file;
}

std::vector<char> read_trusted(const fs::path& path, std::size_t most) {
  return read_all(open_trusted(path), path, most);
}

}  // namespace zerolite
