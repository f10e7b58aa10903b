#include "tests/unit/storage/disk_calls.hpp"

#include <dlfcn.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <fstream>
#include <iterator>
#include <utility>

namespace zabd::storage {

DiskCalls& DiskCalls::instance() {
    static DiskCalls calls;
    return calls;
}

void DiskCalls::record(const std::filesystem::path& file) {
    const std::lock_guard lock(mutex_);
    file_ = file;
    calls_.clear();
}

std::size_t DiskCalls::count() {
    const std::lock_guard lock(mutex_);
    return calls_.size();
}

std::vector<DiskCall> DiskCalls::recorded() {
    const std::lock_guard lock(mutex_);
    file_.clear();
    return std::exchange(calls_, {});
}

void DiskCalls::fail(const Failures& failures) {
    const std::lock_guard lock(mutex_);
    failures_ = failures;
}

DiskCalls::Failures DiskCalls::failures() {
    const std::lock_guard lock(mutex_);
    return failures_;
}

void DiskCalls::die_before(std::uint64_t call) { calls_left_ = call; }

void DiskCalls::count_down() {
    auto left = calls_left_.load();
    while (left != 0 && !calls_left_.compare_exchange_weak(left, left - 1)) {
    }
    if (left == 1) ::_exit(kKilled);
}

void DiskCalls::see(int descriptor, DiskCall call) {
    const int errno_before = errno;
    const std::lock_guard lock(mutex_);
    if (file_.empty()) return;
    std::error_code error;
    const auto file = std::filesystem::read_symlink("/proc/self/fd/" + std::to_string(descriptor), error);
    if (file == file_) calls_.push_back(std::move(call));
    errno = errno_before;
}

void DiskCalls::see_rename(const std::filesystem::path& to) {
    const std::lock_guard lock(mutex_);
    if (file_.empty() || to.parent_path() != file_.parent_path()) return;
    std::ifstream in(to, std::ios::binary);
    calls_.push_back({DiskCall::Kind::kReplace, 0, {std::istreambuf_iterator<char>(in), {}}});
}

namespace {

using Kind = DiskCall::Kind;

template <class Function>
Function* next_of(const char* name) {
    return reinterpret_cast<Function*>(::dlsym(RTLD_NEXT, name));
}

Kind kind_of_write(int descriptor) {
    return (::fcntl(descriptor, F_GETFL) & O_DSYNC) != 0 ? Kind::kSyncedWrite : Kind::kWrite;
}

void see_write(int descriptor, off_t offset, std::string bytes) {
    DiskCalls::instance().see(descriptor,
                              {kind_of_write(descriptor), static_cast<std::uint64_t>(offset), std::move(bytes)});
}

/// Fails as told.
bool fails(int error) {
    if (error != 0) errno = error;
    return error != 0;
}

}  // namespace
}  // namespace zabd::storage

using namespace zabd::storage;

extern "C" {

ssize_t pwrite(int descriptor, const void* bytes, size_t size, off_t offset) {
    static auto* const next = next_of<ssize_t(int, const void*, size_t, off_t)>("pwrite");
    DiskCalls::instance().count_down();
    if (fails(DiskCalls::instance().failures().write)) return -1;
    const auto written = next(descriptor, bytes, size, offset);
    if (written > 0)
        see_write(descriptor, offset, {static_cast<const char*>(bytes), static_cast<std::size_t>(written)});
    return written;
}

ssize_t writev(int descriptor, const iovec* parts, int count) {
    static auto* const next = next_of<ssize_t(int, const iovec*, int)>("writev");
    DiskCalls::instance().count_down();
    if (fails(DiskCalls::instance().failures().write)) return -1;
    const auto offset = ::lseek(descriptor, 0, SEEK_CUR);
    const auto written = next(descriptor, parts, count);
    if (written <= 0 || offset < 0) return written;
    std::string bytes;
    for (int n = 0; n < count; ++n) bytes.append(static_cast<const char*>(parts[n].iov_base), parts[n].iov_len);
    bytes.resize(static_cast<std::size_t>(written));
    see_write(descriptor, offset, std::move(bytes));
    return written;
}

int fdatasync(int descriptor) {
    static auto* const next = next_of<int(int)>("fdatasync");
    DiskCalls::instance().count_down();
    if (fails(DiskCalls::instance().failures().sync)) return -1;
    const int result = next(descriptor);
    if (result == 0) DiskCalls::instance().see(descriptor, {Kind::kSync, 0, {}});
    return result;
}

int fsync(int descriptor) {
    static auto* const next = next_of<int(int)>("fsync");
    DiskCalls::instance().count_down();
    if (fails(DiskCalls::instance().failures().sync)) return -1;
    const int result = next(descriptor);
    if (result == 0) DiskCalls::instance().see(descriptor, {Kind::kSync, 0, {}});
    return result;
}

int rename(const char* from, const char* to) noexcept {
    static auto* const next = next_of<int(const char*, const char*)>("rename");
    DiskCalls::instance().count_down();
    if (fails(DiskCalls::instance().failures().rename)) return -1;
    const int result = next(from, to);
    if (result == 0) DiskCalls::instance().see_rename(to);
    return result;
}

int ftruncate(int descriptor, off_t size) noexcept {
    static auto* const next = next_of<int(int, off_t)>("ftruncate");
    const int result = next(descriptor, size);
    if (result == 0) DiskCalls::instance().see(descriptor, {Kind::kResize, static_cast<std::uint64_t>(size), {}});
    return result;
}

int posix_fallocate(int descriptor, off_t offset, off_t size) {
    static auto* const next = next_of<int(int, off_t, off_t)>("posix_fallocate");
    DiskCalls::instance().count_down();
    if (const int error = DiskCalls::instance().failures().allocate; error != 0) return error;
    const int error = next(descriptor, offset, size);
    if (error == 0)
        DiskCalls::instance().see(descriptor, {Kind::kResize, static_cast<std::uint64_t>(offset + size), {}});
    return error;
}

int mkdir(const char* path, mode_t mode) noexcept {
    static auto* const next = next_of<int(const char*, mode_t)>("mkdir");
    DiskCalls::instance().count_down();
    return next(path, mode);
}

int unlink(const char* path) noexcept {
    static auto* const next = next_of<int(const char*)>("unlink");
    DiskCalls::instance().count_down();
    return next(path);
}

int unlinkat(int directory, const char* path, int flags) noexcept {
    static auto* const next = next_of<int(int, const char*, int)>("unlinkat");
    DiskCalls::instance().count_down();
    return next(directory, path, flags);
}

}  // extern "C"
