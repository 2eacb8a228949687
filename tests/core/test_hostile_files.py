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
from torch2trt.packs.brought import OWN
from torch2trt.runtime.manifest import digest
from torch2trt.runtime.operators import _INTERNAL

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


class Parts(torch.nn.Module):
    """What PyTorch runs the eigenvalues and a branch of."""

    def __init__(self):
        super().__init__()
        self.scale = torch.nn.Parameter(torch.tensor([1.0, 2.0]))

    def forward(self, x, other):
        scale = self.scale
        y = torch.cond(x.sum() > 0, lambda x: torch.linalg.eigvalsh(x) * scale, lambda x: x[0] - scale, (x.sin(),))
        return {"y": y.cos(), "n": 2}, [other["z"] @ torch.linalg.inv_ex(x + torch.arange(2.0).diag())[0], scale * 2]


@pytest.fixture(scope="module")
def module():
    inputs = [Input(min=(1, 4), max=(8, 4)), {"z": torch.ones(2)}]
    return torch2trt.convert(model, inputs)


@pytest.fixture(scope="module")
def hybrid():
    inputs = [torch.eye(2), {"z": torch.ones(2)}]
    return torch2trt.convert(Parts(), inputs, fallback=True, min_segment=1, run_in_torch=["aten.mul.Tensor"])


def contents(module, folder):
    path = folder / "model.trt"
    module.save(path)
    return path.read_bytes()


@pytest.fixture(scope="module")
def whole(module, tmp_path_factory):
    """A saved module, as bytes."""
    return contents(module, tmp_path_factory.mktemp("files"))


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
        parts = [manifest.get(name) for name in ("signature", "hybrid")]
        edit(rng, rng.choice([manifest, *(part for part in parts if isinstance(part, dict))]))
    signed = rng.random() < 0.7
    if signed:
        manifest["digest"] = digest(manifest)
    return archive([*members.items(), ("manifest.json", json.dumps(manifest))][1:]), signed


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
        assert loaded.manifest() == module.manifest()
        return
    # somebody made all of it up, and it is consistent: calls are checked against it as against any other
    repr(loaded)
    loaded.manifest()
    for args in ((), (torch.ones(2, 4),), (torch.ones(2, 4), {"z": torch.ones(2)}), (1, 2, 3, 4)):
        with contextlib.suppress(InputError):
            loaded.signature.flatten(args, {})


@pytest.mark.parametrize("kind", ["module", "hybrid"])
def test_a_damaged_file_is_an_engine_error_or_the_module_that_was_saved(kind, request, tmp_path):
    module = request.getfixturevalue(kind)
    whole = contents(module, tmp_path)
    seconds = float(os.environ.get("TORCH2TRT_FUZZ_SECONDS", "0"))
    first = random.randrange(2**32) if seconds else 0
    end, count = time.monotonic() + seconds, 0
    while count < (600 if kind == "module" else 300) or time.monotonic() < end:
        seed = first + count
        try:
            try_one(random.Random(seed), whole, module, tmp_path / "model.trt")
        except BaseException as error:
            error.add_note(f"seed {seed}")
            raise
        count += 1
    print(f"{count} files from seed {first}")
    assert not set(NEVER_IMPORTED) & sys.modules.keys()


def forged(whole, change):
    """The file of a hybrid whose manifest somebody changed, digest and all."""
    members = dict(members_of(whole))
    manifest = json.loads(members["manifest.json"])
    change(manifest["hybrid"])
    manifest["digest"] = digest(manifest)
    return archive([*members.items(), ("manifest.json", json.dumps(manifest))][1:])


def first_call(**changes):
    return lambda hybrid: hybrid["torch"][0]["program"][0].update(changes)


def argument(value):
    return lambda hybrid: hybrid["torch"][0]["program"][0]["args"].__setitem__(0, value)


PACK = {"name": "base", "distribution": "", "version": ""}
FORGERIES = {
    "a file to read": (first_call(target="aten.from_file.default", args=["/etc/passwd"]), "a file may not name"),
    "TorchScript's": (first_call(target="aten.save.default"), "no operator"),
    "in place": (first_call(target="aten.relu_.default"), "a file may not name"),
    "compilers'": (first_call(target="inductor._reinterpret_tensor.default"), "own use"),
    "a function": (first_call(target="os.system", level="function", pack=None), "no operator that a file may name"),
    "a pack's function": (first_call(target="os.system", level="function", pack=PACK), "claims no such call"),
    "an import": (first_call(target="antigravity.fly.default"), "import the package"),
    "a getter": (first_call(target="operator.attrgetter"), "no operator that a file may name"),
    "a loop's": (first_call(target="higher_order.triton_kernel_wrapper_functional"), "no operator"),
    "no pack": (first_call(pack={**PACK, "name": "nobody"}), "which is not loaded here"),
    "half a pack": (first_call(pack={}), "calls that cannot be used"),
    "a class": (argument({"object": ["subprocess.Popen", []]}), "calls that cannot be used"),
    "a module": (argument({"module": [{"object": ["torch.nn.modules.linear.Linear", []]}, []]}), "cannot be used"),
    "no such kind": (argument({"pickle": "gASVAAAA"}), "cannot be used"),
    "two kinds": (argument({"tensor": 0, "ref": 1}), "cannot be used"),
    "no value": (argument({"ref": ["input", "nothing", None]}), "nothing that was computed before"),
    "its own": (argument({"ref": ["call", "le", None]}), "cannot be used"),
    "no tensor": (argument({"tensor": -1}), "cannot be used"),
    "a true tensor": (argument({"tensor": 9}), "cannot be used"),
    "no dtype": (argument({"dtype": "load"}), "PyTorch has no dtype 'load'"),
    "no device": (argument({"device": "nowhere"}), "cannot be used"),
    "deep": (argument(json.loads("[" * 300 + "]" * 300)), ""),
    "results": (first_call(results=-1), "is no call of"),
    "twice": (lambda h: h["torch"][0]["program"].append(h["torch"][0]["program"][0]), "is no call of"),
    "an output": (lambda h: h["outputs"][0].__setitem__(1, "text"), "neither a value of the program nor a number"),
    "no outputs": (lambda h: h["outputs"].clear(), "not those of its signature"),
    "order": (lambda h: h["segments"].reverse(), ""),
    "no parts": (lambda h: h["segments"].clear(), "not those that it lists"),
    "two names": (lambda h: h["engines"][0]["inputs"].extend(h["engines"][0]["inputs"]), "two tensors of an engine"),
    "numbers": (lambda h: h["engines"][0]["numbers"].append("x"), "gives numbers that it has not"),
    "sizes": (lambda h: h["engines"][0]["inputs"][0][1].update(ranges=[[3, 2, 1]]), "has the sizes"),
    "constants": (lambda h: h["constants"].extend(h["constants"][:1]), "is no new value"),
    "tensors": (lambda h: h["tensors"]["entries"][0].update(shape=[2**40]), "bytes where a tensor has"),
    "fewer tensors": (lambda h: h["tensors"]["entries"].clear(), "more than its tensors have"),
    "engines": (lambda h: h["engines"].pop(), "other members than its manifest says"),
}


@pytest.mark.parametrize("forgery", FORGERIES)
def test_what_somebody_makes_up_of_a_hybrid_is_an_engine_error(forgery, hybrid, tmp_path):
    change, message = FORGERIES[forgery]
    path = tmp_path / "model.trt"
    path.write_bytes(forged(contents(hybrid, tmp_path), lambda _: None))
    torch2trt.load(path)
    path.write_bytes(forged(contents(hybrid, tmp_path), change))
    if forgery in ("order", "deep"):  # which may be what somebody wants
        with contextlib.suppress(EngineError):
            torch2trt.load(path)
    else:
        with pytest.raises(EngineError, match=message):
            torch2trt.load(path)
    assert not set(NEVER_IMPORTED) & sys.modules.keys()


def test_all_libraries_of_operators_of_a_bare_pytorch_are_known():
    code = "import torch; print(*{name.partition('::')[0] for name in torch._C._dispatch_get_all_op_names()})"
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.split()
    assert {*OWN} < {*found} <= {*OWN} | _INTERNAL


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


@pytest.mark.slow
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
