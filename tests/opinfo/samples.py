"""Which operators and which of their samples are tried."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import torch
from torch.testing._internal.common_methods_invocations import op_db
from torch.utils import _pytree as pytree

#: how many samples of an operator are looked at
_LOOKED_AT = 40

#: operators that no converted module has, by the reason
LEFT_OUT = {
    "gives memory that was not written": ("empty", "empty_like", "empty_permuted", "empty_strided", "new_empty"),
    "gives strides, which a result of an engine does not keep": ("new_empty_strided", "as_strided_copy"),
    "asks for gradients": ("gradient_checkpoint", "nn.functional.ctc_loss_backward"),
}


@dataclass(frozen=True)
class Sample:
    """One call of an operator: a function of its tensors.

    Args:
        name: of the operator, with its variant.
        function: the operator, of the sample's tensors in order.
        tensors: its tensors.
    """

    name: str
    function: Callable[..., Any]
    tensors: tuple[torch.Tensor, ...]


def operators() -> dict[str, Any]:
    """The operators by name that have samples of float32."""
    left_out = set(itertools.chain(*LEFT_OUT.values()))
    chosen = (op for op in op_db if torch.float32 in op.dtypes and op.name not in left_out)
    return {f"{op.name}.{op.variant_test_name}".rstrip("."): op for op in chosen}


def samples(name: str, op: Any, dtype: torch.dtype, count: int) -> Iterator[Sample]:
    """Samples that are far from each other in PyTorch's list: small and large ones, with and without options."""
    torch.manual_seed(0)
    seen = [*itertools.islice(op.sample_inputs("cpu", dtype, requires_grad=False), _LOOKED_AT)]
    called = [sample for each in seen if (sample := _call(name, op, each)) is not None]
    for index in sorted({round((i + 1) * (len(called) - 1) / (count + 1)) for i in range(count)} if called else ()):
        yield called[index]


def _call(name: str, op: Any, sample: Any) -> Sample | None:
    """A sample as a function of its dense tensors; None where it has none."""
    leaves, spec = pytree.tree_flatten((sample.input, tuple(sample.args), dict(sample.kwargs)))
    places = [index for index, leaf in enumerate(leaves) if isinstance(leaf, torch.Tensor)]
    if not places or any(leaves[index].layout != torch.strided for index in places):
        return None
    operator = op.op

    def function(*tensors: torch.Tensor) -> Any:
        filled = list(leaves)
        for index, tensor in zip(places, tensors, strict=True):
            filled[index] = tensor
        input, args, kwargs = pytree.tree_unflatten(filled, spec)
        return operator(input, *args, **kwargs)

    return Sample(name, function, tuple(leaves[index].detach() for index in places))
