"""torch2trt: PyTorch models as TensorRT engines, with converters from packs.

The public names are listed in ``__init__.pyi`` and imported when they are first used, so that a process that only loads
and runs an engine never imports the capture or a converter.
"""

import lazy_loader

from . import _trt as _trt  # from here on, "import tensorrt" is whichever TensorRT there is

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)

__version__ = "0.1.0"
