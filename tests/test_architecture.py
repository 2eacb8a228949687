"""The architecture, checked on the source: tiers of imports, budgets of lines, and who may import what."""

import ast
import io
import tokenize
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
CORE = ROOT / "core" / "torch2trt"
PACKS = [path.parent for path in ROOT.glob("converters_builtin/*/*/__init__.py")] + [
    ROOT / "plugins_example/torch2trt_ops_example"
]

#: each module may import its own tier's left neighbours only
TIERS = [
    {"errors", "_trt", "settings"},
    {"dtypes", "targets", "log", "signature", "inputs", "call"},
    {"converters", "hookspecs"},
    {"registry", "packs", "context"},
    {"lib", "user", "classic", "capture"},
    {"plan"},
    {"lower", "runtime"},
    {"build", "reference"},
    {"api"},
    {"testing", "cli"},
    {"pytest_plugin", "__init__"},
]
#: within a tier, what stands on what
WITHIN = {
    ("dtypes", "call"),
    ("targets", "call"),
    ("dtypes", "signature"),
    ("errors", "_trt"),
    ("user", "classic"),
    ("registry", "packs"),
}


def modules():
    return [(path, path.relative_to(CORE).parts[0].removesuffix(".py")) for path in sorted(CORE.rglob("*.py"))]


def imported(path):
    """The core's modules that a file imports when it is imported itself, by their first name."""
    depth = len(path.relative_to(CORE).parts) - 1

    def visit(node):
        for child in ast.iter_child_nodes(node):
            if isinstance(child, (ast.FunctionDef, ast.AsyncFunctionDef)):
                continue  # imported when it is called
            if isinstance(child, ast.If) and ast.unparse(child.test) == "TYPE_CHECKING":
                continue
            if isinstance(child, ast.ImportFrom) and child.level == depth + 1:
                yield from [child.module.partition(".")[0]] if child.module else [alias.name for alias in child.names]
            yield from visit(child)

    return set(visit(ast.parse(path.read_text())))


@pytest.mark.parametrize(
    ("path", "name"), modules(), ids=lambda value: value.stem if isinstance(value, Path) else value
)
def test_each_tier_imports_only_tiers_to_its_left(path, name):
    tier = {module: index for index, tier in enumerate(TIERS) for module in tier}
    assert name in tier, f"{name} stands in no tier"
    wrong = [
        other
        for other in imported(path) - {name}
        if other in tier and tier[other] >= tier[name] and (other, name) not in WITHIN
    ]
    assert not wrong, f"{path.name} imports {wrong}"


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


def test_the_core_stays_minimal():
    own = [path for path, name in modules() if name not in ("reference", "testing", "pytest_plugin")]
    assert sum(map(code_lines, own)) <= 3000


@pytest.mark.parametrize(
    "path", [path for pack in PACKS for path in pack.rglob("*.py")], ids=lambda path: f"{path.parent.name}-{path.stem}"
)
def test_a_pack_stays_readable_and_stands_on_public_names(path):
    assert len(path.read_text().splitlines()) <= 250
    tree = ast.parse(path.read_text())
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef):
            assert node.end_lineno - node.lineno < 40, f"{node.name} is longer than 40 lines"
        if isinstance(node, ast.ImportFrom) and node.level == 0 and node.module.startswith("torch2trt"):
            own = path.relative_to(ROOT).parts[-2]
            assert node.module in ("torch2trt", "torch2trt.lib", own), f"{path.name} imports {node.module}"


def test_only_one_module_imports_tensorrt():
    for path, name in modules():
        for node in ast.walk(ast.parse(path.read_text())):
            names = (
                [alias.name for alias in node.names] if isinstance(node, ast.Import) else [getattr(node, "module", "")]
            )
            assert not any((n or "").startswith("tensorrt") for n in names) or name == "_trt", path


def test_the_core_names_no_pack():
    for path, _ in modules():
        assert "torch2trt_ops_base" not in path.read_text()
        assert "torch2trt_ops_vision" not in path.read_text()
