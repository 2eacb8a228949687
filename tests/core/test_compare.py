"""``compare``: which call of a converted module differs from PyTorch, and how far."""

import copy
import json
import math

import pytest
import torch
import torch.nn.functional as F
import torch2trt
from torch import nn
from torch2trt import Context, EngineError, Input, InputError, compare, converter, lib
from torch2trt.program.evaluate import device_of, evaluate
from torch2trt.verify.case import Case
from torch2trt.verify.measure import error
from torch2trt.verify.search import smallest

from .engines import FusingRunner
from .packs import Pack, with_installed

pytestmark = pytest.mark.filterwarnings("ignore::torch2trt.ReferenceRuntimeWarning")


class Model(nn.Module):
    """Four layers, two of them of one kind."""

    def __init__(self):
        super().__init__()
        self.first = nn.Linear(8, 8)
        self.second = nn.Linear(8, 8)

    def forward(self, x):
        return F.softmax(self.second(torch.tanh(self.first(x))), -1)


@converter("aten.tanh.default")
def wrong_tanh(ctx: Context, input):
    """tanh(Tensor self) -> Tensor"""
    return lib.mul(ctx, lib.tanh(ctx, input), 1.01)


def converted(model, inputs, *converters, **settings):
    packs = with_installed(Pack(*converters)) if converters else None
    return torch2trt.convert(model, inputs, packs=packs, **{"build": False, **settings})


def test_a_right_module_agrees_call_by_call_at_every_size():
    model = Model().eval()
    module = converted(model, [Input(min=(1, 8), opt=(2, 8), max=(4, 8))])
    for size in (1, 3, 4):
        found = compare(model, module, [torch.randn(size, 8)])
        assert found.agrees
        assert found.cause is found.first is None
        assert [call.planned.call.target.name for call in found.calls if call.error is not None] == [
            *("aten.linear.default", "aten.tanh.default", "aten.linear.default", "aten._softmax.default")
        ]


def test_a_wrong_converter_is_named_and_those_after_it_are_not():
    model = Model().eval()
    found = compare(model, converted(model, [torch.randn(2, 8)], wrong_tanh), {"x": torch.randn(2, 8)})
    assert not found.agrees
    assert found.cause == "call"
    assert found.first.planned.converter.name.endswith("test_compare.wrong_tanh")
    assert found.first.own == pytest.approx(0.01, rel=0.01)
    after = found.calls[found.calls.index(found.first) + 1]
    assert after.error > after.tolerance
    assert after.own <= after.own_tolerance
    for named in ("aten.tanh.default", "test_compare.py:", "wrong_tanh (pack Pack", "layers aten.tanh.default#0"):
        assert named in str(found)
    assert json.loads(found.to_json())["first"] == found.first.planned.call.name == "tanh"


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="an engine needs an NVIDIA GPU")
def test_a_wrong_converter_is_named_from_the_tensors_of_an_engine():
    model, inputs = Model().eval(), [torch.randn(2, 8)]
    found = compare(model, converted(model, inputs, wrong_tanh, build=True, runtime="engine"), inputs)
    assert (found.runtime, found.cause, found.first.planned.call.name) == ("engine", "call", "tanh")
    assert all(call.error is not None for call in found.calls)


def test_a_call_whose_operands_differ_is_not_to_blame_for_what_it_makes_of_them():
    def steps(x):
        return torch.tanh(x), (torch.tanh(x) > 0.5).to(torch.int64).cumsum(0)

    x = torch.atanh(torch.tensor([0.4999, 0.5001, 0.2]))
    found = compare(steps, converted(steps, [x], wrong_tanh), [x])
    greater = next(call for call in found.calls if call.planned.call.target.name == "aten.gt.Scalar")
    assert (greater.error, greater.own) == (pytest.approx(1 / 3), 0)
    assert found.first.planned.call.target.name == "aten.tanh.default"


class Changing(nn.Module):
    """Changes its input, and makes calls that are kept whole below."""

    def __init__(self):
        super().__init__()
        self.act = nn.SiLU(inplace=True)
        self.shift = nn.Parameter(torch.randn(4))

    def forward(self, x, k=2):
        y = self.act(x + self.shift)
        a, b = y.view(y.shape[0], 2, -1).unbind(1)
        x.mul_(k)
        return {"a": a.exp(), "b": F.gelu(b), "n": x.shape[0], "none": None}


@converter("torch.nn.SiLU.forward")
def whole_silu(ctx: Context, module, input):
    return lib.mul(ctx, input, lib.sigmoid(ctx, input))


@converter("torch.nn.functional.gelu")
def whole_gelu(ctx: Context, input, approximate="none"):
    return lib.mul(ctx, input, 0.5)


def branching(x):
    return torch.cond(x.sum() > 0, lambda x: x.exp() * x.shape[0], lambda x: x.neg(), (x,))


@pytest.mark.parametrize("model", [Changing().eval(), branching])
def test_the_evaluated_program_is_the_model(model):
    packs = with_installed(Pack(whole_silu, whole_gelu))
    inputs = [Input(min=(1, 4), opt=(2, 4), max=(4, 4))]
    program = torch2trt.explain(model, inputs, packs=packs).program
    if model is not branching:
        assert {call.target.level for call in program.calls} == {"module", "function", "operator"}
    for size in (1, 2, 4):
        case = Case(model, program.signature, [torch.randn(size, 4)], {})
        outputs = evaluate(program, case.tensors, device_of(program))
        for output, expected in zip(outputs, case.expected.values(), strict=True):
            torch.testing.assert_close(torch.as_tensor(output), expected)


def test_calls_kept_whole_are_compared_too():
    model = Changing().eval()
    x = torch.randn(3, 4)
    before = x.clone()
    found = compare(model, converted(model, [x], whole_silu, whole_gelu), [x])
    assert found.first.planned.call.target.name == "torch.nn.functional.gelu"
    assert torch.equal(x, before)


def test_what_the_capture_got_wrong_is_no_calls_fault():
    def branches(x):
        return x + 1 if state["one"] else x - 1

    state = {"one": True}
    module = converted(branches, [torch.randn(3)])
    state["one"] = False
    found = compare(branches, module, [torch.randn(3)])
    assert (found.agrees, found.cause, found.first) == (False, "capture", None)


def test_the_tolerance_is_that_of_the_dtype_and_can_be_given():
    model = Model().eval()
    module, x = converted(model, [torch.randn(2, 8)], precision=torch.float16), torch.randn(2, 8)
    found = compare(model, module, [x])
    assert found.agrees
    assert 1e-4 < max(output.error for output in found.outputs) < 2e-2
    assert not compare(model, module, [x], tolerance=1e-5).agrees


@converter("aten.tanh.default")
def rounded_tanh(ctx: Context, input):
    """tanh(Tensor self) -> Tensor"""
    return lib.mul(ctx, lib.tanh(ctx, input), 1 + 1e-5)


def test_rounding_that_the_model_amplifies_is_told_from_a_wrong_call():
    def steep(x):
        return torch.tanh(x) - torch.tanh(torch.tensor(0.5))

    x = torch.linspace(0.5, 0.5001, 10)
    found = compare(steep, converted(steep, [x], rounded_tanh), [x])
    assert (found.agrees, found.cause) == (False, "rounding")
    assert found.first.planned.call.target.name == "aten.sub.Tensor"


def test_errors_are_relative_to_the_largest_value():
    assert error(torch.tensor([1.0, 100.0]), torch.tensor([2.0, 100.0])) == pytest.approx(0.01)
    assert error(torch.tensor([0.0, 1e-3]), torch.zeros(2)) == pytest.approx(1e-3)
    assert error(torch.tensor([1, 2, 3, 4]), torch.tensor([1, 2, 3, 5])) == 0.25
    assert error(torch.tensor([True]), torch.tensor([False])) == 1
    assert error(torch.empty(0, 2), torch.empty(0, 2)) == 0


@pytest.mark.parametrize("actual", [[1.0, 2.0], [math.nan, 2.0], [math.inf, math.nan], [-math.inf, 2.0]])
def test_nan_and_infinity_must_be_where_pytorch_has_them(actual):
    assert error(torch.tensor(actual), torch.tensor([math.inf, 2.0])) == math.inf
    assert error(torch.tensor([math.inf, 2.0]), torch.tensor(actual)) == math.inf
    assert error(torch.tensor(actual), torch.tensor(actual)) == 0


def test_another_shape_is_an_infinite_error():
    assert error(torch.ones(2), torch.ones(1, 2)) == math.inf


@pytest.mark.parametrize("needed", [{3}, {0}, {9}, {2, 3}, {0, 5, 9}, set(range(10))])
def test_the_search_finds_exactly_what_is_needed(needed):
    trials = []

    def mends(subset):
        trials.append(subset)
        return needed <= {int(name) for name in subset}

    assert smallest([str(i) for i in range(10)], mends) == [str(i) for i in sorted(needed)]
    assert len(trials) <= 4 * len(needed) * 4


def on_wrong_engine(monkeypatch, model, inputs, **planted):
    """As on a machine with a GPU whose TensorRT is wrong."""
    module = converted(model, inputs)
    monkeypatch.setattr(torch2trt.verify.compare, "on_engine", lambda network: FusingRunner(network, **planted))
    module._chosen = FusingRunner(module.lowered, **planted)
    return compare(model, module, inputs)


def test_a_wrong_fusion_is_named_by_the_fewest_outputs_that_mend_it(monkeypatch):
    pair = ("aten.tanh.default#0", "second/aten.linear.default#1")
    found = on_wrong_engine(monkeypatch, Model().eval(), [torch.randn(2, 8)], pairs=[pair])
    assert (found.agrees, found.cause, found.breaks) == (False, "fusion", frozenset({"tanh"}))
    assert found.first.planned.call.name == "tanh"
    assert "a fusion of TensorRT is wrong" in str(found)


@pytest.mark.parametrize("unless", [None, "first/aten.linear.default#1"])
def test_an_engine_that_is_wrong_at_a_call_is_told_from_a_wrong_converter(monkeypatch, unless):
    planted = {"always": ["aten.tanh.default#0"], "unless": unless}
    found = on_wrong_engine(monkeypatch, Model().eval(), [torch.randn(2, 8)], **planted)
    assert (found.cause, found.first.planned.call.name) == ("engine", "tanh")
    assert found.breaks == ({"linear"} if unless else frozenset())
    assert found.first.network < 1e-6
    assert ("unless linear is an output too" in found.summary()) == bool(unless)


def test_a_wrong_converter_is_to_blame_on_an_engine_too(monkeypatch):
    model, x = Model().eval(), torch.randn(2, 8)
    module = converted(model, [x], wrong_tanh)
    monkeypatch.setattr(torch2trt.verify.compare, "on_engine", FusingRunner)
    module._chosen = FusingRunner(module.lowered)
    found = compare(model, module, [x])
    assert (found.cause, found.first.planned.call.name) == ("call", "tanh")
    assert found.first.network == pytest.approx(0.01, rel=0.01)


def test_a_loaded_module_is_compared_by_its_outputs():
    model = Model().eval()
    module = torch2trt.convert(model, [torch.randn(2, 8)], runtime="reference")
    lowered, loaded = module.lowered, copy.copy(module)
    loaded._reference, loaded._chosen = None, module.runner
    found = compare(model, loaded, [torch.randn(2, 8)])
    assert (found.agrees, found.calls, found.cause) == (True, (), None)
    loaded._chosen = FusingRunner(lowered, always=["aten.tanh.default#0"])
    wrong = compare(model, loaded, [torch.randn(2, 8)])
    assert (wrong.agrees, wrong.first) == (False, None)
    assert "only a module that was converted in this process can be compared call by call" in str(wrong)


def test_what_cannot_be_compared_is_refused():
    model = Model().eval()
    module = converted(model, [torch.randn(2, 8)])
    with pytest.raises(InputError, match="an Input only describes one"):
        compare(model, module, [Input((2, 8))])
    with pytest.raises(InputError, match="only an ExportedProgram has its own"):
        compare(model, module)
    with pytest.raises(InputError, match="has size 3"):
        compare(model, module, [torch.randn(3, 8)])
    with pytest.raises(InputError, match="the model returns 2 values and the module 1"):
        compare(lambda x: (x, x), module, [torch.randn(2, 8)])
    with pytest.raises(EngineError, match="empty"):
        compare(model, torch2trt.TRTModule(), [torch.randn(2, 8)])


def test_pytorch_computes_float32_in_full_meanwhile_and_as_before_afterwards():
    seen = []

    def matmul(x):
        seen.append(torch.backends.cuda.matmul.fp32_precision)
        return x @ x

    torch.backends.cuda.matmul.fp32_precision = "tf32"
    try:
        module = converted(matmul, [torch.randn(2, 2)])
        del seen[:]
        compare(matmul, module, [torch.randn(2, 2)])
        assert (seen, torch.backends.cuda.matmul.fp32_precision) == (["ieee"], "tf32")
    finally:
        torch.backends.cuda.matmul.fp32_precision = "none"


@converter("aten.add.Tensor")
def huge_sum(ctx: Context, input, other, *, alpha=1):
    """add.Tensor(Tensor self, Tensor other, *, Scalar alpha=1) -> Tensor"""
    return lib.mul(ctx, lib.add(ctx, input, other), 100)


def test_what_a_wrong_call_breaks_later_does_not_hide_it():
    def lookup(table, index):
        return table[index + index]

    inputs = [torch.randn(10, 2), torch.tensor([1, 2])]
    found = compare(lookup, converted(lookup, inputs, huge_sum), inputs)
    assert found.first.planned.call.target.name == "aten.add.Tensor"


@converter("aten.scaled_dot_product_attention.default")
def wrong_attention(ctx: Context, query, key, value, *args, **kwargs):
    """scaled_dot_product_attention(Tensor query, Tensor key, Tensor value, ...) -> Tensor"""
    return lib.mul(ctx, value, 1.0)


def test_attention_that_drops_nothing_out_is_compared():
    x = torch.randn(1, 2, 3, 4)

    def attend(x):
        return F.scaled_dot_product_attention(x, x, x)

    found = compare(attend, converted(attend, [x], wrong_attention), [x])
    assert (found.cause, found.first.planned.call.target.name) == ("call", "aten.scaled_dot_product_attention.default")


def test_random_and_unset_values_are_not_compared():
    def unset(x):
        return torch.empty_like(x).mul(0).nan_to_num() + x

    x = torch.randn(3)
    assert compare(unset, converted(unset, [x]), [x]).agrees


def test_other_strides_than_pytorchs_do_not_matter():
    def heads(x):
        return x.transpose(0, 1).contiguous().view(-1), x.view(2, 2, 2).transpose(0, 2).relu().transpose(0, 2).view(-1)

    x = torch.randn(2, 4)
    assert compare(heads, converted(heads, [x]), [x]).agrees
