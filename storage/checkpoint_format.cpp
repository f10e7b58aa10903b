#include "storage/checkpoint_format.hpp"

#include "storage/crc32c.hpp"
#include "wire/jute.hpp"

#include <algorithm>
#include <concepts>
#include <type_traits>
#include <utility>

namespace zabd::storage {

namespace {

/// The fields of a record, one behind the other.
class Writer {
public:
    explicit Writer(std::string& out) : encoder_(out) { out.clear(); }
    void operator()(const auto&... field) { (put(field), ...); }

private:
    void put(const std::string& text) { encoder_.put_counted(text); }
    void put(Zxid zxid) { put(zxid.value); }
    template <class T>
    void put(T value) {
        if constexpr (std::is_enum_v<T>) {
            put(std::to_underlying(value));
        } else if constexpr (sizeof(T) == 8) {
            encoder_.put_long(static_cast<std::int64_t>(value));
        } else {
            static_assert(std::integral<T> && sizeof(T) == 4);
            encoder_.put_int(static_cast<std::int32_t>(value));
        }
    }

    wire::Encoder encoder_;
};

class Reader {
public:
    explicit Reader(std::string_view in) : decoder_(in) {}
    void operator()(auto&... field) { (get(field), ...); }
    [[nodiscard]] bool read_all() const { return !decoder_.failed() && decoder_.rest().empty(); }

private:
    void get(std::string& text) {
        const auto content = decoder_.get_counted();
        if (!content) return decoder_.fail();
        text = *content;
    }
    void get(Zxid& zxid) { get(zxid.value); }
    template <class T>
    void get(T& value) {
        if constexpr (sizeof(T) == 8) {
            value = static_cast<T>(decoder_.get_long());
        } else {
            static_assert(sizeof(T) == 4);
            value = static_cast<T>(decoder_.get_int());
        }
    }

    wire::Decoder decoder_;
};

void node_fields(auto& node, auto&& visit) {
    visit(node.parent, node.name, node.czxid, node.mzxid, node.pzxid, node.ctime_ms, node.mtime_ms, node.version,
          node.creations, node.aversion, node.owner, node.acl);
}

const std::array<std::uint32_t, kDatabaseNames.size()> kNameChecksums = [] {
    std::array<std::uint32_t, kDatabaseNames.size()> checksums{};
    std::transform(kDatabaseNames.begin(), kDatabaseNames.end(), checksums.begin(),
                   [](const char* name) { return crc32c(name); });
    return checksums;
}();

std::uint32_t checksum_of(Database database, std::string_view key, std::string_view content) {
    return crc32c(content, crc32c(key, kNameChecksums[static_cast<std::size_t>(database)]));
}

}  // namespace

std::string encode_key(std::uint64_t id) {
    std::string key;
    Writer writer(key);
    writer(id);
    return key;
}

std::optional<std::uint64_t> decode_key(std::string_view key) {
    std::uint64_t id = 0;
    Reader reader(key);
    reader(id);
    return reader.read_all() ? std::optional(id) : std::nullopt;
}

void seal(Database database, std::string_view key, std::string_view content, std::string& value) {
    Writer writer(value);
    writer(checksum_of(database, key, content));
    value.append(content);
}

std::optional<std::string_view> unsealed(Database database, std::string_view key, std::string_view value) {
    wire::Decoder decoder(value);
    const auto crc = static_cast<std::uint32_t>(decoder.get_int());
    if (decoder.failed() || crc != checksum_of(database, key, decoder.rest())) return std::nullopt;
    return decoder.rest();
}

std::uint64_t weight_of(Database database, std::uint64_t id, std::string_view value) {
    std::uint64_t bits = id ^ (static_cast<std::uint64_t>(database) << 56);
    bits = (bits ^ (bits >> 32)) * 0x9e37'79b9'7f4a'7c15u;
    bits ^= static_cast<std::uint32_t>(wire::Decoder(value).get_int());
    bits = (bits ^ (bits >> 29)) * 0xbf58'476d'1ce4'e5b9u;
    return bits ^ (bits >> 32);
}

void encode_meta(const CheckpointMeta& meta, std::string& out) {
    Writer writer(out);
    CheckpointMeta::fields(meta, writer);
}

void encode_node(const wire::NodeRecord& node, std::string& out) {
    Writer writer(out);
    node_fields(node, writer);
}

void encode_timeout(std::int32_t timeout_ms, std::string& out) {
    Writer writer(out);
    writer(timeout_ms);
}

std::optional<CheckpointMeta> decode_meta(std::string_view content) {
    CheckpointMeta meta;
    Reader reader(content);
    CheckpointMeta::fields(meta, reader);
    return reader.read_all() ? std::optional(meta) : std::nullopt;
}

std::optional<wire::NodeRecord> decode_node(NodeId id, std::string_view content) {
    wire::NodeRecord node;
    node.id = id;
    Reader reader(content);
    node_fields(node, reader);
    return reader.read_all() ? std::optional(std::move(node)) : std::nullopt;
}

std::optional<std::int32_t> decode_timeout(std::string_view content) {
    std::int32_t timeout_ms = 0;
    Reader reader(content);
    reader(timeout_ms);
    return reader.read_all() ? std::optional(timeout_ms) : std::nullopt;
}

}  // namespace zabd::storage
