import pytest
from torch2trt.testing import check_pack, parametrize

from .cases import CASES

#: PyTorch runs these on CUDA only; test_fused_attention.py exports them without running them
ON_CUDA = "PyTorch has this kernel on CUDA only"


@pytest.mark.filterwarnings("ignore:LSTM with projections is not supported with oneDNN")
@parametrize(CASES)
def test_converter(check):
    check()


def test_pack():
    check_pack(
        "torch2trt_ops_transformer",
        CASES,
        without_case={
            "aten._scaled_dot_product_flash_attention.default": ON_CUDA,
            "aten._scaled_dot_product_efficient_attention.default": ON_CUDA,
            "aten._scaled_dot_product_cudnn_attention.default": ON_CUDA,
            "aten._scaled_dot_product_fused_attention_overrideable.default": ON_CUDA,
        },
    )
