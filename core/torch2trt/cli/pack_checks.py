"""What ``torch2trt packs --check`` and ``torch2trt doctor`` find in packs."""

from __future__ import annotations

import inspect
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

from importlib_metadata import PackageNotFoundError, distribution
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from ..packs.converters import Converter, PackInfo
from ..packs.loading import Packs

_CORE: Final = "torch2trt-core"
#: what bounds a version above
_UPPER: Final = ("<", "<=", "==", "~=")
#: of a distribution's metadata, what it is in ``pyproject.toml``
_METADATA: Final = {"Summary": "a description", "Requires-Python": "requires-python"}
_LICENSES: Final = ("License-Expression", "License")


def lacks(pack: PackInfo, packs: Packs) -> list[str]:
    """What a pack lacks for others to rely on it."""
    found = _distribution(pack.distribution)
    own = [converter for converter in packs.converters if converter.pack == pack]
    return [
        *(_of_distribution(found) if found else ["a distribution; write a pyproject.toml with an entry point"]),
        *_of_package(packs.plugin(pack.name)),
        *_of_converters(own),
    ]


def unmet(name: str) -> list[str]:
    """What a distribution needs and is not here in the right version."""
    found = _distribution(name)
    missing = []
    for requirement in _requirements(found) if found else ():
        here = _distribution(requirement.name)
        if here is None:
            missing.append(f"{name} {found.version} needs {requirement}, which is not installed")
        elif not requirement.specifier.contains(here.version, prereleases=True):
            missing.append(f"{name} {found.version} needs {requirement}, here is {here.version}")
    return missing


def _distribution(name: str) -> Any:
    """An installed distribution; None where there is none."""
    try:
        return distribution(name) if name else None
    except PackageNotFoundError:
        return None


def _requirements(found: Any) -> list[Requirement]:
    """What it needs without extras, on this machine."""
    requirements = map(Requirement, found.requires or ())
    return [one for one in requirements if one.marker is None or one.marker.evaluate({"extra": ""})]


def _of_distribution(found: Any) -> Iterator[str]:
    metadata = found.metadata
    classifiers = metadata.get_all("Classifier") or ()
    for field, written in _METADATA.items():
        if not metadata.get(field):
            yield f"{written} in pyproject.toml"
    if not any(map(metadata.get, _LICENSES)) and not any(one.startswith("License ::") for one in classifiers):
        yield "a license in pyproject.toml"
    if not (metadata.get("Description") or metadata.get_payload()):
        yield "a readme in pyproject.toml"
    core = [one for one in _requirements(found) if canonicalize_name(one.name) == _CORE]
    if not core:
        yield f"the dependency {_CORE}, with the versions that it works with"
    elif not any(one.operator in _UPPER for one in core[0].specifier):
        yield f"an upper bound of {_CORE}, whose next minor version may change what packs rely on"


def _of_package(plugin: Any) -> Iterator[str]:
    file = getattr(plugin, "__file__", None)
    if file and not (Path(file).parent / "py.typed").exists():
        yield "a file py.typed, without which type checkers see none of its types"


def _of_converters(converters: list[Converter]) -> Iterator[str]:
    operators = {c.name: c for c in converters if c.target.overload is not None}
    bare = [name for name, one in operators.items() if not inspect.getdoc(one.function)]
    if bare:
        yield f"the schema as the docstring of {', '.join(bare[:5])}{f' and {len(bare) - 5} more' * (len(bare) > 5)}"
