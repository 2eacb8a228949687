"""The tables of a file of results, as data and in Markdown."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from .record import merged
from .roofline import bound, described

#: what a cell of times shows; ``rate`` is what many calls cost each
SHOWN = "rate"


@dataclass(frozen=True)
class Table:
    """A heading, a line on top, and lines of cells."""

    title: str
    header: list[str]
    lines: list[list[str]]


@dataclass(frozen=True)
class Section:
    """The runs of one environment: what they ran on, what they could not run, and their rows by dtype and batch."""

    environment: dict[str, Any]
    #: the rates of the GPU and what could not run, a line each
    notes: list[str]
    groups: dict[tuple[str, int], list[dict[str, Any]]]

    @property
    def heading(self) -> str:
        """The machine and the versions in one line."""
        return ", ".join(f"{name} {value}" for name, value in self.environment.items())

    def tables(self) -> Iterator[tuple[list[dict[str, Any]], Table, Table]]:
        """For each dtype and batch: its rows, the times of all columns, and everything else that was measured."""
        for (dtype, batch), rows in self.groups.items():
            yield (
                rows,
                times(f"{dtype}, batch {batch}", rows),
                details(f"{dtype}, batch {batch}: all measurements", rows),
            )


def sections(runs: list[dict[str, Any]]) -> list[Section]:
    """The newest environment first."""
    found = []
    for run in reversed(merged(runs)):
        groups: dict[tuple[str, int], list[dict[str, Any]]] = {}
        for row in run["rows"]:
            groups.setdefault((row["dtype"], row["batch"]), []).append(row)
        notes = [f"{column}: {reason}" for column, reason in run["columns"].items() if reason]
        rates = described(run["roofline"])
        found.append(Section(run["environment"], [*([rates] if rates else []), *notes], groups))
    return found


def times(title: str, rows: list[dict[str, Any]]) -> Table:
    """Microseconds a call: the median, its quartiles, and the bound of the roofline."""
    columns = list(dict.fromkeys(column for row in rows for column in row["columns"]))
    lines = []
    for row in rows:
        cells = [cell(row["columns"].get(column, {})) for column in columns]
        lines.append([row["row"], *cells, number(bound(row, row["roofline"]))])
    return Table(title, ["µs a call, many queued", *columns, "roofline"], lines)


def cell(column: dict[str, Any]) -> str:
    """A column of a row in short."""
    if "us" not in column:
        return "failed" if "failure" in column else "-"
    middle, low, high = column["us"][SHOWN]
    return f"{number(middle)} ({number(low)} to {number(high)})"


def details(title: str, rows: list[dict[str, Any]]) -> Table:
    """A line for each column of each row; or what went wrong."""
    header = ["model", "column", "host µs", "latency µs", "device µs", "rate µs", "convert s", "first call s"]
    header += ["GPU peak MiB", "GPU held MiB", "host MiB", "error"]
    lines = []
    for row in rows:
        if reason := trouble(row):
            lines.append([row["row"], "all", reason])
        for name, column in row["columns"].items():
            if reason := trouble(column):
                lines.append([row["row"], name, reason])
                continue
            middle = [number(column["us"].get(kind, [None])[0]) for kind in ("host", "latency", "device", "rate")]
            more = [str(column[kind]) for kind in ("convert_s", "first_call_s", "peak_mib", "held_mib", "host_mib")]
            error = "not finite" if column["error"] is None else f"{column['error']:.1e}"
            lines.append([row["row"], name, *middle, *more, error])
    return Table(title, header, lines)


def trouble(found: dict[str, Any]) -> str | None:
    """Why there are no times, in one line, or None."""
    reason = found.get("failure") or found.get("why_not")
    return " ".join(reason.split())[:300] if reason else None


def number(value: float | None) -> str:
    """Microseconds: three digits and thousands apart; a dash for none."""
    if value is None:
        return "-"
    return f"{value:,.0f}" if value >= 100 else f"{value:.1f}"


def markdown(runs: list[dict[str, Any]]) -> str:
    """All sections."""
    parts = ["# Comparison on a GPU"]
    for section in sections(runs):
        parts.append(f"## {section.heading}")
        if section.notes:
            parts.append("\n".join(f"- {note}" for note in section.notes))
        for _, short, full in section.tables():
            parts += [f"### {table.title}\n\n{in_markdown(table)}" for table in (short, full)]
    return "\n\n".join(parts) + "\n"


def in_markdown(table: Table) -> str:
    """One table."""
    lines = [table.header, ["---"] * len(table.header), *table.lines]
    escaped = ([cell.replace("|", "\\|") for cell in line] for line in lines)
    return "\n".join(f"| {' | '.join(line)} |" for line in escaped)
