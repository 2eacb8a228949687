"""A graph of Dynamo, converted when it is called: with the weights of now."""

from __future__ import annotations

import functools
import threading
from collections.abc import Sequence
from typing import Any

import torch

from ..errors import FallbackWarning, InputError, warn
from ..program.memory import storage_of
from ..settings import Settings
from .conversions import Conversions, Retaken, Source
from .outputs import Parts
from .taken import Taken
from .weights import Key, Weights, key_of


class Compiled:
    """What runs a graph: the modules that were converted of it, or PyTorch where none can be.

    Args:
        graph_module: the graph.
        parts: the same without the views that it returns, and these.
        taken: what it takes.
        settings: of its conversions.
    """

    def __init__(self, graph_module: torch.fx.GraphModule, parts: Parts, taken: Taken, settings: Settings) -> None:
        self._original = graph_module.forward
        self._parts, self._source = parts, Source(parts.computing, taken, settings)
        # where Dynamo leaves modules whole, their parameters are the graph's
        self._own = [*graph_module.parameters(), *graph_module.buffers()]
        #: one graph may be that of several modules with weights of their own, such as the blocks of a model
        self._converted: dict[Key, tuple[Weights, Conversions]] = {}
        self._lock = threading.RLock()

    def __call__(self, *args: Any) -> Any:
        """Run the graph."""
        weights, conversions = self._of(args)
        try:
            converted = conversions.of(args)
        except Retaken:
            return self(*args)
        if converted is None:
            return self._original(*args)
        if converted.writes and not weights.storages.isdisjoint(storage_of(args[place]) for place in converted.writes):
            return self._in_torch("it writes into an input that is part of the model's own tensors", args)
        try:
            results = converted(args)
        except InputError as error:  # tensors that overlap, say, which Dynamo does not guard
            return self._in_torch(str(error).splitlines()[0], args)
        viewing = self._parts.viewing
        return results if viewing is None else viewing.forward(*args, *results)

    def _in_torch(self, reason: str, args: Sequence[Any]) -> Any:
        if not self._source.settings.fallback:
            raise InputError(f"a graph of torch.compile cannot run in an engine: {reason}")
        warn(f"PyTorch runs a graph of torch.compile: {reason}", FallbackWarning)
        return self._original(*args)

    def _of(self, args: Sequence[Any]) -> tuple[Weights, Conversions]:
        """The conversions for the weights of a call."""
        places = self._source.constants
        tensors = [*[args[place] for place in places], *self._own]
        key = key_of(tensors)
        found = self._converted.get(key)
        if found is not None and found[0].are(tensors):
            return found
        with self._lock:
            found = self._converted.get(key)
            if found is not None and found[0].are(tensors):  # another thread was faster
                return found
            count = 0 if found is None else found[1].count
            made = Weights(tensors, functools.partial(_forget, self._converted, key)), Conversions(self._source, count)
            self._converted[key] = made
        return made


def _forget(converted: dict[Key, Any], key: Key, gone: object) -> None:
    converted.pop(key, None)
