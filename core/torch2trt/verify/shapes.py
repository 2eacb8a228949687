"""The cases that ``verify=True`` tries: the smallest, the usual and the largest shapes, of each profile."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from typing import Any

import torch

from ..capture.inputs import Example
from ..errors import VerificationWarning, warn
from ..program.arguments import arguments_of, random_tensor
from ..program.leaves import TensorSpec
from ..program.profiles import in_profiles
from ..program.program import Program
from ..program.signature import Signature
from .case import Case, tensors_of


def cases_of(model: Any, program: Program, example: Example, inputs: Any = None) -> list[Case]:
    """The cases for a model.

    Where the user's own example tensors have a case's shape they are taken.  All others are random: like them in dtype
    and range, or normally distributed for an ``Input``, whose integers and bools are 0.  What the model itself refuses
    is no case, and told by a warning.  Where the model writes buffers, every case begins with those that it has, and a
    last one with those that the case before leaves.

    Args:
        model: what is converted.
        program: the captured program.
        example: the example inputs of the conversion.
        inputs: inputs of the user's for a case more, as ``compare`` takes them.

    Raises:
        InputError: ``inputs`` do not fit.
    """
    assert program.signature is not None
    signature, state = program.signature, program.buffers
    given = () if inputs is None else tensors_of(model, inputs)
    cases = [Case(model, signature, *given, "the given inputs", state)] if given else []
    tried: list[list[tuple[int, ...]]] = []
    kinds = enumerate(("smallest", "usual", "largest"))
    for (profile, specs), (index, name) in itertools.product(enumerate(in_profiles(_given(signature))), kinds):
        shapes = [tuple(limits[index] for limits in spec.ranges) for spec in specs]
        if shapes in tried:
            continue
        tried.append(shapes)
        where = f"{f'profile {profile}:' if profile else 'the'} {name} shapes {', '.join(map(str, shapes))}"
        try:
            case = Case(model, signature, *_inputs(signature, example, shapes), where, state)
        except Exception as error:  # whatever the model raises
            warn(
                f"not held against PyTorch at {where}: the model itself fails with {type(error).__name__}: {error}",
                VerificationWarning,
            )
            continue
        cases.append(case)
    return [*cases, cases[-1].again(model, signature)] if state and cases else cases


def _given(signature: Signature) -> list[TensorSpec]:
    """What users give of the engine's inputs."""
    own = {buffer.name for buffer in signature.state}
    return [spec for spec in signature.inputs if spec.name not in own]


def _inputs(
    signature: Signature, example: Example, shapes: Sequence[tuple[int, ...]]
) -> tuple[tuple[Any, ...], dict[str, Any]]:
    given = signature.flatten(example.args, example.kwargs)
    places = {leaf.name: index for index, leaf in enumerate(signature.input_leaves)}
    generator = torch.Generator().manual_seed(0)
    tensors = {}
    for spec, shape in zip(_given(signature), shapes, strict=True):
        like, described = given[spec.name], places[spec.name] in example.described
        own = not described and tuple(like.shape) == shape
        tensors[spec.name] = like if own else _random(spec, shape, like, described, generator)
    return arguments_of(signature, tensors)


def _random(
    spec: TensorSpec, shape: tuple[int, ...], example: torch.Tensor, described: bool, generator: torch.Generator
) -> torch.Tensor:
    """A tensor like ``example`` in dtype, device and range."""
    like = example.detach().double().cpu()
    like = like[like.isfinite()]
    if described or spec.values or not like.numel():
        return random_tensor(spec, shape, generator).to(example.device)
    dtype: torch.dtype = getattr(torch, spec.dtype)
    low, high = float(like.min()), float(like.max())
    if not dtype.is_floating_point:
        return torch.randint(int(low), int(high) + 1, shape, generator=generator).to(example.device, dtype)
    normal = torch.randn(shape, generator=generator)
    return (normal * like.std(correction=0) + like.mean()).clamp(low, high).to(example.device, dtype)
