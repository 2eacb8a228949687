"""The checks: a converter against PyTorch, a network on both runtimes, a pack against its table."""

from __future__ import annotations

import copy
import importlib
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import torch
from torch.export import Dim
from torch.utils import _pytree as pytree
from typing_extensions import Unpack

from ..api import explain
from ..keywords import takes_settings
from ..packs.loading import Packs
from ..packs.targets import resolve
from ..plan.plan import Plan
from ..reference import Interpreter
from ..runtime.module import TRTModule
from ..settings import SettingsKeywords
from .case import Case, Variant

_TOLERANCES = {torch.float32: (1e-4, 1e-5), torch.float16: (1e-2, 2e-3), torch.bfloat16: (4e-2, 2e-2)}
#: engines multiply float32 matrices in TF32, of which ten bits of mantissa are left; relative to the largest result
_TF32 = (2e-3, 2e-3)
#: how much larger than the row's a dynamic size may be
_ROOM = 3


@takes_settings
def check_converter(
    case: Case | Variant,
    *,
    dtype: torch.dtype | None = None,
    dynamic: bool = False,
    packs: Packs | None = None,
    pack: str | None = None,
    **settings: Unpack[SettingsKeywords],
) -> None:
    """Convert the call of a row and compare it with PyTorch, at several sizes where it is dynamic.

    Args:
        case: the row, or one variant of it.
        dtype: the dtype of the row's float32 samples, by default the row's first.
        dynamic: whether its dynamic sizes are dynamic.
        packs: the packs, by default those installed.
        pack: the name of the pack whose converter the row tests; any other that answers fails the row.
        settings: those of ``convert``; by default the network runs on the reference interpreter and nothing is built,
            ``runtime="engine"`` builds and runs an engine on a GPU.

    Raises:
        AssertionError: another structure, shape, dtype or value than PyTorch's, or the target was not converted, or by
            another pack.
    """
    variant = case if isinstance(case, Variant) else Variant(case, dtype or case.dtypes[0], dynamic)
    model = _model(variant.case.call, variant.dtype)
    runtime = settings.setdefault("runtime", "reference")
    settings.setdefault("build", runtime == "engine")
    settings.setdefault("cache", False)  # a row is built, not remembered
    plan = explain(model, variant.tensors(0), dynamic_shapes=_dynamic_shapes(variant), packs=packs, **settings)
    converters = _check_plan(variant.case, plan, pack)
    if variant.case.rejects and plan.unsupported:
        return
    converted = plan.convert()
    for change in (0, _ROOM, None) if variant.dynamic else (0,):
        try:
            _compare_once(variant, model, converted, variant.tensors(change))
        except AssertionError as error:
            raise AssertionError(f"{error}\nconverted by {converters}") from None


def _compare_once(variant: Variant, model: Any, converted: TRTModule, inputs: Sequence[torch.Tensor]) -> None:
    # PyTorch computes on the CPU, where every dtype is, also what an engine is compared with
    on_engine, keeps_state = converted.runtime == "engine", converted.state is not None
    if keeps_state:
        model = copy.deepcopy(model)
        converted.to("cuda" if on_engine else "cpu").reset()
    for _ in range(2 if keeps_state else 1):  # the second call shows what the first one has written
        with torch.no_grad():
            expected = model(*[tensor.clone() for tensor in inputs])
        actual = _to(converted(*_to(inputs, "cuda")), "cpu") if on_engine else converted(*inputs)
        compare(actual, expected, *_tolerance(variant, on_engine, expected))


def _to(tensors: Any, device: str) -> Any:
    return pytree.tree_map_only(torch.Tensor, lambda tensor: tensor.to(device), tensors)


def _check_plan(row: Case, plan: Plan, pack: str | None) -> str:
    """That the target is declined for the row's reason, or converted by the row's pack; the plan's converters."""
    if pack is not None:
        loaded = [info.name for info in plan.packs.packs]
        cure = "install it (pip install -e .), or pass packs=Packs.load(extra=[...])"
        assert pack in loaded, f"the pack {pack!r} of this row is not loaded, {', '.join(loaded)} are; {cure}"
    if row.rejects:
        reasons = [reason for planned in plan for reason in planned.reasons]
        assert any(row.rejects in reason for reason in reasons), (
            f"{row.target} is not rejected for {row.rejects!r}: {reasons}"
        )
    elif row.whole:
        wanted = resolve(row.target).obj
        answers = [planned.converter for planned in plan if planned.converter and planned.call.target.obj is wanted]
        assert answers, f"no call of {row.target} in the plan:\n{plan}"
        others = {str(answer.pack) for answer in answers if pack not in (None, answer.pack.name)}
        assert not others, f"{row.target} is converted by the pack {', '.join(others)}, not by {pack!r}:\n{plan}"
    return ", ".join(dict.fromkeys(f"{p.converter.name} (pack {p.converter.pack})" for p in plan if p.converter))


def _model(call: Callable[..., Any], dtype: torch.dtype) -> Any:
    if not isinstance(call, torch.nn.Module):
        return call
    # a row is shared by all of its variants; what is complex stays so, which Module.to would make real
    return copy.deepcopy(call).eval()._apply(lambda t: t.to(dtype) if t.is_floating_point() else t)


def _dynamic_shapes(variant: Variant) -> Any:
    if not variant.dynamic:
        return None
    shapes = []
    for sample, names in zip(variant.case.inputs, variant.dynamic_dims, strict=True):
        room = {index: sample.shape[index] + _ROOM for index in names}
        shapes.append({i: Dim(name, min=variant.case.dynamic_min, max=room[i]) for i, name in names.items()} or None)
    return tuple(shapes)


def _tolerance(variant: Variant, on_engine: bool, expected: Any) -> tuple[float, float]:
    rtol, atol = _TOLERANCES.get(variant.dtype, (0.0, 0.0))
    if on_engine and variant.dtype is torch.float32:
        results = [
            t
            for t in pytree.tree_leaves(expected)
            if isinstance(t, torch.Tensor) and (t.is_floating_point() or t.is_complex())
        ]
        numbers = [result[result.isfinite()].abs() for result in results]
        largest = max((n.max().item() for n in numbers if n.numel()), default=0.0)
        rtol, atol = _TF32[0], max(atol, _TF32[1] * largest)
    row = variant.case
    return (rtol if row.rtol is None else max(row.rtol, rtol)), (atol if row.atol is None else max(row.atol, atol))


def compare(actual: Any, expected: Any, rtol: float, atol: float) -> None:
    """Assert that two pytrees of tensors have the same structure, shapes, dtypes and nearly the same values."""
    actual_leaves, actual_spec = pytree.tree_flatten(actual)
    expected_leaves, expected_spec = pytree.tree_flatten(expected)
    assert actual_spec == expected_spec, f"structure {actual_spec}, PyTorch gives {expected_spec}"
    for index, (one, other) in enumerate(zip(actual_leaves, expected_leaves, strict=True)):
        if not isinstance(other, torch.Tensor):
            assert one == other, f"result {index}: {one!r}, PyTorch gives {other!r}"
            continue
        rounded = other.dtype.is_floating_point or other.dtype.is_complex
        close = {"rtol": rtol, "atol": atol} if rounded else {"rtol": 0, "atol": 0}
        try:
            torch.testing.assert_close(one, other, **close, equal_nan=True)
        except AssertionError as error:
            raise AssertionError(f"result {index}: {error}") from None


def check_network(
    network: Any,
    inputs: Mapping[str, torch.Tensor],
    expected: Mapping[str, torch.Tensor],
    *,
    rtol: float = 1e-4,
    atol: float = 1e-5,
) -> None:
    """Compare what the reference interpreter makes of a TensorRT network with ``expected``, by output name."""
    actual = Interpreter(network)(inputs)
    assert actual.keys() == expected.keys(), f"outputs {sorted(actual)}, expected {sorted(expected)}"
    compare([actual[name] for name in expected], list(expected.values()), rtol, atol)


def check_pack(pack: str, cases: Sequence[Case], *, without_case: Mapping[str, str] | None = None) -> None:
    """Assert that a pack and its table cover each other.

    Loading the pack already resolves every target and binds every signature to its schema.

    Args:
        pack: the pack's Python module, such as ``"torch2trt_ops_mylab"``.
        cases: all rows of the pack.
        without_case: targets that no row tests, each with the reason.
    """
    loaded = Packs.load(autoload=False, extra=(importlib.import_module(pack),))
    claimed = {converter.target.obj: converter.target.name for converter in loaded.converters}
    excused = {resolve(name).obj for name in without_case or ()}
    tested = {resolve(case.target).obj: case.target for case in cases if case.whole}
    missing = [name for obj, name in claimed.items() if obj not in tested and obj not in excused]
    foreign = [name for obj, name in tested.items() if obj not in claimed]
    stale = [name for name in without_case or () if resolve(name).obj in tested or resolve(name).obj not in claimed]
    assert not missing, f"no case for {len(missing)} targets of {pack}: {', '.join(missing)}"
    assert not foreign, f"cases for targets that {pack} does not convert: {', '.join(foreign)}"
    assert not stale, f"without_case names targets that have a case or no converter: {', '.join(stale)}"
    repeated = [name for name, count in Counter(v.id for case in cases for v in case.variants()).items() if count > 1]
    assert not repeated, f"several rows have one name; give them name=...: {', '.join(repeated)}"
