"""``Flattener`` where the classic library has it."""

from .classic.flattener import Flattener as Flattener
