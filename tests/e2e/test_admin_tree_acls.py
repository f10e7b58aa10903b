"""The tree over HTTP obeys ACLs: each caller sees and changes what a client with the same identities may."""

import json

import pytest
from kazoo.client import KazooClient
from kazoo.security import make_digest_acl

from admin import READER, admin_server
from admin_tree import (AMY, BEN, DEEP, EVE, OPEN_ACL, SUPER, Tree, base, basic, digest, export, refused,  # noqa: F401
                        server, tree, zk)


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
