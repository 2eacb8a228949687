"""The structure of inputs and outputs (a pytree's ``TreeSpec``) as JSON-able values, and back.

``treespec_loads`` imports whatever module a file names as the home of an enum or of a defaultdict's factory.  So what
it is given is checked first, by what is imported here already; the same check runs before anything is written.
"""

from __future__ import annotations

import enum
import json
import sys
from typing import Any, Final

from torch.utils import _pytree as pytree

from ..errors import EngineError

#: deeper than any inputs are, and far from Python's limit of recursion
_MAX_DEPTH: Final = 64
#: what a defaultdict may make of a missing key
_FACTORIES: Final = ("bool", "dict", "float", "int", "list", "set", "str", "tuple")
#: what PyTorch writes for each type without a name, and its graphs' own containers: neither is in a calling convention
_REFUSED: Final = ("NO_SERIALIZED_TYPE_NAME_FOUND", "immutable_list", "immutable_dict")
_SEQUENCES: Final = ("builtins.tuple", "builtins.list", "torch.Size")
_MAPPINGS: Final = ("builtins.dict", "collections.OrderedDict")


def dump(spec: pytree.TreeSpec) -> Any:
    """``spec`` as JSON-able values; :class:`EngineError` where it could not be loaded again."""
    try:
        data = json.loads(pytree.treespec_dumps(spec))
        load(data)
    except (NotImplementedError, TypeError, AttributeError, RecursionError, EngineError) as error:
        raise EngineError(
            f"the structure of the inputs or outputs cannot be saved: {error}. Take and return plain lists, tuples and "
            "dicts, or register the type with torch.utils._pytree.register_pytree_node(..., serialized_type_name=...) "
            "before the conversion"
        ) from error
    return data


def load(data: Any) -> pytree.TreeSpec:
    """The structure that :func:`dump` wrote.

    Raises:
        EngineError: it is damaged, or has a type that nothing registered in this process.
    """
    if not isinstance(data, list) or len(data) != 2 or data[0] != 1:
        raise EngineError(f"{data!r:.200} is not the structure of a pytree")
    _check(data[1], 0)
    try:
        return pytree.treespec_loads(json.dumps(data))
    except Exception as error:  # from the functions that a type was registered with
        raise EngineError(f"a pytree's structure cannot be read: {type(error).__name__}: {error}") from error


def _check(node: Any, depth: int) -> None:
    if depth > _MAX_DEPTH:
        raise EngineError(f"a pytree is nested more than {_MAX_DEPTH} levels deep")
    children = node.get("children_spec") if isinstance(node, dict) else None
    if not isinstance(children, list) or node.keys() != {"type", "context", "children_spec"}:
        raise EngineError(f"{node!r:.200} is no node of a pytree")
    for child in children:
        _check(child, depth + 1)
    kind, context = node["type"], node["context"]
    if kind is None:
        fits = context is None and not children
    elif not isinstance(kind, str) or kind.endswith(_REFUSED) or kind not in pytree.SERIALIZED_TYPE_TO_PYTHON_TYPE:
        raise _unregistered(kind)
    else:
        fits = _context_fits(kind, context, len(children))
    if not fits:
        raise EngineError(
            f"a pytree cannot have a {kind or 'leaf'} of {len(children)} with the context {context!r:.200}"
        )


def _context_fits(kind: str, context: Any, count: int) -> bool:
    """Whether what is kept beside a node's children is what PyTorch would have written."""
    if kind == "collections.defaultdict":
        return (
            isinstance(context, dict)
            and context.keys() == {"default_factory_module", "default_factory_name", "dict_context"}
            and context["default_factory_module"] == "builtins"
            and context["default_factory_name"] in _FACTORIES
            and _are_keys(context["dict_context"], count)
        )
    if kind == "collections.namedtuple":
        named = pytree.SERIALIZED_TYPE_TO_PYTHON_TYPE.get(context) if isinstance(context, str) else None
        if named is None:
            raise _unregistered(context)
        return len(getattr(named, "_fields", ())) == count
    if pytree.SUPPORTED_SERIALIZED_TYPES[pytree.SERIALIZED_TYPE_TO_PYTHON_TYPE[kind]].from_dumpable_context:
        return True  # read by the package that registered the type
    try:
        value = json.loads(context, object_hook=_known_enum)
    except (TypeError, ValueError, RecursionError):
        return False
    if kind == "collections.deque":
        return value is None or (type(value) is int and value >= count)
    return _are_keys(value, count) if kind in _MAPPINGS else value is None or kind not in _SEQUENCES


def _are_keys(value: Any, count: int) -> bool:
    scalars = (str, int, float, enum.Enum, type(None))
    return (
        isinstance(value, list)
        and all(isinstance(key, scalars) for key in value)
        and len(value) == len(set(value)) == count
    )


def _known_enum(value: dict[str, Any]) -> Any:
    """A member of an enum, found without an import; everything else as it is."""
    if "__enum__" not in value:
        return value
    module, _, path = str(value.get("fqn")).partition(":")
    known: Any = sys.modules.get(module)
    for part in path.split("."):
        known = vars(known).get(part) if hasattr(known, "__dict__") else None
    if not isinstance(known, enum.EnumMeta) or value.get("name") not in known.__members__:
        raise _unregistered(value.get("fqn"))
    return known[value["name"]]


def _unregistered(kind: object) -> EngineError:
    return EngineError(
        f"a pytree has a node of the type {kind!r:.80}, which is not registered here. Import the package that defines "
        "it before torch2trt.load"
    )
