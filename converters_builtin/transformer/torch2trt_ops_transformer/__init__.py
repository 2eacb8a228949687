"""Converters of transformer and recurrent operators."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from torch2trt import PackRegistry, Program, hookimpl


@hookimpl(trylast=True)
def torch2trt_decompositions(table: dict[Any, Callable[..., Any]]) -> None:
    """Trace packed sequences as rows that a mask selects, and fused encoder layers as their steps."""
    from . import encoder_layer, packed

    table.update(packed.rules() | encoder_layer.rules())


@hookimpl(trylast=True)
def torch2trt_register_converters(registry: PackRegistry) -> None:
    """Add all converters of this pack."""
    from . import attention, fused_attention, norm, one_row, padded, recurrent

    registry.add(attention, fused_attention, norm, one_row, padded, recurrent)


@hookimpl(trylast=True)
def torch2trt_kernels(program: Program) -> Program | None:
    """Products and attention of one row, such as a decoder's next token, in kernels of their own."""
    from .one_row import caches, one_query, products
    from .one_row.program import with_shared_places

    program, found = with_shared_places(program), False
    # caches behind attention, which no longer reads them as they are written
    for rewrite in (one_query.with_attention, caches.with_caches, products.with_products):
        changed = rewrite(program)
        program, found = changed or program, found or changed is not None
    return program if found else None
