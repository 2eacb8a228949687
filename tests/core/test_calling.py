"""Calls as the model takes them: stars, defaults, containers, registered classes; and saving such modules."""

import collections
import dataclasses
import math
from typing import NamedTuple

import pytest
import torch
import torch2trt
from torch import nn
from torch.export import Dim
from torch.utils import _pytree as pytree
from torch2trt import CaptureError, EngineError, Input, InputError

VARIES = Input(min=(2,), opt=(3,), max=(5,))


def convert(model, inputs, **settings):
    return torch2trt.convert(model, inputs, **{"build": False, **settings})


class Starred(nn.Module):
    """Takes any number of tensors by place and by name."""

    def __init__(self):
        super().__init__()
        self.weight = nn.Parameter(torch.tensor(0.5))

    def forward(self, x, y=None, *more, scale=1.0, **named):
        for tensor in more:
            x = x * tensor
        for name in sorted(named):
            x = x - named[name]
        return x * scale * self.weight if y is None else x + y


@pytest.mark.parametrize("precision", [None, torch.float16])
@pytest.mark.parametrize("give", ["Input", "dynamic_shapes", "named", "static"])
def test_positional_stars(give, precision):
    model, inputs, shapes = Starred().eval(), [torch.randn(3) for _ in range(4)], None
    if give == "Input":
        inputs = [VARIES] * 4
    elif give != "static":
        size = {0: Dim("n", min=2, max=5) if give == "named" else Dim.DYNAMIC(min=2, max=5)}
        shapes = (size, size, (size, size))  # nested, as torch.export takes it
    module = convert(model, inputs, dynamic_shapes=shapes, precision=precision)
    assert module.input_names == ["x", "y", "more_0", "more_1"]
    for size in (3,) if give == "static" else (2, 3, 5):
        given = [torch.randn(size) for _ in range(4)]
        torch.testing.assert_close(module(*given), model(*given), rtol=1e-2, atol=1e-2)
        torch.testing.assert_close(module(*given, scale=1.0), model(*given), rtol=1e-2, atol=1e-2)
    with pytest.raises(
        InputError, match=r"missing input 'more_1'; the module was converted with .*\(x, y, more_0, mor"
    ):
        module(*given[:3])
    with pytest.raises(InputError, match="5 positional inputs; the module was converted"):
        module(*given, given[0])


@pytest.mark.parametrize("precision", [None, torch.float16])
@pytest.mark.parametrize("give", ["Input", "dynamic_shapes", "static"])
def test_keyword_stars(give, precision):
    model, shapes = Starred().eval(), None
    inputs = {name: VARIES if give == "Input" else torch.randn(3) for name in ("b", "x", "a")}
    if give == "dynamic_shapes":
        size = {0: Dim.DYNAMIC(min=2, max=5)}
        shapes = {"x": size, "named": {"a": size, "b": size}}
    module = convert(model, inputs, dynamic_shapes=shapes, precision=precision)
    for size in (3,) if give == "static" else (2, 3, 5):
        given = {name: torch.randn(size) for name in ("x", "a", "b")}
        torch.testing.assert_close(module(**given), model(**given), rtol=1e-2, atol=1e-2)
        x = given.pop("x")
        torch.testing.assert_close(module(x, None, **given, scale=1.0), model(x, **given), rtol=1e-2, atol=1e-2)
    with pytest.raises(InputError, match="missing input 'a', unexpected 'z'"):
        module(x=x, b=x, z=x)
    with pytest.raises(InputError, match="input 'y' was left out at conversion and is fixed at None"):
        module(x, x, **given)
    with pytest.raises(InputError, match="'x' by place and by name"):
        module(x, x=x, **given)


def test_names_of_a_starred_model_are_the_models_own():
    plan = torch2trt.explain(Starred().eval(), [torch.ones(3)] * 3)
    assert list(plan.program.constants) in ([], ["weight"])
    assert "weight" in torch2trt.explain(Starred().eval(), [torch.ones(3)]).program.constants


def test_fixed_values_are_the_same_in_type_too():
    module = convert(lambda x, n: x * n, [torch.ones(3, dtype=torch.int32), 1])
    module(torch.ones(3, dtype=torch.int32), 1)
    for other in (1.0, True, 2, torch.tensor(1)):
        with pytest.raises(InputError, match="input 'n' was 1 at conversion and is fixed, got"):
            module(torch.ones(3, dtype=torch.int32), other)


@pytest.mark.skipif(torch.__version__ < "2.14", reason="PyTorch 2.11 writes code with the name nan and fails on it")
def test_nan_is_the_same_as_nan():
    module = convert(lambda x, n: x * n, [torch.ones(3), math.nan])
    assert module(torch.ones(3), math.nan).isnan().all()


def test_a_default_that_no_file_can_hold_is_named():
    module = convert(lambda x, dims=(0,), *, dtype=torch.float32: x.sum(dims).to(dtype), [torch.ones(3)])
    assert module(torch.ones(3)) == 3
    with pytest.raises(InputError, match="'dims', which was left out at conversion"):
        module(torch.ones(3), (0,))
    with pytest.raises(InputError, match="unexpected 'dtype'"):
        module(torch.ones(3), dtype=torch.float32)


class Pair(NamedTuple):
    first: torch.Tensor
    second: torch.Tensor


@dataclasses.dataclass
class Registered:
    first: torch.Tensor
    second: torch.Tensor


pytree.register_dataclass(Registered, serialized_type_name="tests.Registered")


@dataclasses.dataclass
class Unnamed:
    first: torch.Tensor


pytree.register_dataclass(Unnamed)


@dataclasses.dataclass
class Plain:
    first: torch.Tensor


class Holder:
    def __init__(self, first):
        self.first = first


CONTAINERS = {
    "namedtuple": (lambda make: Pair(make(), make()), lambda p: Pair(p.first - p.second, p.first)),
    "dataclass": (lambda make: Registered(make(), make()), lambda p: Registered(p.first - p.second, p.first)),
    "dict": (lambda make: {"b": make(), "a": make()}, lambda p: {"out": p["a"] - p["b"]}),
    "int keys": (lambda make: {2: make(), 1: make()}, lambda p: {3: p[1] - p[2]}),
    "ordered": (
        lambda make: collections.OrderedDict(b=make(), a=make()),
        lambda p: collections.OrderedDict(out=p["a"] - p["b"]),
    ),
    "deque": (lambda make: collections.deque([make(), make()]), lambda p: p[0] - p[1]),
    "nested": (
        lambda make: {"l": [make(), {"z": (make(), None, 3)}]},
        lambda p: [{"o": (p["l"][0] - p["l"][1]["z"][0], None, p["l"][1]["z"][2])}],
    ),
    "in dataclass": (
        lambda make: Registered([make(), make()], {"a": make()}),
        lambda p: p.first[0] - p.first[1] * p.second["a"],
    ),
}


@pytest.mark.parametrize("kind", CONTAINERS)
@pytest.mark.parametrize("varies", [False, True])
def test_containers(kind, varies):
    make, function = CONTAINERS[kind]
    module = convert(function, [make(lambda: VARIES if varies else torch.randn(3))])
    for size in (2, 5) if varies else (3,):
        given = make(lambda size=size: torch.randn(size))
        found, expected = module(given), function(given)
        assert pytree.tree_structure(found) == pytree.tree_structure(expected)
        torch.testing.assert_close(pytree.tree_leaves(found), pytree.tree_leaves(expected))


@pytest.mark.parametrize("kind", [kind for kind in CONTAINERS if kind != "namedtuple"])
def test_containers_in_files(kind, tmp_path):
    make, function = CONTAINERS[kind]
    module = convert(function, [make(lambda: torch.ones(3))], build=True, runtime="reference")
    module.save(tmp_path / "module.trt")
    assert torch2trt.load(tmp_path / "module.trt").signature == module.signature


def test_a_class_without_a_name_for_files_cannot_be_saved(tmp_path):
    module = convert(lambda x: Unnamed(x.first * 2), [Unnamed(torch.ones(3))], build=True, runtime="reference")
    assert module(Unnamed(torch.ones(3))).first.tolist() == [2, 2, 2]
    with pytest.raises(EngineError, match="serialized_type_name"):
        module.save(tmp_path / "module.trt")


def test_the_order_of_a_dict_is_nobodys_concern():
    module = convert(lambda p: p["x"][0]["a"] - p["x"][0]["b"], [{"x": [{"a": torch.ones(2), "b": torch.ones(2)}]}])
    assert module({"x": [{"b": torch.full((2,), 5.0), "a": torch.ones(2)}]}).tolist() == [-4, -4]


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"b": 1}, r"input 'options' must have the structure \{'a': \[\*\]\}, got \{'b': \*\}"),
        ({"a": [1, 2]}, r"\{'a': \[\*\]\}, got \{'a': \[\*, \*\]\}"),
        ({"a": (1,)}, r"\{'a': \[\*\]\}, got \{'a': \(\*,\)\}"),
        (torch.ones(2), r"\{'a': \[\*\]\}, got \*"),
    ],
)
def test_another_structure_is_named(given, message):
    module = convert(lambda x, options: x * options["a"][0], [torch.ones(2), {"a": [torch.ones(2)]}])
    with pytest.raises(InputError, match=message):
        module(torch.ones(2), given)


@pytest.mark.parametrize(
    ("value", "message"),
    [
        (
            Plain(torch.ones(2)),
            r"input 'x' is a .*\.Plain, .* torch.utils._pytree.register_dataclass\(Plain, serialized_t",
        ),
        (
            Holder(torch.ones(2)),
            r"input 'x' is a .*\.Holder, .*register_pytree_node\(Holder, flatten, unflatten, serial",
        ),
    ],
)
def test_classes_that_pytorch_does_not_know(value, message):
    with pytest.raises(InputError, match=message):
        convert(lambda x: x.first * 2, [value])
    with pytest.raises(InputError, match=r"input \"x\['a'\]\[0\]\" is a"):
        convert(lambda x: x["a"][0].first * 2, [{"a": [value]}])
    with pytest.raises(
        CaptureError, match=rf"the model returns a .*{type(value).__name__}, .*register_dataclass or regi"
    ):
        convert(lambda x: type(value)(x * 2), [torch.ones(2)])


def test_tensors_by_name_in_any_order():
    module = convert(lambda x, y: x - y, [torch.ones(2), torch.ones(2)])
    x, y = torch.tensor([3.0, 4.0]), torch.tensor([1.0, 1.0])
    for given in (module(x, y), module(x, y=y), module(y=y, x=x)):
        assert given.tolist() == [2, 3]
    with pytest.raises(InputError, match="'x' by place and by name"):
        module(x, x=y)
    with pytest.raises(InputError, match="missing input 'y', unexpected 'z'"):
        module(x, z=y)
    traced = convert(lambda x, y: x - y, {"y": torch.ones(2), "x": torch.ones(2)})
    assert traced(y=y, x=x).tolist() == traced(x, y).tolist() == traced(x, y=y).tolist() == [2, 3]
