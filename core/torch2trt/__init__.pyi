"""The public names; they are imported when first used (see ``__init__.py``)."""

from . import lib as lib
from ._trt import trt as trt
from .api import convert as convert
from .api import explain as explain
from .capture.inputs import Input as Input
from .classic.context import ConversionContext as ConversionContext
from .classic.converters import CONVERTERS as CONVERTERS
from .classic.converters import tensorrt_converter as tensorrt_converter
from .classic.helpers import add_missing_trt_tensors as add_missing_trt_tensors
from .classic.helpers import broadcast_trt_tensors as broadcast_trt_tensors
from .classic.helpers import get_arg as get_arg
from .classic.helpers import torch_dim_to_trt_axes as torch_dim_to_trt_axes
from .classic.helpers import trt_ as trt_
from .classic.torch2trt import torch2trt as torch2trt
from .errors import BuildError as BuildError
from .errors import CaptureError as CaptureError
from .errors import ConversionError as ConversionError
from .errors import ConverterConflictWarning as ConverterConflictWarning
from .errors import EngineError as EngineError
from .errors import InputError as InputError
from .errors import PackError as PackError
from .errors import ReferenceRuntimeWarning as ReferenceRuntimeWarning
from .errors import TargetError as TargetError
from .errors import TensorRTNotFoundError as TensorRTNotFoundError
from .errors import Torch2TRTError as Torch2TRTError
from .errors import UnsupportedError as UnsupportedError
from .errors import VerificationError as VerificationError
from .errors import VerificationWarning as VerificationWarning
from .network.context import Context as Context
from .packs.converters import Converter as Converter
from .packs.hookspecs import hookimpl as hookimpl
from .packs.loading import Packs as Packs
from .packs.marks import converter as converter
from .packs.registry import PackRegistry as PackRegistry
from .plan.plan import Plan as Plan
from .program.call import Call as Call
from .program.call import Target as Target
from .program.program import Program as Program
from .runtime.load import load as load
from .runtime.module import TRTModule as TRTModule
from .settings import Settings as Settings
from .verify.compare import compare as compare
from .verify.report import Comparison as Comparison

__version__: str
