"""Inputs whose values decide sizes: their ranges, from the model's checks to the profile, the file and every call."""

import pytest
import torch
import torch2trt
from torch import nn
from torch.export import Dim
from torch2trt import ConversionError, Input, InputError, explain
from torch2trt.network.build import build
from torch2trt.network.key import engine_key
from torch2trt.network.lower import lower
from torch2trt.plan.segments import part
from torch2trt.program.leaves import UNBOUNDED
from torch2trt.program.values import readings
from torch2trt.runtime.reference import ReferenceRunner

X = torch.arange(72.0).reshape(2, 9, 4)


class Cut(nn.Module):
    """Takes the first ``length`` rows."""

    def __init__(self, low=1, high=9):
        super().__init__()
        self.low, self.high = low, high

    def forward(self, x, length):
        count = length.item()
        if self.low is not None:
            torch._check(count >= self.low)
        if self.high is not None:
            torch._check(count <= self.high)
        return x[:, :count] * 2


class Split(nn.Module):
    def forward(self, x, sections):
        first, second = sections.tolist()
        torch._check(first >= 0)
        torch._check(first <= 4)
        torch._check(second >= 1)
        torch._check(second <= 5)
        return x[:, :first], x[:, -second:]


def values_of(module_or_plan):
    signature = getattr(module_or_plan, "signature", None) or module_or_plan.program.signature
    return [spec.values for spec in signature.inputs]


def test_the_range_goes_from_the_model_to_every_call():
    module = torch2trt.convert(Cut().eval(), [X, torch.tensor(4)], runtime="reference")
    assert values_of(module) == [(), ((1, 4, 9),)]
    for length in (1, 4, 9):
        torch.testing.assert_close(module(X, torch.tensor(length)), X[:, :length] * 2)
    for length in (0, 10, -1):
        with pytest.raises(InputError, match=rf"'length' has the value {length}, the model allows 1 to 9; .*_check"):
            module(X, torch.tensor(length))


def test_every_element_has_a_range_of_its_own():
    module = torch2trt.convert(Split().eval(), [X, torch.tensor([3, 2])], build=False, runtime="reference")
    assert values_of(module) == [(), ((0, 3, 4), (1, 2, 5))]
    with pytest.raises(InputError, match="has the value 5 in element 0, the model allows 0 to 4"):
        module(X, torch.tensor([5, 1]))


def test_the_usual_value_of_a_description_is_the_largest():
    assert values_of(explain(Cut().eval(), [Input((2, 9, 4)), Input((), dtype=torch.int64)]))[1] == ((1, 9, 9),)


def test_what_the_trace_took_for_a_constant_is_checked():
    def model(x, length):
        count = length.item()
        torch._check(count == 4)
        return x[:, :count]

    module = torch2trt.convert(model, [X, torch.tensor(4)], build=False, runtime="reference")
    torch.testing.assert_close(module(X, torch.tensor(4)), X[:, :4])
    with pytest.raises(InputError, match="has the value 5, the model allows 4"):
        module(X, torch.tensor(5))


@pytest.mark.skipif(torch.__version__ < "2.14", reason="PyTorch 2.11 cannot export an assignment at a 0-d tensor")
def test_a_place_outside_is_refused():
    def model(cache, position, new):
        cache = cache.clone()
        cache[:, position] = new
        return cache

    module = torch2trt.convert(model, [X, torch.tensor(4), X[:, 0]], build=False, runtime="reference")
    for position in (9, -10):
        with pytest.raises(InputError, match=rf"'position' has the value {position}, the model allows -9 to 8"):
            module(X, torch.tensor(position), X[:, 0])


def test_one_bound_is_checked_where_no_size_needs_both():
    def model(x, factor):
        number = factor.item()
        torch._check(number >= 1)
        return x * number

    module = torch2trt.convert(model, [X, torch.tensor(4)], build=False, runtime="reference")
    assert values_of(module)[1] == ((1, 4, UNBOUNDED),)
    torch.testing.assert_close(module(X, torch.tensor(1000)), X * 1000)
    with pytest.raises(InputError, match="has the value 0, the model allows 1 to any"):
        module(X, torch.tensor(0))


def computed(x, lengths):
    count = lengths.max().item()
    torch._check(count >= 1)
    torch._check(count <= 9)
    return x[:, :count]


LENGTH = torch.tensor(4)


@pytest.mark.parametrize("built", [False, True], ids=["not_built", "built"])
@pytest.mark.parametrize(
    ("model", "length", "message"),
    [
        (
            Cut(None, None),
            LENGTH,
            r"bounds its values below and above.*_check\(n >= ...\) and torch._check\(n <= ...\)$",
        ),
        (
            Cut(1, None),
            LENGTH,
            r"nothing bounds its values above, .* every number that it has: torch._check\(n <= ...\)$",
        ),
        (Cut(None, 9), LENGTH, r"nothing bounds its values below, .*: torch._check\(n >= ...\)$"),
        (Cut(), LENGTH.to(torch.uint8), "from int32 and int64 only; pass it as torch.int64, not uint8"),
        (
            computed,
            torch.tensor([4, 5]),
            r"bounds its values below and above.*; read them with .item\(\) or .tolist\(\)",
        ),
    ],
    ids=["no_bound", "no_upper", "no_lower", "uint8", "computed"],
)
def test_an_impossible_profile_is_refused_with_and_without_a_build(model, length, message, built):
    with pytest.raises(ConversionError, match=message) as caught:
        torch2trt.convert(model, [X, length], build=built, runtime="reference")
    if isinstance(model, Cut):
        assert "input 'length' decides sizes (read in " in str(caught.value)
        assert "test_values.py:" in str(caught.value)


def test_the_range_is_saved_and_part_of_the_key(tmp_path):
    module = torch2trt.convert(Cut().eval(), [X, LENGTH], runtime="reference")
    module.save(tmp_path / "cut.trt")
    assert torch2trt.load(tmp_path / "cut.trt").signature == module.signature
    plans = [explain(Cut(1, high).eval(), [X, LENGTH]) for high in (8, 9)]
    assert len({engine_key(plan, plan.segments[0]) for plan in plans}) == 2


def test_such_an_input_may_be_on_another_device():
    signature = explain(Cut().eval(), [X, LENGTH]).program.signature
    tensors = signature.flatten([X.to("meta"), LENGTH], {})
    assert [tensor.device.type for tensor in tensors.values()] == ["meta", "cpu"]


def test_readings_follow_elements_through_what_moves_them():
    def model(x, sizes):
        rows = sizes.reshape(2, 2)[1].to(torch.int32)
        return x * rows[0].item() + rows.flip(0)[0].item() + sizes.sum().item()

    found = [
        (reading.element, set(reading.inputs)) for reading in readings(explain(model, [X, torch.arange(4)]).program)
    ]
    assert found == [(2, {"sizes"}), (None, {"sizes"}), (None, {"sizes"})]


def test_a_number_between_segments_has_its_range():
    model = Cut().eval()
    plan = explain(model, [X, LENGTH])
    halves = [part(plan.program, calls, plan.calls) for calls in (plan.calls[:1], plan.calls[1:2], plan.calls[2:])]
    number = next(spec for spec in halves[1].inputs.values() if spec.values)
    assert (number.ranges, number.values) == ((), ((1, 9, 9),))
    (rows,) = halves[2].inputs.values()
    assert rows.ranges == ((2, 2, 2), (1, 9, 9), (4, 4, 4))
    tensors = {"x": X, "length": torch.tensor(7)}
    for segment in halves:
        network = lower(plan, segment)
        assert build(network, plan).serialized
        run = ReferenceRunner(network.network, network.builder, network.constants)
        tensors |= run({s.name: tensors[s.name] for s in segment.inputs.values()})
    torch.testing.assert_close(tensors[halves[2].outputs[0][1]], model(X, torch.tensor(7)))


def test_a_range_that_depends_on_a_size_is_bounded_by_the_largest():
    def model(x, length):
        count = length.item()
        torch._check(count >= 1)
        torch._check(count <= x.shape[1])
        return x[:, :count]

    shapes = ({1: Dim("rows", max=16)}, None)
    module = torch2trt.convert(model, [X, LENGTH], dynamic_shapes=shapes, runtime="reference")
    assert values_of(module)[1] == ((1, 4, 16),)
    torch.testing.assert_close(module(X[:, :3], torch.tensor(3)), X[:, :3])
