"""``TRTModule`` where the classic library has it."""

from .classic.state import classic_state_dict as classic_state_dict
from .runtime.module import TRTModule as TRTModule
