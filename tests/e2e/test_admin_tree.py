"""The tree over HTTP: what clients wrote is shown, what is written here clients see, under the same ACLs and versions."""

import base64
import hashlib
import json
import os
import re
import socket
import subprocess
import threading
import time

import pytest
from kazoo.client import KazooClient
from kazoo.protocol.states import EventType
from kazoo.security import make_acl, make_digest_acl

from admin import READER, admin_server, node_path

OPEN_ACL = [{"scheme": "world", "id": "anyone", "perms": "cdrwa"}]
DEEP = "?recursive=true"


def digest(user_and_password):
    """As superDigest is written."""
    user = user_and_password.split(":")[0]
    return f"{user}:{base64.b64encode(hashlib.sha1(user_and_password.encode()).digest()).decode()}"


def basic(user_and_password):
    return {"Authorization": "Basic " + base64.b64encode(user_and_password.encode()).decode()}


BEN, EVE, AMY, SUPER = "ben:ben's secret", "eve:eve's secret", "amy:amy's secret", "super:the super secret"


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    config = {"extendedTypesEnabled": "true", "znode.container.checkIntervalMs": 300, "maxClientCnxns": 0,
              "zabd.admin.operators": f"{digest(BEN)},{digest(EVE)}", "zabd.admin.readers": digest(AMY),
              "DigestAuthenticationProvider.superDigest": digest(SUPER)}
    with admin_server(tmp_path_factory.mktemp("tree"), config=config) as running:
        yield running


@pytest.fixture(scope="module")
def zk(server):
    client = KazooClient(server.address, auth_data=[("digest", SUPER)])
    client.start()
    yield client
    client.stop()
    client.close()


@pytest.fixture
def base(zk, request):
    """An empty node for the test alone."""
    path = "/" + re.sub(r"\W+", "-", request.node.name)
    zk.create(path)
    yield path
    zk.delete(path, recursive=True)


class Tree:
    """/api/v1/tree of a server, as somebody."""

    def __init__(self, server, headers=None, **who):
        self._server, self._headers, self._who = server, headers, who

    def ask(self, method, path, query="", body=None, under="tree"):
        return self._server.http(method, f"/api/v1/{under}{node_path(path)}{query}", headers=self._headers, body=body,
                                 **self._who)

    def get(self, path, query=""):
        answer = self.ask("GET", path, query)
        assert answer.status == 200, answer
        return answer.json()

    def create(self, path, **body):
        return self.ask("POST", path, body=body)

    def set(self, path, text, version=-1):
        return self.ask("PUT", path, body={"data": {"format": "text", "value": text}, "version": version})


@pytest.fixture
def tree(server):
    return Tree(server)


def refused(answer, status, code):
    assert (answer.status, answer.error) == (status, code), answer
    return answer.json()["error"]["message"]


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
    "?cursor=0%200%201%20/elsewhere/x", "?unknown=1", "?recursive=maybe", "?recursive=true&search=a", "?search=",
    "?recursive=true&format=xml", "?search=a&match=exact", "?search=a&in=data", "?search=(&match=regex",
    "?search=" + "a" * 1001, "?search=%FF", "?size=true&limit=1"])
def test_parameters_that_mean_nothing_are_refused(tree, base, query):
    refused(tree.ask("GET", base, query), 400, "BadArguments")


# --- pages and searches ----------------------------------------------------------------------------------------------

def test_pages_show_each_child_once_whatever_is_deleted_meanwhile(zk, tree, base):
    count = 3000
    for begin in range(0, count, 500):
        with zk.transaction() as batch:
            for number in range(begin, begin + 500):
                batch.create(f"{base}/n{number}")
    seen, cursor, page = [], None, 0
    while page == 0 or cursor:
        children = tree.get(base, "?limit=150" + (f"&cursor={node_path(cursor)}" if cursor else ""))["children"]
        assert len(children["items"]) <= 150
        seen += [item["name"] for item in children["items"]]
        cursor = children["next"]
        if page % 2 == 0:  # the last that was shown, some before it, and one that is to come
            for name in (seen[-1], seen[-2], seen[len(seen) // 2], f"n{len(seen) + 30}"):
                if zk.exists(f"{base}/{name}"):
                    zk.delete(f"{base}/{name}")
        page += 1
    left = set(zk.get_children(base))
    assert len(seen) == len(set(seen))
    assert left <= set(seen), sorted(left - set(seen))[:10]
    assert seen == sorted(seen, key=lambda name: int(name[1:]))  # in order of creation
    assert children["total"] == len(left)


def search(tree, path, query):
    """All pages' matches."""
    found, cursor = [], None
    while cursor is not None or not found:
        answer = tree.get(path, query + (f"&cursor={node_path(cursor)}" if cursor else ""))
        assert answer["below"] == path
        found += [item["path"][len(path):] for item in answer["matches"]]
        cursor = answer["next"]
        if cursor is None:
            break
    return found


@pytest.mark.parametrize("query, expected", [
    ("?search=lock", ["/Locks", "/Locks/lock-1", "/Locks/lock-2", "/other/my-LOCK"]),
    ("?search=lock-*&match=glob", ["/Locks/lock-1", "/Locks/lock-2"]),
    ("?search=lock-[!1]&match=glob", ["/Locks/lock-2"]),
    ("?search=%5Elock-%5Cd%24&match=regex", ["/Locks/lock-1", "/Locks/lock-2"]),
    ("?search=other/&in=path", ["/other/my-LOCK", "/other/\u00dcber"]),
    ("?search=**/other/*&match=glob&in=path", ["/other/my-LOCK", "/other/\u00dcber"]),
    ("?search=%C3%BCBER", ["/other/\u00dcber"]),
    ("?search=lock&limit=1", ["/Locks", "/Locks/lock-1", "/Locks/lock-2", "/other/my-LOCK"]),
    ("?search=lock&limit=3", ["/Locks", "/Locks/lock-1", "/Locks/lock-2", "/other/my-LOCK"]),
])
def test_searches_find_by_substring_glob_and_regex(zk, tree, base, query, expected):
    for name in ("Locks", "Locks/lock-1", "Locks/lock-2", "other", "other/my-LOCK", "other/\u00dcber"):
        zk.create(f"{base}/{name}")
    assert search(tree, base, query) == expected


def test_a_search_that_finds_nothing_says_so(tree, base):
    assert tree.get(base, "?search=nothing") == {"below": base, "matches": [], "scanned": 0, "next": None}


def test_a_search_stops_after_its_limit_within_a_slice(zk, tree, base):
    with zk.transaction() as batch:
        for number in range(600):
            batch.create(f"{base}/n{number:03}")
    answer = tree.get(base, "?search=5&limit=7")
    assert [item["name"] for item in answer["matches"]] == [f"n{n:03}" for n in (5, 15, 25, 35, 45, 50, 51)]
    assert search(tree, base, "?search=5&limit=7") == [f"/n{n:03}" for n in range(600) if "5" in f"{n:03}"]


def test_the_size_of_a_subtree_counts_paths_and_data(zk, tree, base):
    zk.set(base, b"12345")
    zk.create(base + "/a", b"123")
    zk.create(base + "/a/e", b"1", ephemeral=True)
    paths = [base, base + "/a", base + "/a/e"]
    assert tree.get(base, "?size=true") == {
        "path": base, "nodes": 3, "bytes": 9 + sum(map(len, paths)), "ephemerals": 1, "complete": True}


# --- recursive reads -------------------------------------------------------------------------------------------------

def export(tree, path, query=DEEP):
    answer = tree.ask("GET", path, query)
    assert (answer.status, answer.headers["content-type"]) == (200, "application/x-ndjson"), answer
    *lines, end = answer.lines()
    assert end == {"end": True, "nodes": len(lines)}
    return lines


def test_a_recursive_read_gives_each_node_one_line_parents_first(zk, tree, base):
    for name, data in (("a", b"1"), ("a/b", b"\xff"), ("c", b"{}")):
        zk.create(f"{base}/{name}", data)
    lines = export(tree, base, DEEP + "&data=true&acl=true")
    assert [line["path"] for line in lines] == [base, base + "/a", base + "/a/b", base + "/c"]
    assert [line["data"]["format"] for line in lines[1:]] == ["text", "hex", "json"]
    assert all(line["acl"] == OPEN_ACL and line["kind"] == "persistent" for line in lines)
    assert lines[2]["stat"]["czxid"] == hex(zk.exists(base + "/a/b").czxid)
    assert all("data" not in line and "acl" not in line for line in export(tree, base))
    assert [line["data"]["format"] for line in export(tree, base, DEEP + "&data=true&format=base64")] == ["base64"] * 4


def test_a_recursive_read_while_the_tree_changes_has_what_stayed_once(server, zk, tree, base):
    for top in range(4):
        zk.create(f"{base}/stay{top}")
        with zk.transaction() as batch:
            for number in range(700):
                batch.create(f"{base}/stay{top}/n{number}", b"x" * 50)
    expected = {line["path"] for line in export(tree, base)}
    assert len(expected) == 1 + 4 * 701
    stop, changes = threading.Event(), []

    def change():
        while not stop.is_set():
            for top in range(4):
                path = zk.create(f"{base}/stay{top}/come-and-go-", sequence=True)
                zk.create(path + "/deep")
                zk.delete(path + "/deep")
                zk.delete(path)
                changes.append(path)

    changer = threading.Thread(target=change)
    changer.start()
    try:
        for _ in range(10):
            before = len(changes)
            paths = [line["path"] for line in export(tree, base, DEEP + "&data=true")]
            assert len(paths) == len(set(paths))
            assert expected <= set(paths)
            assert all("come-and-go" in path for path in set(paths) - expected)
        assert len(changes) > before
    finally:
        stop.set()
        changer.join()


def test_a_reader_that_takes_nothing_costs_the_server_no_memory_and_no_time(server, zk, tree, base):
    data = os.urandom(30_000)
    for number in range(0, 1000, 20):
        with zk.transaction() as batch:
            for k in range(number, number + 20):
                batch.create(f"{base}/n{k}", data)

    def resident_kib():
        with open(f"/proc/{server.pid}/status") as status:
            return next(int(line.split()[1]) for line in status if line.startswith("VmRSS"))

    before = resident_kib()
    with socket.create_connection((server.host, server.admin_port)) as reader:
        reader.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        request = f"GET /api/v1/tree{base}{DEEP}&data=true HTTP/1.1\r\nHost: 127.0.0.1\r\n"
        reader.sendall(f"{request}Authorization: Bearer {READER}\r\n\r\n".encode())
        assert reader.recv(10).startswith(b"HTTP/1.1 2")
        for _ in range(200):
            zk.set(base, b"x")
        assert tree.get(base)["stat"]["version"] == 200
        assert resident_kib() - before < 20_000  # of the 40 MB that the answer has
    assert len(export(tree, base, DEEP + "&data=true")) == 1001


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
    {"acl": {}}, {"acl": [{"scheme": "world", "id": "anyone", "perms": "xyz"}]}, b'{"mode": "ttl", "mode": "container"}'],
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
    assert tree.ask("DELETE", base + "/top", "?recursive=true&version=1").json() == {"path": base + "/top", "deleted": 503}
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


# --- ACLs ------------------------------------------------------------------------------------------------------------

@pytest.fixture
def guarded(server, zk, base):
    """A node of ben's alone, with a child; amy may read the node."""
    zk.create(base + "/private", b"secret", acl=[make_digest_acl("ben", "ben's secret", all=True),
                                               make_digest_acl("amy", "amy's secret", read=True)])
    ben = KazooClient(server.address, auth_data=[("digest", BEN)])
    ben.start()
    ben.create(base + "/private/child", b"below")
    ben.stop()
    ben.close()
    return base + "/private"


def test_reads_obey_acls(server, tree, guarded):
    ben, amy, eve = (Tree(server, basic(user)) for user in (BEN, AMY, EVE))
    assert Tree(server, basic(SUPER)).get(guarded)["data"]["value"] == "secret"
    assert ben.get(guarded)["data"]["value"] == "secret"
    assert {entry["id"].split(":")[1] for entry in ben.get(guarded)["acl"]} == {
        digest(BEN).split(":")[1], digest(AMY).split(":")[1]}
    shown = amy.get(guarded)
    assert (shown["data"]["value"], shown["children"]["total"]) == ("secret", 1)
    assert {entry["id"] for entry in shown["acl"]} == {"ben:x", "amy:x"}  # hashes are for administrators
    for other in (eve, tree):
        hidden = other.get(guarded)
        assert (hidden["readable"], hidden["data"], hidden["stat"], hidden["acl"]) == (False, None, None, [])
        assert hidden["children"] == {"total": 0, "items": [], "next": None}
        for query in (DEEP, "?search=child", "?size=true"):
            refused(other.ask("GET", guarded, query), 403, "NoAuth")
        parent = guarded.rsplit("/", 1)[0]
        [item] = other.get(parent)["children"]["items"]
        assert (item["name"], item["readable"], item["num_children"]) == ("private", False, None)
        lines = export(other, parent, DEEP + "&data=true&acl=true")
        assert [line["path"] for line in lines] == [parent, guarded]
        assert (lines[1]["data"], lines[1]["stat"], lines[1]["acl"]) == (None, None, [])
        assert "secret" not in json.dumps(lines)
        assert other.get(parent, "?search=child")["matches"] == []
        assert other.get(parent, "?size=true")["complete"] is False


def test_writes_obey_acls(server, zk, tree, guarded):
    ben, eve = Tree(server, basic(BEN)), Tree(server, basic(EVE))
    for other in (eve, tree):
        refused(other.set(guarded, "mine"), 403, "NoAuth")
        refused(other.create(guarded + "/mine"), 403, "NoAuth")
        refused(other.ask("DELETE", guarded + "/child", "?version=-1"), 403, "NoAuth")
        refused(other.ask("PUT", guarded, body={"acl": OPEN_ACL, "version": -1}, under="acl"), 403, "NoAuth")
        assert other.ask("DELETE", guarded, "?recursive=true").status in (403, 409)
    assert ben.get(guarded)["stat"]["version"] == 0
    assert ben.set(guarded, "new", 0).status == 200
    changed = ben.ask("PUT", guarded, body={"acl": [{"scheme": "auth", "id": "", "perms": "cdrwa"}], "version": 0},
                      under="acl")
    assert (changed.status, changed.json()["stat"]["aversion"]) == (200, 1)
    assert ben.get(guarded)["acl"] == [{"scheme": "digest", "id": digest(BEN), "perms": "cdrwa"}]
    refused(ben.ask("PUT", guarded, body={"acl": OPEN_ACL, "version": 0}, under="acl"), 409, "BadVersion")
    assert ben.ask("DELETE", guarded, "?recursive=true").json()["deleted"] == 2


def test_acls_that_are_none_are_refused(tree, base):
    for acl in ([], [{"scheme": "strange", "id": "x", "perms": "r"}], [{"scheme": "world", "id": "x", "perms": "r"}],
                [{"scheme": "auth", "id": "", "perms": "r"}]):
        refused(tree.ask("PUT", base, body={"acl": acl, "version": -1}, under="acl"), 400, "InvalidACL")
        refused(tree.create(base + "/n", acl=acl), 400, "InvalidACL")


def test_readers_write_nothing(server, base, tree):
    for reader in (Tree(server, token=READER), Tree(server, basic(AMY))):
        assert reader.get(base)["stat"]["version"] == 0
        for answer in (reader.set(base, "x"), reader.create(base + "/n"), reader.ask("DELETE", base, "?version=0"),
                       reader.ask("PUT", base, body={"acl": OPEN_ACL, "version": 0}, under="acl")):
            refused(answer, 403, "Forbidden")
    assert tree.get(base)["stat"]["version"] == 0


def test_many_users_share_few_sessions(tmp_path):
    users = [f"user{number}:password{number}" for number in range(25)]
    config = {"zabd.admin.operators": ",".join(map(digest, users)), "maxClientCnxns": 40}
    with admin_server(tmp_path, config=config) as server:
        for user in users * 2:
            answer = Tree(server, basic(user)).create("/" + user.split(":")[0] + "-", sequential=True,
                                                      acl=[{"scheme": "auth", "id": "", "perms": "cdrwa"}])
            assert answer.status == 201, answer
        status, sessions = server.get("/api/v1/sessions")
        assert status == 200 and 0 < sessions["total"] <= 16
        for user in users:
            assert Tree(server, basic(user)).get(f"/{user.split(':')[0]}-{users.index(user):010}")["readable"]


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
