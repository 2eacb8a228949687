"""Damaged, edited and hostile files: an EngineError or the module that was saved, never anything else.

``TORCH2TRT_FUZZ_SECONDS=600`` tries for that long, from a new seed each time; a failure names its seed.
"""

import contextlib
import copy
import io
import json
import os
import random
import sys
import time
import zipfile

import pytest
import torch
import torch2trt
from torch2trt import EngineError, Input, InputError
from torch2trt.runtime.manifest import digest

#: what stands in a manifest's places instead; the modules are in the standard library and imported by nobody
VALUES = (
    *(None, True, False, 0, 1, -1, 2**31, 2**70, 0.5, float("nan"), "", "x", "float32", "float33", "base", "engine"),
    *([], {}, [[]], [1, 2, 3], [0, 0, 0], {"type": None, "context": None, "children_spec": []}, "builtins.dict"),
    *("torch.Size", "collections.deque", "NO_SERIALIZED_TYPE_NAME_FOUND", "[]", '["a"]', "[[1]]", "3", "null", "{"),
    '[{"__enum__": true, "fqn": "antigravity:Flight", "name": "X"}]',
    {"type": "collections.namedtuple", "context": "collections.OrderedDict", "children_spec": []},
    {
        "type": "collections.defaultdict",
        "context": {"default_factory_module": "this", "default_factory_name": "s", "dict_context": []},
        "children_spec": [],
    },
)
NEVER_IMPORTED = ("antigravity", "this")


def model(x, other, scale=2):
    x.add_(1)
    return {"y": x * scale, "n": x.shape[0]}, [other["z"], None, 3]


@pytest.fixture(scope="module")
def module():
    inputs = [Input(min=(1, 4), max=(8, 4)), {"z": torch.ones(2)}]
    return torch2trt.convert(model, inputs)


@pytest.fixture(scope="module")
def whole(module, tmp_path_factory):
    """A saved module, as bytes."""
    path = tmp_path_factory.mktemp("files") / "model.trt"
    module.save(path)
    return path.read_bytes()


def archive(members, compression=zipfile.ZIP_STORED):
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", compression) as made, contextlib.suppress(UserWarning):
        for name, content in members:
            made.writestr(name, content)
    return file.getvalue()


def members_of(content):
    with zipfile.ZipFile(io.BytesIO(content)) as opened:
        return [(name, opened.read(name)) for name in opened.namelist()]


def damaged_bytes(rng, whole):
    content = bytearray(whole)
    for _ in range(rng.choice((1, 1, 2, 8, 64))):
        start = rng.randrange(len(content))
        # the directory at the end is small and says the most
        start = rng.choice((start, max(0, len(content) - 1 - rng.randrange(200)), rng.randrange(60)))
        stop = start + rng.choice((1, 1, 1, 4, 100, 10_000))
        change = rng.randrange(4)
        if change == 0:
            content[start : start + 1] = bytes([rng.randrange(256)])
        elif change == 1:
            del content[start:stop]
        elif change == 2:
            content[start:start] = content[start:stop]
        else:
            content[start:stop] = rng.choice((b"", b"\0", b"\xff")) * (stop - start)
        if not content:
            break
    return bytes(content)


def other_members(rng, whole):
    members = members_of(whole)
    for _ in range(rng.choice((1, 1, 2))):
        change, index = rng.randrange(6), rng.randrange(len(members)) if members else 0
        if change == 0 and members:
            del members[index]
        elif change == 1 and members:
            members.append(members[index])
        elif change == 2:
            members.append((rng.choice(("../x", "/etc/x", "engine/", "x", "manifest.json")), b"x"))
        elif change == 3 and members:
            members[index] = (rng.choice(("Engine", "./engine", "x")), members[index][1])
        elif change == 4 and members:
            members[index] = (
                members[index][0],
                rng.choice((b"", b"{}", b"[" * 100_000, b"\xff", b"[1e999]", b"7" * 9999)),
            )
        else:
            rng.shuffle(members)
    return archive(members, rng.choice((zipfile.ZIP_STORED, zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)))


def edit(rng, value):
    """Change something somewhere in a JSON value."""
    places = list(value) if isinstance(value, dict) else list(range(len(value)))
    if not places:
        return
    place = rng.choice(places)
    if isinstance(value[place], (dict, list)) and value[place] and rng.random() < 0.85:
        edit(rng, value[place])
        return
    change = rng.randrange(5)
    if change == 0:
        del value[place]
    elif change == 1 and isinstance(value, dict):
        value[rng.choice(("x", "name", "kind", ""))] = value[place]
    elif change == 2 and isinstance(value, list):
        value.append(copy.deepcopy(value[place]))
    elif change == 3:
        value[place] = [value[place]]
    else:
        value[place] = copy.deepcopy(rng.choice(VALUES))


def edited_manifest(rng, whole):
    members = dict(members_of(whole))
    manifest = json.loads(members["manifest.json"])
    for _ in range(rng.choice((1, 1, 2, 5))):
        edit(
            rng,
            rng.choice((manifest, manifest["signature"])) if isinstance(manifest.get("signature"), dict) else manifest,
        )
    signed = rng.random() < 0.7
    if signed:
        manifest["digest"] = digest(manifest)
    return archive([("manifest.json", json.dumps(manifest)), ("engine", members["engine"])]), signed


def try_one(rng, whole, module, path):
    """Load a file that is damaged in some way."""
    how = rng.choice((damaged_bytes, other_members, edited_manifest, edited_manifest))
    made = how(rng, whole)
    content, signed = made if isinstance(made, tuple) else (made, False)
    path.write_bytes(content)
    try:
        loaded = torch2trt.load(path)
    except EngineError:
        return
    assert loaded.serialized == module.serialized
    if not signed:
        assert loaded.signature == module.signature
        return
    # somebody made all of it up, and it is consistent: calls are checked against it as against any other
    repr(loaded)
    loaded.manifest()
    for args in ((), (torch.ones(2, 4),), (torch.ones(2, 4), {"z": torch.ones(2)}), (1, 2, 3, 4)):
        with contextlib.suppress(InputError):
            loaded.signature.flatten(args, {})


def test_a_damaged_file_is_an_engine_error_or_the_module_that_was_saved(whole, module, tmp_path):
    seconds = float(os.environ.get("TORCH2TRT_FUZZ_SECONDS", "0"))
    first = random.randrange(2**32) if seconds else 0
    end, count = time.monotonic() + seconds, 0
    while count < 600 or time.monotonic() < end:
        seed = first + count
        try:
            try_one(random.Random(seed), whole, module, tmp_path / "model.trt")
        except BaseException as error:
            error.add_note(f"seed {seed}")
            raise
        count += 1
    print(f"{count} files from seed {first}")
    assert not set(NEVER_IMPORTED) & sys.modules.keys()
