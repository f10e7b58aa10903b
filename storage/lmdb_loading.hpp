// Tells all that a checkpoint holds, in one scan: sessions and ACL lists, then nodes with their data.
//
// Errors    Errc::kDamaged for a record, a count or a sum that does not fit; and those of the visitor.
#pragma once

#include "storage/checkpoint.hpp"
#include "storage/checkpoint_format.hpp"
#include "storage/lmdb_environment.hpp"
#include "wire/result.hpp"

#include <cstdint>
#include <optional>

namespace zabd::storage {

/// nullopt: no batch was ever written. `identity` is of the data directory to which the checkpoint has to belong.
Result<std::optional<CheckpointMeta>> load_checkpoint(LmdbEnvironment& environment, std::uint64_t identity,
                                                      const CheckpointVisitor& visitor);

}  // namespace zabd::storage
