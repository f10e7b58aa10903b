// Any bytes as any record. The first byte chooses the record, the rest are read as one.
// What decodes must encode to bytes that decode to the same again.
#include "wire/assert.hpp"
#include "wire/connect.hpp"
#include "wire/node_image.hpp"
#include "wire/requests.hpp"
#include "wire/txns.hpp"

#include <cstddef>
#include <cstdint>
#include <string_view>
#include <tuple>
#include <utility>

namespace {

using namespace zabd::wire;

// The stored corpus goes by position: add at the end.
using Records =
    std::tuple<RequestHeader, ReplyHeader, MultiHeader, ReadRequest, PathRequest, NullablePathRequest, CreateRequest,
               CreateTtlRequest, VersionedRequest, SetDataRequest, SetAclRequest, AuthRequest, SaslToken,
               SetWatchesRequest, SetWatches2Request, AddWatchRequest, WatchesRequest, ReconfigRequest, PathReply,
               PathStatReply, StatReply, DataReply, AclReply, NamesReply, NamesStatReply, CountReply, ErrorReply,
               WhoAmIReply, WatcherEvent, TxnHeader, CreateTxn, CreateContainerTxn, CreateTtlTxn, DeleteTxn, SetDataTxn,
               SetAclTxn, CheckTxn, CreateSessionTxn, CloseSessionTxn, ErrorTxn, MultiTxn>;
constexpr std::size_t kRecords = std::tuple_size_v<Records>;

template <class Record>
void round_trip(std::string_view in) {
    const auto record = decoded<Record>(in);
    if (!record) return;
    const auto bytes = encoded(*record);
    const auto again = decoded<Record>(bytes);
    ZABD_ASSERT(again.has_value());
    ZABD_ASSERT(encoded(*again) == bytes);
}

template <std::size_t... kIndex>
void round_trip(std::size_t chosen, std::string_view in, std::index_sequence<kIndex...>) {
    ((chosen == kIndex ? round_trip<std::tuple_element_t<kIndex, Records>>(in) : void()), ...);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const std::string_view in(reinterpret_cast<const char*>(data), size);
    if (!in.empty()) round_trip(data[0] % kRecords, in.substr(1), std::make_index_sequence<kRecords>());
    return 0;
}
