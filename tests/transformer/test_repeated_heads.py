"""Heads of keys and values that a model repeats for attention are given to TensorRT's layer as they were."""

import pytest
import torch
import torch2trt
from torch2trt_ops_transformer.repeated_heads import use_as_they_are

from .cases import attention as calls

GROUPED = [sample.make() for sample in calls.GROUPED]
MASK = torch.ones(2, 1, 3, 5, dtype=torch.bool)


def targets(function, *inputs):
    return [str(planned.call.target.name) for planned in torch2trt.explain(function, inputs).calls]


@pytest.mark.parametrize(("function", "more"), [(calls.repeated_and_masked, [MASK]), (calls.interleaved, [])])
def test_no_copies_are_made(function, more):
    assert targets(function, *GROUPED, *more) == ["aten.scaled_dot_product_attention.default"]


@pytest.mark.parametrize("function", [calls.in_turns, calls.mixed])
def test_heads_in_another_order_stay(function):
    assert len(targets(function, *GROUPED)) > 2


def test_a_longer_text_stays():
    assert len(targets(calls.along_the_length, *(sample.make() for sample in calls.CROSS))) > 2


def test_copies_that_are_used_elsewhere_stay():
    def model(query, key, value):
        keys, values = calls.expanded(key), calls.expanded(value)
        return torch.nn.functional.scaled_dot_product_attention(query, keys, values), keys

    found = targets(model, *GROUPED)
    assert found.count("aten.expand.default") == 1
    converted = torch2trt.convert(model, GROUPED, build=False)
    torch.testing.assert_close(converted(*GROUPED), model(*GROUPED))


def test_a_graph_without_attention_is_left_alone():
    graph_module = torch.fx.symbolic_trace(calls.expanded)
    before = str(graph_module.graph)
    use_as_they_are(graph_module)
    assert str(graph_module.graph) == before
