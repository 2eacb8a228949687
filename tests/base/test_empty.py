"""Tensors without elements, at a dynamic size of 0."""

import pytest
import torch
import torch2trt


@pytest.mark.parametrize("reduce", [lambda x: x.any(0), lambda x: x.any((0, 1)), torch.any])
def test_nothing_is_true_of_no_elements(reduce):
    module = torch2trt.convert(reduce, [torch2trt.Input(min=(0, 4), opt=(2, 4), max=(3, 4))], build=False)
    for size in (0, 1, 3):
        torch.testing.assert_close(module(torch.ones(size, 4)), reduce(torch.ones(size, 4)))
