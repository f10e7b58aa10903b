#include "zabctl/acl_text.hpp"
#include "zabctl/command.hpp"
#include "zabctl/concurrently.hpp"
#include "zabctl/walk.hpp"

#include <fmt/format.h>

namespace zabd::zabctl {
namespace {

namespace asio = boost::asio;

class GetAcl : public Command {
    std::string path_;
    bool with_stat_ = false;

    void declare(CLI::App& app) override {
        path_argument(app, path_);
        stat_flag(app, with_stat_);
    }

    asio::awaitable<void> run(Context& context) override {
        auto* client = co_await context.client();
        const auto node = co_await at(path_, client->get_acl(path_));
        if (with_stat_) {
            context.output.show({{"acl", json_of(node.acl)}, {"stat", json_of(node.stat)}},
                                text_of(node.acl) + "\n" + text_of(node.stat));
        } else {
            context.output.show(json_of(node.acl), text_of(node.acl));
        }
    }
};

asio::awaitable<client::Stat> set_one(client::Client& client, std::string path, const client::AclList& acl,
                                      client::VersionOptions options) {
    co_return co_await at(path, client.set_acl(path, acl, options));
}

class SetAcl : public Command {
    std::string path_;
    std::string words_;
    std::int32_t version_ = client::kAnyVersion;
    bool with_stat_ = false;
    bool recursive_ = false;

    void declare(CLI::App& app) override {
        path_argument(app, path_);
        app.add_option("acl", words_, "scheme:id:cdrwa,...")->type_name("ACL")->required();
        stat_flag(app, with_stat_);
        version_option(app, version_);
        app.add_flag("-R,--recursive", recursive_, "Of all nodes of the subtree")->excludes("--version");
    }

    asio::awaitable<void> run(Context& context) override {
        const auto acl = parse_acl(words_);
        auto* client = co_await context.client();
        std::vector<std::string> paths{path_};
        if (recursive_) paths = co_await all_paths(*client, path_);
        client::VersionOptions options;
        options.version = version_;
        client::Stat stat;
        for (std::size_t done = 0; done < paths.size();) {
            std::vector<asio::awaitable<client::Stat>> batch;
            for (; done < paths.size() && batch.size() < kConcurrent; ++done) {
                batch.push_back(set_one(*client, paths[done], acl, options));
            }
            const bool first = done == batch.size();
            const auto stats = co_await all(std::move(batch));
            if (first) stat = stats.front();
        }
        const Json value{{"path", path_}, {"nodes", paths.size()}, {"stat", json_of(stat)}};
        if (with_stat_) {
            context.output.show(value, text_of(stat));
        } else {
            context.output.show(value);
        }
    }
};

class AddAuth : public Command {
    Identity identity_;

    void declare(CLI::App& app) override {
        app.add_option("scheme", identity_.scheme, "Such as digest")->type_name("SCHEME")->required();
        app.add_option("credentials", identity_.credentials, "Such as user:password")->type_name("TEXT");
    }

    asio::awaitable<void> run(Context& context) override {
        co_await context.add_identity(identity_);
        context.output.show({{"scheme", identity_.scheme}});
    }
};

class WhoAmI : public Command {
    void declare(CLI::App&) override {}

    asio::awaitable<void> run(Context& context) override {
        auto* client = co_await context.client();
        const auto identities = co_await at(context.settings.server, client->who_am_i());
        auto values = Json::array();
        std::string text = "Auth scheme: User";
        for (const auto& [scheme, id] : identities) {
            values.push_back({{"scheme", scheme}, {"id", id}});
            text += fmt::format("\n{}: {}", scheme, id);
        }
        context.output.show(values, text);
    }
};

}  // namespace

CommandFamily acl_commands() {
    return {"Access control",
            {
                entry<GetAcl>("getAcl", "Prints a node's ACL"),
                entry<SetAcl>("setAcl", "Sets a node's ACL, or a whole subtree's"),
                entry<AddAuth>("addauth", "Gives this and later connections an identity"),
                entry<WhoAmI>("whoami", "Lists the identities that the server holds this connection to have"),
            }};
}

}  // namespace zabd::zabctl
