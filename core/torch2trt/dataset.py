"""Data sets where the classic library has them."""

from .classic.dataset import Dataset as Dataset
from .classic.dataset import DatasetRecorder as DatasetRecorder
from .classic.dataset import FolderDataset as FolderDataset
from .classic.dataset import ListDataset as ListDataset
from .classic.dataset import TensorBatchDataset as TensorBatchDataset
