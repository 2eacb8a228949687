"""How often the host's memory has weights and engines: counted in the memory that Python allocates, and by addresses."""

import dataclasses
import gc
import tracemalloc
import weakref
import zipfile

import pytest
import torch
import torch2trt
from torch import nn
from torch2trt import TRTModule
from torch2trt.cache.store import Store
from torch2trt.network.engines import Engines
from torch2trt.network.lower import lower

pytestmark = pytest.mark.filterwarnings("ignore::torch2trt.ReferenceRuntimeWarning")
SIZE = 2**25
X = torch.ones(2, 4)


def peak_of(function, *args):
    """The most memory that Python had more at a time than at the beginning, in bytes, and what the function returns."""
    gc.collect()
    tracemalloc.start()
    try:
        result = function(*args)
        return tracemalloc.get_traced_memory()[1], result
    finally:
        tracemalloc.stop()


@pytest.fixture(scope="module")
def module():
    """A module whose engine, which nothing here runs, is of 32 MiB."""
    small = torch2trt.convert(nn.Linear(4, 4).eval(), [X])
    engine = dataclasses.replace(small._engine, serialized=bytes(range(256)) * (SIZE // 256))
    return TRTModule(engine, signature=small.signature)


@pytest.fixture(autouse=True)
def pieces(monkeypatch):
    """What zipfile reads at a time without a size, which is 1 GiB: so it is the engine that is larger here."""
    assert zipfile.ZipExtFile.MAX_N == 2**30
    monkeypatch.setattr(zipfile.ZipExtFile, "MAX_N", SIZE // 4)


def test_a_file_is_written_from_the_engine_and_read_into_one_piece(module, tmp_path):
    path = tmp_path / "model.trt"
    peak, _ = peak_of(module.save, path)
    assert peak < 0.05 * SIZE
    peak, loaded = peak_of(torch2trt.load, path)
    assert SIZE < peak < 1.05 * SIZE
    assert loaded.serialized == module.serialized


def test_an_entry_of_the_cache_is_written_from_the_engine_and_read_into_one_piece(module, tmp_path):
    engines, key = Engines(Store(tmp_path, 2 * SIZE)), "0" * 64
    peak, _ = peak_of(engines.__setitem__, key, module._engine)
    assert peak < 0.05 * SIZE
    peak, engine = peak_of(engines.__getitem__, key)
    assert SIZE < peak < 1.05 * SIZE
    assert engine == module._engine


class Growing(nn.Module):
    def __init__(self, size):
        super().__init__()
        self.register_buffer("seen", torch.arange(size, dtype=torch.float32))

    def forward(self, x):
        self.seen += x
        return self.seen.sum()


def test_buffers_are_written_one_after_the_other(tmp_path):
    module = torch2trt.convert(Growing(SIZE // 64).eval(), [torch.ones(1)])
    module(torch.ones(1))
    peak, _ = peak_of(module.save, tmp_path / "model.trt")
    assert peak < 0.05 * SIZE // 16  # of one buffer
    loaded = torch2trt.load(tmp_path / "model.trt")
    assert loaded.state.seen.equal(module.state.seen)


class Shared(nn.Module):
    """Weights that are not dense in memory, in two layers each."""

    def __init__(self):
        super().__init__()
        self.conv = nn.Conv2d(4, 4, 3, padding=1, bias=False).to(memory_format=torch.channels_last)

    def forward(self, x):
        return self.conv(self.conv(x))


def test_weights_that_layers_share_are_made_dense_once():
    plan = torch2trt.explain(Shared().eval(), [torch.ones(1, 4, 5, 5)])
    (weights,) = lower(plan, plan.segments[0]).constants.made.values()
    assert weights.numel() == 4 * 4 * 3 * 3


@pytest.mark.parametrize(("runtime", "copied"), [("engine", False), ("auto", not torch.cuda.is_available())])
def test_weights_are_copied_only_for_the_interpreter(runtime, copied):
    model = nn.Conv2d(3, 4, 3).eval()
    module = torch2trt.convert(model, [torch.ones(1, 3, 5, 5)], runtime=runtime)
    layer = module.lowered.network.get_layer(0)
    layer.__class__ = torch2trt.trt.IConvolutionLayer
    assert (layer.kernel.ctypes.data != model.weight.data_ptr()) == copied


def test_a_module_takes_all_that_it_has_with_it():
    """Without Python's collector, which does not know how much memory waits for it."""
    module = torch2trt.convert(nn.Linear(4, 4).eval(), [X])
    module(X)
    parts = (module, module.runner, module._engine, module.lowered, module.lowered.constants, module.lowered.plan)
    kept = [weakref.ref(part) for part in parts]
    del parts
    gc.collect()
    gc.disable()
    try:
        del module
        assert [reference() for reference in kept] == [None] * 6
    finally:
        gc.enable()
