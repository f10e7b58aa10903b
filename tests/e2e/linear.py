"""Whether a history of calls to an ensemble can be explained by one server that carries them out one after the other.

    problem = linear.check(calls)       # None, or a Problem that says which key and which calls

A Call says what a client asked of a node, when it asked and when it had the answer. The history is linearizable if
there is an order of the calls in which each answer is right, and in which a call that was answered before another was
asked stands before it. Nodes do not touch each other here, so each is judged alone (Herlihy and Wing: a system is
linearizable if each object is). The search is Wing and Gong's, with Lowe's memory of what was tried.

The answer of a call whose connection was lost is UNKNOWN: it may take effect at any time after it was asked, or never.
What the server refused to carry out, such as for a full disk, is no call.
"""

import collections
import math

UNKNOWN = "unknown"
EXISTS = "exists"
NO_NODE = "no node"
BAD_VERSION = "bad version"
OK = "ok"

FOREVER = math.inf
STEPS_MAX = 1_000_000

# op: create (value), set (value, version), delete (version), read (); arguments are a tuple.
# result: create OK or EXISTS; set the new version, NO_NODE or BAD_VERSION; delete OK, NO_NODE or BAD_VERSION;
#         read (value, version) or NO_NODE. A version of -1 in an argument is any.
Call = collections.namedtuple("Call", "client key op args invoked returned result")


class Problem(collections.namedtuple("Problem", "key stuck state")):
    """`stuck`: none of these calls could come next after the longest order that was found; `state` is the node then."""

    def __str__(self):
        calls = "\n".join(f"  {c.client}: {c.op}{c.args} -> {c.result}  [{c.invoked:.6f}, {c.returned:.6f}]"
                          for c in self.stuck)
        return f"{self.key}: with {self.state or 'no node'}, none of these can be next:\n{calls}"


class Undecided(Exception):
    """The search is too long. The history should have fewer calls that overlap."""


# --- one node: what a call answers, and leaves behind. A node is (value, version), or None. ---


def _create(node, value):
    return (OK, (value, 0)) if node is None else (EXISTS, node)


def _set(node, value, version):
    if node is None:
        return NO_NODE, None
    if version not in (-1, node[1]):
        return BAD_VERSION, node
    return node[1] + 1, (value, node[1] + 1)


def _delete(node, version):
    if node is None:
        return NO_NODE, None
    return (OK, None) if version in (-1, node[1]) else (BAD_VERSION, node)


def _read(node):
    return (NO_NODE, None) if node is None else (node, node)


CARRIED_OUT = {"create": _create, "set": _set, "delete": _delete, "read": _read}


def check(calls, steps_max=STEPS_MAX):
    """The Problem of the first node whose calls no order explains, or None."""
    of_key = collections.defaultdict(list)
    for call in calls:
        of_key[call.key].append(call)
    for key in sorted(of_key):
        if problem := _check_node(key, of_key[key], steps_max):
            return problem
    return None


def _check_node(key, calls, steps_max):
    calls = sorted((c for c in calls if (c.op, c.result) != ("read", UNKNOWN)), key=lambda call: call.invoked)
    return _Search(key, _with_open_ends(calls), steps_max).run() if calls else None


def _with_open_ends(calls):
    """What is unknown need not be answered by anybody. Values that nobody has seen are the same to everybody."""
    seen = {call.result[0] for call in calls if call.op == "read" and call.result != NO_NODE}

    def opened(call):
        hidden = call.op in ("create", "set") and call.args[0] not in seen
        args = (None, *call.args[1:]) if hidden else call.args
        return call._replace(returned=FOREVER, args=args) if call.result == UNKNOWN else call

    return [opened(call) for call in calls]


class _Search:
    """Orders the calls of one node, a prefix at a time: those that may come next were asked before any that is not yet
    in the order was answered. Calls are their numbers by time of asking; sets of them are bits."""

    def __init__(self, key, calls, steps_max):
        self._key = key
        self._calls = calls
        self._steps_left = steps_max
        self._answered = sum(1 << i for i, call in enumerate(calls) if call.returned != FOREVER)
        self._node = None
        self._done = 0              # those that are in the order
        self._first = 0             # all before it are in the order
        self._tried = {}            # (answered ones done, node) -> sets of unknown ones with which this was looked at
        self._best = (0, [], None)  # how long, what could not be next, the node

    def run(self):
        """None if there is an order."""
        way_back = []               # (call, the node before it, those to try instead)
        candidates = self._candidates()
        while self._done & self._answered != self._answered:
            before = self._node
            taken = self._take_one(candidates)
            if taken is not None:
                way_back.append((taken, before, candidates))
                candidates = self._candidates()
            elif way_back:
                call, self._node, candidates = way_back.pop()
                self._done &= ~(1 << call)
                self._first = min(self._first, call)
            else:
                return Problem(self._key, self._best[1], self._best[2])
        return None

    def _take_one(self, candidates):
        """Puts the last of the candidates into the order that answers rightly and leads where we have not been."""
        while candidates:
            self._count_step()
            number = candidates.pop()
            call = self._calls[number]
            result, node = CARRIED_OUT[call.op](self._node, *call.args)
            if call.result == UNKNOWN:
                if node == self._node:
                    continue        # the same as if it never took effect
            elif call.result != result:
                continue
            if self._is_new(self._done | 1 << number, node):
                self._done |= 1 << number
                self._node = node
                return number
        return None

    def _is_new(self, done, node):
        """Whoever was here with fewer of the unknown ones used up could do all that we can."""
        unknown = done & ~self._answered
        tried = self._tried.setdefault((done & self._answered, node), [])
        if any(used & unknown == used for used in tried):
            return False
        tried.append(unknown)
        return True

    def _candidates(self):
        """Those that may be next; to be tried from the last: what is answered first, and what is unknown only when
        nothing else goes."""
        while self._first < len(self._calls) and self._done >> self._first & 1:
            self._first += 1
        may, answered_first, alike = [], FOREVER, set()
        for number in range(self._first, len(self._calls)):
            call = self._calls[number]
            if call.invoked > answered_first:
                break
            if self._done >> number & 1 or (call.result == UNKNOWN and (call.op, call.args) in alike):
                continue
            may.append(number)
            answered_first = min(answered_first, call.returned)
            if call.result == UNKNOWN:
                alike.add((call.op, call.args))
        may = [n for n in may if self._calls[n].invoked <= answered_first]
        may.sort(key=lambda n: self._calls[n].returned, reverse=True)
        length = (self._done & self._answered).bit_count()
        if length >= self._best[0]:
            self._best = (length, [self._calls[n] for n in may], self._node)
        return may

    def _count_step(self):
        self._steps_left -= 1
        if self._steps_left < 0:
            raise Undecided(f"{self._key}: {len(self._calls)} calls")
