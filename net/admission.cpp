#include "net/admission.hpp"

#include "wire/assert.hpp"

namespace zabd::net {

bool Admission::enter(const std::string& address) {
    if (limits_.total_max != 0 && total_ >= limits_.total_max) return false;
    auto& count = by_address_[address];
    if (limits_.per_address_max != 0 && count >= limits_.per_address_max) return false;
    ++count;
    ++total_;
    return true;
}

void Admission::leave(const std::string& address) {
    const auto found = by_address_.find(address);
    ZABD_ASSERT(found != by_address_.end());
    if (--found->second == 0) by_address_.erase(found);
    --total_;
}

}  // namespace zabd::net
