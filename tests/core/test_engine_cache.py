"""Engines from one conversion to the next: which are taken, and which are built again."""

import os
import subprocess
import sys

import numpy as np
import pytest
import torch
import torch2trt
from torch import nn
from torch2trt import CacheError, converter, explain, lib, trt
from torch2trt.cache.place import store_of
from torch2trt.network import build, key
from torch2trt.network.engines import engines_of
from torch2trt.runtime.engine import Engine

from .packs import Pack, with_installed

pytestmark = pytest.mark.filterwarnings("ignore::torch2trt.ReferenceRuntimeWarning")
INPUTS = [torch.linspace(-1, 1, 8).reshape(2, 4)]


@pytest.fixture(autouse=True)
def folder(monkeypatch, tmp_path):
    monkeypatch.setenv("TORCH2TRT_CACHE_LIMIT", "1G")
    monkeypatch.setenv("TORCH2TRT_CACHE", str(tmp_path / "default"))
    return tmp_path / "default"


@pytest.fixture
def builds(monkeypatch):
    """What was built."""
    done = []
    original = build._build
    monkeypatch.setattr(build, "_build", lambda *arguments: done.append(arguments) or original(*arguments))
    return done


def mlp(scale=1.0):
    torch.manual_seed(0)
    model = nn.Sequential(nn.Linear(4, 4), nn.ReLU()).eval()
    with torch.no_grad():
        model[0].weight *= scale
    return model


def entries(folder):
    return sorted(path.name for path in folder.glob("*.engine"))


def test_a_second_conversion_builds_nothing_and_gives_the_same_module(builds, folder):
    first, second = (torch2trt.convert(mlp(), INPUTS) for _ in range(2))
    assert len(builds) == len(entries(folder)) == 1
    assert first.serialized == second.serialized
    assert first.manifest() == second.manifest()
    assert second(*INPUTS).equal(first(*INPUTS))
    second.save(folder / "model.trt")
    assert torch2trt.load(folder / "model.trt").serialized == first.serialized


def test_lines_come_from_the_present_model(builds, tmp_path):
    scope = [{}, {}]
    for number, names in enumerate(scope):
        path = tmp_path / "model.py"
        path.write_text("\n" * number + "def model(x):\n    return x.sin()\n")
        exec(compile(path.read_text(), str(path), "exec"), names)
    first, second = (torch2trt.convert(names["model"], INPUTS) for names in scope)
    assert len(builds) == 1
    lines = [module.manifest()["engine"]["calls"][0]["source"] for module in (first, second)]
    assert [line.rpartition(":")[2] for line in lines] == ["2", "3"]


@pytest.mark.parametrize("damage", [lambda data: data[:-1], lambda data: data[:9] + b"\0" + data[10:], lambda _: b""])
def test_a_damaged_engine_is_built_and_written_again(builds, folder, damage):
    first = torch2trt.convert(mlp(), INPUTS)
    (path,) = folder.glob("*.engine")
    path.write_bytes(damage(path.read_bytes()))
    assert torch2trt.convert(mlp(), INPUTS).manifest()["engine"]["calls"] == first.manifest()["engine"]["calls"]
    assert len(builds) == 2
    torch2trt.convert(mlp(), INPUTS)
    assert len(builds) == 2


def test_an_engine_of_another_tensorrt_is_not_taken(builds):
    kept = {}
    torch2trt.convert(mlp(), INPUTS, cache=kept)
    ((name, engine),) = kept.items()
    kept[name] = Engine(engine.serialized, engine.flavor, "1.0")
    torch2trt.convert(mlp(), INPUTS, cache=kept)
    assert len(builds) == 2
    assert kept[name].version == engine.version


def test_where_engines_are_kept(builds, folder, tmp_path, monkeypatch):
    torch2trt.convert(mlp(), INPUTS, cache=False)
    monkeypatch.setenv("TORCH2TRT_CACHE_LIMIT", "0")
    torch2trt.convert(mlp(), INPUTS)
    assert not folder.exists()
    monkeypatch.setenv("TORCH2TRT_CACHE_LIMIT", "1G")
    for _ in range(2):
        torch2trt.convert(mlp(), INPUTS, cache=tmp_path / "other")
    torch2trt.convert(mlp(), INPUTS, build=False)
    assert not folder.exists()
    assert len(entries(tmp_path / "other")) == 1
    assert len(builds) == 3
    mapping = {}
    for _ in range(2):
        torch2trt.convert(mlp(), INPUTS, cache=mapping)
    assert len(builds) == 4
    assert len(mapping) == 1


def test_a_disk_that_takes_nothing_keeps_no_conversion_from_its_end(builds, tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.warns(torch2trt.CacheWarning, match="keeps nothing"):
        module = torch2trt.convert(mlp(), INPUTS, cache=tmp_path / "file" / "cache")
    assert module(*INPUTS).shape == (2, 4)


@pytest.mark.parametrize("value", [None, 3, "", b"x", ["/tmp"]])
def test_what_is_no_cache_is_said_at_once(value):
    with pytest.raises(ValueError, match="not True, False, a folder"):
        torch2trt.convert(mlp(), INPUTS, cache=value)


def test_a_file_or_a_limit_that_cannot_be_is_said(tmp_path, monkeypatch):
    (tmp_path / "model.trt").write_text("")
    with pytest.raises(ValueError, match="is a file; name a folder"):
        torch2trt.convert(mlp(), INPUTS, cache=str(tmp_path / "model.trt"))
    monkeypatch.setenv("TORCH2TRT_CACHE_LIMIT", "many")
    with pytest.raises(CacheError, match="TORCH2TRT_CACHE_LIMIT='many' is no size"):
        torch2trt.convert(mlp(), INPUTS)


def test_engines_are_a_mapping(folder):
    engines = engines_of(True)
    engine, name = Engine(b"engine", "rtx", "1", {"calls": [{"source": "model.py:3"}]}), "0" * 64
    assert len(engines) == 0
    assert engines.get(name) is None
    engines[name] = engine
    assert engines[name] == engine
    assert list(engines) == [name]
    assert next(iter(store_of(True))).about()["first"] == "model.py:3"
    del engines[name]
    assert name not in engines
    with pytest.raises(KeyError):
        del engines[name]
    assert engines_of(engines) is engines
    assert engines_of(False) is None


def test_settings_that_do_not_make_the_engine_do_not_make_its_key(builds):
    torch2trt.convert(mlp(), INPUTS)
    torch2trt.convert(mlp(), INPUTS, progress=False, verbose=False, runtime="reference", verify=True)
    assert len(builds) == 1
    torch2trt.convert(mlp(), INPUTS, workspace=2**28)
    torch2trt.convert(mlp(), INPUTS, compute_capabilities=["8.6"])
    torch2trt.convert(mlp(2.0), INPUTS)
    assert len(builds) == 4
    # whether weights are streamed does, how many does not; when kernels are compiled does not either
    for settings in ({"weight_streaming": 2**20}, {"weight_streaming": 0}, {"kernel_specialization": "eager"}):
        module = torch2trt.convert(mlp(), INPUTS, **settings)
        assert settings.items() <= module.manifest()["engine"]["settings"].items()
    assert len(builds) == 5


@pytest.mark.parametrize("reads", ["a constant", "weights that are not the core's", "an attribute"])
def test_what_a_converter_reads_elsewhere_makes_the_key_too(builds, reads):
    added = 1.0

    @converter("aten.relu.default")
    def relu(ctx, input):
        if reads == "a constant":
            return lib.add(ctx, lib.relu(ctx, input), torch.tensor([added]))
        if reads == "an attribute":
            layer = ctx.network.add_activation(input, trt.ActivationType.LEAKY_RELU)
            layer.alpha = added
            return layer.get_output(0)
        kept.append(np.full((1, 1), added, dtype=np.float32))
        constant = ctx.network.add_constant((1, 1), kept[-1]).get_output(0)
        return ctx.network.add_elementwise(input, constant, trt.ElementWiseOperation.MAX).get_output(0)

    kept = []

    packs = with_installed(Pack(relu))
    first = torch2trt.convert(mlp(), INPUTS, packs=packs)
    added = 2.0
    second = torch2trt.convert(mlp(), INPUTS, packs=packs)
    assert len(builds) == 2
    assert first.serialized != second.serialized


def test_a_helper_of_a_pack_that_changes_makes_another_key(tmp_path, monkeypatch):
    package = tmp_path / "package"
    (package / "inner").mkdir(parents=True)
    for name in ("__init__.py", "inner/__init__.py", "inner/converters.py", "helpers.py"):
        (package / name).write_text("")
    path = str(package / "inner" / "converters.py")
    before = key._code_digest(path)
    key._code_digest.cache_clear()
    assert key._code_digest(path) == before
    (package / "helpers.py").write_text("x = 1")
    key._code_digest.cache_clear()
    assert key._code_digest(path) != before
    assert key._code_digest("") == ""


def test_with_full_tensorrt_the_gpu_makes_the_key(monkeypatch):
    plan = explain(mlp(), INPUTS)
    keys = [key.engine_key(plan, plan.segments[0])]
    monkeypatch.setattr(key._trt, "FLAVOR", "tensorrt")
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "current_device", lambda: 0)
    for name in ("A", "B"):
        properties = type("Properties", (), {"name": name, "major": 8, "minor": 6, "total_memory": 1})
        properties.multi_processor_count = 1
        monkeypatch.setattr(torch.cuda, "get_device_properties", lambda _, properties=properties: properties)
        keys.append(key.engine_key(plan, plan.segments[0]))
    assert len(set(keys)) == 3


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16, torch.bool, torch.int64, torch.float8_e4m3fn])
def test_constants_are_digested_in_every_dtype_and_layout(dtype):
    tensor = torch.arange(6).reshape(2, 3).to(dtype)
    other = tensor.clone()
    assert key.digest(tensor) == key.digest(other) == key.digest(tensor.t().contiguous().t())
    other.view(-1).view(torch.uint8)[-1] ^= 1
    different = [other, tensor.reshape(3, 2), tensor[:1], tensor[:0], tensor[0, 0], tensor.view(torch.uint8)]
    assert len({key.digest(one) for one in (tensor, *different)}) == 7


SCRIPT = """
import sys, torch, torch2trt
from torch2trt.network import build
built, original = [], build._build
build._build = lambda *arguments: built.append(1) or original(*arguments)
model = torch.nn.Sequential(torch.nn.Linear(4, 4), torch.nn.ReLU()).eval()
torch.nn.init.ones_(model[0].weight), torch.nn.init.zeros_(model[0].bias)
module = torch2trt.convert(model, [torch.ones(2, 4)], runtime="reference")
assert module(torch.ones(2, 4)).eq(4).all()
print(len(built))
"""


@pytest.mark.slow
def test_other_processes_take_what_one_has_built(folder):
    # so that the order of sets and dicts of names is another one
    environments = [{**os.environ, "PYTHONHASHSEED": str(seed)} for seed in range(2)]
    command = [sys.executable, "-c", SCRIPT]
    done = [subprocess.run(command, env=e, capture_output=True, text=True, check=True) for e in environments]
    assert [run.stdout.strip() for run in done] == ["1", "0"]
    assert len(entries(folder)) == 1
