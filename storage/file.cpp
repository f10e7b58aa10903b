#include "storage/file.hpp"

#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <system_error>

namespace zabd::storage {

namespace fs = std::filesystem;

namespace {

std::unexpected<Error> failed(const fs::path& path, std::string_view call) {
    return std::unexpected(system_error(errno, path, call));
}

class PosixFile final : public File {
public:
    PosixFile(int descriptor, fs::path path) : descriptor_(descriptor), path_(std::move(path)) {}
    ~PosixFile() override { ::close(descriptor_); }  // all that counts was synced before, so its error says nothing
    PosixFile(const PosixFile&) = delete;
    PosixFile& operator=(const PosixFile&) = delete;

    Result<std::size_t> read_at(std::uint64_t offset, std::span<char> into) override {
        std::size_t done = 0;
        while (done < into.size()) {
            const auto size =
                ::pread(descriptor_, into.data() + done, into.size() - done, static_cast<off_t>(offset + done));
            if (size < 0 && errno == EINTR) continue;
            if (size < 0) return failed(path_, "read");
            if (size == 0) break;
            done += static_cast<std::size_t>(size);
        }
        return done;
    }

    Result<void> write_at(std::uint64_t offset, std::string_view content) override {
        while (!content.empty()) {
            const auto size = ::pwrite(descriptor_, content.data(), content.size(), static_cast<off_t>(offset));
            if (size < 0 && errno == EINTR) continue;
            if (size < 0) return failed(path_, "write");
            content.remove_prefix(static_cast<std::size_t>(size));
            offset += static_cast<std::uint64_t>(size);
        }
        return {};
    }

    Result<void> allocate(std::uint64_t bytes) override {
        for (;;) {
            const int error = ::posix_fallocate(descriptor_, 0, static_cast<off_t>(bytes));
            if (error == 0) return {};
            if (error != EINTR) return std::unexpected(system_error(error, path_, "allocate"));
        }
    }

    Result<void> sync_data() override {
        if (::fdatasync(descriptor_) != 0) return failed(path_, "fdatasync");
        return {};
    }

    Result<void> sync_all() override {
        if (::fsync(descriptor_) != 0) return failed(path_, "fsync");
        return {};
    }

    Result<std::uint64_t> size() override {
        struct stat status {};
        if (::fstat(descriptor_, &status) != 0) return failed(path_, "fstat");
        return static_cast<std::uint64_t>(status.st_size);
    }

    void drop_cache() override { (void)::posix_fadvise(descriptor_, 0, 0, POSIX_FADV_DONTNEED); }

private:
    int descriptor_;
    fs::path path_;
};

class PosixFileSystem final : public FileSystem {
public:
    Result<std::unique_ptr<File>> open(const fs::path& path) override { return open_with(path, O_RDWR, 0); }

    Result<std::unique_ptr<File>> create(const fs::path& path, bool secret) override {
        return open_with(path, O_RDWR | O_CREAT | O_TRUNC, secret ? 0600 : 0640);
    }

    Result<void> rename(const fs::path& from, const fs::path& to) override {
        if (::rename(from.c_str(), to.c_str()) != 0) return failed(from, "rename");
        return {};
    }

    Result<void> remove(const fs::path& path) override {
        if (::unlink(path.c_str()) != 0) return failed(path, "remove");
        return {};
    }

    Result<void> sync_directory(const fs::path& directory) override {
        const auto opened = open_with(directory, O_RDONLY | O_DIRECTORY, 0);
        if (!opened) return std::unexpected(opened.error());
        return (*opened)->sync_all();
    }

    Result<std::vector<std::string>> list(const fs::path& directory) override {
        std::error_code error;
        std::vector<std::string> names;
        for (auto entry = fs::directory_iterator(directory, error); !error && entry != fs::directory_iterator();
             entry.increment(error)) {
            names.push_back(entry->path().filename().string());
        }
        if (error) return std::unexpected(system_error(error.value(), directory, "list"));
        std::sort(names.begin(), names.end());
        return names;
    }

private:
    static Result<std::unique_ptr<File>> open_with(const fs::path& path, int flags, mode_t mode) {
        const int descriptor = ::open(path.c_str(), flags | O_CLOEXEC, mode);
        if (descriptor < 0) return failed(path, "open");
        return std::make_unique<PosixFile>(descriptor, path);
    }
};

}  // namespace

FileSystem& real_file_system() {
    static PosixFileSystem files;
    return files;
}

Result<std::string> read_whole(File& file) {
    const auto size = file.size();
    if (!size) return std::unexpected(size.error());
    std::string content(*size, '\0');
    const auto read = file.read_at(0, content);
    if (!read) return std::unexpected(read.error());
    content.resize(*read);
    return content;
}

Result<void> replace_file(FileSystem& files, const fs::path& path, std::string_view content, bool secret) {
    const fs::path temporary = path.string() + ".tmp";
    const auto file = files.create(temporary, secret);
    if (!file) return std::unexpected(file.error());
    if (auto written = (*file)->write_at(0, content); !written) return written;
    if (auto synced = (*file)->sync_all(); !synced) return synced;
    if (auto renamed = files.rename(temporary, path); !renamed) return renamed;
    return files.sync_directory(path.parent_path());
}

Error system_error(int error_number, const fs::path& path, std::string_view call) {
    const bool no_space = error_number == ENOSPC || error_number == EDQUOT;
    return {no_space ? Errc::kNoSpace : Errc::kIo,
            path.string() + ": cannot " + std::string(call) + ": " + std::generic_category().message(error_number)};
}

}  // namespace zabd::storage
