"""A seeded generator of single-layer and small networks: every layer type, times dtypes, modes and shapes.

``cases()`` is the same list in every run.  ``python generate.py`` prints how many there are of each layer type.
"""

from __future__ import annotations

from collections import Counter

from generated import (
    composite,
    convolutional,
    indexing,
    pointwise,
    quantization,
    reduction,
    sampling,
    shaping,
    transformer,
)
from generated.base import Case

FAMILIES = (pointwise, convolutional, reduction, shaping, indexing, sampling, transformer, quantization, composite)


def cases() -> list[Case]:
    """Every generated network; names are unique."""
    generated = [case for family in FAMILIES for case in family.cases()]
    if repeated := [name for name, count in Counter(case.name for case in generated).items() if count > 1]:
        raise ValueError(f"names of generated networks repeat: {repeated}")
    return generated


if __name__ == "__main__":
    counts = Counter(case.layer_type for case in cases())
    print("\n".join(f"{count:5} {kind}" for kind, count in sorted(counts.items())))
    print(f"{sum(counts.values()):5} in all")
