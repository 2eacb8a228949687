"""Complex numbers and Fourier transforms in models: positions, spectrograms, mixing and convolving by spectra."""

import torch
from torch import nn
from torch2trt.testing import Case, f32

torch.manual_seed(0)


class Rotary(nn.Module):
    """Rotary positions by complex numbers, as in Llama's own code."""

    def __init__(self, width=8, length=8):
        super().__init__()
        angles = torch.outer(torch.arange(length).float(), 100 ** (-torch.arange(0, width, 2) / width))
        self.register_buffer("turns", torch.polar(torch.ones_like(angles), angles))

    def forward(self, query, key):
        turns = self.turns[: query.shape[1]][None, :, None]
        pairs = [torch.view_as_complex(x.float().reshape(*x.shape[:-1], -1, 2)) for x in (query, key)]
        return [torch.view_as_real(pair * turns).flatten(3).type_as(query) for pair in pairs]


class Spectrogram(nn.Module):
    """Decibels of a mel spectrogram."""

    def __init__(self):
        super().__init__()
        self.register_buffer("window", torch.hann_window(32))
        self.register_buffer("mel", torch.rand(17, 6))

    def forward(self, sound):
        spectrum = torch.stft(sound, 32, 8, window=self.window, return_complex=True)
        return (spectrum.abs().square().mT @ self.mel).clamp(1e-5).log10() * 10


class Mixing(nn.Module):
    """A block of FNet: the real part of a transform of words and features."""

    def __init__(self):
        super().__init__()
        self.norm, self.feed = nn.LayerNorm(8), nn.Linear(8, 8)

    def forward(self, x):
        mixed = self.norm(x + torch.fft.fft2(x).real)
        return mixed + self.feed(mixed).relu()


class Spectral(nn.Module):
    """A layer of a Fourier neural operator: the lowest frequencies by complex weights."""

    def __init__(self):
        super().__init__()
        self.weight = nn.Parameter(torch.randn(3, 4, 4, 3, dtype=torch.complex64))

    def forward(self, x):
        spectrum = torch.fft.rfft2(x)
        low = torch.einsum("bixy,ioxy->boxy", spectrum[:, :, :4, :3], self.weight)
        out = torch.zeros(x.shape[0], 4, *spectrum.shape[-2:], dtype=torch.complex64)
        out[:, :, :4, :3] = low
        return torch.fft.irfft2(out, s=x.shape[-2:])


class Gate(nn.Module):
    """A learned filter of each feature, over the positions of an image (GFNet)."""

    def __init__(self):
        super().__init__()
        self.weight = nn.Parameter(torch.randn(6, 4, 5, 2))

    def forward(self, x):
        spectrum = torch.fft.rfft2(x, dim=(1, 2), norm="ortho") * torch.view_as_complex(self.weight)
        return torch.fft.irfft2(spectrum, s=(6, 6), dim=(1, 2), norm="ortho")


N, FLOAT = {0: "n"}, (torch.float32,)

CASES = [
    Case(
        "aten.mul.Tensor",
        Rotary(),
        [f32(2, 5, 3, 8), f32(2, 5, 3, 8)],
        dynamic=[{0: "n", 1: "l"}] * 2,
        dtypes=FLOAT,
        name="rotary",
    ),
    Case("aten.stft.default", Spectrogram(), [f32(2, 96)], dynamic=N, dtypes=FLOAT, name="spectrogram", whole=False),
    Case("aten._fft_c2c.default", Mixing(), [f32(2, 5, 8)], dynamic=N, dtypes=FLOAT, name="mixing", whole=False),
    Case("aten._fft_c2r.default", Spectral(), [f32(2, 3, 8, 8)], dynamic=N, dtypes=FLOAT, name="spectral", whole=False),
    Case("aten._fft_c2r.default", Gate(), [f32(2, 6, 6, 5)], dynamic=N, dtypes=FLOAT, name="gate", whole=False),
]
