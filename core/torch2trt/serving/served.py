"""A converted module as servers call it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, Final

import torch

from ..errors import InputError
from ..program.arguments import arguments_of, random_tensor
from .tensors import interface_of, returned_tensors

if TYPE_CHECKING:
    from ..runtime.module import TRTModule

Tensors = Mapping[str, torch.Tensor]
#: how much of an answer may differ by the kernels of another batch; what other rows do to it is more
_ROUNDING: Final = 0.05
#: stands for infinity
_LARGE: Final = 1e30


class Served:
    """A converted module that takes tensors by name and returns tensors by name, for one request or several at once.

    Args:
        module: the converted module.
        device: where it runs; by default the current GPU, where there is one.
        rows: the most rows of several requests that are one call; 0 where each is a call of its own.  By default as
            many as a call takes, where the first size of all tensors is a number of rows.

    Raises:
        InputError: the module cannot be served, or not so: it keeps buffers from call to call, has complex numbers, or
            is to take rows of several requests and has none, or computes with all of them, as a mean over the batch
            does.
    """

    def __init__(self, module: TRTModule, device: torch.device | str | None = None, rows: int | None = None) -> None:
        if module.signature is None:
            raise InputError("this TRTModule is empty; there is nothing to serve")
        self.module = module
        self.interface = interface_of(module.signature)
        self.rows = self.interface.most_rows(rows)
        self._signature = module.signature
        self._device = torch.device(device or ("cuda" if torch.cuda.is_available() else "cpu"))
        #: numbers that decide sizes are read by the host
        self._places = {
            spec.name: torch.device("cpu") if spec.values else self._device for spec in module.signature.inputs
        }
        if self.rows > 1:
            self._check_rows()

    def __call__(self, tensors: Tensors) -> dict[str, torch.Tensor]:
        """The answer to one request.

        Raises:
            InputError: an input is missing, unknown, or does not fit.
        """
        if tensors.keys() != self._places.keys():
            raise InputError(f"the inputs are {', '.join(self._places)}; got {', '.join(tensors) or 'none'}")
        given = {name: tensors[name].to(place) for name, place in self._places.items()}
        args, kwargs = arguments_of(self._signature, given)
        with torch.no_grad():
            answer = returned_tensors(self._signature, self.module(*args, **kwargs))
        return {name: torch.as_tensor(value) for name, value in answer.items()}

    def together(self, requests: Sequence[Tensors]) -> list[dict[str, torch.Tensor] | Exception]:
        """The answer to each of several requests, or the error that it alone has.

        Requests whose rows are alike are one call, as far as it takes their rows; all others are calls of their own.
        """
        answers: dict[int, dict[str, torch.Tensor] | Exception] = {}
        for places in self._groups(requests):
            answers |= zip(places, self._answers([requests[place] for place in places]), strict=True)
        return [answers[place] for place in range(len(requests))]

    def from_json(self, requests: Sequence[Any]) -> list[tuple[int, dict[str, Any]]]:
        """The answer to each of several requests, all as JSON has them, with its status of HTTP.

        400 is for a request that does not fit and 500 for one that fails; the answer then has the ``error``.
        """
        given = [self._read(values) for values in requests]
        answers = iter(self.together([tensors for tensors in given if not isinstance(tensors, Exception)]))
        return [_as_json(one if isinstance(one, Exception) else next(answers)) for one in given]

    def _read(self, values: Any) -> Tensors | InputError:
        try:
            return self.interface.read(values)
        except InputError as error:
            return error

    def _check_rows(self) -> None:
        """Hold a row's answer beside another row, beside a third one, and alone; it must be the same."""
        own, other, third = (self._random_row(seed) for seed in range(3))
        first, *others = self._joined([own, other])[0], self._joined([own, third])[0], self(own)
        for name, values in first.items():
            if any(_differ(values, answer[name]) for answer in others):
                raise InputError(
                    f"the rows of output {name!r} depend on the other rows of a call, which would be those of other "
                    "clients; serve the module with rows=0 (--max-batch-size 0), each request by itself"
                )

    def _groups(self, requests: Sequence[Tensors]) -> list[list[int]]:
        """The places of requests that make one call."""
        filled: list[list[int]] = []
        open_: dict[Any, tuple[list[int], int]] = {}  # the last group of each kind, and its rows
        for place, request in enumerate(requests):
            kind = self._kind(request)
            if kind is None:
                filled.append([place])
                continue
            group, taken = open_.get(kind, (None, 0))
            if group is None or taken + _rows(request) > self.rows:
                filled.append(group := [])
                taken = 0
            group.append(place)
            open_[kind] = (group, taken + _rows(request))
        return filled

    def _kind(self, request: Tensors) -> Any:
        """What requests of one call have in common; None for one that is a call of its own."""
        if not self.rows or not all(isinstance(tensor, torch.Tensor) for tensor in request.values()):
            return None
        if len({tensor.shape[:1] for tensor in request.values()}) != 1 or not next(iter(request.values())).dim():
            return None
        return tuple(sorted((name, tensor.dtype, tensor.shape[1:]) for name, tensor in request.items()))

    def _answers(self, requests: Sequence[Tensors]) -> Sequence[dict[str, torch.Tensor] | Exception]:
        if len(requests) > 1:
            try:
                return self._joined(requests)
            except Exception:  # whose it is, each says by itself
                pass
        return [self._alone(request) for request in requests]

    def _alone(self, request: Tensors) -> dict[str, torch.Tensor] | Exception:
        try:
            return self(request)
        except Exception as error:
            return error

    def _joined(self, requests: Sequence[Tensors]) -> list[dict[str, torch.Tensor]]:
        answer = self({name: torch.cat([request[name] for request in requests]) for name in requests[0]})
        parts = {name: tensor.split([*map(_rows, requests)]) for name, tensor in answer.items()}
        return [{name: parts[name][place] for name in parts} for place in range(len(requests))]

    def _random_row(self, seed: int) -> dict[str, torch.Tensor]:
        generator = torch.Generator().manual_seed(seed)
        rows = {}
        for spec in self._signature.inputs:
            usual = [size for _, size, _ in spec.ranges]
            row = random_tensor(spec, [1, *usual[1:]], generator)
            # places 0 and 1 are in any table
            rows[spec.name] = row if row.is_floating_point() else row + torch.tensor(seed % 2, dtype=row.dtype)
        return rows


def _as_json(answer: Tensors | Exception) -> tuple[int, dict[str, Any]]:
    if isinstance(answer, Exception):
        return 400 if isinstance(answer, InputError) else 500, {"error": f"{type(answer).__name__}: {answer}"}
    if odd := [name for name, tensor in answer.items() if not tensor.isfinite().all()]:
        return 500, {"error": f"output {odd[0]!r} has NaN or infinity, which JSON has not"}
    return 200, {name: tensor.tolist() for name, tensor in answer.items()}


def _rows(request: Tensors) -> int:
    return next(iter(request.values())).shape[0]


def _differ(one: torch.Tensor, other: torch.Tensor) -> bool:
    """By more than rounding does."""
    if one.shape != other.shape:
        return True
    one, other = (values.double().nan_to_num(0.0, _LARGE, -_LARGE) for values in (one, other))
    return bool((one - other).norm() > _ROUNDING * one.norm())
