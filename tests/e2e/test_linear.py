"""The checker of histories, on histories of which we know whether they are linearizable."""

import random

import pytest

import linear
from linear import BAD_VERSION, EXISTS, NO_NODE, OK, UNKNOWN, Call


def history(*lines):
    """Calls of (client, op, arguments..., result, invoked, returned), all to one node."""
    return [Call(client, "/k", op, tuple(args), invoked, returned, result)
            for client, op, *args, result, invoked, returned in lines]


CREATED = ("a", "create", "0", OK, 0, 1)

LINEARIZABLE = {
    "nothing": [],
    "one after the other": [CREATED, ("b", "read", ("0", 0), 2, 3), ("a", "set", "1", -1, 1, 4, 5),
                            ("b", "read", ("1", 1), 6, 7)],
    "a read beside a write sees it": [CREATED, ("a", "set", "1", -1, 1, 2, 9), ("b", "read", ("1", 1), 3, 4)],
    "a read beside a write does not": [CREATED, ("a", "set", "1", -1, 1, 2, 9), ("b", "read", ("0", 0), 3, 4)],
    "a write that took effect before its answer": [
        CREATED, ("a", "set", "1", -1, 1, 2, 9), ("b", "read", ("0", 0), 3, 4), ("b", "read", ("1", 1), 5, 6)],
    "two writes at once, in the order of the one that was asked later": [
        CREATED, ("a", "set", "1", -1, 2, 2, 9), ("b", "set", "2", -1, 1, 3, 8), ("c", "read", ("1", 2), 10, 11)],
    "one of two with the same version": [
        CREATED, ("a", "set", "1", 0, 1, 2, 9), ("b", "set", "2", 0, BAD_VERSION, 2, 9)],
    "a lost call that took effect": [CREATED, ("a", "set", "1", -1, UNKNOWN, 2, 3), ("b", "read", ("1", 1), 8, 9)],
    "a lost call that took effect late": [
        CREATED, ("a", "set", "1", -1, UNKNOWN, 2, 3), ("b", "read", ("0", 0), 4, 5), ("b", "read", ("1", 1), 8, 9)],
    "a lost call that never took effect": [
        CREATED, ("a", "set", "1", -1, UNKNOWN, 2, 3), ("b", "read", ("0", 0), 8, 9)],
    "a lost delete between two creates": [
        CREATED, ("a", "delete", -1, UNKNOWN, 2, 3), ("b", "create", "1", OK, 4, 5), ("c", "read", ("1", 0), 6, 7)],
    "a lost create that lost": [CREATED, ("a", "create", "1", UNKNOWN, 2, 3), ("c", "read", ("0", 0), 6, 7)],
    "no node": [("a", "set", "1", -1, NO_NODE, 0, 1), ("a", "delete", 3, NO_NODE, 2, 3), ("a", "read", NO_NODE, 4, 5)],
    "gone and there again": [CREATED, ("a", "delete", 0, OK, 2, 3), ("b", "create", "1", OK, 2, 5),
                             ("c", "create", "2", EXISTS, 6, 7), ("c", "read", ("1", 0), 8, 9)],
    "a read that was lost says nothing": [CREATED, ("a", "read", UNKNOWN, 2, 3)],
}

NOT_LINEARIZABLE = {
    "a stale read": [CREATED, ("a", "set", "1", -1, 1, 2, 3), ("b", "read", ("0", 0), 4, 5)],
    "a read from the future": [CREATED, ("b", "read", ("1", 1), 2, 3), ("a", "set", "1", -1, 1, 4, 5)],
    "a lost call's effect before it was asked": [
        CREATED, ("b", "read", ("1", 1), 2, 3), ("a", "set", "1", -1, UNKNOWN, 4, 5)],
    "a lost call's effect that comes and goes": [
        CREATED, ("a", "set", "1", -1, UNKNOWN, 2, 3), ("b", "read", ("1", 1), 4, 5), ("b", "read", ("0", 0), 6, 7)],
    "a lost call that took effect twice": [
        CREATED, ("a", "set", "1", -1, UNKNOWN, 2, 3), ("b", "read", ("1", 1), 4, 5), ("b", "set", "2", 1, 2, 6, 7),
        ("b", "read", ("1", 3), 8, 9)],
    "an acknowledged write that is gone": [CREATED, ("a", "set", "1", 0, 1, 2, 3), ("b", "set", "2", 0, 1, 4, 5)],
    "two that both had the same version": [CREATED, ("a", "set", "1", 0, 1, 2, 9), ("b", "set", "2", 0, 1, 2, 9)],
    "two reads that disagree about the order": [
        CREATED, ("a", "set", "1", -1, 1, 2, 9), ("b", "read", ("1", 1), 3, 4), ("c", "read", ("0", 0), 5, 6)],
    "a value that nobody wrote": [CREATED, ("a", "read", ("9", 0), 2, 3)],
    "two creates and no delete": [CREATED, ("b", "create", "1", OK, 2, 3)],
    "two deletes of one node": [CREATED, ("b", "delete", -1, OK, 2, 9), ("c", "delete", -1, OK, 2, 9)],
    "refused though the version was right": [CREATED, ("b", "set", "1", 0, BAD_VERSION, 2, 3)],
    "a node that was deleted": [CREATED, ("b", "delete", -1, OK, 2, 3), ("c", "read", ("0", 0), 4, 5)],
}


@pytest.mark.parametrize("name", LINEARIZABLE)
def test_these_are_linearizable(name):
    assert linear.check(history(*LINEARIZABLE[name])) is None


@pytest.mark.parametrize("name", NOT_LINEARIZABLE)
def test_these_are_not(name):
    assert linear.check(history(*NOT_LINEARIZABLE[name])) is not None


def test_each_node_is_judged_alone():
    good = history(*LINEARIZABLE["one after the other"])
    bad = [call._replace(key="/other") for call in history(*NOT_LINEARIZABLE["a stale read"])]
    assert linear.check(good + bad).key == "/other"


def test_a_problem_says_what_could_not_come_next():
    problem = linear.check(history(*NOT_LINEARIZABLE["a stale read"]))
    assert [call.op for call in problem.stuck] == ["read"]
    assert problem.state == ("1", 1)
    assert "read" in str(problem)


def test_a_search_that_is_too_long_says_so():
    with pytest.raises(linear.Undecided):
        linear.check(history(*LINEARIZABLE["one after the other"]), steps_max=2)


def random_history(rng, count=150, clients=5, lost=0.05):
    """What `clients` see of one server that carries out each call somewhere between its asking and its answer."""
    free_at = [0.0] * clients
    calls, node, now = [], None, 0.0
    for i in range(count):
        client = min(range(clients), key=free_at.__getitem__)
        now = max(now, free_at[client]) + rng.random()      # when it takes effect
        op, args = rng.choice([("create", (str(i),)), ("set", (str(i), rng.choice([-1, node[1] if node else 0]))),
                               ("delete", (rng.choice([-1, 7]),)), ("read", ()), ("set", (str(i), -1))])
        invoked, returned = max(free_at[client], now - 3 * rng.random()), now + 3 * rng.random()
        if rng.random() < lost:
            if rng.random() < 0.5:
                _, node = linear.CARRIED_OUT[op](node, *args)
            result = UNKNOWN
        else:
            result, node = linear.CARRIED_OUT[op](node, *args)
        calls.append(Call(client, "/k", op, args, invoked, returned, result))
        free_at[client] = returned
    return calls


@pytest.mark.parametrize("number", range(20))
def test_what_one_server_did_is_linearizable_until_an_answer_is_changed(number):
    rng = random.Random(number)
    calls = random_history(rng)
    assert linear.check(calls) is None
    reads = [i for i, call in enumerate(calls) if call.op == "read" and call.result not in (UNKNOWN, NO_NODE)]
    changed = rng.choice(reads)
    value, version = calls[changed].result
    calls[changed] = calls[changed]._replace(result=(value, version + 1))
    assert linear.check(calls) is not None
