"""ZooKeeper's client protocol, byte by byte, for tests that no client library would let us write.

Requests   functions named after the operations give request bodies (bytes); `header(xid, op)` goes
           before them. Strings may be str, bytes (sent as they are) or None (null).
Replies    `decode_reply(op, body)` gives plain tuples; `Decoder` reads anything else.
Traffic    RawConnection: one TCP connection, blocking, frames in order. It keeps no promise about
           what is sent: every byte is the caller's choice.
"""

import collections
import enum
import itertools
import socket
import struct


class Op(enum.IntEnum):
    NOTIFICATION = 0
    CREATE = 1
    DELETE = 2
    EXISTS = 3
    GET_DATA = 4
    SET_DATA = 5
    GET_ACL = 6
    SET_ACL = 7
    GET_CHILDREN = 8
    SYNC = 9
    PING = 11
    GET_CHILDREN2 = 12
    CHECK = 13
    MULTI = 14
    CREATE2 = 15
    RECONFIG = 16
    CHECK_WATCHES = 17
    REMOVE_WATCHES = 18
    CREATE_CONTAINER = 19
    DELETE_CONTAINER = 20
    CREATE_TTL = 21
    MULTI_READ = 22
    AUTH = 100
    SET_WATCHES = 101
    SASL = 102
    GET_EPHEMERALS = 103
    GET_ALL_CHILDREN_NUMBER = 104
    SET_WATCHES2 = 105
    ADD_WATCH = 106
    WHO_AM_I = 107
    CREATE_SESSION = -10
    CLOSE_SESSION = -11
    ERROR = -1


class Err(enum.IntEnum):
    OK = 0
    SYSTEM_ERROR = -1
    RUNTIME_INCONSISTENCY = -2
    MARSHALLING = -5
    UNIMPLEMENTED = -6
    BAD_ARGUMENTS = -8
    NO_NODE = -101
    NO_AUTH = -102
    BAD_VERSION = -103
    NO_CHILDREN_FOR_EPHEMERALS = -108
    NODE_EXISTS = -110
    NOT_EMPTY = -111
    SESSION_EXPIRED = -112
    INVALID_ACL = -114
    AUTH_FAILED = -115
    NO_WATCHER = -121
    RECONFIG_DISABLED = -123
    QUOTA_EXCEEDED = -125


class Mode(enum.IntEnum):
    """The flags of a create."""
    PERSISTENT = 0
    EPHEMERAL = 1
    SEQUENTIAL = 2
    EPHEMERAL_SEQUENTIAL = 3
    CONTAINER = 4
    TTL = 5
    SEQUENTIAL_TTL = 6


class EventType(enum.IntEnum):
    CREATED = 1
    DELETED = 2
    DATA_CHANGED = 3
    CHILDREN_CHANGED = 4


class WatchMode(enum.IntEnum):
    PERSISTENT = 0
    RECURSIVE = 1


class WatcherType(enum.IntEnum):
    CHILDREN = 1
    DATA = 2
    ANY = 3
    PERSISTENT = 4
    RECURSIVE = 5


XID_EVENT = -1
XID_PING = -2
XID_AUTH = -4
XID_SET_WATCHES = -8

PERMS_ALL = 31
OPEN_ACL = [(PERMS_ALL, "world", "anyone")]
NO_PASSWORD = bytes(16)
MULTI_END = struct.pack(">i?i", -1, True, -1)

Stat = collections.namedtuple(
    "Stat", "czxid mzxid ctime mtime version cversion aversion ephemeral_owner data_length num_children pzxid")
ConnectResponse = collections.namedtuple("ConnectResponse", "protocol timeout_ms session_id password read_only")
Reply = collections.namedtuple("Reply", "xid zxid err body")
Event = collections.namedtuple("Event", "zxid type state path")
Result = collections.namedtuple("Result", "type err value")  # of one operation in a multi


class ConnectionClosed(Exception):
    """The server closed the connection, cleanly or not."""


class Malformed(Exception):
    """The server sent bytes that are not what the protocol says."""


# --- encoding ---


def int32(value):
    return struct.pack(">i", value)


def int64(value):
    return struct.pack(">q", value)


def boolean(value):
    return b"\x01" if value else b"\x00"


def buffer(data):
    return int32(-1) if data is None else int32(len(data)) + data


def ustring(text):
    return buffer(text.encode() if isinstance(text, str) else text)


def vector(items, encode):
    return int32(-1) if items is None else int32(len(items)) + b"".join(map(encode, items))


def acl_list(entries):
    return vector(entries, lambda entry: int32(entry[0]) + ustring(entry[1]) + ustring(entry[2]))


def paths(items):
    return vector(items, ustring)


def frame(body):
    return int32(len(body)) + body


def header(xid, op):
    return struct.pack(">ii", xid, op)


def connect_request(timeout_ms=10000, session_id=0, password=NO_PASSWORD, last_zxid=0, read_only=False, protocol=0):
    """read_only=None leaves the byte out, as clients before 3.4 do."""
    flag = b"" if read_only is None else boolean(read_only)
    return int32(protocol) + int64(last_zxid) + int32(timeout_ms) + int64(session_id) + buffer(password) + flag


# --- request bodies ---


def create(path, data=b"", acl=OPEN_ACL, flags=Mode.PERSISTENT):
    """Of create, create2 and createContainer alike."""
    return ustring(path) + buffer(data) + acl_list(acl) + int32(flags)


def create_ttl(path, data=b"", acl=OPEN_ACL, flags=Mode.TTL, ttl_ms=1000):
    return create(path, data, acl, flags) + int64(ttl_ms)


def path_and_version(path, version=-1):
    return ustring(path) + int32(version)


delete = check = path_and_version


def path_and_watch(path, watch=False):
    return ustring(path) + boolean(watch)


exists = get_data = get_children = get_children2 = path_and_watch


def set_data(path, data, version=-1):
    return ustring(path) + buffer(data) + int32(version)


def path_only(path):
    return ustring(path)


get_acl = sync = get_ephemerals = get_all_children_number = path_only


def set_acl(path, acl, version=-1):
    return ustring(path) + acl_list(acl) + int32(version)


def multi(operations):
    """Of multi and multiRead; `operations` are (opcode, body) pairs."""
    return b"".join(struct.pack(">i?i", op, False, -1) + body for op, body in operations) + MULTI_END


multi_read = multi


def reconfig(joining=None, leaving=None, members=None, config_id=-1):
    return ustring(joining) + ustring(leaving) + ustring(members) + int64(config_id)


def path_and_kind(path, kind):
    return ustring(path) + int32(kind)


add_watch = check_watches = remove_watches = path_and_kind


def auth(scheme, data):
    return int32(0) + ustring(scheme) + buffer(data)


def set_watches(relative_zxid, data=(), exist=(), child=()):
    return int64(relative_zxid) + paths(data) + paths(exist) + paths(child)


def set_watches2(relative_zxid, data=(), exist=(), child=(), persistent=(), recursive=()):
    return set_watches(relative_zxid, data, exist, child) + paths(persistent) + paths(recursive)


# --- decoding ---


class Decoder:
    """Reads jute from the front of `data`; raises Malformed when it ends too early."""

    def __init__(self, data):
        self._data = data
        self._at = 0

    def take(self, size):
        if size < 0 or self._at + size > len(self._data):
            raise Malformed(f"{size} bytes wanted at {self._at} of {self._data.hex()}")
        self._at += size
        return self._data[self._at - size:self._at]

    def int32(self):
        return struct.unpack(">i", self.take(4))[0]

    def int64(self):
        return struct.unpack(">q", self.take(8))[0]

    def boolean(self):
        return self.take(1) != b"\x00"

    def buffer(self):
        size = self.int32()
        return None if size == -1 else self.take(size)

    def ustring(self):
        data = self.buffer()
        return None if data is None else data.decode(errors="surrogateescape")

    def vector(self, item):
        count = self.int32()
        return None if count == -1 else [item() for _ in range(count)]

    def stat(self):
        return Stat(*struct.unpack(">qqqqiiiqiiq", self.take(68)))

    def acl_list(self):
        return self.vector(lambda: (self.int32(), self.ustring(), self.ustring()))

    def left(self):
        return len(self._data) - self._at

    def end(self):
        if self.left():
            raise Malformed(f"{self.left()} bytes too many in {self._data.hex()}")


def _multi_results(decoder):
    results = []
    while True:
        kind, done, err = struct.unpack(">i?i", decoder.take(9))
        if done:
            return results
        results.append(Result(kind, err, MULTI_REPLIES[kind](decoder)))


def _path_and_stat(decoder):
    return decoder.ustring(), decoder.stat()


def _nothing(_):
    return None


REPLIES = {
    Op.CREATE: Decoder.ustring,
    Op.DELETE: _nothing,
    Op.EXISTS: Decoder.stat,
    Op.GET_DATA: lambda d: (d.buffer(), d.stat()),
    Op.SET_DATA: Decoder.stat,
    Op.GET_ACL: lambda d: (d.acl_list(), d.stat()),
    Op.SET_ACL: Decoder.stat,
    Op.GET_CHILDREN: lambda d: d.vector(d.ustring),
    Op.SYNC: Decoder.ustring,
    Op.PING: _nothing,
    Op.GET_CHILDREN2: lambda d: (d.vector(d.ustring), d.stat()),
    Op.CHECK: _nothing,
    Op.MULTI: _multi_results,
    Op.CREATE2: _path_and_stat,
    Op.RECONFIG: lambda d: (d.buffer(), d.stat()),
    Op.CHECK_WATCHES: _nothing,
    Op.REMOVE_WATCHES: _nothing,
    Op.CREATE_CONTAINER: _path_and_stat,
    Op.CREATE_TTL: _path_and_stat,
    Op.MULTI_READ: _multi_results,
    Op.AUTH: _nothing,
    Op.SET_WATCHES: _nothing,
    Op.SASL: Decoder.buffer,
    Op.GET_EPHEMERALS: lambda d: d.vector(d.ustring),
    Op.GET_ALL_CHILDREN_NUMBER: Decoder.int32,
    Op.SET_WATCHES2: _nothing,
    Op.ADD_WATCH: Decoder.int32,
    Op.WHO_AM_I: lambda d: d.vector(lambda: (d.ustring(), d.ustring())),
    Op.CLOSE_SESSION: _nothing,
}

MULTI_REPLIES = {
    Op.CREATE: Decoder.ustring,
    Op.CREATE2: _path_and_stat,
    Op.DELETE: _nothing,
    Op.CHECK: _nothing,
    Op.SET_DATA: Decoder.stat,
    Op.GET_CHILDREN: lambda d: d.vector(d.ustring),
    Op.GET_DATA: lambda d: (d.buffer(), d.stat()),
    Op.ERROR: Decoder.int32,
}


def decode_reply(op, body):
    """The body of a successful reply to `op`; raises Malformed unless it fits to the last byte."""
    decoder = Decoder(body)
    value = REPLIES[op](decoder)
    decoder.end()
    return value


def decode_connect_response(body):
    decoder = Decoder(body)
    fields = decoder.int32(), decoder.int32(), decoder.int64(), decoder.buffer()
    return ConnectResponse(*fields, decoder.boolean() if decoder.left() else None)


def decode_message(body):
    """An Event or a Reply."""
    decoder = Decoder(body)
    xid, zxid, err = decoder.int32(), decoder.int64(), decoder.int32()
    if xid == XID_EVENT:
        event = Event(zxid, decoder.int32(), decoder.int32(), decoder.ustring())
        decoder.end()
        return event
    return Reply(xid, zxid, err, body[16:])


# --- traffic ---


class RawConnection:
    """One TCP connection to a server. Every wait ends after `timeout` seconds (TimeoutError).

    events     those that came while call() waited for a reply, oldest first; the caller may clear it
    session    the last ConnectResponse
    """

    def __init__(self, host, port, timeout=20):
        self.socket = socket.create_connection((host, port), timeout=timeout)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.events = []
        self.session = None
        self._received = bytearray()
        self._xids = itertools.count(1)

    def connect(self, **request):
        """The handshake; arguments as connect_request(). A refusal is a response with timeout_ms 0."""
        self.send_frame(connect_request(**request))
        self.session = decode_connect_response(self.receive_frame())
        return self.session

    def send_bytes(self, data):
        try:
            self.socket.sendall(data)
        except (ConnectionError, BrokenPipeError) as error:
            raise ConnectionClosed(str(error)) from None

    def send_frame(self, body):
        self.send_bytes(frame(body))

    def send(self, op, body=b"", xid=None):
        """Sends one request without waiting; returns its xid (the next free one by default)."""
        xid = next(self._xids) if xid is None else xid
        self.send_frame(header(xid, op) + body)
        return xid

    def receive_frame(self):
        size = struct.unpack(">i", self.receive_bytes(4))[0]
        return self.receive_bytes(size)

    def receive(self):
        """The next message, an Event or a Reply."""
        return decode_message(self.receive_frame())

    def receive_reply(self):
        """The next Reply; events before it go to `events`."""
        while isinstance(message := self.receive(), Event):
            self.events.append(message)
        return message

    def call(self, op, body=b"", xid=None):
        """One request and its Reply; events before it go to `events`."""
        sent = self.send(op, body, xid)
        reply = self.receive_reply()
        if reply.xid != (XID_PING if op == Op.PING else sent):
            raise Malformed(f"xid {reply.xid} answers {sent}")
        return reply

    def result(self, op, body=b""):
        """The decoded body of a call that must succeed."""
        reply = self.call(op, body)
        if reply.err != Err.OK:
            raise AssertionError(f"{Op(op).name} failed with {reply.err}")
        return decode_reply(op, reply.body)

    def closed_by_server(self):
        """Waits for the end of the stream; False if the server sends something instead."""
        try:
            return not self._received and self.socket.recv(1) == b""
        except ConnectionError:
            return True

    def close(self):
        """Ends the connection, not the session."""
        self.socket.close()

    def abort(self):
        """Ends the connection by a reset, as a crashed machine's network would."""
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.socket.close()

    def receive_bytes(self, size):
        """Exactly `size` bytes of the stream, for what has no frame around it."""
        while len(self._received) < size:
            try:
                chunk = self.socket.recv(1 << 18)
            except ConnectionError as error:
                raise ConnectionClosed(str(error)) from None
            if not chunk:
                raise ConnectionClosed("end of stream")
            self._received += chunk
        taken = bytes(self._received[:size])
        del self._received[:size]
        return taken

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()


def open_session(server, timeout=20, **request):
    """A RawConnection to `server` (a harness.Server) with an established session."""
    connection = RawConnection(server.host, server.port, timeout)
    response = connection.connect(**request)
    if response.timeout_ms <= 0:
        connection.close()
        raise ConnectionClosed("session refused")
    return connection
