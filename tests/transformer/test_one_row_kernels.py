"""The Triton kernels of one row: in Triton's interpreter, compiled for a GPU, and on one."""

import importlib
import itertools
import os
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from torch2trt_ops_transformer import one_row

ROOT, PACKAGE = Path(__file__).parents[2], "torch2trt_ops_transformer.one_row"
GPU = [pytest.mark.gpu, pytest.mark.skipif(not torch.cuda.is_available(), reason="needs an NVIDIA GPU")]
#: of the largest result; halves round once, after sums in float32
WITHIN = {torch.float32: 1e-5, torch.float16: 2e-3, torch.bfloat16: 1.6e-2}
#: features, gate, bias, residual and scale
PRODUCTS = [
    *((48, gate, True, True, True) for gate in one_row.GATES),
    *((1000, "", *flags) for flags in itertools.product((False, True), repeat=3)),
    (2500, "silu", False, False, True),
]
#: heads of keys, length, size, mask, and whether a token is written and turned
ATTENTIONS = [
    (1, 5, 16, None, False, False),
    (2, 70, 24, "bool", False, False),
    (8, 130, 32, "float", True, False),
    (2, 70, 64, "bool", True, True),
]
#: more than programs of one part each, so that parts are skipped
LONG = (8, 3000, 16, "bool", True, True)


def product_of(features, gate, bias, residual, scale, dtype, device="cpu"):
    generator = torch.Generator().manual_seed(0)

    def tensor(*shape, there=True):
        return torch.randn(shape, generator=generator).to(device, dtype) if there else None

    results = 40 if not gate else 20
    weight = tensor(40, features) / features**0.5
    more = tensor(40, there=bias), tensor(1, 1, results, there=residual), tensor(features, there=scale)
    return (tensor(1, 1, features), weight, *more, 1e-5, gate)


def attention_of(own, length, size, mask, is_written, is_turned, dtype, device="cpu"):
    generator = torch.Generator().manual_seed(0)

    def tensor(*shape):
        return torch.randn(shape, generator=generator).to(device, dtype)

    query, (keys, values) = tensor(1, 8, 1, size), (tensor(1, own, length, size) for _ in range(2))
    seen = (torch.arange(length, device=device) < length // 2)[None, None, None]
    if mask == "float":
        seen = tensor(1, 1, 1, length).masked_fill(~seen, float("-inf"))
    # the second from the end of what is seen, counted from the end of all
    new = (
        torch.tensor([length // 2 - 1 - (length if is_turned else 0)], device=device),
        tensor(1, own, 1, size),
        tensor(1, own, 1, size),
    )
    angles = tensor(size // 2).repeat(2)[None, None, None]
    turn = (angles.cos(), angles.sin()) if is_turned else ()
    return (query, keys, values, seen if mask else None, size**-0.5, *(new if is_written else ()), *turn)


def wide(arguments):
    """In float32."""
    return [one.float() if isinstance(one, torch.Tensor) and one.is_floating_point() else one for one in arguments]


def assert_near(actual, expected, dtype):
    assert actual.dtype is dtype
    error = (actual.float() - expected).abs().max() / expected.abs().max()
    assert error <= WITHIN[dtype]


def interpret():
    """Run the kernels in Triton's interpreter, which the environment asks for before Triton is imported."""
    product, attention = (importlib.import_module(f"{PACKAGE}.{name}_kernel") for name in ("product", "attention"))
    kernel = product._product.fn  # one way to run it, as there is none to time

    class Kernel:
        def __getitem__(self, grid):
            return lambda *args: kernel[grid](*args, RESULTS=2, COLUMNS=1024)

    product._product = Kernel()
    for case, dtype in [*((case, torch.float16) for case in PRODUCTS), (PRODUCTS[0], torch.float32)]:
        arguments = product_of(*case, dtype)
        assert_near(product.launch_product(*arguments), one_row.product(*wide(arguments)), dtype)
    for case, dtype in [*((case, torch.float16) for case in ATTENTIONS), (ATTENTIONS[3], torch.float32)]:
        arguments = attention_of(*case, dtype)
        assert_near(attention.launch_attention(*arguments), one_row.attention(*wide(arguments)), dtype)
    print("all are near")


def test_in_tritons_interpreter():
    pytest.importorskip("triton", reason="Triton is not there without a PyTorch for CUDA")
    code = f"import {__name__} as tests; tests.interpret()"
    environment = {**os.environ, "TRITON_INTERPRET": "1"}
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, env=environment, capture_output=True, text=True, check=False
    )
    assert done.stdout.strip() == "all are near", done.stderr


@pytest.mark.parametrize("is_new", [True, False])
def test_the_kernels_compile_for_a_gpu(is_new):
    triton = pytest.importorskip("triton", reason="Triton is not there without a PyTorch for CUDA")
    product, attention = (importlib.import_module(f"{PACKAGE}.{name}_kernel") for name in ("product", "attention"))
    target = triton.backends.compiler.GPUTarget("cuda", 90 if is_new else 80, 32)
    tensors = dict.fromkeys(
        [
            "x",
            "weight",
            "bias",
            "residual",
            "scale",
            "out",
            "query",
            "key",
            "value",
            "new_key",
            "new_value",
            "cos",
            "sin",
        ],
        "*fp16",
    )
    types = {**tensors, "mask": "*i1", "place": "*i64", "parts": "*fp32", "eps": "fp32"}
    types |= dict.fromkeys(["count", "length", "key_head", "value_head"], "i32")
    sizes = {"FEATURES": 2048, "GATE": 1, "RESULTS": 1, "COLUMNS": 1024, "AHEAD": is_new, "KEYS_EACH": 64, "KEYS": 64}
    sizes |= {"GROUP": 8, "SIZE": 64, "ROWS": 16, "WIDTH": 64, "PARTS": 16}
    for kernel, own in (
        (product._product.fn, {}),
        (attention._attention, {"scale": "fp32", "out": "*fp32"}),
        (attention._joined, {}),
    ):
        signature = {name: "constexpr" if name in sizes else {**types, **own}[name] for name in kernel.arg_names}
        constants = {name: value for name, value in sizes.items() if name in kernel.arg_names}
        made = triton.compile(triton.compiler.ASTSource(kernel, signature, constants), target=target)
        # what it waits for, and that it says when the next may be queued
        assert made.asm["ptx"].count("griddepcontrol") == 2 * is_new


@pytest.mark.parametrize("dtype", [torch.float32, torch.float16])
def test_the_operators_are_what_pytorch_asks_of_them(dtype):
    torch.library.opcheck(one_row.product._opoverload, product_of(*PRODUCTS[0], dtype))
    torch.library.opcheck(one_row.attention._opoverload, attention_of(*ATTENTIONS[3], dtype))


class TestOnAGpu:
    pytestmark = GPU

    @pytest.mark.parametrize("dtype", WITHIN)
    @pytest.mark.parametrize("case", PRODUCTS)
    def test_products(self, case, dtype):
        arguments = product_of(*case, dtype, "cuda")
        assert_near(one_row.product(*arguments), one_row.product._init_fn(*wide(arguments)), dtype)

    @pytest.mark.parametrize("dtype", WITHIN)
    @pytest.mark.parametrize("case", [*ATTENTIONS, LONG])
    def test_attention(self, case, dtype):
        arguments = attention_of(*case, dtype, "cuda")
        assert_near(one_row.attention(*arguments), one_row.attention._init_fn(*wide(arguments)), dtype)
