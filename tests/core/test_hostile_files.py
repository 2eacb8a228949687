"""Damaged, edited and hostile files: an EngineError or the module that was saved, never anything else.

``TORCH2TRT_FUZZ_SECONDS=600`` tries for that long, from a new seed each time; a failure names its seed.
"""

import collections
import contextlib
import copy
import enum
import io
import json
import os
import random
import subprocess
import sys
import time
import tracemalloc
import zipfile

import pytest
import torch
import torch2trt
from torch2trt import EngineError, Input, InputError, TRTModule
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


def test_nothing_larger_than_the_file_is_read(whole, tmp_path):
    members = dict(members_of(whole))
    path = tmp_path / "bomb.trt"
    bomb = archive([("manifest.json", b" " * 50_000_000), ("engine", members["engine"])], zipfile.ZIP_DEFLATED)
    # and an entry that says it is stored, of 4 GB
    directory = whole.rindex(b"PK\x01\x02")
    sizes = whole[: directory + 20] + b"\xf0\xff\xff\xff" * 2 + whole[directory + 28 :]
    for content in (bomb, sizes):
        path.write_bytes(content)
        tracemalloc.start()
        try:
            with pytest.raises(EngineError, match="its member"):
                torch2trt.load(path)
            assert tracemalloc.get_traced_memory()[1] < 5_000_000
        finally:
            tracemalloc.stop()


def test_no_depth_of_nesting_is_too_much(whole):
    text, engine = (dict(members_of(whole))[name] for name in ("manifest.json", "engine"))
    manifest = json.loads(text)
    manifest["signature"]["out_spec"] = "deep"
    edited = json.dumps(manifest)
    tensor = torch.frombuffer(bytearray(engine), dtype=torch.uint8)
    limit = sys.getrecursionlimit()
    for depth in (*range(limit - 150, limit + 5), 10 * limit):
        deep = edited.replace('"deep"', "[" * depth + "]" * depth)
        with pytest.raises(EngineError):
            TRTModule().load_state_dict({"_extra_state": {"manifest": deep, "engine": tensor}})


def test_saves_of_many_processes_never_mix(module, tmp_path):
    path = tmp_path / "model.trt"
    other = torch2trt.convert(torch.nn.Linear(4, 300).eval(), [torch.ones(2, 4)])
    sources = [tmp_path / "one.trt", tmp_path / "other.trt"]
    for made, source in zip((module, other), sources, strict=True):
        made.save(source)
    module.save(path)
    code = "import sys, torch2trt; module = torch2trt.load(sys.argv[1]); [module.save(sys.argv[2]) for _ in range(100)]"
    writers = [subprocess.Popen([sys.executable, "-c", code, sources[index % 2], path]) for index in range(4)]
    seen = set()
    while any(writer.poll() is None for writer in writers):
        seen.add(torch2trt.load(path).serialized)
    assert [writer.returncode for writer in writers] == [0] * 4
    assert seen == {module.serialized, other.serialized}
    assert sorted(entry.name for entry in tmp_path.iterdir()) == ["model.trt", "one.trt", "other.trt"]


def test_a_save_leaves_other_files_alone_and_keeps_links_and_permissions(module, tmp_path):
    own, target, link, fresh = (tmp_path / name for name in ("x.trt.part", "x.trt", "link.trt", "fresh.trt"))
    own.write_text("mine")
    target.write_bytes(b"old")
    target.chmod(0o640)
    link.symlink_to(target.name)
    module.save(link)
    assert link.is_symlink()
    assert (own.read_text(), target.stat().st_mode & 0o777) == ("mine", 0o640)
    assert torch2trt.load(target).serialized == module.serialized
    umask = os.umask(0o027)
    try:
        module.save(os.fsencode(fresh))
    finally:
        os.umask(umask)
    assert fresh.stat().st_mode & 0o777 == 0o640
    assert {entry.name for entry in tmp_path.iterdir()} == {"x.trt.part", "x.trt", "link.trt", "fresh.trt"}


@pytest.mark.parametrize("error", [OSError(28, "No space left on device"), KeyboardInterrupt()])
def test_a_save_that_fails_keeps_the_old_file_and_leaves_nothing(module, tmp_path, monkeypatch, error):
    path = tmp_path / "model.trt"
    module.save(path)
    before = path.read_bytes()

    def write(archive, name, data):
        if name == "engine":
            raise error
        return original(archive, name, data)

    original = zipfile.ZipFile.writestr
    monkeypatch.setattr(zipfile.ZipFile, "writestr", write)
    with pytest.raises(type(error)) as caught:
        module.save(path)
    if isinstance(error, OSError):
        assert str(caught.value) == f"[Errno 28] No space left on device: '{path}'"
    assert path.read_bytes() == before
    assert [entry.name for entry in tmp_path.iterdir()] == ["model.trt"]


class Color(enum.Enum):
    RED = "r"


def test_what_dictionaries_and_their_kin_hold_comes_back(tmp_path):
    def model(x):
        return (
            {Color.RED: x + 1, None: [x, ()], 2.5: {"s": float("inf")}},
            collections.deque([x], maxlen=3),
            *(
                collections.defaultdict(list, {"a": -x}),
                collections.OrderedDict(b=x.shape[0]),
            ),
        )

    module = torch2trt.convert(model, [Input(min=(1,), max=(4,))])
    module.save(tmp_path / "model.trt")
    assert torch2trt.load(tmp_path / "model.trt").signature == module.signature
