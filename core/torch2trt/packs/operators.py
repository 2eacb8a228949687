"""Custom operators that plugin layers run: the mark that makes one a converter of itself."""

from __future__ import annotations

import functools
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar, overload

import torch

from ..dtypes import why_unsupported
from ..errors import ConversionError, TargetError
from ..plugins.creators import NO_PLUGIN_LAYERS, add_plugin, has_plugin_layers
from ..plugins.operator import Operator
from ..program.call import Call
from .marks import Mark, add_mark

Op = TypeVar("Op")


@dataclass(frozen=True, slots=True)
class RunsAsPlugin:
    """How the converter of an operator runs: it adds a plugin layer."""

    operator: Operator

    def __call__(self, function: Any, ctx: Any, args: Sequence[Any], kwargs: Mapping[str, Any]) -> list[Any]:
        """The tensors of the call's results."""
        from ..plugins.layer import OperatorPlugin
        from ..plugins.sizes import outputs_of

        tensors, attributes = self.operator.split(args, kwargs)
        examples, _ = self.operator.split(ctx.call.args, ctx.call.kwargs)
        plugin = OperatorPlugin(self.operator, attributes, outputs_of(self.operator, examples, attributes))
        layer = add_plugin(ctx.network, [ctx.tensor(tensor) for tensor in tensors], [], plugin)
        return [layer.get_output(index) for index in range(plugin.num_outputs)]

    def why_not(self, call: Call) -> str | None:
        """Why a call of the operator cannot be a plugin layer; None where it can."""
        # what traces operators is imported where one is to be planned
        from ..plugins.sizes import outputs_of

        if not has_plugin_layers():
            return NO_PLUGIN_LAYERS
        if torch.Tag.nondeterministic_seeded in self.operator.overload.tags:
            return "it draws random numbers, and an engine does not keep the state of PyTorch's generator"
        tensors, attributes = self.operator.split(call.args, call.kwargs)
        if reason := self.operator.why_not_attributes(attributes):
            return reason
        try:
            outputs = outputs_of(self.operator, tensors, attributes)
        except ConversionError as error:
            return str(error)
        dtypes = (*outputs.given, *outputs.dtypes)
        # TensorRT has it at the border of a network alone
        narrow = "a plugin layer takes no uint8; cast it" if torch.uint8 in dtypes else None
        return next(filter(None, map(why_unsupported, dtypes)), narrow)


@overload
def plugin(operator: Op) -> Op: ...
@overload
def plugin(*, version: str = "1") -> Callable[[Op], Op]: ...
def plugin(operator: Any = None, *, version: str = "1") -> Any:
    """Mark a custom operator, which becomes a converter of itself; it comes back unchanged.

    Where networks take plugins, in full TensorRT, a call of the operator becomes a plugin layer that runs it: result
    shapes and dtypes are those of its fake kernel, its tensors are TensorRT's memory, and its kernel is queued on
    TensorRT's stream.  Elsewhere the call is declined with the reason, and ``fallback=True`` runs it in PyTorch.

    The pack adds it as any converter, with ``registry.add(module_or_operator)``; its creator is registered with the
    pack's own plugins.

    Args:
        operator: what ``torch.library.custom_op`` or ``triton_op`` made, or an overload such as
            ``torch.ops.mylab.fused.default``.
        version: of the plugin; engines that were built with another one are not loaded with this one.
    """
    if operator is None:
        return functools.partial(plugin, version=version)
    made = getattr(operator, "_opoverload", operator)  # as torch.library's own functions take it
    if not isinstance(made, torch._ops.OpOverload):
        raise TargetError(
            f"@plugin marks a custom operator, and {operator!r} is a {type(operator).__name__}; put it above "
            "@torch.library.custom_op, or give it an overload such as torch.ops.mylab.fused.default"
        )
    if made._schema.is_mutable:
        raise TargetError(f"@plugin: {made} writes to its arguments, which a plugin layer cannot")
    if made is not operator:
        # where it is defined, and on which line; PyTorch notes that nowhere else
        functools.update_wrapper(operator, operator._init_fn)
    runs = RunsAsPlugin(Operator(made, version))
    return add_mark(operator, Mark((made,), invoke=runs, rejects=runs.why_not))


def operators_of(converters: Sequence[Any]) -> list[Operator]:
    """The operators that are converted to plugin layers."""
    return [converter.invoke.operator for converter in converters if isinstance(converter.invoke, RunsAsPlugin)]
