#include "client/client.hpp"

#include "client/completion.hpp"
#include "client/engine.hpp"
#include "client/random_id.hpp"
#include "wire/requests.hpp"

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/error.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/system/system_error.hpp>

#include <chrono>
#include <utility>

namespace zabd::client {
namespace {

namespace asio = boost::asio;

constexpr auto as_value = asio::as_tuple(asio::use_awaitable);

// --- answers' bodies: false if the bytes are none --------------------------------------------------------------------

template <class Record>
bool read(std::string_view body, Record& record) {
    wire::Decoder in(body);
    wire::decode(in, record);
    return !in.failed();
}

bool decode_body(std::string_view body, Created& created) {
    wire::PathStatReply reply;
    if (!read(body, reply)) return false;
    created.path = reply.path;
    created.stat = reply.stat;
    return true;
}

bool decode_body(std::string_view body, Stat& stat) { return read(body, stat); }

bool decode_body(std::string_view body, NodeData& node) {
    wire::DataReply reply;
    if (!read(body, reply)) return false;
    node.data = reply.data.value_or("");
    node.stat = reply.stat;
    return true;
}

bool decode_body(std::string_view body, std::optional<Stat>& stat) { return read(body, stat.emplace()); }

bool decode_body(std::string_view body, Children& children) {
    wire::NamesStatReply reply;
    if (!read(body, reply)) return false;
    children.names.assign(reply.names.begin(), reply.names.end());
    children.stat = reply.stat;
    return true;
}

bool decode_body(std::string_view body, NodeAcl& acl) {
    wire::AclReply reply;
    if (!read(body, reply)) return false;
    acl.acl = std::move(reply.acl);
    acl.stat = reply.stat;
    return true;
}

bool decode_body(std::string_view body, std::int32_t& count) {
    wire::CountReply reply;
    const bool whole = read(body, reply);
    count = reply.count;
    return whole;
}

bool decode_body(std::string_view body, std::vector<std::string>& names) {
    wire::NamesReply reply;
    if (!read(body, reply)) return false;
    names.assign(reply.names.begin(), reply.names.end());
    return true;
}

bool decode_body(std::string_view body, std::vector<Id>& identities) {
    wire::WhoAmIReply reply;
    if (!read(body, reply)) return false;
    for (const auto& [scheme, user] : reply.identities) {
        identities.push_back({std::string(scheme), std::string(user)});
    }
    return true;
}

/// Calls `take(op, in)` for each result up to the end mark.
bool for_each_result(std::string_view body, auto&& take) {
    wire::Decoder in(body);
    for (;;) {
        wire::MultiHeader header;
        wire::decode(in, header);
        if (in.failed()) return false;
        if (header.done) return true;
        take(header.op, in);
    }
}

std::error_code decode_error(wire::Decoder& in) {
    const auto code = in.get_int();
    return code == 0 ? std::error_code() : std::error_code(code, category());
}

bool decode_body(std::string_view body, std::vector<MultiResult>& results) {
    return for_each_result(body, [&](wire::OpCode op, wire::Decoder& in) {
        auto& result = results.emplace_back();
        switch (op) {
            case wire::OpCode::kError: result.error = decode_error(in); break;
            case wire::OpCode::kSetData: wire::decode(in, result.stat); break;
            case wire::OpCode::kDelete:
            case wire::OpCode::kCheck: break;
            case wire::OpCode::kCreate: wire::decode(in, result.path); break;  // of servers before 3.8.2: no Stat
            default: wire::decode(in, result.path); wire::decode(in, result.stat);
        }
    });
}

bool decode_body(std::string_view body, std::vector<MultiReadResult>& results) {
    return for_each_result(body, [&](wire::OpCode op, wire::Decoder& in) {
        auto& result = results.emplace_back();
        if (op == wire::OpCode::kError) {
            result.error = decode_error(in);
        } else if (op == wire::OpCode::kGetChildren) {
            wire::decode(in, result.names);
        } else {
            wire::DataReply reply;
            wire::decode(in, reply);
            result.data = reply.data.value_or("");
            result.stat = reply.stat;
        }
    });
}

// --- what an answer means beyond its code ----------------------------------------------------------------------------

std::error_code outcome(std::error_code error, const auto& /*result*/) { return error; }

std::error_code outcome(std::error_code error, const std::optional<Stat>&) {
    return error == Errc::kNoNode ? std::error_code() : error;
}

std::error_code outcome(std::error_code error, const std::vector<MultiResult>& results) {
    if (error) return error;
    for (const auto& result : results) {
        if (result.error && result.error != Errc::kRuntimeInconsistency) return result.error;
    }
    return {};
}

void take_chroot_off(std::string& path, const std::string& chroot) {
    if (chroot.empty() || !path.starts_with(chroot)) return;
    path.erase(0, chroot.size());
    if (path.empty()) path = "/";
}

template <class Result>
void localize(Result& result, const std::string& chroot) {
    if constexpr (std::is_same_v<Result, Created>) {
        take_chroot_off(result.path, chroot);
    } else if constexpr (std::is_same_v<Result, std::vector<MultiResult>>) {
        for (auto& each : result) take_chroot_off(each.path, chroot);
    } else if constexpr (std::is_same_v<Result, std::vector<std::string>>) {
        // The server compares text: to it "/app" is a prefix of "/apple".
        std::erase_if(result,
                      [&](const auto& path) { return path.size() > chroot.size() && path[chroot.size()] != '/'; });
        for (auto& path : result) take_chroot_off(path, chroot);
    }
}

template <class Result>
class TypedCall final : public Call {
public:
    using Handler = asio::any_completion_handler<void(boost::system::error_code, Result)>;

    TypedCall(std::shared_ptr<Engine> engine, Handler handler)
        : engine_(std::move(engine)), handler_(std::move(handler)) {}

    void finish(std::error_code error, std::string_view body) override {
        Result result{};
        if (!error && !decode_body(body, result)) error = Errc::kMarshallingError;
        localize(result, engine_->chroot());
        error = outcome(error, result);
        complete(std::move(handler_), engine_->executor(), for_handler(error), std::move(result));
    }

private:
    std::shared_ptr<Engine> engine_;
    Handler handler_;
};

template <>
class TypedCall<void> final : public Call {
public:
    using Handler = asio::any_completion_handler<void(boost::system::error_code)>;

    TypedCall(std::shared_ptr<Engine> engine, Handler handler)
        : engine_(std::move(engine)), handler_(std::move(handler)) {}

    void finish(std::error_code error, std::string_view) override {
        complete(std::move(handler_), engine_->executor(), for_handler(error));
    }

private:
    std::shared_ptr<Engine> engine_;
    Handler handler_;
};

template <class Result, class Handler>
void submit_as(const std::shared_ptr<Engine>& engine, Request request, Handler handler) {
    auto slot = asio::get_associated_cancellation_slot(handler);
    const auto number =
        engine->submit(std::move(request), std::make_unique<TypedCall<Result>>(engine, std::move(handler)));
    if (!slot.is_connected() || number == 0) return;
    slot.assign([engine = std::weak_ptr(engine), number](asio::cancellation_type) {
        if (const auto self = engine.lock())
            self->give_up(number, boost::system::error_code(asio::error::operation_aborted));
    });
}

// --- protected create -------------------------------------------------------------------------------------------------

std::string new_guid(ProtectedName form) {
    auto guid = random_id();
    if (form == ProtectedName::kKazoo) return guid;
    for (const std::size_t end : {20, 16, 12, 8}) guid.insert(end, 1, '-');
    return "_c_" + guid + "-";
}

/// Asks as Client does, for coroutines that may outlive it.
template <class Result>
auto ask(const std::shared_ptr<Engine>& engine, Request request) {
    using Token = asio::as_tuple_t<asio::use_awaitable_t<>>;
    Token token = as_value;
    return asio::async_initiate<Token, Completion<Result>>(
        [engine](auto handler, Request asked) {
            using Handler = typename TypedCall<Result>::Handler;
            submit_as<Result>(engine, std::move(asked), Handler(std::move(handler)));
        },
        token, std::move(request));
}

/// A create whose outcome nobody knows has either made the node of this guid, or has not and never will: once another
/// connection has taken the session up, the ensemble refuses what the old one still had to say.
class ProtectedCreate {
public:
    ProtectedCreate(std::shared_ptr<Engine> engine, const std::string& path, const CreateOptions& options,
                    ProtectedName form)
        : engine_(std::move(engine)),
          guid_(new_guid(form)),
          acl_(options.acl ? *options.acl : open_acl()),
          options_(options) {
        const auto slash = path.rfind('/') + 1;
        parent_ = slash <= 1 ? "/" : path.substr(0, slash - 1);
        path_ = path.substr(0, slash) + guid_ + path.substr(slash);
    }

    static asio::awaitable<Created> run(ProtectedCreate self, std::string data) {
        self.options_.acl = &self.acl_;
        try {
            co_return co_await self.create_or_find(data);
        } catch (const boost::system::system_error& failure) {
            if (self.in_doubt_ || may_have_been_applied(failure.code())) {
                asio::co_spawn(self.engine_->executor(), remove_stray(self), asio::detached);
            }
            // An earlier attempt was sent, whatever became of the last one.
            if (self.in_doubt_ && failure.code() == Errc::kNotSent) {
                throw boost::system::system_error(make_error_code(Errc::kConnectionLoss));
            }
            throw;
        }
    }

private:
    asio::awaitable<Created> create_or_find(const std::string& data) {
        const RequestMaker maker(engine_->chroot());
        for (;;) {
            auto [error, created] = co_await ask<Created>(engine_, maker.create(path_, data, options_));
            if (!error) co_return std::move(created);
            if (error != Errc::kConnectionLoss) throw boost::system::system_error(error);
            in_doubt_ = true;
            auto [unknown, found] = co_await find(options_.timeout);
            if (unknown) throw boost::system::system_error(unknown);
            if (found) co_return std::move(*found);
            in_doubt_ = false;
        }
    }

    /// Behind a sync, as the server that we came to may not have heard of the node yet.
    asio::awaitable<std::tuple<boost::system::error_code, std::optional<Created>>> find(Millis timeout) const {
        const RequestMaker maker(engine_->chroot());
        const ReadOptions options{.linearizable = true, .timeout = timeout};
        auto [error, children] = co_await ask<Children>(engine_, maker.children(parent_, options));
        if (error) co_return std::tuple(error, std::optional<Created>());
        for (const auto& name : children.names) {
            if (!name.starts_with(guid_)) continue;
            const auto path = (parent_ == "/" ? "" : parent_) + "/" + name;
            auto [failed, stat] = co_await ask<std::optional<Stat>>(engine_, maker.exists(path, {.timeout = timeout}));
            if (failed) co_return std::tuple(failed, std::optional<Created>());
            if (stat) co_return std::tuple(error, std::optional<Created>(Created{path, *stat}));
        }
        co_return std::tuple(error, std::optional<Created>());
    }

    /// Until it is known to be gone, or the server will not have it.
    static asio::awaitable<void> remove_stray(ProtectedCreate self) {
        const RequestMaker maker(self.engine_->chroot());
        for (;;) {
            auto [error, found] = co_await self.find(Millis(0));
            if (!error && !found) co_return;
            if (!error) std::tie(error) = co_await ask<void>(self.engine_, maker.remove(found->path, {}));
            const bool again =
                error == Errc::kConnectionLoss || error == Errc::kOperationTimeout || error == Errc::kNotSent;
            if (!again) co_return;
        }
    }

    std::shared_ptr<Engine> engine_;
    std::string guid_;
    AclList acl_;
    CreateOptions options_;
    std::string parent_;
    std::string path_;
    bool in_doubt_ = false;  // an attempt was sent, and nobody has looked what became of it
};

asio::awaitable<void> make_path(std::shared_ptr<Engine> engine, std::string path) {
    const RequestMaker below_chroot(engine->chroot());
    const auto [unknown, stat] = co_await ask<std::optional<Stat>>(engine, below_chroot.exists(path, {}));
    if (unknown) throw boost::system::system_error(unknown);
    if (stat) co_return;
    // Upwards to what exists, the chroot's own nodes included, then down again; so nothing is asked of nodes above, which
    // one may not be allowed to touch.
    const auto whole = engine->chroot() + (path == "/" ? "" : path);
    const RequestMaker from_root("");
    auto end = whole.size();
    for (;;) {
        const auto [error, created] = co_await ask<Created>(engine, from_root.create(whole.substr(0, end), {}, {}));
        if (error == Errc::kConnectionLoss) continue;  // made or not: asking again tells
        const auto above = whole.rfind('/', end - 1);
        if (error == Errc::kNoNode && above != 0) {
            end = above;
            continue;
        }
        if (error && error != Errc::kNodeExists) throw boost::system::system_error(error);
        if (end == whole.size()) co_return;
        end = std::min(whole.find('/', end + 1), whole.size());
    }
}

}  // namespace

// --- Client: the handle ----------------------------------------------------------------------------------------------

Client::Client(executor_type executor, std::string_view connection_string, const Options& options)
    : engine_(std::make_shared<Engine>(std::move(executor), connection_string, options)) {
    engine_->start();
}

Client::Client(Client&&) noexcept = default;

Client& Client::operator=(Client&& other) noexcept {
    if (engine_) engine_->stop();
    engine_ = std::move(other.engine_);
    return *this;
}

Client::~Client() {
    if (engine_) engine_->stop();
}

asio::awaitable<Client> Client::connect(std::string connection_string, Options options) {
    Client client(co_await asio::this_coro::executor, connection_string, options);
    co_await client.connected();
    co_return client;
}

asio::awaitable<Created> Client::create_protected(std::string path, std::string data, CreateOptions options,
                                                  ProtectedName form) {
    return ProtectedCreate::run(ProtectedCreate(engine_, path, options, form), std::move(data));
}

asio::awaitable<void> Client::ensure_path(std::string path) { return make_path(engine_, std::move(path)); }

RequestMaker Client::maker() const { return RequestMaker(engine_->chroot()); }

template <class Result>
void Client::submit(const Shared& engine, Request request, Handler<Completion<Result>> handler) {
    submit_as<Result>(engine, std::move(request), std::move(handler));
}
template void Client::submit<void>(const Shared&, Request, Handler<Completion<void>>);
template void Client::submit<Created>(const Shared&, Request, Handler<Completion<Created>>);
template void Client::submit<Stat>(const Shared&, Request, Handler<Completion<Stat>>);
template void Client::submit<NodeData>(const Shared&, Request, Handler<Completion<NodeData>>);
template void Client::submit<std::optional<Stat>>(const Shared&, Request, Handler<Completion<std::optional<Stat>>>);
template void Client::submit<Children>(const Shared&, Request, Handler<Completion<Children>>);
template void Client::submit<NodeAcl>(const Shared&, Request, Handler<Completion<NodeAcl>>);
template void Client::submit<std::int32_t>(const Shared&, Request, Handler<Completion<std::int32_t>>);
template void Client::submit<std::vector<std::string>>(const Shared&, Request,
                                                       Handler<Completion<std::vector<std::string>>>);
template void Client::submit<std::vector<Id>>(const Shared&, Request, Handler<Completion<std::vector<Id>>>);
template void Client::submit<std::vector<MultiResult>>(const Shared&, Request,
                                                       Handler<Completion<std::vector<MultiResult>>>);
template void Client::submit<std::vector<MultiReadResult>>(const Shared&, Request,
                                                           Handler<Completion<std::vector<MultiReadResult>>>);

void Client::start_connected(const Shared& engine, Millis timeout, Handler<void(error_code)> handler) {
    engine->wait_connected(timeout, std::move(handler));
}

void Client::start_close(const Shared& engine, Handler<void(error_code)> handler) { engine->close(std::move(handler)); }

Watch Client::make_watch(std::size_t capacity) { return Watch(engine_->make_queue(capacity)); }

asio::awaitable<Watch> Client::watch(std::string path, bool recursive, std::size_t capacity) {
    auto watch = make_watch(capacity);
    co_await arm(watch, path, recursive);
    co_return watch;
}

State Client::state() const { return engine_->protocol().state(); }
Session Client::session() const { return engine_->protocol().session(); }
Millis Client::session_timeout() const { return engine_->protocol().session_timeout(); }
std::chrono::steady_clock::time_point Client::session_deadline() const {
    return std::chrono::steady_clock::time_point(engine_->protocol().session_deadline().time_since_epoch());
}
Zxid Client::last_zxid() const { return engine_->protocol().last_zxid(); }
std::string Client::server() const { return engine_->server(); }
Client::executor_type Client::get_executor() const { return engine_->executor(); }
void Client::drop_connection() { engine_->drop_connection(); }

}  // namespace zabd::client
