"""What errors of PyTorch that do not speak of the model mean for it."""

from __future__ import annotations

import traceback

from .sources import is_users, place_of

#: what follows in a message when a graph was traced again: the node, the user's lines and advice
_EXECUTING = "\n\nWhile executing "


def failed_assertion(error: Exception) -> str:
    """Where in the model, and what to do, where an assertion of PyTorch's own failed; empty for other errors."""
    frames = traceback.extract_tb(error.__traceback__)
    if not isinstance(error, AssertionError) or not frames or is_users(frames[-1].filename):
        return ""
    said = str(error).partition(_EXECUTING)[0].strip() or f"assert {frames[-1].line}"
    return (
        f"an assertion inside of PyTorch fails{place_of(error)}: {said}. Most are about sizes: give them as static, "
        "without dynamic_shapes; or convert the submodules that do without this call"
    )


def fault_inside(text: str) -> str:
    """What a function that an operator runs may not do and does, by PyTorch's error; empty where it is something else.

    PyTorch 2.11 finds it while it traces, later versions when they take the program apart.
    """
    if "aliasing the input" in text or "do not support aliasing" in text:
        return (
            "a function that torch.cond or a loop runs returns an operand, a view of one, or one tensor twice; "
            "let it return copies, with clone()"
        )
    if "is not functional" in text or "do not support input mutation" in text:
        return (
            "a function that torch.cond or a loop runs changes a tensor in place; let it return a new tensor instead"
            + (f" ({text})" if "is not functional" in text else "")
        )
    return ""
