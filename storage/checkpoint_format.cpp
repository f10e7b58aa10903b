#include "storage/checkpoint_format.hpp"

#include "storage/crc32c.hpp"
#include "wire/jute.hpp"

#include <concepts>
#include <type_traits>
#include <utility>

namespace zabd::storage {

namespace {

/// The fields of a record, one behind the other.
class Writer {
public:
    void operator()(const auto&... field) { (put(field), ...); }
    std::string out;

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

    wire::Encoder encoder_{out};
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

}  // namespace

std::string encode_key(std::uint64_t id) {
    Writer writer;
    writer(id);
    return std::move(writer.out);
}

std::optional<std::uint64_t> decode_key(std::string_view key) {
    std::uint64_t id = 0;
    Reader reader(key);
    reader(id);
    return reader.read_all() ? std::optional(id) : std::nullopt;
}

std::string sealed(std::string_view database, std::string_view key, std::string_view content) {
    Writer writer;
    writer(crc32c(content, crc32c(key, crc32c(database))));
    writer.out.append(content);
    return std::move(writer.out);
}

std::optional<std::string_view> unsealed(std::string_view database, std::string_view key, std::string_view value) {
    wire::Decoder decoder(value);
    const auto crc = static_cast<std::uint32_t>(decoder.get_int());
    if (decoder.failed() || crc != crc32c(decoder.rest(), crc32c(key, crc32c(database)))) return std::nullopt;
    return decoder.rest();
}

std::uint32_t checksum_of(std::string_view value) { return static_cast<std::uint32_t>(wire::Decoder(value).get_int()); }

std::string encode_meta(const CheckpointMeta& meta) {
    Writer writer;
    CheckpointMeta::fields(meta, writer);
    return std::move(writer.out);
}

std::optional<CheckpointMeta> decode_meta(std::string_view content) {
    CheckpointMeta meta;
    Reader reader(content);
    CheckpointMeta::fields(meta, reader);
    return reader.read_all() ? std::optional(meta) : std::nullopt;
}

std::string encode_node(const wire::NodeRecord& node) {
    Writer writer;
    node_fields(node, writer);
    return std::move(writer.out);
}

std::optional<wire::NodeRecord> decode_node(NodeId id, std::string_view content) {
    wire::NodeRecord node;
    node.id = id;
    Reader reader(content);
    node_fields(node, reader);
    return reader.read_all() ? std::optional(std::move(node)) : std::nullopt;
}

std::string encode_timeout(std::int32_t timeout_ms) {
    Writer writer;
    writer(timeout_ms);
    return std::move(writer.out);
}

std::optional<std::int32_t> decode_timeout(std::string_view content) {
    std::int32_t timeout_ms = 0;
    Reader reader(content);
    reader(timeout_ms);
    return reader.read_all() ? std::optional(timeout_ms) : std::nullopt;
}

}  // namespace zabd::storage
