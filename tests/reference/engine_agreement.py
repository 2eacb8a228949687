"""Engines against the interpreter: build, run and compare every generated network on this machine's GPU.

    PYTHONPATH=core python tests/reference/engine_agreement.py --json agreement.json [--only RESIZE,NMS] [--workers 6]

Each worker process takes a share of the networks and writes a line when it begins and when it has finished one, so a
network that ends its process (or hangs) is one result, and a fresh worker goes on with the next.  Prints a table of
layer types and writes every disagreement, refusal and death, with the environment.

TF32 is off on both sides, but TensorRT for RTX multiplies fp32 matrices in TF32 nevertheless where the GPU has it, so
networks with such layers are compared within TF32's precision.
"""

from __future__ import annotations

import argparse
import json
import platform
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import generate
import torch
from engines import Log, build_engine, run_engine
from generated.base import Case
from torch2trt._trt import trt
from torch2trt.reference import Interpreter

#: (relative, absolute as a share of the greatest magnitude, at least of 1)
TOLERANCE = {torch.float32: (1e-4, 1e-5), torch.float16: (4e-3, 1e-3), torch.bfloat16: (3e-2, 8e-3)}
#: networks with one of these in fp32: TF32 keeps ten bits of each operand, some kernels by truncation
PRODUCTS = frozenset({"CONVOLUTION", "DECONVOLUTION", "MATRIX_MULTIPLY", "EINSUM", "ATTENTION_INPUT"})
TF32 = (2e-3, 1e-3)
#: one unit in the last place: a wider tolerance would hide a quantized value that is off by one
STEPS = {torch.float32: (1e-6, 0.0), torch.float16: (1e-3, 0.0), torch.bfloat16: (8e-3, 0.0)}
#: where the engine does not do what TensorRT documents, and the interpreter does: by the beginning of a name
EXPLAINED = {
    "attention_input-no-softmax": "the engine applies softmax although the normalization is NONE",
}
SECONDS_A_NETWORK = 60.0


Tolerance = tuple[float, float]


def tolerance(network: Any, case: Case, dtype: torch.dtype) -> Tolerance:
    """What an output of ``dtype`` of this network is compared within."""
    if case.layer_type == "QUANTIZE":
        return STEPS.get(dtype, (0.0, 0.0))
    kinds = {network.get_layer(i).type.name for i in range(network.num_layers)}
    return TF32 if dtype == torch.float32 and kinds & PRODUCTS else TOLERANCE.get(dtype, (0.0, 0.0))


def share_of_error(engine: torch.Tensor, mine: torch.Tensor) -> float:
    """The greatest absolute error of finite values, as a share of the greatest magnitude, at least of 1."""
    a, b = engine.double(), mine.double()
    both = torch.isfinite(a) & torch.isfinite(b)
    return float((a - b)[both].abs().max() / b[both].abs().max().clamp(min=1.0)) if both.any() else 0.0


def difference(
    engine: torch.Tensor, mine: torch.Tensor, how: str, within: Tolerance = (0.0, 0.0)
) -> tuple[float, str] | None:
    """(greatest absolute error, what is wrong), or None where both agree."""
    if engine.shape != mine.shape:
        return 0.0, f"shape {tuple(engine.shape)}, interpreter {tuple(mine.shape)}"
    if engine.dtype != mine.dtype:
        return 0.0, f"dtype {engine.dtype}, interpreter {mine.dtype}"
    a, b = engine.double(), mine.double()
    if how == "distribution":
        off = max(float((a.mean() - b.mean()).abs()), float((a.std() - b.std()).abs()))
        return None if off < 0.05 else (off, "mean or standard deviation differ")
    relative, share = within
    finite = b[torch.isfinite(b)].abs()
    absolute = share * max(1.0, float(finite.max()) if finite.numel() else 1.0)
    wrong = ~torch.isclose(a, b, rtol=relative, atol=absolute, equal_nan=True)
    if not wrong.any():
        return None
    error = (a - b).abs()[wrong]
    at = tuple(int(i) for i in wrong.nonzero()[0])
    said = f"{int(wrong.sum())} of {wrong.numel()} differ, first at {at}: engine {a[at]}, interpreter {b[at]}"
    return float(error.nan_to_num(nan=float("inf")).max()), said


def _smallest(case: Case) -> dict[str, torch.Tensor]:
    """The inputs cut to the smallest shapes of the profile."""
    cut = {}
    for name, tensor in case.inputs.items():
        least = case.profile[name][0] if name in case.profile else tuple(tensor.shape)
        cut[name] = tensor[tuple(slice(0, extent) for extent in least)].contiguous()
    return cut


def check(builder: Any, runtime: Any, log: Log, case: Case) -> dict[str, Any]:
    """Build, run and compare one network."""
    log.messages.clear()
    network = builder.create_network(1 << int(trt.NetworkDefinitionCreationFlag.STRONGLY_TYPED))
    case.build(network)
    plan = build_engine(builder, network, case)
    if plan is None:
        return {"verdict": "refused", "message": (log.messages or ["no message"])[0][:1000]}
    engine = runtime.deserialize_cuda_engine(plan)
    if engine is None:
        return {"verdict": "refused", "message": "deserialise: " + (log.messages or ["no message"])[0][:1000]}
    interpreter = Interpreter(network)
    wrong = []
    errors: dict[str, float] = {}
    for inputs in [dict(case.inputs)] + ([_smallest(case)] if case.profile else []):
        theirs = run_engine(engine, inputs)
        for device in ("cuda", "cpu"):
            mine = interpreter({name: tensor.to(device) for name, tensor in inputs.items()})
            for name, tensor in theirs.items():
                got, within = mine[name].cpu(), tolerance(network, case, tensor.dtype)
                found = difference(tensor, got, case.compare, within)
                if found is not None:
                    shapes = {key: list(value.shape) for key, value in inputs.items()}
                    entry = {"output": name, "device": device, "inputs": shapes, "error": found[0], "message": found[1]}
                    wrong.append(entry)
                elif case.compare == "values" and tensor.is_floating_point():
                    kind = str(tensor.dtype).removeprefix("torch.")
                    errors[kind] = max(errors.get(kind, 0.0), share_of_error(tensor, got))
    if not wrong:
        return {"verdict": "agree", "errors": errors}
    reason = next((said for start, said in EXPLAINED.items() if case.name.startswith(start)), None)
    return {"verdict": "disagree", "wrong": wrong} | ({} if reason is None else {"verdict": "explained", "why": reason})


def work(indices: list[int], path: Path) -> None:
    """Worker: check the networks one after the other, writing a line before and after each."""
    torch.backends.cuda.matmul.allow_tf32 = torch.backends.cudnn.allow_tf32 = False
    log = Log()
    builder, runtime, cases = trt.Builder(log), trt.Runtime(log), generate.cases()
    with path.open("a") as lines:
        for index in indices:
            lines.write(json.dumps({"index": index}) + "\n")
            lines.flush()
            try:
                result = check(builder, runtime, log, cases[index])
            except Exception as error:
                said = "; ".join((f"{type(error).__name__}: {error}", *log.messages))
                result = {"verdict": "error", "message": said[:1000]}
            lines.write(json.dumps({"index": index, **result}) + "\n")
            lines.flush()


class _Share:
    """One worker's networks, and the process that is at them."""

    def __init__(self, indices: list[int], path: Path) -> None:
        self.left, self.path, self.results = indices, path, dict[int, dict[str, Any]]()
        self.process: subprocess.Popen[bytes] | None = None
        self.since = time.monotonic()

    def step(self) -> bool:
        """Look once; False when everything is done."""
        if self.process is None:
            if not self.left:
                return False
            numbers = ",".join(map(str, self.left))
            command = [sys.executable, __file__, "--worker", numbers, "--lines", str(self.path)]
            self.process, self.since = subprocess.Popen(command), time.monotonic()
            return True
        ended = self.process.poll() is not None
        begun = self._read()
        late = time.monotonic() - self.since > SECONDS_A_NETWORK
        if ended or late:
            if late and not ended:
                self.process.kill()
                self.process.wait()
            if self.left:
                at = begun if begun in self.left else self.left[0]
                why = "timeout" if late and not ended else f"process ended with {self.process.returncode}"
                self._finish(at, {"verdict": "died", "message": why})
            self.process = None
        return True

    def _read(self) -> int | None:
        begun = None
        text = self.path.read_text() if self.path.exists() else ""
        for line in text.split("\n")[:-1]:  # the last line may be half written
            entry = json.loads(line)
            begun = entry["index"]
            if "verdict" in entry and begun in self.left:
                self._finish(begun, entry)
        return begun

    def _finish(self, index: int, entry: dict[str, Any]) -> None:
        self.results[index] = entry
        self.left.remove(index)
        self.since = time.monotonic()


def main() -> int:
    """Run everything and report; 1 where a network disagrees."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--json", type=Path, help="write every result that is not an agreement")
    parser.add_argument("--only", default="", help="comma list of layer types or name parts")
    parser.add_argument("--workers", type=int, default=6)
    parser.add_argument("--seconds", type=float, default=460.0, help="stop starting networks after this long")
    parser.add_argument("--worker", help=argparse.SUPPRESS)
    parser.add_argument("--lines", type=Path, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.worker is not None:
        work([int(index) for index in options.worker.split(",")], options.lines)
        return 0
    cases = generate.cases()
    parts = [part for part in options.only.split(",") if part]
    chosen = [i for i, c in enumerate(cases) if not parts or any(p == c.layer_type or p in c.name for p in parts)]
    with tempfile.TemporaryDirectory() as folder:
        shares = [_Share(chosen[i :: options.workers], Path(folder, str(i))) for i in range(options.workers)]
        end = time.monotonic() + options.seconds
        while [share for share in shares if share.step()] and time.monotonic() < end:
            time.sleep(0.05)
        for share in shares:
            if share.process is not None and share.process.poll() is None:
                share.process.kill()
                share.process.wait()
    results = {index: entry for share in shares for index, entry in share.results.items()}
    return report(cases, chosen, results, options.json)


VERDICTS = ("agree", "explained", "disagree", "refused", "error", "died", "not run")


def report(cases: list[Case], chosen: list[int], results: Mapping[int, Mapping[str, Any]], path: Path | None) -> int:
    """Print the table, write the JSON; 1 where a network disagrees."""
    rows: dict[str, Counter[str]] = {}
    errors: dict[str, dict[str, float]] = {}
    for index in chosen:
        kind, result = cases[index].layer_type, results.get(index, {})
        row = rows.setdefault(kind, Counter())
        row["networks"] += 1
        row[result.get("verdict", "not run")] += 1
        greatest = errors.setdefault(kind, {})
        for dtype, error in result.get("errors", {}).items():
            greatest[dtype] = max(greatest.get(dtype, 0.0), error)
    columns = ("networks", *VERDICTS)
    print(f"{'layer type':<20}" + "".join(f"{column:>10}" for column in columns))
    for kind in sorted(rows):
        print(f"{kind:<20}" + "".join(f"{rows[kind][column]:>10}" for column in columns))
    total = sum(rows.values(), Counter())
    print(f"{'all':<20}" + "".join(f"{total[column]:>10}" for column in columns))
    listed: dict[str, list[dict[str, Any]]] = {verdict: [] for verdict in VERDICTS if verdict != "agree"}
    for i in chosen:
        result = results.get(i, {"verdict": "not run"})
        if result["verdict"] != "agree":
            entry = {key: value for key, value in result.items() if key not in ("index", "verdict")}
            listed[result["verdict"]].append({"name": cases[i].name, "layer_type": cases[i].layer_type, **entry})
    for verdict in ("disagree", "error", "died"):
        for entry in listed[verdict]:
            print(verdict, entry["name"], entry.get("message") or entry["wrong"][0]["message"])
    if path is not None:
        found = {
            "environment": environment(),
            "tolerances": {
                "meaning": "[relative, absolute as a share of the greatest magnitude, at least of 1], by dtype",
                "usual": {str(dtype): pair for dtype, pair in TOLERANCE.items()},
                "fp32 in networks with " + ", ".join(sorted(PRODUCTS)): TF32,
                "QUANTIZE": {str(dtype): pair for dtype, pair in STEPS.items()},
            },
            "total": {column: total[column] for column in columns},
            "layer_types": {
                kind: {**{c: rows[kind][c] for c in columns if rows[kind][c]}, "greatest_error": errors[kind]}
                for kind in sorted(rows)
            },
            **listed,
        }
        path.write_text(json.dumps(found, indent=1) + "\n")
    return 1 if total["disagree"] or total["error"] or total["died"] else 0


def environment() -> dict[str, Any]:
    """What the networks ran on."""
    gpu = torch.cuda.is_available()
    asked = ["nvidia-smi", "--query-gpu=driver_version", "--format=csv,noheader"]
    driver = subprocess.run(asked, capture_output=True, text=True, check=False).stdout.split() if gpu else []
    return {
        "tensorrt": f"{trt.__name__} {trt.__version__}",
        "torch": torch.__version__,
        "cuda": torch.version.cuda,
        "python": platform.python_version(),
        "gpu": torch.cuda.get_device_name() if gpu else None,
        "compute_capability": list(torch.cuda.get_device_capability()) if gpu else None,
        "driver": driver[0] if driver else None,
    }


if __name__ == "__main__":
    sys.exit(main())
