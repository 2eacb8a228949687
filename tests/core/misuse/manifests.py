"""Manifests that somebody edited, with the digest of what they say now: none is believed."""

import json
import zipfile

import torch2trt
from torch2trt import EngineError
from torch2trt.runtime.manifest import digest

from . import Row

LEAF = {"type": None, "context": None, "children_spec": []}


def edited(name, *words, signed=True, **changes):
    """Loading a manifest with other values at paths such as ``engine__flavor``; a function changes what is there."""

    def call(place):
        with zipfile.ZipFile(place.file) as archive:
            data, engine = json.loads(archive.read("manifest.json")), archive.read("engine")
        for path, value in changes.items():
            *parts, last = (int(part) if part.isdigit() else part for part in path.split("__"))
            holder = data
            for part in parts:
                holder = holder[part]
            if value is ...:
                del holder[last]
            else:
                holder[last] = value(holder[last]) if callable(value) else value
        if signed:
            data["digest"] = digest(data)
        with zipfile.ZipFile(place.file, "w") as archive:
            archive.writestr("manifest.json", json.dumps(data))
            archive.writestr("engine", engine)
        torch2trt.load(place.file)

    return Row(f"a manifest with {name}", call, EngineError, ("model.trt'", *words))


def node(kind, context, *children):
    return [1, {"type": kind, "context": context, "children_spec": list(children)}]


def deep(spec):
    for _ in range(100):
        spec = [1, {"type": "builtins.list", "context": "null", "children_spec": [spec[1]]}]
    return spec


def buffer(name, path="kept"):
    return {"name": name, "path": path, "persistent": True}


def as_state(*paths, kind="state", ranges=(4, 4, 4)):
    """Changes that make buffers of the only input and of copies of it, written by as many outputs."""
    names = [f"x{index}" for index in range(len(paths))]
    return {
        "signature__inputs": [
            {"name": n, "dtype": "float32", "ranges": [list(ranges)], "values": [], "contiguous": False, "profiles": []}
            for n in names
        ],
        "signature__input_leaves": [],
        "signature__state": [buffer(*pair) for pair in zip(names, paths, strict=True)],
        "signature__output_leaves": [{"kind": kind, "name": n, "value": None, "dtype": ""} for n in names],
        "signature__outputs": [f"output_{index}" for index in range(len(paths))],
    }


FACTORY = {"default_factory_module": "antigravity", "default_factory_name": "fly", "dict_context": []}
OUT = "signature__out_spec"

FLOATS = {"dtype": "float32", "sizes": [2, 4]}
ONE = {"dtype": "float32", "sizes": [[1]]}

ROWS = [
    edited("another format", "has the format 'other'", "convert the model again", format="other"),
    edited("a later version", "version 99, this torch2trt reads", "convert the model again", format_version=99),
    edited("no engine", "the manifest misses 'engine'", "convert the model again", engine=...),
    edited("no signature", "the manifest misses 'signature'", signature=...),
    edited("no digest", "the manifest misses 'digest'", signed=False, digest=...),
    edited("no checksum", "the manifest.engine misses 'sha256'", engine__sha256=...),
    edited("no ranges", "inputs[0] misses 'ranges'", signature__inputs__0__ranges=...),
    edited("a foreign key", "the manifest.engine has a foreign 'code'", engine__code="import os"),
    edited("a list for the engine", "the manifest.engine is [], not dict", engine=[]),
    edited("a number for a flavor", "the manifest.engine.flavor is 3, not str", engine__flavor=3),
    edited("text for a budget", "weight_streaming='1G' is not a number", engine__settings__weight_streaming="1G"),
    edited("no strategy", "kernel_specialization=[] is not one", engine__settings__kernel_specialization=[]),
    edited("a size that is text", "ranges[0] is '1', not int", signature__inputs__0__ranges__0__0="1"),
    edited("a size that is yes", "is True, not int", signature__inputs__0__ranges__0__0=True),
    edited("a range of two", "ranges[0] has 2 entries, not 3", signature__inputs__0__ranges__0=[1, 2]),
    edited("a profile of text", "profiles[0][0] is 'x', not int", signature__inputs__0__profiles=[[["x", 1, 1]]]),
    edited("a profile of more", "has a profile of the sizes", signature__inputs__0__profiles=[[[1, 2, 99], [4, 4, 4]]]),
    edited("a profile of less", "has a profile of the sizes", signature__inputs__0__profiles=[[[1, 1, 1]]]),
    edited("a constant that is a list", "value is [], not", signature__input_leaves__0__value=[]),
    edited("an output of no dtype", "a leaf has the dtype 'load'", signature__output_leaves__0__dtype="load"),
    edited("an output cast for nothing", "the dtype 'float32'", signature__output_leaves__0__dtype="float32"),
    edited("more outputs than there are", "outputs and their leaves differ", signature__output_specs=[FLOATS] * 3),
    edited("a size of an output that is a list", "is [1], not int or str", signature__output_specs=[ONE]),
    edited("an edit", "its digest is not that of its contents", signed=False, host__gpu="a better one"),
    edited("another flavor", "built with the flavor 'other'", "or convert again", engine__flavor="other"),
    edited("another TensorRT", "built with TensorRT 9.9", "install that version", engine__version="9.9"),
    edited("another checksum", "the engine in", "is damaged", engine__sha256="0" * 64),
    edited("another length", "is damaged", engine__bytes=3),
    edited(
        "plugins that are not here",
        "needs the TensorRT plugins of the pack 'fast' (distribution fast-ops 1.0)",
        "pip install fast-ops",
        engine__plugins=[{"name": "fast", "distribution": "fast-ops", "version": "1.0"}],
    ),
    edited("a dtype that does not exist", "has the dtype 'float33'", signature__inputs__0__dtype="float33"),
    edited("a dtype that TensorRT lacks", "has the dtype 'complex64'", signature__inputs__0__dtype="complex64"),
    edited("a complex input of no pairs", "a complex input is no pair", signature__input_leaves__0__kind="complex"),
    edited("a range upside down", "has the sizes", signature__inputs__0__ranges__0=[8, 4, 1]),
    edited("an input that no leaf has", "its inputs and their leaves differ", signature__inputs__0__name="z"),
    edited("a leaf too few", "inputs and their leaves differ", signature__input_leaves=[]),
    edited("an unknown leaf", "a leaf is 'magic'", signature__output_leaves__0__kind="magic"),
    edited("a buffer of nothing", "inputs and their leaves differ", signature__state=[buffer("z")]),
    edited("a buffer for an input", "buffers and their new values differ", **as_state("kept", kind="tensor")),
    edited("a buffer that varies in size", "a buffer has no fixed size", **as_state("kept", ranges=[1, 4, 8])),
    edited("a buffer of no place", "impossible places", **as_state("inner..kept")),
    edited("a buffer in a buffer", "impossible places", **as_state("inner", "inner.kept")),
    edited("an output too many", "its outputs and their leaves differ", signature__outputs=["a", "b", "c"]),
    edited("a structure of other inputs", "its inputs are no call's", signature__in_spec=[1, LEAF]),
    edited("a structure of no inputs", "structures and leaves differ", **{OUT: [1, LEAF]}),
    edited("a structure of another protocol", "is not the structure of a pytree", **{OUT: [2, LEAF]}),
    edited("a structure that is no tree", "is no node of a pytree", **{OUT: [1, {"type": None}]}),
    edited("a deep structure", "nested more than 64 levels deep", **{OUT: deep}),
    edited("a leaf with children", "cannot have a leaf of 1", **{OUT: node(None, None, LEAF)}),
    edited(
        "a dict of other keys", "a pytree cannot have a builtins.dict of 1", **{OUT: node("builtins.dict", "[]", LEAF)}
    ),
    edited("keys that cannot be keys", "cannot have a builtins.dict", **{OUT: node("builtins.dict", "[[1]]", LEAF)}),
    edited("a type of nobody", "'evil.Type', which is not registered here", **{OUT: node("evil.Type", "null")}),
    edited(
        "a type without a name",
        "not registered here. Import the package",
        **{OUT: node("NO_SERIALIZED_TYPE_NAME_FOUND", "null")},
    ),
    edited(
        "a factory to import",
        "cannot have a collections.defaultdict",
        **{OUT: node("collections.defaultdict", FACTORY)},
    ),
    edited(
        "an enum to import",
        "'antigravity:Flight', which is not registered here",
        **{OUT: node("builtins.dict", '[{"__enum__": true, "fqn": "antigravity:Flight", "name": "X"}]', LEAF)},
    ),
    edited(
        "a tuple to import", "'os.terminal_size', which is", **{OUT: node("collections.namedtuple", "os.terminal_size")}
    ),
]
