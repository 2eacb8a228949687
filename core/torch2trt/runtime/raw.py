"""Raw engines: those of trtexec, of ONNX files or of other programs, called by the names of their tensors.

What is known of one is what TensorRT says of its tensors, for which it has to be loaded, and that needs a GPU.  Beside
a file of bytes there is the state dict that NVIDIA's torch2trt wrote: ``engine``, ``input_names``, ``output_names``
and, for nested inputs and outputs, structures of indices in ``input_flattener`` and ``output_flattener``.
"""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, TypeAlias

from torch.utils import _pytree as pytree

from .. import _trt
from .._trt import trt
from ..dtypes import short_name, to_torch
from ..errors import EngineError
from ..program.leaves import Leaf, Ranges, TensorSpec
from ..program.profiles import differing, hull
from ..program.signature import Signature
from .engine import Engine, built_elsewhere, deserialized, ranges_in_profiles

#: an engine that was loaded, its bytes, or the path of a file with them
RawEngine: TypeAlias = "trt.ICudaEngine | trt.IHostMemory | bytes | bytearray | memoryview | str | os.PathLike[str]"


def from_raw(
    source: RawEngine | Engine,
    input_names: Sequence[str] | None = None,
    output_names: Sequence[str] | None = None,
    arguments: Sequence[Any] | None = None,
    returns: Any = None,
) -> tuple[Engine, Signature]:
    """An engine with a calling convention by the names of its tensors.

    Args:
        source: the engine.
        input_names: all of its inputs in the order of the arguments; by default the engine's own.
        output_names: the outputs that are returned; by default all, in the engine's order.
        arguments: the structure of the arguments, with an index into ``input_names`` for each tensor; by default every
            input is an argument.
        returns: the structure of what is returned, in the same way; by default the only output, or a tuple of them.

    Raises:
        EngineError: there is no GPU, TensorRT cannot load it, or its tensors are others.
        OSError: the file cannot be read.
    """
    _trt.require()
    loaded = _loaded(source)
    names = [loaded.get_tensor_name(index) for index in range(loaded.num_io_tensors)]
    own = [name for name in names if loaded.get_tensor_mode(name) == trt.TensorIOMode.INPUT]
    given = list(own if input_names is None else input_names)
    returned = [name for name in names if name not in own] if output_names is None else list(output_names)
    if sorted(given) != sorted(own):
        raise EngineError(f"the engine has the inputs {', '.join(own)}; input_names must be these, not {given}")
    if foreign := [name for name in returned if name not in names or name in own]:
        others = [name for name in names if name not in own]
        raise EngineError(f"the engine has no outputs {', '.join(foreign)}; it has {', '.join(others)}")
    specs = {name: _spec(loaded, name) for name in own}
    flavor = _trt.FLAVOR or ""
    engine = Engine(bytes(loaded.serialize()), flavor, trt.__version__, built_elsewhere(), loaded)
    return engine, positional([specs[name] for name in given], returned, arguments, returns)


def positional(
    inputs: Sequence[TensorSpec], outputs: Sequence[str], arguments: Sequence[Any] | None = None, returns: Any = None
) -> Signature:
    """A calling convention by position, with structures of indices as :func:`from_raw` takes them."""
    structure = tuple(range(len(inputs)) if arguments is None else arguments)
    if returns is None:
        returns = 0 if len(outputs) == 1 else tuple(range(len(outputs)))
    in_places, in_spec = pytree.tree_flatten((structure, {}))
    out_places, out_spec = pytree.tree_flatten(returns)
    try:
        input_leaves = [_leaf(place, [spec.name for spec in inputs]) for place in in_places]
        named = [outputs[place] for place in out_places if place is not None]
    except (IndexError, TypeError) as error:
        raise EngineError(f"a structure of indices does not fit the engine's tensors: {error}") from error
    return Signature(
        inputs=tuple(inputs),
        input_leaves=tuple(input_leaves),
        in_spec=in_spec,
        parameters=tuple(
            inputs[place].name if isinstance(place, int) else f"argument_{index}"
            for index, place in enumerate(structure)
        ),
        outputs=tuple(named),
        output_leaves=tuple(Leaf("constant" if place is None else "tensor") for place in out_places),
        out_spec=out_spec,
    )


def is_raw_state(state: Mapping[str, Any], prefix: str) -> bool:
    """Whether a state dict has a raw engine rather than a converted module."""
    return f"{prefix}engine" in state and f"{prefix}_extra_state" not in state


def from_raw_state(state: Mapping[str, Any], prefix: str) -> tuple[Engine, Signature]:
    """The engine of a state dict of NVIDIA's torch2trt; raises as :func:`from_raw` does."""
    try:
        serialized = bytes(state[f"{prefix}engine"])
        names = [list(state[f"{prefix}{kind}_names"]) for kind in ("input", "output")]
        flatteners = [state.get(f"{prefix}{kind}_flattener") for kind in ("input", "output")]
        arguments, returns = (None if flattener is None else flattener["schema"] for flattener in flatteners)
    except (KeyError, TypeError) as error:
        raise EngineError(f"the state dict has no engine with names of tensors: {error!r}") from error
    return from_raw(serialized, names[0], names[1], arguments, returns)


def _loaded(source: Any) -> Any:
    if isinstance(source, Engine):
        return source.loaded or deserialized(source.serialized)
    if hasattr(source, "num_io_tensors"):
        return source
    if isinstance(source, (bytes, bytearray, memoryview, trt.IHostMemory)):
        return deserialized(bytes(source))
    if isinstance(source, (str, os.PathLike)):
        return deserialized(Path(source).read_bytes())
    raise EngineError(
        f"an engine is an ICudaEngine, its bytes or the path of a file with them, got {type(source).__name__}"
    )


def _spec(engine: trt.ICudaEngine, name: str) -> TensorSpec:
    """An input with the sizes, and the values where they decide sizes, of the engine's profiles."""
    each = ranges_in_profiles(engine, name)
    values: list[Ranges] = []
    if engine.is_shape_inference_io(name):
        given: Any = [engine.get_tensor_profile_values(index, name) for index in range(len(each))]
        values = [tuple(zip(*map(tuple, one), strict=True)) for one in given]
    dtype, ranges = short_name(to_torch(engine.get_tensor_dtype(name))), hull(each)
    return TensorSpec(name, dtype, ranges, hull(values), profiles=differing(ranges, each))


def _leaf(place: int | None, names: Sequence[str]) -> Leaf:
    return Leaf("constant", "an argument without a tensor") if place is None else Leaf("tensor", names[place])
