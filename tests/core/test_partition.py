"""The fewest segments, held against every order in which calls can run."""

import itertools
import random

import numpy as np
import pytest
from torch2trt.plan.partition import crossings, earliest, partition, users_of


def orders(count):
    """Every transitive relation of ``count`` calls that only need earlier ones: every graph, as far as cuts see it."""
    if count == 0:
        yield ()
        return
    for earlier in orders(count - 1):
        for below in range(1 << (count - 1)):
            if all(earlier[i] & ~below == 0 for i in range(count - 1) if below >> i & 1):
                yield (*earlier, below)


def fewest(below, colors):
    """The least number of runs of one color in any order of the calls, for each row of ``colors``.

    Every order is looked at: what is left of it after its last call is an order of the rest.
    """
    count = len(below)
    far = 2 * count
    best = {0: np.zeros((2, len(colors)), dtype=int)}
    for done in range(1, 1 << count):
        if any(done >> i & 1 and below[i] & ~done for i in range(count)):
            continue
        runs = np.full((2, len(colors)), far)
        for last in range(count):
            before = done & ~(1 << last)
            if not done >> last & 1 or before not in best:
                continue
            own = colors[:, last]
            same, other = (np.where(own == 0, *(best[before][[a, b]])) for a, b in ((0, 1), (1, 0)))
            last_runs = np.minimum(same, other + 1) if before else np.ones(len(colors), dtype=int)
            for color in (0, 1):
                runs[color] = np.where(own == color, np.minimum(runs[color], last_runs), runs[color])
        best[done] = runs
    return best[(1 << count) - 1].min(0)


def needs_of(below):
    return [[i for i in range(len(below)) if one >> i & 1] for one in below]


def check(below, colors):
    needs = needs_of(below)
    users = users_of(needs)
    for row, wanted in zip(colors.tolist(), fewest(below, colors), strict=True):
        segments = partition(row, needs)
        assert max(segments) + 1 == len(set(segments)) == wanted, (row, needs, segments)
        for call, needed in enumerate(needs):
            assert all(segments[one] <= segments[call] for one in needed)
        assert len(set(zip(segments, row, strict=True))) == wanted
        plain = min((earliest(row, needs, first) for first in (0, 1)), key=max)
        assert crossings(segments, users) <= crossings(plain, users)


@pytest.mark.parametrize("count", [1, 2, 3, 4, 5])
def test_every_graph_of_up_to_five_calls_in_every_coloring(count):
    colors = np.array(list(itertools.product((0, 1), repeat=count)))
    for below in orders(count):
        check(below, colors)


@pytest.mark.parametrize("count", [6, 7, 8])
def test_graphs_of_up_to_eight_calls(count):
    drawn = random.Random(count)
    for _ in range(60):
        below = []
        for call in range(count):
            needed = [i for i in range(call) if drawn.random() < 0.3]
            below.append(sum(1 << i for i in needed))
            for i in needed:
                below[call] |= below[i]
        check(tuple(below), np.array([[drawn.randrange(2) for _ in range(count)] for _ in range(16)]))


def test_calls_of_no_color_cost_no_segment():
    # engine, anything, PyTorch, anything, PyTorch: where anything runs decides nothing
    assert partition([0, None, 1, None, 1], [[], [0], [1], [2], [3]]) in ([0, 0, 1, 1, 1], [0, 1, 1, 1, 1])
    assert partition([None, None], [[], [0]]) == [0, 0]
    assert partition([], []) == []


def test_fewer_values_cross_where_a_call_may_wait():
    # what only the last call needs is computed beside it
    assert partition([0, 0, 0, 0, 1, 0], [[], [], [0, 1], [], [3], [2, 4]]) == [2, 2, 2, 0, 1, 2]
    # of three results one is made, which crosses alone
    needs = [[], [0], [0], [0], [1, 2, 3], [0], [5], [6, 4]]
    segments = partition([0, 0, 0, 0, 0, 0, 1, 1], needs)
    assert segments == [0, 0, 0, 0, 0, 0, 1, 1]
    assert crossings(segments, users_of(needs)) == 2
