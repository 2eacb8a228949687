#!/usr/bin/env bash
# What the docs promise to newcomers, in an environment that has nothing: each step as it stands there.
# Until the first release no index has torch2trt: its wheels are built here, where pip finds them.
set -euo pipefail
root=$(cd "$(dirname "$0")/.." && pwd)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python=${PYTHON:-python3}
unset PYTHONPATH
export PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_QUIET=1

"$python" -m venv "$work/builder"
"$work/builder/bin/pip" install hatchling
projects=("$root"/core "$root"/converters_builtin/* "$root"/plugins_example)
"$work/builder/bin/pip" wheel --no-deps --no-build-isolation --wheel-dir "$work/wheels" "${projects[@]}"
export PIP_FIND_LINKS="${PIP_FIND_LINKS:-} $work/wheels"

"$python" -m venv "$work/newcomer"
export PATH="$work/newcomer/bin:$PATH"
cd "$work"

# docs/index.md: a converted model and its report
SECONDS=0
pip install "torch2trt-core[rtx]" torch2trt-ops-vision torchvision
torch2trt convert torchvision:resnet18 resnet18.trt --input 1..8x3x224x224 --report resnet18.html
test -s resnet18.trt
grep -q "</html>" resnet18.html
echo "from nothing to a converted model with its report: $SECONDS s"

# docs/writing_a_pack.md: a tested pack, in less than ten minutes
SECONDS=0
torch2trt new-pack mylab
cd torch2trt-ops-mylab
pip install -e ".[test]"
pytest
torch2trt packs --check
echo "from there to a tested pack: $SECONDS s"
((SECONDS < 600))
