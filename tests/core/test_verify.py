"""``convert(..., verify=True)``: a module that is wrong is mended or refused."""

import dataclasses
import gc
import weakref

import pytest
import torch
import torch2trt
from torch import nn
from torch2trt import (
    Context,
    Input,
    InputError,
    PrecisionWarning,
    VerificationError,
    VerificationWarning,
    converter,
    lib,
)
from torch2trt.api import _finish
from torch2trt.capture.inputs import example_inputs
from torch2trt.network.key import engine_key
from torch2trt.reference.evaluators import EVALUATORS
from torch2trt.verify.shapes import cases_of
from torch2trt.verify.verify import verified

from .engines import FusingRunner
from .packs import Pack, with_installed
from .test_compare import Model, rounded_tanh, wrong_tanh

pytestmark = pytest.mark.filterwarnings("ignore::torch2trt.ReferenceRuntimeWarning")
DYNAMIC = [Input(min=(1, 8), opt=(2, 8), max=(4, 8))]
TANH, SECOND, SOFTMAX = "aten.tanh.default#0", "second/aten.linear.default#1", "aten._softmax.default#0"


def convert(model, inputs, *converters, **settings):
    packs = with_installed(Pack(*converters)) if converters else None
    return torch2trt.convert(model, inputs, packs=packs, verify=True, build=False, **settings)


def on_wrong_engine(model, inputs, **planted):
    """As on a machine with a GPU whose TensorRT is wrong: the module and every probe run on a wrong engine."""

    def finish(plan):
        module = _finish(plan)
        module._chosen = FusingRunner(module.lowered, **planted)
        return module

    example = example_inputs(model, inputs, None, torch.device("cpu"))
    plan = torch2trt.explain(model, inputs)
    return verified(finish, model, example, None, plan, lambda network: FusingRunner(network, **planted))


def test_a_right_model_passes_at_every_shape():
    assert torch2trt.convert(Model().eval(), DYNAMIC, verify=True).manifest()["engine"]["breaks"] == []


def test_a_wrong_converter_is_refused_with_its_name():
    with pytest.raises(VerificationError, match=r"(?s)smallest shapes \(1, 8\).*call tanh .*test_compare.wrong_tanh"):
        convert(Model().eval(), DYNAMIC, wrong_tanh)


@converter("aten.tanh.default")
def first_rows_tanh(ctx: Context, input):
    """tanh(Tensor self) -> Tensor"""
    return lib.add(ctx, lib.mul(ctx, input, 0), lib.narrow(ctx, lib.tanh(ctx, input), 0, 0, 1))


def test_what_is_right_at_the_smallest_shapes_alone_is_refused_at_the_usual_ones():
    with pytest.raises(VerificationError, match=r"usual shapes \(2, 8\)"):
        convert(Model().eval(), DYNAMIC, first_rows_tanh)


@converter("aten.tanh.default")
def two_rows_tanh(ctx: Context, input):
    """tanh(Tensor self) -> Tensor"""
    return lib.tanh(ctx, lib.reshape(ctx, input, [2, 8]))


def test_what_cannot_run_at_the_smallest_shapes_is_refused():
    with pytest.raises(VerificationError, match=r"cannot be run at the smallest shapes \(1, 8\): .*tanh"):
        convert(Model().eval(), DYNAMIC, two_rows_tanh)


def test_a_wrong_fusion_is_mended_by_one_output_and_told():
    model = Model().eval()
    with pytest.warns(VerificationWarning, match=r"(?s)mended with 1 outputs more \(tanh\).*test_compare.py:\d+"):
        module = on_wrong_engine(model, DYNAMIC, pairs=[(TANH, SECOND)])
    assert module.manifest()["engine"]["breaks"] == ["tanh"]
    x = torch.randn(3, 8)
    torch.testing.assert_close(module(x), model(x))
    assert module.network.num_outputs == 2


def test_several_wrong_fusions_are_all_mended():
    pairs = [("first/aten.linear.default#1", TANH), (SECOND, SOFTMAX)]
    with pytest.warns(VerificationWarning, match="mended with 2 outputs more"):
        module = on_wrong_engine(Model().eval(), DYNAMIC, pairs=pairs)
    assert module.lowered.plan.breaks == {"linear", "linear_1"}


def test_a_fusion_that_is_wrong_at_the_largest_shapes_alone_is_mended():
    with pytest.warns(VerificationWarning, match=r"largest shapes \(4, 8\)"):
        module = on_wrong_engine(Model().eval(), DYNAMIC, pairs=[(TANH, SECOND)], from_size=3)
    assert module.lowered.plan.breaks == {"tanh"}


def test_an_engine_that_no_break_mends_is_refused_with_its_call():
    with pytest.raises(
        VerificationError, match=r"(?s)TensorRT's engine is not, the first call that it has wrong:.*tanh"
    ):
        on_wrong_engine(Model().eval(), DYNAMIC, always=[TANH])


def test_an_engine_that_is_wrong_with_all_outputs_is_mended_by_one_before_the_wrong_call():
    with pytest.warns(VerificationWarning, match=r"(?s)mended with 1 outputs more \(linear\).*call tanh "):
        module = on_wrong_engine(Model().eval(), DYNAMIC, always=[TANH], unless="first/aten.linear.default#1")
    assert module.lowered.plan.breaks == {"linear"}


def test_breaks_are_part_of_the_key_of_an_engine():
    plan = torch2trt.explain(Model().eval(), DYNAMIC)
    mended = dataclasses.replace(plan, breaks=frozenset({"tanh"}))
    assert engine_key(plan, *plan.segments) != engine_key(mended, *mended.segments)


def test_rounding_that_the_model_amplifies_is_a_warning():
    def steep(x):
        return torch.tanh(x) - torch.tanh(torch.tensor(0.5))

    with pytest.warns(VerificationWarning, match="the model amplifies rounding"):
        convert(steep, [torch.linspace(0.5, 0.5001, 10)], rounded_tanh)


def test_shapes_that_the_model_itself_refuses_are_told():
    class Picky(nn.Module):
        def forward(self, x):
            if not torch.compiler.is_exporting() and x.shape[0] == 4:
                raise ValueError("not four")
            return x + 1

    with pytest.warns(VerificationWarning) as told:
        convert(Picky(), [Input(min=(1, 8), opt=(4, 8), max=(4, 8))])
    assert ["usual shapes (4, 8): the model itself fails with ValueError" in str(w.message) for w in told] == [True]


def names(cases):
    return [case.name.partition(" shapes")[0] for case in cases]


def test_the_users_tensors_are_the_usual_case_and_random_ones_are_like_them():
    def lookup(table, index):
        return table[index]

    table, index = torch.randn(10, 2), torch.tensor([7, 9, 7])
    shapes = (None, {0: torch.export.Dim("n", min=1, max=5)})
    plan = torch2trt.explain(lookup, [table, index], dynamic_shapes=shapes)
    example = example_inputs(lookup, [table, index], shapes, torch.device("cpu"))
    cases = cases_of(lookup, plan.program, example, [table, torch.tensor([0, 1])])
    assert names(cases) == ["the given inputs", "the smallest", "the usual", "the largest"]
    smallest, usual, largest = (case.tensors["index"] for case in cases[1:])
    assert torch.equal(usual, index)
    assert (smallest.shape[0], largest.shape[0]) == (1, 5)
    assert {7, 8, 9} >= {*smallest.tolist(), *largest.tolist()}
    assert all(torch.equal(case.tensors["table"], table) for case in cases)


def test_fixed_arguments_and_keywords_of_an_exported_program_stay_as_they_are():
    class Options(nn.Module):
        def forward(self, x, scale, bias=None, *, shift, flag=True):
            return (x * scale + shift if flag else x, x.mul_(2))

    x, shift = torch.randn(2, 3), torch.randn(3)
    exported = torch.export.export(Options(), (x, 3), {"flag": True, "shift": shift}, strict=False)
    module = torch2trt.convert(exported, verify=True, build=False)
    torch.testing.assert_close(module(x.clone(), 3, shift=shift, flag=True)[0], x * 3 + shift)


def test_a_static_model_has_one_case():
    model = Model().eval()
    example = example_inputs(model, [Input((2, 8))], None, torch.device("cpu"))
    cases = cases_of(model, torch2trt.explain(model, [Input((2, 8))]).program, example)
    assert names(cases) == ["the smallest"]
    assert cases[0].tensors["x"].std() > 0.5


def test_inputs_to_verify_with_must_fit_and_need_verify():
    model = Model().eval()
    with pytest.raises(InputError, match="has size 9"):
        convert(model, DYNAMIC, verify_inputs=[torch.randn(2, 9)])
    with pytest.raises(InputError, match="verify=True"):
        torch2trt.convert(model, DYNAMIC, verify_inputs=[torch.randn(2, 8)])


@pytest.mark.skipif(torch.cuda.is_available(), reason="this is about machines without a GPU")
def test_an_engine_that_cannot_run_here_is_told():
    with pytest.warns(VerificationWarning, match="the engine itself was not held against PyTorch: an engine needs"):
        torch2trt.convert(Model().eval(), DYNAMIC, verify=True, runtime="engine")


def test_a_layer_without_an_evaluator_is_told(monkeypatch):
    monkeypatch.delitem(EVALUATORS, "SOFTMAX")
    with pytest.warns(VerificationWarning, match=r"the network itself was not held against PyTorch: .*_softmax"):
        convert(Model().eval(), DYNAMIC)


def test_float16_is_held_to_what_float16_explains():
    convert(Model().eval(), DYNAMIC, precision=torch.float16)
    with pytest.raises(VerificationError, match="wrong_float16_tanh"):
        convert(Model().eval(), DYNAMIC, wrong_float16_tanh, precision=torch.float16)


@converter("aten.tanh.default")
def wrong_float16_tanh(ctx: Context, input):
    """tanh(Tensor self) -> Tensor"""
    return lib.mul(ctx, lib.tanh(ctx, input), 1.1)


class Far(nn.Module):
    """Adds and subtracts a number that float16 has few digits beside, or none."""

    def __init__(self, number):
        super().__init__()
        self.number = nn.Parameter(torch.tensor(number))

    def forward(self, x):
        return x + self.number - self.number


def test_a_precision_that_is_too_low_is_told_and_one_that_overflows_refused():
    inputs = [torch.rand(4)]
    with pytest.warns(VerificationWarning, match="PyTorch itself computes as much else in the precision asked for"):
        convert(Far(1e3), inputs, precision=torch.float16)
    overflows = pytest.raises(VerificationError, match="off by at most inf: PyTorch itself")
    with pytest.warns(PrecisionWarning, match="number: numbers beyond float16"), overflows:
        convert(Far(1e5), inputs, precision=torch.float16)


def test_the_module_keeps_neither_the_model_nor_its_example():
    model = nn.Sequential(Model()).eval()
    gone = weakref.ref(model)
    module = convert(model, DYNAMIC)
    del model
    gc.collect()
    assert gone() is None
    assert module(torch.ones(1, 8)).shape == (1, 8)
