"""What all tests share."""

import pytest
import torch


@pytest.fixture(autouse=True)
def seed():
    """Every test sees the same random numbers."""
    torch.manual_seed(0)
