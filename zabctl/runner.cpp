#include "zabctl/runner.hpp"

#include <boost/system/system_error.hpp>

namespace zabd::zabctl {
namespace {

namespace asio = boost::asio;

/// A single command's -w would be for nothing if it did not wait.
asio::awaitable<void> tell_one_event(Context& context) {
    while (const auto event = co_await context.watches.next()) {
        if (event->type == client::EventType::kState) {
            if (event->state == client::State::kLost) break;
            continue;
        }
        context.output.show(json_of(*event), text_of(*event));
        co_return;
    }
    throw Failure(kCannotConnect, "the session was lost, and the watch with it");
}

asio::awaitable<void> run(Context& context, Command& command) {
    co_await command.run(context);
    if (!context.shell && !context.watches.armed().empty()) co_await tell_one_event(context);
}

}  // namespace

int run_invocation(EventLoop& loop, Context& context, const Invocation& invocation) {
    context.output = Output(invocation.settings.json);
    context.exit_code = kOk;
    if (!invocation.answer.empty()) context.output.raw(invocation.answer);
    if (!invocation.command) return kOk;
    try {
        loop.complete(run(context, *invocation.command));
    } catch (...) {
        const auto failure = failure_of(std::current_exception());
        context.output.failure(failure);
        context.exit_code = failure.code();
    }
    return context.exit_code;
}

Failure failure_of(const std::exception_ptr& exception) {
    try {
        std::rethrow_exception(exception);
    } catch (const Failure& failure) {
        return failure;
    } catch (const boost::system::system_error& error) {
        return failure_of(error.code(), "");
    } catch (const std::exception& error) {
        return {kFailed, error.what()};
    }
}

}  // namespace zabd::zabctl
