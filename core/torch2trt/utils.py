"""What converters import from ``torch2trt.utils``: the names of ``torch2trt.torch2trt``."""

from .torch2trt import *
