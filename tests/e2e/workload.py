"""Random operations of every kind for the differential test.

A seed gives the same run as long as both servers answer alike: choices depend on the random source
and on the reference's replies only. Paths come from few names, so that operations meet; what
EXCEPTIONS in differential.py calls "not generated" is avoided here.
"""

import random
import zlib

import wire
from differential import CanonicalReply, Step
from wire import Err, Mode, Op, Stat, WatcherType, WatchMode

TIMEOUT_MS = 600000  # no session expires while a test runs
SUPER_AUTH = b"super:secret"
SUPER_DIGEST = "super:lK75jTNcA+U9vtVEw5vB51mj/w4="

SETTINGS = {
    "4lw.commands.whitelist": "*",
    "tickTime": 500,
    "extendedTypesEnabled": "true",
    "maxSessionTimeout": TIMEOUT_MS,
    "snapCount": 2000,
    "znode.container.checkIntervalMs": 3600000,  # reaping is a matter of wall time
    "DigestAuthenticationProvider.superDigest": SUPER_DIGEST,
}

# READ may be missing only below GUARDED, where exists is asked with care.
GUARDED = "/guarded"
ROOTS = ("/a", "/b", "/c", GUARDED)
NAMES = ("a", "b", "c", "d")
QUOTA_PATHS = ("/a", "/b/c", "/c")
QUOTA_TEXTS = (b"count=3,bytes=100", b"count=-1,bytes=-1", b"count=5,bytes=10=;byteHardLimit=20;countHardLimit=6")
NO_USAGE = b"count=0,bytes=0"
NEVER_WATCHED = "/unwatched"

SPECIAL_PATHS = ("/", "/zookeeper", "/zookeeper/quota", "/zookeeper/config", "/zookeeper/none", "/none/none")
ODD_PATHS = ("/a/.hid", "/a/...", "/a/..a", "/a/a.", "/a/x y",
             "/a/\u00e9", "/a/\u00a0", "/a/\uf900", "/a/\uffef", "/a/\ud7ff")
BAD_PATHS = ("", "a", "a/b", "/a/", "//a", "/a//b", "/a/./b", "/a/.", "/a/..", "/../a", "/a/\x00b", "/a/\x01",
             "/a/\x1f", "/a/\x7f", "/a/\x9f", "/a/\ue000", "/a/\uf8ff", "/a/\ufff0", "/a/\uffff")
UNREPEATABLE_PATHS = ("/a/\U0001f600", b"/a/\xff\xfe", b"/a/\xed\xa0\x80", b"/a/\xc3")

IDENTITIES = (b"bob:pw", b"alice:secret", b"nocolon")
DIGEST_BOB = "bob:ikIaKsbtGweaHnb/jKn7OHqbunM="
READABLE_ENTRY = (31, "world", "anyone")
VALID_ENTRIES = ((31, "world", "anyone"), (1, "world", "anyone"), (0, "world", "anyone"), (0x7fff, "world", "anyone"),
                 (31, "digest", DIGEST_BOB), (17, "digest", DIGEST_BOB), (6, "digest", "alice:x"),
                 (31, "ip", "127.0.0.1"), (3, "ip", "127.0.0.0/8"), (31, "ip", "10.1.2.3"),
                 (31, "auth", ""), (1, "auth", "x"))
INVALID_ENTRIES = ((31, "world", "someone"), (31, "digest", "abc"), (31, "digest", "a:b:c"),
                   (31, "ip", "1.2.3"), (31, "ip", "127.0.0.1/33"), (31, "super", ""), (31, "sasl", "x"),
                   (31, "x509", "CN=x"), (31, "none", "x"), (31, "", ""))

TTLS = (1000000000, (1 << 40) - 1)
BAD_TTLS = ((Mode.TTL, 0), (Mode.SEQUENTIAL_TTL, 1 << 40), (Mode.TTL, -5))
TTLS_WITHOUT_FLAG = ((Mode.PERSISTENT, 1000), (Mode.EPHEMERAL, 0), (Mode.CONTAINER, 5))
CREATES = (Op.CREATE, Op.CREATE, Op.CREATE2, Op.CREATE_CONTAINER, Op.CREATE_TTL)
UNKNOWN_OPCODES = (0, -1, 10, 23, 99, 108, 1000, -12, 2147483647)
NODES_MAX = 400
SESSIONS = range(3, 7)
TYPE_OF_MODE = {WatchMode.PERSISTENT: WatcherType.PERSISTENT, WatchMode.RECURSIVE: WatcherType.RECURSIVE}


def watch_style(path):
    """Which kind of watch all sessions set on this path: a WatchMode, or None for one-shot watches."""
    return (None, WatchMode.PERSISTENT, WatchMode.RECURSIVE, None)[zlib.crc32(repr(path).encode()) % 4]


def replaced(fields):
    """A rule for Step.owed: the reference's reply but for these fields."""
    return lambda reply: reply._replace(**fields)


def bare_error(err):
    return {"err": err, "value": b""}


class Workload:
    """Drives a differential.Pair. `run()` performs at least so many requests, with two restarts among them."""

    def __init__(self, pair, seed):
        self._pair = pair
        self._random = random.Random(seed)
        self._versions = {}  # path -> (version, aversion), as far as the replies tell
        self._attached = []
        self._detached = []
        self._gone = []
        self._actions = [
            (60, self._one_request), (12, self._pipelined_requests), (3, self._exists_in_guarded),
            (3, self._multi_with_create2), (1, self._malformed_write), (2, self._watch_and_unwatch),
            (1, self._watch_and_check), (1, self._authenticate), (0.5, self._authenticate_wrongly),
            (0.3, self._close_session), (0.3, self._lose_connection), (2, self._come_back),
            (0.4, self._replace_connection), (0.2, self._wrong_password), (0.2, self._steal_with_wrong_password),
            (0.1, self._attach_to_closed), (0.1, self._future_zxid), (0.3, self._unknown_opcode), (2, self._quota),
            (0.5, self._flush), (0.2, self._sasl), (1, self._ping),
        ]
        self._requests = [
            (20, self._create), (8, self._delete), (4, self._exists), (8, self._get_data), (8, self._set_data),
            (3, self._get_acl), (4, self._set_acl), (3, self._get_children), (3, self._get_children2), (2, self._sync),
            (10, self._multi), (3, self._multi_read), (3, self._set_watches), (4, self._add_watch),
            (1, self._check_watches), (3, self._remove_watches), (3, self._get_ephemerals),
            (2, self._get_all_children_number), (1, self._who_am_i), (1, self._malformed_read),
            (0.5, self._malformed_multi), (0.3, self._reconfig),
        ]
        self._janitor = self._open()
        self._auth(self._janitor, "digest", SUPER_AUTH)
        for path in ROOTS:
            self._pair.perform(self._janitor, [Step(Op.CREATE, (path,))])

    def run_quotas(self, requests):
        """The same with quotas and what they count alone."""
        self._actions = [(1, self._quota), (4, self._spend_quota), (0.1, self._flush)]
        self.run(requests)

    def run(self, requests):
        third = max(requests // 3, 1)
        restarts = iter(range(third, requests, third))
        restart_at = next(restarts)
        while self._pair.requests < requests:
            if self._pair.requests >= restart_at:
                self._restart()
                restart_at = next(restarts, requests)
            if len(self._attached) < SESSIONS.start:
                self._attached.append(self._open())
            self._weighted(self._actions)()
            if len(self._versions) > NODES_MAX:
                self._clean_up()
        self._flush()

    def final_checks(self):
        """The whole tree, and an expired session's end, on both servers alike."""
        self._compare_tree("/")
        self._flush()
        self._expire_a_session()
        self._flush()
        self._pair.compare_monitors(("zk_znode_count", "zk_ephemerals_count", "zk_global_sessions"))

    # --- choices ---

    def _weighted(self, table):
        return self._random.choices([entry for _, entry in table], [weight for weight, _ in table])[0]

    def _chance(self, probability):
        return self._random.random() < probability

    def _session(self):
        return self._random.choice(self._attached)

    def _path(self, root=None):
        depth = self._random.choice((0, 1, 1, 1, 2, 2, 3))
        return "/".join([root or self._random.choice(ROOTS), *(self._random.choice(NAMES) for _ in range(depth))])

    def _any_path(self):
        """A path that may be known, new, special or bad."""
        die = self._random.random()
        if die < 0.5 and self._versions:
            return self._random.choice(list(self._versions))
        if die < 0.88:
            return self._path()
        return self._random.choice(self._random.choice((SPECIAL_PATHS, ODD_PATHS, BAD_PATHS)))

    def _any_path_or_worse(self):
        """For requests whose answer does not repeat the path."""
        return self._random.choice(UNREPEATABLE_PATHS) if self._chance(0.02) else self._any_path()

    def _watch_flag(self, path):
        return watch_style(path) is None and self._chance(0.6)

    def _watched_path(self, style):
        """Absolute: the reference fails to check watches on others."""
        while True:
            path = self._any_path()
            if path.startswith("/") and watch_style(path) == style:
                return path

    def _data(self):
        return self._random.choice((None, b"", b"x", b"data", self._random.randbytes(20), b"y" * 5000))

    def _acl(self, path):
        if self._chance(0.05):
            invalid = self._random.choice(INVALID_ENTRIES)
            return self._random.choice((None, [], [(31, None, "x")], [invalid], [READABLE_ENTRY, invalid]))
        guarded = isinstance(path, str) and path.startswith(GUARDED + "/")
        if self._chance(0.4 if guarded else 0.8):
            return wire.OPEN_ACL
        entries = self._random.choices(VALID_ENTRIES, k=self._random.randrange(1, 3))
        return entries if guarded else [(self._random.choice((1, 1, 31, 9)), "world", "anyone"), *entries]

    def _version(self, path, which):
        if self._chance(0.6):
            return -1
        known = self._versions.get(path, (0, 0))[which]
        return self._random.choice((known, known, known, known + 1, known - 1, -2, 2147483647))

    # --- single requests ---

    def _create(self, in_multi=False):
        op = self._random.choice(CREATES)
        path = self._any_path_or_worse() if self._chance(0.5) else self._path()
        if not isinstance(path, bytes) and self._chance(0.1):
            path += self._random.choice(("/", "/.", "/s"))
        if op == Op.CREATE_CONTAINER:
            flags = Mode.CONTAINER if in_multi or self._chance(0.95) else self._random.choice((5, 6, 7, -1))
            return Step(op, (path, self._data(), self._acl(path), flags))
        if op == Op.CREATE_TTL:
            flags, ttl = self._random.choice((5, 6)), self._random.choice(TTLS)
            if self._chance(0.1):
                flags, ttl = self._random.choice(BAD_TTLS if in_multi else BAD_TTLS + TTLS_WITHOUT_FLAG)
            return Step(op, (path, self._data(), self._acl(path), flags, ttl))
        flags = self._random.choice((0, 0, 1, 2, 3))
        if not in_multi and self._chance(0.05):
            flags = self._random.choice((5, 6, 7, -1, 100))
        return Step(op, (path, self._data(), self._acl(path), flags))

    def _delete(self):
        path = self._any_path_or_worse()
        return Step(Op.DELETE, (path, self._version(path, 0)))

    def _exists(self):
        path = self._any_path_or_worse()
        if isinstance(path, str) and path.startswith(GUARDED):
            path = "/a" + path[len(GUARDED):]
        return Step(Op.EXISTS, (path, self._watch_flag(path)))

    def _get_data(self):
        path = self._any_path_or_worse()
        return Step(Op.GET_DATA, (path, self._watch_flag(path)))

    def _set_data(self):
        path = self._any_path_or_worse()
        if path == "/zookeeper/config":
            path = "/"
        return Step(Op.SET_DATA, (path, self._data(), self._version(path, 0)))

    def _get_acl(self):
        return Step(Op.GET_ACL, (self._any_path_or_worse(),))

    def _set_acl(self):
        path = self._any_path_or_worse()
        if path in SPECIAL_PATHS or path in ROOTS:
            return Step(Op.SET_ACL, (path, [READABLE_ENTRY], self._version(path, 1)))
        return Step(Op.SET_ACL, (path, self._acl(path), self._version(path, 1)))

    def _get_children(self):
        path = self._any_path()
        return Step(Op.GET_CHILDREN, (path, self._watch_flag(path)))

    def _get_children2(self):
        path = self._any_path()
        return Step(Op.GET_CHILDREN2, (path, self._watch_flag(path)))

    def _sync(self):
        return Step(Op.SYNC, (self._random.choice((self._any_path(), None)),))

    def _multi(self):
        steps = [self._sub_step() for _ in range(self._random.choice((0, 1, 2, 2, 3, 3, 4, 6)))]
        body = wire.multi([(step.op, step.request()) for step in steps])
        if self._chance(0.05):
            unreadable = Step(Op.CREATE, (self._path(), b"", wire.OPEN_ACL, 9))
            body = wire.multi([(step.op, step.request()) for step in [*steps, unreadable]])
            return Step(Op.MULTI, (steps,), body, owed=replaced(bare_error(Err.MARSHALLING)))
        return Step(Op.MULTI, (steps,), body)

    def _sub_step(self):
        """For a multi; half of them likely to succeed, since one failure fails all."""
        if self._chance(0.5) and self._versions:
            path = self._random.choice(list(self._versions))
            return self._random.choice((
                Step(Op.CREATE, (path + "/n", self._data(), wire.OPEN_ACL, Mode.SEQUENTIAL)),
                Step(Op.CREATE, (self._random.choice(ROOTS) + "/e", b"", wire.OPEN_ACL, Mode.EPHEMERAL_SEQUENTIAL)),
                Step(Op.CHECK, (path, -1)),
                Step(Op.SET_DATA, (path, self._data())), Step(Op.SET_DATA, (path, self._data()))))
        step = self._random.choice((self._create, self._create, self._delete, self._set_data, self._check))
        step = self._create(in_multi=True) if step == self._create else step()
        return step if step.op != Op.CREATE2 else Step(Op.CREATE, step.args)

    def _check(self):
        path = self._any_path()
        return Step(Op.CHECK, (path, self._version(path, 0)))

    def _multi_read(self):
        steps = [self._random.choice((self._get_data, self._get_children))() for _ in range(self._random.randrange(5))]
        return Step(Op.MULTI_READ, (steps,), wire.multi_read([(step.op, step.request()) for step in steps]))

    def _set_watches(self):
        zxid = max(0, self._pair.zxid - self._random.choice((0, 1, 5, 50, 500)))
        lists = [[self._watched_path(None) for _ in range(self._random.randrange(4))] for _ in range(3)]
        op = Op.SET_WATCHES
        if self._chance(0.5):
            op = Op.SET_WATCHES2
            lists += [[self._watched_path(style) for _ in range(self._random.randrange(3))]
                      for style in (WatchMode.PERSISTENT, WatchMode.RECURSIVE)]
        return Step(op, (zxid, *lists), xid=self._random.choice((wire.XID_SET_WATCHES, None)))

    def _add_watch(self):
        if self._chance(0.05):
            return Step(Op.ADD_WATCH, (self._path(), self._random.choice((2, -1, 77))))
        mode = self._random.choice(list(WatchMode))
        return Step(Op.ADD_WATCH, (self._watched_path(mode), mode))

    def _check_watches(self):
        kind = self._random.choice((WatcherType.CHILDREN, WatcherType.DATA, WatcherType.ANY, 0, 6, -1))
        return Step(Op.CHECK_WATCHES, (NEVER_WATCHED, kind))

    def _remove_watches(self):
        path = self._any_path()
        if self._chance(0.05):
            return Step(Op.REMOVE_WATCHES, (path, self._random.choice((0, 6, -1))))
        style = watch_style(path)
        if style is None:
            kind = self._random.choice((WatcherType.CHILDREN, WatcherType.DATA, WatcherType.ANY))
            return Step(Op.REMOVE_WATCHES, (path, kind))
        kind = self._random.choice((WatcherType.ANY, TYPE_OF_MODE[style]))
        return Step(Op.REMOVE_WATCHES, (path, WatcherType.ANY), zabd_body=wire.remove_watches(path, kind))

    def _get_ephemerals(self):
        prefix = self._random.choice((None, "", "/", "  ", "/a", "/a/", "/b/c", self._any_path()))
        return Step(Op.GET_EPHEMERALS, (prefix,))

    def _get_all_children_number(self):
        return Step(Op.GET_ALL_CHILDREN_NUMBER, (self._any_path() or "/",))

    def _who_am_i(self):
        return Step(Op.WHO_AM_I)

    def _reconfig(self):
        return Step(Op.RECONFIG, (None, None, "server.1=localhost:2888:3888;2181"))

    def _malformed_read(self):
        """Bodies cut short are refused, bodies too long are read as far as needed."""
        step = self._random.choice((self._get_data, self._get_acl, self._get_children2, self._sync, self._set_watches,
                                    self._get_all_children_number, self._add_watch))()
        body = step.request()
        if step.op in (Op.SET_WATCHES, Op.SET_WATCHES2):
            return Step(step.op, step.args, wire.int64(0) + wire.paths(None) * 5)
        return Step(step.op, step.args, self._random.choice((
            body + b"more", body[:len(body) // 2], body[:-1],
            wire.int32(-2) + body[4:], wire.int32(0x7fffffff) + body[4:])))

    def _malformed_multi(self):
        good = self._multi().request()
        return Step(Op.MULTI, ("malformed",), self._random.choice((
            good[:-9], good[:-1], b"", wire.multi([(Op.GET_DATA, wire.get_data("/a"))]), wire.multi([(99, b"")]),
            wire.multi([(Op.CREATE, wire.create("/a/m")), (Op.GET_CHILDREN, wire.get_children("/a"))]))))

    # --- actions ---

    def _one_request(self):
        self._perform(self._session(), [self._weighted(self._requests)()])

    def _pipelined_requests(self):
        steps = [self._weighted(self._requests)() for _ in range(self._random.randrange(2, 8))]
        set_acls = [n for n, step in enumerate(steps) if step.op == Op.SET_ACL]
        self._perform(self._session(), steps[:set_acls[0] + 1] if set_acls else steps)

    def _perform(self, session, steps):
        replies = self._pair.perform(session, steps)
        for step, reply in zip(steps, replies):
            self._learn(step, reply)
        return replies

    def _learn(self, step, reply):
        """Keeps what the reference's reply tells about nodes and versions."""
        if reply.err == Err.NO_NODE and step.args:
            self._versions.pop(step.args[0], None)
        if reply.err != Err.OK or step.op in (Op.MULTI_READ, Op.SET_WATCHES, Op.SET_WATCHES2):
            return
        if step.op == Op.MULTI:
            for sub_step, result in zip(step.args[0], reply.value):
                if result.type != Op.ERROR:
                    self._learn(sub_step, CanonicalReply(0, 0, Err.OK, result.value))
        elif step.op in CREATES:
            path = reply.value if isinstance(reply.value, str) else reply.value[0]
            self._versions[path] = (0, 0)
        elif step.op == Op.DELETE:
            self._versions.pop(step.args[0], None)
        else:
            stats = [part for part in (reply.value if isinstance(reply.value, tuple) else ()) if isinstance(part, Stat)]
            stat = reply.value if isinstance(reply.value, Stat) else stats[0] if stats else None
            if stat is not None and step.args[0] in self._versions:
                self._versions[step.args[0]] = (stat.version, stat.aversion)

    def _exists_in_guarded(self):
        """The reference tells of a node that may not be read; zabd owes what getData answers."""
        session, path = self._session(), self._path(GUARDED)
        readable, = self._pair.perform(session, [Step(Op.GET_DATA, (path, False))])
        if readable.err == Err.NO_AUTH:
            self._pair.perform(session, [Step(Op.EXISTS, (path, False), owed=replaced(bare_error(Err.NO_AUTH)))])
        else:
            self._perform(session, [Step(Op.EXISTS, (path, self._watch_flag(path)))])

    def _multi_with_create2(self):
        """The reference answers its create2 by the path; zabd owes the stat too."""
        steps = [self._sub_step() for _ in range(self._random.randrange(1, 4))]
        path = f"{self._random.choice(ROOTS)}/{self._random.choice(NAMES)}"
        data = self._data()
        create2 = Step(Op.CREATE2, (path, data, wire.OPEN_ACL, Mode.SEQUENTIAL))
        steps.insert(self._random.randrange(len(steps) + 1), create2)

        def with_stats(reply):
            results = [self._with_stat(result, step, reply.zxid) for step, result in zip(steps, reply.value)]
            return reply._replace(value=results)

        body = wire.multi([(step.op, step.request()) for step in steps])
        self._perform(self._session(), [Step(Op.MULTI, (steps,), body, owed=with_stats)])

    @staticmethod
    def _with_stat(result, step, zxid):
        if step.op != Op.CREATE2 or result.type != Op.CREATE:
            return result
        stat = Stat(zxid, zxid, None, None, 0, 0, 0, 0, len(step.args[1] or b""), 0, zxid)
        return result._replace(type=Op.CREATE2, value=(result.value, stat))

    def _malformed_write(self):
        step = self._random.choice((self._create, self._delete, self._set_data, self._set_acl))()
        body = self._random.choice((b"", wire.int32(-2), wire.int32(1000) + b"/a", step.request()[:-1]))
        self._pair.perform(self._session(), [Step(step.op, ("malformed",), body)])

    def _watch_and_unwatch(self):
        """A watch just set is there; its removal is told once."""
        session, mode = self._session(), self._random.choice(list(WatchMode))
        path = self._watched_path(mode)
        self._perform(session, [Step(Op.ADD_WATCH, (path, mode)), Step(Op.CHECK_WATCHES, (path, WatcherType.ANY)),
                                Step(Op.REMOVE_WATCHES, (path, WatcherType.ANY)),
                                Step(Op.REMOVE_WATCHES, (path, WatcherType.ANY))])

    def _watch_and_check(self):
        """Watcher types that only zabd knows, asked about a watch just set."""
        session, mode = self._session(), self._random.choice(list(WatchMode))
        path = self._watched_path(mode)
        self._perform(session, [Step(Op.ADD_WATCH, (path, mode))])
        for kind in (WatcherType.PERSISTENT, WatcherType.RECURSIVE):
            owed = {"err": Err.OK, "value": None} if kind == TYPE_OF_MODE[mode] else bare_error(Err.NO_WATCHER)
            self._pair.perform(session, [Step(Op.CHECK_WATCHES, (path, kind), owed=replaced(owed))])

    def _auth(self, session, scheme, payload):
        self._pair.perform(session, [Step(Op.AUTH, (scheme, payload), xid=self._random.choice((wire.XID_AUTH, None)))])

    def _authenticate(self):
        if self._chance(0.2):
            self._auth(self._session(), "ip", b"")
        else:
            self._auth(self._session(), "digest", self._random.choice(IDENTITIES))

    def _ping(self):
        """On its own: it may be answered before writes that were sent before it."""
        self._pair.perform(self._session(), [Step(Op.PING, xid=self._random.choice((wire.XID_PING, 5)))])

    def _sasl(self):
        """Not configured. On its own: like auth it may overtake what was sent before it."""
        self._pair.perform(self._session(), [Step(Op.SASL, (self._random.choice((b"", b"token")),))])

    def _authenticate_wrongly(self):
        scheme = self._random.choice(("none", "world", "auth", "super", "sasl", "", None))
        self._request_that_closes(Step(Op.AUTH, (scheme, b"x"), closes=True, xid=wire.XID_AUTH))

    def _unknown_opcode(self):
        self._request_that_closes(Step(self._random.choice(UNKNOWN_OPCODES), closes=True, xid=7))

    def _request_that_closes(self, step):
        session = self._session()
        self._pair.perform(session, [step])
        self._move(session, self._attached, self._detached)

    @staticmethod
    def _move(session, source, target):
        source.remove(session)
        target.append(session)

    def _open(self):
        return self._pair.open_session(self._random.choice((TIMEOUT_MS, 30000000)))

    def _close_session(self):
        session = self._session()
        self._flush()
        self._move(session, self._attached, self._gone)
        self._pair.perform(session, [Step(Op.CLOSE_SESSION, closes=True)], ordered=False)
        self._pair.flush([self._janitor, *self._attached], ordered=False)

    def _restart(self):
        self._flush()
        self._pair.restart([self._janitor, *self._attached])
        self._auth(self._janitor, "digest", SUPER_AUTH)
        self._compare_tree("/")

    def _lose_connection(self):
        session = self._session()
        self._pair.flush([session])
        self._pair.detach(session, abruptly=self._chance(0.5))
        self._move(session, self._attached, self._detached)

    def _come_back(self):
        if len(self._attached) >= SESSIONS.stop:
            return
        if self._detached:
            session = self._random.choice(self._detached)
            self._pair.reattach(session)
            self._move(session, self._detached, self._attached)
        else:
            self._attached.append(self._open())

    def _replace_connection(self):
        self._pair.reattach(self._session(), old_links_close=True)

    def _wrong_password(self):
        if self._detached:
            self._pair.refused(self._random.choice(self._detached), b"\x01" * 16)

    def _steal_with_wrong_password(self):
        self._flush()
        self._pair.take_over_with_wrong_password(self._session())

    def _attach_to_closed(self):
        if self._gone:
            session = self._random.choice(self._gone)
            self._pair.refused(session, wire.NO_PASSWORD)

    def _future_zxid(self):
        self._pair.closed_unanswered(last_zxid=1 << 40)

    def _flush(self):
        self._pair.flush([self._janitor, *self._attached])

    def _quota(self):
        """Clients keep quotas by making nodes of these names; the server counts into the stats node."""
        path = self._random.choice(QUOTA_PATHS)
        home = "/zookeeper/quota" + path
        parts = home.split("/")
        parents = ["/".join(parts[:n]) for n in range(4, len(parts) + 1)]
        limits, stats = home + "/zookeeper_limits", home + "/zookeeper_stats"
        text = self._random.choice(QUOTA_TEXTS)
        steps = self._random.choice((
            [Step(Op.CREATE, args) for args in (*((parent,) for parent in parents), (limits, text), (stats, NO_USAGE))],
            [Step(Op.GET_DATA, (stats, False)), Step(Op.GET_DATA, (limits, False))],
            [Step(Op.GET_DATA, (stats, False))],
            [Step(Op.SET_DATA, (limits, text))],
            [Step(Op.DELETE, (limits,)), Step(Op.DELETE, (stats,))],
        ))
        self._pair.perform(self._session(), steps)

    def _spend_quota(self):
        """Writes of many sizes below a quota's node, one at a time: usage is counted when a txn is applied."""
        path = self._random.choice(QUOTA_PATHS) + self._random.choice(("", "/a", "/b", "/b/c"))
        data = b"z" * self._random.choice((0, 1, 5, 10, 30, 200))
        self._perform(self._session(), [self._random.choice((
            Step(Op.CREATE, (path, data)), Step(Op.CREATE2, (path, None)), Step(Op.SET_DATA, (path, data)),
            Step(Op.SET_DATA, (path, data, 100)), Step(Op.DELETE, (path,))))])

    def _clean_up(self):
        """Deletes most nodes, as super."""
        for path in sorted(self._versions, key=len, reverse=True)[:-30]:
            if path not in ROOTS:
                self._perform(self._janitor, [Step(Op.DELETE, (path,))])
                self._versions.pop(path, None)

    def _expire_a_session(self):
        """Its ephemerals go in one txn, and whoever watches is told."""
        home, session = "/expiring", self._pair.open_session(timeout_ms=0)
        self._pair.perform(self._janitor, [Step(Op.CREATE, (home,)), Step(Op.ADD_WATCH, (home, WatchMode.RECURSIVE))])
        self._pair.perform(session, [Step(Op.CREATE, (home + "/e", b"", wire.OPEN_ACL, Mode.EPHEMERAL_SEQUENTIAL))] * 3)
        self._pair.flush([self._janitor])
        self._pair.detach(session, abruptly=True)
        self._pair.await_events(self._janitor, 3)
        self._pair.perform(self._janitor, [Step(Op.GET_CHILDREN2, (home,))])
        self._pair.refused(session, session.passwords[0])

    def _compare_tree(self, path):
        (children, data, acl) = self._pair.perform(
            self._janitor, [Step(Op.GET_CHILDREN, (path,)), Step(Op.GET_DATA, (path,)), Step(Op.GET_ACL, (path,))])
        for name in children.value:
            self._compare_tree(path.rstrip("/") + "/" + name)
