"""Server-Sent Events: what happens to nodes and to the server is told within a second or so, to everybody who asks."""

import contextlib
import http.client
import signal
import time

import pytest
from kazoo.client import KazooClient
from kazoo.security import make_digest_acl

from admin import OPERATOR, READER, admin_server, events, node_path

STREAMS_MAX = 32
SERVER_FIELDS = {"at_ms", "role", "zxid", "epoch", "ops_per_s", "outstanding", "connections", "nodes", "sessions",
                 "watches", "latency_avg_ms", "latency_max_ms", "sync_avg_us"}


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    with admin_server(tmp_path_factory.mktemp("events")) as running:
        yield running


@pytest.fixture(scope="module")
def zk(server):
    client = KazooClient(server.address)
    client.start()
    yield client
    client.stop()
    client.close()


class Stream:
    """Events of /api/v1/events as they come. What they tell begins where the stream does."""

    def __init__(self, response):
        assert response.status == 200, response.read()
        assert response.getheader("Content-Type") == "text/event-stream"
        assert response.getheader("Cache-Control") == "no-store"
        self._events = events(response)
        name, self.role = next(self._events)
        assert name == "role"

    def next(self, name):
        """Data of the next event of that name."""
        return next(data for each, data in self._events if each == name)

    def until(self, *wanted):
        """Reads node events until all of these (path, type) have come; gives all that came."""
        came = []
        while not set(wanted) <= set(came):
            data = self.next("node")
            came.append((data["path"], data["type"]))
        return came


@contextlib.contextmanager
def following(server, *paths, begun=True):
    """A stream that is told of changes from here on."""
    query = "&".join("path=" + node_path(path) for path in paths)
    with server.stream("/api/v1/events" + ("?" + query if query else "")) as response:
        stream = Stream(response)
        if begun:  # the second look at the nodes has been taken when the second server event comes
            stream.next("server")
            stream.next("server")
        yield stream


def test_the_server_is_told_of_once_a_second(server):
    with following(server, begun=False) as stream:
        assert stream.role["role"] == "standalone"
        first, *_, last = samples = [stream.next("server") for _ in range(3)]
    assert all(set(sample) == SERVER_FIELDS and sample["role"] == "standalone" for sample in samples)
    assert 1500 <= last["at_ms"] - first["at_ms"] <= 4000


def test_figures_move_with_the_work(server, zk):
    zk.ensure_path("/work")
    with following(server, begun=False) as stream:
        before = stream.next("server")
        deadline = time.monotonic() + 20
        while True:
            for _ in range(50):
                zk.set("/work", b"x")
            sample = stream.next("server")
            if sample["ops_per_s"] > 0 and int(sample["zxid"], 16) > int(before["zxid"], 16):
                break
            assert time.monotonic() < deadline


def test_a_node_and_its_children_are_followed(server, zk):
    zk.ensure_path("/a/one")
    zk.ensure_path("/a/two/deep")
    with following(server, "/a") as stream:
        zk.set("/a", b"new")
        stream.until(("/a", "changed"))
        zk.create("/a/three")
        stream.until(("/a", "children"), ("/a/three", "created"))
        zk.set("/a/one", b"new")
        stream.until(("/a/one", "changed"))
        zk.create("/a/two/deeper")
        assert ("/a/two/deeper", "created") not in stream.until(("/a/two", "children"))
        zk.delete("/a/three")
        stream.until(("/a", "children"), ("/a/three", "deleted"))
        zk.delete("/a", recursive=True)
        stream.until(("/a", "deleted"))
        zk.create("/a")
        stream.until(("/a", "created"))


def test_a_node_that_is_not_there_yet_can_be_followed(server, zk):
    with following(server, "/later/x", "/later") as stream:
        zk.create("/later")
        stream.until(("/later", "created"))
        zk.create("/later/x")
        stream.until(("/later/x", "created"))
        zk.create("/later/x/child")
        stream.until(("/later/x/child", "created"), ("/later/x", "children"))


def test_each_of_many_changes_in_a_large_directory_is_told(server, zk):
    zk.create("/large")
    for begin in range(0, 3000, 500):
        with zk.transaction() as batch:
            for number in range(begin, begin + 500):
                batch.create(f"/large/n{number}")
    with following(server, "/large") as stream:
        time_of_first_sweep = stream.next("server")["at_ms"]
        stream.next("server")
        zk.set("/large/n2999", b"x")
        zk.set("/large/n7", b"x")
        stream.until(("/large/n2999", "changed"), ("/large/n7", "changed"))
        for number in range(100, 400, 3):
            zk.delete(f"/large/n{number}")
        stream.until(("/large", "children"), *((f"/large/n{number}", "deleted") for number in range(100, 400, 3)))
        assert stream.next("server")["at_ms"] > time_of_first_sweep


def test_who_may_not_read_a_node_is_not_told_of_its_children(server, zk):
    zk.create("/hidden", acl=[make_digest_acl("ben", "secret", all=True)])
    zk.create("/shown")
    zk.add_auth("digest", "ben:secret")
    with following(server, "/hidden", "/shown") as stream:
        zk.create("/hidden/child")
        zk.set("/hidden/child", b"x")
        zk.delete("/hidden/child")
        zk.create("/shown/child")
        came = stream.until(("/shown/child", "created"))
    assert all(not path.startswith("/hidden") for path, _ in came)


@pytest.mark.parametrize("query", ["?path=relative", "?path=/a//b", "?paths=/a", "?path=",
                                   "?" + "&".join(f"path=/n{n}" for n in range(51))], ids=range(5))
def test_what_cannot_be_followed_is_refused(server, query):
    answer = server.http("GET", "/api/v1/events" + query)
    assert (answer.status, answer.error) == (400, "BadArguments")


def test_streams_are_limited_and_given_back(tmp_path):
    with admin_server(tmp_path) as server:
        with contextlib.ExitStack() as streams:
            for _ in range(STREAMS_MAX):
                streams.enter_context(following(server, begun=False))
            answer = server.http("GET", "/api/v1/events")
            assert (answer.status, answer.error) == (503, "NotServing")
            assert server.get("/livez")[0] == 200
        deadline = time.monotonic() + 20
        with contextlib.ExitStack() as streams:
            for _ in range(STREAMS_MAX):  # a client that is gone is noticed when it is next written to
                while streams.enter_context(server.stream("/api/v1/events")).status != 200:
                    assert time.monotonic() < deadline, "its place was not given back"
                    time.sleep(0.1)


def test_nobody_without_credentials_follows(server):
    answer = server.http("GET", "/api/v1/events", token=None)
    assert (answer.status, answer.error) == (401, "Unauthorized")
    with server.stream("/api/v1/events", token=READER) as response:
        assert Stream(response).next("server")["role"] == "standalone"


def test_a_stream_ends_with_the_server(tmp_path):
    with admin_server(tmp_path) as server:
        connection = http.client.HTTPConnection(server.host, server.admin_port, timeout=30)
        with contextlib.closing(connection):
            connection.request("GET", "/api/v1/events?path=/", headers={"Authorization": f"Bearer {OPERATOR}"})
            stream = Stream(connection.getresponse())
            stream.next("server")
            began = time.monotonic()
            assert server.stop(with_signal=signal.SIGTERM) == 0
            assert time.monotonic() - began < 10
            with pytest.raises((StopIteration, OSError, http.client.HTTPException)):
                while True:
                    stream.next("server")
