"""Views, and what PyTorch makes of them."""

import torch
import torch.nn.functional as F
from torch2trt.testing import Case, b8, f32, i32, i64

N = {0: "n"}
NM = {0: "n", 1: "m"}
ALL = (torch.float32, torch.float16, torch.bfloat16)


def view(name, call, inputs, dynamic=N, **more):
    return Case("aten.view.default", call, inputs, dynamic=dynamic, name=name, **more)


CASES = [
    Case("aten.view.default", lambda x: x.view(x.shape[0], -1), [f32(2, 4, 3)], dynamic=N),
    view("merged", lambda x: x.view(-1, 3), [f32(2, 4, 3)]),
    view("bool", lambda x: x.view(-1), [b8(2, 4)]),
    view("int", lambda x: x.view(x.shape[0], 2, 2), [i64(2, 4)]),
    view("two_dynamic", lambda x: x.view(x.shape[0], x.shape[1] * 3), [f32(2, 4, 3)], NM),
    view("split_dynamic", lambda x: x.view(x.shape[0], x.shape[1], 3, 2), [f32(2, 4, 6)], NM),
    view("to_scalar", lambda x: x.view(()), [f32(1, 1)], None),
    view("empty", lambda x: x[:, :0].reshape(0, 5), [f32(2, 4)], None),
    view("flatten", lambda x: x.flatten(1), [f32(2, 4, 3)]),
    view("flatten_dynamic", lambda x: x.flatten(0, 1), [f32(2, 4, 3)], NM),
    view("unflatten", lambda x: x.unflatten(1, (2, -1)), [f32(2, 4, 3)]),
    view("reshape", lambda x: x.reshape(x.shape[0], 2, -1), [f32(2, 4, 3)], {0: "n", 2: "m"}),
    view("reshape_transposed", lambda x: x.transpose(1, 2).reshape(x.shape[0], -1), [f32(2, 4, 3)]),
    view("view_as", lambda x, y: x.view_as(y), [f32(2, 6), f32(2, 3, 2)], [N, N]),
    view("outer", torch.outer, [f32(3), f32(4)], [{0: "n"}, {0: "m"}]),
    view("pixel_shuffle", lambda x: F.pixel_shuffle(x, 2), [f32(2, 8, 2, 3)], {0: "n", 2: "h", 3: "w"}),
    view("pixel_unshuffle", lambda x: F.pixel_unshuffle(x, 2), [f32(2, 2, 4, 6)]),
    view("channel_shuffle", lambda x: F.channel_shuffle(x, 2), [f32(2, 4, 2, 3)]),
    view("kron", torch.kron, [f32(2, 3), f32(2, 2)], None),
    Case("aten.view_copy.default", lambda x: torch.view_copy(x, (6, 2)), [f32(3, 4)], name="copy"),
    Case("aten.view.dtype", lambda x: x.view(torch.int32), [f32(2, 4)], rejects="bits", name="bits"),
    Case("aten.view.dtype", lambda x: x.view(torch.int64), [i64(2, 4)], dynamic=N, name="same"),
    Case("aten.permute.default", lambda x: x.permute(2, 0, 1), [f32(2, 4, 3)], dynamic=N, dtypes=ALL, name="plain"),
    Case("aten.permute.default", lambda x: x.permute(-1, 0, -2), [i64(2, 4, 3)], dynamic=N, name="negative"),
    Case("aten.permute.default", lambda x: x.t(), [b8(2, 4)], dynamic=N, name="t_bool"),
    Case("aten.permute.default", lambda x: x.transpose(-1, 0), [f32(2, 4, 3)], dynamic=NM, name="transpose"),
    Case("aten.permute.default", lambda x: x.movedim(0, -1), [f32(2, 4, 3)], dynamic=N, name="movedim"),
    Case("aten.permute.default", lambda x: x.movedim((0, 1), (2, 0)), [f32(2, 4, 3)], dynamic=N, name="movedims"),
    Case("aten.permute.default", lambda x: x.swapaxes(0, 1), [i32(2, 4)], dynamic=N, name="swapaxes"),
    Case("aten.permute.default", lambda x: x.mT, [f32(2, 4, 3)], dynamic=N, name="mT"),
    Case("aten.permute_copy.default", lambda x: torch.permute_copy(x, (1, 0)), [f32(2, 4)], dynamic=N, name="copy"),
    Case("aten.unsqueeze.default", lambda x: x.unsqueeze(1), [f32(2, 4)], dynamic=N, name="middle"),
    Case("aten.unsqueeze.default", lambda x: x.unsqueeze(-1), [i64(2, 4)], dynamic=N, name="last"),
    Case("aten.unsqueeze.default", lambda x: x.unsqueeze(-3), [b8(2, 4)], dynamic=N, name="first"),
    Case("aten.unsqueeze.default", lambda x: x[..., None, :, None], [f32(2, 4)], dynamic=N, name="indexed"),
    Case("aten.unsqueeze.default", lambda x: torch.atleast_3d(x), [f32(4)], dynamic=N, name="atleast_3d"),
    Case("aten.squeeze.dims", lambda x: x.squeeze(1), [f32(2, 1, 3)], dynamic=N, name="one"),
    Case("aten.squeeze.dim", lambda x: x.squeeze(-1), [f32(2, 3, 1)], dynamic=N, whole=False),
    Case("aten.squeeze.dims", lambda x: x.squeeze((1, -1)), [f32(2, 1, 3, 1)], dynamic=N, name="several"),
    Case("aten.squeeze.dims", lambda x: x.squeeze(0), [f32(2, 1, 3)], name="not_one"),
    Case("aten.squeeze.dims", lambda x: x.squeeze(), [i64(1, 4, 1)], dynamic={1: "n"}, dynamic_min=2, name="all"),
    Case("aten.squeeze.dims", lambda x: x.squeeze(), [b8(1, 1)], name="to_scalar"),
    Case("aten.expand.default", lambda x: x.expand(3, -1, 4), [f32(2, 1)], dynamic=N, name="new_dim"),
    Case("aten.expand.default", lambda x: x.expand(3, x.shape[0], 4), [f32(2, 1)], dynamic=N, name="sizes"),
    Case("aten.expand.default", lambda x, y: x.expand_as(y), [f32(4), f32(2, 4)], dynamic=[None, N], name="as"),
    Case("aten.expand.default", lambda x, y: x.expand_as(y), [i64(1, 4), f32(2, 4)], dynamic=[None, N], name="as_int"),
    Case("aten.expand.default", lambda x: x.broadcast_to(3, 4), [b8(1, 4)], name="broadcast_to"),
    Case("aten.expand.default", lambda x, y: torch.broadcast_tensors(x, y)[0] + 0, [f32(4), f32(2, 1)], name="both"),
    Case(
        "aten.expand.default",
        lambda x, y: torch.meshgrid(x, y, indexing="ij"),
        [f32(2), f32(3)],
        dynamic=[N, {0: "m"}],
        name="meshgrid",
    ),
    Case(
        "aten.expand.default",
        lambda x, y: torch.cartesian_prod(x, y),
        [f32(2), f32(3)],
        dynamic=[N, {0: "m"}],
        name="cartesian",
    ),
    Case("aten.expand.default", lambda x: x.repeat_interleave(2, 1), [f32(2, 3)], dynamic=NM, name="interleaved"),
    Case("aten.expand.default", lambda x: x.repeat_interleave(3), [i64(2, 3)], dynamic=N, name="interleaved_flat"),
    Case("aten.expand.default", lambda x: torch.expand_copy(x, (3, 4)), [f32(1, 4)], name="copy"),
    Case("aten.repeat.default", lambda x: x.repeat(2, 3), [f32(2, 4)], dynamic=NM, dtypes=ALL, name="both"),
    Case("aten.repeat.default", lambda x: x.repeat(2, 1, 3), [f32(2, 4)], dynamic=N, name="new_dim"),
    Case("aten.repeat.default", lambda x: x.repeat(1, 1), [f32(2, 4)], dynamic=N, name="once"),
    Case("aten.repeat.default", lambda x: x.repeat(x.shape[0], 2), [i64(2, 4)], dynamic=N, name="by_size"),
    Case("aten.repeat.default", lambda x: x.repeat(1, 2), [b8(2, 4)], dynamic=N, name="bool"),
    Case("aten.repeat.default", lambda x: x.tile(2), [f32(2, 4)], dynamic=N, name="tile"),
    Case("aten.repeat.default", lambda x: x.tile(2, 1, 1), [i32(2, 4)], dynamic=N, name="tile_int"),
]
