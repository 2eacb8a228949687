"""What the classic library's own module imported, which its star import gave too."""

import numpy as np
import torch
import torch.nn.functional as F  # noqa: N812
from torch import nn

__all__ = ["F", "nn", "np", "torch"]
