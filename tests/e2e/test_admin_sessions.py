"""Sessions, connections and watches as the HTTP endpoint shows them, and ending a session from there."""

import time

import pytest

import wire
from admin import OPERATOR, READER, admin_server
from admin_ensemble import AdminEnsemble
from wire import Mode, Op, WatchMode

API = "/api/v1"


@pytest.fixture
def server(tmp_path):
    with admin_server(tmp_path / "server") as running:
        yield running


@pytest.fixture
def clients(server):
    """Opens sessions that are gone when the test is over."""
    links = []

    def connect(timeout_ms=10000, member=server):
        links.append(wire.open_session(member, timeout_ms=timeout_ms))
        return links[-1]

    yield connect
    for link in links:
        link.close()


def hex_id(link):
    return f"{link.session.session_id & 0xffffffffffffffff:#x}"


def session_of(server, link):
    return server.get(f"{API}/sessions/{hex_id(link)}")


def eventually(condition, seconds=20):
    deadline = time.monotonic() + seconds
    while not (value := condition()):
        assert time.monotonic() < deadline, f"not within {seconds} s"
        time.sleep(0.02)
    return value


def test_a_session_is_shown_with_its_connection(server, clients):
    link = clients()
    link.result(Op.CREATE, wire.create("/a", flags=Mode.EPHEMERAL))
    link.result(Op.CREATE, wire.create("/b", flags=Mode.EPHEMERAL))
    link.result(Op.GET_DATA, wire.get_data("/a", watch=True))
    status, shown = session_of(server, link)
    assert status == 200
    assert shown["id"] == hex_id(link)
    assert shown["connected"] is True
    assert shown["address"] == "{}:{}".format(*link.socket.getsockname())
    assert shown["timeout_ms"] == 10000
    assert (shown["ephemerals"], shown["watches"]) == (2, 1)
    assert sorted(shown["ephemerals_paths"]) == ["/a", "/b"]
    assert shown["watches_list"] == [{"path": "/a", "kinds": ["data"]}]
    assert abs(shown["established_ms"] / 1000 - time.time()) < 60
    assert 0 <= shown["last_activity_ms"] < 60_000
    assert shown["received"] >= 4 and shown["sent"] >= 4 and shown["outstanding"] == 0
    assert shown["last_zxid"].startswith("0x")


def test_a_session_whose_client_has_left_is_not_connected(server, clients):
    link = clients()
    link.close()
    shown = eventually(lambda: (s := session_of(server, link)[1]) and not s["connected"] and s)
    assert shown["address"] is None and shown["established_ms"] is None
    assert (shown["watches"], shown["watches_list"]) == (0, [])


def test_sessions_come_in_pages(server, clients):
    links = [clients() for _ in range(7)]
    ids, cursor = [], ""
    for _ in range(20):
        status, page = server.get(f"{API}/sessions?limit=3{cursor}")
        assert status == 200 and page["total"] == 7 and len(page["sessions"]) <= 3
        ids += [one["id"] for one in page["sessions"]]
        if page["next"] is None:
            break
        cursor = f"&cursor={page['next']}"
    assert sorted(ids) == sorted(hex_id(link) for link in links)


@pytest.mark.parametrize("query", ["limit=0", "limit=1001", "limit=x", "cursor=zz", "other=1"])
def test_what_is_not_understood_is_refused(server, query):
    for what in ("sessions", "connections"):
        answer = server.http("GET", f"{API}/{what}?{query}")
        assert (answer.status, answer.error) == (400, "BadArguments")


def test_a_session_that_is_not_there_is_not_found(server):
    for name in ("0x1234", "0x0", "1234", "0x", "0x11112222333344445", "abc", "0x12/x"):
        assert server.http("GET", f"{API}/sessions/{name}").status == 404
        assert server.http("DELETE", f"{API}/sessions/{name}").status == 404


def test_closing_a_session_takes_its_ephemerals_along(server, clients):
    link, other = clients(), clients()
    link.result(Op.CREATE, wire.create("/gone", flags=Mode.EPHEMERAL))
    other.result(Op.CREATE, wire.create("/stays", flags=Mode.EPHEMERAL))
    refused = server.http("DELETE", f"{API}/sessions/{hex_id(link)}", token=READER)
    assert (refused.status, refused.error) == (403, "Forbidden")
    answer = server.http("DELETE", f"{API}/sessions/{hex_id(link)}")
    assert (answer.status, answer.json()) == (200, {"id": hex_id(link)})
    assert session_of(server, link)[0] == 404
    assert other.call(Op.EXISTS, wire.exists("/gone")).err == wire.Err.NO_NODE
    assert other.call(Op.EXISTS, wire.exists("/stays")).err == wire.Err.OK
    with pytest.raises(wire.ConnectionClosed):
        link.result(Op.EXISTS, wire.exists("/stays"))


def test_who_closed_a_session_is_in_the_audit_log(tmp_path):
    with admin_server(tmp_path / "server", config={"audit.enable": "true"}) as server:
        link = wire.open_session(server, timeout_ms=10000)
        assert server.http("DELETE", f"{API}/sessions/{hex_id(link)}").status == 200

        def users():
            _, found = server.get(f"{API}/audit?operation=closeSession&session={hex_id(link)}")
            return [record["user"] for record in found["records"]]
        eventually(lambda: any("token" in str(user) for user in users()))
        link.close()


def test_connections_are_shown(server, clients):
    links = [clients() for _ in range(3)]
    links[0].result(Op.CREATE, wire.create("/a"))
    status, page = server.get(f"{API}/connections")
    assert status == 200 and page["next"] is None and page["total"] >= 3
    shown = {one["session"]: one for one in page["connections"]}
    assert {hex_id(link) for link in links} <= set(shown)
    first = shown[hex_id(links[0])]
    assert first["last_operation"] == "create"
    assert first["received"] >= 2 and first["queued"] == 0 and first["latency_max_ms"] >= 0
    seen, cursor = [], ""
    while True:
        _, page = server.get(f"{API}/connections?limit=2{cursor}")
        seen += [one["id"] for one in page["connections"]]
        if page["next"] is None:
            break
        cursor = f"&cursor={page['next']}"
    assert len(seen) == len(set(seen)) >= 3


# --- watches ---


@pytest.fixture
def watching(clients):
    """Two sessions: one watches /a in two ways and all below /top, the other /a, /a/b and /c."""
    one, two = clients(), clients()
    for path in ("/a", "/a/b", "/ab", "/c", "/top"):
        one.result(Op.CREATE, wire.create(path))
    one.result(Op.GET_DATA, wire.get_data("/a", watch=True))
    one.result(Op.GET_CHILDREN, wire.get_children("/a", watch=True))
    one.result(Op.ADD_WATCH, wire.add_watch("/top", WatchMode.RECURSIVE))
    for path in ("/a", "/a/b", "/ab", "/c"):
        two.result(Op.GET_DATA, wire.get_data(path, watch=True))
    return one, two


def by_path(page):
    return {one["path"]: {w["session"]: w["kinds"] for w in one["watchers"]} for one in page["paths"]}


def test_watches_by_path(server, watching):
    one, two = map(hex_id, watching)
    status, page = server.get(f"{API}/watches?by=path")
    assert status == 200 and page["complete"] is True and page["next"] is None
    found = by_path(page)
    assert list(found) == ["/a", "/a/b", "/ab", "/c", "/top"]
    assert sorted(found["/a"][one]) == ["child", "data"] and found["/a"][two] == ["data"]
    assert found["/top"] == {one: ["recursive"]}
    assert list(by_path(server.get(f"{API}/watches?by=path&below=/a")[1])) == ["/a", "/a/b"]
    assert list(by_path(server.get(f"{API}/watches?by=path&session={one}")[1])) == ["/a", "/top"]
    assert by_path(server.get(f"{API}/watches?by=path&session=0x1234")[1]) == {}


def test_watches_by_path_come_in_pages(server, watching):
    paths, cursor = [], ""
    while True:
        _, page = server.get(f"{API}/watches?by=path&limit=2{cursor}")
        paths += [one["path"] for one in page["paths"]]
        if page["next"] is None:
            break
        cursor = f"&cursor={page['next']}"
    assert paths == ["/a", "/a/b", "/ab", "/c", "/top"]


def test_watches_by_session(server, watching):
    one, two = map(hex_id, watching)
    status, page = server.get(f"{API}/watches?by=session")
    assert status == 200 and page["complete"] is True and page["next"] is None
    found = {s["session"]: {w["path"]: w["kinds"] for w in s["watches"]} for s in page["sessions"]}
    assert set(found) == {one, two}
    assert found[one]["/top"] == ["recursive"] and sorted(found[one]["/a"]) == ["child", "data"]
    assert set(found[two]) == {"/a", "/a/b", "/ab", "/c"}
    only = server.get(f"{API}/watches?by=session&session={two}&below=/a")[1]
    assert [s["session"] for s in only["sessions"]] == [two]
    assert {w["path"] for w in only["sessions"][0]["watches"]} == {"/a", "/a/b"}
    seen, cursor = [], ""
    while True:
        _, page = server.get(f"{API}/watches?by=session&limit=2{cursor}")
        seen += [(s["session"], w["path"]) for s in page["sessions"] for w in s["watches"]]
        if page["next"] is None:
            break
        cursor = f"&cursor={page['next']}"
    assert len(seen) == len(set(seen)) == 6


@pytest.mark.parametrize("query", ["by=other", "session=12", "by=session&cursor=x", "by=session&cursor=1", "limit=0"])
def test_questions_about_watches_that_mean_nothing_are_refused(server, query):
    answer = server.http("GET", f"{API}/watches?{query}")
    assert (answer.status, answer.error) == (400, "BadArguments")


# --- on several servers ---


def test_each_member_knows_all_sessions_and_its_own_connections(tmp_path):
    with AdminEnsemble(tmp_path / "ensemble", voters=3) as ensemble:
        link = wire.open_session(ensemble[1], timeout_ms=10000)
        link.result(Op.CREATE, wire.create("/e", flags=Mode.EPHEMERAL))
        for number, connected in ((1, True), (2, False), (3, False)):
            shown = eventually(lambda n=number: (answer := session_of(ensemble.admin(n), link))[0] == 200 and
                               answer[1]["ephemerals"] == 1 and answer[1])
            assert shown["connected"] is connected
            assert shown["ephemerals_paths"] == ["/e"]
        # From a member to which its client is not connected.
        assert ensemble.admin(2).http("DELETE", f"{API}/sessions/{hex_id(link)}", token=OPERATOR).status == 200
        for number in (1, 2, 3):
            eventually(lambda n=number: session_of(ensemble.admin(n), link)[0] == 404)
