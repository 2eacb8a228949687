"""What TensorRT made of a network on a GPU: the layers that it fused, and the time of each."""

from __future__ import annotations

import contextlib
import json
import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final

import torch

from .._trt import trt
from ..program.arguments import random_arguments
from ..program.signature import Signature
from .engine import Engine
from .session import Session

#: the names that the lowering gives to layers: ``encoder.ln/aten.add.Tensor#1``
_NAME: Final = re.compile(r"[\w./\-<>]+#\d+")
#: the name of a layer of which the inspector tells
_NAMED: Final = re.compile(r'"Name"\s*:\s*"(.*?)"')
#: what it notes in each: one JSON object for every layer of the network that was fused
_NOTED: Final = re.compile(r"\{[^{}]*\}")
#: how many calls are timed
_CALLS: Final = 10


def fused_layers(engine: trt.ICudaEngine, calls: Sequence[Mapping[str, Any]]) -> dict[str, list[str]]:
    """The layers that TensorRT made, by name, and the ids of the calls that each comes of."""
    inspector: Any = engine.create_engine_inspector()
    kind = trt.LayerInformationFormat.JSON
    return dict(described(inspector.get_layer_information(index, kind), calls) for index in range(engine.num_layers))


def described(told: str, calls: Sequence[Mapping[str, Any]]) -> tuple[str, list[str]]:
    """The name of a layer of which the inspector told, and the calls that the lowering noted in its metadata.

    An engine that was built without details says no more than its layers' names.
    """
    try:
        data = json.loads(told)
    except ValueError:  # TensorRT escapes no quotes of what was noted
        before, _, metadata = told.partition('"Metadata"')
        found = _NAMED.search(before)
        data = {"Name": found[1], "Metadata": metadata} if found else told.strip()
    name, metadata = (data.get("Name", ""), data.get("Metadata", "")) if isinstance(data, dict) else (data, "")
    noted = set()
    for one in _NOTED.findall(str(metadata)):
        with contextlib.suppress(ValueError):
            noted.add(json.loads(one).get("id"))
    return str(name), [call["id"] for call in calls if call.get("id") in noted] or origins(str(name), calls)


def origins(layer: str, calls: Iterable[Mapping[str, Any]]) -> list[str]:
    """The ids of the calls that a layer may come of, by its name: those of the modules and targets in it."""
    prefixes = {name.rpartition("#")[0] for name in _NAME.findall(layer)}
    named = ((str(call.get("id", call.get("name"))), call.get("module"), call.get("target")) for call in calls)
    return [id for id, module, target in named if (f"{module}/{target}" if module else target) in prefixes]


def layer_times(engine: Engine, signature: Signature, state: Sequence[torch.Tensor]) -> list[dict[str, Any]]:
    """Milliseconds of each layer at the usual sizes, without CUDA graphs, and the calls that it comes of.

    Args:
        engine: an engine that can run here.
        signature: how it is called.
        state: the values of the buffers that it writes.
    """
    session = Session(engine, [spec.name for spec in signature.inputs if spec.values], graphs=False)
    given = signature.flatten(*random_arguments(signature))
    tensors = signature.carried(signature.with_state(given, [tensor.cpu() for tensor in state]) if state else given)
    names = dict(signature.tensor_names)
    on_device = {names.get(name, name): tensor.to(session.device) for name, tensor in tensors.items()}
    calls = engine.provenance.get("calls", ())
    known, times = fused_layers(session.engine, calls), _profiled(session, on_device)
    return [
        {"layer": name, "ms": sum(ms) / len(ms), "calls": known.get(name) or origins(name, calls)}
        for name, ms in times.items()
    ]


def _profiled(session: Session, tensors: Mapping[str, torch.Tensor]) -> dict[str, list[float]]:
    """The milliseconds that TensorRT reports of each layer, call by call."""
    times: dict[str, list[float]] = {}

    class Profiler(trt.IProfiler):
        def __init__(self) -> None:
            trt.IProfiler.__init__(self)

        def report_layer_time(self, layer_name: str, ms: float) -> None:
            times.setdefault(layer_name, []).append(ms)

    profiler = Profiler()  # TensorRT does not keep it alive
    # what is queued beside the default stream has a context of its own
    with torch.cuda.stream(torch.cuda.Stream()):
        session(tensors)
        session.context.profiler = profiler
        for _ in range(_CALLS):
            session(tensors)
        torch.cuda.synchronize()
    return times
