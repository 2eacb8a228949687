"""An exported program as the model: its own inputs, and those that fit it."""

import pytest
import torch
from torch.export import Dim
from torch2trt import Input, InputError, convert, explain


class Model(torch.nn.Module):
    def forward(self, x, y):
        return x @ y


@pytest.fixture(scope="module")
def exported():
    shapes = ({0: Dim("n", min=1, max=16)}, None)
    return torch.export.export(Model(), (torch.ones(3, 4), torch.ones(4, 5)), dynamic_shapes=shapes, strict=False)


def ranges(plan):
    return [spec.ranges for spec in plan.program.signature.inputs]


def test_it_has_its_own_inputs(exported):
    assert ranges(explain(exported)) == [((1, 3, 16), (4, 4, 4)), ((4, 4, 4), (5, 5, 5))]
    module = convert(exported, build=False)
    x, y = torch.randn(7, 4), torch.randn(4, 5)
    torch.testing.assert_close(module(x, y), x @ y)


def test_one_input_of_two_may_narrow_a_range(exported):
    narrowed = [Input(min=(2, 4), opt=(5, 4), max=(8, 4)), torch.ones(4, 5)]
    assert ranges(explain(exported, narrowed))[0] == ((2, 5, 8), (4, 4, 4))


@pytest.mark.parametrize(
    ("inputs", "message"),
    [
        ([Input(min=(1, 4), max=(8, 4))], r"takes the inputs \(x, y\) with the structure"),
        (["nonsense"], r"takes the inputs \(x, y\)"),
        (["nonsense", torch.ones(4, 5)], "input 'x' of the ExportedProgram is a tensor, got 'nonsense'"),
        ([torch.ones(3, 4), torch.ones(4, 5).half()], "input 'y' of the ExportedProgram is float32, got float16"),
        ([torch.ones(3, 4, 1), torch.ones(4, 5)], "input 'x' of the ExportedProgram has 2 dimensions, got 3"),
        ([torch.ones(3, 4), torch.ones(4, 6)], "input 'y' of the ExportedProgram has size 5 in dimension 1, got 6"),
        (
            [torch.ones(3, 4), Input(min=(4, 1), max=(4, 9))],
            "has size 5 in dimension 1, got 1 to 9; export it again with dynamic_shapes",
        ),
        (3, "must be a sequence or a mapping"),
    ],
)
def test_inputs_that_do_not_fit_are_refused(exported, inputs, message):
    with pytest.raises(InputError, match=message):
        explain(exported, inputs)


def test_a_range_beyond_the_programs_is_refused(exported):
    with pytest.raises(
        InputError, match=r"input 'x' of the ExportedProgram has sizes 1 to 16 in dimension 0, got 1 to 32"
    ):
        explain(exported, [Input(min=(1, 4), max=(32, 4)), torch.ones(4, 5)])


def test_dynamic_shapes_are_the_programs_own(exported):
    with pytest.raises(InputError, match="has its dynamic sizes already"):
        explain(exported, [torch.ones(3, 4), torch.ones(4, 5)], dynamic_shapes=({0: Dim("n")}, None))
