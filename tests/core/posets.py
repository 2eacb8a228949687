"""All graphs of a few calls, as far as a cut sees them: partial orders, one of each kind, and their fewest segments.

How many segments a graph needs depends on which calls run before which alone: not on the order in which they are listed,
and not on needs that follow from others.  So one partial order of each isomorphism class stands for all graphs of it, and
one coloring for all that an automorphism makes of it.
"""

import functools
import itertools

import numpy as np

#: how many partial orders of 1, 2, ... elements there are up to isomorphism: OEIS A000112
KINDS = (1, 2, 5, 16, 63, 318, 2045, 16999)


def needs_of(below):
    """Of each call the calls that it needs, of the bits that say it."""
    return [[i for i in range(len(below)) if one >> i & 1] for one in below]


def labeled(count):
    """Every partial order of ``count`` calls that only need earlier ones: of each call the set of those below it."""
    if count == 0:
        yield ()
        return
    for earlier in labeled(count - 1):
        yield from _with_a_last(earlier)


@functools.cache
def kinds(count):
    """One partial order of each isomorphism class."""
    if count == 0:
        return [()]
    found = {}
    for earlier in kinds(count - 1):
        for below in _with_a_last(earlier):
            found.setdefault(canonical(below)[0], below)
    return list(found.values())


def _with_a_last(earlier):
    """The partial order with one more call, which needs any set of calls that has what these need."""
    count = len(earlier)
    for below in range(1 << count):
        if all(earlier[i] & ~below == 0 for i in range(count) if below >> i & 1):
            yield (*earlier, below)


def canonical(below):
    """What is the same for isomorphic partial orders alone, and the automorphisms.

    Calls are put in order by what can be said of each, and of those that cannot be told apart every order is tried.
    """
    count = len(below)
    above = [sum(1 << j for j in range(count) if below[j] >> i & 1) for i in range(count)]
    ranks = [0] * count
    for _ in range(count):
        around = [
            (ranks[i], *(sorted(ranks[j] for j in range(count) if side >> j & 1) for side in (below[i], above[i])))
            for i in range(count)
        ]
        places = {one: place for place, one in enumerate(sorted({str(one) for one in around}))}
        ranks = [places[str(one)] for one in around]
    cells = [[i for i in range(count) if ranks[i] == rank] for rank in range(max(ranks, default=-1) + 1)]
    best, orders = None, []
    for choice in itertools.product(*map(itertools.permutations, cells)):
        order = [*itertools.chain(*choice)]
        place = {call: index for index, call in enumerate(order)}
        code = tuple(sum(1 << place[j] for j in range(count) if below[call] >> j & 1) for call in order)
        if best is None or code < best:
            best, orders = code, []
        if code == best:
            orders.append(order)
    back = {call: index for index, call in enumerate(orders[0])}
    return best, [[order[back[call]] for call in range(count)] for order in orders]


def colorings(below):
    """A row for every coloring in two colors, up to automorphism."""
    count = len(below)
    rows = np.arange(1 << count)
    smallest = rows.copy()
    for automorphism in canonical(below)[1]:
        moved = sum((rows >> call & 1) << image for call, image in enumerate(automorphism))
        smallest = np.minimum(smallest, moved)
    kept = rows[smallest == rows]
    return kept[:, None] >> np.arange(count) & 1


def fewest(below, colors):
    """The least number of runs of one color in any order of the calls, for each row of ``colors``.

    Every order is looked at: what is left of it after its last call is an order of the rest.  So there is one value for
    each set of calls that can have run, and for the color of the call that ran last.
    """
    count = len(below)
    far = 2 * count
    best = {0: np.zeros((2, len(colors)), dtype=int)}
    own = [colors[:, call] == 0 for call in range(count)]
    for done in range(1, 1 << count):
        if any(done >> i & 1 and below[i] & ~done for i in range(count)):
            continue
        runs = np.full((2, len(colors)), far)
        for last in range(count):
            before = done & ~(1 << last)
            if not done >> last & 1 or before not in best:
                continue
            zero, one = best[before]
            first = 0 if before else 1
            runs[0] = np.where(own[last], np.minimum(runs[0], np.minimum(zero + first, one + 1)), runs[0])
            runs[1] = np.where(own[last], runs[1], np.minimum(runs[1], np.minimum(one + first, zero + 1)))
        best[done] = runs
    return best[(1 << count) - 1].min(0)


def tried(below, color):
    """The same for one coloring, by running the calls in every order."""
    count = len(below)
    return min(
        1 + sum(color[a] != color[b] for a, b in itertools.pairwise(order))
        for order in itertools.permutations(range(count))
        if all(below[call] & ~sum(1 << i for i in order[:index]) == 0 for index, call in enumerate(order))
    )
