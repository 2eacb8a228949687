"""Converters of PyTorch's basic operators."""

from __future__ import annotations

from torch2trt import PackRegistry, hookimpl


@hookimpl(trylast=True)
def torch2trt_register_converters(registry: PackRegistry) -> None:
    """Add all converters of this pack."""
    from . import (
        activation,
        arithmetic,
        bitwise,
        bounds,
        compare,
        copy,
        cumulative,
        declined,
        distance,
        division,
        formulas,
        layout,
        linear,
        power,
        reduce,
        rounding,
        search,
        sizes,
        softmax,
        sort,
        statistics,
        unary,
    )

    registry.add(activation, arithmetic, bitwise, bounds, compare, copy, cumulative, declined, distance, division)
    registry.add(formulas, layout, linear, power, reduce, rounding, search, sizes, softmax, sort, statistics, unary)
