"""Why rows are known to fail with versions of PyTorch before 2.14; empty with later ones."""

import torch

_EARLIER = torch.__version__ < "2.14"  # compared as versions
GENERATORS = "PyTorch cannot trace a generator; test_random.py tests what is said of it" if _EARLIER else ""
POINTWISE = "PyTorch runs pointwise scans on GPUs alone, and the rows are compared on the CPU" if _EARLIER else ""
