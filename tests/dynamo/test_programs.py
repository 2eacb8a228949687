"""Every program equals eager, in as many graphs and conversions as it should be."""

import contextlib
import copy
import dataclasses

import pytest
import torch
from torch import nn
from torch.utils._pytree import tree_leaves
from torch2trt import FallbackWarning

from .counting import Counting
from .programs import PROGRAMS, fresh


def leaves(value):
    """The tensors and constants of what a program returns."""
    return tree_leaves(vars(value) if dataclasses.is_dataclass(value) else value)


def close(found, expected):
    for one, other in zip(leaves(found), leaves(expected), strict=True):
        if isinstance(other, torch.Tensor):
            torch.testing.assert_close(one, other, rtol=1e-4, atol=1e-5)
        else:
            assert one == other


def check(name, mode, counting):
    program = PROGRAMS[name]
    model = program.make()
    model = model.eval() if isinstance(model, nn.Module) else model
    eager = copy.deepcopy(model)
    compiled = counting.compile(model, **program.compile)
    for (args, kwargs), (own_args, own_kwargs) in fresh(program.calls):
        with mode():
            found, expected = compiled(*args, **kwargs), eager(*own_args, **own_kwargs)
            close(found, expected)
            close((args, kwargs), (own_args, own_kwargs))
            # whoever writes into what was returned writes into the same memory
            for one in (found, expected):
                for leaf in leaves(one):
                    if isinstance(leaf, torch.Tensor):
                        leaf.add_(1)
            close(found, expected)
            close((args, kwargs), (own_args, own_kwargs))
        if isinstance(model, nn.Module):
            torch.testing.assert_close(dict(model.named_buffers()), dict(eager.named_buffers()))
    assert (counting.graphs, counting.conversions) == (program.graphs, program.conversions)


@pytest.mark.parametrize("name", PROGRAMS)
def test_a_program_equals_eager(name, monkeypatch):
    expected = PROGRAMS[name].warns
    with pytest.warns(FallbackWarning, match=expected) if expected else contextlib.nullcontext():
        check(name, torch.no_grad, Counting(monkeypatch))


@pytest.mark.parametrize("name", ["Counting", "changed_in_place_at_any_size", "break_by_hand_with_views_that_live_on"])
def test_a_program_in_inference_mode(name, monkeypatch):
    check(name, torch.inference_mode, Counting(monkeypatch))
