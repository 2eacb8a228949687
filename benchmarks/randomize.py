"""Weights for models that are compared: random, with no layer that multiplies by zero."""

import torch


def randomize(model: torch.nn.Module, seed: int = 0) -> torch.nn.Module:
    """Give every parameter and running statistic of ``model`` a value that keeps activations in range.

    torchvision's models begin with zero heads and identity norms; a comparison of those would be 0 == 0.
    """
    generator = torch.Generator().manual_seed(seed)
    for name, tensor in [*model.named_parameters(), *model.named_buffers()]:
        if not tensor.is_floating_point():
            continue
        random = torch.randn(tensor.shape, generator=generator)
        if name.endswith("running_var"):
            random = random.abs() + 0.5
        elif tensor.dim() > 1:
            random *= (2 / tensor[0].numel()) ** 0.5
        elif name.endswith("weight"):
            random = random.abs() * 0.5 + 0.5
        else:
            random *= 0.1
        with torch.no_grad():
            tensor.copy_(random)
    return model.eval()
