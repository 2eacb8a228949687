"""Build one generated network as an engine and compare its outputs with the interpreter's."""

from __future__ import annotations

from typing import Any

import torch
from engines import Log, build_engine, run_engine
from generated.base import Case
from torch2trt._trt import trt
from torch2trt.reference import Interpreter

#: relative, and absolute as a share of the greatest magnitude (at least of 1)
Tolerance = tuple[float, float]

TOLERANCE = {torch.float32: (1e-4, 1e-5), torch.float16: (4e-3, 1e-3), torch.bfloat16: (3e-2, 8e-3)}
#: networks with one of these in fp32: TF32 keeps ten bits of each operand, some kernels by truncation
PRODUCTS = frozenset({"CONVOLUTION", "DECONVOLUTION", "MATRIX_MULTIPLY", "EINSUM", "ATTENTION_INPUT"})
TF32 = (2e-3, 1e-3)
#: one unit in the last place: a wider tolerance would hide a quantized value that is off by one
QUANTIZED = {torch.float32: (1e-6, 0.0), torch.float16: (1e-3, 0.0), torch.bfloat16: (8e-3, 0.0)}
#: where an engine departs from TensorRT's documentation and the interpreter follows it: by the beginning of a name
EXPLAINED = {
    "attention_input-no-softmax": "the engine applies softmax although the normalization is NONE",
}


def tolerance(network: Any, case: Case, dtype: torch.dtype) -> Tolerance:
    """The tolerance for an output of ``dtype`` of this network."""
    if case.layer_type == "QUANTIZE":
        return QUANTIZED.get(dtype, (0.0, 0.0))
    kinds = {network.get_layer(i).type.name for i in range(network.num_layers)}
    return TF32 if dtype == torch.float32 and kinds & PRODUCTS else TOLERANCE.get(dtype, (0.0, 0.0))


def share_of_error(engine: torch.Tensor, reference: torch.Tensor) -> float:
    """The greatest absolute error of finite values, as a share of the greatest magnitude, at least of 1."""
    a, b = engine.double(), reference.double()
    both = torch.isfinite(a) & torch.isfinite(b)
    return float((a - b)[both].abs().max() / b[both].abs().max().clamp(min=1.0)) if both.any() else 0.0


def difference(
    engine: torch.Tensor, reference: torch.Tensor, compare: str, within: Tolerance = (0.0, 0.0)
) -> tuple[float, str] | None:
    """(greatest absolute error, message), or None if both agree."""
    if engine.shape != reference.shape:
        return 0.0, f"shape {tuple(engine.shape)}, interpreter {tuple(reference.shape)}"
    if engine.dtype != reference.dtype:
        return 0.0, f"dtype {engine.dtype}, interpreter {reference.dtype}"
    a, b = engine.double(), reference.double()
    if compare == "distribution":
        error = max(float((a.mean() - b.mean()).abs()), float((a.std() - b.std()).abs()))
        return None if error < 0.05 else (error, "mean or standard deviation differ")
    relative, share = within
    finite = b[torch.isfinite(b)].abs()
    absolute = share * max(1.0, float(finite.max()) if finite.numel() else 1.0)
    wrong = ~torch.isclose(a, b, rtol=relative, atol=absolute, equal_nan=True)
    if not wrong.any():
        return None
    errors = (a - b).abs()[wrong]
    first = tuple(int(i) for i in wrong.nonzero()[0])
    message = f"{int(wrong.sum())} of {wrong.numel()} differ, first at {first}: "
    message += f"engine {a[first]}, interpreter {b[first]}"
    return float(errors.nan_to_num(nan=float("inf")).max()), message


def check(builder: Any, runtime: Any, log: Log, case: Case) -> dict[str, Any]:
    """Build, run and compare one network."""
    log.messages.clear()
    network = builder.create_network(1 << int(trt.NetworkDefinitionCreationFlag.STRONGLY_TYPED))
    case.build(network)
    serialized = build_engine(builder, network, case)
    if serialized is None:
        return {"verdict": "refused", "message": (log.messages or ["no message"])[0][:1000]}
    engine = runtime.deserialize_cuda_engine(serialized)
    if engine is None:
        return {"verdict": "refused", "message": "deserialize: " + (log.messages or ["no message"])[0][:1000]}
    interpreter = Interpreter(network)
    wrong: list[dict[str, Any]] = []
    errors: dict[str, float] = {}
    for inputs in [dict(case.inputs)] + ([_smallest(case)] if case.profile else []):
        outputs = run_engine(engine, inputs)
        for device in ("cuda", "cpu"):
            references = interpreter({name: tensor.to(device) for name, tensor in inputs.items()})
            for name, tensor in outputs.items():
                reference, within = references[name].cpu(), tolerance(network, case, tensor.dtype)
                disagreement = difference(tensor, reference, case.compare, within)
                if disagreement is not None:
                    shapes = {key: list(value.shape) for key, value in inputs.items()}
                    error, message = disagreement
                    entry = {"output": name, "device": device, "inputs": shapes, "error": error, "message": message}
                    wrong.append(entry)
                elif case.compare == "values" and tensor.is_floating_point():
                    kind = str(tensor.dtype).removeprefix("torch.")
                    errors[kind] = max(errors.get(kind, 0.0), share_of_error(tensor, reference))
    return _verdict(case, wrong, errors)


def _smallest(case: Case) -> dict[str, torch.Tensor]:
    """The inputs cut to the smallest shapes of the profile."""
    cut = {}
    for name, tensor in case.inputs.items():
        least = case.profile[name][0] if name in case.profile else tuple(tensor.shape)
        cut[name] = tensor[tuple(slice(0, extent) for extent in least)].contiguous()
    return cut


def _verdict(case: Case, wrong: list[dict[str, Any]], errors: dict[str, float]) -> dict[str, Any]:
    if not wrong:
        return {"verdict": "agree", "errors": errors}
    reason = next((reason for start, reason in EXPLAINED.items() if case.name.startswith(start)), None)
    return {"verdict": "disagree", "wrong": wrong} | ({} if reason is None else {"verdict": "explained", "why": reason})
