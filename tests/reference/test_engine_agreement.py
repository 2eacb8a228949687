"""The comparison with engines, as far as it needs none."""

from __future__ import annotations

import json

import generate
import torch
from agreement.comparison import QUANTIZED, TF32, TOLERANCE, difference, tolerance
from agreement.report import report
from nets import new_network

CASES = {case.name: case for case in generate.cases()}


def tolerance_of(name, dtype=torch.float32):
    network = new_network()
    CASES[name].build(network)
    return tolerance(network, CASES[name], dtype)


def test_only_fp32_products_are_compared_within_tf32():
    for name in ("convolution-plain-f32", "attention_input-plain-f32", "network-attend-f32", "network-residual"):
        assert tolerance_of(name) == TF32
    assert tolerance_of("convolution-plain-f16", torch.float16) == TOLERANCE[torch.float16]
    assert tolerance_of("reduce-SUM-f32") == TOLERANCE[torch.float32]
    assert tolerance_of("quantize-INT8-axis-f32") == QUANTIZED[torch.float32]


def test_differences_are_found_and_described():
    a = torch.tensor([1.0, float("nan"), 3.0])
    assert difference(a, a.clone(), "values") is None
    assert difference(a, torch.tensor([1.0, float("nan"), 3.001]), "values", (1e-3, 0.0)) is None
    error, message = difference(a, torch.tensor([1.0, 2.0, 3.5]), "values")
    assert error == float("inf")
    assert message == "2 of 3 differ, first at (1,): engine nan, interpreter 2.0"
    assert difference(a, a.half(), "values")[1] == "dtype torch.float32, interpreter torch.float16"


def test_the_report_has_a_row_for_each_layer_type_and_every_network_that_does_not_agree(tmp_path, capsys):
    cases = [CASES[name] for name in ("unary-ABS-f32", "unary-EXP-f32", "nms-corners", "attention_input-plain-f16")]
    wrong = [{"message": "1 of 9 differ"}]
    results = {
        0: {"verdict": "agree", "errors": {"float32": 1e-7}},
        1: {"verdict": "disagree", "wrong": wrong},
        2: {"verdict": "refused", "message": "no runners"},
    }
    path = tmp_path / "agreement.json"
    assert report(cases, [0, 1, 2, 3], results, path) == 1
    contents = json.loads(path.read_text())
    assert contents["layer_types"]["UNARY"] == {
        "networks": 2,
        "agree": 1,
        "disagree": 1,
        "greatest_error": {"float32": 1e-7},
    }
    assert contents["disagree"] == [{"name": "unary-EXP-f32", "layer_type": "UNARY", "wrong": wrong}]
    assert contents["refused"] == [{"name": "nms-corners", "layer_type": "NMS", "message": "no runners"}]
    assert contents["not run"][0]["name"] == "attention_input-plain-f16"
    assert contents["environment"]["tensorrt"].startswith("tensorrt")
    assert "UNARY" in capsys.readouterr().out
