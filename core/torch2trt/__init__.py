"""torch2trt: PyTorch models as TensorRT engines, with converters from packs.

The public names are listed in ``__init__.pyi`` and imported when they are first used, so that a process that only loads
and runs an engine never imports the capture or a converter.
"""

from typing import Any

import lazy_loader

from . import _trt as _trt  # from here on, "import tensorrt" is whichever TensorRT there is
from . import torch2trt as _classic

# the import has put the module of this name in the place of the function, which is found below
del globals()["torch2trt"]

_public, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)

__version__ = "0.1.0"


def __getattr__(name: str) -> Any:
    """The public names, and beside them what NVIDIA's package had."""
    try:
        return _public(name)
    except AttributeError:
        if name not in _classic.__all__:
            raise
        return getattr(_classic, name)
