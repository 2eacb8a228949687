"""Tensors without elements, at a dynamic size of 0."""

import dataclasses

import pytest
import torch
import torch2trt

ROWS = torch2trt.Input(min=(0, 4), opt=(2, 4), max=(3, 4))


@pytest.mark.parametrize("reduce", [lambda x: x.any(0), lambda x: x.any((0, 1)), torch.any])
def test_nothing_is_true_of_no_elements(reduce):
    module = torch2trt.convert(reduce, [ROWS], build=False)
    for size in (0, 1, 3):
        torch.testing.assert_close(module(torch.ones(size, 4)), reduce(torch.ones(size, 4)))


@pytest.mark.parametrize("dtype", [torch.float32, torch.int64])
def test_the_median_of_no_elements(dtype):
    module = torch2trt.convert(torch.median, [dataclasses.replace(ROWS, dtype=dtype)], build=False)
    for size in (0, 1, 3):
        x = torch.randn(size, 4).mul(9).to(dtype)
        torch.testing.assert_close(module(x), torch.median(x), equal_nan=True)


@pytest.mark.parametrize("move", [lambda x: x.roll(1, 0), lambda x: x.roll((3, -1), (0, 1)), lambda x: x.flip(0)])
@pytest.mark.parametrize("rows", [ROWS, torch.empty(0, 4)])
def test_no_elements_stay_none_wherever_they_are_moved(move, rows):
    module = torch2trt.convert(move, [rows], build=False)
    for size in (0, 1, 3) if rows is ROWS else (0,):
        x = torch.randn(size, 4)
        torch.testing.assert_close(module(x), move(x))
