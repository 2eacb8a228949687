"""Data sets of inputs: for the shapes of a conversion and for calibration."""

from __future__ import annotations

import os
from collections.abc import Iterable, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any

import torch

from .flattener import Flattener

Shape = tuple[int, ...]


class Dataset:
    """Items, each the inputs of one call; subclasses have ``__len__``, ``__getitem__`` and ``insert``."""

    def __len__(self) -> int:
        raise NotImplementedError

    def __getitem__(self, index: int) -> Any:
        raise NotImplementedError

    def insert(self, item: Any) -> None:
        """Add an item."""
        raise NotImplementedError

    def record(self, module: torch.nn.Module) -> DatasetRecorder:
        """A context in which the inputs of every call of ``module`` are inserted."""
        return DatasetRecorder(self, module)

    def shapes(self, flat: bool = False) -> list[Any]:
        """For each item the shapes of its tensors, nested as the item is or in a flat list."""
        flattener = self._flattener()
        every = [[tuple(tensor.shape) for tensor in flattener.flatten(self[index])] for index in range(len(self))]
        return every if flat else [flattener.unflatten(shapes) for shapes in every]

    def min_shapes(self, flat: bool = False) -> Any:
        """For each tensor its smallest size in each dimension."""
        return self._reduced(min, flat)

    def max_shapes(self, flat: bool = False) -> Any:
        """For each tensor its largest size in each dimension."""
        return self._reduced(max, flat)

    def median_numel_shapes(self, flat: bool = False) -> Any:
        """For each tensor the shape of the item that is in the middle by number of elements."""
        middle = [sorted(one, key=lambda shape: torch.Size(shape).numel())[len(one) // 2] for one in self._by_tensor()]
        return middle if flat else self._flattener().unflatten(middle)

    def infer_dynamic_axes(self, flat: bool = False) -> Any:
        """For each tensor the dimensions that differ between items."""
        axes = [
            [i for i, sizes in enumerate(zip(*one, strict=True)) if len(set(sizes)) > 1] for one in self._by_tensor()
        ]
        return axes if flat else self._flattener().unflatten(axes)

    def _reduced(self, function: Any, flat: bool) -> Any:
        shapes: list[Any] = [tuple(map(function, zip(*one, strict=True))) for one in self._by_tensor()]
        return shapes if flat else self._flattener().unflatten(shapes)

    def _by_tensor(self) -> list[tuple[Shape, ...]]:
        return list(zip(*self.shapes(flat=True), strict=True))

    def _flattener(self) -> Flattener:
        return Flattener.from_value(self[0], lambda value: isinstance(value, torch.Tensor))


class DatasetRecorder:
    """Inserts the inputs of every call of a module into a data set, while the context lasts."""

    def __init__(self, dataset: Dataset, module: torch.nn.Module) -> None:
        self.dataset, self.module = dataset, module
        self._handle: torch.utils.hooks.RemovableHandle | None = None

    def __enter__(self) -> DatasetRecorder:
        self._handle = self.module.register_forward_pre_hook(lambda module, inputs: self.dataset.insert(inputs))
        return self

    def __exit__(self, kind: type[BaseException] | None, value: BaseException | None, tb: TracebackType | None) -> None:
        if self._handle is not None:
            self._handle.remove()


class ListDataset(Dataset):
    """Items in a list."""

    def __init__(self, items: Iterable[Any] | None = None) -> None:
        self.items = list(items or ())

    def __len__(self) -> int:
        return len(self.items)

    def __getitem__(self, index: int) -> Any:
        return self.items[index]

    def insert(self, item: Any) -> None:
        """Add an item."""
        self.items.append(item)


class TensorBatchDataset(Dataset):
    """The rows of tensors: item ``i`` is a batch of one, ``[t[i : i + 1] for t in tensors]``."""

    def __init__(self, tensors: Sequence[torch.Tensor] | None = None) -> None:
        self.tensors = None if tensors is None else tuple(tensors)

    def __len__(self) -> int:
        return 0 if self.tensors is None else len(self.tensors[0])

    def __getitem__(self, index: int) -> list[torch.Tensor]:
        if self.tensors is None or not 0 <= index < len(self):
            raise IndexError(f"the data set has {len(self)} items, not one at {index}")
        return [tensor[index : index + 1] for tensor in self.tensors]

    def insert(self, item: Sequence[torch.Tensor]) -> None:
        """Add the rows of tensors."""
        if self.tensors is None:
            self.tensors = tuple(item)
            return
        if len(item) != len(self.tensors):
            raise ValueError(f"{len(item)} tensors for a data set of {len(self.tensors)}")
        self.tensors = tuple(torch.cat(pair) for pair in zip(self.tensors, item, strict=True))


class FolderDataset(Dataset):
    """Items in files ``0.pt``, ``1.pt``, … of a folder, which is made where it is not there."""

    def __init__(self, folder: str | os.PathLike[str]) -> None:
        self.folder = Path(folder)
        self.folder.mkdir(parents=True, exist_ok=True)

    def __len__(self) -> int:
        return sum(1 for _ in self.folder.glob("*.pt"))

    def __getitem__(self, index: int) -> Any:
        path = self.folder / f"{index}.pt"
        if not path.is_file():
            raise IndexError(f"the data set in {self.folder} has no item {index}")
        return torch.load(path)

    def insert(self, item: Any) -> None:
        """Write an item to the next file."""
        torch.save(item, self.folder / f"{len(self)}.pt")
