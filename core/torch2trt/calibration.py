"""Data sets for calibration, and the calibrator that TensorRT no longer has, where the classic library has them."""

from .classic.dataset import ListDataset as ListDataset
from .classic.dataset import TensorBatchDataset as TensorBatchDataset
from .classic.gone import DEFAULT_CALIBRATION_ALGORITHM as DEFAULT_CALIBRATION_ALGORITHM
from .classic.gone import DatasetCalibrator as DatasetCalibrator
