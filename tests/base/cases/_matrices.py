"""Matrices to be factored."""

import torch

F32 = (torch.float32,)
#: the first pivot is 0, the largest of its column stands last, and two are equal
PIVOTS = torch.tensor(
    [[[0.0, 2.0, 1.0], [1.0, -1.0, 0.5], [-3.0, 4.0, 2.0]], [[2.0, 1.0, 0.0], [-2.0, 3.0, 1.0], [1, 1, 9]]]
)
#: one of two rows alike, and one whose first rows are zeros
SINGULAR = torch.tensor([[[1.0, 2.0], [2.0, 4.0]], [[0.0, 0.0], [0.0, 3.0]]])
CAMERA = torch.tensor([[500.0, 0.0, 320.0], [0.0, 510.0, 240.0], [0.0, 0.0, 1.0]])


def regular(a, by=4.0):
    """Matrices that can be divided by, in float32 whatever they are given in."""
    return a.float() + by * torch.eye(a.shape[-1])


def definite(a):
    """Positive definite matrices."""
    a = a.float()
    return a @ a.mT + torch.eye(a.shape[-1])
