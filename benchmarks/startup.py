"""What the next process waits for: a module that was saved, with warm caches on disk, loaded and called once.

One process converts resnet50 and calls it, so that its kernels are kept; then fresh processes load the file.  Seconds
are from ``torch2trt.load`` to the first result, after PyTorch has started CUDA; imports are told apart.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path

from harness import record

FIRST = """
import sys, torch, torch2trt, torchvision
torch.manual_seed(0)
x = torch.randn(1, 3, 224, 224, device="cuda", dtype=torch.float16)
module = torch2trt.convert(torchvision.models.resnet50().eval().half().cuda(), [x], runtime="engine")
for _ in range(3):
    module(x)
torch.cuda.synchronize()
module.save(sys.argv[1])
"""
NEXT = """
import json, sys, time
start = time.perf_counter()
import torch
torch.zeros(1, device="cuda")
before = time.perf_counter()
import torch2trt
imported = time.perf_counter()
module = torch2trt.load(sys.argv[1])
loaded = time.perf_counter()
module(torch.randn(1, 3, 224, 224, device="cuda", dtype=torch.float16))
torch.cuda.synchronize()
done = time.perf_counter()
names = ("pytorch_s", "import_s", "load_s", "first_call_s")
times = (before - start, imported - before, loaded - imported, done - loaded)
print(json.dumps({name: round(time, 3) for name, time in zip(names, times)}))
"""


def main() -> None:
    """Convert once, load several times."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--processes", type=int, default=3)
    parser.add_argument("--json")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        place = {**os.environ, "TORCH2TRT_CACHE": str(Path(folder) / "cache")}
        place.pop("TORCH2TRT_CACHE_LIMIT", None)
        file = str(Path(folder) / "resnet50.trt")
        subprocess.run([sys.executable, "-c", FIRST, file], env=place, check=True)
        rows = []
        for _ in range(options.processes):
            told = subprocess.run([sys.executable, "-c", NEXT, file], env=place, check=True, stdout=subprocess.PIPE)
            rows.append(json.loads(told.stdout.splitlines()[-1]))
            rows[-1]["load_to_first_result_s"] = round(rows[-1]["load_s"] + rows[-1]["first_call_s"], 3)
            print(rows[-1], flush=True)
    record(options.json, rows)


if __name__ == "__main__":
    main()
