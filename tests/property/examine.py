"""What is asked of a program: equal to eager, or a clear error of ours."""

from __future__ import annotations

import re
import traceback
import warnings
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import torch
from torch.utils import _pytree as pytree
from torch.utils._python_dispatch import TorchDispatchMode
from torch2trt import ConversionError, InputError, Torch2TRTError, UnsupportedError, convert

from .program import Program, assignments

_TOLERANCES = {torch.float32: (1e-4, 1e-5), torch.float16: (1e-2, 2e-3), torch.bfloat16: (4e-2, 2e-2)}
#: what engines of TensorRT for RTX multiply in TF32, which has ten bits after the point
_MULTIPLIES = ("mm", "bmm", "addmm", "baddbmm", "convolution", "_scaled_dot_product", "_efficient", "_flash")
_TF32_EPS = 2.0**-10
#: how many noisy runs of eager tell how sure its numbers are
_RUNS = 8


@dataclass(frozen=True)
class Outcome:
    """What became of a program.

    Args:
        kind: in a few words, the same for the same fault.
        fault: whether it is one.
        detail: values or traceback.
    """

    kind: str
    fault: bool = False
    detail: str = ""


class Noise(TorchDispatchMode):
    """Every floating result is off by two units of its dtype: what numbers are worth after several calls.

    A unit is of the number itself and of the largest number that it was computed from, as they may cancel out; of at
    most eight, since programs calculate with numbers of about one.

    Args:
        seed: of the noise.
        runtime: where the module runs that eager stands for.
    """

    def __init__(self, seed: int, runtime: str) -> None:
        super().__init__()
        self.generator = torch.Generator().manual_seed(seed)
        self.runtime = runtime

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        """Add the noise, where the result is memory of its own."""
        result = func(*args, **(kwargs or {}))
        if any(returned.alias_info is not None for returned in func._schema.returns):
            return result
        largest = min(max(map(_largest, pytree.tree_leaves((args, kwargs, result)))), 8)
        multiplies = func._schema.name.removeprefix("aten::").startswith(_MULTIPLIES)
        coarse = _TF32_EPS if multiplies and self.runtime == "engine" else 0.0
        return pytree.tree_map_only(torch.Tensor, lambda tensor: self._off(tensor, largest, coarse), result)

    def _off(self, tensor: torch.Tensor, largest: float, coarse: float) -> torch.Tensor:
        if not tensor.dtype.is_floating_point:
            return tensor
        by = torch.rand(tensor.shape, generator=self.generator).to(tensor.dtype) * 2 - 1
        return tensor + by * (tensor.abs() + largest) * 2 * max(torch.finfo(tensor.dtype).eps, coarse)


def _largest(value: Any) -> float:
    """The largest finite number of a floating tensor."""
    if not isinstance(value, torch.Tensor) or not value.dtype.is_floating_point:
        return 0.0
    return float(value.abs().nan_to_num(0, 0, 0).max()) if value.numel() else 0.0


def examine(program: Program, runtime: str = "reference") -> Outcome:
    """Convert a program and run it at all of its sizes.

    Args:
        program: eager can run it at its usual sizes.
        runtime: where it runs; engines are built for ``engine`` alone.
    """
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        model, arguments = program.build()
        try:
            converted = convert(model, **program.conversion(arguments), runtime=runtime, build=runtime == "engine")
        except Torch2TRTError as error:
            return Outcome(f"refused, {type(error).__name__}: {_said(error)}", _unclear(error), str(error))
        except Exception as error:  # anything else is the fault that is looked for
            return Outcome(f"raw error, {_where(error)}", True, traceback.format_exc())
        narrowed = None
        for sizes in assignments(program.sizes):
            outcome = _run(program, converted, model, arguments, sizes, runtime)
            if outcome is not None and outcome.fault:
                return outcome
            narrowed = narrowed or outcome
    return narrowed or Outcome("equal")


def _run(
    program: Program, converted: Any, model: Any, arguments: Callable[..., Any], sizes: dict[str, int], runtime: str
) -> Outcome | None:
    """What differs at one size; None where nothing does."""
    device = "cuda" if runtime == "engine" else "cpu"
    given, expected_given = _on(arguments(**sizes), device), arguments(**sizes)
    try:
        with torch.no_grad():
            expected = model(*expected_given)
    except Exception:  # nothing has to hold where the model itself cannot be run
        return None
    at = f"at {sizes}: " if sizes else ""
    try:
        actual = converted(*given)
    except InputError as error:
        static = not program.sizes
        return Outcome("refused at the call" if not static else "static call refused", static, f"{at}{error}")
    except Exception as error:
        return Outcome(f"error at the call, {_where(error)}", True, at + traceback.format_exc())
    got, wanted = _on((actual, given), "cpu"), (expected, expected_given)
    for kind, what in _differences(got, wanted):
        if kind != "values" or not _unsure(model, arguments, sizes, got, wanted, runtime):
            usual = sizes == assignments(program.sizes)[0]
            place = "" if usual else " at an edge" if {0, 1} & {*sizes.values()} else " at another size"
            return Outcome(f"{kind}{place}", True, at + what)
    return None


def _on(tensors: Any, device: str) -> Any:
    """The tensors on a device, with the memory that they share."""
    storages: dict[int, torch.Tensor] = {}

    def moved(tensor: torch.Tensor) -> torch.Tensor:
        if tensor.device.type == device:
            return tensor
        storage = tensor.untyped_storage()
        flat = torch.empty(0, dtype=tensor.dtype).set_(storage)
        there = storages.setdefault(storage.data_ptr(), flat.to(device))
        return there.as_strided(tensor.shape, tensor.stride(), tensor.storage_offset())

    known: dict[int, torch.Tensor] = {}
    return pytree.tree_map_only(torch.Tensor, lambda tensor: known.setdefault(id(tensor), moved(tensor)), tensors)


def _differences(got: tuple[Any, Any], wanted: tuple[Any, Any]) -> Iterator[tuple[str, str]]:
    """The kind of each difference, with what it is: of the results first, then of the inputs."""
    if pytree.tree_structure(got[0]) != pytree.tree_structure(wanted[0]):
        yield "structure", f"{pytree.tree_structure(got[0])}, eager gives {pytree.tree_structure(wanted[0])}"
        return
    for name, one, other in zip(("result", "input"), got, wanted, strict=True):
        for index, (a, b) in enumerate(zip(pytree.tree_leaves(one), pytree.tree_leaves(other), strict=True)):
            if (kind := _difference(a, b)) is not None:
                yield kind, f"{name} {index} {_shown(kind, a, b)}"


def _shown(kind: str, got: Any, wanted: Any) -> str:
    """The difference, on a few lines."""
    if kind == "number":
        return f"is {got!r}, eager gives {wanted!r}"
    if kind != "values":
        return f"is {got.dtype} {tuple(got.shape)}, eager gives {wanted.dtype} {tuple(wanted.shape)}"
    places = (~_close(got, wanted)).nonzero().tolist()
    lines = [
        f"at {place}: {got[tuple(place)].item()!r}, eager gives {wanted[tuple(place)].item()!r}" for place in places[:4]
    ]
    return "\n".join([f"{tuple(wanted.shape)} {wanted.dtype} differs at {len(places)} places", *lines])


def _close(got: torch.Tensor, wanted: torch.Tensor) -> torch.Tensor:
    rtol, atol = _TOLERANCES.get(wanted.dtype, (0, 0))
    return torch.isclose(got, wanted, rtol, atol, equal_nan=True)


def _difference(got: Any, wanted: Any) -> str | None:
    if not isinstance(wanted, torch.Tensor):
        return None if type(got) is type(wanted) and got == wanted else "number"
    for kind in ("dtype", "shape"):
        if getattr(got, kind) != getattr(wanted, kind):
            return kind
    return None if _close(got, wanted).all() else "values"


def _unsure(
    model: Any, arguments: Callable[..., Any], sizes: dict[str, int], got: Any, wanted: Any, runtime: str
) -> bool:
    """Whether eager is as far from itself, once each of its results is off by a unit of its dtype.

    Whole numbers and places of infinities and NaN are unsure where any noisy run gives others; engines lose NaN of
    16 bits (docs/reference_interpreter.md).
    """
    runs = []
    for seed in range(_RUNS):
        inputs = arguments(**sizes)
        with torch.no_grad(), Noise(seed, runtime):
            result = model(*inputs)
        runs.append(pytree.tree_leaves((result, inputs)))
    for index, (a, b) in enumerate(zip(pytree.tree_leaves(got), pytree.tree_leaves(wanted), strict=True)):
        if _difference(a, b) is None:
            continue
        noisy, close = torch.stack([run[index].double() for run in runs]), _close(a, b)
        if runtime == "engine" and b.dtype in (torch.float16, torch.bfloat16):
            close |= b.isnan()
        a, b = a.double(), b.double()
        spread = (noisy - b).abs().amax(0) * 4
        near = (a - b).abs() <= spread
        other = (noisy.isfinite() != b.isfinite()).any(0)
        if not (close | near | other).all():
            return False
    return True


def _said(error: BaseException) -> str:
    """The message without what is of this program alone."""
    text = re.sub(r"'[^']*'|\d+|\[[^]]*\]|\([^)]*\)", "_", str(error))
    return " ".join(text.split())[:110]


def _unclear(error: Torch2TRTError) -> bool:
    """Whether an error of ours is none that a reader could act on, or comes after the plan promised a converter."""
    text = str(error)
    if isinstance(error, ConversionError) and not isinstance(error, UnsupportedError):
        return True
    return not text or "<eval_with_key>" in text or "__torch_dispatch__" in text


def _where(error: BaseException) -> str:
    frames = [frame for frame in traceback.extract_tb(error.__traceback__) if "torch2trt" in frame.filename]
    last = frames[-1] if frames else None
    place = f"{last.filename.rpartition('/')[2]}:{last.name}" if last else "?"
    return f"{type(error).__name__} in {place}: {_said(error)[:80]}"
