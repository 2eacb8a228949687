"""The tables of torch2trt-ops-quantization, one for each module of the pack that has converters."""

import importlib
import pkgutil

_names = [module.name for module in pkgutil.iter_modules(__path__) if not module.name.startswith("_")]
TABLES = {name: importlib.import_module(f"{__name__}.{name}").CASES for name in _names}
CASES = [case for table in TABLES.values() for case in table]
