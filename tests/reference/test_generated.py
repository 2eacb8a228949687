"""Every generated network: what the interpreter returns has the shapes and dtypes that TensorRT infers."""

from __future__ import annotations

import generate
import pytest
from nets import assert_as_inferred, new_network
from torch2trt.reference import interpret

CASES = generate.cases()
KINDS = sorted({case.layer_type for case in CASES})


def test_there_are_enough_and_they_are_the_same_each_time():
    again = generate.cases()
    assert len(CASES) >= 400
    assert [case.name for case in again] == [case.name for case in CASES]
    for first, second in zip(CASES, again, strict=True):
        assert all(first.inputs[name].nan_to_num().eq(second.inputs[name].nan_to_num()).all() for name in first.inputs)


@pytest.mark.parametrize("kind", KINDS)
def test_results_are_as_inferred(kind):
    for case in (case for case in CASES if case.layer_type == kind):
        network = new_network()
        case.build(network)
        assert_as_inferred(network, interpret(network, case.inputs))
