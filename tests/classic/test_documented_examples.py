"""The two documented examples of the classic API, as their users wrote them (without .cuda() where there is no GPU)."""

# isort: off
# where only TensorRT for RTX is installed, torch2trt gives it the name tensorrt
import pytest
import tensorrt as trt
import torch
from torch2trt import CONVERTERS, TRTModule, tensorrt_converter, torch2trt
from torch2trt.api import explain
from torchvision.models.alexnet import alexnet

# isort: on


@pytest.fixture
def own_converters():
    """Registrations of a test end with it."""
    before = {name: CONVERTERS[name] for name in CONVERTERS if CONVERTERS[name].pack.name == "user"}
    yield
    for name in [name for name in CONVERTERS if CONVERTERS[name].pack.name == "user" and name not in before]:
        del CONVERTERS[name]


DEVICE = "cuda" if torch.cuda.is_available() else "cpu"


@pytest.mark.filterwarnings("ignore::torch2trt.ReferenceRuntimeWarning")
def test_alexnet():
    # create some regular pytorch model...
    model = alexnet(weights=None).eval().to(DEVICE)
    # create example data
    x = torch.ones((1, 3, 224, 224), device=DEVICE)
    # convert to TensorRT feeding sample data as input
    model_trt = torch2trt(model, [x])

    y = model(x)
    y_trt = model_trt(x)
    # check the output against PyTorch
    assert torch.max(torch.abs(y - y_trt)) < 1e-3
    assert torch.max(torch.abs(y)) > 1e-2
    assert isinstance(model_trt, TRTModule)


@pytest.mark.filterwarnings("ignore::torch2trt.ReferenceRuntimeWarning")
def test_overriding_relu(own_converters):
    called = []

    @tensorrt_converter("torch.nn.ReLU.forward")
    def convert_ReLU(ctx):
        called.append(ctx.method_str)
        input_tensor = ctx.method_args[1]
        output_tensor = ctx.method_return
        trt_input = ctx.trt_tensors[input_tensor.__hash__()]
        layer = ctx.network.add_activation(input=trt_input, type=trt.ActivationType.RELU)
        ctx.trt_tensors[output_tensor.__hash__()] = layer.get_output(0)

    assert CONVERTERS["torch.nn.ReLU.forward"].function is convert_ReLU
    model = torch.nn.Sequential(torch.nn.Linear(4, 4), torch.nn.ReLU(inplace=True), torch.nn.Linear(4, 2)).eval()
    model, x = model.to(DEVICE), torch.randn(3, 4, device=DEVICE)

    (planned,) = [p for p in explain(model, [x]) if p.call.target.name == "torch.nn.ReLU.forward"]
    assert planned.converter.pack.name == "user"
    assert planned.call.module_path == "1"

    model_trt = torch2trt(model, [x])
    torch.testing.assert_close(model_trt(x), model(x), rtol=1e-2, atol=1e-2)
    assert called == ["torch.nn.ReLU.forward"]
