// A server reduced to its storage: what it was told when it started, and a history of one node a transaction.
#pragma once

#include "storage/recovery.hpp"

#include <catch2/catch.hpp>

#include <condition_variable>
#include <filesystem>
#include <functional>
#include <future>
#include <map>
#include <mutex>
#include <string>
#include <utility>
#include <vector>

namespace zabd::storage {

/// Makes node `id` at `zxid`.
inline wire::StateImages image_of(Zxid zxid, std::uint64_t id, const std::string& data) {
    wire::NodeImage node;
    node.record.id = NodeId{id};
    node.record.parent = id == 1 ? NodeId::kNone : NodeId::kRoot;
    node.record.name = id == 1 ? "" : std::to_string(id);
    node.data_changed = true;
    node.data = Bytes::copy_of(data);
    wire::StateImages images;
    images.zxid = zxid;
    images.digest = zxid.value * 7u;
    images.next_node = NodeId{id + 1};
    images.nodes.push_back(node);
    return images;
}

struct StoredServer {
    explicit StoredServer(const StorageOptions& options,
                          std::function<Result<void>(const CheckpointSummary&)> judge = {}) {
        auto opened =
            open_storage(options, {.state = {.on_session = [](const auto&) { return Result<void>{}; },
                                             .on_acl = [](const auto&) { return Result<void>{}; },
                                             .on_node =
                                                 [this](const wire::NodeRecord& node, const Bytes& data) {
                                                     nodes[node.id] = data.view();
                                                     return Result<void>{};
                                                 }},
                                   .on_state =
                                       [&](const Found& told, Checkpoint&) {
                                           found = told;
                                           return judge ? judge(told.checkpoint) : Result<void>{};
                                       },
                                   .on_record = [this](const LogRecord& record) { records.push_back(record.zxid); },
                                   .on_quarantine =
                                       [this] {
                                           nodes.clear();
                                           records.clear();
                                           ++quarantines;
                                       }});
        if (opened) {
            storage = std::move(*opened);
        } else {
            error = opened.error();
        }
    }

    void start() {
        storage.checkpoint->start([](const auto&) {});
        storage.log->start([this](const LogProgress& told) {
            const std::lock_guard lock(mutex_);
            durable_ = told.zxid_durable;
            changed_.notify_all();
        });
    }

    void append(Zxid first, Counter count) {
        for (Counter n = 0; n < count; ++n)
            storage.log->append(Zxid{first.value + n}, Bytes::copy_of(std::string(900, 't')));
        (void)storage.log->flush(false);
    }

    void await_durable(Zxid zxid) {
        std::unique_lock lock(mutex_);
        changed_.wait(lock, [&] { return durable_ >= zxid; });
    }

    void save(HardStateWriter::Change change) {
        std::promise<void> saved;
        storage.hard_state->update(std::move(change), [&] { saved.set_value(); });
        saved.get_future().wait();
    }

    void stop() {
        storage.log->stop();
        storage.checkpoint->stop();
    }

    std::map<NodeId, std::string> nodes;
    std::vector<Zxid> records;
    Found found;
    int quarantines = 0;
    Error error;

private:
    std::mutex mutex_;
    std::condition_variable changed_;
    Zxid durable_;

public:
    Storage storage;  // below what its threads call
};

/// Transactions 1:1 to 1:`logged`, of which the checkpoint holds those up to 1:`checkpointed`; epoch 1 is over.
inline void make_server(const StorageOptions& options, Counter logged, Counter checkpointed) {
    StoredServer server(options);
    INFO(server.error.where);
    REQUIRE(server.storage.log);
    server.start();
    server.append(Zxid::of(1, 1), logged);
    server.await_durable(Zxid::of(1, logged));
    for (Counter n = 1; n <= checkpointed; ++n) server.storage.checkpoint->put(image_of(Zxid::of(1, n), n, "old"));
    server.save([](StoredHardState& state) {
        state.accepted_epoch = 2;
        state.current_epoch = 1;
        state.has_history = true;
    });
    server.stop();
}

}  // namespace zabd::storage
