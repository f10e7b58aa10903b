"""Two servers side by side: the same requests to both, every reply and event compared.

The reference is Apache ZooKeeper 3.8.0 as Debian builds it; the subject is zabd, or a second
ZooKeeper, against which this driver must find no difference at all.

Order      One session acts at a time and all its replies are awaited, so both servers see one
           global order, and the events of an action have left the server before the next begins.
Equal      Replies field by field. Session ids one to one. zxids by number: both servers start
           fresh. Times by consistency: a zxid has one time. Lists that have no order by contract,
           sorted.
Exceptions EXCEPTIONS lists where zabd must differ and how the driver accounts for it.
"""

import collections
import dataclasses
from typing import Callable, Optional

import wire
from wire import Err, Event, Op, Reply, Stat

EXCEPTIONS = {
    "event zxid": "events carry the zxid of their txn (3.9.0), the reference's -1; "
                  "checked to be a write's, after the last reply before and not after the next reply",
    "exists needs READ": "3.8.4, 3.9.2; the workload asks getData first and expects its NOAUTH",
    "create2 in a multi has a stat": "3.7.2, 3.8.2, 3.9.0; the stat is computed from the request",
    "unknown flags in a multi": "make it unreadable (3.7.2, 3.8.2, 3.9.0): MARSHALLING in the header",
    "watcher types 4 and 5": "known (3.9.0): expected from the watch just set, or the reference is asked "
                             "for type 3 instead where only that watch can be there",
    "wrong password": "does not drop the connection that holds the session; the reference's is reattached",
    "pings": "may be answered before writes sent before them; never sent together with others",
    "setACL": "holds for what is sent right behind it; the reference judges that by the old ACL until the new "
              "one is applied, so nothing is pipelined behind a setACL",
    "quota usage": "is counted and never read back; no quotas below others, no usage texts by clients",
    "not generated": "several watch modes on one path of one connection, checkWatches that other connections' "
                     "watches could answer or on relative paths, flags that do not fit the opcode, check outside "
                     "a multi, deleteContainer, createSession, IPv6 ids, quota texts that are no numbers, the empty "
                     "path in getAllChildrenNumber (the reference counts the root as well), characters beyond the "
                     "BMP or invalid UTF-8 where the answer would repeat them",
}

WRITES = (Op.CREATE, Op.CREATE2, Op.CREATE_CONTAINER, Op.CREATE_TTL, Op.DELETE, Op.SET_DATA, Op.SET_ACL, Op.MULTI,
          Op.CLOSE_SESSION)
UNORDERED = (Op.GET_CHILDREN, Op.GET_CHILDREN2, Op.GET_EPHEMERALS, Op.WHO_AM_I,
             Op.GET_ACL)  # the entries that one of scheme auth stands for

ENCODERS = {
    Op.CREATE: wire.create, Op.CREATE2: wire.create, Op.CREATE_CONTAINER: wire.create, Op.CREATE_TTL: wire.create_ttl,
    Op.DELETE: wire.delete, Op.CHECK: wire.check, Op.EXISTS: wire.exists, Op.GET_DATA: wire.get_data,
    Op.SET_DATA: wire.set_data, Op.GET_ACL: wire.get_acl, Op.SET_ACL: wire.set_acl,
    Op.GET_CHILDREN: wire.get_children, Op.GET_CHILDREN2: wire.get_children2, Op.SYNC: wire.sync,
    Op.RECONFIG: wire.reconfig, Op.ADD_WATCH: wire.add_watch, Op.CHECK_WATCHES: wire.check_watches,
    Op.REMOVE_WATCHES: wire.remove_watches, Op.AUTH: wire.auth, Op.SASL: wire.buffer,
    Op.SET_WATCHES: wire.set_watches, Op.SET_WATCHES2: wire.set_watches2, Op.GET_EPHEMERALS: wire.get_ephemerals,
    Op.GET_ALL_CHILDREN_NUMBER: wire.get_all_children_number,
}


class Difference(Exception):
    """The subject answered otherwise than it owes."""


@dataclasses.dataclass
class Step:
    """One request.

    args          of the encoder of `op` in ENCODERS
    body          sent instead of encoded args
    zabd_body     sent to zabd where it has to be asked in other words
    owed          what zabd owes, from what the reference answered (a canonical reply)
    closes        both servers close the connection after the reply
    """
    op: int
    args: tuple = ()
    body: Optional[bytes] = None
    zabd_body: Optional[bytes] = None
    owed: Callable = None
    closes: bool = False
    xid: Optional[int] = None

    def request(self, for_zabd=False):
        if for_zabd and self.zabd_body is not None:
            return self.zabd_body
        if self.body is not None:
            return self.body
        return ENCODERS[self.op](*self.args) if self.op in ENCODERS else b""

    def __str__(self):
        name = Op(self.op).name if self.op in Op._value2member_map_ else f"opcode {self.op}"
        return f"{name} {' '.join(map(_brief, self.args)) if self.args else (self.body or b'').hex()}"

    __repr__ = __str__  # as part of a multi's


CanonicalReply = collections.namedtuple("CanonicalReply", "xid zxid err value")


class Side:
    """One server, and what of its answers is its own: session ids and times."""

    def __init__(self, server):
        self.server = server
        self.zxid = 0  # highest seen
        self.session_names = {0: 0}
        self._time_of = {}

    def canonical(self, message, op):
        if isinstance(message, Event):
            return message._replace(zxid=None)
        self.zxid = max(self.zxid, message.zxid)
        value = message.body
        if message.err == Err.OK:
            value = self._plain(op, wire.decode_reply(op, message.body))
        return CanonicalReply(message.xid, message.zxid, message.err, value)

    def _plain(self, op, value):
        if isinstance(value, Stat):
            return self._plain_stat(value)
        if isinstance(value, wire.Result):
            return value._replace(value=self._plain(value.type, value.value))
        if type(value) is tuple:
            return tuple(self._plain(op, item) for item in value)
        if type(value) is list and value and isinstance(value[0], wire.Result):
            return [self._plain(op, item) for item in value]
        if type(value) is list and op in UNORDERED:
            return sorted(value)
        return value

    def _plain_stat(self, stat):
        self._check_time(stat.czxid, stat.ctime)
        self._check_time(stat.mzxid, stat.mtime)
        return stat._replace(
            ctime=None, mtime=None, ephemeral_owner=self.session_names.get(stat.ephemeral_owner, stat.ephemeral_owner))

    def _check_time(self, zxid, time):
        if self._time_of.setdefault(zxid, time) != time:
            raise Difference(f"{self.server.address}: zxid {zxid} has times {time} and {self._time_of[zxid]}")


class Session:
    """A session on both servers. `link[n]` is its connection to side n, None while detached."""

    def __init__(self, name, timeout_ms):
        self.name = name
        self.timeout_ms = timeout_ms
        self.ids = [0, 0]
        self.passwords = [wire.NO_PASSWORD, wire.NO_PASSWORD]
        self.link = [None, None]
        self.replied_zxid = 0  # of the subject's last reply on this connection

    def __repr__(self):
        return f"session {self.name}"


class Pair:
    """The two servers and the comparison of all they say. Raises Difference at the first one."""

    def __init__(self, reference, subject, subject_is_zabd):
        self.subject_is_zabd = subject_is_zabd
        self.sides = [Side(reference), Side(subject)]
        self.requests = 0
        self.events = 0
        self.trail = collections.deque(maxlen=40)  # the last actions, for the report
        self._names = 0
        self._subject_writes = set()

    @property
    def zxid(self):
        """The newest, as far as replies tell."""
        return self.sides[0].zxid

    # --- connections ---

    def open_session(self, timeout_ms):
        self._names += 1
        session = Session(self._names, timeout_ms)
        self.trail.append(f"{session} opens, timeout {timeout_ms}")
        responses = self._connect(session, zxids=[0, 0])
        for n, side in enumerate(self.sides):
            side.zxid += 1  # createSession takes one and its response does not show it
            session.ids[n], session.passwords[n] = responses[n].session_id, responses[n].password
            side.session_names[session.ids[n]] = f"session {session.name}"
        session.replied_zxid = self.sides[1].zxid
        return session

    def detach(self, session, abruptly):
        """The client's connections end; the session lives on."""
        self.trail.append(f"{session} loses its connection")
        for n, link in enumerate(session.link):
            link.abort() if abruptly else link.close()
            session.link[n] = None

    def reattach(self, session, old_links_close=False):
        """Takes the session to new connections; if it has some, both servers must close them."""
        self.trail.append(f"{session} attaches")
        old = list(session.link)
        self._connect(session, [side.zxid for side in self.sides])
        session.replied_zxid = max(session.replied_zxid, self.sides[1].zxid)
        if old_links_close:
            self._compare(session, [], [self._drain(link) for link in old], ordered=True)

    def restart(self, sessions):
        """Both servers are killed and started again; these sessions come back, their watches do not."""
        self.trail.append("both servers restart")
        for side in self.sides:
            side.server.kill()
            side.server.start()
        for session in sessions:
            for link in session.link:
                link.close()
            self.reattach(session)

    def refused(self, session, password):
        """An attempt to attach that both servers must refuse, equally."""
        self.trail.append(f"{session} attaches in vain")
        answers = []
        for n, side in enumerate(self.sides):
            with wire.RawConnection(side.server.host, side.server.port) as link:
                answers.append(link.connect(
                    session_id=session.ids[n], password=password, timeout_ms=session.timeout_ms))
                self._require(link.closed_by_server(), "the connection of a refused session stays open")
        self._require(answers[0] == answers[1] and answers[0].session_id == 0, f"refusals {answers}")

    def closed_unanswered(self, **request):
        """A connect request that both servers must answer by closing."""
        for side in self.sides:
            with wire.RawConnection(side.server.host, side.server.port) as link:
                link.send_frame(wire.connect_request(**request))
                self._require(link.closed_by_server(), f"{request} was answered")

    def take_over_with_wrong_password(self, session):
        """The refusal that costs the rightful holder its connection at the reference alone."""
        self.refused(session, b"x" * 16)
        if self.subject_is_zabd:
            self._require(session.link[0].closed_by_server(), "the reference keeps its connection")
            session.link[1].call(Op.PING, xid=wire.XID_PING)
        self.detach(session, abruptly=False)
        self.reattach(session)

    def _connect(self, session, zxids):
        responses = []
        for n, side in enumerate(self.sides):
            session.link[n] = wire.RawConnection(side.server.host, side.server.port)
            responses.append(session.link[n].connect(
                session_id=session.ids[n], password=session.passwords[n],
                timeout_ms=session.timeout_ms, last_zxid=zxids[n]))
        plain = [(r.protocol, r.timeout_ms, r.read_only, len(r.password), r.session_id == session.ids[n])
                 for n, r in enumerate(responses)]
        self._require(plain[0] == plain[1] and responses[0].timeout_ms > 0, f"connect responses {responses}")
        return responses

    # --- requests ---

    def perform(self, session, steps, ordered=True):
        """Sends the steps at once, compares all that comes back, returns the reference's canonical replies.

        ordered=False: events may come in any order, as those of one session's end may.
        """
        self.requests += len(steps)
        self.trail.append(f"{session}: {' | '.join(map(str, steps))}")
        try:
            for n, link in enumerate(session.link):
                self._send(link, steps, for_zabd=n == 1 and self.subject_is_zabd)
            received = [self._receive(link, len(steps)) for link in session.link]
        except (wire.ConnectionClosed, wire.Malformed, TimeoutError) as error:
            self._require(False, f"no or no good answer: {error!r}")
        replies = self._compare(session, steps, received, ordered)
        if steps[-1].closes:
            for n, link in enumerate(session.link):
                self._require(link.closed_by_server(), "the connection stays open")
                link.close()
                session.link[n] = None
        return replies

    def _send(self, link, steps, for_zabd):
        bodies = (wire.header(self._xid(step), step.op) + step.request(for_zabd) for step in steps)
        link.send_bytes(b"".join(map(wire.frame, bodies)))

    @staticmethod
    def _xid(step):
        return step.xid if step.xid is not None else wire.XID_PING if step.op == Op.PING else 1000 + step.op

    @staticmethod
    def _receive(link, replies):
        messages = []
        while replies:
            messages.append(link.receive())
            replies -= isinstance(messages[-1], Reply)
        return messages

    @staticmethod
    def _drain(link):
        """What still comes before the server's close."""
        messages = []
        try:
            while True:
                messages.append(link.receive())
        except wire.ConnectionClosed:
            link.close()
            return messages

    def flush(self, sessions, ordered=True):
        """Compares the events that lie in wait on these sessions."""
        for session in sessions:
            self.perform(session, [Step(Op.PING)], ordered)

    def await_events(self, session, count):
        """Waits for `count` events that no request causes; compares them in any order."""
        received = [[link.receive() for _ in range(count)] for link in session.link]
        self._compare(session, [], received, ordered=False)

    def compare_monitors(self, keys):
        """The four-letter word mntr, as far as these keys go."""
        answers = [dict(line.split("\t", 1) for line in side.server.word("mntr").splitlines()) for side in self.sides]
        for key in keys:
            self._require(answers[0][key] == answers[1].get(key), f"{key}: {[answer.get(key) for answer in answers]}")

    # --- comparison ---

    def _compare(self, session, steps, received, ordered):
        reference, subject = (self._canonical(side, steps, messages)
                              for side, messages in zip(self.sides, received))
        self._check_event_zxids(session, steps, *received)
        owed = self._owed(steps, reference) if self.subject_is_zabd else reference
        self.events += sum(isinstance(message, Event) for message in reference)
        if not ordered:
            owed, subject = _events_sorted(owed), _events_sorted(subject)
        self._require(owed == subject, "\n".join(
            "\n    ".join([f"  {text}:", *map(str, messages)])
            for text, messages in (("reference", reference), ("owed", owed), ("subject", subject))))
        return [message for message in reference if isinstance(message, CanonicalReply)]

    @staticmethod
    def _canonical(side, steps, messages):
        ops = iter(steps)
        return [side.canonical(message, next(ops).op if isinstance(message, Reply) else None) for message in messages]

    @staticmethod
    def _owed(steps, reference):
        pending = iter(steps)
        owed = []
        for message in reference:
            if isinstance(message, CanonicalReply) and (rule := next(pending).owed):
                message = rule(message)
            owed.append(message)
        return owed

    def _check_event_zxids(self, session, steps, reference, subject):
        self._require(all(m.zxid == -1 for m in reference if isinstance(m, Event)), "the reference's event has a zxid")
        if not self.subject_is_zabd:
            return
        pending = iter(steps)
        events = []
        for message in subject:
            if isinstance(message, Event):
                events.append(message)
                continue
            step = next(pending)
            if step.op in WRITES and message.err == Err.OK:
                self._subject_writes.add(message.zxid)
            self._check_zxids_before_reply(session, step, events, message)
            events.clear()
            session.replied_zxid = max(session.replied_zxid, message.zxid)

    def _check_zxids_before_reply(self, session, step, events, reply):
        """Events before a reply come from txns since the last one; those that setWatches finds, from none."""
        zxids = [event.zxid for event in events]
        if step.op in (Op.SET_WATCHES, Op.SET_WATCHES2):
            zxids = [zxid for zxid in zxids if zxid != -1]
        in_window = all(session.replied_zxid < zxid and zxid <= max(reply.zxid, self.sides[1].zxid) for zxid in zxids)
        self._require(zxids == sorted(zxids) and in_window and self._subject_writes.issuperset(zxids),
                      f"event zxids {events} between {session.replied_zxid} and {reply}")

    def _require(self, holds, what):
        if not holds:
            trail = "\n".join(self.trail)
            raise Difference(f"after {self.requests} requests\n{trail}\n{what}")


def _brief(value):
    text = str(value)
    return text if len(text) < 500 or isinstance(value, list) else text[:100] + "..."


def _events_sorted(messages):
    """The messages with each run of events before a reply in one canonical order."""
    result, run = [], []
    for message in messages:
        if isinstance(message, Event):
            run.append(message)
            continue
        result += [*sorted(run, key=str), message]
        run = []
    return result + sorted(run, key=str)
