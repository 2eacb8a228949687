"""The table of torch2trt-ops-transformer, one file a family."""

import importlib
import pkgutil

_families = [importlib.import_module(f"{__name__}.{family.name}") for family in pkgutil.iter_modules(__path__)]
CASES = [case for family in _families for case in family.CASES]
