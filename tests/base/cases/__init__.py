"""The table of torch2trt-ops-base, one file a family."""

import importlib
import pkgutil

CASES = [
    case
    for family in pkgutil.iter_modules(__path__)
    for case in importlib.import_module(f"{__name__}.{family.name}").CASES
]
