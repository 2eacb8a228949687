"""Rows stand where a reader looks for them: in the table named after the module of the converter that they test."""

import importlib
from collections import defaultdict

import pytest
from torch2trt import Packs


@pytest.fixture(params=["base", "vision", "transformer", "quantization"])
def pack(request):
    return request.param


@pytest.fixture
def tables(pack):
    return importlib.import_module(f"tests.{pack}.cases").TABLES


@pytest.fixture
def targets(pack):
    """What each module of the pack converts."""
    plugin = importlib.import_module(f"torch2trt_ops_{pack}")
    names = defaultdict(set)
    for converter in Packs.load(autoload=False, extra=(plugin,)).converters:
        module = converter.function.__module__.removeprefix(f"{plugin.__name__}.")
        names[module].add(converter.target.name)
    return dict(names)


def test_tables_are_named_after_modules(tables, targets):
    assert set(tables) == set(targets)


def test_rows_stand_in_the_table_of_their_converter(tables, targets):
    for table, cases in tables.items():
        for case in cases:
            modules = [module for module, names in targets.items() if case.target in names]
            assert not case.whole or table in modules, (
                f"the row {case.name!r} of {case.target} stands in {table}; its converter in {', '.join(modules)}"
            )
