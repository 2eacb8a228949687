"""Random choices: rows hold what is true of all that PyTorch may draw; tests/base/test_random.py their distribution."""

import torch
from torch2trt.testing import Case, f32, i64

from .random_numbers import N, X, within

ONE = torch.tensor([[0.0, 0.0, 3.0, 0.0], [2.0, 0.0, 0.0, 0.0]])


def permutation(name, n, dynamic=None, **more):
    return Case(
        "aten.randperm.default", lambda x: torch.randperm(n(x), **more).sort()[0], X, dynamic=dynamic, name=name
    )


CASES = [
    within("randint.default", 0, 2, lambda x: torch.randint(3, (x.shape[0], 5))),
    within("randint.default", 0, 255, lambda x: torch.randint(256, (9,), dtype=torch.uint8), name="uint8"),
    within("randint.default", 0, 6, lambda x: torch.randint(x.shape[1], (9,)), dynamic={1: "n"}, name="of_a_size"),
    within("randint.default", 0, 0, lambda x: torch.randint(1, (9,)), name="one"),
    Case("aten.randint.default", lambda x: x[torch.randint(1, (9,))], X, dtypes=(torch.float16,), name="as_index"),
    within("randint.low", -3, 1, lambda x: torch.randint(-3, 2, (x.shape[0],), dtype=torch.int32)),
    within("randint.low", -5, 2**20, lambda x: torch.randint(-5, 2**20, (2, 9)), name="many"),
    within("randint.low", -5, 5, lambda x: torch.randint(-5, 5, (9,), dtype=torch.float32), name="float"),
    Case("aten.randint.low", lambda x: x + torch.randint(1, 2**50, (4,)), X, rejects="more than", name="too_many"),
    within("randint_like.default", 0, 2, lambda x: torch.randint_like(x, 3)),
    Case(
        "aten.randint_like.default",
        lambda x: torch.randint_like(x, 2**50),
        [i64(2)],
        rejects="more than",
        name="too_many",
    ),
    within("randint_like.low_dtype", 1, 2, lambda x: torch.randint_like(x, 1, 3)),
    within("random.to", 0, 4, lambda x: x.clone().random_(5)),
    permutation("static", lambda x: 7),
    permutation("one", lambda x: 1),
    permutation("none", lambda x: 0, dtype=torch.int32),
    permutation("dynamic", lambda x: x.shape[0] * 3, N),
    permutation("int32", lambda x: 7, dtype=torch.int32),
    Case("aten.randperm.default", lambda x: x[:, torch.randperm(4)].sort()[0], X, dynamic=N, name="shuffled"),
    Case("aten.randperm.default", lambda x: torch.randperm(200_000), X, rejects="at most 122880"),
    Case("aten.multinomial.default", lambda x: torch.multinomial(x, 1), [ONE], dynamic=N),
    Case("aten.multinomial.default", lambda x: torch.multinomial(x[0], 3, replacement=True), [ONE], name="replaced"),
    Case("aten.multinomial.default", lambda x: torch.multinomial(x, 3, replacement=True), [ONE], dynamic=N, name="3"),
    Case("aten.multinomial.default", lambda x: torch.multinomial(x.exp(), 4).sort()[0], X, dynamic=N, name="all"),
    Case(
        "aten.multinomial.default",
        lambda x: torch.multinomial(x[0], x.shape[0], replacement=True),
        [ONE],
        dynamic=N,
        name="of_a_size",
    ),
    Case(
        "aten.multinomial.default",
        lambda x: torch.multinomial(x.exp(), x.shape[1]).sort()[0],
        [f32(2, 4)],
        dynamic={1: "n"},
        name="different",
    ),
    Case(
        "aten.multinomial.default",
        lambda x: torch.multinomial(x, 123_000),
        [f32(130_000, low=0)],
        rejects="at most 122880",
        name="too_many",
    ),
]
