"""Kernels that TensorRT for RTX compiles, kept from one process to the next: against a stand-in, and on a GPU."""

import gc
import hashlib
import json
import os
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor

import pytest
import torch
import torch2trt
from torch2trt.cache import store
from torch2trt.cache.entry import Entry
from torch2trt.cache.store import Store
from torch2trt.runtime import kernels
from torch2trt.runtime.engine import Engine as Made
from torch2trt.runtime.kernels import Kernels

DEVICE = torch.device("cuda", 0)
MADE = Made(b"engine", "rtx", "1.6.1")


class RuntimeCache:
    """As ``trt.IRuntimeCache``: it takes no bytes but its own, and leaves itself unchanged then."""

    def __init__(self):
        self.compiled = b""
        self.serialized = 0

    def serialize(self):
        self.serialized += 1
        return memoryview(b"rtx" + self.compiled)

    def deserialize(self, blob):
        if not blob.startswith(b"rtx"):
            return False
        self.compiled = blob[3:]
        return True


class AnyConfig:
    """As ``trt.IRuntimeConfig`` of full TensorRT, which has no cache."""

    strategy = None

    def set_execution_context_allocation_strategy(self, strategy):
        self.strategy = strategy.name


class Config(AnyConfig):
    accepts = True

    def create_runtime_cache(self):
        self.created = RuntimeCache()
        return self.created

    def set_runtime_cache(self, cache):
        self.cache = cache
        return self.accepts


class Engine:
    """As ``trt.ICudaEngine`` of RTX."""

    num_optimization_profiles = 1

    def create_runtime_config(self):
        self.config = Config()
        return self.config

    def create_execution_context(self, config):
        return ("context", config)


class FullEngine:
    """As ``trt.ICudaEngine`` of full TensorRT, whose configurations have no cache."""

    num_optimization_profiles = 1

    def create_runtime_config(self):
        self.config = AnyConfig()
        return self.config

    def create_execution_context(self, config):
        return ("context", config)


@pytest.fixture(autouse=True)
def machine(monkeypatch):
    """The machine that kernels are for, which a test changes."""
    here = {"gpu": "NVIDIA H100", "capability": "9.0", "driver": "13000", "cuda": "13.0", "tensorrt": "rtx 1.6.1"}
    monkeypatch.setattr(kernels, "_machine", lambda device: dict(here))
    return here


@pytest.fixture
def kept(tmp_path):
    return Store(tmp_path, 2**20)


def made(kept, serialized=b"engine"):
    engine = Engine()
    return Kernels(engine, Made(serialized, "rtx", "1.6.1"), kept, DEVICE), engine


def test_a_second_session_begins_with_the_kernels_of_the_first(kept):
    first, engine = made(kept)
    assert first.new_context() == ("context", engine.config)
    assert engine.config.cache is engine.config.created
    engine.config.cache.compiled = b"kernels"
    first.ran()
    second, engine = made(kept)
    assert engine.config.cache.compiled == b"kernels"
    assert second.config is engine.config
    assert [stored.about()["gpu"] for stored in kept] == ["NVIDIA H100"]


def test_kernels_are_of_one_engine_one_gpu_and_its_driver(kept, machine):
    _, engine = made(kept)
    first = made(kept)[0]
    first._kept.cache.compiled = b"kernels"
    first.ran()
    for name in machine:
        machine[name] += "x"
        _, engine = made(kept)
        assert engine.config.cache.compiled == b"", name
        machine[name] = machine[name][:-1]
    _, engine = made(kept, b"other engine")
    assert engine.config.cache.compiled == b""
    specialized = Engine()
    Kernels(specialized, MADE, kept, DEVICE, "lazy")
    assert specialized.config.cache.compiled == b""
    assert made(kept)[1].config.cache.compiled == b"kernels"


def test_an_engine_with_other_weights_has_the_kernels_of_the_first(kept):
    first, engine = made(kept)
    engine.config.cache.compiled = b"kernels"
    first.ran()
    again = Engine()
    Kernels(again, Made(b"refitted", "rtx", "1.6.1", kernels=MADE.digest), kept, DEVICE)
    assert again.config.cache.compiled == b"kernels"


def test_they_are_written_where_there_are_new_ones_and_a_bounded_number_of_times(kept, monkeypatch):
    written = []
    monkeypatch.setattr(Store, "put", lambda self, kind, key, entry: written.append(entry.parts[0]))
    session, engine = made(kept)
    cache = engine.config.cache
    for number in range(1, 200):
        if number in (3, 100):  # compiled in the background
            cache.compiled += b"k"
        session.ran()
    assert written == [b"rtxk"]
    assert cache.serialized == 1 + 7
    del session
    gc.collect()
    assert written == [b"rtxk", b"rtxkk"]


def test_a_session_that_compiles_nothing_writes_nothing(kept, monkeypatch):
    before, engine = made(kept)
    engine.config.cache.compiled = b"kernels"
    idle, _ = made(kept)
    before.ran()
    monkeypatch.setattr(Store, "put", lambda *_: pytest.fail("written"))
    session, _ = made(kept)
    session.ran()
    idle.ran()  # it knows less than the file
    del session, idle
    gc.collect()


@pytest.mark.parametrize("damage", ["file", "kernels"])
def test_damaged_kernels_are_compiled_again(kept, damage):
    first, engine = made(kept)
    engine.config.cache.compiled = b"kernels"
    first.ran()
    (stored,) = kept
    if damage == "file":
        stored.path.write_bytes(stored.path.read_bytes()[:-3])
    else:  # what TensorRT itself refuses
        kept.put(stored.kind, stored.key, Entry({}, (b"of another driver",)))
    second, engine = made(kept)
    assert engine.config.cache.compiled == b""
    engine.config.cache.compiled = b"again"
    second.ran()
    assert made(kept)[1].config.cache.compiled == b"again"


def test_where_nothing_is_kept_a_context_is_made_as_ever(kept):
    engine, full = Engine(), FullEngine()
    session = Kernels(engine, MADE, None, DEVICE)
    session.ran()
    assert session.new_context() == ("context", engine.config)
    assert not hasattr(engine.config, "cache")
    session = Kernels(full, MADE, kept, DEVICE)
    session.ran()
    assert session.new_context() == ("context", full.config)
    refusing = type("Refusing", (Engine,), {"create_runtime_config": lambda _: type("C", (Config,), {"accepts": 0})()})
    Kernels(refusing(), MADE, kept, DEVICE).ran()
    assert list(kept) == []


@pytest.mark.parametrize("engine", [Engine(), FullEngine()])
@pytest.mark.parametrize("folder", [True, False])
def test_contexts_have_no_scratch_memory_of_their_own(kept, engine, folder):
    Kernels(engine, MADE, kept if folder else None, DEVICE)
    assert engine.config.strategy == "USER_MANAGED"


def test_one_thread_makes_a_context_at_a_time(kept):
    class Slow(Engine):
        inside, most = 0, 0

        def create_execution_context(self, config):
            self.inside += 1
            self.most = max(self.most, self.inside)
            time.sleep(0.01)
            self.inside -= 1
            return "context"

    engine = Slow()
    session = Kernels(engine, MADE, kept, DEVICE)
    with ThreadPoolExecutor(4) as threads:
        assert [future.result() for future in [threads.submit(session.new_context) for _ in range(8)]] == [
            "context"
        ] * 8
    assert engine.most == 1


@pytest.mark.parametrize("strategy", [None, "lazy", "eager", "none"])
def test_kernels_of_a_shape_are_compiled_when_that_was_asked_for_and_else_never(kept, strategy):
    pytest.importorskip("tensorrt_rtx")
    engine = Engine()
    Kernels(engine, MADE, None, DEVICE, strategy)
    assert engine.config.dynamic_shapes_kernel_specialization_strategy.name == (strategy or "none").upper()


def test_a_disk_that_takes_nothing_keeps_no_call_from_its_end(tmp_path):
    store._warn_once.cache_clear()
    (tmp_path / "file").write_text("")
    session, engine = made(Store(tmp_path / "file" / "cache", 2**20))
    engine.config.cache.compiled = b"kernels"
    with pytest.warns(torch2trt.CacheWarning, match="keeps nothing"):
        session.ran()
    session.ran()


def test_the_runtime_cache_of_tensorrt_is_what_the_stand_in_is():
    trt = pytest.importorskip("tensorrt_rtx")
    for name in (
        "dynamic_shapes_kernel_specialization_strategy",
        "create_runtime_cache",
        "set_runtime_cache",
        "set_execution_context_allocation_strategy",
    ):
        assert hasattr(trt.IRuntimeConfig, name)
    for name in ("serialize", "deserialize"):
        assert hasattr(trt.IRuntimeCache, name)
    assert hasattr(trt.ICudaEngine, "create_runtime_config")


SCRIPT = """
import json, sys, time, torch, torch2trt
from torch2trt import Input
model = torch.nn.Sequential(torch.nn.Conv2d(3, 16, 3), torch.nn.ReLU(), torch.nn.Conv2d(16, 16, 3)).eval()
for parameter in model.parameters():
    torch.nn.init.constant_(parameter, 0.01)
module = torch2trt.convert(model.cuda(), [Input(min=(1, 3, 32, 32), max=(8, 3, 32, 32))], runtime="engine")
x = torch.ones(4, 3, 32, 32, device="cuda")
started = time.perf_counter()
y = module(x)
torch.cuda.synchronize()
seconds = time.perf_counter() - started
torch.testing.assert_close(y, model(x), rtol=1e-2, atol=1e-3)
kept = module.runner._kernels._kept
print(json.dumps({"seconds": seconds, "loaded": kept.loaded, "engine": module.runner.kind}))
"""


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="an engine needs an NVIDIA GPU")
@pytest.mark.skipif(torch2trt.trt.__name__ != "tensorrt_rtx", reason="full TensorRT compiles no kernels at calls")
def test_on_a_gpu_a_second_process_loads_what_the_first_compiled(tmp_path):
    environment = {**os.environ, "TORCH2TRT_CACHE": str(tmp_path), "TORCH2TRT_CACHE_LIMIT": "1G"}

    def run():
        command = [sys.executable, "-c", SCRIPT]
        done = subprocess.run(command, env=environment, capture_output=True, text=True, check=True)
        return json.loads(done.stdout.splitlines()[-1])

    def files():
        return {path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in tmp_path.glob("*.kernels")}

    first = run()
    written = files()
    assert len(written) == 1
    second = run()
    assert (first["loaded"], second["loaded"]) == (False, True)
    assert files() == written  # nothing was compiled, so nothing was written
    assert second["seconds"] < first["seconds"]
    (path,) = tmp_path.glob("*.kernels")
    path.write_bytes(path.read_bytes()[:-1])
    run()  # a damaged file is made again
    assert Store(tmp_path, 2**30).get("kernels", path.stem) is not None
