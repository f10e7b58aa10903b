"""Pages, searches and whole subtrees over HTTP, of a tree that changes meanwhile."""

import os
import socket
import threading

import pytest

from admin import READER, node_path
from admin_tree import DEEP, OPEN_ACL, base, export, server, tree, zk  # noqa: F401 (fixtures)


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


def test_a_search_looks_at_so_many_nodes_and_says_where_to_go_on(zk, tree, base):
    for begin in range(0, 110_000, 2000):
        with zk.transaction() as batch:
            for number in range(begin, begin + 2000):
                batch.create(f"{base}/n{number}")
    answer = tree.get(base, "?search=109999")
    assert (answer["matches"], 100_000 <= answer["scanned"] < 101_000) == ([], True)
    assert search(tree, base, "?search=109999") == ["/n109999"]
    assert tree.get(base, "?size=true")["nodes"] == 110_001
    assert tree.ask("DELETE", base, "?recursive=true").json()["deleted"] == 110_001
    zk.create(base)


def test_the_size_of_a_subtree_counts_paths_and_data(zk, tree, base):
    zk.set(base, b"12345")
    zk.create(base + "/a", b"123")
    zk.create(base + "/a/e", b"1", ephemeral=True)
    paths = [base, base + "/a", base + "/a/e"]
    assert tree.get(base, "?size=true") == {
        "path": base, "nodes": 3, "bytes": 9 + sum(map(len, paths)), "ephemerals": 1, "complete": True}




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
