#include "storage/lmdb_damage_trap.hpp"

#include "storage/lmdb_environment.hpp"

#include <unistd.h>

#include <charconv>
#include <cstdint>
#include <cstdlib>
#include <string>

namespace zabd::storage {

namespace {

// A signal handler may use nothing but what is there already.
char message[1024];
std::size_t message_bytes = 0;
std::uintptr_t map_begin = 0;
std::uintptr_t map_end = 0;

void say(std::string_view text) { (void)!::write(STDERR_FILENO, text.data(), text.size()); }

void on_signal(int, siginfo_t* info, void*) {
    say({message, message_bytes});
    const auto at = reinterpret_cast<std::uintptr_t>(info->si_addr);
    if (at >= map_begin && at < map_end) {
        char digits[24];
        const auto end = std::to_chars(digits, digits + sizeof digits, at - map_begin).ptr;
        say(" (reading byte ");
        say({digits, static_cast<std::size_t>(end - digits)});
        say(")");
    }
    say("\n");
    std::abort();
}

}  // namespace

LmdbDamageTrap::LmdbDamageTrap(const std::filesystem::path& directory) {
    const auto text = "fatal: " + checkpoint_damage(directory, "LMDB cannot read it").where;
    message_bytes = text.copy(message, sizeof message);
    watch({});
    struct sigaction action {};
    action.sa_sigaction = on_signal;
    action.sa_flags = SA_SIGINFO;
    ::sigaction(SIGSEGV, &action, &before_[0]);
    ::sigaction(SIGBUS, &action, &before_[1]);
}

LmdbDamageTrap::~LmdbDamageTrap() {
    ::sigaction(SIGSEGV, &before_[0], nullptr);
    ::sigaction(SIGBUS, &before_[1], nullptr);
}

void LmdbDamageTrap::watch(std::string_view map) {
    map_begin = reinterpret_cast<std::uintptr_t>(map.data());
    map_end = map_begin + map.size();
}

}  // namespace zabd::storage
