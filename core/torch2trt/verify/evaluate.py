"""Evaluating a captured program with PyTorch, one call at a time."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Mapping
from typing import Any, Final

import torch

from ..errors import VerificationError
from ..program.call import Call, Ref
from ..program.evaluate import Step, last_uses, results_of
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
        inputs: its inputs by name.
        device: where PyTorch computes; inputs and constants are brought there.
    """

    def __init__(self, program: Program, inputs: Mapping[str, Any], device: torch.device) -> None:
        self._program, self._device = program, device
        self._values: dict[Ref, Any] = {
            Ref("input", name): value.to(device) if isinstance(value, torch.Tensor) else value
            for name, value in inputs.items()
        }
        self._unused = last_uses(program.calls, program.outputs)

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
        try:
            with torch.no_grad():
                return Step(call, self._device)(self.__getitem__)
        except Exception as error:
            raise VerificationError(
                f"PyTorch itself cannot run {call.target.name} on {self._device}, in {call.where}: {error}"
            ) from error

    def keep(self, call: Call, results: list[Any]) -> None:
        """Let later calls find the results of one, and drop what was used for the last time."""
        self._values |= results_of(call, results)
        for ref in self._unused[call.name]:
            self._values.pop(ref, None)


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
