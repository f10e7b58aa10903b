// Where the shells bring what the core is to hear.
//
// Threads   the io thread's.
#pragma once

#include "server/core/core.hpp"

namespace zabd::server {

class CoreFeed {
public:
    /// Part of a batch, begun if none is open.
    virtual void give(const core::Input& input) = 0;
    /// That was all for now: what the core says is carried out. Not from within the carrying out, nor from
    /// a connection's frame or word.
    virtual void settle() = 0;
    [[nodiscard]] virtual Zxid log_needed() const = 0;

protected:
    ~CoreFeed() = default;
};

}  // namespace zabd::server
