"""Custom operators as TensorRT plugins: what is run here, without full TensorRT, is each object by itself.

The creator is registered in TensorRT's own registry and the fields are TensorRT's own; sizes go through a builder of the
same interface (``expressions.py``), since the binding makes none; ``enqueue`` gets addresses of the CPU's memory, and of
a GPU's where there is one.
"""

import pytest
import torch
from torch2trt import EngineError, Input, PackError, TargetError, UnsupportedError, convert, explain, plugin, trt
from torch2trt.packs import operators
from torch2trt.packs.marks import marks
from torch2trt.packs.plugins import register_operator
from torch2trt.plugins.creators import has_plugin_layers
from torch2trt.plugins.layer import OperatorPlugin
from torch2trt.plugins.sizes import outputs_of
from torch2trt.reference.evaluators import EVALUATORS

from .expressions import Builder, dimensions
from .packs import Pack, only, with_installed

pytestmark = pytest.mark.filterwarnings("ignore::torch2trt.ReferenceRuntimeWarning")

ON_RTX = pytest.mark.skipif(has_plugin_layers(), reason="networks of this TensorRT take plugins")
GPU = [pytest.mark.gpu, pytest.mark.skipif(not torch.cuda.is_available(), reason="needs an NVIDIA GPU")]
FULL = pytest.mark.skipif(not has_plugin_layers(), reason="networks of TensorRT for RTX take no plugins")


@plugin
@torch.library.custom_op("plugin_tests::every", mutates_args=())
def every(
    x: torch.Tensor,
    w: torch.Tensor | None,
    xs: list[torch.Tensor],
    scale: float,
    n: int,
    flag: bool = False,
    name: str = "",
    dtype: torch.dtype | None = None,
    sizes: list[int] | None = None,
    number: torch.types.Number = 1,
    where: torch.device | None = None,
) -> list[torch.Tensor]:
    """Has arguments of all kinds that a plugin may have."""
    total = x * scale + sum(one.sum() for one in xs) + (0 if w is None else w)
    return [total[:, ::2].clone(), total.repeat(n, 1).to(dtype or x.dtype)]


@every.register_fake
def _(x, w, xs, scale, n, flag=False, name="", dtype=None, sizes=None, number=1, where=None):
    return [x.new_empty(x.shape[0], (x.shape[1] + 1) // 2), x.new_empty(n * x.shape[0], x.shape[1], dtype=dtype)]


def operator_of(op):
    return marks(op)[0].invoke.operator


def model(x, y):
    halves, repeated = every(torch.relu(x), None, [y, y], 0.5, 2, dtype=torch.float16)
    return halves + 1, repeated * 2


X, Y = torch.randn(4, 7), torch.randn(3)
ATTRIBUTES = {"w": -1, "xs": 2, "scale": 0.5, "n": 2, "flag": False, "name": "", "dtype": torch.float16, "number": 1}


def made(device="cpu"):
    """The plugin of ``model``'s call."""
    operator = operator_of(every)
    return OperatorPlugin(operator, ATTRIBUTES, outputs_of(operator, [X, Y, Y], ATTRIBUTES), device)


# --- the mark and the plan


def test_the_operator_is_what_it_was_and_knows_its_line():
    torch.testing.assert_close(every(X, None, [Y], 1.0, 1)[1], X + Y.sum())
    (found,) = only(Pack(every)).registry.chain(torch.ops.plugin_tests.every.default)
    assert found.name == f"{__name__}.every"
    assert found.location.startswith("test_plugin_operators.py:")


@ON_RTX
def test_where_networks_take_no_plugins_the_call_is_declined_with_the_reason():
    with pytest.raises(
        UnsupportedError, match=r"(?s)Pack: networks of TensorRT for RTX take no plugins.*fallback=True"
    ):
        convert(model, [X, Y], packs=with_installed(Pack(every)))


@ON_RTX
def test_pytorch_runs_it_between_engines():
    inputs = [Input(min=(2, 2), opt=(4, 7), max=(9, 9)), Y]
    packs = with_installed(Pack(every))
    module = convert(model, inputs, packs=packs, fallback=True, min_segment=1, runtime="reference")
    for x in (X, torch.randn(3, 8)):
        torch.testing.assert_close(module(x, Y), model(x, Y))


def test_an_overload_of_a_library_in_c_is_marked_as_it_is():
    overload = torch.ops.plugin_tests.every.default
    assert plugin(version="2")(overload) is overload
    try:
        assert operator_of(overload).version == "2"
        assert len(only(Pack(overload)).converters) == 1
    finally:
        del overload.__torch2trt_converters__


@torch.library.custom_op("plugin_tests::writes", mutates_args={"x"})
def writes(x: torch.Tensor) -> None:
    x.add_(1)


@pytest.mark.parametrize(("op", "why"), [(writes, "writes to its arguments"), (torch.relu, "marks a custom operator")])
def test_what_cannot_be_one_is_refused_where_it_is_marked(op, why):
    with pytest.raises(TargetError, match=why):
        plugin(op)


@plugin
@torch.library.custom_op("plugin_tests::kinds", mutates_args=())
def kinds(x: torch.Tensor, n: int = 1, where: torch.device | None = None, rows: str = "same") -> torch.Tensor:
    return x[x[:, 0] > 0] if rows == "values" else x.clone()


@kinds.register_fake
def _(x, n=1, where=None, rows="same"):
    count = {
        "same": lambda: x.shape[0],
        "values": torch.library.get_ctx().new_dynamic_size,
        "few": lambda: x.shape[0] if x.shape[0] <= 9 else 9,
    }
    return x.new_empty(count[rows](), x.shape[1])


def of_some_rows(x, rows):
    some = x[x[:, 0] > 0]
    torch._check(some.shape[0] <= 9)
    return kinds(some, rows=rows)


@pytest.mark.parametrize(
    ("call", "why"),
    [
        (lambda x: kinds(x, where=torch.device("cpu")), "its argument where is a Device, which a plugin cannot keep"),
        (lambda x: kinds(x, x.shape[0]), "its argument n varies, and a plugin's attributes are constants"),
        (lambda x: kinds(x, rows="values"), "depends on values, not on the sizes of what it is given"),
        (lambda x: kinds(x.to(torch.uint8)), "a plugin layer takes no uint8"),
        (lambda x: kinds(x.double()), "TensorRT has no float64"),
        (lambda x: of_some_rows(x, "few"), "decides by a size that depends on values"),
        (lambda x: of_some_rows(x, "same"), None),
        (lambda x: kinds(x, rows="few"), None),
        (lambda x: kinds(x), None),
    ],
)
def test_what_a_layer_cannot_do_is_declined_in_the_plan(call, why, monkeypatch):
    monkeypatch.setattr(operators, "has_plugin_layers", lambda: True)
    settings = {"fallback": True, "min_segment": 1, "float64": "refuse"}
    plan = explain(call, [Input(min=(2, 2), max=(9, 2))], packs=with_installed(Pack(kinds)), **settings)
    (planned,) = [one for one in plan if one.call.target.obj is torch.ops.plugin_tests.kinds.default]
    assert planned.action == ("torch" if why else "convert")
    assert why is None or any(why in reason for reason in planned.reasons), planned.reasons


def test_the_converter_adds_the_layer_and_the_manifest_names_the_pack(monkeypatch):
    added = []

    def add_plugin_v3(network, inputs, shape_inputs, layer):
        added.append((inputs, shape_inputs, layer))
        return network.add_identity(inputs[0])  # what the operator computes

    monkeypatch.setattr(trt.INetworkDefinition, "add_plugin_v3", add_plugin_v3, raising=False)
    inputs = [Input(min=(2, 2), opt=(3, 2), max=(9, 2))]
    module = convert(lambda x: kinds(torch.relu(x), 3), inputs, packs=with_installed(Pack(kinds)), runtime="reference")
    x = torch.randn(5, 2)
    torch.testing.assert_close(module(x), torch.relu(x))
    (((tensor,), shape_inputs, layer),) = added
    assert (tuple(tensor.shape), shape_inputs, layer.attributes) == ((-1, 2), [], {"n": 3, "rows": "same"})
    assert layer.get_output_data_types([trt.float32]) == [trt.float32]
    assert [pack["name"] for pack in module.manifest()["engine"]["plugins"]] == ["Pack"]
    assert trt.get_plugin_registry().get_creator("kinds", "1", "plugin_tests") is not None


# --- the creator and the attributes


def test_the_creator_stands_in_tensorrts_registry_and_makes_the_plugin_again():
    operator = operator_of(every)
    creator = trt.get_plugin_registry().get_creator("every", "1", "plugin_tests") or register_operator(operator)
    assert trt.get_plugin_registry().get_creator("every", "1", "plugin_tests") is creator
    with pytest.raises(PackError, match=r"has a plugin creator plugin_tests::every of version 1 already"):
        register_operator(operator)
    given = {**ATTRIBUTES, "name": "größer", "sizes": [3, 1], "number": 2.5, "flag": True, "scale": 1e-300}
    args = [X, None, [Y, Y], 1e-300, 2, True, "größer", torch.float16, [3, 1], 2.5, None]
    assert operator.split(args, {}) == ([X, Y, Y], given)
    first = OperatorPlugin(operator, given)
    again = creator.create_plugin("every", first.get_fields_to_serialize(), trt.TensorRTPhase.RUNTIME).clone()
    fields = [(field.name, field.type, list(field.data)) for field in again.get_fields_to_serialize()]
    assert fields == [(field.name, field.type, list(field.data)) for field in first.get_fields_to_serialize()]
    assert operator.joined([X, Y, Y], again.attributes)[0] == args
    assert (again.plugin_name, again.plugin_version, again.plugin_namespace) == ("every", "1", "plugin_tests")


def test_an_engines_plugin_says_that_it_cannot_be_built_with():
    with pytest.raises(EngineError, match="made of an engine's fields"):
        OperatorPlugin(operator_of(every), ATTRIBUTES).get_output_data_types([trt.float32])


# --- building


def test_every_capability_is_the_plugin_itself():
    layer = made()
    for capability in trt.PluginCapabilityType.__members__.values():
        assert layer.get_capability_interface(capability) is layer
    assert (layer.num_outputs, layer.get_valid_tactics(), layer.get_workspace_size([], [])) == (2, [], 0)


def test_dtypes_are_the_fake_kernels():
    given = [trt.float32, trt.float32, trt.float32]
    assert made().get_output_data_types(given) == [trt.float32, trt.float16]
    with pytest.raises(EngineError, match="captured with float32, float32, float32, not float16, float32, float32"):
        made().get_output_data_types([trt.float16, *given[1:]])


def test_only_dense_tensors_of_these_dtypes_are_taken():
    def described(kind, layout=trt.TensorFormat.LINEAR):
        tensor = trt.DynamicPluginTensorDesc()
        description = trt.PluginTensorDesc()
        description.type, description.format = kind, layout
        tensor.desc = description
        return tensor

    fitting = [described(kind) for kind in (trt.float32, trt.float32, trt.float32, trt.float32, trt.float16)]
    assert [made().supports_format_combination(position, fitting, 3) for position in range(5)] == [True] * 5
    for wrong in (described(trt.float16), described(trt.float32, trt.TensorFormat.CHW4)):
        assert not made().supports_format_combination(0, [wrong, *fitting[1:]], 3)


def test_sizes_are_expressions_of_the_inputs_sizes(monkeypatch):
    monkeypatch.setattr(trt, "DimsExprs", list)  # the binding's own takes TensorRT's expressions alone
    plan = explain(model, [Input(min=(2, 2), max=(9, 9)), Y], packs=with_installed(Pack(every)), fallback=True)
    (call,) = [one.call for one in plan if one.call.target.obj is torch.ops.plugin_tests.every.default]
    operator = operator_of(every)
    tensors, attributes = operator.split(call.args, call.kwargs)
    layer = OperatorPlugin(operator, attributes, outputs_of(operator, tensors, attributes)).clone()
    for rows, columns in ((2, 2), (5, 7), (9, 4)):
        results = layer.get_output_shapes([dimensions(rows, columns), dimensions(3), dimensions(3)], [], Builder())
        expected = every(torch.ones(rows, columns), None, [Y, Y], 0.5, 2)
        assert [[size.value for size in sizes] for sizes in results] == [list(result.shape) for result in expected]


# --- running


def described(tensor):
    description = trt.PluginTensorDesc()
    description.dims, description.format = tuple(tensor.shape), trt.TensorFormat.LINEAR
    description.type = {torch.float32: trt.float32, torch.float16: trt.float16}[tensor.dtype]
    return description


def enqueue(layer, inputs, outputs, stream=0):
    descriptions = [described(tensor) for tensor in inputs], [described(tensor) for tensor in outputs]
    layer.enqueue(*descriptions, [i.data_ptr() for i in inputs], [o.data_ptr() for o in outputs], 0, stream)


def test_it_runs_on_the_memory_that_it_is_given():
    outputs = [torch.empty(4, 4), torch.empty(8, 7, dtype=torch.float16)]
    enqueue(made(), [X, Y, Y], outputs)
    torch.testing.assert_close(outputs, every(X, None, [Y, Y], 0.5, 2, dtype=torch.float16), rtol=0, atol=0)


def test_a_kernel_that_returns_what_its_fake_does_not_is_an_error_and_nothing_is_written():
    outputs = [torch.zeros(4, 1), torch.zeros(8, 7, dtype=torch.float16)]
    with pytest.raises(EngineError, match=r"plugin_tests::every returned .*float32', \[4, 4\].* its fake kernel says"):
        enqueue(made(), [X, Y, Y], outputs)
    assert not outputs[0].any()


class TestOnAGpu:
    pytestmark = GPU

    def test_it_runs_on_its_memory_and_on_the_stream_that_it_is_given(self):
        x, y, stream = X.cuda(), Y.cuda(), torch.cuda.Stream()
        outputs = [torch.zeros(4, 4, device="cuda"), torch.zeros(8, 7, dtype=torch.float16, device="cuda")]
        torch.cuda.synchronize()
        with torch.cuda.stream(stream):
            torch.cuda._sleep(50_000_000)  # what is queued on another stream would read x before this
            x.add_(1)
        enqueue(made("cuda"), [x, y, y], outputs, stream.cuda_stream)
        stream.synchronize()
        expected = every(X.cuda() + 1, None, [y, y], 0.5, 2, dtype=torch.float16)
        torch.testing.assert_close(outputs, expected, rtol=0, atol=0)

    def test_it_runs_in_a_cuda_graph(self):
        x, y, stream, graph = X.cuda(), Y.cuda(), torch.cuda.Stream(), torch.cuda.CUDAGraph()
        outputs = [torch.zeros(4, 4, device="cuda"), torch.zeros(8, 7, dtype=torch.float16, device="cuda")]
        enqueue(made("cuda"), [x, y, y], outputs, stream.cuda_stream)
        stream.synchronize()
        with torch.cuda.graph(graph, stream=stream):
            enqueue(made("cuda"), [x, y, y], outputs, stream.cuda_stream)
        x.copy_(X * 3)
        graph.replay()
        torch.testing.assert_close(outputs, every(X.cuda() * 3, None, [y, y], 0.5, 2, dtype=torch.float16))

    @FULL
    def test_it_is_a_layer_of_an_engine(self):
        packs = with_installed(Pack(every))
        module = convert(model, [Input(min=(2, 2), opt=(4, 7), max=(9, 9)), Y.cuda()], packs=packs, runtime="engine")
        for x in (X.cuda(), torch.randn(3, 8, device="cuda")):
            torch.testing.assert_close(module(x, Y.cuda()), model(x, Y.cuda()))


class _Node:
    """A plugin layer as the interpreter reads one; TensorRT for RTX has none to read."""

    class layer:
        plugin = made()

    inputs = ("x", "y", "z")


def test_the_interpreter_calls_the_operator():
    prepared = EVALUATORS["PLUGIN_V3"](_Node)
    assert prepared.args == _Node.inputs
    torch.testing.assert_close(list(prepared.kernel(X, Y, Y)), every(X, None, [Y, Y], 0.5, 2, dtype=torch.float16))
