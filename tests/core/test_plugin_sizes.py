"""Sizes that fake kernels compute, as TensorRT's dimension expressions: each is held against the kernel itself."""

import itertools

import pytest
import torch
from torch2trt import ConversionError
from torch2trt.plugins.operator import Operator
from torch2trt.plugins.sizes import expressed, outputs_of

from .expressions import Builder, dimensions

#: what a kernel may compute of a size n >= 2 and a size m >= 2
SIZES = {
    "constant": lambda n, m: 3,
    "sum": lambda n, m: n + m + 1,
    "difference": lambda n, m: 3 * n - 2 + m * m - m,
    "only_minus": lambda n, m: 50 - n - 2 * m,
    "product": lambda n, m: n * m * 2,
    "square": lambda n, m: n**2,
    "half": lambda n, m: n // 2,
    "half_rounded_up": lambda n, m: (n + 1) // 2,
    "half_rounded_up_by_a_minus": lambda n, m: -(-n // 2),
    "convolution": lambda n, m: (n + 2 * 3 - 2 * (3 - 1) - 1) // 2 + 1,
    "blocks": lambda n, m: -(-n // m) * m,
    "remainder": lambda n, m: n % m + 1,
    "remainder_of_a_quotient": lambda n, m: n // 2 % 3 + 1,
    "largest": lambda n, m: torch.sym_max(n, m),
    "smallest": lambda n, m: torch.sym_min(n * m, 7) + 1,
    "padding": lambda n, m: (8 - n % 8) % 8 + n,
    "nested": lambda n, m: ((n * m + 3) // 4 + 7) // 3 + 1,
}


@torch.library.custom_op("plugin_sizes::shaped", mutates_args=())
def shaped(x: torch.Tensor, rule: str) -> torch.Tensor:
    return x.new_zeros(SIZES[rule](*x.shape))


@shaped.register_fake
def _(x, rule):
    return x.new_empty(SIZES[rule](*x.shape))


OPERATOR = Operator(torch.ops.plugin_sizes.shaped.default, "1")


def varying(rows, columns):
    """A FakeTensor whose sizes vary, of these for examples."""
    captured = {}

    def note(x):
        captured["x"] = x
        return x + 1

    rows_dim, columns_dim = (torch.export.Dim(name, min=2, max=64) for name in ("rows", "columns"))
    exported = torch.export.export(
        _Module(note), (torch.ones(rows, columns),), dynamic_shapes=({0: rows_dim, 1: columns_dim},)
    )
    return next(node.meta["val"] for node in exported.graph.nodes if node.op == "placeholder")


class _Module(torch.nn.Module):
    def __init__(self, function):
        super().__init__()
        self.function = function

    def forward(self, x):
        return self.function(x)


@pytest.fixture(scope="module")
def example():
    return varying(6, 4)


@pytest.mark.parametrize("rule", SIZES)
def test_a_size_is_what_the_kernel_gives_for_all_sizes(rule, example):
    (sizes,) = outputs_of(OPERATOR, [example], {"rule": rule}).sizes
    for rows, columns in itertools.product((2, 3, 5, 6, 8, 9, 16), (2, 3, 4, 7, 11)):
        builder = Builder()
        (size,) = [expressed(size, [dimensions(rows, columns)], builder).value for size in sizes]
        assert size == SIZES[rule](rows, columns), (rows, columns)


def test_static_sizes_are_constants():
    (sizes,) = outputs_of(OPERATOR, [torch.empty(6, 4)], {"rule": "nested"}).sizes
    assert sizes == (SIZES["nested"](6, 4),)


def test_equal_sizes_of_the_model_are_each_inputs_own():
    @torch.library.custom_op("plugin_sizes::joined", mutates_args=())
    def joined(x: torch.Tensor, y: torch.Tensor) -> torch.Tensor:
        return torch.cat([x, y], 1)

    @joined.register_fake
    def _(x, y):
        torch._check(x.shape[0] == y.shape[0])
        return x.new_empty(y.shape[0], x.shape[1] + y.shape[1])

    tensor = varying(6, 4)
    (sizes,) = outputs_of(Operator(torch.ops.plugin_sizes.joined.default, "1"), [tensor, tensor], {}).sizes
    inputs = [dimensions(5, 2), dimensions(5, 3)]
    assert [expressed(size, inputs, Builder()).value for size in sizes] == [5, 5]


def test_a_size_that_tensorrt_cannot_compute_is_named(example):
    SIZES["root"] = lambda n, m: int(n**0.5) if isinstance(n, int) else torch.sym_int(torch.sym_sqrt(n))
    try:
        with pytest.raises(
            ConversionError, match=r"its size .* is made with .*, which a TensorRT plugin cannot compute"
        ):
            outputs_of(OPERATOR, [example], {"rule": "root"})
    finally:
        del SIZES["root"]
