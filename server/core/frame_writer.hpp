// Writing frames behind one another into one buffer.
#pragma once

#include "wire/frame.hpp"
#include "wire/jute.hpp"
#include "wire/requests.hpp"

#include <cstddef>
#include <string>

namespace zabd::core {

/// One frame, begun by the constructor and closed by finish(): its length is known only then.
class FrameWriter {
public:
    explicit FrameWriter(std::string& out) : out_(out), begin_(out.size()), encoder_(out) { encoder_.put_int(0); }

    [[nodiscard]] wire::Encoder& encoder() { return encoder_; }
    [[nodiscard]] std::size_t begin() const { return begin_; }

    /// Bytes of the whole frame, prefix included.
    std::size_t finish() {
        const auto size = out_.size() - begin_;
        patch(begin_, static_cast<std::int32_t>(size - wire::kFramePrefixBytes));
        return size;
    }

protected:
    void patch(std::size_t at, const auto& value) {
        wire::InPlaceEncoder encoder(out_.data() + at);
        wire::encode(encoder, value);
    }
    void truncate(std::size_t size) { out_.resize(size); }

private:
    std::string& out_;
    std::size_t begin_;
    wire::Encoder encoder_;
};

/// A reply: header, then the body that the caller writes. Whether the body stays is known only once it is made.
class ReplyWriter : public FrameWriter {
public:
    explicit ReplyWriter(std::string& out) : FrameWriter(out) { wire::encode(encoder(), wire::ReplyHeader{}); }

    /// Errors have no body, with the exceptions that the protocol page names (`keep_body`).
    std::size_t finish_reply(const wire::ReplyHeader& header, bool keep_body = false) {
        const auto header_at = begin() + wire::kFramePrefixBytes;
        patch(header_at, header);
        if (header.error != wire::ErrorCode::kOk && !keep_body) truncate(header_at + wire::kReplyHeaderBytes);
        return finish();
    }
};

}  // namespace zabd::core
