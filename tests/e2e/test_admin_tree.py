"""The tree over HTTP: what clients wrote is shown, what is written here clients see, under the same versions."""

import base64
import os
import subprocess
import threading
import time

import pytest
from kazoo.protocol.states import EventType

from admin_ensemble import AdminEnsemble
from admin_tree import DEEP, OPEN_ACL, Tree, base, export, refused, server, tree, zk  # noqa: F401 (fixtures)


# --- one node --------------------------------------------------------------------------------------------------------

def test_a_node_is_shown_as_clients_see_it(zk, tree, base):
    zk.set(base, b"hello")
    zk.create(base + "/child")
    stat = zk.exists(base)
    assert tree.get(base) == {
        "path": base, "name": base[1:], "kind": "persistent", "ttl_ms": None, "session": None, "readable": True,
        "stat": {"czxid": hex(stat.czxid), "mzxid": hex(stat.mzxid), "pzxid": hex(stat.pzxid), "ctime_ms": stat.ctime,
                 "mtime_ms": stat.mtime, "version": 1, "cversion": 1, "aversion": 0, "ephemeral_owner": "0x0",
                 "data_length": 5, "num_children": 1},
        "data": {"format": "text", "value": "hello", "size": 5, "truncated": False},
        "acl": OPEN_ACL,
        "children": {"total": 1, "next": None, "items": [
            {"name": "child", "path": base + "/child", "readable": True, "kind": "persistent", "ttl_ms": None,
             "session": None, "num_children": 0, "data_length": 0, "version": 0,
             "ctime_ms": zk.exists(base + "/child").ctime, "mtime_ms": zk.exists(base + "/child").mtime}]}}


def test_the_root_has_two_addresses(server, tree):
    for path in ("/api/v1/tree", "/api/v1/tree/"):
        status, node = server.get(path)
        assert (status, node["path"], node["name"]) == (200, "/", "/")
        assert "zookeeper" in [item["name"] for item in node["children"]["items"]]


def test_every_kind_of_node_is_told(zk, tree, base):
    zk.create(base + "/e", b"x", ephemeral=True)
    tree.create(base + "/c", mode="container")
    tree.create(base + "/t", mode="ttl", ttl_ms=3600000)
    items = {item["name"]: item for item in tree.get(base)["children"]["items"]}
    session = hex(zk.client_id[0])
    assert {name: (item["kind"], item["session"], item["ttl_ms"]) for name, item in items.items()} == {
        "e": ("ephemeral", session, None), "c": ("container", None, None), "t": ("ttl", None, 3600000)}
    node = tree.get(base + "/e")
    assert (node["kind"], node["session"], node["stat"]["ephemeral_owner"]) == ("ephemeral", session, session)


@pytest.mark.parametrize("data, format", [
    (b"", "text"), (b"plain", "text"), ("gr\u00fc\u00df \U0001F30D\n".encode(), "text"), (b'{"a": [1]}', "json"),
    (b"[]", "json"), (b"{not json}", "text"), (b"\x00\xff", "hex"), (b"\x1b[2J", "hex"), ("\u0085".encode(), "hex"),
    (bytes(range(256)), "hex")], ids=range(10))
def test_data_of_every_kind_come_whole(zk, tree, base, data, format):
    zk.set(base, data)
    decode = {"text": str.encode, "json": str.encode, "hex": bytes.fromhex, "base64": base64.b64decode}
    for asked in ("auto", "text", "json", "hex", "base64"):
        shown = tree.get(base, f"?format={asked}")["data"]
        assert (shown["size"], shown["truncated"]) == (len(data), False)
        assert decode[shown["format"]](shown["value"]) == data
        if asked == "auto":
            assert shown["format"] == format
        if asked in ("hex", "base64"):
            assert shown["format"] == asked


def test_null_data_are_null(zk, tree, base):
    path = zk.create(base + "/null", None)
    assert zk.get(path)[0] is None
    assert tree.get(path)["data"] is None
    assert export(tree, path, DEEP + "&data=true")[0]["data"] is None


def test_data_are_cut_between_characters(zk, tree, base):
    zk.set(base, "a\u20ac\u20ac".encode())
    for length, value in ((0, ""), (3, "a"), (4, "a\u20ac"), (6, "a\u20ac"), (7, "a\u20ac\u20ac")):
        assert tree.get(base, f"?data_max={length}")["data"] == {
            "format": "text", "value": value, "size": 7, "truncated": length < 7}
    zk.set(base, b"x" * 100_000)
    assert len(tree.get(base)["data"]["value"]) == 65536


def test_names_that_need_escaping_arrive(zk, tree, base):
    for name in ("a b", "per%cent", "que?ry", "h#sh", "\u00fc\u4e16", "<script>", '"quoted"', "a+b&c=d", "%2F"):
        path = f"{base}/{name}"
        assert tree.create(path, data={"format": "text", "value": name}).json()["path"] == path
        assert zk.get(path)[0] == name.encode()
        assert tree.get(path)["name"] == name
        assert tree.ask("DELETE", path, "?version=0").status == 200
        assert not zk.exists(path)


@pytest.mark.parametrize("path", ["/a//b", "/a/", "/a/./b", "/a/../b", "/a\x01", "/\ue000"])
def test_what_is_no_path_is_refused(tree, path):
    for method, query, body in (("GET", "", None), ("DELETE", "?version=-1", None), ("GET", DEEP, None),
                                ("PUT", "", {"data": {"format": "text", "value": ""}, "version": -1})):
        refused(tree.ask(method, path, query, body), 400, "BadArguments")


def test_what_is_not_there_is_not_found(tree, base):
    gone = base + "/gone"
    for method, query, body, under in (
            ("GET", "", None, "tree"), ("GET", DEEP, None, "tree"), ("GET", "?search=a", None, "tree"),
            ("GET", "?size=true", None, "tree"), ("DELETE", "?version=-1", None, "tree"),
            ("DELETE", "?recursive=true", None, "tree"),
            ("PUT", "", {"data": {"format": "text", "value": ""}, "version": -1}, "tree"),
            ("PUT", "", {"acl": OPEN_ACL, "version": -1}, "acl")):
        refused(tree.ask(method, gone, query, body, under), 404, "NoNode")
    refused(tree.create(gone + "/below"), 404, "NoNode")


@pytest.mark.parametrize("query", [
    "?format=xml", "?data_max=-1", "?data_max=a", "?limit=0", "?limit=1001", "?limit=1&limit=2", "?cursor=nonsense",
    "?cursor=" + b"0 0 1 /elsewhere/x".hex(), "?unknown=1", "?recursive=maybe", "?recursive=true&search=a", "?search=",
    "?recursive=true&format=xml", "?search=a&match=exact", "?search=a&in=data", "?search=(&match=regex",
    "?search=" + "a" * 1001, "?search=%FF", "?size=true&limit=1"])
def test_parameters_that_mean_nothing_are_refused(tree, base, query):
    refused(tree.ask("GET", base, query), 400, "BadArguments")


# --- writes ----------------------------------------------------------------------------------------------------------

def test_a_node_is_created_set_and_deleted_under_its_version(zk, tree, base):
    path = base + "/n"
    created = tree.create(path, data={"format": "hex", "value": "00ff"})
    assert created.status == 201
    assert (created.json()["path"], created.json()["stat"]["version"]) == (path, 0)
    assert zk.get(path)[0] == b"\x00\xff"
    refused(tree.create(path), 409, "NodeExists")

    answer = tree.set(path, "one", 0)
    assert (answer.status, answer.json()["path"], answer.json()["stat"]["version"]) == (200, path, 1)
    assert answer.json()["stat"]["mzxid"] == hex(zk.exists(path).mzxid)
    zk.set(path, b"faster")
    refused(tree.set(path, "two", 1), 409, "BadVersion")
    assert zk.get(path)[0] == b"faster"
    assert tree.set(path, "three", -1).status == 200

    refused(tree.ask("DELETE", path, "?version=0"), 409, "BadVersion")
    zk.create(path + "/child")
    refused(tree.ask("DELETE", path, "?version=3"), 409, "NotEmpty")
    zk.delete(path + "/child")
    assert tree.ask("DELETE", path, "?version=3").json() == {"path": path}
    assert not zk.exists(path)


def test_every_mode_of_create(zk, tree, base):
    numbered = tree.create(base + "/s-", sequential=True).json()["path"]
    assert numbered == base + "/s-0000000000" and zk.exists(numbered)
    assert tree.create(base + "/", sequential=True).json()["path"] == base + "/0000000001"
    ttl = tree.create(base + "/t-", mode="ttl", ttl_ms=600, sequential=True).json()["path"]
    container = tree.create(base + "/c", mode="container").json()["path"]
    zk.create(container + "/child")
    zk.delete(container + "/child")
    deadline = time.monotonic() + 20
    while zk.exists(ttl) or zk.exists(container):
        assert time.monotonic() < deadline, "they are still there"
        time.sleep(0.1)
    zk.create(base + "/e", ephemeral=True)
    refused(tree.create(base + "/e/child"), 409, "NoChildrenForEphemerals")


@pytest.mark.parametrize("body", [
    b"", b"{", b"[]", {"unknown": 1}, {"data": "text"}, {"data": {"format": "auto", "value": ""}},
    {"data": {"format": "hex", "value": "0"}}, {"data": {"format": "base64", "value": "Zg"}},
    {"data": {"format": "text", "value": 1}}, {"mode": "ephemeral"}, {"mode": "strange"}, {"mode": "ttl"},
    {"ttl_ms": 5}, {"mode": "ttl", "ttl_ms": 0}, {"mode": "container", "sequential": True}, {"sequential": "yes"},
    {"acl": {}}, {"acl": [{"scheme": "world", "id": "anyone", "perms": "xyz"}]},
    b'{"mode": "ttl", "mode": "container"}'],
    ids=range(19))
def test_a_body_that_is_not_understood_changes_nothing(tree, base, body):
    if body != b"":  # a create may do without
        refused(tree.ask("POST", base + "/n", body=body), 400, "BadArguments")
    refused(tree.ask("PUT", base, body=body), 400, "BadArguments")
    refused(tree.ask("PUT", base, body=body, under="acl"), 400, "BadArguments")
    node = tree.get(base)
    assert (node["stat"]["version"], node["stat"]["aversion"], node["children"]["total"]) == (0, 0, 0)


def test_versions_must_be_given(tree, base):
    value = {"format": "text", "value": "x"}
    refused(tree.ask("PUT", base, body={"data": value}), 400, "BadArguments")
    refused(tree.ask("PUT", base, body={"version": 0}), 400, "BadArguments")
    refused(tree.ask("PUT", base, body={"data": value, "version": 1 << 31}), 400, "BadArguments")
    refused(tree.ask("PUT", base, body={"acl": OPEN_ACL}, under="acl"), 400, "BadArguments")
    refused(tree.ask("DELETE", base), 400, "BadArguments")
    refused(tree.ask("DELETE", base, "?version=x"), 400, "BadArguments")
    refused(tree.ask("DELETE", base, "?version=0&recursiv=true"), 400, "BadArguments")
    assert tree.get(base)["stat"]["version"] == 0


def test_what_is_too_large_for_a_request_is_said_to_be(tree, base):
    answer = tree.set(base, "x" * 1_048_575)
    assert (answer.status, answer.error) == (413, "TooLarge")
    assert tree.set(base, "x" * 1_000_000).status == 200
    assert tree.get(base)["stat"]["data_length"] == 1_000_000


def test_a_recursive_delete_takes_all_below(zk, tree, base):
    zk.create(base + "/top/a/b", makepath=True)
    for top in ("top", "top/a"):
        with zk.transaction() as batch:
            for number in range(250):
                batch.create(f"{base}/{top}/n{number}")
    zk.set(base + "/top", b"1")
    refused(tree.ask("DELETE", base + "/top", "?recursive=true&version=0"), 409, "BadVersion")
    assert len(zk.get_children(base + "/top")) == 251
    deleted = tree.ask("DELETE", base + "/top", "?recursive=true&version=1")
    assert deleted.json() == {"path": base + "/top", "deleted": 503}
    assert zk.get_children(base) == []
    for path in ("/", "/zookeeper", "/zookeeper/quota"):
        refused(tree.ask("DELETE", path, "?recursive=true"), 400, "BadArguments")
        refused(tree.ask("DELETE", path, "?version=-1"), 400, "BadArguments")


def test_a_recursive_delete_goes_on_where_another_deletes_too(zk, tree, base):
    zk.create(base + "/top")
    for begin in range(0, 3000, 500):
        with zk.transaction() as batch:
            for number in range(begin, begin + 500):
                batch.create(f"{base}/top/n{number}")
    calls = [zk.delete_async(f"{base}/top/n{number}") for number in range(2900, 0, -7)]
    assert tree.ask("DELETE", base + "/top", "?recursive=true").status == 200
    assert not zk.exists(base + "/top")
    for call in calls:
        call.wait(10)


# --- others' views ---------------------------------------------------------------------------------------------------

def shell(server, command):
    """What zkCli.sh prints."""
    jars = "/usr/share/java/zookeeper.jar:/usr/share/java/slf4j-nop.jar"
    for jar in jars.split(":"):
        assert os.path.exists(jar), f"{jar} is missing: install Debian's libzookeeper-java and libslf4j-java"
    done = subprocess.run(["java", "-Xmx128m", "-XX:TieredStopAtLevel=1", "-cp", jars,
                           "org.apache.zookeeper.ZooKeeperMain", "-server", server.address, *command],
                          capture_output=True, text=True, timeout=60, stdin=subprocess.DEVNULL)
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_the_api_zkcli_and_kazoo_show_the_same_tree(server, zk, tree, base):
    for name in ("a", "a/b", "a/b/c", "d"):
        zk.create(f"{base}/{name}", name.encode())
    tree.create(base + "/made-here", data={"format": "text", "value": "by http"})
    shell(server, ["create", base + "/made-by-zkcli", "by java"])
    paths = sorted(line["path"] for line in export(tree, base))
    listed = [line for line in shell(server, ["ls", "-R", base]).splitlines() if line.startswith(base)]
    assert sorted(listed) == paths

    def below(path):
        return [path] + [each for name in zk.get_children(path) for each in below(f"{path}/{name}")]

    assert sorted(below(base)) == paths
    for line in export(tree, base, DEEP + "&data=true&format=hex"):
        data, stat = zk.get(line["path"])
        assert bytes.fromhex(line["data"]["value"] if line["data"] else "") == (data or b"")
        assert (line["stat"]["mzxid"], line["stat"]["version"]) == (hex(stat.mzxid), stat.version)
    assert "by http" in shell(server, ["get", base + "/made-here"])
    assert tree.get(base + "/made-by-zkcli")["data"]["value"] == "by java"


def test_a_watching_client_is_told_of_what_is_written_here(zk, tree, base):
    told = []
    came = threading.Event()
    zk.get(base, watch=lambda event: (told.append((event.type, event.path)), came.set()))
    tree.set(base, "new", 0)
    assert came.wait(20)
    assert told == [(EventType.CHANGED, base)]


# --- without a quorum ------------------------------------------------------------------------------------------------

def test_a_member_without_a_quorum_shows_the_tree_and_refuses_writes_soon(tmp_path):
    with AdminEnsemble(tmp_path / "ensemble", voters=3) as ensemble:
        here = next(number for number in (1, 2, 3) if number != ensemble.leader())
        tree = Tree(ensemble.admin(here))
        assert tree.create("/n", data={"format": "text", "value": "x"}).status == 201
        ensemble.kill(*({1, 2, 3} - {here}))
        ensemble.admin(here).await_answer("/api/v1/ensemble", lambda seen: not seen["serving"])
        assert tree.get("/n")["data"]["value"] == "x"
        assert [line["path"] for line in export(tree, "/n")] == ["/n"]
        for answer in (tree.set("/n", "y"), tree.create("/m"), tree.ask("DELETE", "/n", "?version=-1"),
                       tree.ask("DELETE", "/n", "?recursive=true")):
            refused(answer, 503, "NotServing")
        ensemble.launch(*({1, 2, 3} - {here}))
        ensemble.await_leader()
        ensemble.admin(here).await_answer("/api/v1/ensemble", lambda seen: seen["serving"])
        assert tree.set("/n", "y", 0).status == 200
