"""State dicts as the classic library wrote them, of modules that it could have made."""

from __future__ import annotations

from typing import Any, Final

from torch.utils import _pytree as pytree

from ..dtypes import short_name
from ..errors import EngineError
from ..program.leaves import Leaf
from ..program.signature import Signature
from ..runtime.module import TRTModule
from .flattener import Flattener

_FLAT: Final = ("tensor", "constant")


def classic_state_dict(module: TRTModule) -> dict[str, Any]:
    """What the classic library's ``TRTModule.load_state_dict`` takes, and ours too.

    The engine is still of the TensorRT that built it: the classic library needs the same one.

    Raises:
        EngineError: the module has no engine, or does at its calls what the classic one does not: it takes keywords,
            casts inputs or outputs, keeps buffers, or changes its inputs.
    """
    if module.serialized is None or module.signature is None:
        raise EngineError("there is no engine to write; convert with build=True")
    signature = module.signature
    if reason := _why_not(signature):
        raise EngineError(f"the module {reason}, which the classic library's does not; use module.save")
    inputs = {spec.name: index for index, spec in enumerate(signature.inputs)}
    outputs = {name: index for index, name in enumerate(module.output_names)}
    names = iter(signature.outputs)
    given = [None if leaf.kind == "constant" else inputs[leaf.name] for leaf in signature.input_leaves]
    returned = [None if leaf.kind == "constant" else outputs[next(names)] for leaf in signature.output_leaves]
    arguments, _ = pytree.tree_unflatten(given, signature.in_spec)
    return {
        "engine": bytearray(module.serialized),
        "input_names": module.input_names,
        "output_names": module.output_names,
        "input_flattener": Flattener(arguments, len(inputs)).dict(),
        "output_flattener": Flattener(pytree.tree_unflatten(returned, signature.out_spec), len(outputs)).dict(),
    }


def _why_not(signature: Signature) -> str | None:
    leaves: tuple[Leaf, ...] = (*signature.input_leaves, *signature.output_leaves)
    if signature.state:
        return "keeps buffers"
    if any(leaf.kind not in _FLAT for leaf in leaves):
        return "takes or returns something else than tensors, or changes its inputs"
    if any(leaf.dtype for leaf in leaves) or any(short_name(spec.carrier) != spec.dtype for spec in signature.inputs):
        return "casts its inputs or outputs"
    return "takes keywords" if signature.in_spec.children()[1].num_children else None
