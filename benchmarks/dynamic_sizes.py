"""Convert models for sizes 1 to 4 and run them at each of these; a size is right or refused in words.

torchvision's classification models have a dynamic batch, small models of transformers (``--models huggingface``) a
dynamic length too, as far as they take texts or sound.  They run on the reference interpreter.  A model is

- ``equal``: all sizes ran, and differ from eager by at most 1e-3 of the largest output;
- ``narrowed``: a NarrowedRangeWarning at the conversion named the sizes that do not hold, all others are equal;
- ``refused``: at the conversion;
- or at fault, which makes the exit status 1: ``wrong``, ``refused at the call without a word at the conversion``,
  ``crash``.
"""

import argparse
import importlib.metadata
import importlib.util
import itertools
import re
import sys
import time
import warnings
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import huggingface
import torch
import torch2trt
import torchvision_models
from harness import forked, is_chosen, record
from rich.console import Console
from rich.markup import escape
from rich.table import Table
from torch.utils import _pytree as pytree
from torch2trt.program.guards import compiled
from torch2trt.verify.measure import error

TOLERANCE = 1e-3
SIZES = (1, 2, 3, 4)
EQUAL, NARROWED, REFUSED = "equal", "narrowed", "refused"
WRONG, UNTOLD, CRASH = "wrong", "refused at the call without a word at the conversion", "crash"
#: what a NarrowedRangeWarning says of a size
TOLD = re.compile(r"asked for (.+?), the converted module takes (\d+) to (\d+)(?: where (.+?))?: with ")

#: the inputs of a model by name, for a batch and a length
Sample = Callable[[int, int], dict[str, torch.Tensor]]


@dataclass(frozen=True)
class Subject:
    """A model and its inputs."""

    model: torch.nn.Module
    sample: Sample
    #: whether inputs have a length that varies beside the batch
    has_length: bool

    def sizes(self) -> list[tuple[int, int]]:
        """Each batch and length to run at."""
        return list(itertools.product(SIZES, SIZES if self.has_length else (1,)))

    def described(self) -> dict[str, torch2trt.Input]:
        """The inputs for a conversion, usually of size 2."""
        low, usual, high = (self.sample(size, size) for size in (SIZES[0], 2, SIZES[-1]))
        return {
            name: torch2trt.Input(min=low[name].shape, opt=tensor.shape, max=high[name].shape, dtype=tensor.dtype)
            for name, tensor in usual.items()
        }

    def run(self, module: Callable[..., Any], batch: int, length: int) -> list[Any]:
        """The leaves of what a module returns."""
        with torch.no_grad():
            return pytree.tree_leaves(module(**self.sample(batch, length)))


def subject(name: str, family: str) -> Subject:
    """A model with random weights."""
    torch.manual_seed(0)
    if family == "huggingface":
        tiny = huggingface.MODELS[name]
        return Subject(tiny.make(), tiny.sample, tiny.has_length)
    model, shape = torchvision_models.make(name, family, 64)

    def sample(batch: int, length: int) -> dict[str, torch.Tensor]:
        return {"x": torch.randn(batch, *shape, generator=torch.Generator().manual_seed(batch))}

    return Subject(model, sample, has_length=False)


def measure(name: str, family: str) -> dict[str, Any]:
    """One row of the table."""
    one = subject(name, family)
    expected = {size: one.run(one.model, *size) for size in one.sizes()}
    start = time.perf_counter()
    with warnings.catch_warnings(record=True) as told:
        warnings.simplefilter("always")
        try:
            module = torch2trt.convert(one.model, one.described(), build=False)
        except torch2trt.Torch2TRTError as refusal:
            # the first call without a converter stands on a line of its own
            lines = str(refusal).splitlines()[: 2 if isinstance(refusal, torch2trt.UnsupportedError) else 1]
            message = f"{type(refusal).__name__}: {' '.join(map(str.strip, lines))}"
            return {"outcome": REFUSED, "message": message, "seconds": round(time.perf_counter() - start, 2)}
    narrowed = [str(w.message) for w in told if issubclass(w.category, torch2trt.NarrowedRangeWarning)]
    row = {"outcome": NARROWED if narrowed else EQUAL, **compared(one, module, expected, narrowed)}
    return {**row, "told": narrowed, "seconds": round(time.perf_counter() - start, 2)}


def compared(
    one: Subject, module: torch.nn.Module, expected: dict[tuple[int, int], list[Any]], narrowed: list[str]
) -> dict[str, Any]:
    """The sizes taken and the largest difference, and the outcome where one is at fault."""
    row: dict[str, Any] = {"max_relative_error": 0.0, "taken": []}
    for (batch, length), right in expected.items():
        size = f"{batch}x{length}" if one.has_length else f"{batch}"
        try:
            actual = one.run(module, batch, length)
        except torch2trt.InputError as refusal:
            if not any(excludes(warning, one.sample(batch, length)) for warning in narrowed):
                return {**row, "outcome": UNTOLD, "message": f"at {size}: {refusal}"}
            continue
        row["taken"].append(size)
        far = difference(actual, right)
        if not far <= TOLERANCE:
            return {**row, "outcome": WRONG, "message": f"at {size}: differs by {far:.1e} of the largest output"}
        row["max_relative_error"] = max(row["max_relative_error"], far)
    return row


def excludes(warning: str, given: dict[str, torch.Tensor]) -> bool:
    """Whether a NarrowedRangeWarning says that the module does not take inputs of such shapes."""
    said = TOLD.search(warning)
    assert said, f"not understood: {warning}"
    name, low, high, conditions = said.groups()
    condition = compiled(f"({low} <= {name} <= {high}) and ({conditions or True})")
    return not condition.holds(*[given[input_name].shape[dim] for input_name, dim in condition.sizes])


def difference(actual: list[Any], expected: list[Any]) -> float:
    """The largest difference of an output from eager's, over the largest magnitude in that output."""
    if len(actual) != len(expected):
        return float("inf")
    return max(map(_difference, actual, expected), default=0.0)


def _difference(actual: Any, expected: Any) -> float:
    if not isinstance(expected, torch.Tensor):
        return 0.0 if actual == expected else float("inf")
    exact = not expected.is_floating_point() or not expected.any()
    if actual.dtype != expected.dtype or (exact and not torch.equal(actual, expected)):
        return float("inf")
    return error(actual, expected)


def names(patterns: list[str]) -> dict[str, str]:
    """The family of each model that is asked for; an error without transformers where its models are."""
    known = {name: family for name, family in torchvision_models.names().items() if family == "classification"}
    chosen = {name: family for name, family in known.items() if is_chosen(name, family, patterns)}
    tiny = {name: "huggingface" for name in huggingface.MODELS if is_chosen(name, "huggingface", patterns)}
    if tiny and importlib.util.find_spec("transformers") is None:
        sys.exit(
            f"{', '.join(tiny)}: these models come from transformers, which is not installed; install it, or choose "
            "others with --models classification"
        )
    return chosen | tiny


def versions(rows: list[dict[str, Any]]) -> dict[str, str]:
    """The version of transformers, where rows come from it."""
    used = any(row["family"] == "huggingface" for row in rows)
    return {"transformers": importlib.metadata.version("transformers")} if used else {}


def table(rows: list[dict[str, Any]]) -> Table:
    """The rows for a terminal."""
    shown = Table("model", "family", "outcome", "relative error", "sizes taken", "seconds", "message")
    for row in rows:
        far = f"{row['max_relative_error']:.1e}" if "max_relative_error" in row else ""
        message = (row.get("message") or " ".join(row.get("told", ()))).splitlines()
        cells = [
            row["model"],
            row["family"],
            row["outcome"],
            far,
            str(len(row.get("taken", ()))),
            str(row["seconds"]),
        ]
        shown.add_row(*cells, *map(escape, message[:1]), style="red" if is_fault(row) else None)
    shown.caption = ", ".join(f"{count} {outcome}" for outcome, count in Counter(r["outcome"] for r in rows).items())
    return shown


def is_fault(row: dict[str, Any]) -> bool:
    """Whether a row shows a fault of torch2trt."""
    return row["outcome"] not in (EQUAL, NARROWED, REFUSED)


def main() -> int:
    """Measure, print, record."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--models", nargs="*", default=["*"], help="patterns of names, or names of families")
    parser.add_argument("--json", help="write the rows and the environment to this file")
    options = parser.parse_args()
    rows: list[dict[str, Any]] = []
    for name, family in names(options.models).items():
        start = time.perf_counter()
        row = {"model": name, "family": family, "outcome": CRASH, **forked(measure, name, family)}
        if "failure" in row:
            row |= {"message": row.pop("failure"), "seconds": round(time.perf_counter() - start, 2)}
        rows.append(row)
        print(name, row["outcome"], row.get("message", "")[:200], flush=True)
        record(options.json, rows, tolerance=TOLERANCE, **versions(rows))
    Console(width=160).print(table(rows))
    return 0 if rows and not any(map(is_fault, rows)) else 1


if __name__ == "__main__":
    sys.exit(main())
