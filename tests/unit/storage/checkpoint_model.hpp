// What tests of the checkpoint have in common: images, random ones among them, and what a checkpoint ought to hold after
// them.
#pragma once

#include "storage/checkpoint.hpp"
#include "wire/node_image.hpp"

#include <catch2/catch.hpp>

#include <cstdint>
#include <map>
#include <optional>
#include <random>
#include <string>
#include <utility>
#include <vector>

namespace zabd::storage {

struct ModelNode {
    wire::NodeRecord record;
    std::optional<std::string> data;
    friend bool operator==(const ModelNode&, const ModelNode&) = default;
};

struct Model {
    std::map<NodeId, ModelNode> nodes;
    std::map<SessionId, std::int32_t> sessions;
    std::map<wire::AclId, std::string> acls;
    friend bool operator==(const Model&, const Model&) = default;

    void apply(const wire::StateImages& images) {
        for (const auto& image : images.nodes) {
            if (image.deleted) {
                nodes.erase(image.record.id);
                continue;
            }
            auto& node = nodes[image.record.id];
            node.record = image.record;
            if (!image.data_changed) continue;
            node.data.reset();
            if (!image.data.null()) node.data = image.data.view();
        }
        for (const auto& image : images.sessions) {
            sessions.erase(image.session);
            if (image.timeout_ms) sessions[image.session] = *image.timeout_ms;
        }
        for (const auto& image : images.acls) {
            acls.erase(image.id);
            if (image.encoded_list) acls[image.id] = *image.encoded_list;
        }
    }

    /// Fills this one, and holds the order in which things are told to the contract.
    CheckpointVisitor visitor() {
        return {.on_session =
                    [this](const wire::SessionImage& image) {
                        if (!nodes.empty()) FAIL_CHECK("a session behind a node");
                        sessions[image.session] = image.timeout_ms.value();
                        return Result<void>{};
                    },
                .on_acl =
                    [this](const wire::AclImage& image) {
                        if (!nodes.empty()) FAIL_CHECK("an ACL list behind a node");
                        acls[image.id] = image.encoded_list.value();
                        return Result<void>{};
                    },
                .on_node =
                    [this](const wire::NodeRecord& record, const Bytes& data) {
                        if (!nodes.empty() && record.id <= nodes.rbegin()->first) FAIL_CHECK("nodes out of order");
                        auto& node = nodes[record.id];
                        node.record = record;
                        if (!data.null()) node.data = data.view();
                        return Result<void>{};
                    }};
    }
};

inline wire::NodeImage node(std::uint64_t id, std::string name, std::optional<std::string> data,
                            bool data_changed = true) {
    wire::NodeImage image;
    image.record.id = NodeId{id};
    image.record.parent = id == 1 ? NodeId::kNone : NodeId::kRoot;
    image.record.name = std::move(name);
    image.data_changed = data_changed;
    if (data) image.data = Bytes::copy_of(*data);
    return image;
}

inline wire::NodeImage deleted(std::uint64_t id) {
    wire::NodeImage image;
    image.record.id = NodeId{id};
    image.deleted = true;
    return image;
}

inline wire::StateImages images_at(Counter counter, std::vector<wire::NodeImage> nodes = {}) {
    wire::StateImages images;
    images.zxid = Zxid::of(0, counter);
    images.digest = counter * 11u;
    images.next_node = NodeId{1000};
    images.nodes = std::move(nodes);
    return images;
}

class RandomImages {
public:
    explicit RandomImages(std::uint32_t seed) : random_(seed) {}

    wire::StateImages next() {
        auto images = images_at(++counter_);
        images.digest = random_();
        for (auto n = random_() % 4; n > 0; --n) images.nodes.push_back(any_node());
        if (random_() % 8 == 0) images.sessions.push_back(any_session());
        if (random_() % 8 == 0) images.acls.push_back(any_acl());
        images.next_node = NodeId{next_id_};
        return images;
    }

private:
    wire::NodeImage any_node() {
        if (next_id_ > 1 && random_() % 3 == 0) return deleted_for_good();
        const bool fresh = living_.empty() || random_() % 2 == 0;
        if (fresh) living_.push_back(next_id_++);
        const auto id = fresh ? living_.back() : living_[random_() % living_.size()];
        auto image =
            node(id, std::string(random_() % 40, 'n') + std::to_string(id), any_data(), fresh || random_() % 2 == 0);
        image.record.czxid = Zxid{random_()};
        image.record.mtime_ms = static_cast<std::int64_t>(random_()) - 1'000'000'000;
        image.record.version = static_cast<std::int32_t>(random_());
        image.record.owner = static_cast<std::int64_t>(random_()) << 32;
        image.record.acl = static_cast<wire::AclId>(random_() % 10);
        return image;
    }

    wire::NodeImage deleted_for_good() {
        if (living_.empty()) return deleted(next_id_++);
        std::swap(living_[random_() % living_.size()], living_.back());
        const auto id = living_.back();
        living_.pop_back();
        return deleted(id);
    }

    std::optional<std::string> any_data() {
        if (random_() % 5 == 0) return std::nullopt;
        return std::string(random_() % 10 == 0 ? random_() % 20'000 : random_() % 200, static_cast<char>(random_()));
    }

    wire::SessionImage any_session() {
        wire::SessionImage image;
        image.session = static_cast<SessionId>((static_cast<std::int64_t>(random_() % 256) << 56) | random_() % 50);
        if (random_() % 3 != 0) image.timeout_ms = static_cast<std::int32_t>(random_() % 60'000);
        return image;
    }

    wire::AclImage any_acl() {
        wire::AclImage image;
        image.id = static_cast<wire::AclId>(1 + random_() % 30);
        if (random_() % 3 != 0) image.encoded_list = std::string(random_() % 100, 'a');
        return image;
    }

    std::mt19937 random_;
    Counter counter_ = 0;
    std::uint64_t next_id_ = 1;
    std::vector<std::uint64_t> living_;
};

}  // namespace zabd::storage
