"""Writes into what contiguous, reshape and flatten return, which is their operand or a copy of it by its layout."""

import itertools
import warnings

import pytest
import torch
import torch2trt
from torch2trt import CaptureError, Input, InputError


def contiguous(x):
    v = x.contiguous()
    return v.mul_(2), v


def transposed(x):
    v = x.t().contiguous()
    return v.mul_(2)


def reshaped(x):
    v = x.t().reshape(-1)
    return v.mul_(2)


def flattened(x):
    v = x.flatten()
    x.mul_(2)
    return v


def flattened_inside(x):
    y = x + 1
    v = y.t().flatten()
    y.mul_(2)
    return v, y


def narrowed(x):
    v = x[:, :2].contiguous()
    return v.mul_(2)


def contiguous_inside(x):
    y = x + 1
    v = y.contiguous()
    v.mul_(2)
    return v, y


MODELS = [contiguous, transposed, reshaped, flattened, flattened_inside, narrowed, contiguous_inside]


@pytest.fixture(scope="module")
def converted():
    """Each model, for one shape and for many."""

    def convert(model, *dynamic):
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", torch2trt.NarrowedRangeWarning)
            return torch2trt.convert(model, [*dynamic] or [torch.ones(3, 4)], runtime="reference")

    many = Input(min=(1, 1), opt=(3, 4), max=(4, 4))
    return {model: (convert(model), convert(model, many)) for model in MODELS}


def agrees(module, model, given):
    """Whether a module does what the model does, its writes included; None where it refuses."""
    mine, its = given(), given()
    try:
        found = module(mine)
    except InputError:
        assert torch.equal(mine, its)
        return None
    leaves = torch.utils._pytree.tree_leaves
    return all(map(torch.equal, leaves((found, mine)), leaves((model(its), its))))


@pytest.mark.parametrize("model", MODELS)
def test_what_they_share_is_written_or_the_call_refused(converted, model):
    static, dynamic = converted[model]
    base = torch.arange(1.0, 65).reshape(8, 8)
    assert agrees(static, model, lambda: base[:3, :4].clone())
    assert agrees(dynamic, model, lambda: base[:3, :4].clone())
    for rows, columns in itertools.product((1, 2, 3, 4), repeat=2):
        layouts = [
            lambda: base[:rows, :columns].clone(),  # noqa: B023
            lambda: base[:columns, :rows].clone().t(),  # noqa: B023
            lambda: base.clone()[:rows, :columns],  # noqa: B023
        ]
        for given in layouts:
            assert agrees(dynamic, model, given) is not False
            if (rows, columns) == (3, 4):
                assert agrees(static, model, given) is not False


def test_an_example_that_is_not_contiguous_is_refused():
    with pytest.raises(CaptureError, match=r"memory of input 'x' or not, by its layout \(at test_layouts.py:\d+\)"):
        torch2trt.convert(contiguous, [torch.ones(4, 3).t()])


def test_layouts_are_free_where_nothing_is_shared():
    def model(x):
        y = (x + 1).t().reshape(-1)
        return y.mul_(2), x.t().contiguous() * 2

    module = torch2trt.convert(model, [torch.ones(3, 4)], runtime="reference")
    assert agrees(module, model, lambda: torch.arange(12.0).reshape(4, 3).t())
    assert not module.signature.inputs[0].contiguous


def test_the_condition_is_saved(converted, tmp_path):
    converted[contiguous][0].save(tmp_path / "model.trt")
    loaded = torch2trt.load(tmp_path / "model.trt")
    assert loaded.signature.inputs[0].contiguous
