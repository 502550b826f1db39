// Files that nobody but their user, or the system's administrator, can have written.
//
// A checksum tells that a file is whole and whom it is for, and not who made it. So what is kept from one process for
// the next is believed only where nobody else could put it: it is a regular file and no link; it and all folders above
// it belong to this user or to the administrator, and nobody else may write to them. A folder with the sticky bit, such
// as /tmp, lets everybody make files of their own and is fine; so is a group that has this user as its only member.
#pragma once

#include <cstddef>
#include <filesystem>
#include <vector>

#include "zerolite/platform/file_descriptor.hpp"

namespace zerolite {

// Opens a file for reading; one that is a FIFO or a device is refused, not waited for. Throws FileError when it can't
// be opened or is none, UntrustedFileError when somebody else may have written it.
FileDescriptor open_trusted(const std::filesystem::path& path);

// The bytes of such a file, the first `most` of them. Throws like open_trusted.
std::vector<char> read_trusted(const std::filesystem::path& path, std::size_t most = SIZE_MAX);

// Throws UntrustedFileError when somebody else may put files into the folder, FileError when there is none.
void require_trusted_folder(const std::filesystem::path& folder);

}  // namespace zerolite
