"""Everything of a release but the upload: all distributions, built twice and equal, checked, installed and tried.

    python tools/release.py              # dependencies are installed from the index, as users would have them
    python tools/release.py --here      # dependencies are those of this environment, which takes a minute

From the last commit, and nothing else, ``dist/`` gets a wheel and an sdist of each distribution, their digests, a
software bill of materials (CycloneDX) and the licenses of all that is installed with them.  At its end the script
says what would be uploaded, and uploads nothing.
"""

import argparse
import hashlib
import json
import os
import shutil
import subprocess
import sys
import tempfile
import venv
from collections.abc import Iterator, Sequence
from email.parser import HeaderParser
from importlib.metadata import Distribution, distribution
from pathlib import Path
from typing import Any
from zipfile import ZipFile

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).parent.parent
#: in the order in which they are uploaded: each needs earlier ones only
PROJECTS = (
    "core",
    "converters_builtin/base",
    "converters_builtin/vision",
    "converters_builtin/transformer",
    "converters_builtin/quantization",
    "converters_builtin/generation",
    "plugins_example",
)
CORE = "torch2trt-core[rtx]"
SMOKE = """
import warnings, torch, torch2trt, torch2trt_generation
warnings.simplefilter("ignore", torch2trt.ReferenceRuntimeWarning)
nn = torch.nn
model = nn.Sequential(nn.Conv2d(3, 4, 3), nn.ReLU(), nn.Flatten(), nn.LayerNorm(16)).eval()
x = torch.randn(2, 3, 4, 4)
torch.testing.assert_close(torch2trt.convert(model, [x], cache=False)(x), model(x), rtol=1e-3, atol=1e-3)
found = {pack.name for pack in torch2trt.Packs.load().packs}
assert found == {"base", "vision", "transformer", "quantization", "example"}, found
print(torch2trt.__file__)
"""


def run(*command: object, **options: Any) -> str:
    """The output of a command, whose failure ends the release."""
    done = subprocess.run([str(one) for one in command], check=False, text=True, capture_output=True, **options)
    if done.returncode:
        raise SystemExit(f"{done.stdout}{done.stderr}\nfailed: {' '.join(map(str, command))}")
    return done.stdout


def build(folder: Path, epoch: str) -> None:
    """Build every distribution of the last commit, each wheel from its sdist."""
    with tempfile.TemporaryDirectory() as sources:
        archive = Path(sources, "sources.tar")
        run("git", "archive", "--output", archive, "HEAD", cwd=ROOT)
        shutil.unpack_archive(archive, sources, filter="data")
        environment = {**os.environ, "SOURCE_DATE_EPOCH": epoch}
        for project in PROJECTS:
            options = ("--no-isolation", "--outdir", folder)
            run(sys.executable, "-m", "build", *options, Path(sources, project), env=environment)


def digests(folder: Path) -> dict[str, str]:
    """The SHA-256 of each file, by name."""
    return {file.name: hashlib.sha256(file.read_bytes()).hexdigest() for file in sorted(folder.iterdir())}


def check_versions(folder: Path) -> str:
    """That all wheels are of one version, which each of them asks of the others; gives the version."""
    wheels = {}
    for wheel in folder.glob("*.whl"):
        with ZipFile(wheel) as archive:
            (name,) = (name for name in archive.namelist() if name.endswith(".dist-info/METADATA"))
            about = HeaderParser().parsestr(archive.read(name).decode())
        wheels[canonicalize_name(about["Name"])] = (about["Version"], about.get_all("Requires-Dist", []))
    versions = {version for version, _ in wheels.values()}
    if len(wheels) != len(PROJECTS) or len(versions) != 1:
        raise SystemExit(f"not one version of {len(PROJECTS)} distributions: {wheels}")
    for name, (_, requirements) in wheels.items():
        for requirement in map(Requirement, requirements):
            if (other := wheels.get(canonicalize_name(requirement.name))) and other[0] not in requirement.specifier:
                raise SystemExit(f"{name} needs {requirement}, which is {other[0]} here")
    return versions.pop()


def needed(requirements: Sequence[str]) -> Iterator[Distribution]:
    """The installed distributions that ``requirements`` need, and those that these need; not torch2trt's own."""
    todo, seen = [Requirement(one) for one in requirements], set()
    while todo:
        requirement = todo.pop()
        name = canonicalize_name(requirement.name)
        extras = requirement.extras or {""}
        if (name, *sorted(extras)) in seen:
            continue
        seen.add((name, *sorted(extras)))
        found = distribution(name)
        inner = map(Requirement, found.requires or ())
        todo += [
            one for one in inner if not one.marker or any(one.marker.evaluate({"extra": e}) for e in {*extras, ""})
        ]
        if not name.startswith("torch2trt"):
            yield found


def environment_like_this(folder: Path, requirements: Sequence[str]) -> Path:
    """A virtual environment with links to what ``requirements`` need; gives its interpreter."""
    python = folder / "bin" / "python"
    venv.create(folder, with_pip=False, symlinks=True)
    there = Path(run(python, "-c", "import site; print(site.getsitepackages()[0])").strip())
    for one in needed(requirements):
        for name in {file.parts[0] for file in one.files or ()} - {"..", "__pycache__"}:
            link, target = there / name, Path(str(one.locate_file(name))).resolve()
            if not link.exists() and target.exists():
                link.symlink_to(target)
    return python


def install(dist: Path, folder: Path, here: bool) -> Path:
    """An environment that has the wheels, and no checkout; gives its interpreter."""
    wheels = sorted(dist.glob("*.whl"))
    if here:
        python = environment_like_this(folder, [CORE, *(wheel.name.partition("-")[0] for wheel in wheels)])
        options = ["--no-deps", "--no-index"]
    else:
        python, options = folder / "bin" / "python", ["--find-links", str(dist), CORE]
        venv.create(folder, with_pip=False, symlinks=True)
    run(sys.executable, "-m", "pip", "--python", python, "install", "--quiet", *options, *wheels)
    run(sys.executable, "-m", "pip", "--python", python, "check")
    return python


def try_out(python: Path, folder: Path) -> None:
    """Convert with the installed wheels and find their packs."""
    plain = {name: value for name, value in os.environ.items() if not name.startswith(("PYTHONPATH", "TORCH2TRT"))}
    where = Path(run(python, "-W", "error::ImportWarning", "-c", SMOKE, env=plain, cwd=folder).strip())
    if not where.is_relative_to(folder):
        raise SystemExit(f"torch2trt was imported from {where}, not from the wheel")
    packs = json.loads(run(python.with_name("torch2trt"), "packs", "--check", "--json", env=plain, cwd=folder))
    if lacking := [pack for pack in packs if pack["lacks"]]:
        raise SystemExit(f"packs lack something: {lacking}")


def bill(python: Path, dist: Path, epoch: str) -> None:
    """Write what is installed as a bill of materials, and the licenses in it as a table."""
    sbom = dist / "sbom.cdx.json"
    options = ("--output-reproducible", "--of", "JSON", "-o", sbom)
    command = (sys.executable, "-m", "cyclonedx_py", "environment", *options, python)
    run(*command, env={**os.environ, "SOURCE_DATE_EPOCH": epoch})
    rows = ["| distribution | version | license |", "|---|---|---|"]
    for one in json.loads(sbom.read_text())["components"]:
        given = [
            entry.get("expression") or entry["license"].get("id") or entry["license"].get("name", "")
            for entry in one.get("licenses", ())
        ]
        words = (text.splitlines()[0].rpartition(" :: ")[2] for text in given if text)
        said = " and ".join(dict.fromkeys(words)) or "not said"
        rows.append(f"| {one['name']} | {one['version']} | {said} |")
    (dist / "licenses.md").write_text("\n".join(rows) + "\n")


def main() -> None:
    """Go through all steps; the first that fails ends it."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--here", action="store_true", help="take dependencies from this environment")
    parser.add_argument("--dist", type=Path, default=ROOT / "dist", help="the folder for all that is made")
    options = parser.parse_args()
    epoch = run("git", "log", "-1", "--format=%ct", cwd=ROOT).strip()
    shutil.rmtree(options.dist, ignore_errors=True)
    with tempfile.TemporaryDirectory() as scratch:
        build(options.dist, epoch)
        build(Path(scratch, "again"), epoch)
        made = digests(options.dist)
        if made != digests(Path(scratch, "again")):
            raise SystemExit("two builds of one commit differ")
        version = check_versions(options.dist)
        run(sys.executable, "-m", "twine", "check", "--strict", *options.dist.iterdir())
        environment = Path(scratch).resolve() / "environment"
        python = install(options.dist, environment, options.here)
        try_out(python, environment)
        bill(python, options.dist, epoch)
    (options.dist / "SHA256SUMS").write_text("".join(f"{digest}  {name}\n" for name, digest in made.items()))
    print((options.dist / "SHA256SUMS").read_text())
    print(f"torch2trt {version}: {len(made)} files, built twice and equal, installed and tried. Nothing was uploaded.")
    print(f"To publish them on PyPI: git tag v{version}; twine upload {options.dist}/*.whl {options.dist}/*.tar.gz")


if __name__ == "__main__":
    main()
