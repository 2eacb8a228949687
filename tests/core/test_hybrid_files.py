"""Modules that PyTorch runs parts of, in files, state dicts and pickles.

No engine runs here, so the tests run what was loaded with the interpreter in the place of its engines.
"""

import copy
import dataclasses
import json
import math
import pickle
import subprocess
import sys

import pytest
import torch
import torch2trt
from torch import nn
from torch2trt import EngineError, Input, TRTModule, converter
from torch2trt.runtime.parts import EnginePart, TorchPart

from .packs import Pack, with_installed

pytestmark = pytest.mark.filterwarnings("ignore::torch2trt.errors.FallbackWarning")


def convert(model, inputs, **settings):
    return torch2trt.convert(model, inputs, runtime="reference", fallback=True, **{"min_segment": 1, **settings})


def interpreted(loaded, module):
    """``loaded`` with the networks of the module that it was made of."""
    parts = [
        dataclasses.replace(part, reference=own.reference) if isinstance(part, EnginePart) else part
        for part, own in zip(loaded._hybrid.parts, module._hybrid.parts, strict=True)
    ]
    loaded._hybrid = dataclasses.replace(loaded._hybrid, parts=parts)
    loaded._wanted = "reference"
    return loaded


def through_a_file(module, path, **how):
    module.save(path)
    return interpreted(torch2trt.load(path, **how), module)


def through_a_state_dict(module, path):
    torch.save(module.state_dict(), path)
    loaded = TRTModule()
    loaded.load_state_dict(torch.load(path, weights_only=True))
    return interpreted(loaded, module)


def through_pickle(module, path):
    return interpreted(pickle.loads(pickle.dumps(module)), module)


def through_torch_save(module, path):
    torch.save(module, path)
    return interpreted(torch.load(path, weights_only=False), module)


WAYS = (through_a_file, through_a_state_dict, through_pickle, through_torch_save)


class Eigen(nn.Module):
    def __init__(self):
        super().__init__()
        self.before, self.after = nn.Linear(4, 4), nn.Linear(4, 4)
        self.register_buffer("scale", torch.tensor([1.0, 2.0, -1.0, 0.5]))

    def forward(self, x):
        h = torch.relu(self.before(x))
        values, vectors = torch.linalg.eigh(0.1 * h @ h.mT + self.scale.diag())
        return {"y": self.after(vectors.abs() * values.unsqueeze(-2)).tanh(), "n": x.shape[0]}, self.scale * 2


@pytest.fixture(scope="module")
def eigen():
    torch.manual_seed(0)
    model = Eigen().eval()
    return model, convert(model, [Input(min=(1, 4, 4), max=(8, 4, 4))])


@pytest.mark.parametrize("way", WAYS)
def test_engines_and_what_pytorch_runs_come_back(eigen, tmp_path, way):
    model, module = eigen
    loaded = way(module, tmp_path / "eigen")
    assert [type(part) for part in loaded._hybrid.parts] == [EnginePart, TorchPart, EnginePart]
    for count in (1, 5):
        x = torch.randn(count, 4, 4)
        torch.testing.assert_close(loaded(x), model(x))
        assert loaded(x)[0]["y"].equal(module(x)[0]["y"])
    with pytest.raises(torch2trt.InputError, match="1 to 8"):
        loaded(torch.randn(9, 4, 4))
    assert loaded.manifest() == module.manifest()
    assert repr(loaded).replace("runtime: reference", "") == repr(module).replace("runtime: reference", "")


def test_a_file_of_a_file_is_the_same(eigen, tmp_path):
    first, second = tmp_path / "first.trt", tmp_path / "second.trt"
    eigen[1].save(first)
    torch2trt.load(first).save(second)
    manifests = [torch2trt.load(path).manifest() for path in (first, second)]
    assert manifests[0] == manifests[1]


def test_copies_share_what_never_changes(eigen):
    copied = copy.deepcopy(eigen[1])
    assert copied._hybrid is eigen[1]._hybrid


def test_the_manifest_has_the_segments_and_why(eigen):
    hybrid = eigen[1].manifest()["hybrid"]
    assert hybrid["segments"] == ["engine", "torch", "engine"]
    (row,) = (row for row in hybrid["torch"][0]["calls"] if "eigh" in row["target"])
    assert row["source"].startswith("test_hybrid_files.py:")
    assert row["reasons"][0].startswith("base: singular values, eigenvalues")
    assert any(call["target"] == "aten.relu.default" for call in hybrid["engines"][0]["engine"]["calls"])


def test_weights_in_a_file_are_those_of_the_conversion(tmp_path):
    class Scaled(nn.Module):
        def __init__(self):
            super().__init__()
            self.scale = nn.Parameter(torch.ones(3))

        def forward(self, x):
            scale = self.scale
            return torch.cond(x.sum() > 0, lambda x: torch.linalg.eigvalsh(x) * scale, lambda x: x[0] + scale, (x,))

    model, x = Scaled(), torch.eye(3)
    module = convert(model, [x])
    with torch.no_grad():
        model.scale.fill_(7.0)
    loaded = through_a_file(module, tmp_path / "m")
    for one in (module, loaded):
        torch.testing.assert_close(one(x), torch.ones(3))
        torch.testing.assert_close(one(-x), torch.tensor([0.0, 1.0, 1.0]))


def test_loops_branches_and_what_else_calls_take(tmp_path):
    def model(x, z):
        def step(total, row):
            total = total + torch.linalg.eigvalsh(row * torch.eye(2)).sum()
            return total, total * 2

        total, all_ = torch._higher_order_ops.scan(step, torch.zeros(()), x.flatten())
        mapped = torch._higher_order_ops.map(lambda row: torch.linalg.eigvalsh(row * torch.eye(2)), x)
        wide = torch.linalg.eigvals(x @ x.mT).abs().sum()
        filled = torch.full((2, 2), float("inf"), dtype=torch.float32).nan_to_num(posinf=3.0)
        return total, all_, mapped, wide, filled + torch.linalg.eigvalsh(z), torch.tensor([1 + 2j])[0] * x.sum()

    inputs = [torch.randn(2, 2), torch.eye(2)]
    module = convert(model, inputs, run_in_torch=["aten.add.Tensor", "aten.full.default"])
    torch.testing.assert_close(through_a_file(module, tmp_path / "m")(*inputs), module(*inputs))
    torch.testing.assert_close(module(*inputs), model(*inputs), check_dtype=False)


class Counting(nn.Module):
    def __init__(self):
        super().__init__()
        self.register_buffer("seen", torch.zeros(3))

    def forward(self, x):
        self.seen += torch.linalg.eigvalsh(x)
        x += 1
        return torch.sin(self.seen)


@pytest.mark.parametrize("way", WAYS)
def test_state_goes_on_where_it_was(tmp_path, way):
    model, module = Counting(), convert(Counting(), [torch.eye(3)])
    for one in (model, module):
        one(torch.eye(3))
    loaded = way(module, tmp_path / "m")
    for _ in range(2):
        x, y = torch.full((3, 3), 0.5), torch.full((3, 3), 0.5)
        torch.testing.assert_close(loaded(x), model(y))
        torch.testing.assert_close(x, y)
        torch.testing.assert_close(loaded.state.seen, model.seen)
    loaded.reset()
    assert loaded.state.seen.tolist() == [0.0] * 3


def test_random_numbers_are_drawn_after_loading(tmp_path):
    def model(x):
        first = torch.rand(64) + torch.linalg.eigvalsh(x).sum() * 0
        return first, torch.randn(64) * 1

    module = convert(model, [torch.eye(3)], random="engine", run_in_torch=["aten.rand.default"])
    loaded = through_a_file(module, tmp_path / "m")
    torch.manual_seed(3)
    one = loaded(torch.eye(3))
    torch.manual_seed(3)
    other = loaded(torch.eye(3))
    assert one[0].equal(other[0])  # PyTorch's own
    assert not one[1].equal(other[1])  # the engine's


def rows_of(x, keep):
    rows = torch.sin(x * 2 + 1)[keep]
    return torch.cos(rows * 3 - 1).sort(0).values, rows.shape[0]


def test_sizes_that_are_read_on_the_host(tmp_path):
    keep = torch.tensor([True, False, True])
    module = convert(rows_of, [torch.randn(3, 2), keep])
    loaded = through_a_file(module, tmp_path / "m")
    for mask in (keep, ~keep, torch.zeros(3, dtype=torch.bool)):
        x = torch.randn(3, 2)
        torch.testing.assert_close(loaded(x, mask), rows_of(x, mask))


def test_constants_of_every_dtype(tmp_path):
    values = [
        *(torch.tensor([1.5, math.nan, -0.0]), torch.tensor([True, False]), torch.zeros(0, 3), torch.tensor(7)),
        *(torch.tensor([1 + 2j]).conj(), torch.ones(2, 3).half().t(), torch.tensor([1.0]).to(torch.float8_e5m2)),
    ]

    def model(x):
        return torch.linalg.eigvalsh(x), *(x.sum().to(value.dtype) * 0 for value in values[:1]), values[0] + x[0, 0]

    from torch2trt.runtime.tensors import TensorTable, read_tensors

    table = TensorTable()
    places = [table.place(value) for value in (*values, values[0])]
    assert places == [*range(len(values)), 0]
    read = read_tensors(json.loads(json.dumps(table.to_dict())), b"".join(table.pieces()))
    for one, value in zip(read, values, strict=True):
        assert (one.dtype, one.shape) == (value.dtype, value.shape)
        torch.testing.assert_close(one.float(), value.float(), equal_nan=True) if not one.is_complex() else None
    assert read[4].equal(values[4].resolve_conj())
    module = convert(model, [torch.eye(3)])
    torch.testing.assert_close(
        through_a_file(module, tmp_path / "m")(torch.eye(3)), module(torch.eye(3)), equal_nan=True
    )


def test_loading_imports_neither_the_capture_nor_a_converter(eigen, tmp_path):
    eigen[1].save(tmp_path / "model.trt")
    code = f"""
import sys, torch2trt
torch2trt.load({str(tmp_path / "model.trt")!r})
unwanted = ("torch2trt.capture", "torch2trt.verify", "torch2trt.plan", "torch2trt_ops", "pluggy")
names = [n for n in sys.modules if n.startswith(unwanted)]
sys.exit(f"imported {{names}}" if names else 0)
"""
    subprocess.run([sys.executable, "-c", code], check=True)


def test_what_was_not_built_cannot_be_kept(tmp_path):
    module = convert(Eigen().eval(), [torch.randn(2, 4, 4)], build=False)
    for keep in (lambda: module.save(tmp_path / "x"), module.state_dict, lambda: pickle.dumps(module)):
        with pytest.raises(EngineError, match="no engine to save"):
            keep()
    assert not list(tmp_path.iterdir())


def test_a_hybrid_is_no_single_engine(eigen, tmp_path):
    with pytest.raises(EngineError, match="use save"):
        eigen[1].export_engine(tmp_path / "engine")
    with pytest.raises(EngineError, match="no single engine"):
        eigen[1].engine  # noqa: B018


# ---- what packs bring


class Weighting:
    """An object that is no more than its attributes."""

    def __init__(self, weights):
        self.weights = weights

    def __call__(self, x):
        return x * torch.tensor(self.weights)


class Rows:
    def __init__(self, weights):
        self.weighting = Weighting(weights)

    def largest(self, x, count=1):
        return self.weighting(x)[: int(x.sum().abs() * 0) + count]


def largest_rule(self, x, count=1):
    return x.new_empty(count, *x.shape[1:])


def left_to_torch(target, **mark):
    @converter(target, rejects=lambda: "it is PyTorch's", **mark)
    def declined(ctx, *args, **kwargs):
        raise AssertionError

    return declined


class Whole(nn.Module):
    def __init__(self):
        super().__init__()
        self.rows, self.linear = Rows([1.0, 3.0]), nn.Linear(2, 2)

    def forward(self, x):
        return torch.sin(self.linear(self.rows.largest(x, count=2)))


TARGET = f"{Rows.__module__}.Rows.largest"


def packs_with(*classes):
    return with_installed(Pack(left_to_torch(Rows.largest, shape_rule=largest_rule, stores=classes)))


def test_objects_of_classes_that_a_pack_lists_are_kept(tmp_path):
    model, x, packs = Whole().eval(), torch.randn(3, 2), packs_with(Weighting)
    module = convert(model, [x], packs=packs)
    loaded = through_a_file(module, tmp_path / "m", packs=packs)
    torch.testing.assert_close(loaded(x), model(x))
    loaded.save(tmp_path / "again")
    with pytest.raises(EngineError, match=r"calls '.*Rows.largest' of the pack 'Pack', which is not loaded here"):
        torch2trt.load(tmp_path / "m")
    with pytest.raises(EngineError, match="the pack 'Pack', which claims no such call"):
        torch2trt.load(tmp_path / "m", packs=with_installed(Pack(left_to_torch("aten.relu.default"))))


def test_other_objects_are_refused_with_the_line_and_the_cure(tmp_path):
    module = convert(Whole().eval(), [torch.randn(3, 2)], packs=packs_with())
    with pytest.raises(EngineError) as caught:
        module.save(tmp_path / "m")
    text = str(caught.value)
    assert "Rows.largest" in text
    assert "test_hybrid_files.py:" in text
    assert "takes an object of" in text
    assert "Weighting" in text
    assert "stores=[...]" in text
    with pytest.raises(EngineError, match="Weighting"):
        pickle.dumps(module)
    assert not list(tmp_path.iterdir())


class Normed(nn.Module):
    def __init__(self):
        super().__init__()
        self.weight = nn.Parameter(torch.tensor([1.0, 2.0, 3.0]))
        self.register_buffer("offset", torch.tensor([0.5]))
        self.eps, self.names = 1e-6, ("a", ["b"])

    def forward(self, x):
        return x * torch.rsqrt(x.pow(2).mean(-1, keepdim=True) + self.eps) * self.weight + self.offset


def normed_rule(self, x):
    return torch.empty_like(x)


def test_modules_that_stay_whole_are_kept_with_their_parameters(tmp_path):
    packs = with_installed(Pack(left_to_torch(Normed.forward, shape_rule=normed_rule)))
    model, x = nn.Sequential(nn.Linear(3, 3), Normed(), nn.Tanh()).eval(), torch.randn(2, 3)
    expected = model(x)
    module = convert(model, [x], packs=packs)
    with torch.no_grad():
        model[1].weight.zero_()
    loaded = through_a_file(module, tmp_path / "m", packs=packs)
    torch.testing.assert_close(loaded(x), expected)
    half = convert(nn.Sequential(nn.Linear(3, 3), Normed()).eval(), [x], packs=packs, precision=torch.float16)
    torch.testing.assert_close(through_a_file(half, tmp_path / "m", packs=packs)(x), half(x))


def test_an_operator_of_a_library_must_be_registered(tmp_path):
    with torch.library._scoped_library("hybrid_files", "DEF") as library:
        library.define("twice(Tensor x) -> Tensor")
        library.impl("twice", lambda x: x * 2, "CompositeExplicitAutograd")
        torch.library.register_fake("hybrid_files::twice", torch.empty_like, lib=library)
        module = convert(lambda x: torch.ops.hybrid_files.twice(x.sin()).cos(), [torch.ones(3)])
        loaded = through_a_file(module, tmp_path / "m")
        torch.testing.assert_close(loaded(torch.ones(3)), torch.ones(3).sin().mul(2).cos())
    code = f"import torch2trt; torch2trt.load({str(tmp_path / 'm')!r})"
    told = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False).stderr
    assert "no operator 'hybrid_files.twice.default' is registered here; import the package that defines it" in told


def test_a_state_dict_that_does_not_fit_changes_nothing(eigen):
    state = eigen[1].state_dict()
    state["_extra_state"]["tensors"] = torch.zeros(3, dtype=torch.uint8)
    target = TRTModule()
    with pytest.raises(EngineError, match="checksum of its tensors"):
        target.load_state_dict(state)
    assert target.signature is None
    del state["_extra_state"]["tensors"]
    with pytest.raises(EngineError, match="other members"):
        target.load_state_dict(state)


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="an engine needs an NVIDIA GPU")
def test_a_loaded_hybrid_runs_on_a_gpu(tmp_path):
    model = Eigen().eval().cuda()
    x = torch.randn(3, 4, 4, device="cuda")
    shapes = ({0: torch.export.Dim("n", min=1, max=8)},)
    module = torch2trt.convert(model, [x], dynamic_shapes=shapes, fallback=True, min_segment=1)
    module.save(tmp_path / "m")
    loaded = torch2trt.load(tmp_path / "m")
    assert loaded.runtime == "engine"
    torch.testing.assert_close(loaded(x), module(x))
    torch.testing.assert_close(loaded(x), model(x), rtol=1e-2, atol=1e-3)
