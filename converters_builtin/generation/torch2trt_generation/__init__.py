"""Text generation with engines: models of transformers, whose ``generate`` does the work."""

from .causal_lm import CausalLM
from .conversion import convert_causal_lm, convert_seq2seq_lm
from .seq2seq_lm import Seq2SeqLM, WhisperLM

__all__ = ["CausalLM", "Seq2SeqLM", "WhisperLM", "convert_causal_lm", "convert_seq2seq_lm"]
