"""The fewest segments, held against every order in which calls can run."""

import itertools

import numpy as np
import pytest
from torch2trt.plan.partition import crossings, earliest, partition, users_of

from .posets import KINDS, canonical, colorings, fewest, kinds, labeled, needs_of, tried


def check(below, colors, needs):
    users = users_of(needs)
    for row, wanted in zip(colors.tolist(), fewest(below, colors).tolist(), strict=True):
        segments = partition(row, needs)
        assert max(segments) + 1 == len(set(segments)) == wanted, (row, needs, segments)
        for call, needed in enumerate(needs):
            assert all(segments[one] <= segments[call] for one in needed)
        assert len(set(zip(segments, row, strict=True))) == wanted
        plain = min((earliest(row, needs, first) for first in (0, 1)), key=max)
        assert crossings(segments, users) <= crossings(plain, users)


@pytest.mark.parametrize("count", [1, 2, 3, 4, 5, 6])
def test_every_graph_of_up_to_six_calls_in_every_coloring(count):
    assert len(kinds(count)) == KINDS[count - 1]
    for below in kinds(count):
        check(below, colorings(below), needs_of(below))


@pytest.mark.slow
def test_every_graph_of_seven_calls_in_every_coloring():
    """The whole of ``partition`` for each hundredth; ``benchmarks/partitions.py`` has that of all, also of eight calls."""
    assert len(kinds(7)) == KINDS[6]
    for index, below in enumerate(kinds(7)):
        colors, needs = colorings(below), needs_of(below)
        for row, wanted in zip(colors.tolist(), fewest(below, colors).tolist(), strict=True):
            assert min(max(earliest(row, needs, first)) for first in (0, 1)) + 1 == wanted, (row, needs)
        rest = slice(index % 100, None, 100)
        check(below, colors[rest], needs)


@pytest.mark.parametrize("count", [1, 2, 3, 4, 5])
def test_one_of_each_kind_stands_for_all(count):
    """Graphs of one kind have the same fewest numbers, however their calls are listed and their needs written down."""
    colors = np.array(list(itertools.product((0, 1), repeat=count)))
    known = {}
    for below in labeled(count):
        code, automorphisms = canonical(below)
        numbers = sorted(fewest(below, colors).tolist())
        assert known.setdefault(code, (len(automorphisms), numbers)) == (len(automorphisms), numbers)
        # without what follows from other needs
        direct = [[i for i in needed if not any(below[j] >> i & 1 for j in needed)] for needed in needs_of(below)]
        check(below, colors, direct)
    assert len(known) == KINDS[count - 1]


@pytest.mark.parametrize("count", [1, 2, 3, 4, 5])
def test_the_fewest_are_those_of_all_orders(count):
    for below in kinds(count):
        colors = colorings(below)
        assert fewest(below, colors).tolist() == [tried(below, row) for row in colors.tolist()]


def test_colorings_are_all_up_to_automorphism():
    assert [len(colorings((0,) * count)) for count in range(1, 5)] == [2, 3, 4, 5]  # without needs, only how many count
    assert len(colorings((0, 1, 3, 7))) == 16  # one after the other
    assert len(colorings((0, 0, 3))) == 6


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
