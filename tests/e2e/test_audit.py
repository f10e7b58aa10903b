"""The audit log: who changed what, from where, and what became of it; each a line of JSON, whatever clients write."""

import base64
import hashlib
import json
import time

import pytest

import admin
import harness
import wire
from ensemble import Ensemble
from wire import Err, Mode, Op

pytestmark = pytest.mark.usefixtures("only_zabd")

FIELDS = ["time", "session", "user", "address", "operation", "path", "result", "error", "zxid"]
DEADLINE_SECONDS = 20
BEN = base64.b64encode(hashlib.sha1(b"ben:secret").digest()).decode()


def audited_server(directory, **config):
    return admin.admin_server(directory, config={"audit.enable": "true", **config}, tickTime=200)


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    with audited_server(tmp_path_factory.mktemp("zabd")) as running:
        yield running


def records(server, file="audit.log"):
    """Oldest first; each line must be one."""
    path = server.data_dir / file
    lines = path.read_text().splitlines() if path.exists() else []
    return [json.loads(line) for line in lines]


def await_records(server, holds, count=1):
    """Waits for at least so many for which holds(record), and gives them."""
    deadline = time.monotonic() + DEADLINE_SECONDS
    while True:
        try:
            found = [record for record in records(server) if holds(record)]
        except json.JSONDecodeError:
            found = []                  # the last line was being written
        if len(found) >= count:
            return found
        assert time.monotonic() < deadline, f"{len(found)} of {count}"
        time.sleep(0.02)


def of(path):
    return lambda record: record["path"] == path


def open_session(server, user=None, **more):
    connection = wire.open_session(server.server, **more)
    if user:
        connection.call(Op.AUTH, wire.auth("digest", user), xid=wire.XID_AUTH)
    return connection


def test_each_change_has_a_record(server):
    with open_session(server, b"ben:secret") as connection:
        connection.result(Op.CREATE, wire.create("/each", b"1"))
        connection.result(Op.SET_DATA, wire.set_data("/each", b"2"))
        connection.result(Op.SET_ACL, wire.set_acl("/each", wire.OPEN_ACL))
        connection.result(Op.GET_DATA, wire.get_data("/each"))
        connection.result(Op.DELETE, wire.delete("/each"))
        connection.result(Op.CLOSE_SESSION)
    found = await_records(server, of("/each"), 4)
    assert [record["operation"] for record in found] == ["create", "setData", "setAcl", "delete"]
    for record in found:
        assert list(record) == FIELDS
        assert record["user"].split(",")[0] == "digest:ben"
        assert record["address"] == harness.HOST
        assert record["result"] == "success" and record["error"] is None
    zxids = [int(record["zxid"], 16) for record in found]
    assert zxids == list(range(zxids[0], zxids[0] + 4))
    assert len({record["session"] for record in found}) == 1
    closed = await_records(server, lambda record: record["operation"] == "closeSession"
                           and record["session"] == found[0]["session"])
    assert closed[0]["user"].split(",")[0] == "digest:ben"
    assert BEN not in (server.data_dir / "audit.log").read_text()


def test_kinds_of_creation(server):
    with open_session(server) as connection:
        connection.result(Op.CREATE2, wire.create("/kinds", b""))
        connection.result(Op.CREATE, wire.create("/kinds/ephemeral", flags=Mode.EPHEMERAL))
        connection.result(Op.CREATE_CONTAINER, wire.create("/kinds/container", flags=Mode.CONTAINER))
        path = connection.result(Op.CREATE, wire.create("/kinds/n-", flags=Mode.SEQUENTIAL))
        for created in ("/kinds", "/kinds/ephemeral", "/kinds/container", path):
            assert await_records(server, of(created))[0]["operation"] == "create", created
        connection.result(Op.CLOSE_SESSION)
    ended = await_records(server, of("/kinds/ephemeral"), 2)[1]
    assert ended["operation"] == "ephemeralZNodeDeletionOnSessionCloseOrExpire"
    assert ended["user"] == "server" and ended["address"] is None


def test_what_fails_has_a_record_with_the_error(server):
    private = [(wire.PERMS_ALL, "digest", f"ben:{BEN}")]
    with open_session(server, b"ben:secret") as ben, open_session(server, b"eve:guess") as eve:
        ben.result(Op.CREATE, wire.create("/private", b"", private))
        assert eve.call(Op.SET_DATA, wire.set_data("/private", b"x")).err == Err.NO_AUTH
        assert eve.call(Op.SET_DATA, wire.set_data("/private/none", b"x")).err == Err.NO_NODE
        assert eve.call(Op.CREATE, wire.create("/private", b"x")).err == Err.NODE_EXISTS
        assert ben.call(Op.DELETE, wire.delete("/private", 7)).err == Err.BAD_VERSION
        ben.result(Op.CLOSE_SESSION)
        eve.result(Op.CLOSE_SESSION)
    found = await_records(server, lambda record: (record["path"] or "").startswith("/private"), 5)
    failures = [(record["user"].split(",")[0], record["operation"], record["path"], record["error"])
                for record in found if record["result"] == "failure"]
    assert failures == [("digest:eve", "setData", "/private", "NoAuth"),
                        ("digest:eve", "setData", "/private/none", "NoNode"),
                        ("digest:eve", "create", "/private", "NodeExists"),
                        ("digest:ben", "delete", "/private", "BadVersion")]


def test_the_parts_of_a_multi(server):
    parts = [(Op.CREATE, wire.create("/multi", b"")), (Op.CREATE, wire.create("/multi/a", b"")),
             (Op.SET_DATA, wire.set_data("/multi", b"x"))]
    failing = [(Op.CREATE, wire.create("/multi/b", b"")), (Op.DELETE, wire.delete("/multi/none"))]
    with open_session(server) as connection:
        connection.call(Op.MULTI, wire.multi(parts))
        connection.call(Op.MULTI, wire.multi(failing))
        connection.result(Op.CLOSE_SESSION)
    found = await_records(server, lambda record: (record["path"] or "").startswith("/multi"), 5)
    assert [(record["operation"], record["path"], record["result"]) for record in found] == [
        ("create", "/multi", "success"), ("create", "/multi/a", "success"), ("setData", "/multi", "success"),
        ("create", "/multi/b", "failure"), ("delete", "/multi/none", "failure")]
    assert len({record["zxid"] for record in found[:3]}) == 1
    assert found[4]["error"] == "NoNode"


def test_an_expired_session_has_a_record_and_so_has_what_it_takes_along(server):
    connection = open_session(server, timeout_ms=400)
    connection.result(Op.CREATE, wire.create("/expires", flags=Mode.EPHEMERAL))
    session = await_records(server, of("/expires"))[0]["session"]
    expired = await_records(server, lambda record: record["operation"] == "expireSession"
                            and record["session"] == session)
    assert expired[0]["user"] == "server"
    gone = await_records(server, of("/expires"), 2)[1]
    assert gone["operation"] == "ephemeralZNodeDeletionOnSessionCloseOrExpire"
    assert gone["session"] == session
    connection.close()


def test_nothing_that_clients_write_makes_a_line(server):
    lines_before = len(records(server))
    forged = '{"time":"2020-01-01T00:00:00.000Z","user":"digest:root","operation":"delete","path":"/"}'
    evil = [f"/x\n{forged}", '/x","result":"success","path":"/y', "/x\r\n\t\x1b[2J\x00", "/x\u2028\u0085",
            b"/\xff\xfe\xc3"]
    with open_session(server, b'eve\n{"a":1}","x":"y:pw') as connection:
        for path in evil:
            connection.call(Op.CREATE, wire.create(path, b""))
            connection.call(Op.DELETE, wire.delete(path))
        connection.result(Op.CLOSE_SESSION)
    for record in await_records(server, lambda _: True, lines_before + 2):
        assert list(record) == FIELDS
        assert record["user"] != "digest:root"
    raw = (server.data_dir / "audit.log").read_bytes()
    assert set(raw) <= {*range(0x20, 0x7f), 0x0a}


def test_search(server):
    since = int(time.time() * 1000)
    with open_session(server, b"sue:pw") as connection:
        for number in range(30):
            connection.result(Op.CREATE, wire.create(f"/search{number}", b""))
        connection.call(Op.DELETE, wire.delete("/search0", 5))
        connection.result(Op.CLOSE_SESSION)
    await_records(server, of("/search0"), 2)

    def found(query):
        status, body = server.get(f"/api/v1/audit?{query}")
        assert status == 200 and body["enabled"] is True
        return body

    paths, cursor = [], ""
    while True:
        page = found(f"user=sue&operation=create&limit=7&since_ms={since - 1000}{cursor}")
        assert len(page["records"]) <= 7
        paths += [record["path"] for record in page["records"]]
        if not page["next"]:
            break
        cursor = f"&cursor={page['next']}"
    assert paths == [f"/search{number}" for number in reversed(range(30))]
    assert [record["error"] for record in found("path=/search0&result=failure")["records"]] == ["BadVersion"]
    assert len(found("path=/search0")["records"]) == 2
    session = found("user=digest:sue&limit=1")["records"][0]["session"]
    assert {record["user"].split(",")[0] for record in found(f"session={session}")["records"]
            if record["operation"] == "create"} == {"digest:sue"}
    assert found(f"since_ms={since + 3600000}")["records"] == []
    for wrong in ("limit=0", "limit=x", "since_ms=-1", "since_ms=99999999999999999", "cursor=nonsense"):
        assert server.get(f"/api/v1/audit?{wrong}")[0] == 400, wrong
    assert server.http("GET", "/api/v1/audit", token=None).status == 401


def test_writes_of_the_endpoint_are_audited(server):
    answer = server.http("POST", "/api/v1/tree/by-admin", body={"data": {"format": "text", "value": "x"}})
    assert answer.status == 201, answer
    record = await_records(server, of("/by-admin"))[0]
    assert record["operation"] == "create"
    assert record["user"].startswith("token:operator")


def test_files_are_rotated_and_searched(tmp_path):
    config = {"zabd.audit.fileMaxMiB": "1", "zabd.audit.filesMax": "2",
              "zabd.audit.file": str(tmp_path / "who" / "did.log")}
    (tmp_path / "who").mkdir()
    with audited_server(tmp_path / "server", **config) as server:
        with open_session(server) as connection:
            connection.result(Op.CREATE, wire.create("/rotated", b""))
            long = "/rotated/" + "x" * 3000
            for _ in range(400):            # three files' worth
                for op, body in ((Op.CREATE, wire.create(long, b"")), (Op.DELETE, wire.delete(long))):
                    connection.send(op, body)
                connection.receive_reply(), connection.receive_reply()
            connection.result(Op.CREATE, wire.create("/last", b""))
            connection.result(Op.CLOSE_SESSION)
        server.await_answer("/api/v1/audit?path=/last", lambda body: len(body["records"]) == 1)
        files = {file.name: file.stat().st_size for file in (tmp_path / "who").iterdir()}
        assert set(files) == {"did.log", "did.1.log", "did.2.log"}
        assert max(files.values()) <= 1 << 20
        count, cursor = 0, ""
        while True:
            page = server.get(f"/api/v1/audit?path=/rotated&limit=100{cursor}")[1]
            count += len(page["records"])
            if not page["next"]:
                break
            cursor = f"&cursor={page['next']}"
        assert count == sum(file.read_text().count('"path":"/rotated') for file in (tmp_path / "who").iterdir())
        assert count > 500


def test_it_goes_on_after_a_restart_and_after_a_kill(tmp_path):
    with audited_server(tmp_path) as server:
        for round_ in range(3):
            with open_session(server) as connection:
                connection.result(Op.CREATE, wire.create(f"/round{round_}", b""))
                await_records(server, of(f"/round{round_}"))
            if round_ == 1:
                server.kill()
                server.server.start()
            else:
                server.restart()
        assert [record["path"] for record in records(server) if record["operation"] == "create"] == \
               ["/round0", "/round1", "/round2"]


def test_off_means_off(tmp_path):
    with admin.admin_server(tmp_path) as server:
        with open_session(server) as connection:
            connection.result(Op.CREATE, wire.create("/a", b""))
            connection.result(Op.CLOSE_SESSION)
        assert server.get("/api/v1/audit")[1] == {"enabled": False, "records": [], "next": None}
        assert not (server.data_dir / "audit.log").exists()


def test_a_log_that_cannot_be_opened_keeps_the_server_from_starting(tmp_path):
    (tmp_path / "file").write_text("")
    server = audited_server(tmp_path / "server", **{"zabd.audit.file": str(tmp_path / "file" / "audit.log")})
    with pytest.raises(harness.ServerFailed, match="file/audit.log"):
        server.server.start()


def test_without_the_endpoint_there_is_an_audit_log_too(tmp_path):
    with harness.zabd(tmp_path, config={"audit.enable": "true"}) as server:
        with wire.open_session(server) as connection:
            connection.result(Op.CREATE, wire.create("/a", b""))
            connection.result(Op.CLOSE_SESSION)
        assert await_records(server, of("/a"))[0]["operation"] == "create"


def test_each_member_of_an_ensemble_tells_of_its_own_clients(tmp_path):
    with Ensemble(tmp_path, voters=3, config={"audit.enable": "true"}) as ensemble:
        leader = ensemble.await_all_in()
        for number in ensemble.members:
            with wire.open_session(ensemble[number]) as connection:
                connection.call(Op.AUTH, wire.auth("digest", b"ben:secret"), xid=wire.XID_AUTH)
                connection.result(Op.CREATE, wire.create(f"/of{number}", b""))
                connection.result(Op.CREATE, wire.create(f"/ephemeral{number}", flags=Mode.EPHEMERAL))
                assert connection.call(Op.DELETE, wire.delete(f"/of{number}", 7)).err == Err.BAD_VERSION
                connection.result(Op.CLOSE_SESSION)
        for number in ensemble.members:
            await_records(ensemble[number], lambda record: record["operation"] == "closeSession")
        ensemble.await_converged()
        found = [(number, record) for number in ensemble.members for record in records(ensemble[number])]
        for number in ensemble.members:
            own = [(where, record["operation"], record["result"]) for where, record in found
                   if record["path"] == f"/of{number}"]
            assert own == [(number, "create", "success"), (number, "delete", "failure")]
            gone = [where for where, record in found if record["path"] == f"/ephemeral{number}"
                    and record["operation"] == "ephemeralZNodeDeletionOnSessionCloseOrExpire"]
            assert gone == [number]
        users = {record["user"].split(",")[0] for _, record in found if record["operation"] == "create"}
        assert users == {"digest:ben"}

        lost = wire.open_session(ensemble[leader], timeout_ms=1000)
        lost.result(Op.CREATE, wire.create("/lost", flags=Mode.EPHEMERAL))
        await_records(ensemble[leader], lambda record: record["operation"] == "expireSession")
        lost.close()
        ensemble.await_converged()
        expiries = [record for number in ensemble.members for record in records(ensemble[number])
                    if record["operation"] == "expireSession"]
        assert len(expiries) == 1
