#include "zab/participant.hpp"

#include "wire/assert.hpp"

#include <limits>
#include <utility>

namespace zabd::zab {

Participant::Participant(Options options, Zxid applied)
    : options_(std::move(options)),
      durable_{{options_.self, applied}},
      zxid_proposed_(applied),
      zxid_durable_(applied),
      zxid_committed_(applied) {
    ZABD_ASSERT(options_.membership.voters() == std::set{options_.self});
    ZABD_ASSERT(options_.counter_max > 0);
}

void Participant::step(const Input& input, std::vector<Output>& out) {
    std::visit([&](const auto& event) { on(event, out); }, input);
    ZABD_ASSERT(zxid_committed_ <= zxid_durable_);
    ZABD_ASSERT(zxid_durable_ <= zxid_proposed_);
    ZABD_ASSERT(proposals_.empty() == (zxid_committed_ == zxid_proposed_));
}

Zxid Participant::next_zxid() const {
    const auto epoch = zxid_proposed_.epoch();
    const auto counter = zxid_proposed_.counter();
    if (counter < options_.counter_max) return Zxid::of(epoch, counter + 1);
    ZABD_ASSERT(epoch < std::numeric_limits<Epoch>::max());
    return Zxid::of(epoch + 1, 1);
}

void Participant::on(const Logged& logged, std::vector<Output>& out) {
    ZABD_ASSERT(proposals_.empty());
    take_over(logged.zxid, logged.txn);
    on(LogDurable{logged.zxid}, out);
}

void Participant::on(const Submit& submit, std::vector<Output>& out) {
    ZABD_ASSERT(submit.zxid == next_zxid());
    take_over(submit.zxid, submit.txn);
    out.emplace_back(AppendToLog{submit.zxid, submit.txn});
}

void Participant::on(const LogDurable& durable, std::vector<Output>& out) {
    ZABD_ASSERT(durable.up_to >= zxid_durable_);
    ZABD_ASSERT(durable.up_to <= zxid_proposed_);
    zxid_durable_ = durable.up_to;
    durable_[options_.self] = zxid_durable_;
    commit(out);
}

void Participant::take_over(Zxid zxid, const Bytes& txn) {
    ZABD_ASSERT(follows(zxid_proposed_, zxid));
    zxid_proposed_ = zxid;
    proposals_.push_back({zxid, txn});
}

void Participant::commit(std::vector<Output>& out) {
    const auto before = std::exchange(zxid_committed_, options_.membership.committed(durable_));
    ZABD_ASSERT(zxid_committed_ >= before);
    while (!proposals_.empty() && proposals_.front().zxid <= zxid_committed_) {
        out.emplace_back(std::move(proposals_.front()));
        proposals_.pop_front();
    }
}

}  // namespace zabd::zab
