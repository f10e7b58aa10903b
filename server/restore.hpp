// From what a checkpoint tells to what a core starts with.
//
// Errors    Errc::kDamaged for images that do not fit together, or whose tree has another digest than was stored.
#pragma once

#include "server/core/core.hpp"
#include "storage/checkpoint.hpp"
#include "wire/result.hpp"

namespace zabd::server {

class Restorer {
public:
    /// Tells this object; which outlives it.
    [[nodiscard]] storage::CheckpointVisitor visitor();
    /// Once everything has been told. The object is empty afterwards.
    [[nodiscard]] Result<core::Recovered> finish(const storage::CheckpointSummary& summary);
    /// Everything will be told anew.
    void forget();

private:
    Result<void> take(const wire::SessionImage& image);
    Result<void> take(const wire::AclImage& image);
    Result<void> take(const wire::NodeRecord& record, Bytes data);

    session::Table sessions_;
    znode::AclTable acls_;
    znode::Tree tree_ = znode::Tree::empty();
};

}  // namespace zabd::server
