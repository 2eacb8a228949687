"""The file of results: runs, each with its environment, added to whatever earlier runs have left there."""

import json
import os
from pathlib import Path
from typing import Any


class Record:
    """One run in a file of several; the file is whole after each row.

    ``columns`` says why each of them could not run, or None; ``roofline`` is what :func:`roofline.measure` found.
    """

    def __init__(
        self,
        path: Path,
        environment: dict[str, Any],
        roofline: dict[str, Any] | None,
        columns: dict[str, str | None],
        **more: Any,
    ) -> None:
        self._path = path
        self.runs = load(path)
        what = {"environment": environment, "roofline": roofline, "columns": columns, **more}
        self._run: dict[str, Any] = {**what, "rows": []}

    def add(self, row: dict[str, Any]) -> None:
        """Add a row to this run; a run without rows leaves no trace."""
        if not self._run["rows"]:
            self.runs.append(self._run)
        self._run["rows"].append(row)
        self._path.parent.mkdir(parents=True, exist_ok=True)
        fresh = self._path.with_suffix(".new")
        fresh.write_text(json.dumps({"runs": self.runs}, indent=1) + "\n")
        os.replace(fresh, self._path)

    def measured(self) -> set[tuple[str, int, str]]:
        """The rows that runs of the same environment have already."""
        mine = same(self._run["environment"])
        runs = [run for run in self.runs if same(run["environment"]) == mine]
        return {key(row) for run in runs for row in run["rows"]}


def load(path: Path) -> list[dict[str, Any]]:
    """The runs of a file, in the order in which they were made; none where there is no file."""
    runs: list[dict[str, Any]] = json.loads(path.read_text())["runs"] if path.exists() else []
    return runs


def key(row: dict[str, Any]) -> tuple[str, int, str]:
    """What a row is known by: model, batch size and dtype."""
    return row["row"], row["batch"], row["dtype"]


def same(environment: dict[str, Any]) -> dict[str, Any]:
    """What two runs have in common when their rows can stand in one table: all but the date."""
    return {name: value for name, value in environment.items() if name != "date"}


def merged(runs: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Runs of the same environment as one: of a row that was measured twice, the newest.

    Rows are not mixed: the columns of one took turns, those of two runs did not.  Rows keep the roofline of their own
    run, since the clocks of a GPU are not the same every day.
    """
    found: list[dict[str, Any]] = []
    for run in runs:
        rows = {key(row): {**row, "roofline": run["roofline"]} for row in run["rows"]}
        for other in found:
            if same(other["environment"]) == same(run["environment"]):
                other["rows"].update(rows)
                other.update(columns=run["columns"], roofline=run["roofline"])
                break
        else:
            found.append({**run, "rows": rows})
    return [{**run, "rows": list(run["rows"].values())} for run in found]
