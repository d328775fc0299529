#!/usr/bin/env python3
"""Every state of the protocol by which lanes share a pool, as src/pool/ledger.c and
lane.c follow it, written down a second time and shorter.

    test/model/ledger_model.py [LANES LIMIT CLIENTS HANG-UPS DEATHS FAILURES LOSSES
                                PAUSES]

The C code itself is walked through its states by test/unit/pool/ledger_states.c. This
is what that code means: here a change of the rules can be tried in a few lines, and the
two must agree. Each call of the ledger is one step; between two steps of a lane others
may do theirs.

A lane has clients that wait (the first few of them called, which means that a server is
on its way), idle and busy servers, servers being opened, and letters: nudges, of which
there are as many as idle servers promised to others, and servers. The pool has a limit,
a reserve once somebody has waited long (from then on), and a queue of wants, each the
lane of a client that waits and is not called.

    take    an idle server that is not promised, unless paused; or queue and cover
    cover   more wants than promises that can be kept: promise an idle server, nudge
            its lane; if there is none and openings do not make up for it, open
    give    paused: close; nobody wants: idle; else to the oldest want, or to the oldest
            of this lane
    nudged  the promise is back; if a server is idle and wanted, give it; cover
    arrive  to the first client here if it is called, else give
    lost    a server ended on its way: the one called last wants again, first of all
"""
import sys
from collections import namedtuple

from explore import Wrong, explore

Lane = namedtuple("Lane", "called waiting idle busy opening nudges arriving at_it")
# at_it: None, "cover", or how many nudges of a letter are still to be done
State = namedtuple("State", "lanes wants open paused late left")
Left = namedtuple("Left", "clients hangups deaths failures losses pauses waits")


def replaced(items, at, item):
    return items[:at] + (item,) + items[at + 1:]


class Pool:
    """Steps of a State; every method returns a list of states, for there are choices."""

    def __init__(self, limit, reserve):
        self.limit, self.reserve = limit, reserve

    def lane(self, state, i, **change):
        return state._replace(lanes=replaced(state.lanes, i, self.of(state, i, **change)))

    @staticmethod
    def of(state, i, **change):
        lane = state.lanes[i]
        return lane._replace(**{
            name: getattr(lane, name) + value if isinstance(value, int) and name != "at_it"
            else value for name, value in change.items()})

    @staticmethod
    def kept(state):
        return sum(min(x.idle, promised(x)) for x in state.lanes)

    def may_open(self, state):
        if 0 < state.open == sum(x.opening for x in state.lanes):
            return False  # one login shows whether others work
        return state.open < self.limit or (
            state.late and state.wants and state.open < self.limit + self.reserve)

    def take(self, state, i):
        lane = state.lanes[i]
        if lane.idle > promised(lane) and not state.paused:
            return [self.lane(state, i, idle=-1, busy=1)]
        return [self.lane(state, i, waiting=1, at_it="cover")._replace(
            wants=state.wants + (i,))]

    def cover(self, state, i):
        if not state.paused and len(state.wants) > self.kept(state):
            for k, lane in enumerate(state.lanes):
                if lane.idle > promised(lane):
                    return [self.lane(state, k, nudges=1)]
            opening = sum(x.opening for x in state.lanes)
            if len(state.wants) > self.kept(state) + opening and self.may_open(state):
                return [self.lane(state, i, opening=1)._replace(open=state.open + 1)]
        return [self.lane(state, i, at_it=None)]

    def give(self, state, i):
        """The server is counted nowhere when this is called."""
        if state.paused or state.open > self.limit + self.reserve:
            return [self.gone(state, i)]
        if not state.wants:
            return [self.lane(state, i, idle=1)]
        return [self.hand(state, i, at)
                for at in {0, state.wants.index(i) if i in state.wants else 0}]

    def hand(self, state, i, at):
        if state.paused:
            raise Wrong("a server is given away during a pause")
        to = state.wants[at]
        state = state._replace(wants=state.wants[:at] + state.wants[at + 1:])
        if to == i:
            return self.lane(state, i, waiting=-1, busy=1)
        return self.lane(state, to, waiting=-1, called=1, arriving=1)

    def gone(self, state, i):
        at_it = state.lanes[i].at_it
        return self.lane(state._replace(open=state.open - 1), i,
                         at_it="cover" if at_it is None else at_it)

    def nudge(self, state, i):
        left = state.lanes[i].at_it - 1
        state = self.lane(state, i, at_it=left if left > 0 else "cover")
        if state.lanes[i].idle > 0 and state.wants and not state.paused:
            return self.give(self.lane(state, i, idle=-1), i)
        return [state]

    def arrive(self, state, i):
        state = self.lane(state, i, arriving=-1)
        if state.lanes[i].called > 0:
            return [self.lane(state, i, called=-1, busy=1)]
        return self.give(state, i)

    def lost(self, state, i):
        state = self.lane(state, i, arriving=-1)
        if state.lanes[i].called > 0:
            state = self.lane(state, i, called=-1, waiting=1)
            state = state._replace(wants=(i,) + state.wants)
        return [self.gone(state, i)]

    def hang_up(self, state, i):
        lane = state.lanes[i]
        if lane.called > 0:
            yield self.lane(state, i, called=-1)
        mine = [at for at, want in enumerate(state.wants) if want == i]
        for at in {mine[0], mine[-1]} if mine else ():
            yield self.lane(state, i, waiting=-1)._replace(
                wants=state.wants[:at] + state.wants[at + 1:])

    def own_steps(self, state, i):
        lane = state.lanes[i]
        if lane.at_it == "cover":
            yield from self.cover(state, i)
            return
        if lane.at_it is not None:
            yield from self.nudge(state, i)
            return
        if lane.busy:
            yield from self.give(self.lane(state, i, busy=-1), i)
        if lane.opening:
            yield from self.give(self.lane(state, i, opening=-1, at_it="cover"), i)
        if lane.nudges:
            yield self.lane(state, i, nudges=-lane.nudges, at_it=lane.nudges)
        if lane.arriving:
            yield from self.arrive(state, i)
        if lane.idle and state.paused:
            yield self.gone(self.lane(state, i, idle=-1), i)

    def mishaps(self, state, i):
        lane, left = state.lanes[i], state.left

        def spent(name):
            return state._replace(left=left._replace(**{name: getattr(left, name) - 1}))

        if lane.at_it is not None:
            return
        if left.clients:
            yield from self.take(spent("clients"), i)
        if left.hangups:
            yield from self.hang_up(spent("hangups"), i)
        if left.deaths and lane.busy:
            yield self.gone(self.lane(spent("deaths"), i, busy=-1), i)
        if left.deaths and lane.idle:
            yield self.gone(self.lane(spent("deaths"), i, idle=-1), i)
        if left.failures and lane.opening:
            yield self.gone(self.lane(spent("failures"), i, opening=-1), i)
        if left.losses and lane.arriving:
            yield from self.lost(spent("losses"), i)

    def all_cover(self, state):
        return state._replace(lanes=tuple(
            x._replace(at_it="cover") if x.at_it is None else x for x in state.lanes))

    def steps(self, state):
        left = state.left
        if state.paused:
            yield self.all_cover(state._replace(paused=False))
        elif left.pauses:
            yield state._replace(paused=True, left=left._replace(pauses=left.pauses - 1))
        if left.waits and not state.late:
            yield self.all_cover(state._replace(
                late=True, left=left._replace(waits=left.waits - 1)))
        for i in range(len(state.lanes)):
            yield from self.own_steps(state, i)
            yield from self.mishaps(state, i)

    def check(self, state):
        lanes = state.lanes
        servers = sum(x.idle + x.busy + x.opening + x.arriving for x in lanes)
        if servers != state.open:
            raise Wrong("a server is lost")
        if servers > self.limit + self.reserve:
            raise Wrong("more servers than allowed")
        for i, lane in enumerate(lanes):
            if lane.called > lane.arriving:
                raise Wrong("somebody is called and no server is on its way")
            if lane.waiting != state.wants.count(i):
                raise Wrong("a want without a client, or a client without a want")
        if state.paused or any(x.at_it is not None for x in lanes):
            return
        uncovered = len(state.wants) - self.kept(state)
        if uncovered > 0 and any(x.idle > promised(x) for x in lanes):
            raise Wrong("somebody waits beside an idle server promised to nobody")
        if uncovered > sum(x.opening for x in lanes) and self.may_open(state):
            raise Wrong("somebody waits and no server is opened")


def promised(lane):
    return lane.nudges + (lane.at_it if isinstance(lane.at_it, int) else 0)


def states(lanes, limit, left, reserve=0):
    """How many states there are; Wrong, with the way there, if one is."""
    start = State((Lane(0, 0, 0, 0, 0, 0, 0, None),) * lanes, (), 0, False, False, left)
    return explore(Pool(limit, reserve), start)


CASES = (
    # lanes, limit, (clients, hang-ups, deaths, failures, losses, pauses, waits), reserve
    (2, 1, (4, 1, 1, 1, 0, 0, 0), 0),
    (2, 2, (4, 1, 1, 0, 1, 0, 0), 0),
    (3, 2, (3, 1, 0, 0, 1, 0, 0), 0),
    (2, 2, (3, 0, 1, 0, 0, 1, 0), 0),
    (2, 1, (4, 1, 0, 0, 0, 0, 1), 1),
    (2, 2, (4, 1, 0, 0, 2, 0, 0), 0),
)


def main(words):
    cases = CASES
    if words:
        numbers = [int(word) for word in words]
        cases = ((numbers[0], numbers[1], (*numbers[2:], 0), 0),)
    print(f"1..{len(cases)}")
    failed = 0
    for number, (lanes, limit, left, reserve) in enumerate(cases, 1):
        name = f"{lanes} lanes, limit {limit}, {' '.join(map(str, left))}, reserve {reserve}"
        try:
            print(f"ok {number} - {name}: "
                  f"{states(lanes, limit, Left(*left), reserve)} states", flush=True)
        except Wrong as wrong:
            failed = 1
            print(f"not ok {number} - {name}\n# " + str(wrong).replace("\n", "\n# "))
    return failed


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
