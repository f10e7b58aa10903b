"""zabd and Apache ZooKeeper in one ensemble, whoever leads."""

import pytest

import wire
from ensemble import Ensemble
from wire import Mode, Op
from writers import Writer, lost


@pytest.fixture(params=["one-zookeeper", "two-zookeepers"])
def mixed(request, only_zabd, tmp_path):
    kinds = {1: "zookeeper"} if request.param == "one-zookeeper" else {1: "zookeeper", 3: "zookeeper"}
    with Ensemble(tmp_path / "ensemble", "zabd", voters=3, kinds=kinds) as ensemble:
        yield ensemble


def finish(ensemble, writers):
    for writer in writers:
        writer.wait_for_progress()
        writer.stop()
    ensemble.await_converged()
    for number in ensemble.members:
        assert lost(writers, ensemble[number]) == []


def test_all_kinds_of_nodes_are_the_same_everywhere(mixed):
    with wire.open_session(mixed[2]) as link:
        link.result(Op.CREATE, wire.create("/a", b"data"))
        link.result(Op.CREATE, wire.create("/a/s-", flags=Mode.SEQUENTIAL))
        link.result(Op.CREATE2, wire.create("/a/e", flags=Mode.EPHEMERAL))
        link.result(Op.CREATE_CONTAINER, wire.create("/c", flags=Mode.CONTAINER))
        link.result(Op.SET_DATA, wire.set_data("/a", b"more"))
        link.result(Op.SET_ACL, wire.set_acl("/a/e", [(31, "ip", "127.0.0.1")]))
        link.result(Op.MULTI, wire.multi([(Op.CREATE, wire.create("/m")), (Op.DELETE, wire.delete("/a/s-0000000000"))]))
        mixed.await_converged()


def test_each_member_leads_once(mixed):
    writers = [Writer(f"writer{n}", [mixed[n], *mixed.members.values()]) for n in mixed.members]
    led = set()
    for _ in range(4):
        for writer in writers:
            writer.wait_for_progress()
        leader = mixed.await_all_in()
        led.add(mixed.kind_of(leader))
        mixed.kill(leader)
        mixed.await_leader(other_than=leader)
        mixed.launch(leader)
    mixed.await_all_in()
    finish(mixed, writers)


@pytest.mark.parametrize("wiped", [1, 2])
def test_a_member_that_lost_everything_is_given_all(mixed, wiped):
    writers = [Writer(f"writer{n}", [mixed[n], *mixed.members.values()]) for n in mixed.members if n != wiped]
    for writer in writers:
        writer.wait_for_progress(50)
    mixed.kill(wiped)
    mixed.wipe(wiped)
    mixed.await_leader()
    mixed.launch(wiped)
    mixed.await_all_in()
    finish(mixed, writers)
