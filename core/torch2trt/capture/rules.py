"""PyTorch's decomposition rules, and running them on an exported program."""

from __future__ import annotations

import contextlib
import functools
import inspect
from collections.abc import Callable, Iterator
from typing import Any, Final

import torch
from torch._dispatch.python import enable_python_dispatcher
from torch.export import ExportedProgram, exported_program

from ..errors import PackError
from ..packs.loading import Packs
from ..packs.targets import class_of, original
from .call_by_call import call_by_call

Table = dict[Any, Callable[..., Any]]

_HOOK: Final = "torch2trt_decompositions"
#: operators without a rule that are others where nobody asks for gradients and nothing is written in place
_TRACED: Final = (torch.ops.aten.lift_fresh_copy.default, torch.ops.aten.detach.default)
#: what ``ExportedProgram.run_decompositions`` calls when it has sorted its table
_decompose: Final[Any] = getattr(exported_program, "_decompose_exported_program", None)
#: what it calls last
_CLEANED: Final = "_remove_unnecessary_copy_op_pass"
_ARGUMENTS: Final = ("ep", "cia_to_decomp", "python_decomp_table", "joint_loss_index", "decompose_custom_triton_ops")


def rules_of(packs: Packs) -> Table:
    """PyTorch's default table as the packs have changed it; :class:`PackError` names one that adds no rule."""
    defaults = _default_rules(_registered())
    rules = dict(defaults)
    for pack in packs.implementers(_HOOK):
        packs.call_one(_HOOK, pack.name, table=rules)
        for key in set(rules) - set(defaults):  # sets of dicts take over the hashes, which operators compute in Python
            if reason := _why_no_key(key):
                raise PackError(f"pack {pack}: its hook {_HOOK} has a rule for {reason}")
    return rules


def _why_no_key(key: Any) -> str | None:
    if not callable(key):
        return f"{key!r}, which is no operator and no function; a key is an object (torch.ops.aten.relu.default)"
    if inspect.isfunction(key) and "." in key.__qualname__ and class_of(original(key)) is None:
        return f"{key.__qualname__}, which is in no class of a module; a method is given as MyModule.forward"
    return None


def run_rules(exported: ExportedProgram, rules: Table) -> ExportedProgram:
    """``exported`` with every call of an operator in ``rules`` taken apart by its rule, all others whole.

    The same as ``exported.run_decompositions(rules)``.  That registers a rule for each of some 500 composite operators,
    although for most it is the one that the operator has anyway, which takes longer than tracing a small model.  So
    this registers only the others, where this version of PyTorch has the function that does so.
    """
    if _decompose is None or tuple(inspect.signature(_decompose).parameters) != _ARGUMENTS:
        with _keeping_copies():
            return exported.run_decompositions(rules)  # type: ignore[no-any-return]  # PyTorch does not type it
    sorted_rules = _Sorted(rules)
    result = call_by_call(exported, sorted_rules.apart, sorted_rules.in_force)
    if result is not None:
        return result
    with _keeping_copies():
        result = _decompose(
            exported,
            cia_to_decomp=sorted_rules.of_composite,
            python_decomp_table=sorted_rules.of_others,
            joint_loss_index=None,
            decompose_custom_triton_ops=False,
        )
    assert isinstance(result, ExportedProgram)
    return result


class _Sorted:
    """Rules as PyTorch wants them: sorted when they are asked for, since most small programs need none."""

    def __init__(self, rules: Table) -> None:
        self._rules = rules

    def apart(self, overload: Any) -> bool:
        """Whether calls of an operator are taken apart."""
        return (
            overload in self._rules
            or overload in _TRACED
            or (_is_composite(overload) and overload not in self._composite)
        )

    @functools.cached_property
    def _registered(self) -> int:
        return _registered()

    @functools.cached_property
    def _composite(self) -> frozenset[Any]:
        return _composite(self._registered)

    @functools.cached_property
    def of_composite(self) -> Table:
        """Of composite operators, where they are not PyTorch's own."""
        rules, defaults = self._rules, _default_rules(self._registered)
        stay_whole: Table = {overload: _stay_whole for overload in self._composite if overload not in rules}
        changed = {o: rule for o, rule in rules.items() if o in self._composite and rule is not defaults.get(o)}
        return {**stay_whole, **changed}

    @functools.cached_property
    def of_others(self) -> Table:
        """Of all other operators."""
        return {overload: rule for overload, rule in self._rules.items() if overload not in self._composite}

    @contextlib.contextmanager
    def in_force(self) -> Iterator[Table]:
        """Trace composite operators by their rules, those that others call too, and none by what a device makes of it.

        Gives the rules of all others, which a trace takes as its argument.
        """
        from torch.export._trace import _ignore_backend_decomps
        from torch.export.exported_program import _override_composite_implicit_decomp

        composite = _override_composite_implicit_decomp(self.of_composite)
        with enable_python_dispatcher(), _ignore_backend_decomps(), composite:
            yield self.of_others


def _is_composite(overload: torch._ops.OpOverload) -> bool:
    return torch._C._dispatch_has_kernel_for_dispatch_key(overload.name(), "CompositeImplicitAutograd")


@contextlib.contextmanager
def _keeping_copies() -> Iterator[None]:
    """Leave what is copied into a buffer a copy.

    PyTorch puts its source in its place wherever the buffer is read afterwards, of whatever dtype and shape that is.
    """
    cleaned = getattr(exported_program, _CLEANED, None)
    if cleaned is None:
        yield
        return
    setattr(exported_program, _CLEANED, lambda graph_module, signature: (graph_module, signature))
    try:
        yield
    finally:
        setattr(exported_program, _CLEANED, cleaned)


def _stay_whole(*args: Any, **kwargs: Any) -> Any:
    return NotImplemented


def _registered() -> int:
    return len(torch._C._dispatch_get_all_op_names())


@functools.lru_cache(maxsize=1)
def _default_rules(registered: int) -> Table:
    """PyTorch's rules while ``registered`` operators exist; its own table looks all of them up whenever it is read."""
    return dict(torch.export.default_decompositions().items())


@functools.lru_cache(maxsize=1)
def _composite(registered: int) -> frozenset[Any]:
    """The operators that PyTorch makes of others by itself (CompositeImplicitAutograd) and that export can keep."""
    from torch._export.utils import _collect_all_valid_cia_ops

    return frozenset(_collect_all_valid_cia_ops())
