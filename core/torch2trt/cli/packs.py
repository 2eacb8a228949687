"""``torch2trt packs``."""

from rich.table import Table

from .common import errors_in_words, out


def packs() -> None:
    """List the installed converter packs."""
    with errors_in_words():
        from ..packs.loading import installed

        table = Table("pack", "distribution", "version", "converters")
        for pack in installed().packs:
            count = sum(converter.pack == pack for converter in installed().converters)
            table.add_row(pack.name, pack.distribution, pack.version, str(count))
    out.print(table)
