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
        compare,
        copy,
        creation,
        declined,
        distance,
        index_put,
        indexing,
        joining,
        masks,
        matmul,
        padding,
        reduce,
        scatter,
        search,
        sizes,
        slicing,
        strided,
        unary,
        views,
        windows,
    )

    registry.add(activation, arithmetic, compare, reduce, unary)
    registry.add(views, slicing, windows, joining, padding, strided, copy, creation, sizes)
    registry.add(matmul, distance)
    registry.add(indexing, index_put, masks, scatter, search, bags)
    registry.add(declined)
