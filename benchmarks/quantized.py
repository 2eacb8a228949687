"""Models that ``torch2trt.quantize`` has quantized: agreement with PyTorch, engine size and time beside float16.

The error is that of the converted module beside the model that quantizes in PyTorch; ``lost`` is what that model
differs from the float model, of random weights, and ``noise`` what it differs from itself where the last digits of its
parameters are others, or on a GPU those digits that TF32 has not, which rounds some numbers to the other side: the
largest of some trials.  Ranges are calibrated by torchao and written to ``--ranges``; without torchao they are
read there.
"""

import argparse
import copy
import json
import re
import statistics
import sys
import tempfile
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
import torch2trt
import torchvision
from harness import forked, record
from randomize import randomize
from torch2trt import trt
from torch2trt_ops_quantization import Quantized, channel_axis, with_quantized

DTYPES = {"int8": (torch.int8, 127), "fp8": (torch.float8_e4m3fn, 448)}
#: of the largest output
AGREES = 2e-2
#: how often noise is tried, of which each model has much or little
TRIALS = 4
#: what the inspector calls products and convolutions, and the dtype of the first of their inputs
_COMPUTES = re.compile(r'"LayerType"\s*:\s*"(gemm|correlation)".*?"Datatype"\s*:\s*"(\w+)"', re.DOTALL)


def bert() -> torch.nn.Module:
    """BERT-base, with its outputs as tensors."""
    from transformers import BertConfig, BertModel

    return BertModel(BertConfig())


def images(size: int) -> torch.Tensor:
    """One image."""
    return torch.randn(1, 3, size, size)


MODELS: dict[str, tuple[Callable[[], torch.nn.Module], Callable[[int], torch.Tensor]]] = {
    "resnet50": (lambda: randomize(torchvision.models.resnet50(weights=None)), images),
    "vit_b_16": (lambda: randomize(torchvision.models.vit_b_16(weights=None)), lambda size: images(224)),
    "bert_base": (bert, lambda size: torch.randint(1000, (1, 128))),
}


def tensors_of(result: Any) -> torch.Tensor:
    """The first result of a model."""
    return result if isinstance(result, torch.Tensor) else result[0]


def relative(actual: Any, expected: Any) -> float:
    """The largest difference, relative to the largest value."""
    actual, expected = tensors_of(actual).float(), tensors_of(expected).float()
    return float((actual - expected).abs().max() / expected.abs().max())


def quantized_model(model: torch.nn.Module, items: list[torch.Tensor], dtype: str, known: dict[str, float]) -> Any:
    """The model that quantizes: by torchao, or by the ranges that it has found elsewhere."""
    try:
        return torch2trt.quantize(model, items, dtype)
    except ImportError:
        kind, greatest = DTYPES[dtype]
        weights = {}
        for path in known:
            weight = model.get_submodule(path).weight.detach().transpose(0, channel_axis(model.get_submodule(path)))
            weights[path] = weight.flatten(1).abs().amax(1) / greatest
        return with_quantized(model, {path: torch.tensor(scale) for path, scale in known.items()}, weights, kind)


def changed(model: torch.nn.Module, by: float, seed: int = 0) -> torch.nn.Module:
    """A copy whose parameters differ by up to so much of themselves."""
    generator, model = torch.Generator().manual_seed(seed), copy.deepcopy(model)
    for parameter in model.parameters():
        parameter.mul_(1 + by * (2 * torch.rand(parameter.shape, generator=generator) - 1).to(parameter))
    return model


def noise(quantized: torch.nn.Module, x: torch.Tensor, expected: Any) -> float:
    """What differences that are no fault make of the outputs."""
    found = [relative(changed(quantized, 2**-23, seed)(x), expected) for seed in range(TRIALS)]
    if x.is_cuda:
        found += [relative(changed(quantized, 2**-11, seed)(x), expected) for seed in range(TRIALS)]
        # TensorRT for RTX takes the operands of float32 products as TF32, asked for or not
        switches = (torch.backends.cuda.matmul, torch.backends.cudnn)
        for switch in switches:
            switch.allow_tf32 = True
        found.append(relative(quantized(x), expected))
        for switch in switches:
            switch.allow_tf32 = False
    return max(found)


def engine_bytes(module: torch2trt.TRTModule) -> int:
    """How large a converted module is on disk."""
    with tempfile.TemporaryDirectory() as folder:
        module.save(Path(folder) / "engine")
        return (Path(folder) / "engine").stat().st_size


def computed_in(module: torch2trt.TRTModule) -> dict[str, int]:
    """How many of the engine's products and convolutions take operands of which dtype, as its inspector tells."""
    inspector = module.engine.create_engine_inspector()
    # TensorRT escapes no quotes of what it was given to note: this is no JSON
    told = inspector.get_engine_information(trt.LayerInformationFormat.JSON)
    return dict(Counter(": ".join(found) for found in _COMPUTES.findall(told)))


def milliseconds(module: Callable[[Any], Any], x: torch.Tensor, runs: int = 200) -> float:
    """The median time of a call on a GPU."""
    for _ in range(20):
        module(x)
    times = []
    for _ in range(runs):
        start, end = torch.cuda.Event(enable_timing=True), torch.cuda.Event(enable_timing=True)
        start.record()
        module(x)
        end.record()
        end.synchronize()
        times.append(start.elapsed_time(end))
    return statistics.median(times)


@torch.no_grad()
def measured(name: str, dtype: str, runtime: str, size: int, known: dict[str, float]) -> dict[str, Any]:
    """The row of a model in a dtype."""
    torch.manual_seed(0)
    make, inputs = MODELS[name]
    model, x = make().eval(), inputs(size)
    quantized = quantized_model(model, [x, *(inputs(size) for _ in range(3))], dtype, known)
    layers = {path: one for path, one in quantized.named_modules() if isinstance(one, Quantized)}
    if runtime == "engine":
        model, quantized, x = model.cuda(), quantized.cuda(), x.cuda()
        torch.backends.cudnn.allow_tf32 = False
    expected = quantized(x)
    settings: dict[str, Any] = {"runtime": runtime, "cache": False}
    modules = {
        dtype: torch2trt.convert(quantized, [x], **settings),
        f"{dtype}, float16": torch2trt.convert(quantized, [x], precision=torch.float16, **settings),
        "float16": torch2trt.convert(model, [x], precision=torch.float16, **settings),
    }
    row: dict[str, Any] = {"layers": len(layers), "lost": relative(expected, model(x)), "ranges": {}}
    row["ranges"] = {path: one.scale for path, one in layers.items()}
    row["noise"] = noise(quantized, x, expected)
    for kind, module in modules.items():
        row[kind] = {"bytes": engine_bytes(module)}
        if kind != "float16":
            row[kind]["error"] = relative(module(x), expected)
        if runtime == "engine":
            row[kind]["ms"] = milliseconds(module, x)
            row[kind]["layers"] = computed_in(module)
    row["agrees"] = row[dtype]["error"] < AGREES
    row["explained"] = row[dtype]["error"] <= row["noise"]
    return row


def main() -> int:
    """Measure what is asked for."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("models", nargs="*", default=list(MODELS), metavar="MODEL", help=", ".join(MODELS))
    parser.add_argument("--dtypes", nargs="*", default=list(DTYPES), choices=DTYPES)
    parser.add_argument("--runtime", default="reference", choices=["reference", "engine"])
    parser.add_argument("--size", type=int, default=224, help="pixels of the images that resnet50 takes")
    parser.add_argument("--ranges", type=Path, default=Path(__file__).parent / "results" / "quantized_ranges.json")
    parser.add_argument("--json", help="where to write the rows")
    arguments = parser.parse_args()
    ranges: dict[str, Any] = json.loads(arguments.ranges.read_text()) if arguments.ranges.exists() else {}
    rows = []
    for name in arguments.models:
        for dtype in arguments.dtypes:
            key = f"{name} {dtype}"
            row = forked(measured, name, dtype, arguments.runtime, arguments.size, ranges.get(key, {}))
            ranges[key] = row.pop("ranges", ranges.get(key))
            rows.append({"model": name, "dtype": dtype, **row})
            print(json.dumps(rows[-1]))
            record(arguments.json, rows, runtime=arguments.runtime, size=arguments.size)
    arguments.ranges.write_text(json.dumps(ranges, indent=1) + "\n")
    return int(not all(row.get("agrees") or row.get("explained") for row in rows))


if __name__ == "__main__":
    sys.exit(main())
