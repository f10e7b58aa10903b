"""Members whose disks fail them: what is damaged is put aside, and healed by the leader. And: a member cut off from its
quorum lets clients read, if it may."""

import time

import pytest

import wire
from ensemble import Ensemble
from wire import Op
from writers import Writer, lost

NOT_READ_ONLY = -119


@pytest.fixture
def make_ensemble(only_zabd, tmp_path):
    made = []

    def make(**settings):
        made.append(Ensemble(tmp_path / "ensemble", voters=3, **settings).start())
        return made[-1]

    yield make
    for ensemble in made:
        ensemble.kill_all()


def written(ensemble):
    """A finished Writer: some history that every member has."""
    writer = Writer("before", [ensemble[ensemble.leader()]])
    writer.wait_for_progress(50)
    writer.stop()
    ensemble.await_converged()
    return writer


def flip(file, offset):
    with open(file, "r+b") as damaged:
        damaged.seek(offset)
        byte = damaged.read(1)[0]
        damaged.seek(offset)
        damaged.write(bytes([byte ^ 0xff]))


def damage_log(member):
    """In a record of the middle, where it is no torn tail."""
    segment = sorted((member.data_dir / "zabd" / "log").iterdir())[0]
    with open(segment, "rb") as file:
        content = file.read()
    flip(segment, content.index(b"/before/10"))


def damage_checkpoint(member):
    """The pages behind the two that LMDB begins with, all of them."""
    file = member.data_dir / "zabd" / "checkpoint" / "data.mdb"
    for offset in range(2 * 4096, file.stat().st_size, 512):
        flip(file, offset)


@pytest.mark.parametrize("part", ["leader", "follower"])
@pytest.mark.parametrize("damage", [damage_log, damage_checkpoint])
def test_damage_is_put_aside_and_healed(make_ensemble, part, damage):
    ensemble = make_ensemble()
    writer = written(ensemble)
    number = ensemble.leader() if part == "leader" else ensemble.followers()[0]
    member = ensemble[number]
    assert ensemble.stop(number) == 0  # which writes the checkpoint
    damage(member)
    ensemble.await_leader()
    ensemble.launch(number)
    ensemble.await_mode(number, "follower")
    assert "put aside" in member.log_text()
    assert list((member.data_dir / "zabd").glob("quarantine-*"))
    ensemble.await_converged()
    assert lost([writer], member) == []
    ensemble.kill(number)  # what healed it is its own now
    ensemble.launch(number)
    ensemble.await_mode(number, "follower")
    ensemble.await_converged()


def test_members_that_lost_their_history_are_no_quorum(make_ensemble):
    """The one that is left might not have all that was acknowledged: the two others may have been the quorum."""
    ensemble = make_ensemble()
    written(ensemble)
    damaged = ensemble.followers()
    ensemble.kill_all()
    for number in damaged:
        damage_log(ensemble[number])
    ensemble.launch(*ensemble.members)
    for number in damaged:
        ensemble[number].await_in_log("put aside")
    until = time.monotonic() + 3
    while time.monotonic() < until:
        assert set(ensemble.modes().values()) == {None}
        time.sleep(0.1)


def test_a_member_cut_off_from_its_quorum_is_read_only(make_ensemble):
    ensemble = make_ensemble(config={"readonlymode.enabled": "true"})
    written(ensemble)
    alone, *others = ensemble.members
    ensemble.kill(*others)
    ensemble.eventually(lambda: ensemble[alone].word("isro") == "ro", "not read-only")
    assert ensemble.mode(alone) == "read-only"
    with wire.RawConnection(ensemble[alone].host, ensemble[alone].port) as link:
        response = link.connect(timeout_ms=5000, read_only=True)
        assert response.timeout_ms > 0 and response.read_only
        assert "1" in link.result(Op.GET_CHILDREN, wire.get_children("/before"))
        assert link.call(Op.CREATE, wire.create("/x")).err == NOT_READ_ONLY
        assert link.call(Op.SYNC, wire.sync("/")).err == NOT_READ_ONLY
    with wire.RawConnection(ensemble[alone].host, ensemble[alone].port) as link:
        with pytest.raises(wire.ConnectionClosed):
            link.connect(timeout_ms=5000)
    ensemble.launch(*others)
    ensemble.await_all_in()
    assert ensemble[alone].word("isro") == "rw"
    ensemble.await_converged()
