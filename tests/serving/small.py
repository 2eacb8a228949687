"""A small model for servers whose processes make it themselves."""

import warnings

import torch
import torch2trt


def model():
    torch.manual_seed(0)
    return torch.nn.Sequential(torch.nn.Linear(4, 8), torch.nn.GELU(), torch.nn.Linear(8, 3)).eval()


def module():
    """The converted module, on the interpreter."""
    warnings.simplefilter("ignore", torch2trt.ReferenceRuntimeWarning)
    x = torch2trt.Input(min=(1, 4), opt=(4, 4), max=(32, 4))
    return torch2trt.convert(model(), {"input": x}, runtime="reference", build=False)
