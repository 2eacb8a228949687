"""The public names; they are imported when first used (see ``__init__.py``)."""

from . import lib as lib
from ._trt import trt as trt
from .api import convert as convert
from .api import explain as explain
from .call import Call as Call
from .classic import ConversionContext as ConversionContext
from .classic import add_missing_trt_tensors as add_missing_trt_tensors
from .classic import broadcast_trt_tensors as broadcast_trt_tensors
from .classic import get_arg as get_arg
from .classic import tensorrt_converter as tensorrt_converter
from .classic import torch2trt as torch2trt
from .classic import torch_dim_to_trt_axes as torch_dim_to_trt_axes
from .classic import trt_ as trt_
from .context import Context as Context
from .converters import Converter as Converter
from .converters import converter as converter
from .errors import BuildError as BuildError
from .errors import CaptureError as CaptureError
from .errors import ConversionError as ConversionError
from .errors import ConverterConflictWarning as ConverterConflictWarning
from .errors import EngineError as EngineError
from .errors import InputError as InputError
from .errors import PackError as PackError
from .errors import RuntimeNotice as RuntimeNotice
from .errors import TargetError as TargetError
from .errors import TensorRTNotFoundError as TensorRTNotFoundError
from .errors import Torch2TRTError as Torch2TRTError
from .errors import UnsupportedError as UnsupportedError
from .hookspecs import hookimpl as hookimpl
from .inputs import Input as Input
from .packs import Packs as Packs
from .plan import Plan as Plan
from .registry import PackRegistry as PackRegistry
from .runtime import TRTModule as TRTModule
from .runtime import load as load
from .settings import Settings as Settings
from .user import CONVERTERS as CONVERTERS

__version__: str
