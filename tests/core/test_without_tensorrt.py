"""Where TensorRT is missing: planning works, converting says what to install."""

import os
import subprocess
import sys

PROLOGUE = """
import sys
sys.modules["tensorrt"] = sys.modules["tensorrt_rtx"] = None  # importing either fails
import torch, torch2trt
model = torch.nn.Sequential(torch.nn.Conv2d(3, 4, 3), torch.nn.BatchNorm2d(4), torch.nn.ReLU()).eval()
x = torch.ones(1, 3, 8, 8)
"""


def run(code, **environment):
    return subprocess.run(
        [sys.executable, "-c", PROLOGUE + code],
        capture_output=True,
        text=True,
        env={**os.environ, **environment},
        check=False,
    )


def test_the_dry_run_needs_no_tensorrt_also_where_an_operator_is_a_plugin():
    done = run(
        """
plan = torch2trt.explain(model, [x])
assert not plan.unsupported
assert [p.converter.pack.name for p in plan] == ["vision", "vision", "base"], plan
print(plan, plan.to_json())

from torch2trt_ops_example import clamped_swiglu
assert clamped_swiglu(torch.ones(2, 4)).shape == (2, 2)
(planned,) = torch2trt.explain(lambda x: clamped_swiglu(x), [torch.ones(2, 4)])
assert planned.converter.function is clamped_swiglu, planned
"""
    )
    assert done.returncode == 0, done.stderr
    assert "3 calls: 1 by base, 2 by vision; 0 unsupported" in done.stdout


def test_converting_says_what_to_install():
    done = run(
        """
for call in (lambda: torch2trt.convert(model, [x]), lambda: torch2trt.torch2trt(model, [x]), lambda: torch2trt.trt.Builder(None)):
    try:
        call()
    except torch2trt.errors.TensorRTNotFoundError as error:
        print(error)
"""
    )
    said = done.stdout.splitlines()
    assert len(said) == 3, done.stderr
    assert all(line.startswith("tensorrt") and "pip install 'torch2trt-core[rtx]'" in line for line in said)


def test_an_unknown_flavor_is_refused_where_tensorrt_is_needed():
    done = run("print(len(torch2trt.explain(model, [x]).calls))\ntorch2trt.trt.Builder(None)", TORCH2TRT_FLAVOR="cpu")
    assert done.stdout == "3\n"
    said = "TORCH2TRT_FLAVOR='cpu' is not a flavor. Set it to one of tensorrt, rtx, or leave it out"
    assert done.stderr.endswith(said + "\n")
    assert "Builder is needed" in done.stderr
