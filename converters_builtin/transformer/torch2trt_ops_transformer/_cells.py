"""One step of a recurrent layer: from what the input contributes and the last state to the next state."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from torch2trt import Context, trt
from torch2trt.lib import activation, elementwise, matmul, narrow

A, E = trt.ActivationType, trt.ElementWiseOperation
State = list[trt.ITensor]


@dataclass(frozen=True)
class Weights:
    """The parameters of one direction of one layer."""

    input: Any
    hidden: Any
    input_bias: Any = None
    hidden_bias: Any = None
    #: of an LSTM with ``proj_size``
    projection: Any = None


#: the state after one step: ``(ctx, gates of the input, weights, state)``; the first of it is what the layer returns
Cell = Callable[[Context, trt.ITensor, Weights, State], State]


def affine(ctx: Context, input: Any, weight: Any, bias: Any) -> trt.ITensor:
    """``input @ weight.mT + bias``."""
    product = matmul(ctx, input, weight, transpose_other=True)
    return product if bias is None else elementwise(ctx, E.SUM, product, bias)


def _gates(ctx: Context, values: trt.ITensor, count: int) -> list[trt.ITensor]:
    width = values.shape[-1] // count
    return [narrow(ctx, values, -1, index * width, width) for index in range(count)]


def _apply(ctx: Context, kind: trt.ActivationType, *terms: trt.ITensor) -> trt.ITensor:
    total = terms[0]
    for term in terms[1:]:
        total = elementwise(ctx, E.SUM, total, term)
    return activation(ctx, kind, total)


def plain(kind: trt.ActivationType) -> Cell:
    """The cell of ``nn.RNN`` with this activation."""

    def step(ctx: Context, gates: trt.ITensor, weights: Weights, state: State) -> State:
        return [_apply(ctx, kind, gates, affine(ctx, state[0], weights.hidden, weights.hidden_bias))]

    return step


def lstm(ctx: Context, gates: trt.ITensor, weights: Weights, state: State) -> State:
    """The cell of ``nn.LSTM``: the gates are input, forget, cell and output."""
    hidden, cell = state
    total = elementwise(ctx, E.SUM, gates, affine(ctx, hidden, weights.hidden, weights.hidden_bias))
    parts = _gates(ctx, total, 4)
    enter, forget, out = (activation(ctx, A.SIGMOID, parts[index]) for index in (0, 1, 3))
    kept = elementwise(ctx, E.PROD, forget, cell)
    cell = elementwise(ctx, E.SUM, kept, elementwise(ctx, E.PROD, enter, activation(ctx, A.TANH, parts[2])))
    hidden = elementwise(ctx, E.PROD, out, activation(ctx, A.TANH, cell))
    if weights.projection is not None:
        hidden = affine(ctx, hidden, weights.projection, None)
    return [hidden, cell]


def gru(ctx: Context, gates: trt.ITensor, weights: Weights, state: State) -> State:
    """The cell of ``nn.GRU``: the gates are reset, update and new."""
    hidden = state[0]
    reset_in, update_in, new_in = _gates(ctx, gates, 3)
    reset_of, update_of, new_of = _gates(ctx, affine(ctx, hidden, weights.hidden, weights.hidden_bias), 3)
    reset = _apply(ctx, A.SIGMOID, reset_in, reset_of)
    update = _apply(ctx, A.SIGMOID, update_in, update_of)
    new = _apply(ctx, A.TANH, new_in, elementwise(ctx, E.PROD, reset, new_of))
    change = elementwise(ctx, E.SUB, hidden, new)
    return [elementwise(ctx, E.SUM, new, elementwise(ctx, E.PROD, update, change))]


def grouped(params: Sequence[Any], has_biases: bool, layers: int, projected: bool) -> list[Weights]:
    """PyTorch's flat list of parameters, one entry for each layer and direction."""
    each = len(params) // layers
    found = []
    for start in range(0, len(params), each):
        own = list(params[start : start + each])
        projection = own.pop() if projected else None
        input_bias, hidden_bias = own[2:] if has_biases else (None, None)
        found.append(Weights(own[0], own[1], input_bias, hidden_bias, projection))
    return found
