"""Trying a decoder before it is converted: models exist that take caches of a fixed size and compute something else."""

from __future__ import annotations

from typing import Final

import torch
from torch2trt import CaptureError

from .decoder import Decoder

#: how long the text is that is tried
_TOKENS: Final = 16
#: of the largest logit
_TOLERANCES: Final = {torch.float32: 1e-3}
_HALF: Final = 5e-2


def check_caches(decoder: Decoder) -> None:
    """Let the model read a text at once and, with these caches, in two parts; both must give the same logits.

    Raises:
        CaptureError: they do not.
    """
    model, buffers = decoder.model, [buffer for pair in decoder.pairs() for buffer in pair]
    cache = buffers[0]
    rows, length = min(2, cache.shape[0]), min(_TOKENS, cache.shape[2])
    generator = torch.Generator().manual_seed(0)
    vocabulary = model.config.get_text_config().vocab_size
    ids = torch.randint(vocabulary, (rows, length), generator=generator).to(cache.device)
    mask = torch.ones(rows, length, dtype=torch.int64, device=cache.device)
    mask[1:, 0] = 0  # padding on the left
    positions = (mask.cumsum(-1) - 1).clamp(min=0)
    given = {"attention_mask": mask, "use_cache": False, "return_dict": True}
    if decoder.takes_positions:
        given["position_ids"] = positions
    with torch.no_grad():
        whole = model(input_ids=ids, **given).logits[:, -1].float()
        for part in (slice(0, length - 1), slice(length - 1, length)):
            seen = torch.nn.functional.pad(mask[:, : part.stop], (0, cache.shape[2] - part.stop))
            start = torch.tensor([part.start], device=cache.device)
            last = decoder(ids[:, part], seen, positions[:, part], start)[:, -1].float()
        for buffer in buffers:
            buffer.zero_()
    error, largest = (last - whole).abs().max(), whole.abs().max()
    if not error <= _TOLERANCES.get(cache.dtype, _HALF) * largest:  # NaN is no agreement
        raise CaptureError(
            f"{type(model).__name__} computes something else where its caches have a fixed size: logits differ by "
            f"{float(error):.2g}, of at most {float(largest):.2g}; such a model cannot generate with an engine"
        )
