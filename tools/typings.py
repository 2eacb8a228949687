"""Install the type stubs of full TensorRT into .venv/typings and mend what mypy cannot parse in them.

They must not stand in the environment itself: Python would take their folder for an empty package named tensorrt.
"""

import re
import subprocess
import sys
from pathlib import Path

STUBS = "tensorrt-stubs==10.13.0.35.1"
TARGET = Path(sys.prefix, "typings")

pip = [sys.executable, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--no-deps", "--upgrade"]
subprocess.run([*pip, "--target", str(TARGET), STUBS], check=True)
stub = TARGET / "tensorrt_bindings" / "tensorrt.pyi"
text = re.sub(r"\bin: ", "in_: ", stub.read_text())  # a parameter that bears the name of a keyword
text = text.replace("channel_axis: int)", "channel_axis: int = ...)")  # one without a default after others
# what the bindings convert by themselves
text = re.sub(r"(: |-> )Dims\b", r"\1tuple[int, ...]", text)
text = re.sub(r": Weights\b", ": Weights | numpy.typing.NDArray[typing.Any]", text)
stub.write_text(text)
