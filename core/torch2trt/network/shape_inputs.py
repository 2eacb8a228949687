"""Inputs whose values decide sizes: TensorRT calls them shape tensors and plans for a range of their values."""

from __future__ import annotations

import dataclasses
from typing import Final

from .._trt import trt
from ..dtypes import short_name
from ..errors import ConversionError
from ..plan.segments import Segment
from ..program.leaves import UNBOUNDED, TensorSpec
from ..program.program import Program
from ..program.values import readings

_DTYPES: Final = ("int32", "int64")


def check_shape_inputs(network: trt.INetworkDefinition, segment: Segment, program: Program) -> None:
    """That a profile can be made for every input that the ``network`` of ``segment`` takes sizes from.

    Raises:
        ConversionError: an input that decides sizes has another dtype than TensorRT reads, or values without bounds.
    """
    for index, (ref, chosen) in zip(range(network.num_inputs), segment.inputs.items(), strict=False):
        # the engine may have another name for it than the program
        spec = dataclasses.replace(chosen, name=ref.name) if ref.kind == "input" else chosen
        if network.get_input(index).is_shape_tensor and (reason := _why_not_planned(spec, program)):
            places = [reading.call.where for reading in readings(program) if spec.name in reading.inputs]
            where = f" (read in {', '.join(dict.fromkeys(places))})" if places else ""
            raise ConversionError(f"input {spec.name!r} decides sizes{where}, {reason}")


def _why_not_planned(spec: TensorSpec, program: Program) -> str | None:
    """Why an input cannot decide sizes, with the cure; None where it can."""
    if short_name(spec.carrier) not in _DTYPES:
        return f"which TensorRT reads from {' and '.join(_DTYPES)} only; pass it as torch.int64, not {spec.dtype}"
    lows, _, highs = zip(*spec.values, strict=True) if spec.values else ((-UNBOUNDED,), (), (UNBOUNDED,))
    missing = {"below": -UNBOUNDED in lows, "above": UNBOUNDED in highs}
    sides = [side for side, is_missing in missing.items() if is_missing]
    if not sides:
        return None
    unbounded = f"and nothing bounds its values {' and '.join(sides)}, which a TensorRT profile needs"
    checks = " and ".join(f"torch._check(n {'>=' if side == 'below' else '<='} ...)" for side in sides)
    if any(reading.element is not None for reading in readings(program) if spec.name in reading.inputs):
        return f"{unbounded}; state the bounds in the model, of every number that it has: {checks}"
    return f"{unbounded}; read them with .item() or .tolist(), state {checks}, and compute sizes of these numbers"
