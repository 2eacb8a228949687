"""Converters of PyTorch's basic operators."""

from __future__ import annotations

from torch2trt import PackRegistry, hookimpl


@hookimpl(trylast=True)
def torch2trt_register_converters(registry: PackRegistry) -> None:
    """Add all converters of this pack."""
    from . import activation, arithmetic, bitwise, bounds, casts, compare, copy, cumulative, division, formulas
    from . import layout, linear, norm, power, random, reduce, rounding, sizes, softmax, sort, statistics, unary

    registry.add(activation, arithmetic, bitwise, bounds, casts, compare, copy, cumulative, division, formulas)
    registry.add(layout, linear, norm, power, random, reduce, rounding, sizes, softmax, sort, statistics, unary)
