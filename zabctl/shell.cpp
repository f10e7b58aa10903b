#include "zabctl/shell.hpp"

#include "zabctl/completion.hpp"
#include "zabctl/line_source.hpp"
#include "zabctl/runner.hpp"
#include "zabctl/words.hpp"

#include <fmt/format.h>

#include <utility>

namespace zabd::zabctl {
namespace {

boost::asio::awaitable<void> await_session(Context& context) { co_await context.client(); }

/// That the connection is there is news only after it was not.
bool no_news(const client::Event& event, bool in_doubt) {
    return event.type == client::EventType::kState && event.state == client::State::kConnected && !in_doubt;
}

}  // namespace

Shell::Shell(EventLoop& loop, Context& context)
    : loop_(loop),
      context_(context),
      source_(open_line_source(loop, [this](std::string_view line) { return complete(loop_, context_, line); })) {
    context_.shell = this;
}

Shell::~Shell() { context_.shell = nullptr; }

int Shell::run() {
    connect();
    while (!quit_) {
        auto line = next_line_.empty() ? source_->read(prompt()) : std::exchange(next_line_, {});
        if (!line) break;
        if (line->find_first_not_of(" \t") != std::string::npos) run_line(*std::move(line));
    }
    return source_->interactive() ? kOk : context_.exit_code;
}

void Shell::connect() {
    try {
        context_.connect(context_.settings.server);
        loop_.complete(await_session(context_));
    } catch (...) {  // it goes on trying, and so may the user
        context_.output.failure(failure_of(std::current_exception()));
    }
}

void Shell::run_line(std::string line) {
    // Credentials are not for a file.
    const bool secret = line.starts_with(' ') || line.find("addauth") != std::string::npos;
    if (!secret) source_->remember(line);
    history_.push_back(line);
    const auto words = split_words(line);
    try {
        if (words.open_quote) throw Failure(kUsage, "a quote is not closed");
        CommandLine command_line(CommandLine::Place::kShell, context_.settings);
        run_invocation(loop_, context_, command_line.parse(words.words));
    } catch (const Failure& failure) {
        context_.output.failure(failure);
        context_.exit_code = failure.code();
    }
}

void Shell::tell(const client::Event& event) {
    const bool known = no_news(event, in_doubt_);
    if (event.type == client::EventType::kState) in_doubt_ = event.state != client::State::kConnected;
    if (known || !tells_events_) return;
    if (context_.settings.json) {
        source_->print(json_of(event).dump());
    } else {
        source_->print("WATCHER: " + text_of(event));
    }
}

std::string Shell::prompt() const {
    return fmt::format("[zabd: {}({}) {}] ", context_.settings.server, client::name_of(context_.state()),
                       history_.size());
}

}  // namespace zabd::zabctl
