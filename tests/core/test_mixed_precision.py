"""``precision="mixed"``, held against ``torch.autocast`` itself, and ``keep_fp32``."""

import json
import re
from pathlib import Path

import pytest
import torch
import torch.nn.functional as F
import torch2trt
from torch import nn
from torch._subclasses import FakeTensorMode
from torch.utils import _pytree as pytree
from torch2trt import InputError, converter, explain
from torch2trt.capture import autocast
from torch2trt.capture.kept import keeping

from .packs import Pack, with_installed

HALF = torch.float16


def convert(model, inputs, **settings):
    return torch2trt.convert(model, inputs, runtime="reference", build=False, **settings)


# ---- the rules

HEADER = Path(torch.__file__).parent / "include/ATen/autocast_mode.h"
LISTS = {
    "LOWER_PRECISION_FP": autocast.LOW,
    "FP32": autocast.FLOAT32 - {"norm"},
    "FP32_SET_OPT_DTYPE": autocast.FLOAT32_UNLESS_TOLD,
    "PROMOTE": autocast.WIDEST,
}


@pytest.mark.parametrize("name", LISTS)
def test_the_lists_are_those_of_pytorch(name):
    text = HEADER.read_text()
    macro = re.search(rf"#define AT_FORALL_{name}\(_\)((?:.*\\\n)*.*\n)", text)[1]
    listed = set(re.findall(r"_\((\w+)", macro))
    missing = listed - LISTS[name]
    assert not missing
    if torch.__version__ >= "2.14":  # earlier ones have some less
        assert LISTS[name] == listed


S, V, W = (4, 4), (4,), (2, 3, 4)
CALLS = {
    "linear": (lambda x, w, b: F.linear(x, w, b), S, S, V),
    "matmul": (lambda x, y: x @ y, S, S),
    "rmatmul": (lambda x, y: torch.linalg.matmul(x, y), S, S),
    "einsum": (lambda x, y: torch.einsum("ij,jk->ik", x, y), S, S),
    "conv": (lambda x, w: F.conv1d(x, w), W, (5, 3, 2)),
    "transposed": (lambda x, w: F.conv_transpose2d(x, w), (1, 2, 3, 3), (2, 2, 2, 2)),
    "attention": (lambda q, k, v: F.scaled_dot_product_attention(q, k, v), W, W, W),
    "multi-head attention": (lambda q, w, o: nn.functional.multi_head_attention_forward(
        q, q, q, 4, 2, w, None, None, None, False, 0.0, o, None)[0], (3, 1, 4), (12, 4), S),
    "prelu": (lambda x, w: F.prelu(x, w), W, (3,)),
    "bilinear": (lambda x, y, w: F.bilinear(x, y, w), S, S, (2, 4, 4)),
    "softmax": (lambda x: F.softmax(x, -1), S),
    "softmax told": (lambda x: F.softmax(x, -1, dtype=HALF), S),
    "method": (lambda x: x.softmax(-1), S),
    "log_softmax": (lambda x: torch.log_softmax(x, 0), S),
    "layer_norm": (lambda x, w: F.layer_norm(x, (4,), w), S, V),
    "group_norm": (lambda x: F.group_norm(x, 1), W),
    "rms_norm": (lambda x: F.rms_norm(x, (4,)), S),
    "norm": (lambda x: x.norm(dim=-1), S),
    "linalg norm": (lambda x: torch.linalg.norm(x), S),
    "normalize": (lambda x: F.normalize(x), S),
    "cosine": (lambda x, y: F.cosine_similarity(x, y), S, S),
    "distance": (lambda x, y: F.pairwise_distance(x, y), S, S),
    "cdist": (lambda x, y: torch.cdist(x, y), S, S),
    "loss": (lambda x, y: F.mse_loss(x, y), S, S),
    "cross entropy": (lambda x, y: F.cross_entropy(x, y), S, S),
    "exp": (torch.exp, S),
    "log": (torch.log, S),
    "power": (lambda x: x**2, S),
    "rpower": (lambda x: 2**x, S),
    "square": (torch.square, S),
    "rsqrt": (torch.rsqrt, S),
    "sum": (lambda x: x.sum(), S),
    "sum told": (lambda x: x.sum(dtype=HALF), S),
    "sum of whole numbers": (lambda x: x.long().sum(), S),
    "mean": (lambda x: x.mean(), S),
    "cumsum": (lambda x: x.cumsum(0), S),
    "logsumexp": (lambda x: x.logsumexp(0), S),
    "interpolate": (lambda x: F.interpolate(x, scale_factor=2.0), W),
    "interpolate by size": (lambda x: F.interpolate(x, 5, mode="linear"), W),
    "grid": (lambda x, g: F.grid_sample(x, g, align_corners=False), (1, 1, 2, 2), (1, 2, 2, 2)),
    "atan2": (torch.atan2, S, S),
    "addcmul": (lambda x, y: torch.addcmul(x, x, y), S, S),
    "dot": (torch.dot, V, V),
    "tensordot": (lambda x, y: torch.tensordot(x, y, 1), S, S),
    "cat": (lambda x, y: torch.cat([x, y]), S, S),
    "add": (torch.add, S, S),
    "mul": (lambda x: x * 2, S),
    "relu": (F.relu, S),
    "gelu": (F.gelu, S),
    "silu": (F.silu, S),
    "sigmoid": (torch.sigmoid, S),
    "tanh": (torch.tanh, S),
    "batch_norm": (lambda x, m: F.batch_norm(x, m, m), W, (3,)),
    "pool": (lambda x: F.max_pool1d(x, 2), W),
    "where": (lambda x, y: torch.where(x > 0, x, y), S, S),
    "double": (lambda x: x.double() @ x.double(), S),
    "in place": (lambda x: x.exp_(), S),
    "out": (lambda x: torch.exp(x, out=x), S),
    "disabled": (lambda x: _disabled(x), S),
}  # fmt: skip


def _disabled(x):
    with torch.autocast(x.device.type, enabled=False):
        return x @ x


def dtypes_of(function, shapes, halves, device, how):
    with FakeTensorMode():
        args = [torch.empty(shape, device=device, dtype=HALF if h else torch.float32) for shape, h in zip(shapes, halves, strict=True)]  # fmt: skip
        with how:
            return [leaf.dtype for leaf in pytree.tree_leaves(function(*args))]


class Real:
    """``torch.autocast("cuda")``, which refuses to be on where there is no GPU."""

    def __enter__(self):
        self.before = torch.is_autocast_cache_enabled()
        torch.set_autocast_enabled("cuda", True)
        torch.set_autocast_dtype("cuda", HALF)
        torch.set_autocast_cache_enabled(False)

    def __exit__(self, *_):
        torch.set_autocast_enabled("cuda", False)
        torch.set_autocast_cache_enabled(self.before)


@pytest.mark.filterwarnings("ignore:.*:UserWarning")
@pytest.mark.parametrize("name", CALLS)
def test_every_call_has_the_dtype_that_autocast_gives_it(name):
    function, *shapes = CALLS[name]
    if name == "rms_norm" and not torch._C._dispatch_has_kernel_for_dispatch_key("aten::rms_norm", "AutocastCUDA"):
        pytest.skip("autocast of this PyTorch has no rule for it")
    compared = 0
    for halves in {(False,) * len(shapes), (True,) * len(shapes), (True,) + (False,) * (len(shapes) - 1)}:
        try:
            expected = dtypes_of(function, shapes, halves, "cuda", Real())
        except RuntimeError:  # which autocast does not take either
            continue
        with keeping(object()):
            assert dtypes_of(function, shapes, halves, "cpu", autocast.Autocast(HALF, ())) == expected, halves
        compared += 1
    assert compared


# ---- a model of it


class Block(nn.Module):
    def __init__(self):
        super().__init__()
        self.norm, self.up, self.head = nn.LayerNorm(8), nn.Linear(8, 16), nn.Linear(16, 4)

    def forward(self, x):
        h = F.gelu(self.up(self.norm(x)))
        scores = self.head(h)
        return scores.masked_fill(scores > 1, torch.finfo(scores.dtype).min).softmax(-1), h.sum()


@pytest.mark.parametrize(("precision", "low"), [("mixed", HALF), ("mixed-bfloat16", torch.bfloat16)])
def test_a_model_computes_as_under_autocast(precision, low):
    model, x = Block().eval(), torch.randn(3, 8)
    plan = explain(model, [x], precision=precision, build=False, runtime="reference")
    assert str(torch.finfo(low).min) in str(plan.program)  # of the dtype that the model sees
    dtypes = {p.call.target.name: p.call.results[0].dtype for p in plan if p.action == "convert"}
    assert dtypes["aten.linear.default"] is low
    assert dtypes["aten.gelu.default"] is low
    assert torch.float32 in {p.call.results[0].dtype for p in plan if "softmax" in p.call.target.name}
    found, expected = plan.convert()(x), model(x)
    assert [one.dtype for one in found] == [torch.float32] * 2
    tolerance = 4 * torch.finfo(low).eps
    torch.testing.assert_close(found[1], expected[1], rtol=tolerance, atol=tolerance * 16)
    assert f"precision {precision}" in " ".join(str(plan).split())
    if low is torch.bfloat16:  # a CPU's autocast has these rules for this model
        with torch.autocast("cpu", dtype=low):
            own = model(x)
        torch.testing.assert_close(found[0], own[0].float(), rtol=tolerance, atol=tolerance)


def test_weights_are_constants_and_what_is_written_keeps_its_dtype():
    class Counting(nn.Module):
        def __init__(self):
            super().__init__()
            self.linear = nn.Linear(3, 3)
            self.register_buffer("total", torch.zeros(3))

        def forward(self, x):
            self.total = self.total + self.linear(x).sum(0)
            return self.total.half()

    model, x = Counting().eval(), torch.ones(2, 3)
    plan = explain(model, [x], precision="mixed")
    assert {p.action for p in plan if p.call.target.name == "aten._to_copy.default" and "linear" in str(p.call)}
    module = convert(model, [x], precision="mixed")
    assert module(x).dtype is HALF
    assert module.state.total.dtype is torch.float32
    torch.testing.assert_close(module.state.total, model.linear(x).sum(0), rtol=1e-2, atol=1e-2)


def test_a_call_that_stays_whole_takes_one_dtype():
    class Scaled(nn.Module):
        def __init__(self):
            super().__init__()
            self.weight = nn.Parameter(torch.ones(4, 4))

        def forward(self, x):
            return F.linear(x, self.weight)

    seen = []
    model = nn.Sequential(nn.Linear(4, 4), Scaled()).eval()
    packs = with_installed(Pack(left(Scaled, seen)))
    module = convert(model, [torch.randn(2, 4)], precision="mixed", packs=packs, fallback=True)
    assert set(seen) == {torch.float32}
    x = torch.randn(2, 4)
    torch.testing.assert_close(module(x), model(x), rtol=1e-2, atol=1e-2)


def left(kind, seen):
    @converter(kind.forward, rejects=lambda x: seen.append(x.dtype) or "no", shape_rule=lambda module, x: torch.empty_like(x))  # fmt: skip
    def declined(ctx, module, x):
        raise AssertionError

    return declined


# ---- what is kept in float32


class Large(nn.Module):
    """A head that overflows in half precision, and weights that half precision rounds."""

    def __init__(self):
        super().__init__()
        self.body = nn.Sequential(nn.Linear(4, 4), nn.ReLU())
        self.head = nn.Sequential(nn.Linear(4, 4), nn.Softplus())

    def forward(self, x):
        h = self.head(self.body(x) * 300)
        return (h * h).sum(-1).to(x.dtype).sqrt()


def large():
    torch.manual_seed(0)
    model = Large().eval()
    with torch.no_grad():
        model.head[0].weight.fill_(1.00048828125)  # between two numbers of half precision
        nn.init.eye_(model.body[0].weight)
        nn.init.zeros_(model.body[0].bias)
    return model, (torch.rand(3, 4) + 1).half().float()


@pytest.mark.parametrize("precision", [HALF, torch.bfloat16, "mixed", "mixed-bfloat16"])
@pytest.mark.parametrize(
    ("entries", "targets"),
    [
        (["head"], {"linear", "softplus"}),
        ([nn.Softplus], {"softplus"}),
        (["Linear"], {"linear"}),
        (["aten.mul.Tensor", torch.ops.aten.sum], {"mul", "sum"}),
    ],
    ids=["path", "class", "name of a class", "targets"],
)
def test_what_is_named_is_in_float32(precision, entries, targets):
    model, x = large()
    plan = explain(model, [x], precision=precision, keep_fp32=entries, build=False, runtime="reference")
    kept = [p.call for p in plan if p.call.kept]
    assert {call.target.name.split(".")[1] for call in kept if call.target.name != "aten._to_copy.default"} == targets
    for call in kept:
        leaves = [*pytree.tree_leaves((call.args, call.kwargs)), *call.results]
        assert {leaf.dtype for leaf in leaves if isinstance(leaf, torch.Tensor)} <= {torch.float32}
        assert call.kept.startswith("keep_fp32 has ")
    rows = json.loads(plan.to_json())
    assert sum(bool(row["kept"]) for row in rows) == len(kept)
    text = " ".join(str(plan).split())
    assert f"{len(kept)} kept in float32" in text
    assert plan.settings.to_dict()["keep_fp32"]
    plan.convert()(x)  # what it computes is verified call by call while it is lowered


def test_a_chain_that_is_kept_is_exact():
    model, x = large()
    module = convert(model, [x], precision=HALF, keep_fp32=["head", "aten.mul.Tensor", "aten.sum.dim_IntList", "aten.sqrt.default"])  # fmt: skip
    torch.testing.assert_close(module(x), model(x), rtol=1e-6, atol=0)
    assert not convert(model, [x], precision=HALF)(x).isfinite().any()


def test_branches_are_kept_with_what_runs_them():
    class Branch(nn.Module):
        def __init__(self):
            super().__init__()
            self.linear = nn.Linear(4, 4)

        def forward(self, x):
            return torch.cond(x.sum() > 0, lambda x: self.linear(x) * 1e5, lambda x: x.exp(), (x,)) * 1e-5

    model, x = Branch().eval(), torch.rand(2, 4) + 1
    kept = ["higher_order.cond", "aten.mul.Tensor"]
    # autocast's rules do not reach the branches, which are float32 without being named
    for settings in ({"precision": HALF, "keep_fp32": kept}, {"precision": "mixed"}):
        module = convert(model, [x], **settings)
        for one in (x, -x):
            torch.testing.assert_close(module(one), model(one), rtol=2e-3, atol=1e-7)


def test_kept_calls_beside_pytorch_and_in_files(tmp_path):
    class Eigen(nn.Module):
        def __init__(self):
            super().__init__()
            self.linear = nn.Linear(3, 3)

        def forward(self, x):
            return torch.linalg.eigvalsh(self.linear(x).float()).tanh()

    model, x = Eigen().eval(), torch.randn(3, 3)
    settings = {"precision": HALF, "keep_fp32": ["linear"], "fallback": True, "min_segment": 1}
    module = torch2trt.convert(model, [x], runtime="reference", **settings)
    torch.testing.assert_close(module(x), model(x), rtol=1e-4, atol=1e-5)
    module.save(tmp_path / "m")
    engine = torch2trt.load(tmp_path / "m").manifest()["hybrid"]["engines"][0]["engine"]
    assert (engine["settings"]["precision"], engine["settings"]["keep_fp32"]) == ("torch.float16", ["linear"])
    assert any(call["kept"] == "keep_fp32 has 'linear'" for call in engine["calls"])


def test_what_has_no_half_precision_in_pytorch_is_kept():
    class Eigen(nn.Module):
        def __init__(self):
            super().__init__()
            self.linear = nn.Linear(3, 3)

        def forward(self, x):
            return torch.linalg.eigvalsh(self.linear(x))

    model, x = Eigen().eval(), torch.randn(3, 3)
    kept = {"keep_fp32": ["aten._linalg_eigh.default"], "min_segment": 1}
    module = convert(model, [x], precision="mixed", fallback=True, **kept)
    torch.testing.assert_close(module(x), model(x), rtol=5e-3, atol=5e-3)


@pytest.mark.parametrize("kind", ["LSTM", "attention", "encoder"])
def test_layers_that_are_written_in_python_follow_the_rules(kind):
    layer = {
        "LSTM": lambda: nn.LSTM(8, 8),
        "attention": lambda: nn.MultiheadAttention(8, 2),
        "encoder": lambda: nn.TransformerEncoderLayer(8, 2, 16),
    }[kind]().eval()
    given = [torch.randn(3, 2, 8)] * (3 if kind == "attention" else 1)
    module = convert(layer, [one.clone() for one in given], precision="mixed")
    found, expected = (pytree.tree_leaves(one(*(g.clone() for g in given))) for one in (module, layer))
    torch.testing.assert_close(found, expected, rtol=5e-3, atol=5e-3)


@pytest.mark.parametrize(
    ("settings", "error", "message"),
    [
        ({"keep_fp32": ["hed"]}, InputError, "keep_fp32 has 'hed'.*did you mean 'head'"),
        ({"keep_fp32": [nn.LSTM]}, InputError, "LSTM"),
        ({"keep_fp32": "head"}, ValueError, "give a list"),
        ({"keep_fp32": [3]}, ValueError, "3, which is no module path"),
        ({"keep_fp32": ["head"], "precision": None}, ValueError, "add precision="),
        ({"precision": "mixd"}, ValueError, "did you mean 'mixed'"),
        ({"autocast": True}, TypeError, "precision='mixed'"),
    ],
)
def test_what_means_nothing_is_refused(settings, error, message):
    model, x = large()
    with pytest.raises(error, match=message):
        explain(model, [x], **{"precision": HALF, **settings})
