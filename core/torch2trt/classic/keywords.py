"""What the keywords of the classic function mean today: settings, notices, and errors for what is gone."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import Any, Final

import torch

from .._trt import trt
from ..errors import ClassicWarning, InputError, warn
from ..settings import Settings

SETTINGS: Final = tuple(field.name for field in dataclasses.fields(Settings))
#: bytes below which a limit of scratch memory was no limit that a network could be built in
_LEAST_WORKSPACE: Final = 2**20
#: the value of ``trt.Logger.Severity`` from which on TensorRT tells what it does
_INFO: Final = 3


def settings_of(given: Mapping[str, Any]) -> dict[str, Any]:
    """The settings that a call of the classic function asks for.

    Args:
        given: all of its arguments by name.

    Raises:
        InputError: it asks for a device that TensorRT no longer builds for, or for two things that exclude each other.
    """
    _check_devices(given)
    settings = {name: given[name] for name in SETTINGS if name in given}
    if settings.get("refittable"):
        raise InputError(
            "refittable=True is for torch2trt.convert, which plans another model as the first: the classic function's "
            "names and keywords for converters are in no plan"
        )
    if given["use_onnx"]:
        _check_without_plan(settings)
    if given["fp16_mode"]:
        settings.setdefault("precision", torch.float16)
    if given["log_level"] is not None and _number(given["log_level"]) >= _INFO:
        settings.setdefault("verbose", True)
    workspace = given["max_workspace_size"]
    if workspace is not None and workspace < _LEAST_WORKSPACE:
        warn(
            f"max_workspace_size={workspace} is less than a network can be built in, and TensorRT 10 ignored it; "
            "TensorRT's default is used. Leave it out, or give bytes, such as 2**30",
            ClassicWarning,
        )
    elif workspace is not None:
        settings.setdefault("workspace", workspace)
    if given["avg_timing_iterations"] is not None:
        warn(
            "avg_timing_iterations is not applied; set config.avg_timing_iterations in a pack's hook "
            "torch2trt_configure_build",
            ClassicWarning,
        )
    return settings


def _check_without_plan(settings: Mapping[str, Any]) -> None:
    """Refuse what is about the calls of a plan, which a conversion by ONNX has not."""
    if settings.get("verify"):
        raise InputError(
            "verify=True holds the calls of a plan against PyTorch, and use_onnx=True makes none; leave one of them "
            "out, or hold the module against the model with torch2trt.compare"
        )
    if isinstance(settings.get("precision"), str) or settings.get("keep_fp32"):
        raise InputError(
            "precision='mixed' and keep_fp32 decide for the calls of a plan, and use_onnx=True makes none; leave one "
            "of them out"
        )


def _check_devices(given: Mapping[str, Any]) -> None:
    devices = {"default_device_type": given["default_device_type"], "device_types": given["device_types"]}
    for name, value in devices.items():
        wanted = value.values() if isinstance(value, Mapping) else [value]
        if any(one is not None and one == trt.DeviceType.DLA for one in wanted):
            raise InputError(
                f"{name} names a DLA, which TensorRT for RTX and TensorRT 11 have no engines for; "
                "leave it out to build for the GPU"
            )


def _number(severity: Any) -> int:
    return int(getattr(severity, "value", severity))
