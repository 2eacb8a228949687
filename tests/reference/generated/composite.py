"""Loops, conditionals and small networks of several layers."""

from __future__ import annotations

from typing import Any

import torch
from torch2trt._trt import trt

from .base import BOOL, F16, F32, I32, SHORT, Case, Suite, constant, scalar, values

_SUM = "SUM"


def _pair(n: Any, op: str, a: Any, b: Any) -> Any:
    return n.add_elementwise(a, b, getattr(trt.ElementWiseOperation, op)).get_output(0)


def _count(n: Any, loop: Any, trips: int) -> Any:
    limit = scalar(n, trips, I32)
    loop.add_trip_limit(limit, trt.TripLimit.COUNT)
    return limit


def power_of_two(*collected: tuple[str, int]) -> Any:
    """Doubles x five times; gives the last value, and all of them in an order and along an axis."""

    def build(n: Any, x: Any) -> Any:
        loop = n.add_loop()
        trips = _count(n, loop, 5)
        carried = loop.add_recurrence(x)
        following = _pair(n, _SUM, carried.get_output(0), carried.get_output(0))
        carried.set_input(1, following)
        outputs = [loop.add_loop_output(carried.get_output(0), trt.LoopOutput.LAST_VALUE, 0)]
        for kind, axis in collected:
            output = loop.add_loop_output(following, getattr(trt.LoopOutput, kind), axis)
            output.set_input(1, trips)
            outputs.append(output)
        return outputs

    return build


def scan(reverse: bool) -> Any:
    """The running sum over axis 1."""

    def build(n: Any, x: Any) -> Any:
        loop = n.add_loop()
        trips = _count(n, loop, 4)
        row = loop.add_iterator(x, 1, reverse).get_output(0)
        total = loop.add_recurrence(constant(n, torch.zeros(3)))
        following = _pair(n, _SUM, total.get_output(0), row)
        total.set_input(1, following)
        output = loop.add_loop_output(following, trt.LoopOutput.CONCATENATE, 0)
        output.set_input(1, trips)
        return [output, loop.add_loop_output(total.get_output(0), trt.LoopOutput.LAST_VALUE, 0)]

    return build


def while_below(n: Any, x: Any) -> Any:
    """Doubles a number until it is at least 100."""
    loop = n.add_loop()
    carried = loop.add_recurrence(x)
    value = carried.get_output(0)
    below = _pair(n, "LESS", value, constant(n, torch.tensor(100.0)))
    loop.add_trip_limit(below, trt.TripLimit.WHILE)
    carried.set_input(1, _pair(n, _SUM, value, value))
    return loop.add_loop_output(value, trt.LoopOutput.LAST_VALUE, 0)


def nested(n: Any, x: Any) -> Any:
    """Three times: double three times and add x."""
    outer = n.add_loop()
    _count(n, outer, 3)
    carried = outer.add_recurrence(x)
    inner = n.add_loop()
    _count(n, inner, 3)
    doubled = inner.add_recurrence(carried.get_output(0))
    doubled.set_input(1, _pair(n, _SUM, doubled.get_output(0), doubled.get_output(0)))
    last = inner.add_loop_output(doubled.get_output(0), trt.LoopOutput.LAST_VALUE, 0).get_output(0)
    carried.set_input(1, _pair(n, _SUM, last, x))
    return outer.add_loop_output(carried.get_output(0), trt.LoopOutput.LAST_VALUE, 0)


def _either(n: Any, condition: Any, x: Any) -> Any:
    """x + x, or the exponential of x."""
    conditional = n.add_if_conditional()
    conditional.set_condition(condition)
    inside = conditional.add_input(x).get_output(0)
    exponential = n.add_unary(inside, trt.UnaryOperation.EXP).get_output(0)
    return conditional.add_output(_pair(n, _SUM, inside, inside), exponential)


def branch_in_loop(n: Any, x: Any) -> Any:
    """Four times: halve what is above 4, else add 3."""
    loop = n.add_loop()
    _count(n, loop, 4)
    carried = loop.add_recurrence(x)
    value = carried.get_output(0)
    conditional = n.add_if_conditional()
    conditional.set_condition(_pair(n, "GREATER", value, constant(n, torch.tensor(4.0))))
    inside = conditional.add_input(value).get_output(0)
    halved = _pair(n, "PROD", inside, constant(n, torch.tensor(0.5)))
    added = _pair(n, _SUM, inside, constant(n, torch.tensor(3.0)))
    carried.set_input(1, conditional.add_output(halved, added).get_output(0))
    return loop.add_loop_output(value, trt.LoopOutput.LAST_VALUE, 0)


def _residual(n: Any, x: Any) -> Any:
    kernel, bias = values("k", (4, 4, 3, 3)), values("b", (4,))
    layer = n.add_convolution_nd(x, 4, (3, 3), kernel.numpy(), bias.numpy())
    layer.padding_nd = (1, 1)
    active = n.add_activation(layer.get_output(0), trt.ActivationType.RELU).get_output(0)
    return n.add_reduce(_pair(n, _SUM, active, x), trt.ReduceOperation.AVG, 0b1100, False)


def _attend(n: Any, x: Any) -> Any:
    none, transpose = trt.MatrixOperation.NONE, trt.MatrixOperation.TRANSPOSE
    scores = n.add_matrix_multiply(x, none, x, transpose).get_output(0)
    layer = n.add_softmax(scores)
    layer.axes = 0b100
    return n.add_matrix_multiply(layer.get_output(0), none, x, none)


def _flatten(n: Any, x: Any) -> Any:
    rows = n.add_slice(n.add_shape(x).get_output(0), (0,), (1,), (1,)).get_output(0)
    rest = constant(n, torch.tensor([-1]))
    layer = n.add_shuffle(x)
    layer.set_input(1, n.add_concatenation([rows, rest]).get_output(0))
    return n.add_unary(layer.get_output(0), trt.UnaryOperation.EXP)


def cases() -> list[Case]:
    """Loops by count and by condition, nested loops, iterators, branches, and blocks of models."""
    suite = Suite()
    x = values("x", (2, 3))
    suite.add("LOOP", "double", power_of_two(), [x])
    for kind in ("CONCATENATE", "REVERSE"):
        for axis in (0, 1, 2):
            suite.add("LOOP", f"{kind}-{axis}", power_of_two((kind, axis)), [x])
    suite.add("LOOP", "two-orders", power_of_two(("CONCATENATE", 0), ("REVERSE", 0)), [x])
    suite.add("LOOP", "scan", scan(False), [values("s", (3, 4))])
    suite.add("LOOP", "scan-reverse", scan(True), [values("s", (3, 4))])
    suite.add("LOOP", "while", while_below, [torch.tensor(3.0)])
    suite.add("LOOP", "while-never", while_below, [torch.tensor(300.0)])
    suite.add("LOOP", "nested", nested, [x])
    suite.add("LOOP", "branch", branch_in_loop, [torch.tensor(3.0)])
    suite.add("LOOP", "dynamic", power_of_two(("CONCATENATE", 0)), [values("x", (4, 3))], {0: (0,)})
    for taken in (True, False):
        suite.add("CONDITION", f"{taken}", _either, [torch.tensor(taken), x])
        suite.add("CONDITION", f"{taken}-dynamic", _either, [torch.tensor(taken), values("x", (4, 3))], {1: (0,)})
    suite.add("NETWORK", "residual", _residual, [values("x", (2, 4, 6, 6))])
    suite.add("NETWORK", "residual-dynamic", _residual, [values("x", (2, 4, 6, 6))], {0: (0, 2, 3)})
    for dtype in (F32, F16):
        suite.add("NETWORK", f"attend-{SHORT[dtype]}", _attend, [values("x", (2, 5, 8), dtype)])
    suite.add("NETWORK", "flatten", _flatten, [values("x", (4, 3, 2))], {0: (0, 2)})
    mask = [values("c", (3, 4), BOOL), values("x", (3, 4))]
    suite.add("NETWORK", "masked-sum", _masked_sum, mask, {0: (1,), 1: (1,)})
    return suite.cases


def _masked_sum(n: Any, keep: Any, x: Any) -> Any:
    nothing = n.add_constant((1, 1), torch.zeros(1, 1).numpy()).get_output(0)
    kept = n.add_select(keep, x, nothing).get_output(0)
    return n.add_reduce(kept, trt.ReduceOperation.SUM, 0b10, False)
