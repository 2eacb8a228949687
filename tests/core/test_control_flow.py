"""What torch.cond and loops over functions cannot do, in words; what their functions refer to, as constants."""

import pytest
import torch
import torch2trt
from torch import nn
from torch._higher_order_ops import while_loop
from torch2trt import CaptureError, explain, trt

X = torch.ones(2, 3)
DYNAMIC = ({0: torch.export.Dim("n", max=8)},)


def changes_in_place(x):
    y = x * 1
    return y + torch.cond(y.sum() > 0, lambda y: y.add_(1), lambda y: y.mul_(2), (y,))


@pytest.mark.parametrize(
    ("model", "reason"),
    [
        (lambda x: torch.cond(x.sum() > 0, lambda x: x, torch.sin, (x,)), r"return copies, with clone\(\)"),
        (changes_in_place, "changes a tensor in place; let it return a new tensor"),
        (lambda x: torch.cond(x.sum() > 0, lambda x: x[0] * 2, torch.sin, (x,)), "expected same dim but got 1 and 2"),
        (lambda x: torch.cond(x.sum() > 0, lambda x: x > 0, torch.sin, (x,)), "expected same dtype but got torch.bool"),
        (lambda x: torch.cond(x.sum() > 0, lambda x: x * torch.tensor(2.0), torch.sin, (x,)), "with torch.tensor"),
        (lambda x: while_loop(lambda y: y.sum() < 9, lambda y: (torch.cat((y, y)),), (x,)), "to have same metadata"),
    ],
)
def test_what_cannot_be_captured(model, reason):
    with pytest.raises(CaptureError, match=reason) as caught:
        explain(model, [X])
    assert "compile-graph-break-site" not in str(caught.value)


class Gate(nn.Module):
    def __init__(self):
        super().__init__()
        self.one, self.other = nn.Linear(3, 3), nn.Linear(3, 3)

    def forward(self, x):
        return torch.cond(x.sum() > 0, lambda x: self.one(x), lambda x: self.other(x).exp(), (x,))


def test_parameters_of_a_branch_are_constants_in_it():
    plan = explain(Gate().eval(), [X], build=False, runtime="reference")
    cond = next(planned for planned in plan.calls if planned.call.target.name == "higher_order.cond")
    constants = [str(ref) for body in cond.bodies.values() for planned in body for ref in planned.call.refs]
    assert {"one.weight", "one.bias", "other.weight", "other.bias"} <= set(constants)
    network = plan.convert().network
    assert "one.bias" in {network.get_layer(index).name for index in range(network.num_layers)}


def kinds(model, *inputs, **options):
    network = torch2trt.convert(model, list(inputs), build=False, runtime="reference", **options).network
    return [network.get_layer(index).type for index in range(network.num_layers)]


def test_a_constant_predicate_leaves_one_branch():
    def model(x):
        return torch.cond(torch.tensor(True), torch.sin, torch.cos, (x,))

    assert trt.LayerType.CONDITION not in kinds(model, X)
    assert trt.LayerType.CONDITION in kinds(Gate().eval(), X)


def test_branches_of_other_shapes_are_refused():
    def model(x):
        return torch.cond(x.sum() > 0, lambda x: x[:1].clone(), lambda x: x * 2, (x,))

    (cond,) = explain(model, [X]).unsupported
    assert "results differ in shape" in cond.reasons[-1]


def test_a_loop_in_a_branch_of_dynamic_sizes_is_refused():
    def model(x):
        def doubled(x):
            return while_loop(lambda x: x.amax() < 9, lambda x: (x * 2,), (x,))[0]

        return torch.cond(x.sum() > 0, doubled, lambda x: x * 2, (x,))

    assert not explain(model, [X]).unsupported
    (cond,) = explain(model, [X], dynamic_shapes=DYNAMIC).unsupported
    assert "a loop in one of them might not end" in cond.reasons[-1]


def test_both_branches_of_dynamic_sizes_are_computed():
    assert trt.LayerType.CONDITION not in kinds(Gate().eval(), X, dynamic_shapes=DYNAMIC)


def test_no_tensor_without_dimensions_enters_or_leaves_a_loop():
    def model(x):
        return while_loop(lambda i, x: i < 3, lambda i, x: (i + 1, x * 2), (torch.tensor(0), x))

    network = torch2trt.convert(model, [X], build=False, runtime="reference").network
    layers = [network.get_layer(index) for index in range(network.num_layers)]
    crossing = [layer for layer in layers if layer.type in (trt.LayerType.RECURRENCE, trt.LayerType.LOOP_OUTPUT)]
    assert [tuple(layer.get_output(0).shape) for layer in crossing] == [(1,), (2, 3)] * 2
