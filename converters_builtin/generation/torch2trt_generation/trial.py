"""Trying a decoder before it is converted: models exist that take caches of a fixed size and compute something else."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

import torch
from torch2trt import CaptureError

from .decoder import Decoder

#: how long the text is that is tried
_TOKENS: Final = 16
#: of the largest logit
_TOLERANCES: Final = {torch.float32: 1e-3}
_HALF: Final = 5e-2


def check_caches(decoder: Decoder, length: int, read: Sequence[torch.Tensor] = (), **source: Any) -> None:
    """Let the model read a text at once and, with these caches, in parts; both must give the same logits.

    Args:
        decoder: the model with its caches.
        length: how many tokens they have room for.
        read: what an encoder has read, two rows or one, as the decoder takes it.
        source: the same as the model takes it.

    Raises:
        CaptureError: they do not.
    """
    model, buffers = decoder.model, list(decoder.buffers(recurse=False))
    tokens, rows = min(_TOKENS, length), min(2, buffers[0].shape[1], *map(len, read))
    generator = torch.Generator().manual_seed(0)
    vocabulary = model.config.get_text_config().vocab_size
    ids = torch.randint(vocabulary, (rows, tokens), generator=generator).to(model.device)
    mask = torch.ones(rows, tokens, dtype=torch.int64, device=model.device)
    mask[1:, 0] = 0  # padding on the left
    positions = (mask.cumsum(-1) - 1).clamp(min=0)
    ends = [*(range(1, tokens) if decoder.is_recurrent else [tokens - 1]), tokens]
    with torch.no_grad():
        whole = decoder.whole(ids, mask, positions, **source).float()
        for begin, end in zip([0, *ends], ends, strict=False):
            seen = torch.nn.functional.pad(mask[:, :end], (0, length - end))
            start = torch.tensor([begin], device=model.device)
            last = decoder(ids[:, begin:end], seen, positions[:, begin:end], start, *read).float()
        for buffer in buffers:
            buffer.zero_()
    error, largest = (last - whole).abs().max(), whole.abs().max()
    if not error <= _TOLERANCES.get(buffers[0].dtype, _HALF) * largest:  # NaN is no agreement
        where = "it reads a text token by token" if decoder.is_recurrent else "its caches have a fixed size"
        raise CaptureError(
            f"{type(model).__name__} computes something else where {where}: logits differ by "
            f"{float(error):.2g}, of at most {float(largest):.2g}; such a model cannot generate with an engine"
        )
