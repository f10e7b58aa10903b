// The system calls by which a file reaches the disk, those of LMDB included: seen in their order, or made to fail.
//
// They are defined in this program in front of the C library's, and hand on to it. The whole process has one.
#pragma once

#include <atomic>
#include <cstdint>
#include <filesystem>
#include <mutex>
#include <string>
#include <vector>

namespace zabd::storage {

struct DiskCall {
    enum class Kind {
        kWrite,
        kSyncedWrite,  // durable once it has returned: the file was opened with O_DSYNC
        kSync,
        kResize,
        kReplace,  // of another file in its directory, by renaming
    };
    Kind kind{};
    std::uint64_t offset = 0;  // kResize: the new size
    std::string bytes;         // kReplace: all that the other file now has
};

class DiskCalls {
public:
    static constexpr int kKilled = 77;  // exit code after die_before()

    static DiskCalls& instance();

    /// Of this file, from now on.
    void record(const std::filesystem::path& file);
    [[nodiscard]] std::size_t count();
    std::vector<DiskCall> recorded();

    /// Each fails with this error number; 0: none does.
    struct Failures {
        int write = 0;
        int sync = 0;
        int allocate = 0;
        int rename = 0;
    };
    void fail(const Failures& failures);

    /// The process ends, as if killed, before it makes its n-th call from now on that changes a disk. For one that was
    /// forked for it. 0: it does not.
    void die_before(std::uint64_t call);

    // For the calls themselves.
    void count_down();
    [[nodiscard]] Failures failures();
    void see(int descriptor, DiskCall call);
    void see_rename(const std::filesystem::path& to);

private:
    std::mutex mutex_;
    std::filesystem::path file_;
    std::vector<DiskCall> calls_;
    Failures failures_;
    std::atomic<std::uint64_t> calls_left_{0};  // 0: no bound
};

}  // namespace zabd::storage
