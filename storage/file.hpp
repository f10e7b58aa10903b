// Files as the log needs them: the one place through which it reaches the disk.
//
// Contract  what write_at() wrote survives a power cut once sync_data() or sync_all() has returned; a file's name, once
//           sync_directory() has. Nothing else does.
// Threads   a FileSystem may be used from any; a File from one at a time.
// Errors    by value: Errc::kNoSpace for a full disk or quota, else Errc::kIo; the text names file, call and errno.
//           Interrupted and partial calls are carried on here and never seen outside.
// Twins     tests put a faulty disk in the place of real_file_system().
#pragma once

#include "wire/result.hpp"

#include <cstdint>
#include <filesystem>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace zabd::storage {

class File {
public:
    virtual ~File() = default;

    /// Reads until `into` is full or the file ends, and says how many bytes that were.
    virtual Result<std::size_t> read_at(std::uint64_t offset, std::span<char> into) = 0;
    virtual Result<void> write_at(std::uint64_t offset, std::string_view content) = 0;
    /// Has the disk set aside room for the first `bytes`, or says Errc::kNoSpace before anything is written.
    virtual Result<void> allocate(std::uint64_t bytes) = 0;
    /// Content, and of the metadata what reading it back needs.
    virtual Result<void> sync_data() = 0;
    virtual Result<void> sync_all() = 0;
    virtual Result<std::uint64_t> size() = 0;
    /// Has the next reads come from the disk where they can: a failed sync leaves pages in memory that it never got.
    virtual void drop_cache() = 0;
};

class FileSystem {
public:
    virtual ~FileSystem() = default;

    /// For reading and writing.
    virtual Result<std::unique_ptr<File>> open(const std::filesystem::path& path) = 0;
    /// Empty, also if there was one; readable by owner and group, or with `secret` by the owner alone.
    virtual Result<std::unique_ptr<File>> create(const std::filesystem::path& path, bool secret = false) = 0;
    virtual Result<void> rename(const std::filesystem::path& from, const std::filesystem::path& to) = 0;
    virtual Result<void> remove(const std::filesystem::path& path) = 0;
    virtual Result<void> sync_directory(const std::filesystem::path& directory) = 0;
    /// Names of all that is in it, in ascending order.
    virtual Result<std::vector<std::string>> list(const std::filesystem::path& directory) = 0;
};

FileSystem& real_file_system();

Result<std::string> read_whole(File& file);

/// Puts `content` in the place of `path` so that a crash leaves either the old file or the new one, whole.
Result<void> replace_file(FileSystem& files, const std::filesystem::path& path, std::string_view content,
                          bool secret = false);

/// What a failed system call says: "PATH: cannot CALL: reason".
Error system_error(int error_number, const std::filesystem::path& path, std::string_view call);

}  // namespace zabd::storage
