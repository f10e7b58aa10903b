// Where others than clients ask a running server: admin, metrics.
//
// Threads   ask() from any. Questions are put on the io thread one by one, each between two of its turns, in order. A
//           question is short (a thousand nodes looked at, not a million): clients wait meanwhile. What takes longer is
//           asked in slices, each of which says where the next one begins.
// End       a question that the server stopped before is dropped, with all that it holds.
#pragma once

#include "server/core/core.hpp"
#include "server/words.hpp"

#include <functional>

namespace zabd::server {

/// The server, to look into and to act on. Good during a question.
class Inside {
public:
    [[nodiscard]] virtual const core::Core& core() const = 0;
    /// Without the descriptors, which take long to count (process.hpp).
    [[nodiscard]] virtual ServerFigures figures() const = 0;
    /// Carried out before it returns.
    virtual void give(const core::Input& input) = 0;
    /// As the words srst and crst do.
    virtual void reset_statistics(bool connections_only) = 0;

protected:
    ~Inside() = default;
};

class Desk {
public:
    using Question = std::move_only_function<void(Inside&)>;
    virtual void ask(Question question) = 0;

protected:
    ~Desk() = default;
};

}  // namespace zabd::server
