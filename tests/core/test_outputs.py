"""Results that are one tensor, or have its elements."""

import pytest
import torch
import torch2trt

gpu = [pytest.mark.gpu, pytest.mark.skipif(not torch.cuda.is_available(), reason="an engine needs an NVIDIA GPU")]


def often(x):
    y = x.relu()
    return y, (y, [y, y])


def changed(x):
    x.add_(2)
    return x.view(x.shape), x


def views(x):
    y = x.relu()
    return y, y.view(x.shape), y.permute(0, 1), y.clone(), y[None]


@pytest.mark.parametrize(("function", "outputs"), [(often, 1), (changed, 2), (views, 5)])
@pytest.mark.parametrize("runtime", ["reference", pytest.param("engine", marks=gpu)])
def test_a_result_that_is_returned_again(function, outputs, runtime):
    device = "cuda" if runtime == "engine" else "cpu"
    example = torch.randn(2, 6, device=device)
    module = torch2trt.convert(function, [example], runtime=runtime, build=runtime == "engine")
    assert len(module.output_names) == outputs
    given, other = example.clone(), example.clone()
    for _ in range(2):
        torch.testing.assert_close(module(given), function(other))
        torch.testing.assert_close(given, other)


def test_what_is_returned_twice_is_one_tensor():
    first, (second, (third, _)) = torch2trt.convert(often, [torch.ones(2)], build=False)(torch.ones(2))
    assert first is second is third


def test_a_reshape_to_the_same_shape_is_no_layer():
    network = torch2trt.convert(lambda x: x.view(x.shape).permute(0, 1) + 1, [torch.ones(2, 3)], build=False).network
    assert all(network.get_layer(index).type != torch2trt.trt.LayerType.SHUFFLE for index in range(network.num_layers))
