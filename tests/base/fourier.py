"""Fourier transforms in one and more dimensions, of every norm, and what is made of them."""

import torch
from torch import fft
from torch2trt.testing import c64, f32

from .complex_numbers import case

N = {0: "n"}
X, Z = f32(2, 5, 6), c64(2, 5, 6)
SOUND = f32(2, 64)
WINDOW = torch.hann_window(16)


def every_norm(target, call, sample, name=""):
    norms = ("backward", "ortho", "forward")
    return case(target, lambda given: [call(given, norm) for norm in norms], sample, name=name)


def spectrum(x, **options):
    options = {"n_fft": 16, "hop_length": 4, "window": WINDOW, "return_complex": True, **options}
    return torch.stft(x, **options)


TRANSFORMS = [
    every_norm("_fft_c2c.default", lambda z, norm: (fft.fft(z, norm=norm), fft.ifft(z, norm=norm)), Z),
    every_norm(
        "_fft_c2c.default", lambda x, norm: fft.fft(x.to(torch.complex64), norm=norm), X, name="of real numbers"
    ),
    every_norm("_fft_c2c.default", lambda z, norm: (fft.fft2(z, norm=norm), fft.ifft2(z, norm=norm)), Z, name="2d"),
    every_norm("_fft_c2c.default", lambda z, norm: fft.ifftn(z, dim=(2, 1), norm=norm), Z, name="order"),
    every_norm("_fft_r2c.default", lambda x, norm: (fft.rfft(x, norm=norm), fft.fft(x, norm=norm)), X),
    every_norm(
        "_fft_r2c.default", lambda x, norm: (fft.rfft2(x, norm=norm), fft.rfftn(x, dim=(2, 1), norm=norm)), X, name="2d"
    ),
    every_norm("_fft_r2c.default", lambda x, norm: fft.ihfft(x, norm=norm), X, name="ihfft"),
    every_norm("_fft_c2r.default", lambda z, norm: (fft.irfft(z, norm=norm), fft.irfft(z, n=11, norm=norm)), Z),
    every_norm("_fft_c2r.default", lambda z, norm: (fft.irfft2(z, norm=norm), fft.hfft(z, norm=norm)), Z, name="2d"),
    case("_fft_r2c.default", lambda x: (fft.rfft(x, n=9), fft.rfft(x, n=4), fft.rfft(x, dim=1)), X, name="lengths"),
    case("_fft_c2c.default", lambda z: (fft.fft(z, n=9), fft.ifft(z, n=4), fft.fft(z, dim=-2)), Z, name="lengths"),
    case("_fft_c2r.default", lambda z: (fft.irfft(z, n=4, dim=1), fft.irfft(z, n=13)), Z, name="lengths"),
    case("_fft_c2c.default", lambda z: (fft.fft(z), fft.ifft(z), fft.rfft(z.real)), c64(2, 1), name="of one"),
    case("_fft_c2c.default", lambda z: (fft.fftshift(z, dim=1), fft.ifftshift(z, dim=(1, 2))), Z, name="shifted"),
    case(
        "_fft_r2c.default",
        lambda x: fft.rfft(x).abs() * fft.rfftfreq(6) + fft.fftfreq(4),
        f32(2, 6),
        name="frequencies",
    ),
    case("_fft_r2c.default", lambda x: fft.rfft(x), f32(2, 1024), name="1024", atol=1e-4),
]
#: of two shorter ones
LONG = [
    case("_fft_c2c.default", lambda z: (fft.fft(z), fft.ifft(z, norm="ortho")), c64(2, 2500), name="long", atol=1e-3),
    case("_fft_c2c.default", lambda z: fft.fft(z, dim=1), c64(2, 2049, 2), name="long, not last", atol=1e-3),
    case("_fft_r2c.default", lambda x: (fft.rfft(x), fft.fft(x)), f32(2, 2187), name="long", atol=1e-3),
    case("_fft_c2r.default", lambda z: fft.irfft(z), c64(2, 2049), name="long"),
    case("_fft_c2r.default", lambda z: fft.irfft(z, n=4095), c64(2, 2048), name="long and odd"),
]
FRAMES = [
    case("stft.default", spectrum, SOUND),
    case("stft.default", lambda x: spectrum(x, center=False, normalized=True, onesided=False), SOUND, name="two-sided"),
    case("stft.default", lambda x: spectrum(x, win_length=10, window=WINDOW[:10]), SOUND, name="short window"),
    case("stft.default", lambda x: spectrum(x * 1j, onesided=False), SOUND, name="of complex numbers"),
    case("istft.default", lambda x: torch.istft(spectrum(x), 16, 4, window=WINDOW), SOUND),
    case("istft.default", lambda x: torch.istft(spectrum(x), 16, 4, window=WINDOW, length=60), SOUND, name="length"),
]
CASES = [*TRANSFORMS, *LONG, *FRAMES]
