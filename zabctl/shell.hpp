// The interactive shell: reads lines, runs each as a command, tells of watches' events in between.
//
// Waiting   whoever waits runs the event loop: reading a key, running a command and completing a word all do, so the
//           session lives and events come while the user thinks, without a thread.
#pragma once

#include "client/types.hpp"
#include "zabctl/context.hpp"
#include "zabctl/event_loop.hpp"

#include <memory>
#include <string>
#include <utility>
#include <vector>

namespace zabd::zabctl {

class LineSource;

class Shell {
public:
    Shell(EventLoop& loop, Context& context);
    ~Shell();
    Shell(const Shell&) = delete;
    Shell& operator=(const Shell&) = delete;

    /// Until `quit` or the end of the input. The exit code: of the last command, if the input is no terminal.
    int run();

    // --- for commands ---

    void tell(const client::Event& event);
    void tell_events(bool on) { tells_events_ = on; }
    [[nodiscard]] bool tells_events() const { return tells_events_; }
    void quit() { quit_ = true; }
    [[nodiscard]] const std::vector<std::string>& history() const { return history_; }
    /// Runs the line when the present command has ended.
    void redo(std::string line) { next_line_ = std::move(line); }

private:
    void connect();
    void run_line(std::string line);
    [[nodiscard]] std::string prompt() const;

    EventLoop& loop_;
    Context& context_;
    std::unique_ptr<LineSource> source_;
    std::vector<std::string> history_;  // of this shell
    std::string next_line_;
    bool tells_events_ = true;
    bool in_doubt_ = false;  // the connection, by what was last told of it
    bool quit_ = false;
};

}  // namespace zabd::zabctl
