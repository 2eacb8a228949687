"""Preparation, memory, errors: what holds for every layer."""

from __future__ import annotations

import gc
import subprocess
import sys
import weakref

import numpy as np
import pytest
import torch
from generated.base import constant, scalar, values
from nets import evaluate, network_of, new_network
from torch2trt._trt import trt
from torch2trt.reference import Interpreter, InterpreterError, UnsupportedLayerError, interpret
from torch2trt.reference.evaluators import EVALUATORS
from torch2trt.reference.evaluators.base import Prepared


def exponentials(count):
    def body(network, x):
        for _ in range(count):
            x = network.add_unary(x, trt.UnaryOperation.EXP).get_output(0)
        return x

    return body


def test_a_prepared_interpreter_serves_many_calls():
    interpreter = Interpreter(network_of(exponentials(1), torch.zeros(2, 3), dynamic={0: (0,)}))
    for rows in (1, 2, 5, 0):
        x = torch.randn(rows, 3)
        assert torch.equal(interpreter({"in0": x})["out0"], x.exp())


def test_intermediates_are_released_after_their_last_use(monkeypatch):
    alive = []
    most = 0

    def unary(node):
        def evaluate(x):
            nonlocal most
            result = x.exp()
            alive.append(weakref.ref(result))
            most = max(most, sum(reference() is not None for reference in alive))
            return result

        return Prepared(evaluate, (node.required(0),))

    monkeypatch.setitem(EVALUATORS, "UNARY", unary)
    interpret(network_of(exponentials(20), torch.zeros(3)), {"in0": torch.zeros(3)})
    assert most <= 2
    gc.collect()
    assert not [reference for reference in alive if reference() is not None]


def test_results_in_loops_and_branches_are_released_too(monkeypatch):
    from generated.composite import cases

    for case in cases():
        network = new_network()
        case.build(network)
        interpreter = Interpreter(network)
        interpreter(case.inputs)
        template, _ = interpreter._template(torch.device("cpu"))
        assert all(slot in interpreter._schedule.constants for slot, value in enumerate(template) if value is not None)


def test_constants_are_materialized_once_and_weights_are_not_copied():
    kernel = np.random.default_rng(0).standard_normal((4, 3, 3, 3), dtype=np.float32)
    network = network_of(lambda n, x: n.add_convolution_nd(x, 4, (3, 3), kernel), torch.zeros(1, 3, 5, 5))
    interpreter = Interpreter(network)
    first, _ = interpreter._template(torch.device("cpu"))
    x = torch.randn(1, 3, 5, 5)
    interpreter({"in0": x})
    second, _ = interpreter._template(torch.device("cpu"))
    assert second is first
    assert kernel.ctypes.data in {value.data_ptr() for value in first if isinstance(value, torch.Tensor)}


def test_results_do_not_share_memory_with_inputs_weights_or_each_other():
    held = torch.ones(3)

    def body(network, x):
        weight = constant(network, held)
        same = network.add_identity(x)
        return [weight, same, network.add_shuffle(same.get_output(0)), network.add_identity(weight)]

    x = torch.zeros(3)
    results = evaluate(body, x)
    for result in results:
        result += 5
    assert torch.equal(x, torch.zeros(3))
    assert torch.equal(held, torch.ones(3))
    assert all(result.eq(result[0]).all() for result in results)
    assert [float(result[0]) for result in results] == [6, 5, 5, 6]


def test_layers_in_any_order():
    def body(network, x):
        late = network.add_unary(x, trt.UnaryOperation.EXP)
        early = network.add_unary(x, trt.UnaryOperation.NEG)
        late.set_input(0, early.get_output(0))
        return late

    x = torch.randn(4)
    assert torch.equal(evaluate(body, x), (-x).exp())


@pytest.mark.parametrize(
    ("inputs", "message"),
    [
        ({}, r"inputs are \['in0'\], got \[\]"),
        ({"in0": torch.zeros(2, 3), "x": torch.zeros(1)}, r"got \['in0', 'x'\]"),
        ({"in0": torch.zeros(2, 3, dtype=torch.float16)}, "must have dtype torch.float32, got torch.float16"),
        ({"in0": torch.zeros(2)}, r"must have shape \[-1, 3\], got \[2\]"),
        ({"in0": torch.zeros(2, 4)}, r"must have shape \[-1, 3\], got \[2, 4\]"),
        ({"in0": [1.0]}, "must be a tensor, got list"),
    ],
)
def test_wrong_inputs_are_one_clear_error(inputs, message):
    network = network_of(exponentials(1), torch.zeros(2, 3), dynamic={0: (0,)})
    with pytest.raises(InterpreterError, match=message):
        interpret(network, inputs)


def test_an_unknown_layer_is_named_with_type_and_origin(monkeypatch):
    monkeypatch.delitem(EVALUATORS, "UNARY")

    def body(network, x):
        layer = network.add_unary(x, trt.UnaryOperation.EXP)
        layer.name, layer.metadata = "the_layer", "aten.exp.default at model.py:3"
        return layer

    with pytest.raises(UnsupportedLayerError, match=r"the_layer.*UNARY.*aten.exp.default at model.py:3") as caught:
        Interpreter(network_of(body, torch.zeros(1)))
    assert isinstance(caught.value, NotImplementedError)


def test_a_layer_that_fails_is_named():
    def body(network, x):
        layer = network.add_slice(x, (2,), (3,), (1,))
        layer.name = "beyond"
        return layer

    network = network_of(body, torch.zeros(9), dynamic={0: (0,)})
    with pytest.raises(InterpreterError, match=r"beyond.*SLICE.*elements 2\.\.4 of axis 0"):
        interpret(network, {"in0": torch.zeros(3)})


def test_an_assertion_that_does_not_hold():
    def body(network, x):
        rows = network.add_slice(network.add_shape(x).get_output(0), (0,), (1,), (1,)).get_output(0)
        one = constant(network, torch.tensor([1]))
        network.add_assertion(
            network.add_elementwise(rows, one, trt.ElementWiseOperation.GREATER).get_output(0), "more!"
        )
        return network.add_identity(x)

    network = network_of(body, torch.zeros(2), dynamic={0: (0,)})
    interpret(network, {"in0": torch.zeros(2)})
    with pytest.raises(InterpreterError, match="more!"):
        interpret(network, {"in0": torch.zeros(1)})


def test_the_branch_not_taken_is_not_evaluated(monkeypatch):
    taken = []
    original = EVALUATORS["UNARY"]

    def unary(node):
        prepared = original(node)
        return Prepared(lambda x: (taken.append(node.layer.op.name), prepared.kernel(x))[1], prepared.args)

    monkeypatch.setitem(EVALUATORS, "UNARY", unary)

    def body(network, condition, x):
        conditional = network.add_if_conditional()
        conditional.set_condition(condition)
        inside = conditional.add_input(x).get_output(0)
        then, other = (
            network.add_unary(inside, op).get_output(0) for op in (trt.UnaryOperation.EXP, trt.UnaryOperation.NEG)
        )
        return conditional.add_output(then, other)

    x = torch.randn(3)
    assert torch.equal(evaluate(body, torch.tensor(True), x), x.exp())
    assert torch.equal(evaluate(body, torch.tensor(False), x), -x)
    assert taken == ["EXP", "NEG"]


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float8_e4m3fn, torch.float16, torch.int8])
def test_weights_of_types_that_numpy_lacks(dtype):
    held = values("w", (2, 3), torch.float32, -4, 4).to(dtype)
    got = evaluate(lambda n: n.add_cast(constant(n, held), trt.float32))
    assert torch.equal(got, held.float())


def test_packed_four_bit_weights():
    packed = torch.tensor([0x21, 0xF8], dtype=torch.uint8)  # 1, 2, -8, -1: the low half first

    def body(network):
        whole = network.add_constant((2, 2), trt.Weights(trt.int4, packed.data_ptr(), 4)).get_output(0)
        return network.add_dequantize(whole, scalar(network, 0.5, torch.float32), trt.float32)

    assert torch.equal(evaluate(body), torch.tensor([[0.5, 1.0], [-4.0, -0.5]]))


def test_an_empty_constant():
    got = evaluate(lambda n: n.add_constant((0, 2), trt.Weights(trt.float32)))
    assert got.shape == (0, 2)


def test_importing_needs_no_tensorrt():
    code = (
        "import sys; sys.modules['tensorrt'] = sys.modules['tensorrt_rtx'] = None\n"
        "from torch2trt.reference import interpret\n"
        "from torch2trt.errors import TensorRTNotFoundError\n"
        "try: interpret(object(), {})\n"
        "except TensorRTNotFoundError: print('clear')"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "clear"
