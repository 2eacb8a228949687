"""Plugins of the creators that TensorRT's registry has, by name; what is missing is named with what is there."""

from __future__ import annotations

import difflib
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from .._trt import trt
from ..errors import ConversionError, did_you_mean
from .fields import collection, data_of, field_of

#: a creator's name and version; of its namespace the registry does not tell
CreatorName = tuple[str, str]
#: how many creators a message names
_NEAR: Final = 5
#: what a creator says of a field of which it says nothing
_UNKNOWN: Final = "UNKNOWN"


def has_plugin_layers() -> bool:
    """Whether networks take plugins; those of TensorRT for RTX do not.  Without TensorRT, nobody can tell."""
    return hasattr(trt.INetworkDefinition, "add_plugin_v3")


#: why a call is not converted to a plugin there
NO_PLUGIN_LAYERS: Final = "networks of TensorRT for RTX take no plugins"


@dataclass(frozen=True, slots=True)
class MadeOf:
    """What a plugin was made of, which cannot be read back from a network."""

    creator: CreatorName
    namespace: str
    #: names, types and numbers
    fields: tuple[tuple[str, str, bytes], ...]


def creators() -> Counter[CreatorName]:
    """Those in TensorRT's registry; namespaces may have some of one name."""
    return Counter((creator.name, creator.plugin_version) for creator in trt.get_plugin_registry().all_creators)


def make_plugin(name: str, version: str, namespace: str, fields: Mapping[str, Any]) -> tuple[Any, MadeOf]:
    """The plugin that a registered creator makes of ``fields``.

    Raises:
        ConversionError: there is no such creator, it has no such field, or it makes no plugin of them.
    """
    registry = trt.get_plugin_registry()
    creator: Any = registry.get_creator(name, version, namespace)
    shown = _shown(name, version, namespace)
    if creator is None:
        raise ConversionError(
            f"no plugin creator {shown} is registered; {_near(name, registry.all_creators)}. A pack registers its "
            "creators, or loads its library, in the hook torch2trt_register_plugins"
        )
    kinds = {field.name: field.type.name for field in creator.field_names or ()}
    for given in fields:
        if given not in kinds:
            known = ", ".join(kinds) or "none"
            raise ConversionError(
                f"the plugin {shown} has no field {given!r}; its fields are: {known}{did_you_mean(given, kinds)}"
            )
    data = {given: data_of(given, value, kinds[given].replace(_UNKNOWN, "")) for given, value in fields.items()}
    # the collection has no memory of its own
    made = [field_of(given, *numbers) for given, numbers in data.items()]
    phase = (trt.TensorRTPhase.BUILD,) if isinstance(creator, trt.IPluginCreatorV3One) else ()
    plugin = creator.create_plugin(name, collection(made), *phase)
    if plugin is None:
        raise ConversionError(f"the creator of the plugin {shown} makes none of the fields {dict(fields)}")
    kept = tuple((given, kind, numbers.tobytes()) for given, (numbers, kind) in data.items())
    return plugin, MadeOf((name, version), namespace, kept)


def add_plugin(network: Any, inputs: Sequence[Any], shape_inputs: Sequence[Any], plugin: Any) -> Any:
    """The layer of a plugin in a network; :class:`ConversionError` where the network takes none."""
    if not has_plugin_layers():
        raise ConversionError(f"{NO_PLUGIN_LAYERS}: give the converter requires='tensorrt', so that it declines")
    if isinstance(plugin, trt.IPluginV3):
        layer = network.add_plugin_v3(list(inputs), list(shape_inputs), plugin)
    else:
        layer = network.add_plugin_v2(list(inputs), plugin)
    if layer is None:
        raise ConversionError("TensorRT made no layer of the plugin")
    return layer


def _shown(name: str, version: str, namespace: str) -> str:
    return f"{namespace}::{name} of version {version}" if namespace else f"{name} of version {version}"


def _near(name: str, creators: Iterable[Any]) -> str:
    """The registered creators whose names are most like ``name``."""
    every = {_described(creator): creator.name for creator in creators}
    close = sorted(every, key=lambda one: -difflib.SequenceMatcher(None, every[one].lower(), name.lower()).ratio())
    if not close:
        return "the registry is empty"
    more = f" and {len(close) - _NEAR} more" if len(close) > _NEAR else ""
    return f"there are {', '.join(close[:_NEAR])}{more}"


def _described(creator: Any) -> str:
    return _shown(creator.name, creator.plugin_version, creator.plugin_namespace)
