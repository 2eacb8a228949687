"""The attention kernels that PyTorch runs on CUDA only: exported without running them, then compared."""

import pytest
import torch
import torch.nn.functional as F
from torch2trt import convert

aten = torch.ops.aten
QUERY, KEY, VALUE = (torch.linspace(-1, 1, 2 * 2 * n * 8).reshape(2, 2, n, 8) for n in (3, 5, 5))
MASK = torch.linspace(-1, 1, 2 * 3 * 5).reshape(2, 1, 3, 5).expand(2, 2, 3, 5).contiguous()


class Kernel(torch.nn.Module):
    def __init__(self, call):
        super().__init__()
        self.call = call

    def forward(self, *tensors):
        return self.call(*tensors)[0]


@pytest.mark.parametrize(
    ("call", "mask", "causal"),
    [
        (lambda q, k, v: aten._scaled_dot_product_flash_attention(q, k, v, 0.0, True), None, True),
        (lambda q, k, v: aten._scaled_dot_product_efficient_attention(q, k, v, None, False), None, False),
        (lambda q, k, v, m: aten._scaled_dot_product_efficient_attention(q, k, v, m, False), MASK, False),
        (lambda q, k, v, m: aten._scaled_dot_product_efficient_attention(q, k, v, m, False, 0.0, True), MASK, True),
        (lambda q, k, v: aten._scaled_dot_product_cudnn_attention(q, k, v, None, False, 0.0, True), None, True),
        (lambda q, k, v, m: aten._scaled_dot_product_fused_attention_overrideable(q, k, v, m), MASK, False),
    ],
    ids=["flash", "efficient", "efficient mask", "efficient mask causal", "cudnn causal", "overrideable mask"],
)
def test_kernel(call, mask, causal):
    inputs = (QUERY, KEY, VALUE) if mask is None else (QUERY, KEY, VALUE, mask)
    program = torch.export.export(Kernel(call), inputs)
    if causal:
        hidden = ~torch.ones(3, 5, dtype=torch.bool).tril()
        added = torch.zeros(3, 5) if mask is None else mask
        mask = added.masked_fill(hidden, -torch.inf)
    expected = F.scaled_dot_product_attention(QUERY, KEY, VALUE, mask)
    torch.testing.assert_close(convert(program, inputs, build=False)(*inputs), expected)
