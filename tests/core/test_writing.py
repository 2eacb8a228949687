"""Custom operators that write to their arguments: converters return what is written."""

import pytest
import torch
import torch2trt
from torch.export import Dim
from torch2trt import converter, hookimpl, lib
from torch2trt.testing.check import compare

from .packs import with_installed

N = {0: Dim("n", max=8)}


@torch.library.custom_op("torch2trt_writing::accumulate", mutates_args={"total"})
def accumulate(total: torch.Tensor, update: torch.Tensor) -> None:
    total.add_(update)


@torch.library.custom_op("torch2trt_writing::split", mutates_args={"whole", "rest"})
def split(x: torch.Tensor, whole: torch.Tensor, rest: torch.Tensor | None, scale: float = 2.0) -> torch.Tensor:
    whole.copy_(x.floor())
    if rest is not None:
        rest.copy_(x - x.floor())
    return x * scale


@split.register_fake
def _(x, whole, rest, scale=2.0):
    return torch.empty_like(x)


class Writing:
    @staticmethod
    @converter("torch2trt_writing.accumulate.default")
    def accumulate(ctx, total, update):
        return lib.add(ctx, total, update)

    @staticmethod
    @converter("torch2trt_writing.split.default")
    def split(ctx, x, whole, rest, scale=2.0):
        floor = lib.floor(ctx, x)
        written = [floor] if rest is None else [floor, lib.sub(ctx, x, floor)]
        return lib.mul(ctx, x, scale), *written

    @hookimpl
    def torch2trt_register_converters(self, registry):
        registry.add(self.accumulate, self.split)


def twice(x, update):
    total = x.clone()
    accumulate(total, update)
    first = total * 2
    accumulate(total, first)
    return total, first


def both(x, update):
    whole, rest = torch.empty_like(x), torch.empty_like(x)
    scaled = split(x + update, whole, rest, scale=3.0)
    return rest, scaled, whole


def one(x, update):
    whole = torch.empty_like(x)
    scaled = split(x, whole, None)
    return whole + update, scaled


def unused(x, update):
    whole, rest = torch.empty_like(x), torch.empty_like(x)
    split(x, whole, rest)
    return rest + update


def of_constants(x, update):
    total = torch.ones(3)
    accumulate(total, torch.ones(3))
    return x + total, update


@pytest.mark.parametrize("model", [twice, both, one, unused])
@pytest.mark.parametrize("dynamic_shapes", [None, (N, N)], ids=["static", "dynamic"])
def test_what_is_written_comes_after_the_results(model, dynamic_shapes):
    inputs = [torch.randn(4, 3), torch.randn(4, 3)]
    packs = with_installed(Writing())
    module = torch2trt.convert(model, inputs, dynamic_shapes=dynamic_shapes, packs=packs, build=False)
    for rows in (4,) if dynamic_shapes is None else (4, 7, 1):
        given = [torch.randn(rows, 3), torch.randn(rows, 3)]
        compare(module(*given), model(*given), 0, 0)


def test_a_call_of_constants_writes_to_a_copy():
    inputs = [torch.zeros(4, 3), torch.zeros(4, 3)]
    module = torch2trt.convert(of_constants, inputs, packs=with_installed(Writing()), build=False)
    assert all(module(*inputs)[0].eq(2).all() for _ in range(2))


def test_pytorch_evaluates_the_plan_alike():
    inputs = [torch.randn(4, 3), torch.randn(4, 3)]
    module = torch2trt.convert(both, inputs, packs=with_installed(Writing()), build=False)
    assert torch2trt.compare(both, module, inputs).agrees


def test_without_a_converter_the_operator_itself_is_named():
    plan = torch2trt.explain(twice, [torch.ones(2), torch.ones(2)])
    assert {planned.call.target.name for planned in plan.unsupported} == {"torch2trt_writing.accumulate.default"}


def test_writing_to_a_part_is_not_supported():
    def part(x, update):
        total = x.clone()
        accumulate(total[:2], update[:2])
        return total

    plan = torch2trt.explain(part, [torch.ones(4), torch.ones(4)], packs=with_installed(Writing()))
    assert [planned.call.target.name for planned in plan.unsupported] == ["higher_order.auto_functionalized_v2"]
