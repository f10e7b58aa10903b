// Line editing, history and completion on the terminal, by libedit (which reads the user's ~/.editrc).
//
// History   kept in $XDG_STATE_HOME/zabctl/history, or ~/.local/state; readable by the user alone.
#pragma once

#include "zabctl/line_source.hpp"

#include <boost/asio/posix/stream_descriptor.hpp>
#include <boost/asio/signal_set.hpp>
#include <histedit.h>

#include <filesystem>

namespace zabd::zabctl {

class LineEditor : public LineSource {
public:
    LineEditor(EventLoop& loop, Complete complete);
    ~LineEditor() override;
    LineEditor(const LineEditor&) = delete;
    LineEditor& operator=(const LineEditor&) = delete;

    std::optional<std::string> read(const std::string& prompt) override;
    void print(std::string_view lines) override;
    void remember(const std::string& line) override;
    [[nodiscard]] bool interactive() const override { return true; }

private:
    struct EndEditLine {
        void operator()(EditLine* editor) const { ::el_end(editor); }
    };
    struct EndHistory {
        void operator()(History* history) const { ::history_end(history); }
    };

    // libedit's callbacks
    static LineEditor& self(EditLine* editor);
    static char* prompt(EditLine* editor);
    static int read_character(EditLine* editor, wchar_t* character);
    static unsigned char complete(EditLine* editor, int);

    bool wait_for_input();
    int take_character(wchar_t& character);
    unsigned char offer(const Candidates& candidates);
    void follow_resizes();
    void load_history();

    EventLoop& loop_;
    Complete complete_;
    boost::asio::posix::stream_descriptor terminal_;
    boost::asio::signal_set resized_;
    std::unique_ptr<EditLine, EndEditLine> editor_;
    std::unique_ptr<History, EndHistory> history_;
    std::filesystem::path history_file_;
    std::string prompt_;
    bool waiting_ = false;  // for the terminal to be readable
    bool readable_ = false;
    bool editing_ = false;  // there is a prompt with a line
};

}  // namespace zabd::zabctl
