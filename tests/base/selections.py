"""Models that select rows by what only the run knows, and whose results have sizes that do not depend on it."""

import torch
import torch.nn.functional as F
from torch import nn
from torch2trt.testing import Case, b8, f32, i64

N = {0: "n"}
FLOATS = (torch.float32, torch.float16, torch.bfloat16)
X, M = f32(5, 4), b8(5)
IMAGE = f32(2, 3, 4, 4, low=-300, high=300)
#: NaN and infinity, which are not selected, and numbers that no function may meet
HOSTILE = torch.tensor([[1.0, 2.0], [float("nan"), 3.0], [0.0, -1.0], [float("inf"), -float("inf")], [4.0, 5.0]])


def case(name, function, *inputs, dynamic="all", dtypes=FLOATS[:2], **options):
    """A row, all of whose inputs are as long as they like in their first dimension."""
    model = function if isinstance(function, nn.Module) else Model(function)
    shapes = [N] * len(inputs) if dynamic == "all" else dynamic
    return Case("aten.index.Tensor", model, inputs, dynamic=shapes, dtypes=dtypes, name=name, whole=False, **options)


class Model(nn.Module):
    """A function of layers and the inputs."""

    def __init__(self, function, **layers):
        super().__init__()
        self.function = function
        for name, layer in layers.items():
            setattr(self, name, layer)

    def forward(self, x, y=None, z=None):
        given = [value for value in (x, y, z) if value is not None]
        return self.function(self, *given) if self._modules else self.function(*given)


def assigned(mask, change):
    """``x[m] = f(x[m])``, with the mask computed each time as in the usual code."""

    def call(x, *more):
        x = x.clone()
        x[mask(x, *more)] = change(x[mask(x, *more)])
        return x

    return call


def scaled(x, m):
    x = x.clone()
    x[m] *= 0.5
    return x


def repaired(image):
    image = image.clone()
    image[image <= -1] = image[image <= -1] + 256
    image[image >= 200] *= 0.5
    return image


def written(function):
    """``y[m] = f(x[m])``, with the rest zeros."""

    def call(layers, x, m):
        y = torch.zeros(*x.shape[:-1], 8, dtype=x.dtype)
        y[m] = function(layers, x[m])
        return y

    return call


def scattered(name, **options):
    """As many rows as are found, combined in four places."""

    def call(x, group, keep):
        found = keep.nonzero().squeeze(1)
        index = group[found][:, None].expand(-1, x.shape[1])
        start = torch.ones(4, x.shape[1], dtype=x.dtype)
        return start.scatter_reduce(0, index, x[found], name, **options)

    return call


def added(x, group, keep):
    found = keep.nonzero().squeeze(1)
    rows, groups = x[found], group[found]
    return torch.zeros(4, x.shape[1], dtype=x.dtype).scatter_add(0, groups[:, None].expand(-1, x.shape[1]), rows)


def two_masks(x, m, k):
    x = x.clone()
    x[m] = x[m] * 2
    x[k] = x[k] + x[m].mean(0)
    return x


def among(x, m):
    """A mask of what a mask has selected."""
    rows = x[m]
    rows[rows > 0] = rows[rows > 0].sqrt()
    return rows[rows.sum(1) > 0].sum(0), rows.mean()


def pooled(x, m):
    """Attention over the rows that count."""
    rows = x[m]
    weights = rows.sum(1, keepdim=True).softmax(0)
    return (weights * rows).sum(0), rows.t() @ rows, rows.t() @ weights


def by_columns(x, m):
    x = x.clone()
    x[:, m] = x[:, m].tanh() * x[:, :1]
    return x, x[:, m].mean(), x[:, m].amax(1), x[:, m].norm(dim=1), (x[:, m] > 0).any(1)


def put_at_places(x, m):
    """Places of two dimensions, and functions that are undefined elsewhere."""
    rows, columns = m.nonzero(as_tuple=True)
    x = x.clone()
    x[rows, columns] = 1 / x[rows, columns]
    return x, x[rows, columns].sum()


def moved(x, places, m):
    """Rows to other places, counted from the end too."""
    y = torch.zeros(7, x.shape[1], dtype=x.dtype)
    y[places[m]] = x[m]
    return y, torch.zeros(7, dtype=x.dtype).index_put((places[m],), x[m][:, 0], accumulate=True)


def counted(x, m):
    rows = x[m]
    return rows.sum(0) / rows.shape[0], x * rows.shape[0], m.nonzero().shape[0] + m.sum()


def all_dynamic(x, m):
    """Sizes that vary in every dimension that is counted, divided or written to."""
    row, column = m.nonzero(as_tuple=True)
    found = m[:, 0].nonzero().squeeze(1)
    y = torch.zeros_like(x)
    y[found - x.shape[0]] = x[found] * 2
    return x[m[:, 0]].mean(), x[m].var(), (x[row] * column[:, None]).sum(0), y


def integers(x, m):
    rows = x[m]
    return rows.sum(), rows.amax(), rows.amin(0), rows.prod(0), (100 // rows).sum(0), (rows % rows).sum(), rows.any()


def loss(x, labels, m):
    return F.cross_entropy(x[m], labels[m]), F.mse_loss(x[m], x[m].tanh()), F.one_hot(labels[m], 4).sum(0)


def convolved(layers, x, m):
    return layers.conv(x[m]).relu().mean((2, 3)).amax(0)


def joined(x, y, m):
    """Rows of two selections, and some that all count, one after the other."""
    rows = torch.cat([x[m], y[~m], x])
    return rows.mean(0), rows.shape[0] * x


def reduced(x, m):
    rows = x[m]
    shorter = rows.reshape(-1, 2)
    variances = rows.var(), rows.std(0), rows.var(0, correction=0), *torch.var_mean(rows, 0), shorter.var(0)
    return rows.mean(), rows.mean(0), rows.sum(1).sum(), rows.flatten().square().sum(), *variances


LAYERS = {"linear": nn.Linear(4, 8), "norm": nn.LayerNorm(8)}
EDGES = [f32(5, 4), i64(5, low=0, high=4), b8(5)]
CASES = [
    case("repair", repaired, IMAGE, dtypes=FLOATS),
    case("assign", assigned(lambda x: x > 0, lambda rows: rows.sqrt()), f32(3, 4), dtypes=FLOATS),
    case("assign_rows", assigned(lambda x, m: m, lambda rows: rows / rows.sum(-1, keepdim=True)), X, M),
    case("assign_leading", assigned(lambda x, m: m, torch.exp), f32(3, 4, 2), b8(3, 4)),
    case("assign_int", assigned(lambda x: x < 0, lambda rows: rows + 256), i64(4, 3)),
    case(
        "assign_uint8", assigned(lambda x: x > 3, lambda rows: 255 - rows), i64(4, 3, low=0).make().byte(), dynamic=None
    ),
    case("assign_bool", assigned(lambda x, m: m, torch.logical_not), b8(4, 3), b8(4)),
    case("scale", scaled, X, M, dtypes=FLOATS),
    case("scale_whole", scaled, f32(3, 4), b8(3, 4)),
    case("columns", by_columns, X, b8(4), dynamic=[N, None]),
    case("places", put_at_places, f32(3, 4), b8(3, 4)),
    case("places_none", put_at_places, torch.zeros(3, 4), torch.zeros(3, 4, dtype=torch.bool), dynamic=None),
    case("reduce", reduced, f32(8, 4), b8(8), dynamic_min=4),
    case("reduce_none", reduced, X, torch.zeros(5, dtype=torch.bool), dynamic=None),
    case("reduce_one", reduced, X, torch.arange(5) == 3, dynamic=None),
    case("extremes", lambda x: (x[x < 1].amax(), x[x > -1].min(), x[x < 9].max(1)[0] if x.dim() > 2 else x), f32(4, 4)),
    case(
        "hostile",
        lambda x, m: reduced(x, m) + pooled(x, m),
        HOSTILE,
        torch.tensor([True, False, False, False, True]),
        dynamic=None,
    ),
    case(
        "hostile_selected",
        lambda x, m: (x[m].mean(0), x[m].amax(0), x[m].sum()),
        HOSTILE,
        torch.tensor([True, True, False, True, False]),
        dynamic=None,
    ),
    case(
        "masked_select",
        lambda x, m: (torch.masked_select(x, m).mean(), torch.masked_select(x.exp(), m).sum()),
        X,
        b8(4),
        dynamic=[N, None],
    ),
    case("all_dynamic", all_dynamic, f32(4, 3), b8(4, 3), dynamic=[{0: "n", 1: "m"}] * 2, dynamic_min=2),
    case("integers", integers, i64(4, 3, low=1, high=4), torch.tensor([True, False, True, True]), dynamic=None),
    case("mask_sum", lambda x, m: (x[m].sum(), m.sum(), m.any(), x[m].any()), i64(4, 3), b8(4)),
    case("two_masks", two_masks, X, M, torch.arange(5) < 3, dynamic=None),
    case("among", among, X, M, dtypes=FLOATS[:1]),
    case("pooled", pooled, f32(5, 3), M),
    case(
        "linear",
        Model(written(lambda layers, rows: layers.norm(layers.linear(rows)).relu()), **LAYERS),
        f32(3, 5, 4),
        b8(3, 5),
    ),
    case("scatter_add", added, *EDGES),
    *(case(f"scatter_{name}", scattered(name), *EDGES) for name in ("sum", "mean", "prod", "amax", "amin")),
    *(case(f"scatter_{name}_without", scattered(name, include_self=False), *EDGES) for name in ("mean", "amax")),
    case(
        "moved",
        moved,
        f32(5, 2),
        torch.tensor([3, -1, 0, -6, 3]),
        torch.tensor([True, True, False, True, False]),
        dynamic=None,
    ),
    case("counted", counted, f32(6, 4), b8(6)),
    case("counted_alone", lambda x: x * x[x > 0].shape[0], f32(3, 4)),
    case("loss", loss, f32(6, 4), i64(6, low=0, high=4), b8(6), dynamic_min=4),
    case("convolved", Model(convolved, conv=nn.Conv2d(3, 4, 3)), f32(4, 3, 6, 5), torch.arange(4) > 1, dynamic=None),
    case("joined", joined, X, f32(5, 4, low=0), M, dtypes=FLOATS[:1]),
]
