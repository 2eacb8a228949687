"""Sixty converters in the classic style, with every idiom that third-party files have.

Each row of ``CALLS`` is a call that one of them converts; ``test_sixty.py`` runs them.
"""

import numpy as np
from torch2trt.torch2trt import *  # noqa: F403
from torch2trt.torch2trt import (
    F,
    add_missing_trt_tensors,
    add_trt_constant,
    broadcast_trt_tensors,
    check_torch_dtype,
    get_arg,
    get_conversion_context,
    make_int_wrapper,
    make_size_wrapper,
    nn,
    set_layer_precision,
    tensorrt_converter,
    torch,
    torch_dim_resolve_negative,
    torch_dim_to_trt_axes,
    torch_dtype_to_trt,
    trt,
    trt_,
    trt_version,
    use_shape_wrapping,
    wrap_ints,
)

#: the names of the converters that ran
RAN = set()
#: name of the converter to a function of x (2, 4, 6, 6), y of the same shape, and s (2, 4)
CALLS = {}


def converts(name):
    """Note that a converter ran, and give its context on."""

    def decorate(function):
        def noted(ctx):
            RAN.add(name)
            function(ctx)

        noted.__name__ = noted.__qualname__ = f"convert_{name}"
        return noted

    return decorate


#: the modules that calls are of
MODULES = nn.ModuleDict()


def calling(module, scale=1):
    MODULES[type(module).__name__] = module
    return lambda x, y, s: module(x * scale)


# ---- activations: the module, the tensor by its hash or by _trt, an enum each


def activation(name, kind, alpha=None):
    @converts(name)
    def convert(ctx):
        module, input = ctx.method_args[0], ctx.method_args[1]
        layer = ctx.network.add_activation(input=input._trt, type=kind)
        if alpha is not None:
            layer.alpha = getattr(module, alpha)
        ctx.method_return._trt = layer.get_output(0)

    return convert


class Own(nn.Module):
    """Modules of a third party: one class for each converter."""

    def __init__(self, slope=0.2):
        super().__init__()
        self.slope = slope


class OwnRelu(Own):
    def forward(self, x):
        return x.clamp(min=0)


class OwnSigmoid(Own):
    def forward(self, x):
        return 1 / (1 + torch.exp(-x))


class OwnTanh(Own):
    def forward(self, x):
        return torch.tanh(x)


class OwnLeaky(Own):
    def forward(self, x):
        return torch.where(x > 0, x, x * self.slope)


class OwnElu(Own):
    def forward(self, x):
        return torch.where(x > 0, x, self.slope * (torch.exp(x) - 1))


for own, enum, parameter in (
    (OwnRelu, trt.ActivationType.RELU, None),
    (OwnSigmoid, trt.ActivationType.SIGMOID, None),
    (OwnTanh, trt.ActivationType.TANH, None),
    (OwnLeaky, trt.ActivationType.LEAKY_RELU, "slope"),
    (OwnElu, trt.ActivationType.ELU, "slope"),
):
    tensorrt_converter(own.forward)(activation(own.__name__, enum, parameter))
    CALLS[own.__name__] = calling(own())


@tensorrt_converter("torch.nn.ReLU6.forward", enabled=trt_version() >= "7.0")
@converts("relu6")
def convert_relu6(ctx):
    input = ctx.method_args[1]
    trt_input = ctx.trt_tensors[input.__hash__()]
    layer = ctx.network.add_activation(trt_input, trt.ActivationType.CLIP)
    layer.alpha, layer.beta = 0.0, 6.0
    ctx.trt_tensors[ctx.method_return.__hash__()] = layer.get_output(0)


CALLS["relu6"] = calling(nn.ReLU6(), 8)


@tensorrt_converter("torch.nn.functional.hardtanh")
@converts("hardtanh")
def convert_hardtanh(ctx):
    input = get_arg(ctx, "input", pos=0, default=None)
    low, high = get_arg(ctx, "min_val", pos=1, default=-1.0), get_arg(ctx, "max_val", pos=2, default=1.0)
    layer = ctx.network.add_activation(input._trt, trt.ActivationType.CLIP)
    layer.alpha, layer.beta = low, high
    ctx.method_return._trt = layer.get_output(0)


CALLS["hardtanh"] = lambda x, y, s: F.hardtanh(x, -0.5, max_val=0.5)


@tensorrt_converter("torch.nn.functional.softsign")
@converts("softsign")
def convert_softsign(ctx):
    layer = ctx.network.add_activation(ctx.method_args[0]._trt, trt.ActivationType.SOFTSIGN)
    ctx.method_return._trt = layer.get_output(0)


CALLS["softsign"] = lambda x, y, s: F.softsign(x)


@tensorrt_converter("torch.relu_")
@tensorrt_converter("torch.Tensor.relu_")
@converts("relu_")
def convert_relu_in_place(ctx):
    input, output = ctx.method_args[0], ctx.method_return
    layer = ctx.network.add_activation(input._trt, trt.ActivationType.RELU)
    output._trt = layer.get_output(0)
    input._trt = output._trt


CALLS["relu_"] = lambda x, y, s: (x + 0).relu_()


# ---- unary functions: one factory, two names each


def unary(name, operation):
    @tensorrt_converter(f"torch.{name}")
    @tensorrt_converter(f"torch.Tensor.{name}")
    @converts(name)
    def convert(ctx):
        input = get_arg(ctx, "input", pos=0, default=None)
        (input_trt,) = add_missing_trt_tensors(ctx.network, [input])
        ctx.method_return._trt = ctx.network.add_unary(input_trt, operation).get_output(0)


U = trt.UnaryOperation
for one, operation in {
    "exp": U.EXP,
    "abs": U.ABS,
    "neg": U.NEG,
    "sin": U.SIN,
    "cos": U.COS,
    "tan": U.TAN,
    "floor": U.FLOOR,
    "ceil": U.CEIL,
    "atan": U.ATAN,
    "sinh": U.SINH,
    "cosh": U.COSH,
    "asinh": U.ASINH,
}.items():
    unary(one, operation)
    CALLS[one] = lambda x, y, s, name=one: getattr(torch, name)(x)
for one, operation in {"log": U.LOG, "sqrt": U.SQRT, "reciprocal": U.RECIP}.items():
    unary(one, operation)
    CALLS[one] = lambda x, y, s, name=one: getattr(x.square() + 0.5, name)()


# ---- two operands: tensors, numbers and constants, in either order


def elementwise(name, operation, *targets):
    @converts(name)
    def convert(ctx):
        a, b = ctx.method_args[0], ctx.method_args[1]
        a_trt, b_trt = add_missing_trt_tensors(ctx.network, [a, b])
        a_trt, b_trt = broadcast_trt_tensors(ctx.network, [a_trt, b_trt], len(ctx.method_return.shape))
        ctx.method_return._trt = ctx.network.add_elementwise(a_trt, b_trt, operation).get_output(0)

    for target in targets:
        convert = tensorrt_converter(target)(convert)
    return convert


E = trt.ElementWiseOperation
elementwise("add", E.SUM, "torch.add", "torch.Tensor.__add__", "torch.Tensor.__radd__", "torch.Tensor.add")
elementwise("sub", E.SUB, "torch.sub", "torch.Tensor.sub", "torch.Tensor.__sub__")
elementwise("mul", E.PROD, "torch.mul", "torch.Tensor.mul", "torch.Tensor.__mul__", "torch.Tensor.__rmul__")
elementwise("maximum", E.MAX, "torch.maximum")
elementwise("minimum", E.MIN, "torch.minimum")
CALLS["add"] = lambda x, y, s: torch.add(x, 2) + torch.add(x, y)
CALLS["sub"] = lambda x, y, s: torch.sub(x, y)
CALLS["mul"] = lambda x, y, s: torch.mul(x, 0.5)
CALLS["maximum"] = lambda x, y, s: torch.maximum(x, y)
CALLS["minimum"] = lambda x, y, s: torch.minimum(x, y)


@tensorrt_converter("torch.Tensor.__rsub__")
@tensorrt_converter("torch.rsub")
@converts("rsub")
def convert_rsub(ctx):
    a_trt, b_trt = trt_(ctx.network, ctx.method_args[1], ctx.method_args[0])
    ctx.method_return._trt = ctx.network.add_elementwise(a_trt, b_trt, E.SUB).get_output(0)


CALLS["rsub"] = lambda x, y, s: torch.rsub(x, 1.5)


@tensorrt_converter("torch.div")
@tensorrt_converter("torch.Tensor.__truediv__")
@converts("div")
def convert_div(ctx):
    a_trt, b_trt = trt_(ctx.network, ctx.method_args[0], ctx.method_args[1])
    ctx.method_return._trt = ctx.network.add_elementwise(a_trt, b_trt, E.DIV).get_output(0)


CALLS["div"] = lambda x, y, s: torch.div(x, 4.0)


@tensorrt_converter("torch.Tensor.__rtruediv__")
@converts("rdiv")
def convert_rdiv(ctx):
    b_trt, a_trt = trt_(ctx.network, ctx.method_args[0], ctx.method_args[1])
    ctx.method_return._trt = ctx.network.add_elementwise(a_trt, b_trt, E.DIV).get_output(0)


CALLS["rdiv"] = lambda x, y, s: (x.square() + 1).__rtruediv__(2.0)


@tensorrt_converter("torch.pow")
@converts("pow")
def convert_pow(ctx):
    a_trt, b_trt = trt_(ctx.network, *ctx.method_args[:2])
    ctx.method_return._trt = ctx.network.add_elementwise(a_trt, b_trt, E.POW).get_output(0)


CALLS["pow"] = lambda x, y, s: torch.pow(x.square() + 0.1, 1.5)


@tensorrt_converter("torch.gt")
@tensorrt_converter("torch.Tensor.__gt__")
@converts("gt")
def convert_gt(ctx):
    check_torch_dtype(ctx.method_args[0])
    a_trt, b_trt = trt_(ctx.network, ctx.method_args[0], ctx.method_args[1])
    ctx.method_return._trt = ctx.network.add_elementwise(a_trt, b_trt, E.GREATER).get_output(0)


CALLS["gt"] = lambda x, y, s: torch.gt(x, 0.25)


@tensorrt_converter("torch.where")
@converts("where")
def convert_where(ctx):
    condition, a, b = (tensor._trt for tensor in ctx.method_args)
    ctx.method_return._trt = ctx.network.add_select(condition, a, b).get_output(0)


CALLS["where"] = lambda x, y, s: torch.where(torch.gt(x, 0.25), x, y)


@tensorrt_converter("torch.clamp")
@converts("clamp")
def convert_clamp(ctx):
    low, high = get_arg(ctx, "min", 1, None), get_arg(ctx, "max", 2, None)
    tensor = ctx.method_args[0]._trt
    for bound, operation in ((low, E.MAX), (high, E.MIN)):
        if bound is not None:
            shape = (1,) * len(tensor.shape)
            value = bound * torch.ones(shape, dtype=ctx.method_args[0].dtype).cpu().numpy()
            constant = ctx.network.add_constant(shape, value).get_output(0)
            tensor = ctx.network.add_elementwise(tensor, constant, operation).get_output(0)
    ctx.method_return._trt = tensor


CALLS["clamp"] = lambda x, y, s: torch.clamp(x, min=-0.4, max=0.3)


# ---- reductions: masks of axes, of dimensions that count from either end


def reduction(name, operation):
    @tensorrt_converter(f"torch.{name}")
    @tensorrt_converter(f"torch.Tensor.{name}")
    @converts(name)
    def convert(ctx):
        input, ndim = ctx.method_args[0], ctx.method_args[0].dim()
        dim = get_arg(ctx, "dim", pos=1, default=None)
        dim = tuple(range(ndim)) if dim is None else torch_dim_resolve_negative(dim, ndim)
        keepdim = get_arg(ctx, "keepdim", pos=2, default=False)
        layer = ctx.network.add_reduce(input._trt, operation, torch_dim_to_trt_axes(dim), keepdim)
        ctx.method_return._trt = layer.get_output(0)


for one, operation in {"sum": "SUM", "mean": "AVG", "amax": "MAX", "amin": "MIN", "prod": "PROD"}.items():
    reduction(one, getattr(trt.ReduceOperation, operation))
    CALLS[one] = lambda x, y, s, name=one: getattr(x, name)(-1, keepdim=True)


@tensorrt_converter("torch.nn.functional.softmax")
@tensorrt_converter("torch.Tensor.softmax")
@converts("softmax")
def convert_softmax(ctx):
    input, dim = ctx.method_args[0], get_arg(ctx, "dim", pos=1, default=None)
    layer = ctx.network.add_softmax(input=input._trt)
    layer.axes = torch_dim_to_trt_axes(dim, input.dim())
    ctx.method_return._trt = layer.get_output(0)


CALLS["softmax"] = lambda x, y, s: F.softmax(x, dim=-3)


@tensorrt_converter("torch.topk")
@converts("topk")
def convert_topk(ctx):
    input, k, dim = ctx.method_args[0], ctx.method_args[1], get_arg(ctx, "dim", 2, -1)
    layer = ctx.network.add_topk(input._trt, trt.TopKOperation.MAX, k, torch_dim_to_trt_axes(dim, input.dim()))
    values, indices = ctx.method_return
    values._trt = layer.get_output(0)
    indices._trt = ctx.network.add_cast(layer.get_output(1), torch_dtype_to_trt(torch.int64)).get_output(0)


CALLS["topk"] = lambda x, y, s: torch.topk(x, 3, dim=1)[0]


# ---- layers with weights: module, weight.detach().cpu().numpy()


@tensorrt_converter("torch.nn.Conv2d.forward")
@converts("conv2d")
def convert_conv2d(ctx):
    module, input = ctx.method_args[0], ctx.method_args[1]
    kernel = module.weight.detach().cpu().numpy()
    bias = trt.Weights(torch_dtype_to_trt(module.weight.dtype))
    if module.bias is not None:
        bias = module.bias.detach().cpu().numpy()
    layer = ctx.network.add_convolution_nd(input._trt, module.out_channels, tuple(module.kernel_size), kernel, bias)
    layer.stride_nd, layer.padding_nd, layer.dilation_nd = module.stride, module.padding, module.dilation
    layer.num_groups = module.groups
    set_layer_precision(ctx, layer)
    assert ctx.current_module_name() == "conv"
    ctx.method_return._trt = layer.get_output(0)


CALLS["conv2d"] = lambda x, y, s, module=None: module.conv(x)


@tensorrt_converter("torch.nn.functional.batch_norm")
@converts("batch_norm")
def convert_batch_norm(ctx):
    input, mean, variance = ctx.method_args[:3]
    weight, bias = get_arg(ctx, "weight", 3, None), get_arg(ctx, "bias", 4, None)
    scale = weight.detach().cpu().numpy() / np.sqrt(variance.detach().cpu().numpy() + get_arg(ctx, "eps", 7, 1e-5))
    shift = bias.detach().cpu().numpy() - mean.detach().cpu().numpy() * scale
    layer = ctx.network.add_scale(input._trt, trt.ScaleMode.CHANNEL, shift, scale, np.ones_like(scale))
    ctx.method_return._trt = layer.get_output(0)


CALLS["batch_norm"] = lambda x, y, s, module=None: module.norm(x)


@tensorrt_converter("torch.nn.functional.linear")
@converts("linear")
def convert_linear(ctx):
    input, weight = ctx.method_args[0], ctx.method_args[1]
    bias = get_arg(ctx, "bias", 2, None)
    kernel = add_trt_constant(ctx.network, weight)
    none, transpose = trt.MatrixOperation.NONE, trt.MatrixOperation.TRANSPOSE
    result = ctx.network.add_matrix_multiply(input._trt, none, kernel, transpose).get_output(0)
    if bias is not None:
        constant = ctx.network.add_constant((1, bias.shape[0]), bias.detach().cpu().numpy()).get_output(0)
        result = ctx.network.add_elementwise(result, constant, E.SUM).get_output(0)
    ctx.method_return._trt = result


CALLS["linear"] = lambda x, y, s, module=None: module.linear(s)


@tensorrt_converter("torch.nn.functional.max_pool2d")
@converts("max_pool2d")
def convert_max_pool2d(ctx):
    input, kernel = ctx.method_args[0], get_arg(ctx, "kernel_size", 1, None)
    stride = get_arg(ctx, "stride", 2, None) or kernel
    layer = ctx.network.add_pooling_nd(input._trt, trt.PoolingType.MAX, (kernel, kernel))
    layer.stride_nd = (stride, stride)
    ctx.method_return._trt = layer.get_output(0)


CALLS["max_pool2d"] = lambda x, y, s: F.max_pool2d(x, 2)


@tensorrt_converter("torch.nn.functional.avg_pool2d")
@converts("avg_pool2d")
def convert_avg_pool2d(ctx):
    input, kernel = ctx.method_args[0], get_arg(ctx, "kernel_size", 1, None)
    layer = ctx.network.add_pooling_nd(input._trt, trt.PoolingType.AVERAGE, (kernel, kernel))
    layer.stride_nd = (kernel, kernel)
    ctx.method_return._trt = layer.get_output(0)


CALLS["avg_pool2d"] = lambda x, y, s: F.avg_pool2d(x, kernel_size=3)


@tensorrt_converter("torch.matmul")
@converts("matmul")
def convert_matmul(ctx):
    x, y = trt_(ctx.network, *ctx.method_args)
    none = trt.MatrixOperation.NONE
    ctx.method_return._trt = ctx.network.add_matrix_multiply(x, none, y, none).get_output(0)


CALLS["matmul"] = lambda x, y, s: torch.matmul(x, y)


# ---- shapes: sizes as tensors, wrapped ints and their arithmetic


@tensorrt_converter("torch.Tensor.view")
@tensorrt_converter("torch.Tensor.reshape")
@converts("reshape")
def convert_reshape(ctx):
    sizes = ctx.method_args[1:] if isinstance(ctx.method_args[1], int) else tuple(ctx.method_args[1])
    layer = ctx.network.add_shuffle(ctx.method_args[0]._trt)
    layer.set_input(1, make_size_wrapper(sizes)._trt)
    ctx.method_return._trt = layer.get_output(0)


CALLS["reshape"] = lambda x, y, s: x.reshape(x.shape[0], 4, 36)


@tensorrt_converter("torch.flatten")
@converts("flatten")
def convert_flatten(ctx):
    input, start = ctx.method_args[0], get_arg(ctx, "start_dim", 1, 0)
    with use_shape_wrapping(False):
        sizes = list(wrap_ints(input.shape))
    last = make_int_wrapper(1)
    for size in sizes[start:]:
        last = last * size
    layer = ctx.network.add_shuffle(input._trt)
    layer.set_input(1, make_size_wrapper([*sizes[:start], (last + 2 - 2) // 1])._trt)
    ctx.method_return._trt = layer.get_output(0)


CALLS["flatten"] = lambda x, y, s: torch.flatten(x, 1)


@tensorrt_converter("torch.Tensor.permute")
@converts("permute")
def convert_permute(ctx):
    dims = ctx.method_args[1:] if isinstance(ctx.method_args[1], int) else tuple(ctx.method_args[1])
    layer = ctx.network.add_shuffle(ctx.method_args[0]._trt)
    layer.second_transpose = dims
    ctx.method_return._trt = layer.get_output(0)


CALLS["permute"] = lambda x, y, s: x.permute(0, 2, 3, 1)


@tensorrt_converter("torch.transpose")
@tensorrt_converter("torch.Tensor.transpose")
@converts("transpose")
def convert_transpose(ctx):
    order = list(range(ctx.method_args[0].dim()))
    a, b = ctx.method_args[1:3]
    order[a], order[b] = order[b], order[a]
    layer = ctx.network.add_shuffle(ctx.method_args[0]._trt)
    layer.second_transpose = tuple(order)
    ctx.method_return._trt = layer.get_output(0)


CALLS["transpose"] = lambda x, y, s: torch.transpose(x, 1, 2)


@tensorrt_converter("torch.unsqueeze")
@tensorrt_converter("torch.Tensor.unsqueeze")
@converts("unsqueeze")
def convert_unsqueeze(ctx):
    (dim,) = torch_dim_resolve_negative(ctx.method_args[1], ctx.method_return.dim())
    axes = ctx.network.add_constant((1,), np.array([dim], dtype=np.int64)).get_output(0)
    ctx.method_return._trt = ctx.network.add_unsqueeze(ctx.method_args[0]._trt, axes).get_output(0)


CALLS["unsqueeze"] = lambda x, y, s: torch.unsqueeze(s, -1)


@tensorrt_converter("torch.cat")
@converts("cat")
def convert_cat(ctx):
    tensors = get_arg(ctx, "tensors", pos=0, default=None)
    dim = get_arg(ctx, "dim", pos=1, default=0)
    layer = ctx.network.add_concatenation(inputs=add_missing_trt_tensors(ctx.network, tensors))
    layer.axis = dim
    ctx.method_return._trt = layer.get_output(0)


CALLS["cat"] = lambda x, y, s: torch.cat([x, y], dim=1)


@tensorrt_converter("torch.stack")
@converts("stack")
def convert_stack(ctx):
    axes = ctx.network.add_constant((1,), np.array([1], dtype=np.int64)).get_output(0)
    apart = [ctx.network.add_unsqueeze(tensor._trt, axes).get_output(0) for tensor in ctx.method_args[0]]
    layer = ctx.network.add_concatenation(apart)
    layer.axis = 1
    ctx.method_return._trt = layer.get_output(0)


CALLS["stack"] = lambda x, y, s: torch.stack([x, y], dim=1)


@tensorrt_converter("torch.chunk")
@converts("chunk")
def convert_chunk(ctx):
    input, outputs = ctx.method_args[0], ctx.method_return
    start = 0
    for output in outputs:
        sizes = [make_int_wrapper(size) for size in input.shape]
        sizes[1] = make_int_wrapper(int(output.shape[1]))
        layer = ctx.network.add_slice(input._trt, (0, start, 0, 0), (0, 0, 0, 0), (1, 1, 1, 1))
        layer.set_input(2, make_size_wrapper(sizes)._trt)
        output._trt = layer.get_output(0)
        start += int(output.shape[1])


CALLS["chunk"] = lambda x, y, s: torch.chunk(x, 2, 1)[1]


@tensorrt_converter("torch.nn.functional.interpolate")
@converts("interpolate")
def convert_interpolate(ctx):
    input, scale = ctx.method_args[0], get_arg(ctx, "scale_factor", 2, None)
    layer = ctx.network.add_resize(input._trt)
    layer.scales = [1, 1, float(scale), float(scale)]
    layer.resize_mode = trt.InterpolationMode.NEAREST
    ctx.method_return._trt = layer.get_output(0)


CALLS["interpolate"] = lambda x, y, s: F.interpolate(x, scale_factor=2, mode="nearest")


@tensorrt_converter("torch.Tensor.expand_as")
@converts("expand_as")
def convert_expand_as(ctx):
    assert get_conversion_context() is ctx
    a, b = trt_(ctx.network, ctx.method_args[0], ctx.method_args[1])
    zero = ctx.network.add_elementwise(b, b, E.SUB).get_output(0)
    ctx.method_return._trt = ctx.network.add_elementwise(a, zero, E.SUM).get_output(0)


CALLS["expand_as"] = lambda x, y, s: s[:, :, None, None].expand_as(x)


@tensorrt_converter("torch.Tensor.contiguous")
@tensorrt_converter("torch.nn.functional.dropout")
@tensorrt_converter("torch.nn.Dropout.forward")
@converts("identity")
def convert_identity(ctx):
    input = ctx.method_args[1 if isinstance(ctx.method_args[0], nn.Module) else 0]
    ctx.method_return._trt = input._trt


CALLS["identity"] = calling(nn.Dropout().eval())


@tensorrt_converter("torch.nn.functional.gelu")
@converts("gelu")
def convert_gelu(ctx):
    input = get_arg(ctx, "input", pos=0, default=None)
    layer = ctx.network.add_activation(input._trt, trt.ActivationType.GELU_ERF)
    ctx.method_return._trt = layer.get_output(0)


CALLS["gelu"] = lambda x, y, s: F.gelu(x)


# ---- an own function of a third party, called by its module


def own_hardswish(x):
    return x * F.relu6(x + 3) / 6


@tensorrt_converter(own_hardswish)
@converts("own_hardswish")
def convert_own_hardswish(ctx):
    input = ctx.method_args[0]
    three, six = trt_(ctx.network, input, 3.0)[1], trt_(ctx.network, input, 6.0)[1]
    clip = ctx.network.add_activation(
        ctx.network.add_elementwise(input._trt, three, E.SUM).get_output(0), trt.ActivationType.CLIP
    )
    clip.alpha, clip.beta = 0.0, 6.0
    product = ctx.network.add_elementwise(input._trt, clip.get_output(0), E.PROD).get_output(0)
    ctx.method_return._trt = ctx.network.add_elementwise(product, six, E.DIV).get_output(0)


CALLS["own_hardswish"] = lambda x, y, s: own_hardswish(x)


class Everything(nn.Module):
    """One model that makes every call."""

    def __init__(self):
        super().__init__()
        self.conv, self.norm = nn.Conv2d(4, 4, 3, padding=1), nn.BatchNorm2d(4)
        self.linear, self.modules_of_calls = nn.Linear(4, 5), MODULES

    def forward(self, x, y, s):
        results = {}
        for name, call in CALLS.items():
            own = {"module": self} if name in ("conv2d", "batch_norm", "linear") else {}
            results[name] = call(x, y, s, **own)
        return results
