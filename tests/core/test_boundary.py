"""Dtypes that TensorRT lacks, at the boundary of a module: float64 and int16 go in and come out as they are."""

import copy
import io
import json
import pickle
import warnings

import pytest
import torch
import torch2trt
from torch2trt import Input, InputError, UnsupportedError

pytestmark = pytest.mark.filterwarnings("ignore::torch2trt.Float64Warning")
X = torch.arange(6, dtype=torch.float64).reshape(2, 3) / 3


class Both(torch.nn.Module):
    """Takes float64, int16 and float32, and returns all of them."""

    def __init__(self):
        super().__init__()
        self.register_buffer("third", torch.tensor([1 / 3], dtype=torch.float64))

    def forward(self, x, n, y):
        return {"wide": x * self.third + y, "whole": n * 30000, "narrow": (x.float() + n) * y, "again": x}


INPUTS = [X, torch.tensor([-300, 7, 2**15 - 1], dtype=torch.int16), torch.ones(2, 3)]


def convert(model, *inputs, **settings):
    return torch2trt.convert(model, list(inputs), runtime="reference", **{"build": False, **settings})


def assert_same(found, wanted):
    assert found.keys() == wanted.keys()
    for name, want in wanted.items():
        torch.testing.assert_close(found[name], want, rtol=1e-6, atol=1e-6)


def test_inputs_and_outputs_keep_their_dtypes():
    module = convert(Both(), *INPUTS)
    assert_same(module(*INPUTS), Both()(*INPUTS))
    assert "x float64[2, 3], n int16[3], y float32[2, 3]" in repr(module)
    network = module.network
    assert {str(network.get_input(i).dtype) for i in range(3)} == {"DataType.FLOAT", "DataType.INT32"}


def test_other_dtypes_are_refused_by_name():
    module = convert(Both(), *INPUTS)
    with pytest.raises(
        InputError, match=r"input 'x' must be float64, got float32; convert it with .to\(torch.float64\)"
    ):
        module(INPUTS[0].float(), *INPUTS[1:])
    with pytest.raises(InputError, match=r"input 'n' must be int16, got int32"):
        module(INPUTS[0], INPUTS[1].int(), INPUTS[2])


def test_what_is_no_boundary_is_not_touched():
    signature = convert(torch.relu, torch.ones(2)).signature
    tensors = {"x": torch.ones(2)}
    assert signature.carried(tensors) is tensors
    assert {leaf.dtype for leaf in signature.output_leaves} == {""}


def test_described_and_dynamic_inputs():
    described = Input(min=(1, 3), opt=(2, 3), max=(8, 3), dtype=torch.float64)
    module = convert(lambda x: (x - x.mean(0), x.sum()), described)
    for rows in (1, 2, 8):
        x = torch.randn(rows, 3, dtype=torch.float64)
        torch.testing.assert_close(module(x), (x - x.mean(0), x.sum()), rtol=1e-5, atol=1e-6)


def test_inputs_that_are_changed_in_place():
    def model(x, n):
        n.mul_(2000)
        return x.add_(1) * 2

    x, n = X.clone(), torch.tensor([7, 20], dtype=torch.int16)
    module = convert(model, X.clone(), n.clone())
    torch.testing.assert_close(module(x, n), (X + 1) * 2, rtol=1e-6, atol=1e-6)
    torch.testing.assert_close(x, X + 1, rtol=1e-6, atol=1e-6)
    assert n.tolist() == [14000, 40000 - 2**16]


def test_an_exported_program():
    exported = torch.export.export(Both(), tuple(INPUTS))
    assert_same(torch2trt.convert(exported, runtime="reference", build=False)(*INPUTS), Both()(*INPUTS))


def test_half_precision_keeps_them_too():
    module = convert(torch.nn.Linear(3, 2).double().eval(), X, precision=torch.float16)
    assert module(X).dtype is torch.float64


def test_a_size_may_come_from_int16():
    def model(x, n):
        count = n.item()
        torch._check(count >= 1)
        torch._check(count <= 3)
        return x[:, :count] * 2

    module = convert(model, X, torch.tensor(2, dtype=torch.int16))
    torch.testing.assert_close(module(X, torch.tensor(3, dtype=torch.int16)), X * 2, rtol=1e-6, atol=1e-6)


def test_saved_and_loaded_modules_keep_them(tmp_path):
    module = convert(Both(), *INPUTS, build=True)
    module.save(tmp_path / "both.trt")
    file = io.BytesIO()
    torch.save(module, file)
    file.seek(0)
    loaded = torch2trt.TRTModule()
    loaded.load_state_dict(module.state_dict())
    others = [
        torch2trt.load(tmp_path / "both.trt"),
        torch.load(file, weights_only=False),
        pickle.loads(pickle.dumps(module)),
        copy.deepcopy(module),
        loaded,
    ]
    for other in others:
        assert other.signature == module.signature
        tensors = other.signature.flatten(INPUTS, {})
        outputs = module.runner(other.signature.carried(tensors))
        assert {output.dtype for output in outputs.values()} == {torch.float32, torch.int32}
        assert_same(other.signature.unflatten(outputs, tensors), Both()(*INPUTS))


def test_they_are_told_once_with_their_lines():
    def model(x):
        y = x.double() * 3
        return y.sin() + y.cos(), y.mean()

    with pytest.warns(torch2trt.Float64Warning) as caught:
        convert(model, torch.ones(3))
    (warning,) = caught
    assert warning.filename == __file__
    line = model.__code__.co_firstlineno
    head, *lines = str(warning.message).splitlines()
    assert "float64='refuse'" in head
    assert lines == [
        f"  mul at test_boundary.py:{line + 1}",
        f"  sin, cos, add, mean at test_boundary.py:{line + 2}",
    ]


def test_many_lines_are_counted():
    code = "def model(x):\n    x = x.double()\n" + "    x = x * 3\n" * 13 + "    return x.float()\n"
    scope = {}
    exec(compile(code, "many_lines.py", "exec"), scope)
    with pytest.warns(torch2trt.Float64Warning, match=r"\n  and 3 lines more, which explain shows$") as caught:
        torch2trt.explain(scope["model"], [torch.ones(3)])
    assert str(caught[0].message).count("  mul at many_lines.py:") == 10


def test_an_input_that_is_returned_is_told():
    with pytest.warns(torch2trt.Float64Warning, match="_to_copy"):
        convert(lambda x: (x, x.float()), X)


def test_plans_show_what_is_computed_in_float32():
    plan = torch2trt.explain(lambda x: (x.double().exp() + 1, x.exp()), [torch.ones(3)])
    narrowed = {planned.call.target.name for planned in plan if planned.call.narrowed}
    assert narrowed == {"aten.exp.default", "aten.add.Tensor"}
    assert str(plan).replace("\n", " ").count("computes it in") == 2
    assert [row["narrowed"] for row in json.loads(plan.to_json()) if row["target"] == "aten.exp.default"] == [
        "float64",
        "",
    ]
    assert plan.program != torch2trt.explain(lambda x: (x.exp() + 1, x.exp()), [torch.ones(3)]).program


@pytest.mark.parametrize(
    ("model", "inputs"),
    [
        (lambda x: (x.double() * 3).float(), [torch.ones(3)]),
        (lambda x: x.float() * 3, [X]),
        (lambda x: x.double(), [torch.ones(3)]),
    ],
    ids=["inside", "in", "out"],
)
def test_float64_can_be_refused(model, inputs):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        plan = torch2trt.explain(model, inputs, float64="refuse", build=False)
    reasons = {reason for planned in plan.unsupported for reason in planned.reasons}
    assert any("TensorRT has no float64; leave float64='float32'" in reason for reason in reasons)
    with pytest.raises(UnsupportedError, match="TensorRT has no float64"):
        plan.convert()


def test_refusing_float64_refuses_what_is_only_passed_on():
    for model in (lambda x, y: (x, y + 1), lambda x, y: (torch.ones(2, dtype=torch.float64), x.float(), y + 1)):
        with pytest.raises(torch2trt.ConversionError, match="TensorRT has no float64"):
            convert(model, X, torch.ones(2), float64="refuse")


def test_refusing_float64_leaves_int16_alone():
    n = torch.tensor([30000], dtype=torch.int16)
    assert convert(lambda n: n * 3, n, float64="refuse")(n).tolist() == [90000 - 2**16]


def test_compare_and_verify_expect_float32():
    module = convert(Both(), *INPUTS, verify=True)
    comparison = torch2trt.compare(Both(), module, INPUTS)
    assert comparison.agrees
    assert max(output.error for output in comparison.outputs) > 0


def test_a_difference_that_float64_is_needed_for_is_no_fault():
    def model(x):
        return ((x.double() + 1e9) - 1e9).float()

    x = torch.rand(8)
    module = convert(model, x)
    comparison = torch2trt.compare(model, module, [x])
    assert (comparison.agrees, comparison.cause) == (False, "precision")
    assert "float32" in comparison.summary()
    with pytest.warns(torch2trt.VerificationWarning, match="precision"):
        convert(model, x, verify=True)
