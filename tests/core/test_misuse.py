"""The table of misuse: each kind gives its one error, with what, where and the cure."""

import pytest

from .misuse import Place, api, command_line, files, hooks, kit, manifests, packs

ROWS = [*api.ROWS, *files.ROWS, *manifests.ROWS, *packs.ROWS, *hooks.ROWS, *kit.ROWS, *command_line.ROWS]


def test_the_table_is_as_long_as_promised():
    assert len({row.name for row in ROWS}) == len(ROWS) >= 60


@pytest.mark.filterwarnings("ignore::torch2trt.ReferenceRuntimeWarning", "ignore::torch2trt.ConverterConflictWarning")
@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.name.replace(" ", "-"))
def test_misuse_gives_one_error_with_what_where_and_the_cure(row, tmp_path, monkeypatch):
    place = Place(tmp_path, monkeypatch)
    if isinstance(row.error, int):
        done = row.call(place)
        text = done.output
        assert done.exit_code == row.error, text
        assert "Traceback" not in text
    else:
        with pytest.raises(row.error) as caught:
            row.call(place)
        assert type(caught.value) is row.error
        text = str(caught.value)
    for word in row.words:
        assert word in text, text
    # no file of ours is left behind
    assert not list(tmp_path.rglob("*.part"))
