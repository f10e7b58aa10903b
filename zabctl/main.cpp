#include "zabctl/command_line.hpp"
#include "zabctl/event_loop.hpp"
#include "zabctl/runner.hpp"
#include "zabctl/shell.hpp"

#include <algorithm>
#include <clocale>
#include <string>
#include <vector>

namespace {

using namespace zabd::zabctl;

int run(const std::vector<std::string>& words) {
    CommandLine command_line(CommandLine::Place::kProcess, Settings{});
    const auto invocation = command_line.parse(words);
    EventLoop loop;
    Context context(loop.io().get_executor(), invocation.settings);
    const bool wants_shell = !invocation.command && invocation.answer.empty();
    const int code = wants_shell ? Shell(loop, context).run() : run_invocation(loop, context, invocation);
    loop.complete(context.close());
    return code;
}

}  // namespace

int main(int argument_count, char** arguments) {
    std::setlocale(LC_ALL, "");  // the terminal's encoding, for the line editor
    const std::vector<std::string> words(arguments + 1, arguments + argument_count);
    try {
        return run(words);
    } catch (...) {
        const auto failure = failure_of(std::current_exception());
        const bool json = std::find(words.begin(), words.end(), "--json") != words.end();
        Output(json).failure(failure);
        return failure.code();
    }
}
