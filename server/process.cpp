#include "server/process.hpp"

#ifdef ZABD_MIMALLOC
#include <mimalloc.h>
#endif
#include <pwd.h>
#include <sys/resource.h>
#include <sys/sysinfo.h>
#include <sys/utsname.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>

namespace zabd::server {
namespace {

constexpr std::uint64_t kMegabyte = 1 << 20;

}  // namespace

std::uint64_t resident_bytes() {
    std::uint64_t program_pages = 0;
    std::uint64_t resident_pages = 0;
    std::ifstream{"/proc/self/statm"} >> program_pages >> resident_pages;
    return resident_pages * static_cast<std::uint64_t>(::sysconf(_SC_PAGESIZE));
}

void raise_descriptor_limit() {
    rlimit limit{};
    if (::getrlimit(RLIMIT_NOFILE, &limit) != 0) return;
    limit.rlim_cur = limit.rlim_max;
    ::setrlimit(RLIMIT_NOFILE, &limit);  // refused: then the limit stays as it is
}

void count_descriptors(ServerFigures& figures) {
    std::error_code error;
    figures.descriptors_open = 0;
    for (std::filesystem::directory_iterator entry{"/proc/self/fd", error}, end; !error && entry != end;
         entry.increment(error)) {
        ++figures.descriptors_open;
    }
    rlimit limit{};
    if (::getrlimit(RLIMIT_NOFILE, &limit) == 0) figures.descriptors_max = limit.rlim_cur;
}

Environment environment() {
    Environment environment;
    utsname system{};
    if (::uname(&system) == 0) {
        environment.host_name = system.nodename;
        environment.os_name = system.sysname;
        environment.os_arch = system.machine;
        environment.os_version = system.release;
    }
    if (const passwd* user = ::getpwuid(::getuid())) {
        environment.user_name = user->pw_name;
        environment.user_home = user->pw_dir;
    }
    std::error_code error;
    environment.user_dir = std::filesystem::current_path(error).string();
    struct sysinfo memory {};
    if (::sysinfo(&memory) == 0) {
        environment.memory_free_mb = memory.freeram * memory.mem_unit / kMegabyte;
        environment.memory_max_mb = memory.totalram * memory.mem_unit / kMegabyte;
    }
    environment.memory_total_mb = resident_bytes() / kMegabyte;
    return environment;
}

void give_back_memory() {
#ifdef ZABD_MIMALLOC
    mi_collect(true);
#endif
}

}  // namespace zabd::server
