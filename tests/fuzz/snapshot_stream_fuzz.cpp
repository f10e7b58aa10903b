// Any byte stream, cut anywhere, gives the elements that it gives in one piece; and a whole snapshot's elements encode to
// the snapshot.
// The first two bytes say the size of the pieces and the limit of an element, the rest is the stream.
#include "wire/assert.hpp"
#include "wire/snapshot_stream.hpp"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

namespace {

using namespace zabd::wire;

/// Each element encoded, and what became of the stream.
struct Outcome {
    std::vector<std::string> elements;
    std::size_t sessions = 0, acls = 0;
    std::size_t taken = 0;  // of a finished one
    bool finished = false, failed = false;
    bool operator==(const Outcome&) const = default;
};

Outcome outcome_of(std::string_view stream, std::size_t piece_bytes, std::size_t element_bytes_max) {
    SnapshotDecoder decoder(element_bytes_max);
    std::vector<SnapshotElement> elements;
    Outcome outcome;
    while (!stream.empty() && !decoder.finished() && !decoder.failed()) {
        // A copy, so that a view that outlives its piece is found.
        const std::string piece(stream.substr(0, piece_bytes));
        stream.remove_prefix(piece.size());
        outcome.taken += decoder.feed(piece, elements);
    }
    for (const auto& element : elements) {
        SnapshotEncoder encoder(outcome.elements.emplace_back());
        std::visit([&](const auto& one) { encoder.add(one); }, element);
        ZABD_ASSERT(outcome.elements.back().size() <= element_bytes_max);
        outcome.sessions += std::holds_alternative<SnapshotSession>(element);
        outcome.acls += std::holds_alternative<SnapshotAcl>(element);
    }
    outcome.finished = decoder.finished();
    outcome.failed = decoder.failed();
    if (!outcome.finished) outcome.taken = 0;
    return outcome;
}

std::string encoded_stream(const Outcome& outcome) {
    std::string stream;
    SnapshotEncoder encoder(stream);
    encoder.begin_sessions(outcome.sessions);
    for (std::size_t i = 0; i < outcome.elements.size(); ++i) {
        if (i == outcome.sessions) encoder.begin_acls(outcome.acls);
        stream += outcome.elements[i];
    }
    if (outcome.elements.size() == outcome.sessions) encoder.begin_acls(outcome.acls);
    encoder.end();
    return stream;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    if (size < 2) return 0;
    const std::size_t piece_bytes = 1 + data[0];
    const std::size_t element_bytes_max = 16 + 4 * data[1];
    const std::string_view stream(reinterpret_cast<const char*>(data) + 2, size - 2);
    const auto outcome = outcome_of(stream, stream.size() + 1, element_bytes_max);
    ZABD_ASSERT(outcome_of(stream, piece_bytes, element_bytes_max) == outcome);
    if (outcome.finished) ZABD_ASSERT(encoded_stream(outcome) == stream.substr(0, outcome.taken));
    return 0;
}
