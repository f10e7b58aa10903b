// A rotten page may send LMDB anywhere. While one of these lives, that ends the process with a word about the checkpoint
// and the place instead of a bare signal. For the time of loading, when nothing else runs: signals are the process's.
#pragma once

#include <signal.h>

#include <array>
#include <filesystem>
#include <string_view>

namespace zabd::storage {

class LmdbDamageTrap {
public:
    explicit LmdbDamageTrap(const std::filesystem::path& directory);
    ~LmdbDamageTrap();
    LmdbDamageTrap(const LmdbDamageTrap&) = delete;
    LmdbDamageTrap& operator=(const LmdbDamageTrap&) = delete;

    /// Where the file is mapped: lets the message name a byte of it.
    void watch(std::string_view map);

private:
    std::array<struct sigaction, 2> before_{};
};

}  // namespace zabd::storage
