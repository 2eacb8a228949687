"""Parameters that are tensors of tensors, as those of quantized models, opened: a trace sees what they compute."""

from __future__ import annotations

import copy
from typing import Any

import torch
from torch.utils._python_dispatch import is_traceable_wrapper_subclass

from ..errors import CaptureError
from ..program.call import state_of


def opened(model: Any) -> Any:
    """The model; a copy that shares its tensors where some of them are made of others, which are then its own.

    Raises:
        CaptureError: this version of PyTorch cannot open them.
    """
    if not isinstance(model, torch.nn.Module):
        return model
    kinds = {type(tensor) for tensor in state_of(model).values() if bool(is_traceable_wrapper_subclass(tensor))}
    if not kinds:
        return model
    try:
        from torch._functorch._aot_autograd.subclass_parametrization import unwrap_tensor_subclass_parameters
    except ImportError as error:
        names = ", ".join(sorted(kind.__name__ for kind in kinds))
        raise CaptureError(
            f"the model has parameters of the class {names}, which PyTorch {torch.__version__} cannot take apart; "
            "use a newer one, or plain tensors"
        ) from error
    shared: dict[int, Any] = {id(tensor): tensor for tensor in (*model.parameters(), *model.buffers())}
    return unwrap_tensor_subclass_parameters(copy.deepcopy(model, shared))
