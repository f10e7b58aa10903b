"""kazoo: nodes, stats, ACLs, transactions, watches, and what a user sees at the limits."""

import re
import threading
import time

import pytest
from kazoo.client import KazooClient
from kazoo.exceptions import (AuthFailedError, BadVersionError, ConnectionLoss, InvalidACLError, NoAuthError,
                              NoChildrenForEphemeralsError, NodeExistsError, NoNodeError, NotEmptyError,
                              RolledBackError, RuntimeInconsistency)
from kazoo.protocol.states import EventType, KeeperState
from kazoo.security import (ANYONE_ID_UNSAFE, CREATOR_ALL_ACL, OPEN_ACL_UNSAFE, READ_ACL_UNSAFE, ACL, Permissions,
                            make_acl, make_digest_acl, make_digest_acl_credential)
from waiting import Events, eventually


# Nodes and their stats


def test_create_get_set_exists_delete(zk, base):
    node = base + "/node"
    assert zk.create(node, b"first") == node
    data, stat = zk.get(node)
    assert data == b"first"
    assert (stat.version, stat.cversion, stat.aversion) == (0, 0, 0)
    assert (stat.ephemeralOwner, stat.dataLength, stat.numChildren) == (0, 5, 0)
    assert stat.czxid == stat.mzxid == stat.pzxid > 0
    assert abs(stat.created - time.time()) < 60

    changed = zk.set(node, b"second", version=0)
    assert (changed.version, changed.dataLength, changed.czxid) == (1, 6, stat.czxid)
    assert changed.mzxid > stat.mzxid
    assert zk.exists(node) == changed

    with pytest.raises(BadVersionError):
        zk.delete(node, version=0)
    zk.delete(node, version=1)
    assert zk.exists(node) is None


def test_null_and_empty_data_are_told_apart(zk, base):
    zk.create(base + "/null", None)
    zk.create(base + "/empty", b"")
    assert zk.get(base + "/null")[0] is None
    assert zk.get(base + "/empty")[0] == b""
    assert zk.exists(base + "/null").dataLength == zk.exists(base + "/empty").dataLength == 0
    zk.set(base + "/empty", None)
    assert zk.get(base + "/empty")[0] is None


def test_names_are_unicode_and_data_is_binary(zk, base):
    node = base + "/größe-数-ñ"
    data = bytes(range(256)) * 4
    zk.create(node, data)
    assert zk.get(node)[0] == data
    assert zk.get_children(base) == ["größe-数-ñ"]


def test_children_and_their_count(zk, base):
    for name in ("a", "b", "c"):
        zk.create(f"{base}/{name}")
    children, stat = zk.get_children(base, include_data=True)
    assert sorted(children) == ["a", "b", "c"]
    assert (stat.numChildren, stat.cversion) == (3, 3)
    assert stat.pzxid > stat.czxid
    zk.delete(base + "/b")
    children, after = zk.get_children(base, include_data=True)
    assert sorted(children) == ["a", "c"]
    assert (after.numChildren, after.cversion) == (2, 4)
    with pytest.raises(NotEmptyError):
        zk.delete(base)
    zk.delete(base, recursive=True)
    with pytest.raises(NoNodeError):
        zk.get_children(base)


def test_sequence_numbers_count_the_changes_of_the_parent(zk, base):
    assert zk.create(base + "/s-", sequence=True) == base + "/s-0000000000"
    assert zk.create(base + "/s-", sequence=True) == base + "/s-0000000001"
    zk.create(base + "/plain")
    assert zk.create(base + "/t-", sequence=True) == base + "/t-0000000003"
    zk.delete(base + "/plain")
    assert zk.create(base + "/", sequence=True) == base + "/0000000004"


def test_ephemerals_name_their_owner_and_have_no_children(zk, base, connect):
    owner = connect()
    owner.create(base + "/e", b"mine", ephemeral=True)
    assert zk.exists(base + "/e").ephemeralOwner == owner.client_id[0]
    with pytest.raises(NoChildrenForEphemeralsError):
        zk.create(base + "/e/child")
    owner.stop()
    assert zk.exists(base + "/e") is None


def test_create_returns_the_stat_when_asked(zk, base):
    path, stat = zk.create(base + "/n-", b"xyz", ephemeral=True, sequence=True, include_data=True)
    assert path == base + "/n-0000000000"
    assert stat == zk.exists(path)
    assert (stat.dataLength, stat.ephemeralOwner) == (3, zk.client_id[0])


def test_missing_parents_are_made_on_request(zk, base):
    with pytest.raises(NoNodeError):
        zk.create(base + "/a/b/c")
    zk.create(base + "/a/b/c", b"deep", makepath=True)
    assert zk.get(base + "/a/b/c")[0] == b"deep"
    assert zk.ensure_path(base + "/x/y/z")
    assert zk.exists(base + "/x/y/z").version == 0
    assert zk.ensure_path(base + "/x/y/z")
    with pytest.raises(NodeExistsError):
        zk.create(base + "/a/b/c")


def test_writes_with_a_version_lose_to_earlier_ones(zk, base, connect):
    other = connect()
    node = base + "/node"
    zk.create(node, b"0")
    other.set(node, b"1", version=0)
    with pytest.raises(BadVersionError):
        zk.set(node, b"2", version=0)
    assert zk.get(node)[0] == b"1"


def test_sync_shows_the_writes_of_others(zk, base, connect):
    writer = connect()
    writer.create(base + "/node", b"new")
    assert zk.sync(base + "/node") == base + "/node"
    assert zk.get(base + "/node")[0] == b"new"


def test_many_requests_in_flight_are_answered_in_order(zk, base):
    zk.create(base + "/node")
    calls = [zk.set_async(base + "/node", str(i).encode()) for i in range(500)]
    assert [call.get(timeout=10).version for call in calls] == list(range(1, 501))
    assert zk.get(base + "/node")[0] == b"499"


# ACLs


def test_digest_acls_guard_every_permission(zk, base, connect):
    node = base + "/secret"
    acl = [make_digest_acl("alice", "wonder", all=True), make_digest_acl("bob", "builder", read=True)]
    zk.create(node, b"treasure", acl=acl)
    for attempt in (lambda: zk.get(node), lambda: zk.set(node, b"x"), lambda: zk.create(node + "/child"),
                    lambda: zk.get_children(node), lambda: zk.set_acls(node, OPEN_ACL_UNSAFE)):
        with pytest.raises(NoAuthError):
            attempt()

    bob = connect(auth_data=[("digest", "bob:builder")])
    assert bob.get(node)[0] == b"treasure"
    with pytest.raises(NoAuthError):
        bob.set(node, b"x")

    alice = connect()
    alice.add_auth("digest", "alice:wonder")
    alice.create(node + "/child")
    assert alice.get_children(node) == ["child"]
    alice.delete(node + "/child")
    stat = alice.set_acls(node, OPEN_ACL_UNSAFE, version=0)
    assert stat.aversion == 1
    zk.set(node, b"open now")


def test_acls_read_back_as_they_were_set(zk, base):
    acl = [make_digest_acl("alice", "wonder", all=True), ACL(Permissions.READ, ANYONE_ID_UNSAFE)]
    zk.create(base + "/node", acl=acl)
    zk.create(base + "/open")
    acls, stat = zk.get_acls(base + "/open")
    assert acls == OPEN_ACL_UNSAFE
    assert stat == zk.exists(base + "/open")
    zk.add_auth("digest", "alice:wonder")
    assert zk.get_acls(base + "/node")[0] == acl
    zk.create(base + "/readable", acl=READ_ACL_UNSAFE)
    assert zk.get_acls(base + "/readable")[0] == READ_ACL_UNSAFE
    with pytest.raises(BadVersionError):
        zk.set_acls(base + "/open", READ_ACL_UNSAFE, version=7)


def test_the_creators_acl_becomes_his_digest(zk, base):
    with pytest.raises(InvalidACLError):
        zk.create(base + "/anonymous", acl=CREATOR_ALL_ACL)
    zk.add_auth("digest", "carol:pw")
    zk.create(base + "/mine", acl=CREATOR_ALL_ACL)
    assert zk.get_acls(base + "/mine")[0] == [
        make_acl("digest", make_digest_acl_credential("carol", "pw"), all=True)]


def test_ip_acls_know_the_peer(zk, base):
    zk.create(base + "/local", b"hi", acl=[make_acl("ip", "127.0.0.0/8", all=True)])
    zk.create(base + "/elsewhere", b"hi", acl=[make_acl("ip", "10.1.2.3", all=True)])
    assert zk.get(base + "/local")[0] == b"hi"
    with pytest.raises(NoAuthError):
        zk.get(base + "/elsewhere")


def test_an_unknown_auth_scheme_fails(connect):
    client = connect()
    with pytest.raises(AuthFailedError):
        client.add_auth("nonsense", "a:b")


# Transactions


def test_a_transaction_is_applied_whole(zk, base):
    zk.create(base + "/kept", b"old")
    zk.create(base + "/gone")
    transaction = zk.transaction()
    transaction.check(base + "/kept", version=0)
    transaction.create(base + "/s-", b"new", sequence=True, ephemeral=True)
    transaction.set_data(base + "/kept", b"new")
    transaction.delete(base + "/gone")
    checked, created, stat, deleted = transaction.commit()
    assert checked is True and deleted is True
    assert created == base + "/s-0000000002"
    assert (stat.version, stat.mzxid) == (1, zk.exists(created).czxid)
    assert zk.exists(base + "/gone") is None


def test_a_transaction_that_fails_changes_nothing(zk, base):
    zk.create(base + "/kept", b"old")
    transaction = zk.transaction()
    transaction.create(base + "/new")
    transaction.set_data(base + "/kept", b"new", version=5)
    transaction.delete(base + "/kept")
    first, second, third = transaction.commit()
    assert isinstance(first, RolledBackError)
    assert isinstance(second, BadVersionError)
    assert isinstance(third, RuntimeInconsistency)
    assert zk.get_children(base) == ["kept"]
    assert zk.get(base + "/kept")[0] == b"old"


def test_a_transaction_sees_its_own_earlier_steps(zk, base):
    with zk.transaction() as transaction:
        transaction.create(base + "/parent")
        transaction.create(base + "/parent/child", b"1")
        transaction.set_data(base + "/parent/child", b"2", version=0)
        transaction.check(base + "/parent/child", version=1)
    assert zk.get(base + "/parent/child")[0] == b"2"


# Watches


def test_a_data_watch_fires_once(zk, base):
    node, events = base + "/node", Events()
    zk.create(node, b"0")
    zk.get(node, watch=events)
    zk.set(node, b"1")
    zk.set(node, b"2")
    event = events.next()
    assert (event.type, event.path, event.state) == (EventType.CHANGED, node, KeeperState.CONNECTED)
    zk.sync(node)
    assert events.none_pending()


def test_an_exists_watch_tells_creation_change_and_deletion(zk, base):
    node, events = base + "/node", Events()
    assert zk.exists(node, watch=events) is None
    zk.create(node)
    assert events.next().type == EventType.CREATED
    assert zk.exists(node, watch=events)
    zk.set(node, b"x")
    assert events.next().type == EventType.CHANGED
    assert zk.exists(node, watch=events)
    zk.delete(node)
    assert events.next().type == EventType.DELETED
    assert zk.exists(node, watch=events) is None
    zk.create(node)
    assert events.next().type == EventType.CREATED


def test_a_children_watch_tells_of_names_not_of_data(zk, base):
    events = Events()
    zk.create(base + "/a")
    zk.get_children(base, watch=events)
    zk.set(base + "/a", b"changed")
    zk.create(base + "/b")
    event = events.next()
    assert (event.type, event.path) == (EventType.CHILD, base)
    zk.get_children(base + "/b", watch=events)
    zk.delete(base + "/b")
    assert events.next().type == EventType.DELETED
    assert events.none_pending()


def test_get_on_a_missing_node_leaves_no_watch(zk, base):
    events = Events()
    with pytest.raises(NoNodeError):
        zk.get(base + "/node", watch=events)
    zk.create(base + "/node")
    zk.sync(base)
    assert events.none_pending()


def test_watches_of_many_clients_all_fire(zk, base, connect):
    zk.create(base + "/node")
    watchers = [Events() for _ in range(8)]
    for events in watchers:
        connect().get(base + "/node", watch=events)
    zk.set(base + "/node", b"x")
    assert [events.next().type for events in watchers] == [EventType.CHANGED] * 8


def test_the_data_watch_recipe_follows_a_node(zk, base, connect):
    seen = Events()
    writer = connect()
    node = base + "/node"

    @zk.DataWatch(node)
    def follow(data, stat):
        seen((data, stat.version if stat else None))

    assert seen.next() == (None, None)
    writer.create(node, b"a")
    assert seen.next() == (b"a", 0)
    writer.set(node, b"b")
    assert seen.next() == (b"b", 1)
    writer.delete(node)
    assert seen.next() == (None, None)


def test_the_children_watch_recipe_follows_a_directory(zk, base, connect):
    seen = Events()
    writer = connect()

    @zk.ChildrenWatch(base)
    def follow(children):
        seen(sorted(children))
        return children != ["b"]

    assert seen.next() == []
    writer.create(base + "/a")
    assert seen.next() == ["a"]
    writer.create(base + "/b")
    assert seen.next() == ["a", "b"]
    writer.delete(base + "/a")
    assert seen.next() == ["b"]
    writer.create(base + "/c")
    zk.sync(base)
    assert seen.none_pending()


# Clients and connections


def test_a_chroot_hides_what_lies_above(zk, base, connect, server):
    inside = connect(hosts=f"{server.address}{base}")
    events = Events()
    assert inside.exists("/node", watch=events) is None
    zk.create(base + "/node", b"seen from both sides")
    assert events.next().path == "/node"
    assert inside.get("/node")[0] == b"seen from both sides"
    assert inside.create("/s-", sequence=True) == "/s-0000000001"
    assert sorted(inside.get_children("/")) == ["node", "s-0000000001"]
    with inside.transaction() as transaction:
        transaction.create("/in-transaction")
    assert zk.exists(base + "/in-transaction")


def test_data_up_to_the_limit_is_stored(zk, base):
    data = bytes(1_048_000)
    zk.create(base + "/big", data)
    assert zk.get(base + "/big")[0] == data
    zk.set(base + "/big", data[::-1])
    assert zk.exists(base + "/big").dataLength == len(data)


def test_data_over_the_limit_costs_the_connection_not_the_session(base, connect):
    client = connect()
    session = client.client_id[0]
    client.create(base + "/e", ephemeral=True)
    with pytest.raises(ConnectionLoss):
        client.create(base + "/too-big", bytes(1_100_000))
    eventually(lambda: client.connected)
    assert client.client_id[0] == session
    assert client.get_children(base) == ["e"]


def test_a_client_that_allows_read_only_gets_a_full_server(base, connect):
    client = connect(read_only=True)
    assert client.client_state == KeeperState.CONNECTED
    client.create(base + "/written")


def test_the_server_answers_kazoo_about_itself(zk, server_kind, modes):
    version = zk.server_version()
    assert version[:2] == ((3, 9) if server_kind == "zabd" else (3, 8))
    assert zk.command(b"ruok") == "imok"
    assert re.search(r"^Mode: (\S+)$", zk.command(b"srvr"), re.MULTILINE)[1] in modes


def test_fifty_clients_at_once(base, server):
    rounds, paths, problems = 10, [], []

    def work():
        client = KazooClient(hosts=server.address, timeout=10)
        try:
            client.start(timeout=30)
            for _ in range(rounds):
                paths.append(client.create(base + "/n-", sequence=True))
                client.retry(client.get_children, base)
        except Exception as error:  # reported by the assertion below
            problems.append(error)
        finally:
            client.stop()
            client.close()

    threads = [threading.Thread(target=work) for _ in range(50)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert not problems
    assert sorted(paths) == [f"{base}/n-{i:010d}" for i in range(50 * rounds)]
