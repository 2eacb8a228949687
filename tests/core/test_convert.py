"""The way of the data end to end: capture, plan, lower, run on the reference interpreter."""

import collections
import functools
import threading

import pytest
import torch
import torch2trt
from torch import nn
from torch.export import Dim
from torch2trt import (
    CaptureError,
    ConversionError,
    Input,
    InputError,
    Packs,
    UnsupportedError,
    converter,
    hookimpl,
    lib,
)

from .packs import Pack, with_installed

pytestmark = pytest.mark.filterwarnings("ignore::torch2trt.ReferenceRuntimeWarning")


def convert(model, inputs, **settings):
    return torch2trt.convert(model, inputs, build=False, **settings)


class Nested(nn.Module):
    """Dicts, None, ints, a buffer, a constant, in-place operations and views."""

    def __init__(self):
        super().__init__()
        self.linear = nn.Linear(4, 8)
        self.relu = nn.ReLU(inplace=True)
        self.register_buffer("shift", torch.ones(1))
        self.table = torch.arange(24.0).view(3, 8)

    def forward(self, x, options):
        z = self.relu(self.linear(x))
        z[:, 0] = 3
        z += options["bias"]
        rows = z.view(z.shape[0], 2, -1)
        return {
            "rows": rows + self.shift,
            "k": 3,
            "none": None,
            "sums": (z.sum() + self.table.sum(), x),
            "n": z.shape[0],
        }


def test_pytrees_in_place_and_views():
    model = Nested().eval()
    inputs = (torch.randn(3, 4), {"bias": torch.randn(8)})
    shapes = ({0: Dim("n", min=1, max=6)}, {"bias": None})
    module = convert(model, inputs, dynamic_shapes=shapes)
    for n in (1, 3, 6):
        x = torch.randn(n, 4)
        found, expected = module(x, inputs[1]), model(x, inputs[1])
        torch.testing.assert_close(found, expected)
        assert found["n"] == n
        assert found["none"] is None


def test_an_input_that_the_model_changes_in_place_is_changed():
    def double(x):
        x.mul_(2)
        return x + 1

    x = torch.randn(3)
    module = convert(double, [x.clone()])
    changed = x.clone()
    torch.testing.assert_close(module(changed), 2 * x + 1)
    torch.testing.assert_close(changed, 2 * x)


def test_keyword_inputs_and_integers_and_bools():
    class Model(nn.Module):
        def forward(self, x, *, index, mask):
            return torch.where(mask, x, x * index)

    model = Model()
    inputs = {"x": torch.randn(4), "index": torch.arange(4), "mask": torch.tensor([True, False, True, False])}
    module = convert(model, inputs)
    torch.testing.assert_close(module(**inputs), model(**inputs))
    reordered = {name: inputs[name] for name in ("mask", "x", "index")}
    torch.testing.assert_close(module(**reordered), model(**inputs))


def test_positional_inputs_may_be_given_by_name():
    module = convert(lambda x, y: x - y, [torch.ones(2), torch.ones(2)])
    torch.testing.assert_close(module(y=torch.ones(2), x=torch.zeros(2)), -torch.ones(2))


def test_what_was_left_out_at_conversion_may_be_said_again_and_not_changed():
    class Model(nn.Module):
        def forward(self, x, y=None, scale=2.0, *, flip=False):
            return x * scale if y is None else x + y

    module = convert(Model(), [torch.ones(2)])
    for result in (module(torch.ones(2)), module(torch.ones(2), None), module(torch.ones(2), None, scale=2.0)):
        assert result.tolist() == [2.0, 2.0]
    with pytest.raises(InputError, match="input 'y' was left out at conversion and is fixed at None; convert again"):
        module(torch.ones(2), torch.ones(2))
    with pytest.raises(InputError, match=r"input 'scale' was left out at conversion and is fixed at 2\.0"):
        module(torch.ones(2), scale=3.0)


def test_one_tensor_given_for_two_inputs_is_two_inputs():
    x = torch.ones(3)
    left, right = torch.randn(3), torch.randn(3)
    for inputs in ([x, x], {"left": x, "right": x}):
        module = convert(lambda left, right: left - right, inputs)
        torch.testing.assert_close(module(left=left, right=right), left - right)


def test_a_parameter_given_as_an_input_is_an_input():
    class Model(nn.Module):
        def __init__(self):
            super().__init__()
            self.weight = nn.Parameter(torch.ones(3))

        def forward(self, x):
            return x * self.weight

    model = Model().eval()
    x = torch.randn(3)
    torch.testing.assert_close(convert(model, [model.weight])(x), x)


@pytest.mark.parametrize("give", ["Input", "dynamic_shapes"])
def test_dynamic_sizes(give):
    model = nn.Sequential(nn.Flatten(), nn.Linear(12, 5), nn.Softmax(1)).eval()
    if give == "Input":
        module = convert(model, [Input(min=(1, 3, 4), opt=(1, 3, 4), max=(8, 3, 4))])
    else:
        module = convert(model, [torch.randn(2, 3, 4)], dynamic_shapes=({0: Dim("batch", max=8)},))
    assert module.signature.inputs[0].ranges[0][0::2] == (1, 8)
    for batch in (1, 3, 8):
        x = torch.randn(batch, 3, 4)
        torch.testing.assert_close(module(x), model(x))


def test_an_exported_program_is_a_model():
    model = nn.Sequential(nn.Linear(4, 4), nn.ReLU()).eval()
    x = torch.randn(2, 4)
    exported = torch.export.export(model, (x,), strict=False)
    torch.testing.assert_close(convert(exported, [x])(x), model(x))


@pytest.mark.parametrize("precision", [torch.float16, torch.bfloat16])
def test_precision_changes_the_network_and_not_the_calling_convention(precision):
    model = nn.Sequential(nn.Linear(8, 8), nn.ReLU(), nn.Linear(8, 4)).eval()
    module = convert(model, [torch.randn(2, 8)], precision=precision)
    x = torch.randn(2, 8)
    found = module(x)
    assert found.dtype == torch.float32
    torch.testing.assert_close(found, model(x), rtol=5e-2, atol=5e-2)
    assert (found != model(x)).any()
    half = {str(module.network.get_layer(i).get_output(0).dtype) for i in range(module.network.num_layers)}
    assert {"torch.float16": "DataType.HALF", "torch.bfloat16": "DataType.BF16"}[str(precision)] in half
    assert model[0].weight.dtype == torch.float32


Pair = collections.namedtuple("Pair", "first second")


def scale_and_shift(x, factor=2.0):
    return Pair(x * factor, x + factor)


class Scaled(nn.Module):
    def __init__(self):
        super().__init__()
        self.factor = nn.Parameter(torch.tensor([2.0]))

    def forward(self, x):
        return x * self.factor


def test_calls_claimed_at_function_and_module_level_stay_whole():
    @converter("torch.nn.functional.gelu")
    def gelu(ctx, input, approximate="none"):
        return ctx.network.add_activation(input, torch2trt.trt.ActivationType.GELU_ERF).get_output(0)

    @converter(scale_and_shift)
    def pair(ctx, x, factor=2.0):
        factor = ctx.tensor(torch.full((1, 1), factor))
        operations = torch2trt.trt.ElementWiseOperation.PROD, torch2trt.trt.ElementWiseOperation.SUM
        return tuple(ctx.network.add_elementwise(x, factor, op).get_output(0) for op in operations)

    @converter(Scaled.forward)
    def scaled(ctx, module, x):
        factor = ctx.tensor(module.factor, ndim=2)
        return ctx.network.add_elementwise(x, factor, torch2trt.trt.ElementWiseOperation.PROD).get_output(0)

    class Pack:
        @hookimpl
        def torch2trt_register_converters(self, registry):
            registry.add(gelu, pair, scaled)

    class Model(nn.Module):
        def __init__(self):
            super().__init__()
            self.scaled = Scaled()

        def forward(self, x):
            first, second = scale_and_shift(nn.functional.gelu(self.scaled(x)), factor=3.0)
            return first - second

    model = Model().eval()
    packs = Packs.load(extra=(Pack(),))
    shapes = ({0: Dim("n", max=8)},)
    plan = torch2trt.explain(model, [torch.randn(3, 4)], dynamic_shapes=shapes, packs=packs)
    levels = {planned.call.target.level: planned.converter.name.rpartition(".")[2] for planned in plan}
    assert levels == {"module": "scaled", "function": "pair", "operator": "sub"}
    module = convert(model, [torch.randn(3, 4)], dynamic_shapes=shapes, packs=packs)
    for n in (1, 5):
        x = torch.randn(n, 4)
        torch.testing.assert_close(module(x), model(x))
    assert "forward" not in vars(model.scaled)


def factored(x, *, factor=2.0):
    return x * factor


def test_a_claimed_function_is_seen_whoever_holds_it():
    @converter(factored)
    def multiply(ctx, x, factor=2.0):
        return lib.mul(ctx, x, factor)

    held, before = [factored, functools.partial(factored, factor=3.0)], (factored.__code__, factored.__kwdefaults__)

    class Model(nn.Module):
        def __init__(self):
            super().__init__()
            self.function = factored

        def forward(self, x, other=factored):
            return held[1](held[0](other(self.function(x, factor=5.0))))

    model, packs = Model(), with_installed(Pack(multiply))
    plan = torch2trt.explain(model, [torch.ones(2)], packs=packs)
    assert [planned.call.target.level for planned in plan] == ["function"] * 4
    assert convert(model, [torch.ones(2)], packs=packs)(torch.ones(2)).tolist() == [60.0, 60.0]
    assert model(torch.ones(2)).tolist() == [60.0, 60.0]
    assert [planned.call.target.level for planned in torch2trt.explain(factored, [torch.ones(2)], packs=packs)] == [
        "function"
    ]
    assert convert(factored, {"x": torch.ones(2)}, packs=packs).signature.inputs[0].name == "x"
    assert (factored.__code__, factored.__kwdefaults__) == before
    assert not vars(factored)


def test_a_kept_module_is_given_its_parameters_in_the_chosen_precision():
    seen = []

    @converter(Scaled.forward)
    def scaled(ctx, module, x):
        seen.append(module.factor.dtype)
        factor = ctx.tensor(module.factor, ndim=2)
        return ctx.network.add_elementwise(x, factor, torch2trt.trt.ElementWiseOperation.PROD).get_output(0)

    class Pack:
        @hookimpl
        def torch2trt_register_converters(self, registry):
            registry.add(scaled)

    model = Scaled().eval()
    module = convert(model, [torch.randn(3, 4)], packs=Packs.load(extra=(Pack(),)), precision=torch.float16)
    torch.testing.assert_close(module(torch.ones(3, 4)), torch.full((3, 4), 2.0))
    assert seen == [torch.float16]
    assert model.factor.dtype == torch.float32


def test_constants_are_computed_once_by_pytorch():
    def model(x):
        return x + torch.arange(4).flip(0) * 2

    plan = torch2trt.explain(model, [torch.ones(4)])
    assert [planned.action for planned in plan][:-1] == ["fold"] * (len(plan) - 1)
    torch.testing.assert_close(convert(model, [torch.ones(4)])(torch.zeros(4)), torch.tensor([6.0, 4.0, 2.0, 0.0]))


def test_two_conversions_in_two_threads():
    models = [nn.Sequential(nn.Linear(4, 4), nn.ReLU()).eval() for _ in range(2)]
    found, x = [None, None], torch.randn(2, 4)

    def run(index):
        found[index] = convert(models[index], [x])(x)

    threads = [threading.Thread(target=run, args=(index,)) for index in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for index in range(2):
        torch.testing.assert_close(found[index], models[index](x))


def test_all_unsupported_calls_are_listed_at_once_with_line_and_module():
    class Model(nn.Module):
        def __init__(self):
            super().__init__()
            self.norm = nn.ReLU()

        def forward(self, x):
            return torch.sigmoid(self.norm(x)) + torch.relu(x)

    packs = Packs.load(block=("base", "vision", "transformer", "quantization", "example"))
    with pytest.raises(UnsupportedError) as caught:
        convert(Model().eval(), [torch.ones(2)], packs=packs)
    text = str(caught.value)
    assert "4 of 4 calls have no converter" in text
    for expected in (
        "aten.relu.default(float32[2])",
        "aten.sigmoid.default",
        "norm (ReLU) at test_convert.py:",
        "no loaded pack",
    ):
        assert expected in text


class Wrong:
    """A pack with one converter of ``aten.relu.default`` that is made for a test."""

    def __init__(self, function, **options):
        self.function = converter("aten.relu.default", **options)(function)

    @hookimpl
    def torch2trt_register_converters(self, registry):
        registry.add(self.function)


def relu_layer(ctx, input, **changes):
    return ctx.network.add_activation(input, torch2trt.trt.ActivationType.RELU).get_output(0)


def impossible(ctx, input):
    other = ctx.tensor(torch.ones(3, 5))
    return ctx.network.add_elementwise(input, other, torch2trt.trt.ElementWiseOperation.SUM).get_output(0)


@pytest.mark.parametrize(
    ("function", "why"),
    [
        (lambda ctx, input: None, "it returned nothing; return the output tensor"),
        (lambda ctx, input: (input, input), "it returned 2 tensors, PyTorch returns 1"),
        (lambda ctx, input: ctx.tensor(input, torch.float16), "dtype float16, PyTorch gives float32"),
        (lambda ctx, input: ctx.tensor(input, ndim=3), r"shape (1, 2, 4), PyTorch gives (2, 4)"),
        (lambda ctx, input: ctx.tensor(torch.ones(2, 5)), r"shape (2, 5), PyTorch gives (2, 4)"),
        (lambda ctx, input: "relu", "it returned a str, not a trt.ITensor"),
        (lambda ctx, input: 1 / 0, "ZeroDivisionError: division by zero"),
        (impossible, "TensorRT cannot infer the shape of what it returned, PyTorch gives (2, 4)"),
        (lambda ctx, input: ctx.const(input), "must be a constant is computed at run time"),
    ],
)
def test_a_wrong_converter_is_blamed_at_once(function, why):
    with pytest.raises(ConversionError) as caught:
        convert(nn.ReLU(), [torch.ones(2, 4)], packs=Packs.load(extra=(Wrong(function),)))
    text = str(caught.value)
    assert why in text
    for expected in ("target aten.relu.default", "pack Wrong, test_convert.py:", "got    float32[2, 4]"):
        assert expected in text


def test_rejects_that_returns_a_bool_is_a_type_error():
    with pytest.raises(TypeError, match="must return the reason"):
        convert(
            nn.ReLU(), [torch.ones(2)], packs=Packs.load(extra=(Wrong(relu_layer, rejects=lambda call, input: True),))
        )


def test_every_reason_for_declining_is_listed():
    pack = Wrong(lambda ctx, input: None, rejects=lambda call, input: "only on Sundays")
    with pytest.raises(UnsupportedError, match="Wrong: only on Sundays"):
        convert(nn.ReLU(), [torch.ones(2)], packs=Packs.load(block=("base",), extra=(pack,)))


def test_data_dependent_control_flow_says_what_to_do():
    def model(x):
        if x.sum() > 0:
            return x
        return -x

    with pytest.raises(CaptureError, match=r"depends on the values of a tensor at test_convert.py:\d+.*torch.where"):
        convert(model, [torch.ones(2)])


def test_what_pytorch_exports_and_cannot_decompose(monkeypatch):
    def run_rules(exported, rules):
        raise AssertionError("len(mutations) (0)")  # for Tensor.resize_, with PyTorch 2.14

    monkeypatch.setattr("torch2trt.capture.decompose.run_rules", run_rules)
    with pytest.raises(CaptureError, match="PyTorch cannot take the exported model apart: AssertionError: len"):
        convert(torch.relu, [torch.ones(5)])


def test_a_model_that_returns_no_tensor():
    with pytest.raises(CaptureError, match="returns no tensor"):
        convert(lambda x: x.numel(), [torch.ones(2, 3)])


def test_a_dynamic_size_that_the_model_fixes():
    with pytest.raises(CaptureError, match="fixed by the model"):
        convert(lambda x: x + torch.ones(4), [Input(min=(1,), opt=(4,), max=(8,))])


def test_a_dynamic_size_without_bound():
    with pytest.raises(CaptureError, match="dimension 0 of input 'x' has no upper bound"):
        convert(lambda x: x + 1, [torch.ones(4)], dynamic_shapes=({0: Dim("n")},))


def test_training_mode():
    with pytest.raises(CaptureError, match=r"training mode \(1\b.*model.eval\(\)"):
        convert(nn.Sequential(nn.Linear(2, 2), nn.BatchNorm1d(2)), [torch.ones(2, 2)])


@pytest.mark.parametrize(
    ("inputs", "message"),
    [
        ([torch.ones(2, 4), torch.ones(2, 4, device="meta")], "different devices"),
        (3, "must be a sequence or a mapping"),
    ],
)
def test_example_inputs_that_do_not_fit(inputs, message):
    with pytest.raises(InputError, match=message):
        convert(lambda x, y: x + y, inputs)


def test_more_dimensions_than_tensorrt_has_are_a_reason_in_the_plan():
    (planned,) = torch2trt.explain(lambda x: x.repeat(2, *[1] * 8), [torch.ones([1] * 8)]).unsupported
    assert planned.reasons[-1] == "TensorRT's tensors have at most 8 dimensions, this one has 9"


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda m: m(torch.ones(2, 4, dtype=torch.float16)), "input 'x' must be float32, got float16; convert it with"),
        (lambda m: m(torch.ones(4)), r"input 'x' must have 2 dimensions \(-1, 4\), got 1"),
        (
            lambda m: m(torch.ones(9, 4)),
            "input 'x' has size 9 in dimension 0, the engine was built for 1 to 8; convert",
        ),
        (lambda m: m(torch.ones(2, 5)), "input 'x' has size 5 in dimension 1, the engine was built for 4"),
        (lambda m: m(), r"missing input 'x'; the module was converted with the inputs \(x\)"),
        (lambda m: m(torch.ones(2, 4), other=1), "unexpected 'other'"),
        (lambda m: m(torch.ones(2, 4), torch.ones(2, 4)), "input 'y' was left out at conversion"),
        (lambda m: m(torch.ones(2, 4), None, 3), r"3 positional inputs; .* with the inputs \(x\)"),
        (lambda m: m([torch.ones(2, 4)]), "structure"),
        (lambda m: m(3), "must be a tensor, got int"),
    ],
)
def test_inputs_of_a_call_that_do_not_fit(call, message):
    class Model(nn.Module):
        def forward(self, x, y=None):
            return x + 1 if y is None else x + y

    module = convert(Model(), [Input(min=(1, 4), max=(8, 4))])
    with pytest.raises(InputError, match=message):
        call(module)


def test_input_descriptions_that_cannot_work():
    with pytest.raises(InputError, match="min <= opt <= max"):
        Input(min=(4,), opt=(2,), max=(8,))
    with pytest.raises(InputError, match="either shape, or min and max"):
        Input((4,), min=(1,), max=(8,))
    with pytest.raises(InputError, match="not from both"):
        convert(lambda x: x + 1, [Input(min=(1,), max=(8,))], dynamic_shapes=({0: Dim("n", max=8)},))
