"""Ways to run a model: PyTorch's own, and ours.  Those of others are in ``peers``."""

import abc
import importlib
from collections.abc import Callable, Sequence
from typing import Any, ClassVar

import torch

from .rows import Row, missing

#: runs the model once on the inputs that it was prepared with, and returns the outputs
Call = Callable[[], Any]


class Column(abc.ABC):
    """A way to run a model.  A column has no state: its calls hold what they need."""

    #: packages that it imports, and that are imported before anything is timed
    needs: ClassVar[tuple[str, ...]] = ()
    #: whether it runs in the environment of the peers
    peer: ClassVar[bool] = False
    on_cpu: ClassVar[bool] = False

    def why_not(self, row: Row, device: str) -> str | None:
        """Why it cannot run here, in words, or None."""
        if device == "cpu" and not self.on_cpu:
            return "runs on CUDA only"
        return missing(self.needs)

    @abc.abstractmethod
    def prepare(self, model: torch.nn.Module, inputs: Sequence[torch.Tensor]) -> Call:
        """Compile or convert the model, which is on the device of the inputs and in their dtype."""


def graphed(call: Call, inputs: Sequence[torch.Tensor], own: Sequence[torch.Tensor]) -> Call:
    """A CUDA graph of ``call``, which reads the tensors ``own``: copies of the inputs are made at each replay.

    The outputs are the graph's, so the next replay writes over them.
    """
    stream = torch.cuda.Stream()
    stream.wait_stream(torch.cuda.current_stream())
    with torch.cuda.stream(stream):
        for _ in range(3):  # what is compiled or allocated once must not be captured
            call()
    torch.cuda.synchronize()
    graph = torch.cuda.CUDAGraph()
    with torch.cuda.graph(graph):
        outputs = call()

    def replay() -> Any:
        for mine, given in zip(own, inputs, strict=True):
            mine.copy_(given, non_blocking=True)
        graph.replay()
        return outputs

    replay.keeps = call  # type: ignore[attr-defined]  # a function, which may have it: the graph reads its weights
    return replay


class Eager(Column):
    """PyTorch as it is."""

    on_cpu = True

    def prepare(self, model: torch.nn.Module, inputs: Sequence[torch.Tensor]) -> Call:
        """The model itself."""
        return lambda: model(*inputs)


class EagerGraph(Column):
    """PyTorch's own kernels as one CUDA graph."""

    def prepare(self, model: torch.nn.Module, inputs: Sequence[torch.Tensor]) -> Call:
        """Capture the graph."""
        own = [x.clone() for x in inputs]
        return graphed(lambda: model(*own), inputs, own)


class Inductor(Column):
    """``torch.compile`` with its defaults; it compiles at the first call."""

    needs = ("triton",)

    def prepare(self, model: torch.nn.Module, inputs: Sequence[torch.Tensor]) -> Call:
        """The compiled model."""
        compiled = torch.compile(model, dynamic=False)
        return lambda: compiled(*inputs)


class InductorGraph(Inductor):
    """What ``torch.compile`` made of it as one CUDA graph, captured as that of eager is."""

    def prepare(self, model: torch.nn.Module, inputs: Sequence[torch.Tensor]) -> Call:
        """Compile, and capture the graph."""
        own = [x.clone() for x in inputs]
        return graphed(super().prepare(model, own), inputs, own)


class Ours(Column):
    """A module of ``torch2trt.convert`` as users call it; a small row also on the interpreter, without a GPU."""

    # torch2trt imports what converts, and the packs, when that is used first; peers do so at once
    needs = ("torch2trt.api", "torch2trt_ops_base", "torch2trt_ops_vision", "torch2trt_ops_transformer")
    on_cpu = True

    def why_not(self, row: Row, device: str) -> str | None:
        """The interpreter would take minutes for a whole model."""
        if device == "cpu" and not row.tiny:
            return "the interpreter runs small rows only"
        return super().why_not(row, device)

    settings: ClassVar[dict[str, Any]] = {}

    def prepare(self, model: torch.nn.Module, inputs: Sequence[torch.Tensor]) -> Call:
        """Convert, without what an earlier conversion left on disk."""
        import torch2trt

        runtime = "engine" if inputs[0].is_cuda else "reference"
        module = torch2trt.convert(model, list(inputs), cache=False, runtime=runtime, **self.settings)
        return lambda: module(*inputs)


class OursReplayed(Ours):
    """The engine's graph, and a copy of each input: no checks, and the next replay writes over the outputs."""

    on_cpu = False

    def prepare(self, model: torch.nn.Module, inputs: Sequence[torch.Tensor]) -> Call:
        """Convert, and capture the graph as a user would."""
        own = [x.clone() for x in inputs]
        return graphed(super().prepare(model, own), inputs, own)


class OursAutotuned(Ours):
    """The same with ``autotune=True``, which may choose PyTorch's kernels."""

    on_cpu = False
    settings: ClassVar[dict[str, Any]] = {"autotune": True}


def find(name: str) -> Column:
    """The column of a name in ``COLUMNS``, or of another's as ``module:Class``.

    Raises:
        ValueError: there is none; with the names that there are.
    """
    from .peers import PEERS

    columns = {**COLUMNS, **PEERS}
    if name in columns:
        return columns[name]
    module, _, attribute = name.partition(":")
    if not attribute:
        raise ValueError(f"there is no column {name!r}; there are {', '.join(columns)}, and others' as module:Class")
    found: Column = getattr(importlib.import_module(module), attribute)()
    return found


COLUMNS: dict[str, Column] = {
    "eager": Eager(),
    "eager+graph": EagerGraph(),
    "inductor": Inductor(),
    "inductor+graph": InductorGraph(),
    "ours": Ours(),
    "ours+replay": OursReplayed(),
    "ours+autotune": OursAutotuned(),
}
