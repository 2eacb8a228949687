"""``fallback=True``: engines, and what no converter takes in PyTorch between them."""

import copy
import json

import pytest
import torch
import torch2trt
from torch import nn
from torch2trt import converter, explain, lib
from torch2trt.errors import (
    FallbackWarning,
    InputError,
    RandomNumbersWarning,
    UnsupportedError,
    VerificationError,
)
from torch2trt.runtime.whole import may_be_captured

from .packs import Pack, with_installed

CPU = {"runtime": "reference", "build": False, "fallback": True}


def agree(model, module, *args, **kwargs):
    expected = model(*copy.deepcopy(args), **copy.deepcopy(kwargs))
    torch.testing.assert_close(module(*args, **kwargs), expected)


class Ten(nn.Module):
    """Ten calls that nothing converts, with converted ones between them."""

    def __init__(self):
        super().__init__()
        self.layers = nn.ModuleList(nn.Linear(3, 3) for _ in range(10))

    def forward(self, x):
        for layer in self.layers:
            x = torch.linalg.eigvalsh(layer(x) + layer(x).mT) + x
        return x


def test_ten_unsupported_calls_are_listed_and_run():
    model, x = Ten().eval(), torch.randn(3, 3)
    plan = explain(model, [x], min_segment=1, **CPU)
    assert len(plan.in_torch) == 10
    assert not plan.unsupported
    assert all(planned.reasons and "test_fallback.py" in planned.call.source for planned in plan.in_torch)
    assert [segment.kind for segment in plan.segments] == ["engine", "torch"] * 10 + ["engine"]
    agree(model, plan.convert(), x)


def test_without_fallback_the_error_lists_them_all():
    model = Ten().eval()
    del model.layers[2:]
    with pytest.raises(UnsupportedError, match="fallback=True") as caught:
        torch2trt.convert(model, [torch.randn(3, 3)])
    assert str(caught.value).count("test_fallback.py:") == 2


class Eigen(nn.Module):
    def __init__(self):
        super().__init__()
        self.before, self.after = nn.Linear(4, 4), nn.Linear(4, 4)

    def forward(self, x):
        h = torch.relu(self.before(x))
        values, vectors = torch.linalg.eigh(0.1 * h @ h.mT + torch.arange(4.0, device=x.device).diag())
        return self.after(vectors.abs() * values.unsqueeze(-2)).tanh()


def test_a_decomposition_in_the_middle_with_a_dynamic_batch():
    model, x = Eigen().eval(), torch.randn(3, 4, 4)
    plan = explain(model, [x], dynamic_shapes=({0: torch.export.Dim("n", min=1, max=8)},), **CPU)
    assert [segment.kind for segment in plan.segments] == ["engine", "torch", "engine"]
    module = plan.convert()
    for count in (1, 3, 8):
        agree(model, module, torch.randn(count, 4, 4))
    with pytest.raises(InputError, match="1 to 8"):
        module(torch.randn(9, 4, 4))


def test_engines_of_segments_are_built_and_cached():
    built, model, x = {}, Eigen().eval(), torch.randn(2, 4, 4)
    module = torch2trt.convert(model, [x], fallback=True, cache=built, runtime="reference")
    assert len(built) == 2
    torch2trt.convert(model, [x], fallback=True, cache=built, runtime="reference")
    assert len(built) == 2
    assert repr(module).count("engine: ") == 2
    assert "in PyTorch: 1 calls" in repr(module)


def rows_of(x, keep):
    rows = torch.sin(x * 2 + 1)[keep]
    return torch.cos(rows * 3 - 1).sort(0).values, rows.shape[0]


def test_masks_and_sizes_that_depend_on_data():
    keep = torch.tensor([True, False, True, True, False])
    module = torch2trt.convert(rows_of, [torch.randn(5, 2), keep], min_segment=1, **CPU)
    for mask in (keep, ~keep, torch.zeros(5, dtype=torch.bool), torch.ones(5, dtype=torch.bool)):
        x = torch.randn(5, 2)
        rows, count = module(x, mask)
        assert count == int(mask.sum())
        torch.testing.assert_close(rows, rows_of(x, mask)[0])


def test_what_has_no_bound_stays_in_pytorch_and_says_why():
    def model(x):
        places = torch.repeat_interleave(x.abs().long())
        return torch.exp(places * 0.5).sum(), torch.sin(torch.cos(torch.tanh(x)))

    x = torch.randn(6) * 3
    plan = explain(model, [x], **CPU)
    (reason,) = {p.reasons[-1] for p in plan.in_torch if "mul" in p.call.target.name}
    assert "has no upper bound" in reason
    assert "torch._check" in reason
    module = plan.convert()
    agree(model, module, x)
    agree(model, module, torch.zeros(6))


def test_a_number_that_is_computed_decides_a_size():
    def model(x, y):
        count = (torch.linalg.eigvalsh(x) > 0.5).sum().item()
        torch._check(count >= 0)
        torch._check(count <= 4)
        return torch.sin(y[:count] * 2).cos() + count

    x, y = torch.eye(3), torch.randn(4, 2)
    module = torch2trt.convert(model, [x, y], min_segment=1, **CPU)
    for matrix in (x, torch.ones(3, 3), torch.zeros(3, 3)):
        agree(model, module, matrix, y)


def test_small_engines_are_given_back():
    def model(x):
        return torch.linalg.eigvalsh(torch.linalg.eigvalsh(x + 1) * x) + 1

    x = torch.randn(3, 3)
    with pytest.warns(FallbackWarning, match="no call is left for an engine"):
        module = torch2trt.convert(model, [x], **CPU)
    assert module.runtime == "torch"
    agree(model, module, x)
    reasons = {p.reasons[-1] for p in explain(model, [x], fallback=True).in_torch if "linalg" not in p.call.target.name}
    assert reasons == {"an engine of 1 call would not pay (min_segment=3)"}


class Counting(nn.Module):
    def __init__(self):
        super().__init__()
        self.register_buffer("seen", torch.zeros(3))
        self.register_buffer("last", torch.zeros(3))

    def forward(self, x):
        before = self.seen.view(3, 1)
        self.seen += torch.linalg.eigvalsh(x)
        self.last.copy_(torch.sin(self.seen))
        x += 1
        return before, x.view(-1), self.seen


def test_state_and_inputs_that_change():
    model, module = Counting(), torch2trt.convert(Counting(), [torch.eye(3)], min_segment=1, **CPU)
    for _ in range(3):
        x = torch.randn(3, 3)
        given, own = x.clone(), x.clone()
        expected, returned = model(own), module(given)
        before, flat, seen = (one.clone() for one in returned)
        torch.testing.assert_close(given, own)
        torch.testing.assert_close((before, flat, seen), expected)
        torch.testing.assert_close(dict(module.state.named_buffers()), dict(model.named_buffers()))
        # what was returned is nobody else's memory
        for one in returned:
            one.fill_(7.0)
        torch.testing.assert_close(dict(module.state.named_buffers()), dict(model.named_buffers()))
        torch.testing.assert_close(given, own)
    copied = copy.deepcopy(module)
    copied(torch.eye(3))
    torch.testing.assert_close(module.state.seen, model.seen)


@pytest.mark.filterwarnings("ignore::torch2trt.errors.FallbackWarning")
def test_weights_are_the_modules_own():
    class Scaled(nn.Module):
        def __init__(self):
            super().__init__()
            self.scale = nn.Parameter(torch.ones(3))

        def forward(self, x):
            return torch.linalg.eigvalsh(x * self.scale) * (self.scale + 1), self.scale * 2

    model, x = Scaled(), torch.randn(3, 3)
    module = torch2trt.convert(model, [x], **CPU | {"min_segment": 9})
    with torch.no_grad():
        expected = [one.clone() for one in model(x)]
        model.scale.fill_(5.0)
    for _ in range(2):
        returned = module(x)
        torch.testing.assert_close(list(returned), expected)
        returned[1].fill_(0.0)


@pytest.mark.filterwarnings("ignore::torch2trt.errors.FallbackWarning")
def test_inputs_with_other_strides_than_the_example():
    def model(x):
        return torch.linalg.eigvalsh(x.reshape(3, 3, -1).reshape(2, 3, 3)).flatten(), torch.sin(x)

    module = torch2trt.convert(model, [torch.randn(3, 3, 2)], **CPU | {"min_segment": 99})
    agree(model, module, torch.randn(2, 3, 3).permute(1, 2, 0))


def test_a_subprogram_with_a_call_that_nothing_converts():
    def model(x):
        return torch.cond(x.sum() > 0, lambda x: torch.linalg.eigvalsh(x), lambda x: x[0] * 2, (x,)) + 1

    x = torch.eye(3)
    plan = explain(model, [x], fallback=True, min_segment=1)
    cond = next(p for p in plan.in_torch if "cond" in p.call.target.name)
    assert "it runs aten._linalg_eigh" in cond.reasons[-1] or "it runs aten.linalg" in cond.reasons[-1]
    module = torch2trt.convert(model, [x], min_segment=1, **CPU)
    agree(model, module, x)
    agree(model, module, -x)


def test_random_numbers_differ_from_engine_to_engine():
    def model(x):
        first = torch.rand(50) + x.sum()
        between = torch.linalg.eigvalsh(first[:9].reshape(3, 3)).sum() * 0
        return first - x.sum(), torch.rand(50) + between

    with pytest.warns(RandomNumbersWarning):
        module = torch2trt.convert(model, [torch.ones(2)], min_segment=1, **CPU)
    (a, b), (c, d) = module(torch.ones(2)), module(torch.ones(2))
    assert len({tuple(one.tolist()) for one in (a, b, c, d)}) == 4


def test_dropout_in_training_mode_is_still_refused():
    model = nn.Sequential(nn.Linear(3, 3), nn.Dropout()).train()
    with pytest.raises(torch2trt.Torch2TRTError, match="eval"):
        torch2trt.convert(model, [torch.randn(3, 3)], **CPU)
    drawn = explain(lambda x: torch.linalg.eigvalsh(x) + torch.rand(3), [torch.eye(3)], fallback=True, random="refuse")
    with pytest.raises(UnsupportedError, match="random='refuse' forbids"):
        drawn.convert()


class Named(nn.Module):
    def __init__(self):
        super().__init__()
        self.body = nn.Sequential(nn.Linear(3, 3), nn.ReLU(), nn.Linear(3, 3))
        self.head = nn.Sequential(nn.Linear(3, 3), nn.Tanh(), nn.Linear(3, 2))

    def forward(self, x):
        return torch.sigmoid(self.head(self.body(x)))


@pytest.mark.parametrize(
    ("entries", "targets"),
    [
        (["head"], ["linear", "tanh", "linear"]),
        (["body.1", "head.1"], ["relu", "tanh"]),
        ([nn.Tanh], ["tanh"]),
        (["torch.nn.modules.activation.ReLU"], ["relu"]),
        (["ReLU"], ["relu"]),
        (["aten.sigmoid.default"], ["sigmoid"]),
        ([torch.ops.aten.linear.default, "Tanh"], ["linear", "linear", "linear", "tanh", "linear"]),
        ([torch.ops.aten.relu], ["relu"]),
    ],
    ids=str,
)
def test_parts_that_are_forced_out(entries, targets):
    model, x = Named().eval(), torch.randn(4, 3)
    plan = explain(model, [x], min_segment=1, run_in_torch=entries, **CPU)
    assert [p.call.target.name.split(".")[1] for p in plan.in_torch if "run_in_torch" in p.reasons[-1]] == targets
    agree(model, plan.finish(plan), x)


@pytest.mark.parametrize(
    ("settings", "error", "message"),
    [
        ({"run_in_torch": ["hed"]}, InputError, "'hed'.*did you mean 'head'"),
        ({"run_in_torch": [nn.LSTM]}, InputError, "LSTM"),
        ({"run_in_torch": "head"}, ValueError, "give a list"),
        ({"run_in_torch": [3]}, ValueError, "3, which is no module path"),
        ({"run_in_torch": ["head"], "fallback": False}, ValueError, "add fallback=True"),
        ({"min_segment": 0}, ValueError, "min_segment"),
        ({"min_block_size": 5}, TypeError, "min_segment=3"),
    ],
)
def test_what_names_nothing_is_refused(settings, error, message):
    with pytest.raises(error, match=message):
        explain(Named().eval(), [torch.randn(4, 3)], **{"fallback": True, **settings})


def test_without_such_calls_it_is_the_engine_that_it_was():
    model, x = Named().eval(), torch.randn(4, 3)
    plan = explain(model, [x], fallback=True)
    assert plan.is_one_engine
    assert torch2trt.convert(model, [x], **CPU).network is not None


def test_the_plan_shows_segments_and_why():
    plan = explain(Eigen().eval(), [torch.randn(2, 4, 4)], fallback=True)
    text = " ".join(str(plan).split())
    assert "in PyTorch; 0 unsupported" in text
    assert "_linalg_eigh[0] float32[2, 4]" in text
    rows = json.loads(plan.to_json())
    assert {tuple(row["segments"]) for row in rows if row["action"] == "torch"} == {(1,)}
    assert all(row["segments"] for row in rows if row["action"] == "convert")


def test_verify_holds_the_outputs():
    model, x = Eigen().eval(), torch.randn(2, 4, 4)
    module = torch2trt.convert(model, [x], verify=True, **CPU)
    assert torch2trt.compare(model, module, [x]).agrees

    @converter("aten.tanh.default")
    def tanh(ctx, input):
        return lib.mul(ctx, input, 2)

    with pytest.raises(VerificationError, match="differs from PyTorch"):
        torch2trt.convert(model, [x], verify=True, packs=with_installed(Pack(tanh)), **CPU)


class Between(nn.Module):
    """Layers, and a function between them."""

    def __init__(self, function):
        super().__init__()
        self.before, self.after, self.function = nn.Linear(4, 4), nn.Linear(4, 4), function

    def forward(self, x):
        return self.after(self.function(self.before(x))).tanh()


WAITING = {
    "erfc": (torch.erfc, False),
    "products and views": (lambda x: torch.nn.functional.linear(x.t().contiguous().t(), x[:4, :4]), False),
    "eigenvalues": (lambda x: x + torch.linalg.eigvalsh(x[:4, :4]), True),
    "a mask": (lambda x: x[x[:, 0] > 0], True),
    "writes by a mask": (lambda x: x.index_put((x > 0,), torch.tensor(2.0)), True),
}


@pytest.mark.parametrize(("function", "waits"), WAITING.values(), ids=WAITING)
def test_one_graph_is_for_what_never_waits(function, waits):
    model, x = Between(function).eval(), torch.randn(6, 4)
    called = {planned.call.target.name for planned in explain(model, [x], **CPU)}
    plan = explain(model, [x], min_segment=1, run_in_torch=sorted(called - {"aten.tanh.default"}), **CPU)
    assert [segment.kind for segment in plan.segments] == ["torch", "engine"]
    assert may_be_captured(plan.convert()._hybrid) is not waits


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="an engine needs an NVIDIA GPU")
class TestOnGPU:
    on_gpu = {"runtime": "engine", "fallback": True, "min_segment": 1, "cache": False}  # noqa: RUF012

    def agree(self, model, module, *args):
        torch.testing.assert_close(module(*args), model(*args), rtol=1e-2, atol=1e-2)

    def test_pytorch_between_engines(self):
        model = Eigen().eval().cuda()
        shapes = ({0: torch.export.Dim("n", min=1, max=8)},)
        x = torch.randn(3, 4, 4, device="cuda")
        module = torch2trt.convert(model, [x], dynamic_shapes=shapes, **self.on_gpu)
        for count in (1, 3, 8, 3, 3, 3, 3):
            self.agree(model, module, torch.randn(count, 4, 4, device="cuda"))

    def test_sizes_that_depend_on_data(self):
        keep = torch.tensor([True, False, True, True, False], device="cuda")
        module = torch2trt.convert(rows_of, [torch.randn(5, 2, device="cuda"), keep], **self.on_gpu)
        for mask in (keep, ~keep, torch.zeros_like(keep), torch.ones_like(keep), keep, keep, keep):
            self.agree(rows_of, module, torch.randn(5, 2, device="cuda"), mask)

    def test_ten_unsupported_calls(self):
        model, x = Ten().eval().cuda(), torch.randn(3, 3, device="cuda")
        module = torch2trt.convert(model, [x], **self.on_gpu)
        for _ in range(5):
            self.agree(model, module, torch.randn_like(x))

    @pytest.mark.parametrize("high", [3, 8])
    def test_one_graph_around_the_whole(self, high):
        model = Between(torch.erfc).eval().cuda()
        given = torch2trt.Input(min=(3, 4) if high == 3 else (1, 4), opt=(3, 4), max=(high, 4))
        module = torch2trt.convert(model, [given], run_in_torch=["aten.erfc.default"], **self.on_gpu)
        assert type(module.runner).__name__ == "WholeGraph"
        kept = []
        for number in range(40):
            x = torch.randn(3 if high == 3 else 1 + number % 5, 4, device="cuda")
            with torch.cuda.stream(torch.cuda.Stream() if number % 20 > 15 else torch.cuda.current_stream()):
                kept.append((module(x), model(x)))
                torch.cuda.synchronize()
        for found, expected in kept:
            torch.testing.assert_close(found, expected, rtol=1e-2, atol=1e-2)

    def test_random_numbers_of_pytorch_are_drawn_anew(self):
        model = Between(lambda x: x + torch.erfc(torch.rand_like(x))).eval().cuda()
        x = torch.randn(3, 4, device="cuda")
        module = torch2trt.convert(model, [x], run_in_torch=["aten.erfc.default"], **self.on_gpu)
        drawn = torch.stack([module(x) for _ in range(8)])
        assert len(drawn.unique(dim=0)) == 8
