"""Operators that TensorRT cannot express as they are meant, so that the plan gives the reason."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from torch2trt import Context, ConversionError, converter, trt

from .random_numbers import WITHOUT_GENERATOR

_RANDOM = "how many numbers it draws for one depends on what they are; draw these outside and pass them in"
_DATA_DEPENDENT = "the size of the result depends on the values of the input"
_COMPLEX = "a call before or after this one has no rule for complex numbers"
_LENGTH = "a Fourier transform needs static lengths, each of up to 2048 or the product of two such"


def _declined(reason: str, *targets: str) -> Callable[..., trt.ITensor]:
    def convert(ctx: Context, *args: Any, **kwargs: Any) -> trt.ITensor:
        """Declined, whatever the arguments are."""
        raise ConversionError(reason)

    return converter(*targets, rejects=lambda: reason)(convert)


random = _declined(
    _RANDOM,
    "aten.poisson.default",
    "aten.binomial.default",
    "aten._standard_gamma.default",
    "aten._sample_dirichlet.default",
)
seeded = _declined(
    WITHOUT_GENERATOR,
    "aten.rand.generator",
    "aten.randn.generator",
    "aten.randint.generator",
    "aten.randint.low_generator",
    "aten.randperm.generator",
)
renormalized = _declined("max_norm changes the weight when it is called", "aten.embedding_renorm.default")
data_dependent = _declined(
    _DATA_DEPENDENT, "aten.bincount.default", "aten._unique2.default", "aten.unique_consecutive.default"
)
mode = _declined("TensorRT cannot count how often a value occurs", "aten.mode.default")
# what is left of them where complex_numbers.py and fourier.py have rewritten all that they have rules for
complex_ = _declined(_COMPLEX, "aten.view_as_complex.default", "aten.view_as_real.default", "aten.complex.default")
fourier = _declined(_LENGTH, "aten._fft_r2c.default", "aten._fft_c2r.default", "aten._fft_c2c.default")

iterated = _declined(
    "singular values, eigenvalues and what is made of them come of iterations, whose number depends on the values; "
    "compute them outside and pass them in",
    "aten._linalg_svd.default",
    "aten._linalg_eigh.default",
    "aten.linalg_pinv.atol_rtol_tensor",
    "aten.linalg_matrix_exp.default",
)
orthogonal = _declined(
    "of the factors of a matrix, LU and Cholesky's are worked out, orthogonal ones are not",
    "aten.linalg_qr.default",
    "aten.linalg_householder_product.default",
)
