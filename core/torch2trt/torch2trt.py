"""The module that classic converters star-import; its names are imported when they are first used.

Importing it leaves the name ``torch2trt`` of the package to the function, as in the classic library.
"""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__package__, __file__)
