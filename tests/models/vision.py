"""Vision: a UNet block with attention to a text, shifted windows, ConvNeXt, a transformer of patches, a detector."""

import torch
import torch.nn.functional as F
from torch import nn
from torch2trt.testing import Case, f32
from torchvision import ops

torch.manual_seed(0)
WIDTH, HEADS = 8, 2


def heads(x):
    return x.unflatten(-1, (HEADS, -1)).transpose(1, 2)


def joined(x):
    return x.transpose(1, 2).flatten(2)


class UNetBlock(nn.Module):
    """Half the size and back again: residual blocks that know the time, attention to the image and to a text."""

    def __init__(self):
        super().__init__()
        self.time = nn.Sequential(nn.Linear(WIDTH, WIDTH), nn.SiLU(), nn.Linear(WIDTH, WIDTH))
        self.enter = nn.Conv2d(3, WIDTH, 3, padding=1)
        self.first, self.second = Residual(WIDTH, WIDTH), Residual(2 * WIDTH, WIDTH)
        self.down = nn.Conv2d(WIDTH, WIDTH, 3, stride=2, padding=1)
        self.attention = ImageAttention()
        self.leave = nn.Conv2d(WIDTH, 3, 3, padding=1)

    def forward(self, image, time, text):
        frequencies = torch.exp(torch.arange(WIDTH // 2, device=time.device) * -0.5).to(image.dtype)
        angle = time[:, None] * frequencies
        time = self.time(torch.cat((angle.sin(), angle.cos()), 1))
        x = skipped = self.first(self.enter(image), time)
        x = self.attention(self.down(x), text)
        x = F.interpolate(x, scale_factor=2.0, mode="nearest")
        return self.leave(self.second(torch.cat((x, skipped), 1), time))


class Residual(nn.Module):
    def __init__(self, wide, narrow):
        super().__init__()
        self.norms = nn.ModuleList((nn.GroupNorm(2, wide), nn.GroupNorm(2, narrow)))
        self.first, self.second = nn.Conv2d(wide, narrow, 3, padding=1), nn.Conv2d(narrow, narrow, 3, padding=1)
        self.time = nn.Linear(WIDTH, narrow)
        self.shortcut = nn.Conv2d(wide, narrow, 1) if wide != narrow else nn.Identity()

    def forward(self, x, time):
        y = self.first(F.silu(self.norms[0](x))) + self.time(F.silu(time))[:, :, None, None]
        return self.shortcut(x) + self.second(F.silu(self.norms[1](y)))


class ImageAttention(nn.Module):
    def __init__(self):
        super().__init__()
        self.norm = nn.GroupNorm(2, WIDTH)
        self.queries = nn.ModuleList(nn.Linear(WIDTH, WIDTH) for _ in range(2))
        self.keys = nn.ModuleList(nn.Linear(width, WIDTH) for width in (WIDTH, 6))
        self.values = nn.ModuleList(nn.Linear(width, WIDTH) for width in (WIDTH, 6))
        self.mlp = nn.Sequential(nn.LayerNorm(WIDTH), nn.Linear(WIDTH, 16), nn.GELU(), nn.Linear(16, WIDTH))

    def forward(self, image, text):
        height, width = image.shape[2:]
        x = self.norm(image).flatten(2).transpose(1, 2)
        for query, key, value, source in zip(self.queries, self.keys, self.values, (None, text), strict=True):
            source = x if source is None else source
            parts = (heads(query(x)), heads(key(source)), heads(value(source)))
            x = x + joined(F.scaled_dot_product_attention(*parts))
        x = x + self.mlp(x)
        return image + x.transpose(1, 2).unflatten(2, (height, width))


class ShiftedWindows(nn.Module):
    """Swin's block: attention inside windows of 2 x 2, moved by one, with a bias of relative positions."""

    def __init__(self, shift, height=4, width=4):
        super().__init__()
        self.shift, self.size = shift, 2
        self.norm, self.mlp_norm = nn.LayerNorm(WIDTH), nn.LayerNorm(WIDTH)
        self.qkv, self.output = nn.Linear(WIDTH, 3 * WIDTH), nn.Linear(WIDTH, WIDTH)
        self.mlp = nn.Sequential(nn.Linear(WIDTH, 16), nn.GELU(), nn.Linear(16, WIDTH))
        self.table = nn.Parameter(torch.randn(9, HEADS))
        place = torch.stack(torch.meshgrid(torch.arange(2), torch.arange(2), indexing="ij")).flatten(1)
        distance = (place[:, :, None] - place[:, None] + 1).permute(1, 2, 0)
        self.register_buffer("index", distance[..., 0] * 3 + distance[..., 1])
        regions = torch.zeros(1, height, width, 1)
        slices = (slice(0, -2), slice(-2, -shift or None), slice(-shift, None)) if shift else (slice(None),)
        for row, down in enumerate(slices):
            for column, right in enumerate(slices):
                regions[:, down, right] = row * 3 + column
        region = self.windows(regions).squeeze(-1)
        self.register_buffer("hidden", (region[:, None] != region[:, :, None]).float() * -100)

    def windows(self, x):
        x = x.unflatten(2, (-1, self.size)).unflatten(1, (-1, self.size))
        return x.permute(0, 1, 3, 2, 4, 5).flatten(3, 4).flatten(0, 2)

    def forward(self, image):
        count, height, width, _ = image.shape
        x = torch.roll(self.norm(image), (-self.shift, -self.shift), (1, 2))
        x = self.windows(x)
        query, key, value = (heads(part) for part in self.qkv(x).chunk(3, -1))
        bias = self.table[self.index].permute(2, 0, 1)[None]
        mask = (bias + self.hidden[:, None].to(x.dtype)).repeat(count, 1, 1, 1)
        x = self.output(joined(F.scaled_dot_product_attention(query, key, value, mask)))
        x = x.reshape(count, height // 2, width // 2, 2, 2, WIDTH).permute(0, 1, 3, 2, 4, 5)
        x = torch.roll(x.reshape(image.shape), (self.shift, self.shift), (1, 2))
        x = image + x
        return x + self.mlp(self.mlp_norm(x))


class ConvNeXt(nn.Module):
    """One block and the step to half the size."""

    def __init__(self):
        super().__init__()
        self.depthwise = nn.Conv2d(WIDTH, WIDTH, 7, padding=3, groups=WIDTH)
        self.norm = nn.LayerNorm(WIDTH, eps=1e-6)
        self.mlp = nn.Sequential(nn.Linear(WIDTH, 16), nn.GELU(), nn.Linear(16, WIDTH))
        self.scale = nn.Parameter(torch.rand(WIDTH))
        self.down = nn.Conv2d(WIDTH, 12, 2, stride=2)

    def forward(self, x):
        y = self.depthwise(x).permute(0, 2, 3, 1)
        x = x + (self.scale * self.mlp(self.norm(y))).permute(0, 3, 1, 2)
        y = F.layer_norm(x.permute(0, 2, 3, 1), (WIDTH,)).permute(0, 3, 1, 2)
        return self.down(y)


class Patches(nn.Module):
    """A transformer of patches on torch.nn's encoder."""

    def __init__(self):
        super().__init__()
        self.patch = nn.Conv2d(3, WIDTH, 2, stride=2)
        self.token = nn.Parameter(torch.randn(1, 1, WIDTH))
        self.positions = nn.Parameter(torch.randn(1, 10, WIDTH))
        layer = nn.TransformerEncoderLayer(WIDTH, HEADS, 16, activation="gelu", batch_first=True, norm_first=True)
        self.encoder = nn.TransformerEncoder(layer, 2, nn.LayerNorm(WIDTH), enable_nested_tensor=False)
        self.head = nn.Linear(WIDTH, 5)

    def forward(self, image):
        x = self.patch(image).flatten(2).transpose(1, 2)
        x = torch.cat((self.token.expand(x.shape[0], -1, -1), x), 1) + self.positions
        return self.head(self.encoder(x)[:, 0])


class Detector(nn.Module):
    """A head with anchors: boxes from offsets, the best few of all places."""

    def __init__(self, keep=6):
        super().__init__()
        self.keep = keep
        self.scores = nn.Conv2d(WIDTH, 2 * 3, 3, padding=1)
        self.offsets = nn.Conv2d(WIDTH, 2 * 4, 3, padding=1)
        self.register_buffer("sizes", torch.tensor([[8.0, 8.0], [16.0, 8.0]]))

    def boxes(self, features):
        height, width = features.shape[2:]
        y, x = (torch.arange(size, device=features.device) for size in (height, width))
        centers = torch.stack((x[None].expand(height, -1), y[:, None].expand(-1, width)), -1)[:, :, None] * 4.0 + 2
        centers = centers.to(features.dtype)
        offsets = self.offsets(features).permute(0, 2, 3, 1).unflatten(3, (2, 4))
        middle = centers + offsets[..., :2] * self.sizes
        half = torch.exp(offsets[..., 2:].clamp(max=4)) * self.sizes / 2
        return torch.cat((middle - half, middle + half), -1).flatten(1, 3)

    def forward(self, features):
        scores = self.scores(features).permute(0, 2, 3, 1).unflatten(3, (2, 3)).flatten(1, 3).sigmoid()
        best, labels = scores.max(2)
        best, places = best.topk(self.keep, 1)
        boxes = self.boxes(features).gather(1, places[:, :, None].expand(-1, -1, 4))
        return boxes, best, labels.gather(1, places)


class Suppressed(Detector):
    """The same for one image, without boxes that overlap a better one."""

    def forward(self, features):
        boxes, scores, labels = (result[0] for result in super().forward(features))
        kept = ops.nms(boxes, scores, 0.3)
        return boxes[kept], scores[kept], labels[kept]


def attention(name, module, inputs, **options):
    return Case("aten.scaled_dot_product_attention.default", module, inputs, name=name, **options)


N = {0: "n"}
NHW = {0: "n", 2: "h", 3: "w"}
FULL = (torch.float32,)

CASES = [
    attention(
        "unet", UNetBlock(), [f32(2, 3, 8, 8), f32(2, low=0, high=9), f32(2, 5, 6)], dynamic=[N, N, {0: "n", 1: "l"}]
    ),
    attention("windows", ShiftedWindows(0), [f32(2, 4, 4, WIDTH)], dynamic=N),
    attention("shifted windows", ShiftedWindows(1), [f32(2, 4, 4, WIDTH)], dynamic=N),
    attention("patches", Patches(), [f32(2, 3, 6, 6)], dynamic=N),
    Case("aten.layer_norm.default", ConvNeXt(), [f32(4, WIDTH, 6, 6)], dynamic=NHW, dynamic_min=4, name="convnext"),
    Case(
        "aten.topk.default",
        Detector(),
        [f32(2, WIDTH, 3, 4)],
        dynamic=NHW,
        dynamic_min=2,
        dtypes=FULL,
        name="detector",
        whole=False,
    ),
    Case(
        "torchvision.nms.default",
        Suppressed(),
        [f32(1, WIDTH, 3, 4)],
        dynamic={2: "h", 3: "w"},
        dynamic_min=2,
        dtypes=FULL,
        name="detector",
    ),
]
