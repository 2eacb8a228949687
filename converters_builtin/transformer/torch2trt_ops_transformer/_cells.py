"""One step of a recurrent layer: from what the input contributes and the last state to the next state."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final, TypeAlias

from torch2trt import Context, lib, trt
from torch2trt.lib import Tensor

State: TypeAlias = "list[trt.ITensor]"


@dataclass(frozen=True)
class Parameters:
    """The parameters of one direction of one layer, named as PyTorch names them."""

    weight_ih: Tensor
    weight_hh: Tensor
    bias_ih: Tensor | None = None
    bias_hh: Tensor | None = None
    #: of an LSTM with ``proj_size``
    weight_hr: Tensor | None = None


#: ``(ctx, the input's part of the gates, parameters, state)`` gives the next state, whose first tensor is the output
Cell: TypeAlias = Callable[[Context, trt.ITensor, Parameters, State], State]


def linear(ctx: Context, input: Tensor, weight: Tensor, bias: Tensor | None = None) -> trt.ITensor:
    """``input @ weight.mT + bias``."""
    product = lib.matmul(ctx, input, weight, transpose_other=True)
    return product if bias is None else lib.add(ctx, product, bias)


def rnn(nonlinearity: Callable[[Context, trt.ITensor], trt.ITensor]) -> Cell:
    """The cell of ``nn.RNN``."""

    def cell(ctx: Context, gates: trt.ITensor, parameters: Parameters, state: State) -> State:
        hidden_gates = linear(ctx, state[0], parameters.weight_hh, parameters.bias_hh)
        return [nonlinearity(ctx, lib.add(ctx, gates, hidden_gates))]

    return cell


def lstm(ctx: Context, gates: trt.ITensor, parameters: Parameters, state: State) -> State:
    """The cell of ``nn.LSTM``."""
    hidden, cell = state
    gates = lib.add(ctx, gates, linear(ctx, hidden, parameters.weight_hh, parameters.bias_hh))
    input_gate, forget_gate, candidate, output_gate = _chunk(ctx, gates, 4)
    kept = lib.mul(ctx, lib.sigmoid(ctx, forget_gate), cell)
    added = lib.mul(ctx, lib.sigmoid(ctx, input_gate), lib.tanh(ctx, candidate))
    cell = lib.add(ctx, kept, added)
    hidden = lib.mul(ctx, lib.sigmoid(ctx, output_gate), lib.tanh(ctx, cell))
    if parameters.weight_hr is not None:
        hidden = linear(ctx, hidden, parameters.weight_hr)
    return [hidden, cell]


def gru(ctx: Context, gates: trt.ITensor, parameters: Parameters, state: State) -> State:
    """The cell of ``nn.GRU``."""
    hidden = state[0]
    input_reset, input_update, input_new = _chunk(ctx, gates, 3)
    hidden_gates = linear(ctx, hidden, parameters.weight_hh, parameters.bias_hh)
    hidden_reset, hidden_update, hidden_new = _chunk(ctx, hidden_gates, 3)
    reset = lib.sigmoid(ctx, lib.add(ctx, input_reset, hidden_reset))
    update = lib.sigmoid(ctx, lib.add(ctx, input_update, hidden_update))
    new = lib.tanh(ctx, lib.add(ctx, input_new, lib.mul(ctx, reset, hidden_new)))
    return [lib.add(ctx, new, lib.mul(ctx, update, lib.sub(ctx, hidden, new)))]


#: by the names of PyTorch's functions
CELLS: Final[Mapping[str, Cell]] = {"lstm": lstm, "gru": gru, "rnn_tanh": rnn(lib.tanh), "rnn_relu": rnn(lib.relu)}


def _chunk(ctx: Context, gates: trt.ITensor, count: int) -> list[trt.ITensor]:
    width = gates.shape[-1] // count
    return [lib.narrow(ctx, gates, -1, index * width, width) for index in range(count)]


def split_parameters(params: Sequence[Tensor], has_biases: bool, count: int) -> list[Parameters]:
    """PyTorch's flat list of parameters, divided among ``count`` directions of layers."""
    length = len(params) // count
    result = []
    for start in range(0, len(params), length):
        weight_ih, weight_hh, *others = params[start : start + length]
        weight_hr = others.pop() if length % 2 else None  # all others come in pairs
        bias_ih, bias_hh = others if has_biases else (None, None)
        result.append(Parameters(weight_ih, weight_hh, bias_ih, bias_hh, weight_hr))
    return result
