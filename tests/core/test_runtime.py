"""Saving, loading and running; engines themselves run only where a GPU can."""

import copy
import io
import json
import pickle
import subprocess
import sys
import zipfile
from concurrent.futures import ThreadPoolExecutor

import pytest
import torch
import torch2trt
from torch import nn
from torch2trt import EngineError, Input, InputError, ReferenceRuntimeWarning, TRTModule
from torch2trt.runtime import store
from torch2trt.runtime.manifest import digest

gpu = [pytest.mark.gpu, pytest.mark.skipif(not torch.cuda.is_available(), reason="an engine needs an NVIDIA GPU")]
pytestmark = pytest.mark.filterwarnings("ignore::torch2trt.ReferenceRuntimeWarning")


class Model(nn.Module):
    def __init__(self):
        super().__init__()
        self.linear = nn.Linear(4, 3)

    def forward(self, x, scale=2):
        return {"y": self.linear(x) * scale, "n": x.shape[0]}


@pytest.fixture(scope="module")
def model():
    torch.manual_seed(0)
    return Model().eval()


@pytest.fixture(scope="module")
def module(model):
    return torch2trt.convert(model, [Input(min=(1, 4), max=(8, 4))])


def test_save_and_load_keep_everything_that_a_call_needs(module, tmp_path):
    path = tmp_path / "model.trt"
    module.save(path)
    assert [entry.name for entry in tmp_path.iterdir()] == ["model.trt"]
    loaded = torch2trt.load(path)
    assert loaded.signature == module.signature
    assert loaded.serialized == module.serialized
    manifest = store.read_manifest(path)
    assert manifest["engine"]["flavor"] in ("rtx", "tensorrt")
    assert {"base", "vision"} <= {pack["name"] for pack in manifest["engine"]["packs"]}


def test_a_converted_module_can_be_copied_and_pickled(module):
    holder = nn.Sequential(module)
    copied = copy.deepcopy(holder)[0]
    x = torch.randn(2, 4, device="cuda" if torch.cuda.is_available() else "cpu")
    torch.testing.assert_close(copied(x), module(x))
    assert copied is not module
    unpickled = pickle.loads(pickle.dumps(module))
    assert (unpickled.serialized, unpickled.signature) == (module.serialized, module.signature)
    assert unpickled.network is None
    assert module.network is not None


def test_state_dict_goes_through_torch_save_without_pickle(module):
    file = io.BytesIO()
    torch.save(module.state_dict(), file)
    file.seek(0)
    loaded = TRTModule()
    loaded.load_state_dict(torch.load(file, weights_only=True))
    assert loaded.signature == module.signature
    assert loaded.serialized == module.serialized


def test_an_empty_module_says_so():
    with pytest.raises(EngineError, match="is empty; fill it with load_state_dict"):
        TRTModule()(torch.ones(1))
    with pytest.raises(EngineError, match="no engine to save"):
        TRTModule().state_dict()


def test_a_module_without_engine_cannot_be_saved(tmp_path):
    module = torch2trt.convert(nn.ReLU(), [torch.ones(2)], build=False)
    with pytest.raises(EngineError, match="convert with build=True"):
        module.save(tmp_path / "model.trt")
    assert not list(tmp_path.iterdir())


def edit(path, **changes):
    """Rewrite a saved module's manifest, with the digest of what it says now."""
    with zipfile.ZipFile(path) as archive:
        manifest, engine = json.loads(archive.read("manifest.json")), archive.read("engine")
    with zipfile.ZipFile(path, "w") as archive:
        manifest = {**manifest, **changes.get("top", {}), "engine": {**manifest["engine"], **changes.get("engine", {})}}
        archive.writestr("manifest.json", json.dumps({**manifest, "digest": digest(manifest)}))
        archive.writestr("engine", changes.get("data", engine))


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"engine": {"flavor": "other"}}, "built with the flavor 'other', this process uses .* or convert again"),
        ({"engine": {"version": "9.9"}}, "built with TensorRT 9.9, here is .* convert again"),
        ({"top": {"format_version": 99}}, "version 99, this torch2trt reads 'torch2trt-module' version 8 or 10"),
        ({"top": {"format": "other"}}, "has the format 'other'"),
        ({"data": b"damaged"}, "is damaged: its checksum differs"),
    ],
)
def test_files_that_do_not_fit(module, tmp_path, changes, message):
    path = tmp_path / "model.trt"
    module.save(path)
    edit(path, **changes)
    with pytest.raises(EngineError, match=message):
        torch2trt.load(path)


def test_a_truncated_file_and_one_of_another_kind(module, tmp_path):
    path = tmp_path / "model.trt"
    module.save(path)
    whole = path.read_bytes()
    for content in (whole[: len(whole) // 2], b"", b"something else"):
        path.write_bytes(content)
        with pytest.raises(EngineError, match="truncated or was not written by"):
            torch2trt.load(path)
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("other.txt", "hello")
    with pytest.raises(EngineError, match="was not written by"):
        torch2trt.load(path)
    with pytest.raises(FileNotFoundError):
        torch2trt.load(tmp_path / "missing.trt")


def test_a_state_dict_that_does_not_fit_changes_nothing(module):
    state = module.state_dict()
    state["_extra_state"]["engine"] = torch.zeros(3, dtype=torch.uint8)
    target = TRTModule()
    with pytest.raises(EngineError, match="the state dict is damaged"):
        target.load_state_dict(state)
    assert target.signature is None


def test_loading_imports_neither_the_capture_nor_a_converter(module, tmp_path):
    module.save(tmp_path / "model.trt")
    code = f"""
import sys, torch2trt
torch2trt.load({str(tmp_path / "model.trt")!r})
unwanted = ("torch2trt.capture", "torch2trt.verify", "torch2trt_ops", "pluggy")
names = [n for n in sys.modules if n.startswith(unwanted)]
sys.exit(f"imported {{names}}" if names else 0)
"""
    subprocess.run([sys.executable, "-c", code], check=True)


@pytest.mark.skipif(torch.cuda.is_available(), reason="this is about machines without a GPU")
class TestWithoutGPU:
    def test_the_interpreter_runs_and_says_so_once(self, model):
        module = torch2trt.convert(model, [torch.ones(2, 4)])
        code = """
import warnings, torch, torch2trt
module = torch2trt.convert(torch.nn.ReLU(), [torch.ones(2)])
with warnings.catch_warnings(record=True) as caught:
    warnings.simplefilter("always")
    for _ in range(3):
        module(torch.ones(2))
assert [w.category for w in caught] == [torch2trt.ReferenceRuntimeWarning], caught
assert "runs on the reference interpreter" in str(caught[0].message), caught
"""
        subprocess.run([sys.executable, "-c", code], check=True)
        assert module.runtime == "reference"

    def test_the_engine_runtime_is_an_error(self):
        module = torch2trt.convert(nn.ReLU(), [torch.ones(2)], runtime="engine")
        with pytest.raises(EngineError, match="an engine needs an NVIDIA GPU"):
            module(torch.ones(2))

    def test_a_loaded_module_needs_a_gpu(self, module, tmp_path):
        module.save(tmp_path / "model.trt")
        loaded = torch2trt.load(tmp_path / "model.trt")
        with pytest.raises(EngineError, match="an engine needs an NVIDIA GPU"):
            loaded(torch.ones(2, 4))

    def test_the_notice_is_a_warning_that_can_be_silenced(self):
        assert issubclass(ReferenceRuntimeWarning, UserWarning)


class TestOnGPU:
    pytestmark = gpu

    @pytest.fixture
    def model(self, model):
        return copy.deepcopy(model).cuda()

    @pytest.fixture
    def converted(self, model):
        return torch2trt.convert(model, [Input(min=(1, 4), max=(8, 4))], runtime="engine")

    def close(self, found, expected):
        assert found["n"] == expected["n"]
        torch.testing.assert_close(found["y"], expected["y"], rtol=1e-2, atol=1e-2)

    def test_an_engine_runs_saved_loaded_and_from_a_state_dict(self, converted, model, tmp_path):
        converted.save(tmp_path / "model.trt")
        fresh = TRTModule()
        fresh.load_state_dict(converted.state_dict())
        for module in (converted, torch2trt.load(tmp_path / "model.trt"), fresh):
            assert module.runtime == "engine"
            for n in (1, 3, 8):
                x = torch.randn(n, 4, device="cuda")
                self.close(module(x), model(x))

    def test_streams_and_threads(self, converted, model):
        def run(seed):
            x = torch.randn(4, 4, device="cuda", generator=torch.Generator("cuda").manual_seed(seed))
            with torch.cuda.stream(torch.cuda.Stream()):
                for _ in range(20):
                    self.close(converted(x), model(x))

        with ThreadPoolExecutor(4) as threads:
            list(threads.map(run, range(4)))  # raises what a thread does

    def test_inputs_that_are_not_dense(self, converted, model):
        x = torch.randn(4, 8, device="cuda")[:, ::2]
        self.close(converted(x), model(x))

    def test_inputs_on_the_cpu_are_refused(self, converted):
        with pytest.raises(InputError, match="is on cpu, the engine runs on cuda:0"):
            converted(torch.ones(2, 4))

    @pytest.mark.parametrize("device", ["cpu", "cuda"])
    def test_values_that_decide_sizes_are_read_by_the_host(self, device):
        def model(x, length, position):
            count = length.item()
            torch._check(count >= 1)
            torch._check(count <= 9)
            return x.index_fill(1, position, 0)[:, :count] * count, count, length + 1

        x, position = torch.randn(2, 9, 4, device="cuda"), torch.tensor(0, device="cuda")
        converted = torch2trt.convert(model, [x, torch.tensor(4, device=device), position], runtime="engine")
        for length in (1, 4, 9):
            number = torch.tensor(length, device=device)
            rows, count, more = converted(x, number, position)
            torch.testing.assert_close(rows, model(x, number, position)[0])
            assert (count, int(more), more.device.type) == (length, length + 1, "cuda")
        with pytest.raises(InputError, match="has the value 10, the model allows 1 to 9"):
            converted(x, torch.tensor(10, device=device), position)
