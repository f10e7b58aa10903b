// To be preloaded into a server: a disk whose syncs take long. The file that ZABD_SYNC_DELAY_FILE names says for how many
// ms, and is read anew for each sync.
#include <dlfcn.h>

#include <chrono>
#include <cstdlib>
#include <fstream>
#include <thread>

extern "C" int fdatasync(int descriptor) {
    int delay_ms = 0;
    if (const char* path = std::getenv("ZABD_SYNC_DELAY_FILE")) std::ifstream(path) >> delay_ms;
    std::this_thread::sleep_for(std::chrono::milliseconds(delay_ms));
    static const auto real = reinterpret_cast<int (*)(int)>(::dlsym(RTLD_NEXT, "fdatasync"));
    return real(descriptor);
}
