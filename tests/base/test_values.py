"""Numbers that a model reads from tensors, as sizes and as places: against PyTorch at both ends of their ranges."""

import pytest
import torch
import torch2trt
from torch.export import Dim
from torch.nn import functional as F
from torch2trt.testing.check import compare

X = torch.arange(72.0).reshape(2, 9, 4)
ROW = -torch.arange(8.0).reshape(2, 4)
ROWS = -torch.arange(24.0).reshape(2, 3, 4)


def read(tensor, low, high):
    """A number with the range that the model states."""
    number = tensor.item()
    torch._check(number >= low)
    torch._check(number <= high)
    return number


def split(x, n):
    first, second = n.tolist()
    torch._check(first >= 0)
    torch._check(second >= 0)
    torch._check(first + second == 9)
    return x.split([first, second], 1)


def several(x, n, m, scale):
    n, m = read(n, 1, 9), read(m, 1, 4)
    return x[:, :n, :m] * scale.item(), n + m


def within(x, n):
    number = n.item()
    torch._check(number >= 1)
    torch._check(number <= x.shape[1])
    return x[:, :number] * number


def written(place):
    """A model that writes at a place."""

    def call(x, *arguments):
        *numbers, new = arguments
        x = x.clone()
        x[place(*numbers)] = new
        return x

    return call


def window(n):
    n = read(n, 0, 6)
    return slice(None), slice(n, n + 3)


def integers(*numbers):
    return [torch.tensor(number) for number in numbers]


#: name to the model and its values: the usual ones, then both ends
SIZES = {
    "end": (lambda x, n: x[:, : read(n, 1, 9)] * 2, integers(4, 1, 9)),
    "end_int32": (lambda x, n: x[:, : read(n, 1, 9)], [torch.tensor(n, dtype=torch.int32) for n in (4, 1, 9)]),
    "end_one_element": (lambda x, n: x[:, : read(n, 1, 9)], integers([4], [1], [9])),
    "start": (lambda x, n: x[:, read(n, 0, 8) :], integers(4, 0, 8)),
    "narrow": (lambda x, n: x.narrow(1, 0, read(n, 0, 9)), integers(4, 0, 9)),
    "split": (split, integers([4, 5], [0, 9], [9, 0])),
    "arange": (lambda x, n: x.sum() + torch.arange(read(n, 0, 20)), integers(4, 0, 20)),
    "arange_down": (lambda x, n: x.sum() + torch.arange(read(n, 0, 5), -1, -1), integers(3, 0, 5)),
    "created": (lambda x, n: x.new_ones(read(n, 1, 5), 3), integers(3, 1, 5)),
    "expanded": (lambda x, n: x[None].expand(read(n, 1, 5), -1, -1, -1) * 1, integers(3, 1, 5)),
    "repeated": (lambda x, n: x.repeat(read(n, 1, 5), 1, 2), integers(3, 1, 5)),
    "interleaved": (lambda x, n: x.repeat_interleave(read(n, 1, 5), dim=1), integers(3, 1, 5)),
    "padded": (lambda x, n: F.pad(x, (read(n, 0, 5), 0)), integers(3, 0, 5)),
    "filled": (
        written(lambda n: (slice(None), slice(read(n, 0, 9)))),
        [(n, torch.tensor(5.0)) for n in integers(4, 0, 9)],
    ),
    "attention": (lambda x, n: F.scaled_dot_product_attention(x, *[x[:, : read(n, 1, 9)]] * 2), integers(4, 1, 9)),
    "several": (several, [integers(3, 2, 2), integers(1, 1, 3), integers(9, 4, 5)]),
}
PLACES = {
    "slice": (lambda x, n: x[:, read(n, 0, 6) : n.item() + 3], integers(4, 0, 6)),
    "stepped": (lambda x, n: x[:, read(n, 0, 4) : n.item() + 5 : 2], integers(3, 0, 4)),
    "narrow_tensor": (lambda x, n: x.narrow(1, n, 3), integers(4, 0, 6, -3)),
    "arange": (lambda x, n: x.sum() + torch.arange(read(n, 0, 50), n.item() + 5), integers(4, 0, 50)),
    "number": (lambda x, n: (x * n.item() + n.item(), x ** read(n, 0, 3)), integers(2, 0, 3)),
    "fraction": (lambda x, n: x * n.item(), integers(2.5, -7.25)),
    "byte": (lambda x, n: x * n.item(), [torch.tensor(n, dtype=torch.uint8) for n in (2, 0, 255)]),
    "index": (lambda x, n: (x[:, n], x[..., n - 1], x.select(1, n)), integers(3, 1, 0)),
    "index_select": (lambda x, n: (x.index_select(1, n), x.index_select(1, n.reshape(1))), integers(3, 0, 8)),
    "gather": (lambda x, n: (x.gather(1, n.expand(2, 1, 4)), x.take(n), F.one_hot(n, 9)), integers(3, 0, 8)),
    "roll": (lambda x, n: (x.roll(n.item(), 1), x.roll(n.item())), integers(3, 0, -4, 20)),
    "write": (written(lambda n: (slice(None), n)), [(n, ROW) for n in integers(3, 0, 8, -9)]),
    "write_int32": (written(lambda n: (slice(None), n)), [(torch.tensor(n, dtype=torch.int32), ROW) for n in (3, 8)]),
    "write_one": (written(lambda n: (slice(None), n)), [(n, ROW[:, None]) for n in integers([3], [0], [8], [-9])]),
    "write_last": (written(lambda n: (..., n)), [(n, X[..., 0] - 9) for n in integers(3, 0, -1)]),
    "write_two": (written(lambda n, m: (n, m)), [(*integers(*nm), ROW[0]) for nm in ((1, 3), (0, 8), (-2, -9))]),
    "write_scalar": (written(lambda n: (slice(None), n)), [(n, torch.tensor(7.0)) for n in integers(3, 0, 8)]),
    "write_slice": (written(window), [(n, ROWS) for n in integers(3, 0, 6)]),
    "index_put": (lambda x, n: x.index_put((n - 3,), X[0] + 1, accumulate=True), integers(3, 4, 2)),
    "index_copy": (lambda x, n: x.index_copy(1, n.reshape(1), ROW[:, None]), integers(3, 0, 8)),
    "scatter": (lambda x, n: x.scatter(1, n.expand(2, 1, 4), ROW[:, None]), integers(3, 0, 8)),
    "select_scatter": (lambda x, n: x.select_scatter(ROW, 1, n.item()), integers(3, 0, 8, -1)),
    "slice_scatter": (lambda x, n: x.slice_scatter(ROWS, 1, read(n, 0, 6), n.item() + 3), integers(3, 0, 6)),
    "mask": (lambda x, n: x.masked_fill((torch.arange(9) >= read(n, 0, 9))[:, None], -1.0), integers(3, 0, 9)),
}


def converted(model, values, shapes=None, **settings):
    usual = values if isinstance(values, (tuple, list)) else (values,)
    return torch2trt.convert(model, [X, *usual], dynamic_shapes=shapes, runtime="reference", **settings)


def check(module, model, values, x=X):
    values = values if isinstance(values, (tuple, list)) else (values,)
    compare(module(x, *values), model(x, *values), 1e-5, 1e-5)


@pytest.mark.parametrize(("model", "values"), [*SIZES.values(), *PLACES.values()], ids=[*SIZES, *PLACES])
def test_values(model, values):
    wrapped = Values(model)
    module = converted(wrapped, values[0], build=False)
    for each in values:
        check(module, wrapped, each)


class Values(torch.nn.Module):
    """A function of as many inputs as it takes, with a line in a file."""

    def __init__(self, function):
        super().__init__()
        self.function = function

    def forward(self, x, *values):
        return self.function(x, *values)


@pytest.mark.parametrize("name", ["end", "split", "several", "arange"])
def test_engines_are_built_for_the_range_of_a_size(name):
    model, values = SIZES[name]
    module = converted(Values(model), values[0])
    assert module.serialized
    assert any(module.network.get_input(index).is_shape_tensor for index in range(module.network.num_inputs))


@pytest.mark.parametrize("name", ["slice", "arange", "write", "write_slice", "select_scatter", "roll"])
def test_a_place_is_no_shape_tensor(name):
    """Where sizes are known, a position may stay on the GPU, and needs no range."""
    model, values = PLACES[name]
    module = converted(Values(model), values[0], build=name == "slice")
    assert not any(module.network.get_input(index).is_shape_tensor for index in range(module.network.num_inputs))


@pytest.mark.parametrize(
    ("model", "values"),
    [
        (within, integers(4, 1, 3)),
        (written(lambda n: (slice(None), n)), [(n, ROW) for n in integers(2, 0, -3)]),
        (lambda x, n: torch.arange(read(n, 0, 50), n.item() + x.shape[1]), integers(4, 0, 50)),
    ],
    ids=["end", "write", "arange"],
)
def test_beside_dynamic_sizes(model, values):
    inputs = values[0] if isinstance(values[0], tuple) else (values[0],)
    shapes = ({1: Dim("length", max=16)}, *[None] * len(inputs))
    wrapped = Values(model)
    module = torch2trt.convert(
        wrapped, [X, *inputs], dynamic_shapes={"x": shapes[0], "values": shapes[1:]}, runtime="reference"
    )
    # the first value is one of the usual size alone
    for x, some in ((X, values), (X[:, :3], values[1:])):
        for each in some:
            check(module, wrapped, each, x)
