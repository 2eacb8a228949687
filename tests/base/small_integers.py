"""Small integers through every kind of call: uint8, int8, int16 and uint16 wrap around as in PyTorch."""

import torch
import torch.nn.functional as F
from torch2trt.testing import Case, Sample, i64

N = {0: "n"}
U8, I8 = Sample((2, 4), torch.uint8, 0, 256), Sample((2, 4), torch.int8, -128, 128)
I16, U16 = Sample((2, 4), torch.int16, -(2**15), 2**15), Sample((2, 4), torch.uint16, 0, 2**16)
IMAGE = Sample((2, 4, 6, 3), torch.uint8, 0, 256)
BYTES = torch.tensor([0, 1, 7, 44, 200, 255], dtype=torch.uint8)
SIGNED = torch.tensor([-128, -77, -1, 0, 5, 127], dtype=torch.int8)
SHORTS = torch.tensor([-(2**15), -20000, -1, 0, 300, 2**15 - 1], dtype=torch.int16)
SHIFTS = torch.tensor([31, 15, -1, 40, 2, 14], dtype=torch.int16)
NUMBERS = torch.tensor([2**40 + 5, -3, 256, 2**33 - 1])
FRACTIONS = torch.tensor([300.0, -1.0, -300.5, 2.9, -2.9, 200.0])
INDEX = torch.tensor([0, 2, 1, -1])
PLACES = torch.tensor([[0, 1, 1, 0]])


def case(target: str, call, *inputs, name: str = "", **options) -> Case:
    """A row of the operator that the call is, or comes down to."""
    options.setdefault("dynamic", [N if isinstance(sample, Sample) else None for sample in inputs])
    if not any(isinstance(sample, Sample) for sample in inputs):
        options["dynamic"] = None
    kinds = {
        s.dtype for s in inputs if not s.dtype.is_floating_point and s.dtype.itemsize <= 2 and s.dtype is not torch.bool
    }
    kind = " ".join(sorted(str(dtype).removeprefix("torch.") for dtype in kinds)) or "cast"
    return Case(f"aten.{target}", call, inputs, name=f"{kind} {name}".strip(), **options)


MOVES = [
    case("permute.default", lambda x: x.permute(0, 3, 1, 2)[:, :, 1:-1], IMAGE),
    case("slice.Tensor", lambda x: x[:, 1:-1:2], IMAGE),
    case("select.int", lambda x: x[..., -1], IMAGE),
    case("view.default", lambda x: x.flatten(1), IMAGE),
    case("squeeze.dims", lambda x: x[:, :1].squeeze(1), IMAGE),
    case("expand.default", lambda x: x[:, None].expand(-1, 3, 4), U8),
    case("repeat.default", lambda x: x.repeat(2, 2), I8),
    case("flip.default", lambda x: x.flip(1), IMAGE),
    case("roll.default", lambda x: x.roll(1, 2), IMAGE, whole=False),
    case("constant_pad_nd.default", lambda x: F.pad(x, (1, 2), value=9), U8),
    case("reflection_pad2d.default", lambda x: F.pad(x, (1, 1, 1, 1), mode="reflect"), IMAGE, whole=False),
    case("cat.default", lambda x, y: torch.cat([x, y], 1), U8, U8),
    case("cat.default", lambda x, y: torch.cat([x, y], 1).float(), U8, I8),
    case("stack.default", lambda x: torch.stack([x, x + 1]), U8, whole=False),
    case("split_with_sizes.default", lambda x: x.split([1, 3], 1), U8),
    case("unbind.int", lambda x: x.unbind(1), I8, whole=False),
    case("index.Tensor", lambda x, index: x[:, index], U8, INDEX),
    case("gather.default", lambda x, index: x.gather(1, index), I8, PLACES, dynamic=None),
    case("index_select.default", lambda x: x.index_select(1, INDEX[:3]), U8),
    case("scatter.src", lambda x: x.scatter(1, PLACES[:, :2], x[:1, 2:]), U8, dynamic=None),
    case("slice_scatter.default", lambda x: torch.slice_scatter(x, x[:, :2] * 3, 1, 1, 3), U8),
    case("upsample_nearest2d.vec", lambda x: F.interpolate(x, scale_factor=2), IMAGE, dynamic=None, whole=False),
    case("max_pool2d_with_indices.default", lambda x: F.max_pool2d(x, 2), IMAGE, dynamic=None, whole=False),
    case("alias.default", lambda x: (x, x.clone()), U8, whole=False),
    case("where.self", lambda x: torch.where(x > 5, x, x * 2), U8),
    case("where.self", lambda x: x.masked_fill(x > 5, 9), U8, name="a number"),
    case("copy.default", lambda x: x.add_(200), U8, name="in place", whole=False),
    case("lift_fresh_copy.default", lambda x: x + torch.tensor(BYTES[:4].tolist(), dtype=torch.uint8), U8, whole=False),
]
ARITHMETIC = [
    case("add.Tensor", lambda x, y: x + y, U8, U8),
    case("add.Tensor", lambda x, y: x + y, I8, I8),
    case("add.Tensor", lambda x, y: torch.add(x, y, alpha=3), U8, U8, name="alpha"),
    case("add.Tensor", lambda x, y: (x + y).int(), U8, I8, name="to int16"),
    case("sub.Tensor", lambda x: 1 - x, U8, whole=False),
    case("mul.Tensor", lambda x: x * 300, U8),
    case("mul.Tensor", lambda x: x * x, I8),
    case("mul.Tensor", lambda x: (x.to(torch.int16) * 400).float(), U8, name="in int16"),
    case("mul.Tensor", lambda x: (x.to(torch.int16) * 200).to(torch.uint8), U8, name="through int16"),
    case("neg.default", lambda x: -x, U8),
    case("neg.default", lambda x: -x, SIGNED),
    case("abs.default", lambda x: x.abs(), SIGNED),
    case("div.Tensor", lambda x: x / 300, U8),
    case("div.Tensor_mode", lambda x: x // 300, BYTES, name="floor 300"),
    case("div.Tensor_mode", lambda x: x // -1, SIGNED, name="floor -1"),
    case("div.Tensor_mode", lambda x: torch.div(x, 7, rounding_mode="trunc"), I8, name="trunc"),
    case("remainder.Scalar", lambda x: x % -3, U8, whole=False),
    case("remainder.Scalar", lambda x: x % -3, I8, whole=False),
    case("fmod.Scalar", lambda x: x.fmod(3), I8, whole=False),
    case("pow.Tensor_Scalar", lambda x: x**2, U8),
    case("pow.Tensor_Scalar", lambda x: x**3, I8, name="cube"),
    case("pow.Tensor_Scalar", lambda x: x**9, U8, name="ninth"),
    case("bitwise_left_shift.Tensor_Scalar", lambda x: x << 3, U8, whole=False),
    case("bitwise_left_shift.Tensor_Scalar", lambda x: x << 9, U8, name="beyond", whole=False),
    case("bitwise_right_shift.Tensor_Scalar", lambda x: x >> 1, I8, whole=False),
    case("bitwise_not.default", lambda x: ~x, U8),
    case("bitwise_not.default", lambda x: ~x, I8),
    case("bitwise_and.Tensor", lambda x, y: x & y, U8, U8),
    case("bitwise_or.Tensor", lambda x: x | -2, BYTES, whole=False),
    case("bitwise_xor.Tensor", lambda x: x ^ 300, BYTES, whole=False),
    case("relu.default", lambda x: x.relu(), I8),
    case("sign.default", lambda x: x.sign(), I8),
    case("sigmoid.default", lambda x: x.sigmoid(), I8, rtol=1e-5),
    case("floor.default", lambda x: x.floor(), U8, whole=False),
    case("clamp.default", lambda x: x.clamp(5, 200), U8),
    case("clamp.default", lambda x: x.clamp(min=-5), BYTES, name="wrapped"),
    case("maximum.default", torch.maximum, U8, U8),
    case("maximum.default", lambda x: torch.maximum(x, torch.tensor(300)), BYTES, name="wrapped"),
    case("addcmul.default", lambda x: torch.addcmul(x, x, x, value=2), U8, whole=False),
    case("full_like.default", lambda x: torch.full_like(x, -1), U8, static=False),
    case("mm.default", lambda x: x @ x.T, I8, whole=False),
    case("linear.default", lambda x: F.linear(x, x), I8, dynamic=None),
]
COMPARISONS = [
    case("eq.Scalar", lambda x: x == -1, BYTES),
    case("lt.Scalar", lambda x: x < 300, BYTES),
    case("lt.Scalar", lambda x: x < 200, SIGNED),
    case("le.Tensor", lambda x: x <= torch.tensor(300), BYTES),
    case("gt.Tensor", torch.gt, U8, I8),
    case("logical_not.default", lambda x: x.logical_not(), U8),
    case("any.default", torch.any, U8),
    case("all.default", torch.all, U8, whole=False),
]
REDUCTIONS = [
    case("sum.dim_IntList", lambda x: x.sum(1), U8),
    case("sum.dim_IntList", lambda x: x.sum(1, dtype=torch.int8), U8, name="narrow"),
    case("mean.dim", lambda x: x.mean(1, dtype=torch.float32), U8, rtol=1e-6),
    case("prod.default", lambda x: x.prod(dtype=torch.uint8), BYTES | 1),
    case("cumsum.default", lambda x: x.cumsum(1), I8),
    case("cumsum.default", lambda x: x.cumsum(1, dtype=torch.uint8), U8, name="narrow"),
    case("amax.default", lambda x: x.amax((1, 2)), IMAGE),
    case("argmax.default", lambda x: x.argmax(0), BYTES),
    case("max.dim", lambda x: x.max(0), SIGNED),
    case("topk.default", lambda x: x.topk(2), BYTES),
    case("sort.default", lambda x: x.sort(), SIGNED),
    case("median.default", lambda x: x.median(), BYTES),
    case("cummax.default", lambda x: x.cummax(1), I8),
    case("scatter_add.default", lambda x: x.scatter_add(0, INDEX[:3] // 2, x[3:]), BYTES),
]
CASTS = [
    case("_to_copy.default", lambda x: x.to(torch.uint8), FRACTIONS, name="floats to uint8", dtypes=(torch.float32,)),
    case("_to_copy.default", lambda x: x.to(torch.int8), FRACTIONS, name="floats to int8", dtypes=(torch.float32,)),
    case("_to_copy.default", lambda x: x.to(torch.uint8), NUMBERS, name="int64"),
    case("_to_copy.default", lambda x: x.to(torch.int8), BYTES, name="to int8"),
    case("_to_copy.default", lambda x: (x > 0).to(torch.uint8), i64(2, 4), name="bools", dynamic=N),
    case("_to_copy.default", lambda x: x.float() / 255, IMAGE),
    case("view.dtype", lambda x: x.view(torch.int8), BYTES),
    case("view.dtype", lambda x: x.view(torch.uint8), torch.ones(3), name="of floats", rejects="as the bits of"),
    case("index.Tensor", lambda x: torch.arange(256).to(torch.uint8).flip(0)[x.long()], U8, name="table"),
    case("_to_copy.default", lambda x: x.short(), U8, name="to int16"),
    case("_to_copy.default", lambda x: x.short(), FRACTIONS * 200, name="floats to int16", dtypes=(torch.float32,)),
    case("_to_copy.default", lambda x: (x.short(), x.to(torch.uint16)), NUMBERS, name="int64 to 16 bits"),
    case("_to_copy.default", lambda x: x.to(torch.uint8), I16, name="to uint8"),
    case("_to_copy.default", lambda x: x.to(torch.uint16), I16, name="to uint16"),
    case("_to_copy.default", lambda x: x.short(), Sample((2, 4), torch.int32, -(2**17), 2**17), name="int32 to int16"),
    case("_to_copy.default", lambda x: (x.float() / 2**15, x.double()), I16),
    case("_to_copy.default", lambda x: (x.int(), x.float()), U16),
    case("view.dtype", lambda x: x.view(torch.uint16), SHORTS, name="to uint16"),
    case("view.dtype", lambda x: x.view(torch.uint8), SHORTS, name="to bytes", rejects="TensorRT has no int16"),
]
SIXTEEN_BITS = [
    case("clone.default", lambda x: x, I16, name="as it is", whole=False),
    case("clone.default", lambda x: (x, x[:1], SHORTS), I16, name="beside a constant", whole=False),
    case("permute.default", lambda x: x.T, I16),
    case("cat.default", lambda x, y: torch.cat([x, y], 1), I16, I16),
    case("cat.default", lambda x, y: torch.cat([x, y], 1), I16, U8, name="with uint8"),
    case("index.Tensor", lambda x, index: x[:, index], I16, INDEX),
    case("index_put.default", lambda x: x.index_put((INDEX[:2],), SHORTS[:2]), SHORTS),
    case("where.self", lambda x: torch.where(x > 300, x, x * 2), I16),
    case("as_strided.default", lambda x: x[1:].as_strided((2,), (2,), 4), I16, dynamic=None),
    case("add.Tensor", lambda x, y: x + y, I16, I16),
    case("add.Tensor", lambda x: x + SHORTS, SHORTS, name="a constant"),
    case("sub.Tensor", lambda x: 1 - x, SHORTS, whole=False),
    case("mul.Tensor", lambda x: x * x, I16),
    case("mul.Tensor", lambda x: x * 70001, I16, name="a number"),
    case("mul.Tensor", lambda x, y: x * y, I16, U8),
    case("mul.Tensor", lambda x: x * 0.5, I16, name="a fraction"),
    case("mul.Tensor", lambda x: x * 3, U16),
    case("neg.default", lambda x: -x, SHORTS),
    case("abs.default", lambda x: x.abs(), SHORTS),
    case("pow.Tensor_Scalar", lambda x: x**3, I16),
    case("div.Tensor", lambda x: x / 7, I16),
    case("div.Tensor_mode", lambda x: x // -1, SHORTS, name="floor -1"),
    case("div.Tensor_mode", lambda x: x // 7, I16, name="floor 7"),
    case("remainder.Scalar", lambda x: x % -300, I16, whole=False),
    case("bitwise_left_shift.Tensor_Scalar", lambda x: x << 3, I16, whole=False),
    case("bitwise_right_shift.Tensor_Scalar", lambda x: x >> 3, I16, whole=False),
    case("bitwise_right_shift.Tensor", lambda x: x >> SHIFTS, SHORTS, name="beyond", whole=False),
    case("bitwise_right_shift.Tensor_Scalar", lambda x: (x >> 15, x >> 40, x >> -1), SHORTS, whole=False),
    case("bitwise_not.default", lambda x: ~x, I16),
    case("bitwise_and.Tensor", lambda x, y: x & y, U16, U16),
    case("clamp.default", lambda x: x.clamp(-300, 300), I16),
    case("maximum.default", lambda x: torch.maximum(x, torch.tensor(70000)), SHORTS, name="wrapped"),
    case("eq.Scalar", lambda x: (x == 65535, x == -1), SHORTS),
    case("eq.Tensor", torch.eq, U16, U16),
    case("lt.Scalar", lambda x: x < 20000, I16),
    case("mm.default", lambda x: x @ x.T, I16, whole=False),
    case("sum.dim_IntList", lambda x: x.sum(1), I16),
    case("sum.dim_IntList", lambda x: x.sum(1, dtype=torch.int16), I16, name="narrow"),
    case("sum.dim_IntList", lambda x: x.sum(1), U16),
    case("prod.default", lambda x: x.prod(dtype=torch.int16), SHORTS | 1),
    case("cumsum.default", lambda x: x.cumsum(1, dtype=torch.int16), I16, name="narrow"),
    case("amax.default", lambda x: (x.amax(1), x.amin(1)), I16),
    case("sort.default", lambda x: x.sort(), I16),
    case("sort.default", lambda x: x.sort(), U16),
    case("topk.default", lambda x: x.topk(2), SHORTS),
    case("copy.default", lambda x: x.add_(20000), I16, name="in place", whole=False),
    case("full_like.default", lambda x: torch.full_like(x, 7), I16, static=False),
    case(
        "max_pool2d_with_indices.default", lambda x: F.max_pool2d(x.short() * 300, 2), IMAGE, dynamic=None, whole=False
    ),
]
CASES = [*MOVES, *ARITHMETIC, *COMPARISONS, *REDUCTIONS, *CASTS, *SIXTEEN_BITS]
