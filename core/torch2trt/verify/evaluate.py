"""Evaluating a captured program with PyTorch, one call at a time."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Mapping
from typing import Any, Final

import torch
from torch.utils import _pytree as pytree

from ..errors import VerificationError
from ..program.call import Call, Ref
from ..program.program import Program, draws

#: what begins like this leaves memory as it is
_NOT_SET: Final = ("aten::empty", "aten::new_empty")
_cudnn: Any = torch.backends.cudnn
#: what PyTorch may compute in TF32 on a GPU
_FLOAT32: Final[tuple[Any, ...]] = (_cudnn.conv, _cudnn.rnn, torch.backends.cuda.matmul)


@contextlib.contextmanager
def full_float32() -> Iterator[None]:
    """Let PyTorch compute float32 in float32: TF32 would be as far from an engine's as that is from the truth."""
    before = [backend.fp32_precision for backend in _FLOAT32]
    try:
        for backend in _FLOAT32:
            backend.fp32_precision = "ieee"
        yield
    finally:
        for backend, precision in zip(_FLOAT32, before, strict=True):
            backend.fp32_precision = precision


class Values:
    """What the values of a program are for some inputs; each is dropped after its last use.

    Args:
        program: the program.
        inputs: its inputs by name, tensors and, in a subprogram, sizes.
        device: where PyTorch computes; inputs and constants are brought there.
    """

    def __init__(self, program: Program, inputs: Mapping[str, Any], device: torch.device) -> None:
        self._program, self._device = program, device
        self._values: dict[Ref, Any] = {
            Ref("input", name): value.to(device) if isinstance(value, torch.Tensor) else value
            for name, value in inputs.items()
        }
        self._last_uses = _last_uses(program)

    def __getitem__(self, operand: Any) -> Any:
        """The value of an operand; what is no value of the program stands for itself."""
        if not isinstance(operand, Ref):
            return operand
        if operand.kind == "constant":
            return self._program.constants[operand.name].to(self._device)
        return self._values[operand]

    def run(self, call: Call) -> list[Any]:
        """The leaves of what PyTorch returns for a call with these values.

        Raises:
            VerificationError: PyTorch cannot run it, such as an operator of another device.
        """
        args, kwargs = pytree.tree_map_only(Program, self._callable, call.bind(self.__getitem__))
        if call.target.level != "operator":  # which may write into what it gets
            args, kwargs = pytree.tree_map_only(torch.Tensor, torch.Tensor.clone, (args, kwargs))
        try:
            with torch.no_grad():
                return call.run(args, kwargs)
        except Exception as error:
            raise VerificationError(
                f"PyTorch itself cannot run {call.target.name} on {self._device}, in {call.where}: {error}"
            ) from error

    def keep(self, call: Call, results: list[Any]) -> None:
        """Let later calls find the results of one, and drop what was used for the last time."""
        for index, result in enumerate(results):
            self._values[Ref("call", call.name, index)] = result
        if len(results) == 1:
            self._values[Ref("call", call.name)] = results[0]
        for ref in self._last_uses[call.name]:
            self._values.pop(ref, None)

    def _callable(self, body: Program) -> Any:
        def run(*inputs: Any) -> Any:
            outputs = evaluate(body, dict(zip(body.inputs, inputs, strict=True)), self._device)
            return outputs[0] if body.single else tuple(outputs)

        return run


def evaluate(program: Program, inputs: Mapping[str, Any], device: torch.device) -> list[Any]:
    """The outputs of a program."""
    values = Values(program, inputs, device)
    for call in program.calls:
        values.keep(call, values.run(call))
    return [values[output] for output in program.outputs]


def is_arbitrary(call: Call) -> bool:
    """Whether PyTorch leaves the values of a call's results open: random numbers, and memory that is not set."""
    overload = call.target.overload
    return draws(call) or (overload is not None and overload._schema.name.startswith(_NOT_SET))


def drawn_values(program: Program) -> frozenset[Ref]:
    """The outputs of a program that come of random numbers."""
    drawn: set[str] = set()
    for call in program.calls:
        if draws(call) or any(ref.kind == "call" and ref.name in drawn for ref in call.refs):
            drawn.add(call.name)
    return frozenset(
        one for one in program.outputs if isinstance(one, Ref) and one.kind == "call" and one.name in drawn
    )


def device_of(program: Program) -> torch.device:
    """Where a program was traced, which its calls that make tensors name."""
    tensors = [value for value in (*program.inputs.values(), *program.constants.values()) if hasattr(value, "device")]
    return tensors[0].device if tensors else torch.device("cpu")


def _last_uses(program: Program) -> dict[str, list[Ref]]:
    """For each call the values that nothing needs after it, its own results included."""
    last: dict[Ref, str] = {}
    for call in program.calls:
        own = [Ref("call", call.name), *(Ref("call", call.name, index) for index in range(len(call.results)))]
        last.update(dict.fromkeys([*own, *call.refs], call.name))
    for output in program.outputs:
        last.pop(output, None)
    uses: dict[str, list[Ref]] = {call.name: [] for call in program.calls}
    for ref, name in last.items():
        uses[name].append(ref)
    return uses
