#!/usr/bin/env python3
"""Every state of the protocol by which pools share accounts, as src/pool/ledger.c follows
it, written down a second time and shorter.

    test/model/budget_model.py [POOLS SIZE LIMIT CLIENTS HANG-UPS DEATHS FAILURES FULLS
                                PAUSES TICKS MIN]

A pool here has one lane (lanes that share a pool: ledger_model.py) on a thread of its
own, so what one pool asks of another goes by letter. Every pool counts in the account of
all, the even ones also in a second, narrower account. A server is counted in its accounts
from the decision to open it until its end; whoever is granted a slot has it counted
before the letter that tells it is sent.

    take    an idle server that nobody is to evict, unless paused; or want, and cover
    cover   wants more than are being opened: a pool with room in all its accounts opens;
            one without is hungry, and evicts: an idle server of another pool, if that
            is above its guarantee and is open more often than ours, or has aged
    give    to the oldest want; but a pool that has more than a hungry one closes, so that
            the slot moves: by two or more always, by one if the other has waited longer
            or nobody waits here
    freed   slots go to hungry pools with room in all their accounts, the emptiest first,
            the longest waiting among equals: counted at once, told by a letter
    letter  granted and still wanted: open; wanted no more: freed. To evict: an idle
            server that no want here needs is closed; else the eviction is off: freed
    full    the server says it has no room (53300): the account is as large as what is open,
            and all that are hungry look again, as they do after an eviction
"""
import sys
from collections import namedtuple

from explore import Wrong, explore

Pool = namedtuple("Pool", "waiting idle busy opening granted evict hungry aged cover")
# granted: slots counted, letter under way; evict: letters under way that take an idle one
State = namedtuple("State", "pools learnt paused left")
Left = namedtuple("Left", "clients hangups deaths failures fulls pauses ticks")
EMPTY = Pool(0, 0, 0, 0, 0, 0, False, False, False)


def opened(pool):
    return pool.idle + pool.busy + pool.opening + pool.granted


class Budget:
    """Steps of a State; those that have a choice return or yield several."""

    def __init__(self, pools, size, limit, minimum):
        self.count, self.size, self.limit, self.minimum = pools, size, limit, minimum
        self.narrow = max(1, limit - 1)

    def change(self, state, i, **to):
        pool = state.pools[i]._replace(**to)
        return state._replace(pools=state.pools[:i] + (pool,) + state.pools[i + 1:])

    def more(self, state, i, **by):
        return self.change(state, i, **{
            name: getattr(state.pools[i], name) + n for name, n in by.items()})

    def accounts(self, state, i):
        """(used, limit) of each account of pool I."""
        everybody = sum(map(opened, state.pools))
        yield everybody, min(self.limit, state.learnt)
        if i % 2 == 0:
            yield sum(opened(x) for x in state.pools[::2]), self.narrow

    def room(self, state, i):
        return all(used < limit for used, limit in self.accounts(state, i))

    def over(self, state, i):
        return any(used > limit for used, limit in self.accounts(state, i))

    def wanting(self, state, i):
        pool = state.pools[i]
        return (not state.paused and pool.waiting > pool.opening + pool.granted
                and opened(pool) < self.size)

    def shares_what_is_full(self, state, i, k):
        """Would the end of a server of I make room for K?"""
        def full(x):
            return [at for at, (used, limit) in enumerate(self.accounts(state, x))
                    if used >= limit]
        mine = set(range(len(list(self.accounts(state, i)))))
        return i != k and bool(full(k)) and set(full(k)) <= mine

    def take(self, state, i):
        pool = state.pools[i]
        if pool.idle > pool.evict and not state.paused:
            return self.change(state, i, idle=pool.idle - 1, busy=pool.busy + 1, aged=False)
        return self.change(state, i, waiting=pool.waiting + 1, cover=True)

    def covered(self, state, i):
        done = self.change(state, i, cover=False)
        pool = state.pools[i]
        if pool.waiting and pool.idle > pool.evict and not state.paused:
            yield self.more(state, i, waiting=-1, idle=-1, busy=1)
        elif not self.wanting(state, i):
            yield self.change(done, i, hungry=False)
        elif self.room(state, i):
            yield self.more(state, i, opening=1)
        else:
            done = self.change(done, i, hungry=True)
            victims = list(self.victims(state, i))
            # one eviction under way is enough for one want
            helping = sum(x.evict for k, x in enumerate(state.pools)
                          if self.shares_what_is_full(state, k, i))
            if victims and helping < pool.waiting:
                for k in victims:
                    yield self.more(done, k, evict=1)
            else:
                yield done

    def victims(self, state, i):
        for k, pool in enumerate(state.pools):
            if (self.shares_what_is_full(state, k, i) and pool.idle > pool.evict
                    and opened(pool) - pool.evict > self.minimum
                    and (pool.aged or opened(pool) > opened(state.pools[i]))):
                yield k

    def give(self, state, i):
        """A server of I, counted among the busy ones, is free."""
        pool = state.pools[i]
        if state.paused or self.over(state, i):
            return [self.end(self.more(state, i, busy=-1))]
        ways = []
        deserving = [k for k in range(self.count) if state.pools[k].hungry
                     and self.shares_what_is_full(state, i, k) and self.wanting(state, k)]
        gap = max((opened(pool) - opened(state.pools[k]) for k in deserving), default=0)
        if gap >= 1:
            ways.append(self.end(self.change(self.more(state, i, busy=-1), i, cover=True)))
        if gap >= 2 or (gap == 1 and not pool.waiting):    # else: who has waited longer?
            return ways
        if pool.waiting:
            ways.append(self.more(state, i, waiting=-1))
        else:
            ways.append(self.change(self.more(state, i, busy=-1, idle=1), i, aged=False))
        return ways

    def end(self, state):
        """A slot is free: who gets it?"""
        while True:
            hungry = [k for k in range(self.count) if state.pools[k].hungry
                      and self.wanting(state, k) and self.room(state, k)]
            if not hungry:
                return state
            k = min(hungry, key=lambda x: opened(state.pools[x]))
            state = self.more(state, k, granted=1)

    def letters(self, state, i):
        pool = state.pools[i]
        if pool.granted:
            if pool.waiting > pool.opening and not state.paused:
                yield self.change(self.more(state, i, granted=-1, opening=1), i, cover=True)
            else:
                yield self.end(self.more(state, i, granted=-1))
        if pool.evict:
            done = self.more(state, i, evict=-1)
            # a want of our own comes first: the eviction is off, who asked looks again
            if pool.idle and not pool.waiting:
                yield self.again(self.end(self.more(done, i, idle=-1)))
            elif pool.idle and not state.paused:
                yield self.again(self.more(done, i, idle=-1, busy=1, waiting=-1))
            else:
                yield self.again(done)

    def again(self, state):
        """An eviction is over, for better or worse: all that are still hungry look again."""
        return state._replace(pools=tuple(
            x._replace(cover=x.cover or x.hungry) for x in state.pools))

    def mishaps(self, state, i):
        pool, left = state.pools[i], state.left

        def spent(name):
            return state._replace(left=left._replace(**{name: getattr(left, name) - 1}))

        if left.clients:
            yield self.take(spent("clients"), i)
        if left.hangups and pool.waiting:
            yield self.more(spent("hangups"), i, waiting=-1)
        if left.deaths and pool.busy:
            yield self.end(self.change(self.more(spent("deaths"), i, busy=-1), i, cover=True))
        if left.deaths and pool.idle:
            yield self.end(self.change(self.more(spent("deaths"), i, idle=-1), i, cover=True))
        if left.failures and pool.opening:
            yield self.end(self.change(self.more(spent("failures"), i, opening=-1), i, cover=True))
        if left.fulls and pool.opening:
            after = self.change(self.more(spent("fulls"), i, opening=-1), i, cover=True)
            yield self.again(self.end(after._replace(
                learnt=max(1, sum(map(opened, after.pools))))))

    def steps(self, state):
        left = state.left
        if state.paused:
            yield state._replace(paused=False, pools=tuple(
                x._replace(cover=True) for x in state.pools))
        elif left.pauses:
            yield state._replace(paused=True, left=left._replace(pauses=left.pauses - 1))
        if left.ticks:
            yield state._replace(left=left._replace(ticks=left.ticks - 1),
                                 learnt=state.learnt + (state.learnt < self.limit),
                                 pools=tuple(x._replace(aged=x.idle > 0, cover=x.waiting > 0)
                                             for x in state.pools))
        for i, pool in enumerate(state.pools):
            if pool.cover:
                yield from self.covered(state, i)
                continue
            if pool.busy:
                yield from self.give(state, i)
            if pool.opening:
                yield from self.give(self.more(state, i, opening=-1, busy=1), i)
            yield from self.letters(state, i)
            if pool.idle and state.paused and pool.idle > pool.evict:
                yield self.end(self.more(state, i, idle=-1))
            yield from self.mishaps(state, i)

    def check(self, state):
        for i, pool in enumerate(state.pools):
            if min(pool) < 0:
                raise Wrong("less than nothing of something")
            if opened(pool) > self.size:
                raise Wrong("a pool is larger than its size")
            if not state.left.fulls and self.over(state, i) and state.learnt >= self.limit:
                raise Wrong("an account is over its limit")
        if state.paused or any(x.busy or x.opening or x.granted or x.evict or x.cover
                               for x in state.pools):
            return
        # nothing is under way: whoever waits waits for time to pass, or for ever
        for i, pool in enumerate(state.pools):
            if pool.waiting and self.wanting(state, i):
                if self.room(state, i):
                    raise Wrong("pool %d waits beside a free slot" % i)
                if any(self.victims(state, i)):
                    raise Wrong("pool %d waits beside an idle server that could go" % i)
                if not pool.hungry:
                    raise Wrong("pool %d waits and nobody knows" % i)


def states(pools, size, limit, left, minimum=0):
    """How many states there are; Wrong, with the way there, if one is."""
    start = State((EMPTY,) * pools, limit, False, left)
    return explore(Budget(pools, size, limit, minimum), start)


CASES = (
    # pools, size, limit, (clients, hang-ups, deaths, failures, fulls, pauses, ticks), min
    (2, 2, 1, (4, 1, 1, 1, 0, 0, 1), 0),
    (2, 2, 2, (4, 1, 1, 0, 1, 0, 1), 0),
    (3, 2, 2, (4, 0, 1, 0, 0, 0, 1), 0),
    (2, 2, 2, (4, 1, 0, 0, 0, 1, 1), 0),
    (2, 2, 2, (5, 0, 1, 0, 0, 0, 2), 1),
    (3, 1, 2, (3, 1, 0, 1, 1, 0, 1), 0),
)


def main():
    given = [int(x) for x in sys.argv[1:]]
    cases = CASES if not given else ((*given[:3], tuple(given[3:10]), *given[10:]),)
    print("1..%d" % len(cases))
    failed = False
    for number, (pools, size, limit, left, *minimum) in enumerate(cases, 1):
        try:
            count = states(pools, size, limit, Left(*left), *minimum)
            print("ok %d - %d pools, limit %d: %d states" % (number, pools, limit, count))
        except Wrong as wrong:
            failed = True
            print("not ok %d - %d pools, limit %d" % (number, pools, limit))
            print("# " + str(wrong).replace("\n", "\n# "))
    return failed


if __name__ == "__main__":
    sys.exit(main())
