"""Functions that take the settings of a conversion as keywords, and answer a keyword that is none."""

from __future__ import annotations

import dataclasses
import functools
import inspect
from collections.abc import Callable
from typing import Final, ParamSpec, TypeVar

from .errors import did_you_mean
from .settings import Settings

P = ParamSpec("P")
R = TypeVar("R")

#: what other converters call it
_ELSEWHERE: Final = {
    **dict.fromkeys(("fp16", "half", "fp16_mode", "use_fp16"), "precision=torch.float16"),
    **dict.fromkeys(("bf16", "bf16_mode", "bfloat16"), "precision=torch.bfloat16"),
    **dict.fromkeys(("enabled_precisions", "dtype", "precisions"), "precision=torch.float16, or another dtype"),
    **dict.fromkeys(("autocast", "enable_autocast", "amp"), "precision='mixed'"),
    **dict.fromkeys(("truncate_double", "truncate_long_and_double"), "float64='float32', which is the default"),
    **dict.fromkeys(("workspace_size", "max_workspace_size"), "workspace=2**30, in bytes"),
    **dict.fromkeys(("min_shapes", "max_shapes", "max_batch_size", "dynamic_axes"), "inputs=[Input(min=..., max=...)]"),
    **dict.fromkeys(("enable_weight_streaming", "weight_streaming_budget"), "weight_streaming=2**30, in bytes"),
    **dict.fromkeys(("refit", "make_refittable", "immutable_weights"), "refittable=True"),
    "dynamic_shapes_kernel_specialization_strategy": "kernel_specialization='lazy', 'eager' or 'none'",
    "min_block_size": "min_segment=3, the calls of an engine that pays, with fallback=True",
    "require_full_compilation": "fallback=False, which is the default",
    **dict.fromkeys(("torch_executed_ops", "torch_executed_modules"), "fallback=True and run_in_torch=[...]"),
    **dict.fromkeys(("example_inputs", "arg_inputs", "args", "sample_inputs"), "inputs=[...]"),
}
#: how close a keyword must be to a known one to be that, mistyped, where others are passed on
_TYPO: Final = 0.85


def takes_settings(function: Callable[P, R]) -> Callable[P, R]:
    """Show a function's ``**settings`` as what they are, keywords with types and defaults, and answer a typo.

    ``**settings: Unpack[SettingsKeywords]`` says the same to type checkers.
    """
    return _showing_settings(function, passes_others=False)


def takes_settings_and_others(function: Callable[P, R]) -> Callable[P, R]:
    """The same for a function that passes keywords on which it does not know itself; a close typo is none of them."""
    return _showing_settings(function, passes_others=True)


def _showing_settings(function: Callable[P, R], passes_others: bool) -> Callable[P, R]:
    given = inspect.signature(function)
    named = [p for p in given.parameters.values() if p.kind is not inspect.Parameter.VAR_KEYWORD]
    rest = [p for p in given.parameters.values() if p not in named] if passes_others else []
    known = [*(p.name for p in named), *(f.name for f in dataclasses.fields(Settings))]

    @functools.wraps(function)
    def checked(*args: P.args, **kwargs: P.kwargs) -> R:
        for name in kwargs:
            elsewhere = _ELSEWHERE.get(name)
            if name in known or (passes_others and not elsewhere and not did_you_mean(name, known, _TYPO)):
                continue
            cure = f"; say {elsewhere}" if elsewhere else did_you_mean(name, known)
            cure = cure or f"; it takes {', '.join(known)}"
            raise TypeError(f"{function.__name__}() has no argument {name!r}{cure}")
        return function(*args, **kwargs)

    checked.__signature__ = given.replace(  # type: ignore[attr-defined]  # every function may have it
        parameters=[
            *named,
            *(
                inspect.Parameter(f.name, inspect.Parameter.KEYWORD_ONLY, default=f.default, annotation=f.type)
                for f in dataclasses.fields(Settings)
            ),
            *rest,
        ]
    )
    return checked
