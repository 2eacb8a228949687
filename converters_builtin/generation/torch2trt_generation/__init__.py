"""Text generation with engines: decoders of transformers, whose ``generate`` does the work."""

from .causal_lm import CausalLM
from .conversion import convert_causal_lm

__all__ = ["CausalLM", "convert_causal_lm"]
