"""A program is data: printed, compared, written as JSON, and lowered without torch.fx."""

import json
import subprocess
import sys

import pytest
import torch
from torch import nn
from torch2trt import Call, Packs, Settings, explain
from torch2trt.capture.export import capture
from torch2trt.capture.inputs import example_inputs
from torch2trt.program.call import Ref


class Model(nn.Module):
    def __init__(self, scale=2.0):
        super().__init__()
        self.linear = nn.Linear(4, 4)
        self.register_buffer("shift", torch.ones(1))
        self.scale = scale

    def forward(self, x):
        first, second = (self.linear(x) + self.shift).split(2, dim=1)
        return first * self.scale, second


@pytest.fixture(scope="module")
def model():
    torch.manual_seed(0)
    return Model().eval()


def program(model, *inputs):
    return capture(
        model,
        example_inputs(model, list(inputs) or [torch.ones(2, 4)], None, torch.device("cpu")),
        Packs.load(),
        Settings(),
    )


def test_operands_are_references_constants_have_their_parameters_names(model):
    captured = program(model)
    linear, add, split, mul = captured.calls
    assert linear.operands == (
        (Ref("input", "x"), Ref("constant", "linear.weight"), Ref("constant", "linear.bias")),
        {},
    )
    assert add.operands == ((Ref("call", "linear"), Ref("constant", "shift")), {})
    assert mul.operands == ((Ref("call", split.name, 0), 2.0), {})
    assert captured.outputs == (Ref("call", mul.name), Ref("call", split.name, 1))
    assert captured.constants["linear.weight"].data_ptr() == model.linear.weight.data_ptr()
    assert captured.constants.keys() == {"linear.weight", "linear.bias", "shift"}


def test_constants_keep_their_names_in_another_precision(model):
    captured = explain(model, [torch.ones(2, 4)], precision=torch.float16).program
    assert captured.constants.keys() == {"linear.weight", "linear.bias", "shift"}


def test_it_prints_one_line_a_call(model):
    lines = str(program(model)).splitlines()
    assert lines[:2] == ["program (model)", "  inputs %x: float32[2, 4]"]
    assert lines[2].startswith(
        "  %linear = aten.linear.default(%x, linear.weight, linear.bias) -> float32[2, 4]    # linear (Linear)"
    )
    assert lines[3].partition("    # ")[2].startswith("Model at test_program.py:")
    assert lines[-1].startswith("  return %mul")


def test_equal_captures_are_equal_and_others_are_not(model):
    assert program(model) == program(model)
    assert program(model) != program(model, torch.ones(3, 4))
    assert program(Model(scale=3.0).eval()) != program(Model().eval())
    torch.manual_seed(0)
    same = Model().eval()
    assert program(model) == program(same)
    with torch.no_grad():
        same.linear.bias[0] += 1
    assert program(model) != program(same)


def test_it_is_written_as_json(model):
    written = json.loads(program(model).to_json())
    assert written["inputs"] == {"x": "float32[2, 4]"}
    assert written["constants"]["shift"] == "float32[1]"
    assert written["calls"][1]["args"] == [{"call": "linear"}, {"constant": "shift"}]
    assert written["calls"][3]["args"] == [{"call": written["calls"][2]["name"], "index": 0}, 2.0]
    assert written["signature"]["outputs"] == ["output_0", "output_1"]


def test_the_source_of_users_below_a_folder_named_torch2trt_is_kept(tmp_path):
    folder = tmp_path / "torch2trt" / "mine"
    folder.mkdir(parents=True)
    (folder / "net.py").write_text("import torch\n\n\ndef forward(x):\n    return torch.relu(x)\n")
    sys.path.insert(0, str(folder))
    try:
        import net

        (planned,) = explain(net.forward, [torch.ones(2)])
    finally:
        sys.path.remove(str(folder))
    assert planned.call.source == "net.py:5"


def test_nothing_after_the_capture_uses_torch_fx():
    rooms = ("program", "plan", "network", "lib", "runtime", "reference", "packs")
    code = f"""
import pathlib, torch2trt
root = pathlib.Path(torch2trt.__file__).parent
for room in {rooms}:
    for path in (root / room).rglob("*.py"):
        text = path.read_text()
        if (room, path.stem) in (("packs", "hookspecs"), ("runtime", "torch_run")):
            continue  # a hook of the capture gets a graph, and what PyTorch runs is one that is made of calls
        assert "torch.fx" not in text and "fx." not in text, path
"""
    subprocess.run([sys.executable, "-c", code], check=True)


def test_a_call_names_what_it_uses(model):
    _, add, _, mul = program(model).calls
    assert [str(ref) for ref in add.refs] == ["%linear", "shift"]
    assert [str(ref) for ref in mul.refs] == ["%" + mul.operands[0][0].name + "[0]"]
    assert isinstance(add, Call)


def test_what_nothing_uses_is_dropped_attention_too():
    def function(x):
        nn.functional.scaled_dot_product_attention(x[None], x[None], x[None])
        return x + 1

    assert [planned.call.target.name for planned in explain(function, [torch.ones(3, 4)])] == ["aten.add.Tensor"]
