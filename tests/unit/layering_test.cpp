// Holds the sources to the diagram of docs/architecture.md: who may include whom, and what pure folders never use.
// C++ does not refuse an include by itself, so this takes the compiler's place.
#include <catch2/catch.hpp>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <functional>
#include <map>
#include <regex>
#include <set>
#include <sstream>
#include <string>
#include <utility>
#include <vector>

namespace {

struct Folder {
    bool pure;
    std::set<std::string> may_include;  // besides itself
};

const std::map<std::string, Folder> kFolders{
    {"wire", {.pure = true, .may_include = {}}},
    {"znode", {.pure = true, .may_include = {"wire"}}},
    {"session", {.pure = true, .may_include = {"wire"}}},
    {"zab", {.pure = true, .may_include = {"wire"}}},
    {"server/core", {.pure = true, .may_include = {"wire", "znode", "session", "zab"}}},
    {"storage", {.pure = false, .may_include = {"wire"}}},
    {"net", {.pure = false, .may_include = {"wire"}}},
    {"server", {.pure = false, .may_include = {"wire", "server/core", "storage", "net"}}},
    {"client", {.pure = false, .may_include = {"wire", "net"}}},
    {"recipes", {.pure = false, .may_include = {"wire", "client"}}},
    {"server/admin",
     {.pure = false, .may_include = {"wire", "znode", "server/core", "server", "net", "client", "recipes"}}},
    {"server/main.cpp", {.pure = false, .may_include = {"server", "server/admin"}}},
    {"zabctl", {.pure = false, .may_include = {"wire", "client", "recipes"}}},
};

const std::set<std::string> kStandardNotForPure{
    "atomic",    "barrier",      "condition_variable", "csignal", "ctime", "filesystem",
    "fstream",   "future",       "iostream",           "latch",   "mutex", "random",
    "semaphore", "shared_mutex", "stop_token",         "thread",
};
const std::regex kLibraryForPure{R"(libdeflate\.h|openssl/(evp|sha|hmac|crypto)\.h)"};
const std::regex kWordNotForPure{
    R"(\b((system|steady|high_resolution|utc|file)_clock|gettimeofday|clock_gettime|std::time|random_device|s?rand|)"
    R"(RAND_\w+|getenv|thread_local|this_thread|j?thread|fopen|f?printf|f?puts|fwrite|std::c(out|err))\b)"};

/// Where a pure folder has what it may not, and why that is no effect.
const std::set<std::pair<std::string, std::string>> kExceptions{
    {"wire/bytes.cpp", "atomic"},    // threads share a blob, so the count of its owners is one
    {"wire/assert.cpp", "fprintf"},  // last words before abort
};

using Sources = std::map<std::string, std::string>;  // path from the root -> text
using Findings = std::vector<std::string>;

/// The program's main file joins what is on top; it counts as a folder of its own.
std::string folder_of(const std::string& path) {
    return path == "server/main.cpp" ? path : path.substr(0, path.rfind('/'));
}

/// Calls `see` for each include: kind is '"' for ours and '<' for those of libraries.
using Seen = std::function<void(std::size_t line_number, char kind, const std::string& header)>;
void for_each_include(const std::string& text, const Seen& see) {
    static const std::regex kInclude{R"(^\s*#\s*include\s*(["<])([^">]+)[">].*)"};
    std::istringstream lines{text};
    std::smatch match;
    std::size_t line_number = 0;
    for (std::string line; std::getline(lines, line);) {
        ++line_number;
        if (std::regex_match(line, match, kInclude)) see(line_number, *match[1].first, match[2]);
    }
}

std::string place(const std::string& path, std::size_t line_number) {
    return path + ":" + std::to_string(line_number) + ": ";
}

void check_includes(const std::string& path, const std::string& text, const Sources& sources, Findings& findings) {
    const auto from = folder_of(path);
    const auto& folder = kFolders.at(from);
    for_each_include(text, [&](std::size_t line_number, char kind, const std::string& header) {
        const auto refuse = [&](const std::string& why) {
            findings.push_back(place(path, line_number) + header + " " + why);
        };
        if (kind == '"') {
            const auto to = folder_of(header);
            if (to != from && !folder.may_include.contains(to)) {
                refuse("is not for " + from);
            } else if (!sources.contains(header)) {
                refuse("is no file of ours");
            }
        } else if (folder.pure && !kExceptions.contains({path, header})) {
            const bool standard = header.find_first_of("./") == std::string::npos;
            if (standard ? kStandardNotForPure.contains(header) : !std::regex_match(header, kLibraryForPure)) {
                refuse("is not for a pure folder");
            }
        }
    });
}

void check_words(const std::string& path, const std::string& text, Findings& findings) {
    if (!kFolders.at(folder_of(path)).pure) return;
    std::istringstream lines{text};
    std::smatch match;
    std::size_t line_number = 0;
    for (std::string line; std::getline(lines, line);) {
        ++line_number;
        const auto code = line.substr(0, line.find("//"));
        if (code.starts_with('#') || !std::regex_search(code, match, kWordNotForPure)) continue;
        if (!kExceptions.contains({path, match.str()})) {
            findings.push_back(place(path, line_number) + match.str() + " is not for a pure folder");
        }
    }
}

/// Depth first over the includes; a file met again while it is still open closes a cycle.
void check_cycles(const Sources& sources, Findings& findings) {
    std::set<std::string> open;
    std::set<std::string> done;
    const std::function<void(const std::string&)> visit = [&](const std::string& path) {
        open.insert(path);
        for_each_include(sources.at(path), [&](std::size_t line_number, char, const std::string& header) {
            if (open.contains(header)) findings.push_back(place(path, line_number) + header + " closes a cycle");
            if (sources.contains(header) && !open.contains(header) && !done.contains(header)) visit(header);
        });
        open.erase(path);
        done.insert(path);
    };
    for (const auto& [path, text] : sources) {
        if (!done.contains(path)) visit(path);
    }
}

Findings check(const Sources& sources) {
    Findings findings;
    for (const auto& [path, text] : sources) {
        if (!kFolders.contains(folder_of(path))) {
            findings.push_back(path + ": its folder is not in the table of layers");
            continue;
        }
        check_includes(path, text, sources, findings);
        check_words(path, text, findings);
    }
    check_cycles(sources, findings);
    return findings;
}

Sources read_sources() {
    namespace fs = std::filesystem;
    const fs::path root = ZABD_SOURCE_DIR;
    const std::set<std::string> not_product{"build", "tests", "examples", "docs", "scripts"};
    Sources sources;
    for (const auto& top : fs::directory_iterator{root}) {
        const auto name = top.path().filename().string();
        if (!top.is_directory() || name.starts_with('.') || not_product.contains(name)) continue;
        for (const auto& entry : fs::recursive_directory_iterator{top}) {
            const auto extension = entry.path().extension();
            if (extension != ".hpp" && extension != ".cpp") continue;
            std::ostringstream text;
            text << std::ifstream{entry.path()}.rdbuf();
            sources.emplace(entry.path().lexically_relative(root).generic_string(), text.str());
        }
    }
    return sources;
}

}  // namespace

TEST_CASE("the sources keep to the layers", "[layering]") {
    const auto sources = read_sources();
    REQUIRE(sources.contains("wire/ids.hpp"));
    for (const auto& finding : check(sources)) FAIL_CHECK(finding);
}

TEST_CASE("a breach of the layers is told with file and line", "[layering]") {
    struct Case {
        std::string path, text, finding;
    };
    const auto c = GENERATE(values<Case>({
        {"znode/a.cpp", "#include \"wire/known.hpp\"\n", ""},
        {"wire/bytes.cpp", "#include <atomic>\n", ""},
        {"server/a.cpp", "#include <boost/asio.hpp>\nauto now = std::chrono::steady_clock::now();\n", ""},
        {"znode/a.cpp", "int a;  // unlike steady_clock\n", ""},
        {"znode/a.cpp", "#include \"session/known.hpp\"\n", "znode/a.cpp:1: session/known.hpp is not for znode"},
        {"wire/a.hpp", "\n#include \"znode/known.hpp\"\n", "wire/a.hpp:2: znode/known.hpp is not for wire"},
        {"net/a.cpp", "#include \"server/known.hpp\"\n", "net/a.cpp:1: server/known.hpp is not for net"},
        {"server/a.cpp", "#include \"znode/known.hpp\"\n", "server/a.cpp:1: znode/known.hpp is not for server"},
        {"zab/a.cpp", "#include \"known.hpp\"\n", "zab/a.cpp:1: known.hpp is not for zab"},
        {"zab/a.cpp", "#include \"zab/gone.hpp\"\n", "zab/a.cpp:1: zab/gone.hpp is no file of ours"},
        {"zab/a.cpp", "#include <mutex>\n", "zab/a.cpp:1: mutex is not for a pure folder"},
        {"zab/a.cpp", "#include <sys/socket.h>\n", "zab/a.cpp:1: sys/socket.h is not for a pure folder"},
        {"zab/a.cpp", "auto t = steady_clock::now();\n", "zab/a.cpp:1: steady_clock is not for a pure folder"},
        {"server/core/a.cpp", "\n\nrand();", "server/core/a.cpp:3: rand is not for a pure folder"},
        {"wire/a.hpp", "#include \"wire/a.hpp\"", "wire/a.hpp:1: wire/a.hpp closes a cycle"},
        {"misc/a.hpp", "", "misc/a.hpp: its folder is not in the table of layers"},
    }));
    CAPTURE(c.path, c.text);
    Sources sources{{c.path, c.text}};
    for (const auto& [folder, rules] : kFolders) sources.emplace(folder + "/known.hpp", "");
    CHECK(check(sources) == (c.finding.empty() ? Findings{} : Findings{c.finding}));
}

TEST_CASE("files that include each other are told", "[layering]") {
    const Sources sources{{"wire/a.hpp", "#include \"wire/b.hpp\""}, {"wire/b.hpp", "#include \"wire/a.hpp\""}};
    CHECK(check(sources) == Findings{"wire/b.hpp:1: wire/a.hpp closes a cycle"});
}
