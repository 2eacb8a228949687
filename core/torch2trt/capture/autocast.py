"""``precision="mixed"``: PyTorch's autocast rules for a GPU, while a model is traced wherever it is.

``torch.autocast`` has other rules on a CPU.  A test holds these against its own for CUDA, call by call, and the lists
against those that PyTorch's headers have.
"""

from __future__ import annotations

import types
from collections.abc import Collection, Mapping, Sequence
from typing import Any, Final

import torch
from torch.overrides import TorchFunctionMode
from torch.utils import _pytree as pytree

from .kept import keeper

#: computed in the low precision, by the names of PyTorch's functions
LOW: Final = frozenset(
    [
        *("_convolution", "convolution", "conv1d", "conv2d", "conv3d", "conv_tbc", "conv_transpose1d"),
        *("conv_transpose2d", "conv_transpose3d", "prelu", "addmm", "addmv", "addr", "matmul", "einsum", "mm", "mv"),
        *("linalg_vecdot", "linear", "addbmm", "baddbmm", "bmm", "chain_matmul", "linalg_multi_dot"),
        *("_thnn_fused_lstm_cell", "_thnn_fused_gru_cell", "lstm_cell", "gru_cell", "rnn_tanh_cell", "rnn_relu_cell"),
        *("_scaled_dot_product_flash_attention", "scaled_dot_product_attention"),
    ]
)
#: computed in float32
FLOAT32: Final = frozenset(
    [
        *("acos", "asin", "cosh", "erfinv", "exp", "expm1", "log", "log10", "log2", "log1p", "reciprocal", "rsqrt"),
        *("sinh", "tan", "pow", "softplus", "layer_norm", "native_layer_norm", "rms_norm", "group_norm"),
        *("frobenius_norm", "nuclear_norm", "norm", "cosine_similarity", "poisson_nll_loss", "cosine_embedding_loss"),
        *("nll_loss", "nll_loss2d", "hinge_embedding_loss", "kl_div", "l1_loss", "smooth_l1_loss", "huber_loss"),
        *("mse_loss", "margin_ranking_loss", "multilabel_margin_loss", "soft_margin_loss", "triplet_margin_loss"),
        *("multi_margin_loss", "binary_cross_entropy_with_logits", "dist", "pdist", "cdist", "renorm", "logsumexp"),
        *(f"upsample_{way}" for way in ("linear1d", "bilinear2d", "trilinear3d", "bicubic2d")),
        *(f"{way}{count}d" for way in ("upsample_nearest", "_upsample_nearest_exact") for count in (1, 2, 3)),
        *("_upsample_bilinear2d_aa", "_upsample_bicubic2d_aa"),
    ]
)
#: computed in float32, but for a call that says its dtype
FLOAT32_UNLESS_TOLD: Final = frozenset(
    ["prod", "softmax", "log_softmax", "cumprod", "cumsum", "linalg_vector_norm", "linalg_matrix_norm", "sum"]
)
#: computed in the widest dtype of what they take
WIDEST: Final = frozenset(
    [
        *("addcdiv", "addcmul", "atan2", "bilinear", "cross", "dot", "vdot", "grid_sampler", "index_put", "tensordot"),
        "scatter_add",
    ]
)
#: other names of these functions, and functions that run them inside, where only PyTorch's dispatcher sees them
_INSIDE: Final = {
    **dict.fromkeys(("__matmul__", "__rmatmul__", "linalg_matmul", "lstm", "gru", "rnn_tanh", "rnn_relu"), "low"),
    **dict.fromkeys(
        ("__pow__", "__rpow__", "square", "arccos", "arcsin", "pairwise_distance", "nll_loss_nd"), "float32"
    ),
    **dict.fromkeys(("special_expm1", "special_log1p", "special_erfinv", "special_logsumexp"), "float32"),
    **dict.fromkeys(("cross_entropy_loss", "special_softmax", "special_log_softmax", "linalg_norm"), "told"),
    **dict.fromkeys(("trapz", "trapezoid", "cumulative_trapezoid", "sum_to_size"), "told"),
    **dict.fromkeys(("arctan2", "inner"), "widest"),
}
#: Fourier transforms, which autocast leaves alone: complex numbers of half precision are for no one
_FOURIER: Final = [
    f"fft_{way}{count}" for way in ("fft", "ifft", "rfft", "irfft", "hfft", "ihfft") for count in ("", "2", "n")
]
_RULES: Final = {
    **dict.fromkeys(LOW, "low"),
    **dict.fromkeys([*FLOAT32, *_FOURIER], "float32"),
    **dict.fromkeys(FLOAT32_UNLESS_TOLD, "told"),
    **dict.fromkeys(WIDEST, "widest"),
    **_INSIDE,
}
#: what autocast casts: float64 is left as it is
_CAST: Final = (torch.float32, torch.float16, torch.bfloat16)


class Autocast(TorchFunctionMode):
    """Brings what PyTorch's functions take to the dtypes that autocast would.

    Args:
        low: the low precision.
        claimed: the functions that converters claim, which are not looked into.
    """

    def __init__(self, low: torch.dtype, claimed: Collection[Any]) -> None:
        super().__init__()
        self._low, self._claimed = low, claimed
        self._depth = _depth()
        #: the functions that are just looked into: some find their way back to this mode
        self._open: set[Any] = set()

    def __torch_function__(self, func: Any, types_: Any, args: Any = (), kwargs: Any = None) -> Any:
        # Dynamo, which traces the branches of torch.cond, takes no function of this package apart
        if torch.compiler.is_dynamo_compiling():
            return func(*args, **(kwargs or {}))
        given = (args, kwargs or {})
        # a call that stays whole runs as it is; where the model has an autocast of its own, that decides
        if keeper() is None or _depth() > self._depth:
            return func(*given[0], **given[1])
        if func not in self._claimed and func not in self._open and (body := _body(func)) is not None:
            return self._looked_into(func, body, *given)
        dtype = self._dtype(getattr(func, "__name__", ""), given)
        args, kwargs = given if dtype is None else _cast(given, dtype)
        return func(*args, **kwargs)

    def _looked_into(self, func: Any, body: Any, args: Sequence[Any], kwargs: Mapping[str, Any]) -> Any:
        self._open.add(func)
        try:
            with self:
                return body(*args, **kwargs)
        finally:
            self._open.remove(func)

    def _dtype(self, name: str, given: Any) -> torch.dtype | None:
        """What the rules say of a call; None leaves it as it is."""
        rule, (_, kwargs) = _RULES.get(name), given
        told = rule == "told" and any(isinstance(leaf, torch.dtype) for leaf in pytree.tree_leaves(given))
        if rule is None or told or kwargs.get("out") is not None:
            return None
        return self._low if rule == "low" or (rule == "widest" and _dtypes(given) <= {self._low}) else torch.float32


def in_one_dtype(given: Any, others: Any) -> Any:
    """Arguments in the widest of their dtypes and of those of other tensors."""
    dtypes = _dtypes((given, others))
    return _cast(given, next(iter(dtypes)) if len(dtypes) == 1 else torch.float32)


def _dtypes(given: Any) -> set[torch.dtype]:
    return {leaf.dtype for leaf in pytree.tree_leaves(given) if isinstance(leaf, torch.Tensor) and leaf.dtype in _CAST}


def _cast(given: Any, dtype: torch.dtype) -> Any:
    return pytree.tree_map_only(
        torch.Tensor, lambda tensor: tensor.to(dtype) if tensor.dtype in _CAST else tensor, given
    )


def _depth() -> int:
    """How many ``torch.autocast`` are open in this thread."""
    depth = torch.autocast_increment_nesting() - 1
    torch.autocast_decrement_nesting()
    return depth


def _body(func: Any) -> Any:
    """A function of PyTorch written in Python, without its way to modes like this, which see what it calls; or None."""
    if not isinstance(func, types.FunctionType):
        return None
    checks = [name for name in func.__code__.co_names if name.startswith("has_torch_function")]
    if not checks:
        return None
    known = {**func.__globals__, **dict.fromkeys(checks, lambda *args: False)}
    body = types.FunctionType(func.__code__, known, func.__name__, func.__defaults__, func.__closure__)
    body.__kwdefaults__ = func.__kwdefaults__
    return body
