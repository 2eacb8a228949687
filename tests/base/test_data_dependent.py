"""What full TensorRT alone can run: results whose size depends on data.  The networks are evaluated as they are."""

import pytest
import torch
from torch2trt import _trt, convert

MASK = torch.tensor([[True, False, True, False], [False, False, True, True], [True, True, False, False]])
X = torch.arange(12.0).reshape(3, 4)
CALLS = {
    "nonzero": (torch.nonzero, MASK),
    "nonzero_int": (torch.nonzero, X.to(torch.int64)),
    "nonzero_tuple": (lambda x: torch.nonzero(x, as_tuple=True), MASK),
    "argwhere": (torch.argwhere, MASK),
    "index": (lambda x, mask: x[mask], X, MASK),
    "index_rows": (lambda x, mask: x[mask], X, MASK[:, 0].contiguous()),
    "index_columns": (lambda x, mask: x[:, mask] * 2, X, MASK[1].clone()),
    "index_mixed": (lambda x, mask: x[mask, torch.tensor(1)], X, MASK[:, 0].contiguous()),
    "masked_select": (torch.masked_select, X, MASK),
    "masked_select_broadcast": (torch.masked_select, X, MASK[1].clone()),
    "compared": (lambda x: x[x > 4].sum(), X),
}


@pytest.fixture(autouse=True)
def full_tensorrt(monkeypatch):
    if _trt.FLAVOR is None:
        pytest.skip("needs TensorRT")
    monkeypatch.setattr(_trt, "FLAVOR", "tensorrt")
    monkeypatch.setattr(_trt, "version", lambda: "10.13")


@pytest.mark.parametrize("call", CALLS.values(), ids=CALLS)
def test_evaluated(call):
    function, *inputs = call
    # a module of its own: a built-in function has no signature to name inputs after
    converted = convert(lambda *args: function(*args), inputs, build=False, runtime="reference")
    torch.testing.assert_close(converted(*inputs), function(*inputs))
