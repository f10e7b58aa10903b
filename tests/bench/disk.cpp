// zabd-bench-disk: the ceiling of what one durable write at a time can do, a bare loop of pwrite and fdatasync.
#include "tests/bench/failure.hpp"
#include "tests/bench/histogram.hpp"
#include "tests/bench/report.hpp"
#include "tests/bench/socket.hpp"

#include <CLI/CLI.hpp>
#include <fcntl.h>
#include <unistd.h>

#include <array>
#include <filesystem>
#include <iostream>
#include <string>
#include <utility>

namespace zabd::bench {
namespace {

constexpr std::size_t kBlockBytes = 4096;
constexpr std::size_t kFileBytes = 16 << 20;  // overwritten from the start again when its end is reached

/// A file that is deleted at the end.
class ScratchFile {
public:
    explicit ScratchFile(const std::string& directory)
        : path_(std::filesystem::path(directory) / "zabd-bench-disk.tmp"),
          file_(::open(path_.c_str(), O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600)) {
        if (file_.get() < 0) fail_with_errno(path_);
    }
    ~ScratchFile() { ::unlink(path_.c_str()); }
    ScratchFile(const ScratchFile&) = delete;
    ScratchFile& operator=(const ScratchFile&) = delete;

    void write_block(std::size_t offset) const {
        static constexpr std::array<char, kBlockBytes> kBlock{'x'};
        if (::pwrite(file_.get(), kBlock.data(), kBlock.size(), static_cast<off_t>(offset)) != kBlockBytes)
            fail_with_errno("pwrite");
    }
    void sync() const {
        if (::fdatasync(file_.get()) != 0) fail_with_errno("fdatasync");
    }
    /// Blocks that belong to the file and have never been written.
    void allocate() const {
        if (::posix_fallocate(file_.get(), 0, kFileBytes) != 0)
            throw Failure("the disk has no room for a scratch file");
    }
    void write_all() const {
        for (std::size_t offset = 0; offset < kFileBytes; offset += kBlockBytes) write_block(offset);
        sync();
    }

private:
    std::string path_;
    Descriptor file_;
};

enum class Blocks { kOverwritten, kAllocated, kAppended };

Json measure(const std::string& directory, Seconds duration, Blocks blocks) {
    const ScratchFile file(directory);
    if (blocks == Blocks::kOverwritten) file.write_all();
    if (blocks == Blocks::kAllocated) file.allocate();
    file.sync();

    Histogram latency;
    const auto start = Clock::now();
    auto now = start;
    for (std::size_t offset = 0; now - start < duration; offset += kBlockBytes) {
        if (blocks == Blocks::kAllocated && offset == kFileBytes) break;
        file.write_block(blocks == Blocks::kOverwritten ? offset % kFileBytes : offset);
        file.sync();
        const auto end = Clock::now();
        latency.add(end - std::exchange(now, end));
    }
    Json json;
    json["operations"] = latency.count();
    json["per_second"] = static_cast<double>(latency.count()) / Seconds(now - start).count();
    add_latency(json, latency);
    return json;
}

int run(int argc, char** argv) {
    std::string directory;
    double seconds = 2;
    CLI::App app("Writes and syncs one block of 4 KiB after the other, and prints how long that takes as JSON.");
    app.add_option("--directory", directory, "on the file system in question")->required();
    app.add_option("--seconds", seconds, "for each way of writing")->capture_default_str();
    CLI11_PARSE(app, argc, argv);
    Json json;
    json["overwriting"] = measure(directory, Seconds(seconds), Blocks::kOverwritten);
    json["filling"] = measure(directory, Seconds(seconds), Blocks::kAllocated);
    json["appending"] = measure(directory, Seconds(seconds), Blocks::kAppended);
    std::cout << json.dump(2) << "\n";
    return 0;
}

}  // namespace
}  // namespace zabd::bench

int main(int argc, char** argv) {
    try {
        return zabd::bench::run(argc, argv);
    } catch (const std::exception& problem) {
        std::cerr << "zabd-bench-disk: " << problem.what() << "\n";
        return 1;
    }
}
