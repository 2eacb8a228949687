"""The names of the test kit; they are imported when first used (see ``__init__.py``)."""

from .case import Case as Case
from .case import Sample as Sample
from .case import b8 as b8
from .case import c64 as c64
from .case import f32 as f32
from .case import i32 as i32
from .case import i64 as i64
from .case import parametrize as parametrize
from .check import check_converter as check_converter
from .check import check_network as check_network
from .check import check_pack as check_pack
