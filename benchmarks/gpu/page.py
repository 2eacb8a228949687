"""The results as one HTML page, with plots drawn as SVG: it needs no network, no script and no library."""

from html import escape
from typing import Any

from .roofline import bound
from .table import SHOWN, Table, number, sections

COLORS = ("#9aa5b1", "#52606d", "#7fb3d5", "#2874a6", "#f0b27a", "#ca6f1e", "#c39bd3", "#76448a", "#1e8449")
BAR, GAP, LABEL, PLOT, VALUE = 16, 4, 170, 520, 90

STYLE = """
body { font: 15px/1.5 system-ui, sans-serif; max-width: 1100px; margin: 2em auto; padding: 0 1em; color: #1f2933; }
table { border-collapse: collapse; margin: 1em 0; font-size: 13px; }
th, td { border-bottom: 1px solid #e4e7eb; padding: 3px 9px; text-align: right; }
th:first-child, td:first-child, td.text { text-align: left; }
figure { margin: 1em 0; } figcaption { font-weight: 600; } svg text { font-size: 12px; fill: #1f2933; }
details > summary { cursor: pointer; }
"""


def page(runs: list[dict[str, Any]]) -> str:
    """All runs of a file."""
    body = ["<h1>Comparison on a GPU</h1>"]
    body.append(
        "<p>A bar is the median time of a call in microseconds when many are queued; the line across its end goes"
    )
    body.append("from the lower to the upper quartile, the dashed one is the roofline of the same run.</p>")
    for section in sections(runs):
        body.append(f"<h2>{escape(section.heading)}</h2>")
        notes = "".join(f"<li>{escape(note)}</li>" for note in section.notes)
        body.append(f"<ul>{notes}</ul>" if notes else "")
        for rows, short, full in section.tables():
            body.append(f"<h3>{escape(short.title)}</h3>")
            body += [plot(row) for row in rows if any("us" in column for column in row["columns"].values())]
            body.append(in_html(short))
            body.append(f"<details><summary>{escape(full.title)}</summary>{in_html(full)}</details>")
    head = f'<meta charset="utf-8"><title>torch2trt: comparison on a GPU</title><style>{STYLE}</style>'
    return f'<!doctype html>\n<html lang="en"><head>{head}</head><body>\n' + "\n".join(body) + "\n</body></html>\n"


def plot(row: dict[str, Any]) -> str:
    """A row as horizontal bars, one for each column that has times."""
    timed = {name: column["us"][SHOWN] for name, column in row["columns"].items() if "us" in column}
    least = bound(row, row["roofline"])
    scale = PLOT / max([high for _, _, high in timed.values()] + [least or 0, 1e-9])
    height = len(timed) * (BAR + GAP) + GAP
    drawn = [bar(place, name, spread, scale) for place, (name, spread) in enumerate(timed.items())]
    if least is not None:
        drawn.append(line(LABEL + least * scale, 0, LABEL + least * scale, height, 'stroke-dasharray="4 3"'))
    size = f'width="{LABEL + PLOT + VALUE}" height="{height}" role="img"'
    return f"<figure><figcaption>{escape(row['row'])}</figcaption><svg {size}>{''.join(drawn)}</svg></figure>"


def bar(place: int, name: str, spread: list[float], scale: float) -> str:
    """One bar with its name, its quartiles and its number."""
    middle, low, high = (value * scale for value in spread)
    top = GAP + place * (BAR + GAP)
    center, base = top + BAR / 2, top + BAR - 4
    color = COLORS[place % len(COLORS)]
    return (
        f'<text x="{LABEL - 6}" y="{base}" text-anchor="end">{escape(name)}</text>'
        f'<rect x="{LABEL}" y="{top}" width="{middle:.1f}" height="{BAR}" fill="{color}"/>'
        + line(LABEL + low, center, LABEL + high, center)
        + f'<text x="{LABEL + max(middle, high) + 6:.1f}" y="{base}">{number(spread[0])}</text>'
    )


def line(x1: float, y1: float, x2: float, y2: float, more: str = "") -> str:
    """A thin dark line."""
    return f'<line x1="{x1:.1f}" y1="{y1:.1f}" x2="{x2:.1f}" y2="{y2:.1f}" stroke="#1f2933" {more}/>'


def in_html(table: Table) -> str:
    """A table; the last cell of a short line takes the rest of it."""
    head = "".join(f"<th>{escape(cell)}</th>" for cell in table.header)
    lines = []
    for cells in table.lines:
        rest = len(table.header) - len(cells)
        last = f'<td class="text" colspan="{rest + 1}">' if rest else "<td>"
        inner = "".join(f"<td>{escape(cell)}</td>" for cell in cells[:-1])
        lines.append(f"<tr>{inner}{last}{escape(cells[-1])}</td></tr>")
    return f"<table><tr>{head}</tr>{''.join(lines)}</table>"
