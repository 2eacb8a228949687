"""Converted modules beside other ways to run a model on a GPU: times, memory and errors; ``make bench-gpu`` runs it.

Every column of a row has a process of its own; they take turns.  The results are added to a JSON file after each row,
with a table (``.md``) and a page with plots (``.html``) beside it.  A column that cannot run, or fails, is recorded
with the reason and stops nothing.  Exit status 1 when a column of ``--require`` cannot run, 2 without a GPU.

Peers that need another TensorRT get it with ``--peer-path`` (folders that come first on their ``PYTHONPATH``) or
``--peer-python`` (another interpreter, which needs PyTorch and what the rows are made of).
"""

import argparse
import sys
import tempfile
from pathlib import Path
from typing import Any

import torch
from gpu.columns import COLUMNS, find
from gpu.page import page
from gpu.peers import PEERS
from gpu.process import Environment
from gpu.record import Record
from gpu.rows import DTYPES, ROWS
from gpu.run import Bench, Deadline, Repetitions, bench, chosen
from gpu.table import cell, markdown, trouble
from harness import environment

MODELS = [name for name, row in ROWS.items() if not row.tiny]


def comma(text: str) -> list[str]:
    """Values that are separated by commas."""
    return [part for part in text.split(",") if part]


def checked(bench: Bench, columns: list[str], dtype: str) -> dict[str, str | None]:
    """Why each column cannot run here, tried on the tiny row; None where it can."""
    tried = bench.row("tiny", 1, dtype, columns)
    why = {column: trouble(tried["columns"].get(column, tried)) for column in columns}
    for column, reason in why.items():
        print(f"{column}: {reason or 'works'}", flush=True)
    return why


def measure(bench: Bench, record: Record, columns: list[str], deadline: Deadline, options: argparse.Namespace) -> None:
    """Measure the rows that are asked for and write what came of them after each."""
    done = record.measured() if options.resume else set()
    wanted = [row for row in chosen(options.rows, options.batches, options.dtypes) if row not in done]
    for place, (row, batch, dtype) in enumerate(wanted):
        if deadline.passed():
            print(f"{options.minutes:g} minutes are used up, {len(wanted) - place} rows left: --resume measures them")
            break
        found = bench.row(row, batch, dtype, columns)
        record.add(found)
        options.json.with_suffix(".md").write_text(markdown(record.runs))
        options.json.with_suffix(".html").write_text(page(record.runs))
        shown = {name: trouble(column) or cell(column) for name, column in found["columns"].items()}
        print(f"{row}, batch {batch}, {dtype}:", trouble(found) or shown, flush=True)


def main() -> int:
    """Check the columns, measure the rates of the GPU, then the rows."""
    options = complete(arguments().parse_args())
    deadline, columns = Deadline(options.minutes), options.columns
    if not options.dry_run and not torch.cuda.is_available():
        print("bench-gpu needs a GPU, and PyTorch finds none here; --dry-run tries everything that runs without one")
        return 2
    repetitions = Repetitions(2, 2, 2) if options.dry_run else Repetitions(options.rounds)
    peers = Environment(options.peer_python, tuple(options.peer_path))
    with bench("cpu" if options.dry_run else "cuda", repetitions, peers, options.patience) as place:
        why = checked(place, columns, options.dtypes[0])
        if lacking := [column for column in options.require if why[column]]:
            print(f"required, and cannot run: {', '.join(lacking)}")
            return 1
        rates = None if options.dry_run else place.roofline()
        where = {**environment(), **({"dry_run": True} if options.dry_run else {})}
        record = Record(options.json, where, rates, why, repetitions=vars(repetitions))
        measure(place, record, [column for column in columns if not why[column]], deadline, options)
    print(f"results, with a table (.md) and a page (.html) beside them: {options.json}")
    return 0


def complete(options: argparse.Namespace) -> argparse.Namespace:
    """Add what was not given; a dry run is short and leaves nothing among the results.  Wrong names end the program."""
    columns = [*COLUMNS, *PEERS]
    defaults: dict[str, Any] = {"batches": [1, 32], "dtypes": list(DTYPES), "rows": MODELS, "columns": columns}
    if options.dry_run:
        defaults |= {"batches": [1], "dtypes": ["fp32"], "rows": ["tiny", *MODELS]}
    for name, value in defaults.items():
        setattr(options, name, getattr(options, name) or value)
    if options.json is None:
        folder = Path(tempfile.mkdtemp()) if options.dry_run else Path(__file__).parent / "results"
        options.json = folder / "gpu.json"
    faults = [f"there is no row {name}; there are {', '.join(ROWS)}" for name in options.rows if name not in ROWS]
    faults += [
        f"there is no dtype {name}; there are {', '.join(DTYPES)}" for name in options.dtypes if name not in DTYPES
    ]
    absent = [name for name in options.require if name not in options.columns]
    faults += [f"--require names {name}, which is no column of this run" for name in absent]
    for column in options.columns:
        try:
            find(column)
        except (ValueError, ImportError, AttributeError) as error:
            faults.append(str(error))
    if faults:
        raise SystemExit("; ".join(faults))
    return options


def arguments() -> argparse.ArgumentParser:
    """The options; lists are separated by commas."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=comma, help=f"of {','.join(ROWS)}; by default all but tiny")
    parser.add_argument("--batches", type=lambda text: [int(part) for part in comma(text)], help="by default 1,32")
    parser.add_argument("--dtypes", type=comma, help=f"by default {','.join(DTYPES)}")
    parser.add_argument(
        "--columns", type=comma, help=f"of {','.join([*COLUMNS, *PEERS])}, or another's as module:Class"
    )
    parser.add_argument("--require", type=comma, default=[], help="columns without which there is no use in the run")
    parser.add_argument("--minutes", type=float, help="start no new row after so many minutes")
    parser.add_argument("--resume", action="store_true", help="leave out rows that the file has of this environment")
    parser.add_argument("--rounds", type=int, default=Repetitions.rounds, help="how often the columns take turns")
    parser.add_argument("--patience", type=float, default=240, help="seconds that a process may take for one answer")
    parser.add_argument("--peer-python", default=sys.executable, help="the interpreter of the peers' processes")
    parser.add_argument(
        "--peer-path", type=lambda text: text.split(":"), default=[], help="folders for their PYTHONPATH"
    )
    parser.add_argument("--json", type=Path, help="the file that results are added to; by default results/gpu.json")
    parser.add_argument("--dry-run", action="store_true", help="on the CPU, with what runs there: times mean nothing")
    return parser


if __name__ == "__main__":
    sys.exit(main())
