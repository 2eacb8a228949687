"""Converted modules behind servers: named tensors in, named tensors out, the requests of many clients in one call."""

from .served import Served
from .tensors import Interface, Tensor, interface_of

__all__ = ["Interface", "Served", "Tensor", "interface_of"]
