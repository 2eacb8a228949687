"""Functions for converters: one layer of helpers that promote, broadcast and reshape.

Converters should read like the formula of their operator; what every converter needs again lives here.
"""

from ..context import is_runtime
from ._arguments import ints, upper_bound
from ._elementwise import activation, cast, compare, elementwise, number_of, select, unary
from ._family import ConverterFunction, named
from ._reduce import axes_mask, matmul, reduce, softmax
from ._shape import (
    broadcast,
    concat,
    expand,
    gather,
    narrow,
    pad,
    permute,
    reshape,
    size,
    sizes,
    squeeze,
    strided_slice,
    unsqueeze,
)
from ._sizes import Size, arange, size_math, size_product
from ._values import dtype_of, ndim_of, opmath, promoted

__all__ = [
    "ConverterFunction",
    "Size",
    "activation",
    "arange",
    "axes_mask",
    "broadcast",
    "cast",
    "compare",
    "concat",
    "dtype_of",
    "elementwise",
    "expand",
    "gather",
    "ints",
    "is_runtime",
    "matmul",
    "named",
    "narrow",
    "ndim_of",
    "number_of",
    "opmath",
    "pad",
    "permute",
    "promoted",
    "reduce",
    "reshape",
    "select",
    "size",
    "size_math",
    "size_product",
    "sizes",
    "softmax",
    "squeeze",
    "strided_slice",
    "unary",
    "unsqueeze",
    "upper_bound",
]
