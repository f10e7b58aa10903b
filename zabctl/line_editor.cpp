#include "zabctl/line_editor.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <cwchar>

namespace zabd::zabctl {
namespace {

namespace asio = boost::asio;
namespace fs = std::filesystem;

constexpr int kHistoryLines = 1000;
constexpr std::string_view kNeedsBackslash = " \t\"'\\;";

/// A description of its own: Asio makes it non-blocking, which those who share standard input must not see.
int open_terminal() {
    const char* name = ::ttyname(STDIN_FILENO);
    return ::open(name ? name : "/dev/tty", O_RDONLY | O_NOCTTY | O_CLOEXEC);
}

fs::path state_directory() {
    if (const char* state = std::getenv("XDG_STATE_HOME"); state && *state) return fs::path(state) / "zabctl";
    if (const char* home = std::getenv("HOME"); home && *home) return fs::path(home) / ".local/state/zabctl";
    return {};
}

std::string with_backslashes(std::string_view text) {
    std::string escaped;
    for (const char character : text) {
        if (kNeedsBackslash.find(character) != std::string_view::npos) escaped += '\\';
        escaped += character;
    }
    return escaped;
}

std::size_t common_size(const std::vector<std::string>& words) {
    std::size_t size = words.front().size();
    for (const auto& word : words) {
        const auto differs = std::mismatch(word.begin(), word.end(), words.front().begin(), words.front().end());
        size = std::min(size, static_cast<std::size_t>(differs.first - word.begin()));
    }
    return size;
}

}  // namespace

LineEditor::LineEditor(EventLoop& loop, Complete complete)
    : loop_(loop),
      complete_(std::move(complete)),
      terminal_(loop.io(), open_terminal()),
      resized_(loop.io(), SIGWINCH),
      editor_(::el_init("zabctl", stdin, stdout, stderr)),
      history_(::history_init()) {
    auto* editor = editor_.get();
    ::el_set(editor, EL_CLIENTDATA, this);
    ::el_set(editor, EL_PROMPT, &LineEditor::prompt);
    ::el_set(editor, EL_GETCFN, &LineEditor::read_character);
    ::el_set(editor, EL_EDITOR, "emacs");
    ::el_set(editor, EL_HIST, ::history, history_.get());
    ::el_set(editor, EL_ADDFN, "zabctl-complete", "Completes a command, a flag or a path", &LineEditor::complete);
    ::el_set(editor, EL_BIND, "^I", "zabctl-complete", nullptr);
    ::el_set(editor, EL_BIND, "^R", "em-inc-search-prev", nullptr);
    ::el_source(editor, nullptr);
    load_history();
    follow_resizes();
}

LineEditor::~LineEditor() {
    HistEvent event;
    if (!history_file_.empty()) ::history(history_.get(), &event, H_SAVE, history_file_.c_str());
}

void LineEditor::load_history() {
    HistEvent event;
    ::history(history_.get(), &event, H_SETSIZE, kHistoryLines);
    ::history(history_.get(), &event, H_SETUNIQUE, 1);
    std::error_code error;
    const auto directory = state_directory();
    if (directory.empty() || (fs::create_directories(directory, error), error)) return;
    history_file_ = directory / "history";
    // Made here, as libedit would make it readable to all.
    const int file = ::open(history_file_.c_str(), O_CREAT | O_RDONLY | O_CLOEXEC, S_IRUSR | S_IWUSR);
    if (file >= 0) ::close(file);
    ::history(history_.get(), &event, H_LOAD, history_file_.c_str());
}

std::optional<std::string> LineEditor::read(const std::string& prompt) {
    prompt_ = prompt;
    editing_ = true;
    ::el_set(editor_.get(), EL_PREP_TERM, 1);  // before the prompt: keys that answer it must not be echoed twice
    int size = 0;
    const char* line = ::el_gets(editor_.get(), &size);
    editing_ = false;
    const int signal = loop_.take_interrupt();
    if (signal != 0) std::fputs("\n", stdout);
    if (signal == SIGINT) return std::string();
    if (signal != 0 || !line) return std::nullopt;
    std::string text(line, static_cast<std::size_t>(size));
    while (text.ends_with('\n')) text.pop_back();
    return text;
}

void LineEditor::print(std::string_view lines) {
    std::fputs(editing_ ? "\r\x1b[K" : "", stdout);
    std::fwrite(lines.data(), 1, lines.size(), stdout);
    std::fputs("\n", stdout);
    std::fflush(stdout);
    if (editing_) ::el_set(editor_.get(), EL_REFRESH);
}

void LineEditor::remember(const std::string& line) {
    HistEvent event;
    ::history(history_.get(), &event, H_ENTER, line.c_str());
}

LineEditor& LineEditor::self(EditLine* editor) {
    void* data = nullptr;
    ::el_get(editor, EL_CLIENTDATA, &data);
    return *static_cast<LineEditor*>(data);
}

char* LineEditor::prompt(EditLine* editor) { return self(editor).prompt_.data(); }

int LineEditor::read_character(EditLine* editor, wchar_t* character) {
    auto& own = self(editor);
    if (!own.wait_for_input()) {
        errno = EINTR;
        return -1;
    }
    return own.take_character(*character);
}

/// False if a signal came first.
bool LineEditor::wait_for_input() {
    if (!waiting_ && !readable_) {
        waiting_ = true;
        terminal_.async_wait(terminal_.wait_read, [this](const boost::system::error_code&) {
            waiting_ = false;
            readable_ = true;
        });
    }
    loop_.run_until([this] { return readable_ || loop_.interrupted() != 0; });
    return loop_.interrupted() == 0;
}

/// 1, 0 at the end of the input, -1 for what is no character.
int LineEditor::take_character(wchar_t& character) {
    readable_ = false;
    std::mbstate_t state{};
    for (;;) {
        char byte = 0;
        const auto size = ::read(terminal_.native_handle(), &byte, 1);
        if (size < 0 && errno == EAGAIN) {
            if (!wait_for_input()) return -1;
            readable_ = false;
            continue;
        }
        if (size <= 0) return 0;
        const auto taken = std::mbrtowc(&character, &byte, 1, &state);
        if (taken == static_cast<std::size_t>(-2)) continue;  // more bytes of the character follow
        return taken == static_cast<std::size_t>(-1) ? -1 : 1;
    }
}

unsigned char LineEditor::complete(EditLine* editor, int) {
    auto& own = self(editor);
    const auto* line = ::el_line(editor);
    return own.offer(own.complete_(std::string_view(line->buffer, line->cursor)));
}

unsigned char LineEditor::offer(const Candidates& candidates) {
    if (candidates.words.empty()) return CC_REFRESH_BEEP;
    const auto common = common_size(candidates.words);
    const bool only = candidates.words.size() == 1;
    if (common > candidates.typed || only) {
        const auto rest = candidates.words.front().substr(candidates.typed, common - candidates.typed);
        auto text = candidates.quoted ? rest : with_backslashes(rest);
        if (only) text += candidates.behind;
        ::el_insertstr(editor_.get(), text.c_str());
        return CC_REFRESH;
    }
    std::string list;
    for (const auto& word : candidates.words) list += (list.empty() ? "" : "  ") + word;
    print(list);
    return CC_REFRESH;
}

void LineEditor::follow_resizes() {
    resized_.async_wait([this](const boost::system::error_code& error, int) {
        if (error) return;
        ::el_resize(editor_.get());
        follow_resizes();
    });
}

}  // namespace zabd::zabctl
