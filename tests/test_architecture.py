"""The architecture, checked on the source: rooms without circles, budgets of lines, and who may import what."""

import ast
import graphlib
import io
import tokenize
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
CORE = ROOT / "core" / "torch2trt"
PACKS = [path.parent for path in ROOT.glob("converters_builtin/*/*/__init__.py")] + [
    ROOT / "plugins_example/torch2trt_ops_example"
]

#: the way of the data: each room may import those to its left, and what stands in itself without a circle
ROOMS = (
    *("errors", "_trt", "cache", "settings", "keywords", "dtypes", "log", "reference", "report"),
    *("program", "plugins", "packs", "runtime", "capture", "plan", "network", "lib"),
    *("verify", "tune", "api", "quantization", "testing", "classic", "dynamo", "serving"),
)
#: modules where programs for NVIDIA's library import from; they define nothing themselves
ALIASES = ("calibration", "converters", "dataset", "flattener", "module_test", "torch2trt", "trt_module", "utils")
ROOMS = (*ROOMS, *ALIASES, "cli", "__main__", "__init__")


def name_of(path):
    parts = path.relative_to(CORE).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" and len(parts) > 1 else parts)


MODULES = {name_of(path): path for path in sorted(CORE.rglob("*.py"))}


def imported(name):
    """The modules of the core that one imports: at its top, inside functions, and for types alone."""
    path = MODULES[name]
    package = [*path.relative_to(CORE).parent.parts]
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.ImportFrom) and (node.level or (node.module or "").partition(".")[0] == "torch2trt"):
            base = package[: len(package) - node.level + 1] if node.level else []
            base = base + ((node.module or "").removeprefix("torch2trt").strip(".").split(".") if node.module else [])
            for alias in node.names:
                full = ".".join(part for part in (*base, alias.name) if part)
                module = full if full in MODULES else ".".join(filter(None, base))
                # a package's __init__ imports its own modules, and is imported with each of them
                if module in MODULES and module != name and not module.startswith(name + "."):
                    yield module


def room(name):
    return name.partition(".")[0]


def test_every_module_stands_in_a_room():
    assert {room(name) for name in MODULES} == set(ROOMS)


@pytest.mark.parametrize("name", MODULES)
def test_a_module_imports_only_rooms_to_its_left(name):
    wrong = [other for other in imported(name) if ROOMS.index(room(other)) > ROOMS.index(room(name))]
    assert not wrong, f"{name} imports {wrong}"


def test_no_modules_import_each_other_in_a_circle():
    graph = {name: set(imported(name)) for name in MODULES}
    assert sum(map(len, graph.values())) > 200  # it does see them
    graphlib.TopologicalSorter(graph).prepare()  # raises CycleError with the circle


@pytest.mark.parametrize("name", [name for name in MODULES if room(name) in ALIASES])
def test_a_module_for_imports_of_the_classic_library_defines_nothing(name):
    _, *body = ast.parse(MODULES[name].read_text()).body  # after its docstring
    for node in body:
        forwards = isinstance(node, ast.FunctionDef) and node.name == "__getattr__" and len(node.body) == 1
        lazy = isinstance(node, ast.Assign) and "attach_stub" in ast.unparse(node)
        assert forwards or lazy or isinstance(node, (ast.Import, ast.ImportFrom)), ast.unparse(node)


def test_the_core_does_not_know_the_classic_room():
    for name in MODULES:
        if room(name) not in ("classic", "__init__", *ALIASES):
            assert not [other for other in imported(name) if room(other) in ("classic", *ALIASES)], name


def test_only_pytorch_knows_the_backend_of_torch_compile():
    for name in MODULES:
        assert room(name) == "dynamo" or not [other for other in imported(name) if room(other) == "dynamo"], name


def code_lines(path):
    """Lines of code: blank lines, comments and docstrings are not what there should be less of."""
    text = path.read_text()
    skipped = {tokenize.COMMENT, tokenize.NL, tokenize.NEWLINE, tokenize.INDENT, tokenize.DEDENT, tokenize.ENDMARKER}
    tokens = tokenize.generate_tokens(io.StringIO(text).readline)
    lines = {line for t in tokens if t.type not in skipped for line in range(t.start[0], t.end[0] + 1)}
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, (ast.Module, ast.ClassDef, ast.FunctionDef)) and ast.get_docstring(node) is not None:
            lines -= set(range(node.body[0].lineno, node.body[0].end_lineno + 1))
    return len(lines)


#: rooms that the rest of the core can do without
LIFTABLE = ("reference", "report", "verify", "tune", "testing", "classic", "dynamo", "serving", "cli")


def test_the_core_stays_minimal():
    own = [path for name, path in MODULES.items() if room(name) not in (*LIFTABLE, *ALIASES)]
    assert sum(map(code_lines, own)) <= 11330


@pytest.mark.parametrize(
    "path",
    [*MODULES.values(), *(path for pack in PACKS for path in pack.rglob("*.py"))],
    ids=lambda path: str(path.relative_to(ROOT)),
)
def test_files_and_functions_stay_readable(path):
    text = path.read_text()
    assert len(text.splitlines()) <= 250
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)):
            length = node.end_lineno - node.lineno + 1
            assert length <= 40, f"{node.name} has {length} lines"


@pytest.mark.parametrize(
    "path", [path for pack in PACKS for path in pack.rglob("*.py")], ids=lambda path: f"{path.parent.name}-{path.stem}"
)
def test_a_pack_stands_on_public_names(path):
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.ImportFrom) and node.level == 0 and node.module.startswith("torch2trt"):
            own = path.relative_to(ROOT).parts[-2]
            assert node.module in ("torch2trt", "torch2trt.lib", own), f"{path.name} imports {node.module}"


def test_only_one_module_imports_tensorrt():
    for name, path in MODULES.items():
        for node in ast.walk(ast.parse(path.read_text())):
            names = (
                [alias.name for alias in node.names] if isinstance(node, ast.Import) else [getattr(node, "module", "")]
            )
            assert not any((n or "").startswith("tensorrt") for n in names) or name == "_trt", path


def test_the_core_names_no_pack():
    for path in MODULES.values():
        assert "torch2trt_ops_base" not in path.read_text()
        assert "torch2trt_ops_vision" not in path.read_text()
