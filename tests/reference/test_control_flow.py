"""Loops and conditionals against the same in Python."""

from __future__ import annotations

import pytest
import torch
from generated import composite
from generated.base import constant, scalar, values
from nets import close, evaluate
from torch2trt._trt import trt
from torch2trt.reference.errors import InterpreterError


@pytest.mark.parametrize("axis", [0, 1, 2])
def test_outputs_of_a_loop(axis):
    x = values("x", (2, 3))
    last, forward = evaluate(composite.power_of_two(("CONCATENATE", axis)), x)
    _, backward = evaluate(composite.power_of_two(("REVERSE", axis)), x)
    steps = [x * 2**i for i in range(1, 6)]
    close(last, x * 32)
    close(forward, torch.stack(steps, axis))
    close(backward, torch.stack(steps[::-1], axis))


@pytest.mark.parametrize("reverse", [False, True])
def test_an_iterator_takes_slices_in_either_order(reverse):
    x = values("x", (3, 4))
    every, last = evaluate(composite.scan(reverse), x)
    rows = x.T.flip(0) if reverse else x.T
    close(every, rows.cumsum(0))
    close(last, x.sum(1))


@pytest.mark.parametrize(("start", "end"), [(3.0, 192.0), (99.0, 198.0), (100.0, 100.0)])
def test_while_asks_before_each_iteration(start, end):
    assert evaluate(composite.while_below, torch.tensor(start)).item() == end


@pytest.mark.parametrize("trips", [0, 2, 9])
def test_count_and_while_together_stop_at_the_first(trips):
    def body(network, x):
        loop = network.add_loop()
        loop.add_trip_limit(scalar(network, trips, torch.int32), trt.TripLimit.COUNT)
        carried = loop.add_recurrence(x)
        value = carried.get_output(0)
        limit = constant(network, torch.tensor(4.5))
        loop.add_trip_limit(
            network.add_elementwise(value, limit, trt.ElementWiseOperation.LESS).get_output(0), trt.TripLimit.WHILE
        )
        one = constant(network, torch.tensor(1.0))
        carried.set_input(1, network.add_elementwise(value, one, trt.ElementWiseOperation.SUM).get_output(0))
        return loop.add_loop_output(value, trt.LoopOutput.LAST_VALUE, 0)

    assert evaluate(body, torch.tensor(0.0)).item() == min(trips, 5)


def test_a_loop_that_does_not_run_concatenates_nothing():
    def body(network, x):
        loop = network.add_loop()
        trips = scalar(network, 0, torch.int32)
        loop.add_trip_limit(trips, trt.TripLimit.COUNT)
        carried = loop.add_recurrence(x)
        carried.set_input(1, network.add_unary(carried.get_output(0), trt.UnaryOperation.NEG).get_output(0))
        output = loop.add_loop_output(carried.get_output(0), trt.LoopOutput.CONCATENATE, 0)
        output.set_input(1, trips)
        return output

    assert tuple(evaluate(body, torch.zeros(2, 3)).shape) == (0, 2, 3)


def test_fibonacci_carries_two_values():
    def body(network, a, b):
        loop = network.add_loop()
        loop.add_trip_limit(scalar(network, 10, torch.int32), trt.TripLimit.COUNT)
        first, second = loop.add_recurrence(a), loop.add_recurrence(b)
        total = network.add_elementwise(first.get_output(0), second.get_output(0), trt.ElementWiseOperation.SUM)
        first.set_input(1, second.get_output(0))
        second.set_input(1, total.get_output(0))
        return loop.add_loop_output(first.get_output(0), trt.LoopOutput.LAST_VALUE, 0)

    assert evaluate(body, torch.tensor(0), torch.tensor(1)).item() == 55


def test_nested_loops():
    x = values("x", (2, 3))
    want = x
    for _ in range(3):
        want = want * 8 + x
    close(evaluate(composite.nested, x), want)


def test_a_branch_in_a_loop():
    value = 3.0
    for _ in range(4):
        value = value / 2 if value > 4 else value + 3
    assert evaluate(composite.branch_in_loop, torch.tensor(3.0)).item() == value


def test_a_loop_in_a_branch():
    def body(network, condition, x):
        conditional = network.add_if_conditional()
        conditional.set_condition(condition)
        inside = conditional.add_input(x).get_output(0)
        loop = network.add_loop()
        loop.add_trip_limit(scalar(network, 3, torch.int32), trt.TripLimit.COUNT)
        carried = loop.add_recurrence(inside)
        value = carried.get_output(0)
        carried.set_input(1, network.add_elementwise(value, value, trt.ElementWiseOperation.SUM).get_output(0))
        looped = loop.add_loop_output(value, trt.LoopOutput.LAST_VALUE, 0).get_output(0)
        return conditional.add_output(looped, network.add_unary(inside, trt.UnaryOperation.NEG).get_output(0))

    x = values("x", (3,))
    close(evaluate(body, torch.tensor(True), x), x * 8)
    close(evaluate(body, torch.tensor(False), x), -x)


def test_a_value_of_a_branch_that_is_also_used_outside():
    def body(network, condition, x):
        conditional = network.add_if_conditional()
        conditional.set_condition(condition)
        inside = conditional.add_input(x).get_output(0)
        offset = constant(network, torch.tensor([1.0]))
        plus = network.add_elementwise(inside, offset, trt.ElementWiseOperation.SUM).get_output(0)
        chosen = conditional.add_output(plus, network.add_unary(inside, trt.UnaryOperation.NEG).get_output(0))
        return network.add_elementwise(chosen.get_output(0), offset, trt.ElementWiseOperation.PROD)

    x = values("x", (3,))
    close(evaluate(body, torch.tensor(True), x), x + 1)


def test_conditionals_in_a_row():
    def body(network, first, second, x):
        for condition in (first, second):
            conditional = network.add_if_conditional()
            conditional.set_condition(condition)
            inside = conditional.add_input(x).get_output(0)
            same = network.add_identity(inside).get_output(0)
            x = conditional.add_output(
                network.add_unary(inside, trt.UnaryOperation.EXP).get_output(0), same
            ).get_output(0)
        return x

    x = values("x", (3,))
    close(evaluate(body, torch.tensor(True), torch.tensor(True), x), x.exp().exp())
    close(evaluate(body, torch.tensor(False), torch.tensor(True), x), x.exp())
    close(evaluate(body, torch.tensor(False), torch.tensor(False), x), x)


def checked_branches(below, *, on_input):
    """x + x where the condition holds, else -x; an assertion on the first, or on the conditional's input."""

    def body(network, condition, x):
        conditional = network.add_if_conditional()
        conditional.set_condition(condition)
        inside = conditional.add_input(x).get_output(0)
        doubled = network.add_elementwise(inside, inside, trt.ElementWiseOperation.SUM).get_output(0)
        negative = network.add_unary(inside, trt.UnaryOperation.NEG).get_output(0)
        limit = constant(network, torch.tensor([below]))
        held = network.add_elementwise(inside if on_input else doubled, limit, trt.ElementWiseOperation.LESS)
        network.add_assertion(held.get_output(0), f"below {below}")
        return conditional.add_output(doubled, negative)

    return body


def test_an_assertion_in_a_branch_holds_only_where_that_branch_is_taken():
    x = torch.tensor([3.0, 4.0])
    body = checked_branches(7.0, on_input=False)
    close(evaluate(body, torch.tensor(False), x), -x)
    close(evaluate(body, torch.tensor(True), x / 2), x)
    with pytest.raises(InterpreterError, match="below 7"):
        evaluate(body, torch.tensor(True), x)


def test_an_assertion_on_the_input_of_a_conditional_holds_whichever_branch_is_taken():
    x = torch.tensor([3.0, 4.0])
    for taken in (True, False):
        evaluate(checked_branches(5.0, on_input=True), torch.tensor(taken), x)
        with pytest.raises(InterpreterError, match="below 3"):
            evaluate(checked_branches(3.0, on_input=True), torch.tensor(taken), x)


def test_an_assertion_in_a_loop_in_a_branch_not_taken():
    def body(network, condition, x):
        conditional = network.add_if_conditional()
        conditional.set_condition(condition)
        inside = conditional.add_input(x).get_output(0)
        loop = network.add_loop()
        loop.add_trip_limit(scalar(network, 3, torch.int32), trt.TripLimit.COUNT)
        carried = loop.add_recurrence(inside)
        value = carried.get_output(0)
        following = network.add_elementwise(value, value, trt.ElementWiseOperation.SUM).get_output(0)
        carried.set_input(1, following)
        limit = constant(network, torch.tensor([20.0]))
        held = network.add_elementwise(following, limit, trt.ElementWiseOperation.LESS).get_output(0)
        network.add_assertion(held, "below 20")
        looped = loop.add_loop_output(value, trt.LoopOutput.LAST_VALUE, 0).get_output(0)
        return conditional.add_output(looped, network.add_unary(inside, trt.UnaryOperation.NEG).get_output(0))

    x = torch.tensor([3.0])
    close(evaluate(body, torch.tensor(False), x), -x)
    close(evaluate(body, torch.tensor(True), x / 2), x * 4)
    with pytest.raises(InterpreterError, match="below 20"):
        evaluate(body, torch.tensor(True), x)


def test_a_layer_of_a_branch_that_nothing_needs_is_not_evaluated():
    def body(network, condition, x):
        conditional = network.add_if_conditional()
        conditional.set_condition(condition)
        inside = conditional.add_input(x).get_output(0)
        network.add_unary(inside, trt.UnaryOperation.EXP)
        return conditional.add_output(
            network.add_identity(inside).get_output(0), network.add_unary(inside, trt.UnaryOperation.NEG).get_output(0)
        )

    x = values("x", (3,))
    close(evaluate(body, torch.tensor(True), x), x)
    close(evaluate(body, torch.tensor(False), x), -x)
