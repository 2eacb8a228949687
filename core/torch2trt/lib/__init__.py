"""Verbs for converters, named as PyTorch names them: ``lib.add(ctx, input, other)``.

They promote, broadcast and reshape as PyTorch does, so that a converter reads like the formula of its operator.
``elementwise``, ``unary``, ``activation`` and ``reduce`` are TensorRT's layers by their enums, for families of
converters that a factory makes.  The names are listed in ``__init__.pyi``.
"""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
