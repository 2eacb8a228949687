"""Tables that a model computes once and keeps: a capture leaves none of its tensors in them."""

import functools
import gc
import types

import pytest
import torch
import torch2trt
from torch import nn
from torch2trt import CaptureError

# PyTorch's advice: what is assigned might be a state
pytestmark = pytest.mark.filterwarnings("ignore:The tensor attribute:UserWarning")
TABLES = {}
TABLE = None


def table(size):
    return torch.arange(size, dtype=torch.float32) * 0.1


@functools.lru_cache(maxsize=8)
def cached(size):
    return table(size)


@functools.cache
def cached_pair(size):
    return {"tables": [table(size), table(size).sin()]}


class Slots:
    """Where a tensor cannot be taken out of."""

    __slots__ = ("table",)


class Keeps(nn.Module):
    """Multiplies with a table that it computes once."""

    shared = None
    by_size = {}  # noqa: RUF012  # one for all instances, as careless as users are

    def __init__(self, kind):
        super().__init__()
        self.kind = kind
        self.kept, self.listed, self.table = {}, [], None
        self.record = types.SimpleNamespace(table=None)
        self.inner = nn.ModuleList([nn.Module()])
        self.inner[0].nested = {"deep": {}}

    def forward(self, x):
        return x * getattr(self, self.kind)(x.shape[-1])

    @functools.lru_cache  # noqa: B019
    def of_a_method(self, size):
        return table(size)

    def of_a_function(self, size):
        return cached(size)

    def pairs(self, size):
        return cached_pair(size)["tables"][0]

    def a_global_dict(self, size):
        if size not in TABLES:
            TABLES[size] = table(size)
        return TABLES[size]

    def a_global_name(self, size):
        global TABLE
        TABLE = table(size) if TABLE is None else TABLE
        return TABLE

    def a_dict(self, size):
        if size not in self.kept:
            self.kept[size] = (table(size), size)
        return self.kept[size][0]

    def a_nested_dict(self, size):
        if not self.inner[0].nested["deep"]:
            self.inner[0].nested["deep"]["table"] = table(size)
        return self.inner[0].nested["deep"]["table"]

    def a_list(self, size):
        if not self.listed:
            self.listed.append(table(size))
        return self.listed[0]

    def an_attribute(self, size):
        self.table = table(size) if self.table is None else self.table
        return self.table

    def a_new_attribute(self, size):
        if not hasattr(self, "new"):
            self.new = table(size)
        return self.new

    def a_record(self, size):
        self.record.table = table(size) if self.record.table is None else self.record.table
        return self.record.table

    def a_class(self, size):
        Keeps.shared = table(size) if Keeps.shared is None else Keeps.shared
        return Keeps.shared

    def a_dict_of_a_class(self, size):
        if size not in self.by_size:
            self.by_size[size] = table(size)
        return self.by_size[size]


KINDS = [name for name, value in vars(Keeps).items() if callable(value) and name not in ("__init__", "forward")]


@pytest.fixture(autouse=True)
def empty():
    global TABLE
    TABLE = Keeps.shared = None
    for cache in (TABLES, Keeps.by_size):
        cache.clear()
    for function in (cached, cached_pair, Keeps.of_a_method):
        function.cache_clear()


@pytest.mark.parametrize(
    ("kind", "precision"),
    [
        *((kind, None) for kind in KINDS),
        ("a_dict", torch.float16),
        *(pytest.param(kind, torch.float16, marks=pytest.mark.slow) for kind in KINDS if kind != "a_dict"),
    ],
)
def test_the_model_and_a_second_conversion_are_right(kind, precision):
    model, x = Keeps(kind).eval(), torch.randn(2, 5)
    expected = x * table(5)
    for _ in range(2):
        module = torch2trt.convert(model, [x], build=False, precision=precision)
        torch.testing.assert_close(module(x), expected, rtol=2e-3, atol=2e-3)
    torch.testing.assert_close(model(x), expected)
    torch.testing.assert_close(torch2trt.convert(model, [x], build=False)(x), expected)


#: of each way to keep a table, one
QUICK = ("a_dict", "a_list", "an_attribute", "a_class", "of_a_function")


@pytest.mark.parametrize(
    "kind", [kind if kind in QUICK else pytest.param(kind, marks=pytest.mark.slow) for kind in KINDS]
)
def test_a_capture_that_fails_leaves_nothing_either(kind):
    class Fails(Keeps):
        def forward(self, x):
            y = super().forward(x)
            return y if y.sum() > 0 else -y

    model, x = Fails(kind).eval(), torch.ones(2, 5)
    with pytest.raises(CaptureError, match="control flow depends on the values"):
        torch2trt.convert(model, [x], build=False)
    torch.testing.assert_close(model(x), x * table(5))


def test_a_table_in_the_closure_of_a_function():
    tables = {}

    def model(x):
        if not tables:
            tables["one"] = table(5)
        return x * tables["one"]

    torch2trt.convert(model, [torch.ones(5)], build=False)
    assert tables == {}


def test_tables_that_are_there_already_stay():
    model, x = Keeps("a_dict").eval(), torch.randn(2, 5)
    model(x)
    before = model.kept[5][0]
    torch.testing.assert_close(torch2trt.convert(model, [x], build=False)(x), model(x))
    assert model.kept[5][0] is before


def test_a_buffer_that_is_made_by_the_first_call():
    """torch.export would write it to the input."""

    class Makes(nn.Module):
        def __init__(self):
            super().__init__()
            self.register_buffer("table", None, persistent=False)

        def forward(self, x):
            if self.table is None:
                self.table = table(5)
            return x * self.table

    model, x = Makes().eval(), torch.ones(2, 5)
    with pytest.raises(
        CaptureError, match="makes its buffer 'table' when it is called first; call the model once before"
    ):
        torch2trt.convert(model, [x], build=False)
    expected = model(x)
    torch.testing.assert_close(torch2trt.convert(model, [x], build=False)(x), expected)
    assert x.tolist() == torch.ones(2, 5).tolist()


def test_a_place_that_nothing_can_be_taken_out_of_is_named():
    class Holds(nn.Module):
        def __init__(self):
            super().__init__()
            self.slots = Slots()

        def forward(self, x):
            if not hasattr(self.slots, "table"):
                self.slots.table = table(5)
            return x * self.slots.table

    model, x = Holds().eval(), torch.ones(5)
    with pytest.raises(CaptureError, match=rf"in {__name__}\.Slots, where those .* cannot be taken out; put back"):
        torch2trt.convert(model, [x], build=False)
    del model.slots.table
    expected = model(x)
    torch.testing.assert_close(torch2trt.convert(model, [x], build=False)(x), expected)


def test_memory_is_not_looked_through_for_what_is_known(monkeypatch):
    """Which takes the longer the more a process holds; an input that is a view has a base that is no leftover."""
    monkeypatch.setattr(gc, "get_referrers", lambda *things: pytest.fail("all of memory was looked through"))
    model, x = Keeps("a_dict").eval(), torch.arange(10.0).reshape(2, 5)
    torch.testing.assert_close(torch2trt.convert(model, [x], build=False)(x), x * table(5))
    assert model.kept == {}


def test_the_collector_is_as_it_was():
    assert gc.get_freeze_count() == 0
    gc.freeze()
    try:
        torch2trt.convert(nn.ReLU(), [torch.ones(2)], build=False)
        assert gc.get_freeze_count() > 0  # a user's own
    finally:
        gc.unfreeze()
