"""Small converter packs as real distributions: built by hatchling and installed by pip into a folder of their own."""

import subprocess
import sys
from pathlib import Path
from textwrap import dedent

RELU = """
    from torch2trt import converter, hookimpl, trt

    @converter("aten.relu.default")
    def relu(ctx, input):
        return ctx.network.add_activation(input, trt.ActivationType.RELU).get_output(0)

    @hookimpl{rank}
    def torch2trt_register_converters(registry):
        registry.add(relu)
"""


def install(site: Path, distribution: str, module: str, source: str, *, entry: str | None = None) -> Path:
    """Install a distribution of one module into ``site`` and give the folder back, for ``sys.path``."""
    root = site.parent / f"{distribution}-source"
    root.mkdir(parents=True)
    (root / f"{module}.py").write_text(dedent(source))
    (root / "pyproject.toml").write_text(
        dedent(f"""
        [build-system]
        requires = ["hatchling"]
        build-backend = "hatchling.build"
        [project]
        name = "{distribution}"
        version = "1.2.3"
        [project.entry-points."torch2trt.converters"]
        {entry or module} = "{module}"
        [tool.hatch.build.targets.wheel]
        only-include = ["{module}.py"]
        """)
    )
    pip = [sys.executable, "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
    offline = ["--no-deps", "--no-index", "--no-build-isolation"]
    subprocess.run([*pip, *offline, "--target", str(site), str(root)], check=True)
    return site
