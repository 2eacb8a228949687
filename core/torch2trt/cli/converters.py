"""``torch2trt converters``."""

import json

from rich.table import Table

from .common import AsJSON, errors_in_words, out


def converters(as_json: AsJSON = False) -> None:
    """List every target with the converter that is asked first."""
    with errors_in_words():
        from ..packs.loading import installed

        registry = installed().registry
        first = {target.name: registry.chain(target.obj)[0] for target in registry.targets}
    if as_json:
        rows = [{"target": t, "pack": c.pack.name, "converter": c.name} for t, c in sorted(first.items())]
        print(json.dumps(rows, indent=1))
        return
    table = Table("target", "pack", "converter")
    for target, converter in sorted(first.items()):
        table.add_row(target, converter.pack.name, f"{converter.name} ({converter.location})")
    out.print(table, f"{len(first)} targets")
