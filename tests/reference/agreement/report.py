"""The table of layer types, and the JSON with every result that is not an agreement."""

from __future__ import annotations

import json
import platform
import subprocess
from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from generated.base import Case
from torch2trt._trt import trt

from .comparison import PRODUCTS, QUANTIZED, TF32, TOLERANCE

VERDICTS = ("agree", "explained", "disagree", "refused", "error", "died", "not run")
COLUMNS = ("networks", *VERDICTS)

Results = Mapping[int, Mapping[str, Any]]


def report(cases: list[Case], chosen: list[int], results: Results, path: Path | None) -> int:
    """Print the table, write the JSON; 1 if a network disagrees."""
    rows = _rows(cases, chosen, results)
    total = sum(rows.values(), Counter())
    _print_table(rows, total)
    listed = _listed(cases, chosen, results)
    for verdict in ("disagree", "error", "died"):
        for entry in listed[verdict]:
            print(verdict, entry["name"], entry.get("message") or entry["wrong"][0]["message"])
    if path is not None:
        errors = _greatest_errors(cases, chosen, results)
        layer_types = {
            kind: {**{c: rows[kind][c] for c in COLUMNS if rows[kind][c]}, "greatest_error": errors[kind]}
            for kind in sorted(rows)
        }
        contents = {
            "environment": environment(),
            "tolerances": _tolerances(),
            "total": {column: total[column] for column in COLUMNS},
            "layer_types": layer_types,
            **listed,
        }
        path.write_text(json.dumps(contents, indent=1) + "\n")
    return 1 if total["disagree"] or total["error"] or total["died"] else 0


def _rows(cases: list[Case], chosen: list[int], results: Results) -> dict[str, Counter[str]]:
    """How many networks of each layer type there are, and how many of each verdict."""
    rows: dict[str, Counter[str]] = {}
    for index in chosen:
        row = rows.setdefault(cases[index].layer_type, Counter())
        row["networks"] += 1
        row[results.get(index, {}).get("verdict", "not run")] += 1
    return rows


def _greatest_errors(cases: list[Case], chosen: list[int], results: Results) -> dict[str, dict[str, float]]:
    """The greatest error of each layer type, by dtype."""
    errors: dict[str, dict[str, float]] = {}
    for index in chosen:
        greatest = errors.setdefault(cases[index].layer_type, {})
        for dtype, error in results.get(index, {}).get("errors", {}).items():
            greatest[dtype] = max(greatest.get(dtype, 0.0), error)
    return errors


def _print_table(rows: dict[str, Counter[str]], total: Counter[str]) -> None:
    print(f"{'layer type':<20}" + "".join(f"{column:>10}" for column in COLUMNS))
    for kind in sorted(rows):
        print(f"{kind:<20}" + "".join(f"{rows[kind][column]:>10}" for column in COLUMNS))
    print(f"{'all':<20}" + "".join(f"{total[column]:>10}" for column in COLUMNS))


def _listed(cases: list[Case], chosen: list[int], results: Results) -> dict[str, list[dict[str, Any]]]:
    """The results that are not agreements, by verdict."""
    listed: dict[str, list[dict[str, Any]]] = {verdict: [] for verdict in VERDICTS if verdict != "agree"}
    for index in chosen:
        result = results.get(index, {"verdict": "not run"})
        if result["verdict"] != "agree":
            entry = {key: value for key, value in result.items() if key not in ("index", "verdict")}
            case = cases[index]
            listed[result["verdict"]].append({"name": case.name, "layer_type": case.layer_type, **entry})
    return listed


def _tolerances() -> dict[str, Any]:
    return {
        "meaning": "[relative, absolute as a share of the greatest magnitude, at least of 1], by dtype",
        "usual": {str(dtype): pair for dtype, pair in TOLERANCE.items()},
        "fp32 in networks with " + ", ".join(sorted(PRODUCTS)): TF32,
        "QUANTIZE": {str(dtype): pair for dtype, pair in QUANTIZED.items()},
    }


def environment() -> dict[str, Any]:
    """The versions and the GPU that the networks ran on."""
    gpu = torch.cuda.is_available()
    query = ["nvidia-smi", "--query-gpu=driver_version", "--format=csv,noheader"]
    driver = subprocess.run(query, capture_output=True, text=True, check=False).stdout.split() if gpu else []
    return {
        "tensorrt": f"{trt.__name__} {trt.__version__}",
        "torch": torch.__version__,
        "cuda": torch.version.cuda,
        "python": platform.python_version(),
        "gpu": torch.cuda.get_device_name() if gpu else None,
        "compute_capability": list(torch.cuda.get_device_capability()) if gpu else None,
        "driver": driver[0] if driver else None,
    }
