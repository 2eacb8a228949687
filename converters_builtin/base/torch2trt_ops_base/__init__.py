"""Converters of PyTorch's basic operators."""

from __future__ import annotations

from torch2trt import PackRegistry, hookimpl


@hookimpl(trylast=True)
def torch2trt_register_converters(registry: PackRegistry) -> None:
    """Add all converters of this pack."""
    from . import (
        activation,
        arithmetic,
        bags,
        bitwise,
        bounds,
        compare,
        copy,
        creation,
        cumulative,
        declined,
        distance,
        division,
        formulas,
        index_put,
        indexing,
        joining,
        masks,
        matmul,
        padding,
        power,
        reduce,
        rounding,
        scatter,
        search,
        sizes,
        slicing,
        softmax,
        sort,
        statistics,
        strided,
        unary,
        views,
        windows,
    )

    registry.add(activation, arithmetic, bitwise, bounds, compare, division, formulas, power, rounding, unary)
    registry.add(cumulative, reduce, softmax, sort, statistics)
    registry.add(views, slicing, windows, joining, padding, strided, copy, creation, sizes)
    registry.add(matmul, distance)
    registry.add(indexing, index_put, masks, scatter, search, bags)
    registry.add(declined)
