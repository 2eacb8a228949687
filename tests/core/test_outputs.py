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


class Sizes(torch.nn.Module):
    """Results of sizes of every kind, of a number, of other dtypes, and a buffer."""

    def __init__(self):
        super().__init__()
        self.register_buffer("count", torch.zeros(1, dtype=torch.int64))

    def forward(self, x, y):
        self.count += 1
        chosen = x[x[:, 0] > 0]
        return torch.cat([x, x]), x + y, x[:, None].expand(-1, x.shape[0], 3), chosen, x.shape[0], x.double(), None


def test_what_outputs_are_is_said_in_the_sizes_of_the_inputs():
    rows = torch2trt.Input(min=(1, 3), opt=(2, 3), max=(8, 3))
    signature = torch2trt.explain(Sizes(), [rows, rows], fallback=True).program.signature
    said = ["float32[2*x.shape[0], 3]", "float32[x.shape[0], 3]", "float32[x.shape[0], x.shape[0], 3]", "float32[?, 3]"]
    assert [str(spec) for spec in signature.output_specs] == [*said, "int64[]", "float64[x.shape[0], 3]", "int64[1]"]
    assert type(signature).from_dict(signature.to_dict()) == signature
