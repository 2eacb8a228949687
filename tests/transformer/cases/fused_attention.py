"""The attention kernels in programs that were taken apart when they were exported.

Most run on CUDA only: what is exported calls the kernel, what it is compared with the function that chooses it.
"""

import torch
import torch.nn.functional as F
from torch import nn
from torch2trt.testing import Case, f32

aten = torch.ops.aten
N, NL, NS = {0: "n"}, {0: "n", 2: "l"}, {0: "n", 2: "s"}
QKV = [f32(2, 4, 3, 8), f32(2, 4, 5, 8), f32(2, 4, 5, 8)]
SELF = [f32(2, 4, 5, 8)] * 3
MASK = f32(2, 4, 3, 5)


class Kernel(nn.Module):
    """A kernel, whose arguments stand where its schema has them."""

    def __init__(self, overload, *arguments, causal=False, **options):
        super().__init__()
        self.overload, self.arguments, self.causal, self.options = overload, arguments, causal, options

    def forward(self, query, key, value, mask=None):
        if torch.compiler.is_exporting():
            given = [mask if argument == "mask" else argument for argument in self.arguments]
            return self.overload(query, key, value, *given, **self.options)[0]
        if self.causal and mask is not None:
            hidden = torch.ones(3, 5, dtype=torch.bool, device=mask.device).triu(1)
            mask = mask.masked_fill(hidden, -torch.inf)
        causal = self.causal and mask is None
        scale = self.options.get("scale")
        return F.scaled_dot_product_attention(query, key, value, mask, is_causal=causal, scale=scale)


def kernel(name, label, *arguments, rejects="", **options):
    overload = getattr(aten, name).default
    inputs = [*QKV, MASK] if "mask" in arguments else QKV
    dynamic = [NL, NS, NS] if len(inputs) == 3 else [{0: "n"}] * 4
    call = Kernel(overload, *arguments, **options)
    return Case(f"aten.{name}.default", call, inputs, dynamic=dynamic, name=label, rejects=rejects)


FLASH = "_scaled_dot_product_flash_attention"
EFFICIENT = "_scaled_dot_product_efficient_attention"
CUDNN = "_scaled_dot_product_cudnn_attention"
OVERRIDEABLE = "_scaled_dot_product_fused_attention_overrideable"

CASES = [
    kernel(FLASH, ""),
    kernel(FLASH, "causal", 0.0, True, causal=True),
    kernel(FLASH, "scale", scale=0.5),
    kernel(FLASH, "dropout", 0.1, rejects="dropout is active"),
    kernel(EFFICIENT, "", None, False),
    kernel(EFFICIENT, "mask", "mask", False),
    kernel(EFFICIENT, "mask, causal", "mask", False, 0.0, True, causal=True),
    kernel(EFFICIENT, "dropout", None, False, 0.1, rejects="dropout is active"),
    kernel(CUDNN, "", None, False),
    kernel(CUDNN, "causal", None, False, 0.0, True, causal=True),
    kernel(OVERRIDEABLE, ""),
    kernel(OVERRIDEABLE, "mask", "mask"),
    # the one kernel that runs where these tests run
    Case(
        "aten._scaled_dot_product_flash_attention_for_cpu.default",
        lambda q, k, v: aten._scaled_dot_product_flash_attention_for_cpu(q, k, v)[0],
        QKV,
        dynamic=[NL, NS, NS],
    ),
    Case(
        "aten._scaled_dot_product_flash_attention_for_cpu.default",
        lambda q, k, v, mask: aten._scaled_dot_product_flash_attention_for_cpu(q, k, v, attn_mask=mask, scale=0.5)[0],
        [*QKV, f32(2, 1, 3, 5)],
        dynamic=[N] * 4,
        name="mask",
    ),
    Case(
        "aten._scaled_dot_product_flash_attention_for_cpu.default",
        lambda q, k, v: aten._scaled_dot_product_flash_attention_for_cpu(q, k, v, 0.0, True)[0],
        SELF,
        dynamic=[NL] * 3,
        name="causal",
    ),
    Case(
        "aten._scaled_dot_product_flash_attention_for_cpu.default",
        lambda q, k, v: aten._scaled_dot_product_flash_attention_for_cpu(q, k, v, 0.5)[0],
        SELF,
        name="dropout",
        rejects="dropout is active",
    ),
    Case(
        "aten._scaled_dot_product_flash_attention_for_cpu.default",
        lambda q, k, v: aten._scaled_dot_product_flash_attention_for_cpu(q, k, v),
        SELF,
        dtypes=(torch.float32,),
        name="sums",
        rejects="logarithms of sums",
    ),
    Case(
        "aten._scaled_dot_product_attention_math.default",
        lambda q, k, v, mask: aten._scaled_dot_product_attention_math(q, k, v, mask, scale=0.5),
        [*QKV, MASK],
        dynamic=[N] * 4,
        whole=False,
        name="mask",
    ),
]
