"""Recorded conversations with Apache ZooKeeper 3.8.0, replayed against a running server.

vectors/client-vectors.json describes its format in its first element. A group is one conversation:
its vectors run in file order against one fresh server. Each frame of the server must equal the
recorded one but for the ranges marked as varying (ids, passwords, zxids, times), and those must be
consistent: one recorded session id, password or zxid stands for one live value throughout.

Where zabd follows a newer release, or its own rule, DEVIATIONS rewrites the recorded frames into
those that zabd owes. Apache ZooKeeper is held to the recording itself.
"""

import collections
import json
import pathlib
import struct

import pytest

import wire
from wire import Err, Op

VECTORS_FILE = pathlib.Path(__file__).parent.parent / "vectors" / "client-vectors.json"

SUPER_DIGEST = "super:lK75jTNcA+U9vtVEw5vB51mj/w4="  # of super:secret
GROUPS = {
    "standalone": {
        "4lw.commands.whitelist": "*",
        "reconfigEnabled": "true",
        "extendedTypesEnabled": "true",
        "DigestAuthenticationProvider.superDigest": SUPER_DIGEST,
    },
    "features-off": {},
    "maxbuffer-1000": {"jute.maxbuffer": 1000},
}

# Kinds of the varying fields that must stay consistent, by the last part of their name. A reply's
# own zxid counts only if a write is answered: in others it depends on the sessions opened meanwhile,
# whose place the recording does not tell.
CONSISTENT = {
    "sessionId": "session", "ephemeralOwner": "session", "passwd": "password",
    "czxid": "zxid", "mzxid": "zxid", "pzxid": "zxid",
}
WRITES = (Op.CREATE, Op.CREATE2, Op.CREATE_CONTAINER, Op.CREATE_TTL, Op.DELETE, Op.SET_DATA, Op.SET_ACL, Op.MULTI)


def read_vectors(group):
    return [vector for vector in json.loads(VECTORS_FILE.read_text()) if vector["group"] == group]


# --- what zabd answers instead ---


def request_frame(conn, xid, op, body=b""):
    return {"dir": "C>S", "conn": conn, "hex": (wire.header(xid, op) + body).hex(),
            "fields": [["xid", 0, 4, xid], ["type", 4, 4, int(op)]]}


def reply_frame(conn, xid, err, zxid=None):
    """A reply without a body; zxid None: any."""
    return {"dir": "S>C", "conn": conn, "hex": struct.pack(">iqi", xid, zxid or 0, err).hex(),
            "varies": [] if zxid is not None else [[4, 8, "anyZxid"]]}


def closed(conn):
    return {"dir": "S>C", "conn": conn, "event": "connection closed by server"}


def opened(conn):
    return {"dir": "note", "conn": conn, "event": "new connection opened"}


def answered_with(err):
    """The one reply of the vector is a bare error."""
    def rewrite(frames):
        request = next(frame for frame in frames if frame["dir"] == "C>S")
        return [*frames[:-1], reply_frame(request["conn"], xid_of(request), err)]
    return rewrite


def refused_then_created_plainly(frames):
    """BAD_ARGUMENTS, then the same with flags that fit, so that what follows finds the tree it expects."""
    request, reply = frames
    plain = bytes.fromhex(request["hex"])[:-4] + wire.int32(wire.Mode.PERSISTENT)
    return [*answered_with(Err.BAD_ARGUMENTS)(frames), {**request, "hex": plain.hex()}, reply]


def refused_as_unknown(frames):
    """UNIMPLEMENTED and close, asked on a connection of its own; what followed does not apply."""
    request = next(frame for frame in frames if frame["dir"] == "C>S")
    return [opened("extra"), {**request, "conn": "extra"},
            reply_frame("extra", xid_of(request), Err.UNIMPLEMENTED, zxid=-1), closed("extra")]


def first_connection_lives(frames):
    """Instead of the close that ends the recording, the rightful connection answers a ping."""
    return [*frames[:-1], request_frame("first", wire.XID_PING, Op.PING), reply_frame("first", wire.XID_PING, Err.OK)]


def stat_of_create2(frames):
    """In the last reply, result 1 is of type create2 and has the stat of its new node."""
    frame = frames[-1]
    at = {name: offset for name, offset, _, _ in frame["fields"]}
    body = bytes.fromhex(frame["hex"])
    cut, neighbour = at["op[2].hdr.type"], at["op[2].stat.czxid"]
    stat = wire.Decoder(body[neighbour:]).stat()._replace(data_length=1)
    encoded = struct.pack(">qqqqiiiqiiq", *stat)
    type_at, rest_at = at["op[1].hdr.type"], at["op[1].hdr.done"]
    body = body[:type_at] + wire.int32(Op.CREATE2) + body[rest_at:cut] + encoded + body[cut:]
    moved = [[offset + len(encoded) * (offset >= cut), size, name] for offset, size, name in frame["varies"]]
    copied = [[offset - neighbour + cut, size, name.replace("[2]", "[1]")]
              for offset, size, name in frame["varies"] if name.startswith("op[2].stat")]
    return [*frames[:-1], {**frame, "hex": body.hex(), "varies": moved + copied}]


Deviation = collections.namedtuple("Deviation", "reason rewrite")

DEVIATIONS = {
    "session_reattach_wrong_password": Deviation(
        "the password is verified before the connection that holds the session is closed", first_connection_lives),
    "create_container_flag_with_plain_create": Deviation(
        "an opcode that does not fit the flags is refused", refused_then_created_plainly),
    "exists_without_read_permission": Deviation(
        "exists needs READ, as since 3.8.4 and 3.9.2", answered_with(Err.NO_AUTH)),
    "check_standalone_failing": Deviation(
        "check is for multis only, as since 3.8.5 and 3.9.3", refused_as_unknown),
    "deleteContainer_from_client": Deviation(
        "the server's internal opcode, which checks no permission, is closed to clients", refused_as_unknown),
    "multi_ok_all_kinds": Deviation(
        "create2 in a multi gives its stat, as since 3.7.2, 3.8.2 and 3.9.0", stat_of_create2),
    "multi_bad_create_flags": Deviation(
        "unknown flags make a multi unreadable, as since 3.7.2, 3.8.2 and 3.9.0", answered_with(Err.MARSHALLING)),
}


def frames_owed(vector, server_kind):
    """The vector's frames as this kind of server must produce them."""
    deviation = DEVIATIONS.get(vector["name"]) if server_kind == "zabd" else None
    return deviation.rewrite(vector["frames"]) if deviation else vector["frames"]


# --- reading frames ---


def xid_of(frame):
    return struct.unpack(">i", bytes.fromhex(frame["hex"])[:4])[0]


def is_connect(frame):
    return frame["dir"] == "C>S" and frame["fields"][:1] and frame["fields"][0][0] == "protocolVersion"


def is_raw(frame):
    return "raw" in frame.get("note", "")


def ranges_of(frame):
    """(start, end, kind) of each varying range; kind None if anything goes."""
    return [(offset, offset + size, CONSISTENT.get(name.split(".")[-1]))
            for offset, size, name in frame.get("varies", [])]


def masked(data, ranges):
    data = bytearray(data)
    for start, end, _ in ranges:
        data[start:end] = bytes(min(end, len(data)) - start if start < len(data) else 0)
    return bytes(data)


def unordered(op, data):
    """A reply in a form that forgets the order of lists which have none by contract."""
    if op not in (Op.GET_CHILDREN, Op.GET_CHILDREN2, Op.GET_EPHEMERALS, Op.WHO_AM_I, Op.MULTI_READ):
        return data
    reply = wire.decode_message(data)
    if reply.err != Err.OK:
        return data
    return reply._replace(body=_lists_sorted(wire.decode_reply(op, reply.body)))


def _lists_sorted(value):
    if isinstance(value, list) and not (value and isinstance(value[0], wire.Result)):
        return sorted(value)
    if isinstance(value, wire.Result):
        return value._replace(value=_lists_sorted(value.value))
    if type(value) in (list, tuple):
        return type(value)(map(_lists_sorted, value))
    return value


class Replay:
    """Plays vectors against one server, checks its frames, counts what it compared.

    Connections and recorded values live on from vector to vector, as they did in the recording.
    """

    def __init__(self, server, server_kind):
        self.compared = 0
        self._server = server
        self._event_has_zxid = server_kind == "zabd"
        self._connections = {}
        self._asked = collections.defaultdict(collections.deque)  # label -> opcodes without reply
        self._live = {}  # (kind, recorded bytes) -> live bytes
        self._event_zxids = []
        self._reply_zxids = set()

    def play(self, frames):
        self._event_zxids.clear()
        for frame in frames:
            label = frame.get("conn") or "word"
            if frame["dir"] == "C>S":
                self._send(label, frame)
            elif "hex" in frame:
                self._expect(label, frame)
            elif "closed by server" in frame["event"]:
                self._expect_end(label)
            elif "new connection opened" in frame["event"]:
                self._open(label).connect(timeout_ms=10000)
        self._check_event_zxids()

    def close(self):
        for connection in self._connections.values():
            connection.close()

    def _open(self, label):
        if label in self._connections:
            self._connections[label].close()
        self._connections[label] = wire.RawConnection(self._server.host, self._server.port, timeout=10)
        self._asked[label].clear()
        return self._connections[label]

    def _send(self, label, frame):
        data = bytes.fromhex(frame["hex"])
        if is_connect(frame) or label not in self._connections:
            self._open(label)
        connection = self._connections[label]
        if is_raw(frame):
            connection.send_bytes(data)
            return
        if not is_connect(frame) and len(data) >= 8:
            self._asked[label].append(struct.unpack(">i", data[4:8])[0])
        connection.send_frame(self._with_live_values(data, frame))

    def _with_live_values(self, data, frame):
        """The recorded request with session id, password and zxid of this run in their places."""
        data = bytearray(data)
        for start, end, kind in [*ranges_of(frame), *self._relative_zxid(frame)]:
            data[start:end] = self._live.get((kind, bytes(data[start:end])), data[start:end])
        return bytes(data)

    @staticmethod
    def _relative_zxid(frame):
        return [(offset, offset + size, "zxid") for name, offset, size, _ in frame["fields"] if name == "relativeZxid"]

    def _expect(self, label, frame):
        expected = bytes.fromhex(frame["hex"])
        connection = self._connections[label]
        if is_raw(frame):
            actual = connection.receive_bytes(len(expected))
        else:
            actual = connection.receive_frame()
        ranges = ranges_of(frame)
        op = None
        if not is_raw(frame) and len(expected) >= 16 and not self._is_connect_response(frame):
            op, ranges = self._note_header(label, frame, actual, ranges)
        assert unordered(op, masked(actual, ranges)) == unordered(op, masked(expected, ranges)), \
            f"got {actual.hex()}, recorded {expected.hex()}, varying {frame.get('varies')}"
        self._check_consistency(expected, actual, ranges)
        self.compared += 1

    @staticmethod
    def _is_connect_response(frame):
        return frame.get("fields", [[None]])[0][0] == "protocolVersion"

    def _note_header(self, label, frame, actual, ranges):
        """The opcode that the frame answers (None: an event), and what may vary in it."""
        zxid = struct.unpack(">q", actual[4:12])[0]
        if xid_of(frame) != wire.XID_EVENT:
            self._reply_zxids.add(zxid)
            op = self._asked[label].popleft()
            if op in WRITES and [4, 8, "zxid"] in frame["varies"]:
                ranges = [*ranges, (4, 12, "zxid")]
            return op, ranges
        is_catch_up = self._asked[label] and self._asked[label][0] in (Op.SET_WATCHES, Op.SET_WATCHES2)
        if not self._event_has_zxid or is_catch_up:
            return None, ranges
        self._event_zxids.append(zxid)
        return None, [*ranges, (4, 12, None)]

    def _check_event_zxids(self):
        """zabd's events carry the zxid of their transaction, which a reply near them carries too."""
        assert self._reply_zxids.issuperset(self._event_zxids)

    def _check_consistency(self, expected, actual, ranges):
        for start, end, kind in ranges:
            if kind is not None:
                live = self._live.setdefault((kind, expected[start:end]), actual[start:end])
                assert live == actual[start:end], \
                    f"{kind} {expected[start:end].hex()} was {live.hex()} before, now {actual[start:end].hex()}"

    def _expect_end(self, label):
        assert self._connections[label].closed_by_server(), f"{label} is still open"
        self._connections.pop(label).close()


@pytest.mark.parametrize("group", GROUPS)
def test_recorded_conversation(group, server_kind, make_server):
    server = make_server(config=GROUPS[group]).start()
    replay = Replay(server, server_kind)
    for vector in read_vectors(group):
        try:
            replay.play(frames_owed(vector, server_kind))
        except (AssertionError, wire.ConnectionClosed, TimeoutError) as failure:
            pytest.fail(f"{vector['name']} ({vector['description']}): {failure or type(failure).__name__}")
    replay.close()
    print(f"{group}: {replay.compared} frames compared")


def test_every_deviation_names_a_vector():
    assert DEVIATIONS.keys() <= {vector["name"] for vector in read_vectors("standalone")}
