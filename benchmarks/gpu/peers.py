"""Other ways from a PyTorch model to TensorRT for RTX, each with the defaults that its documentation gives."""

import contextlib
import importlib
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any, ClassVar

import torch

from .columns import Call, Column, Ours

ORT_PLUGIN = "onnxruntime_ep_nv_tensorrt_rtx"


class TorchTensorRT(Column):
    """Torch-TensorRT over TensorRT for RTX; version 2.11 needs 1.4.0 of it."""

    needs = ("torch_tensorrt", "tensorrt_rtx")
    peer = True

    def prepare(self, model: torch.nn.Module, inputs: Sequence[torch.Tensor]) -> Call:
        """Compile ahead of time; what it cannot convert runs in PyTorch."""
        module = self.compiled(model, inputs)
        return lambda: module(*inputs)

    def compiled(self, model: torch.nn.Module, inputs: Sequence[torch.Tensor]) -> Any:
        """The compiled module, in the dtypes of the model, as TensorRT for RTX wants it."""
        import torch_tensorrt

        options = {"use_explicit_typing": True, "min_block_size": 1}
        return torch_tensorrt.compile(model, ir="dynamo", inputs=list(inputs), **options)


class TorchTensorRTGraph(TorchTensorRT):
    """The same with its own CUDA graphs."""

    def prepare(self, model: torch.nn.Module, inputs: Sequence[torch.Tensor]) -> Call:
        """Compile, and turn its graphs on for as long as the call lives."""
        import torch_tensorrt

        stack = contextlib.ExitStack()
        module = stack.enter_context(torch_tensorrt.runtime.enable_cudagraphs(self.compiled(model, inputs)))

        def call() -> Any:
            return module(*inputs)

        call.keeps = stack  # type: ignore[attr-defined]  # a function, which may have it
        return call


class OursThere(Ours):
    """Ours over the TensorRT that the peers run on, which may be older than its own."""

    peer = True
    on_cpu = False


class OnnxRuntime(Column):
    """onnxruntime with the execution provider of TensorRT for RTX, on bound tensors.

    Its runs return when the GPU is done, so the host time is the latency.
    """

    needs = ("onnxruntime", "onnxscript", ORT_PLUGIN)
    peer = True
    options: ClassVar[dict[str, str]] = {}

    def prepare(self, model: torch.nn.Module, inputs: Sequence[torch.Tensor]) -> Call:
        """Export to ONNX, make a session and bind tensors of PyTorch's; nothing may fall back to the CPU."""
        import onnxruntime

        with torch.no_grad():
            outputs = torch.utils._pytree.tree_leaves(model(*inputs))
        outputs = [torch.empty_like(output, memory_format=torch.contiguous_format) for output in outputs]
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "model.onnx"
            torch.onnx.export(model, tuple(inputs), path, dynamo=True, verbose=False)
            session = onnxruntime.InferenceSession(str(path), sess_options=self.session_options())
        binding = session.io_binding()
        for bind, described, tensors in (
            (binding.bind_input, session.get_inputs(), inputs),
            (binding.bind_output, session.get_outputs(), outputs),
        ):
            for one, tensor in zip(described, tensors, strict=True):
                place = {"device_type": "cuda", "device_id": tensor.device.index or 0}
                bind(
                    one.name,
                    element_type=element(tensor.dtype),
                    shape=tensor.shape,
                    buffer_ptr=tensor.data_ptr(),
                    **place,
                )

        def call() -> list[torch.Tensor]:
            session.run_with_iobinding(binding)
            return outputs

        return call

    def session_options(self) -> Any:
        """Those of a session on the provider's GPU alone."""
        import onnxruntime

        plugin = importlib.import_module(ORT_PLUGIN)
        onnxruntime.register_execution_provider_library(plugin.get_ep_name(), plugin.get_library_path())
        devices = [device for device in onnxruntime.get_ep_devices() if device.ep_name == plugin.get_ep_name()]
        if not devices:
            raise RuntimeError(f"{plugin.get_ep_name()} finds no GPU that it runs on")
        options = onnxruntime.SessionOptions()
        options.add_session_config_entry("session.disable_cpu_ep_fallback", "1")
        options.add_provider_for_devices(devices[:1], self.options)
        return options


class OnnxRuntimeGraph(OnnxRuntime):
    """The same with the provider's CUDA graphs."""

    options: ClassVar[dict[str, str]] = {"enable_cuda_graph": "1"}


def element(dtype: torch.dtype) -> int:
    """The number of a dtype in ONNX, which has names for those that NumPy lacks."""
    import onnx

    names = {torch.float32: "FLOAT", torch.float16: "FLOAT16", torch.bfloat16: "BFLOAT16", torch.int64: "INT64"}
    number: int = onnx.TensorProto.DataType.Value(names[dtype])
    return number


PEERS: dict[str, Column] = {
    "ours@peers": OursThere(),
    "torch-tensorrt": TorchTensorRT(),
    "torch-tensorrt+graph": TorchTensorRTGraph(),
    "onnxruntime": OnnxRuntime(),
    "onnxruntime+graph": OnnxRuntimeGraph(),
}
