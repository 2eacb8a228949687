"""The models that are measured, with their inputs: random weights and inputs of a seed, the same in every process."""

import importlib
from collections.abc import Callable
from dataclasses import dataclass

import torch
from randomize import randomize
from torch import nn

from .blocks import LlamaBlocks, UNetBlock

DTYPES = {"fp16": torch.float16, "bf16": torch.bfloat16, "fp32": torch.float32}
TOKENS = 128


def missing(packages: tuple[str, ...]) -> str | None:
    """Import packages: the reason why something that needs them cannot run here, or None."""
    for name in packages:
        try:
            importlib.import_module(name)
        except ModuleNotFoundError as error:
            return f"not installed: {error.name}"
        except Exception as error:  # a library of another version raises anything
            return f"{name} cannot be imported: {type(error).__name__}: {error}"
    return None


@dataclass(frozen=True)
class Row:
    """A model and what goes into it, by batch size."""

    make: Callable[[], nn.Module]
    shapes: Callable[[int, torch.Generator], list[torch.Tensor]]
    #: packages that the model comes from
    needs: tuple[str, ...] = ()
    #: small enough to be run by the interpreter
    tiny: bool = False

    def why_not(self) -> str | None:
        """Why the model cannot be made here, or None; imports what it needs."""
        return missing(self.needs)

    def model(self, device: str, dtype: torch.dtype) -> nn.Module:
        """The model in eval mode; its weights are rounded from the same float32 ones for every dtype."""
        return randomize(self.make()).to(device=device, dtype=dtype).requires_grad_(False)

    def inputs(self, batch: int, device: str, dtype: torch.dtype) -> list[torch.Tensor]:
        """Positional inputs, rounded as the weights are; integers stay what they are."""
        drawn = self.shapes(batch, torch.Generator().manual_seed(batch))
        return [x.to(device=device, dtype=dtype if x.is_floating_point() else x.dtype) for x in drawn]


def randn(*shapes: tuple[int, ...]) -> Callable[[int, torch.Generator], list[torch.Tensor]]:
    """Inputs of normal random numbers; shapes are without the batch."""
    return lambda batch, generator: [torch.randn(batch, *shape, generator=generator) for shape in shapes]


def tokens(vocabulary: int, padding: int | None = None) -> Callable[[int, torch.Generator], list[torch.Tensor]]:
    """Sequences of ``TOKENS`` ids; with ``padding``, also a mask whose last so many tokens are padding."""

    def drawn(batch: int, generator: torch.Generator) -> list[torch.Tensor]:
        ids = torch.randint(vocabulary, (batch, TOKENS), generator=generator)
        mask = (torch.arange(TOKENS) < TOKENS - (padding or 0)).long().expand(batch, TOKENS).contiguous()
        return [ids] if padding is None else [ids, mask]

    return drawn


def torchvision_row(name: str) -> Row:
    """A classification model of torchvision on images of 224 by 224 pixels."""

    def make() -> nn.Module:
        import torchvision

        return torchvision.models.get_model(name, weights=None)

    return Row(make, randn((3, 224, 224)), ("torchvision",))


def bert_base() -> nn.Module:
    """BERT-base without a head, with the weights of nobody."""
    import transformers

    return transformers.BertModel(transformers.BertConfig(return_dict=False), add_pooling_layer=False)


def gpt2() -> nn.Module:
    """GPT-2 without a head, for a whole sequence at once: no cache."""
    import transformers

    return transformers.GPT2Model(transformers.GPT2Config(return_dict=False, use_cache=False))


def tiny() -> nn.Module:
    """Two convolutions and a classifier, to see in seconds which columns work."""
    convolutions = (nn.Conv2d(3, 8, 3, padding=1), nn.BatchNorm2d(8), nn.ReLU(), nn.Conv2d(8, 8, 3, stride=2))
    return nn.Sequential(*convolutions, nn.ReLU(), nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(8, 10))


VISION = (
    *("alexnet", "resnet18", "resnet50", "mobilenet_v2", "efficientnet_b0"),
    *("vit_b_16", "swin_t", "convnext_tiny"),
)

ROWS = {
    "tiny": Row(tiny, randn((3, 32, 32)), tiny=True),
    **{name: torchvision_row(name) for name in VISION},
    "bert_base": Row(bert_base, tokens(30522, padding=16), ("transformers",)),
    "gpt2": Row(gpt2, tokens(50257), ("transformers",)),
    "llama_blocks": Row(lambda: LlamaBlocks(4, 2048, 16, 4, 5632), randn((TOKENS, 2048))),
    "unet_block": Row(lambda: UNetBlock(320, 8, 1280, 768), randn((320, 64, 64), (1280,), (77, 768))),
}
