"""The rules of pack loading, each against distributions that pip installed."""

import re
import sys
import threading
import time
import warnings
from concurrent.futures import ThreadPoolExecutor

import pytest
import torch
from torch2trt import ConverterConflictWarning, PackError, Packs, convert, converter, explain, hookimpl
from torch2trt.packs.loading import installed
from torch2trt.packs.targets import resolve

from .distributions import RELU, install

RELU_TARGET = resolve("aten.relu.default").obj


@pytest.fixture(scope="module")
def sites(tmp_path_factory):
    """Folders with one installed distribution each."""
    root = tmp_path_factory.mktemp("packs")

    def make(distribution, source, entry=None):
        module = distribution.replace("-", "_")
        return install(root / distribution / "site", distribution, module, source, entry=entry)

    return {
        "mylab": make("mylab", RELU.format(rank="")),
        "rival": make("rival", RELU.format(rank="")),
        "eager": make("eager", RELU.format(rank="(tryfirst=True)")),
        "namesake": make("namesake", RELU.format(rank=""), entry="mylab"),
        "broken": make("broken", "import a_module_that_is_missing"),
    }


@pytest.fixture
def use(sites, monkeypatch):
    """Put distributions on the path of this process, and take their modules out again."""

    def put(*names):
        for name in names:
            monkeypatch.syspath_prepend(sites[name])

    yield put
    for name in sites:
        sys.modules.pop(name, None)


def heads(packs, target=RELU_TARGET):
    return [found.pack.name for found in packs.registry.chain(target)]


def test_an_installed_pack_beats_the_built_in_ones(use):
    use("mylab")
    packs = Packs.load()
    assert heads(packs) == ["mylab", "base"]
    (planned,) = explain(torch.relu, [torch.ones(2)], packs=packs)
    assert planned.converter.pack.distribution == "mylab"
    assert planned.converter.pack.version == "1.2.3"
    assert planned.overrides == ("base",)


def test_a_pack_with_two_converters_of_a_target_does_not_override_itself():
    (planned,) = explain(torch.nn.Conv2d(1, 1, 1).eval(), [torch.ones(1, 1, 2, 2)])
    chain = Packs.load().registry.chain(torch.ops.aten.convolution.default)
    assert [converter.pack.name for converter in chain] == ["vision", "vision"]
    assert planned.overrides == ()


def test_rivals_of_one_rank_are_reported_with_both_cures(use, monkeypatch):
    use("mylab", "rival")
    with pytest.warns(ConverterConflictWarning) as caught:
        packs = Packs.load()
    (text,) = [str(warning.message) for warning in caught]
    winner, loser, _ = heads(packs)
    for expected in ("mylab (mylab 1.2.3)", "rival (rival 1.2.3)", "aten.relu.default", "tryfirst=True"):
        assert expected in text
    assert f"{winner} (" in text.split(" is asked first")[0].rpartition(";")[2]
    assert f"TORCH2TRT_BLOCK={loser}" in text
    monkeypatch.setenv("TORCH2TRT_BLOCK", loser)
    with warnings.catch_warnings(action="error"):
        assert heads(Packs.load()) == [winner, "base"]


def test_tryfirst_cures_a_conflict(use):
    use("mylab", "eager")
    with warnings.catch_warnings(action="error"):
        assert heads(Packs.load()) == ["eager", "mylab", "base"]


def test_two_distributions_with_one_pack_name(use):
    use("mylab", "namesake")
    with pytest.raises(PackError, match=r"'mylab': (mylab|namesake) 1.2.3 and (mylab|namesake) 1.2.3"):
        Packs.load()


def test_a_blocked_pack_is_not_even_imported(use, monkeypatch):
    use("mylab", "broken")
    packs = Packs.load(block=("broken", "mylab"))
    assert "mylab" not in sys.modules
    assert heads(packs) == ["base"]
    monkeypatch.setenv("TORCH2TRT_BLOCK", "broken,mylab,base")
    assert heads(Packs.load()) == []


def test_a_pack_that_cannot_be_imported_names_itself_and_the_way_on(use):
    use("broken")
    with pytest.raises(PackError) as caught:
        Packs.load()
    for expected in ("broken (broken 1.2.3)", "a_module_that_is_missing", "TORCH2TRT_BLOCK=broken"):
        assert expected in str(caught.value)


def test_autoload_off_and_extra(use, monkeypatch):
    use("mylab")
    import mylab

    assert heads(Packs.load(autoload=False, extra=(mylab,))) == ["mylab"]
    monkeypatch.setenv("TORCH2TRT_AUTOLOAD", "0")
    assert Packs.load().packs == ()


@pytest.mark.parametrize(
    ("value", "loaded"), [("false", False), ("No", False), ("off", False), ("", True), ("TRUE", True)]
)
def test_autoload_has_the_usual_spellings(monkeypatch, value, loaded):
    monkeypatch.setenv("TORCH2TRT_AUTOLOAD", value)
    assert bool(Packs.load().packs) == loaded


def test_the_environment_counts_whenever_it_changes(monkeypatch):
    assert "vision" in [pack.name for pack in installed().packs]
    monkeypatch.setenv("TORCH2TRT_BLOCK", "vision")
    assert "vision" not in [pack.name for pack in installed().packs]
    (planned,) = explain(torch.nn.MaxPool2d(2), [torch.ones(1, 1, 4, 4)]).unsupported
    assert planned.call.target.name == "aten.max_pool2d_with_indices.default"
    monkeypatch.undo()
    assert "vision" in [pack.name for pack in installed().packs]


def test_names_are_sorted_and_the_installed_packs_are_loaded_once(use):
    names = [pack.name for pack in Packs.load().packs]
    assert names == sorted(names)
    assert installed() is installed()


def test_threads_that_begin_at_once_load_once(monkeypatch):
    monkeypatch.setenv("TORCH2TRT_BLOCK", "nobody")  # an environment of its own
    loaded = []

    def load():
        loaded.append(threading.get_ident())
        time.sleep(0.05)
        return object()

    monkeypatch.setattr(Packs, "load", load)
    with ThreadPoolExecutor(4) as threads:
        found = {id(pack) for pack in threads.map(lambda _: installed(), range(4))}
    assert (len(loaded), len(found)) == (1, 1)


class _Pack:
    """A pack made in a test; ``register`` is its hook."""

    def __init__(self, register):
        self.register = register

    @hookimpl
    def torch2trt_register_converters(self, registry):
        self.register(registry)


def load(*functions):
    return Packs.load(autoload=False, extra=(_Pack(lambda registry: registry.add(*functions)),))


def test_a_misspelt_hook_is_an_error():
    class Misspelt:
        @hookimpl
        def torch2trt_register_converter(self, registry): ...

    with pytest.raises(PackError, match=r"torch2trt_register_converter.*the hooks are:.*torch2trt_register_converters"):
        Packs.load(autoload=False, extra=(Misspelt(),))


@pytest.mark.parametrize("parameters", ["registry, extra=1", "*, registry"])
def test_hooks_take_plain_parameters(parameters):
    names = {"hookimpl": hookimpl}
    exec(f"class Odd:\n  @hookimpl\n  def torch2trt_register_converters(self, {parameters}): ...", names)
    with pytest.raises(PackError, match="pluggy would never fill it"):
        Packs.load(autoload=False, extra=(names["Odd"](),))


def test_unknown_hook_arguments_are_refused():
    class Odd:
        @hookimpl
        def torch2trt_register_converters(self, register): ...

    with pytest.raises(PackError, match="register"):
        Packs.load(autoload=False, extra=(Odd(),))


def test_a_pack_without_hooks():
    with pytest.raises(PackError, match="implements no hook"):
        Packs.load(autoload=False, extra=(object(),))


def test_a_converter_that_does_not_fit_the_schema():
    @converter("aten.add.Scalar")
    def add(ctx, input, other, *, alpha=1): ...

    with pytest.raises(PackError, match=r"add.* does not fit aten.add.Scalar.*Scalar alpha=1"):
        load(add)


def test_rejects_may_name_only_arguments_of_the_converter():
    @converter("aten.relu.default", rejects=lambda call, inptu: None)
    def relu(ctx, input): ...

    with pytest.raises(PackError, match=r"rejects of .*relu names 'inptu'.*call, input; did you mean 'input'\?"):
        load(relu)


def test_rejects_gets_the_arguments_that_it_names():
    seen = []

    @converter("aten.leaky_relu.default", rejects=lambda negative_slope, call: seen.append((negative_slope, call.name)))
    def leaky_relu(ctx, input, negative_slope=0.01): ...

    @converter("aten.elu.default", rejects=lambda: "not today")
    def elu(ctx, input, alpha=1, scale=1, input_scale=1): ...

    explain(torch.nn.functional.leaky_relu, [torch.ones(2)], packs=load(leaky_relu))
    assert set(seen) == {(0.01, "leaky_relu")}
    (planned,) = explain(torch.nn.functional.elu, [torch.ones(2)], packs=load(elu)).unsupported[:1]
    assert "_Pack: not today" in planned.reasons


@pytest.mark.parametrize(
    ("target", "cure"),
    [
        ("aten.relu", "aten.relu.default"),
        ("aten.relu.defualt", "aten.relu.default"),
        ("torch.nn.ReLU", "torch.nn.ReLU.forward"),
        ("torch.nn.functional.rleu", "did you mean"),
        ("nowhere.at.all", "no module or operator library 'nowhere'"),
        ("aten.sqare.default", "has no 'sqare.default'; did you mean 'aten.square.default'?"),
        ("aten", "the operator library 'aten' has no ''"),
    ],
)
def test_a_target_that_does_not_resolve(target, cure):
    @converter(target)
    def wrong(ctx, input): ...

    with pytest.raises(PackError) as caught:
        load(wrong)
    assert target in str(caught.value)
    assert cure in str(caught.value)


def test_a_second_converter_that_is_never_reached():
    @converter("aten.relu.default")
    def first(ctx, input): ...

    @converter("aten.relu.default")
    def second(ctx, input): ...

    with pytest.raises(PackError, match=r"second.*is never reached"):
        load(first, second)


def test_a_second_converter_for_another_tensorrt():
    def named(name, **given):
        return converter("aten.relu.default", name=name, **given)(lambda ctx, input: None)

    first, second = named("first", requires="tensorrt>=99"), named("second")
    (planned,) = explain(torch.relu, [torch.ones(2)], packs=load(first, second))
    assert planned.converter.function is second
    with pytest.raises(PackError, match=r"third.*is never reached"):
        load(first, named("third", requires="tensorrt>=99"))


def test_nothing_to_add():
    with pytest.raises(PackError, match="no function marked"):
        load(lambda ctx: None)


def test_requirements_on_tensorrt_are_a_reason_in_the_plan():
    @converter("aten.relu.default", requires="tensorrt>=99")
    def relu(ctx, input): ...

    plan = explain(torch.relu, [torch.ones(2)], packs=load(relu))
    assert "needs tensorrt>=99, here is rtx" in plan.unsupported[0].reasons[0]

    def register(registry):
        registry.requires("rtx>=99")
        registry.add(sigmoid)

    @converter("aten.sigmoid.default")
    def sigmoid(ctx, input): ...

    plan = explain(torch.sigmoid, [torch.ones(2)], packs=Packs.load(autoload=False, extra=(_Pack(register),)))
    assert "needs rtx>=99" in plan.unsupported[0].reasons[0]

    @converter("aten.relu.default", requires="cuda>=12")
    def other(ctx, input): ...

    with pytest.raises(PackError, match="names no flavor"):
        load(other)


def test_every_layer_and_the_manifest_say_where_they_come_from():
    module = convert(torch.nn.Sequential(torch.nn.Linear(4, 4), torch.nn.ReLU()).eval(), [torch.ones(2, 4)])
    network = module.network
    layers = {network.get_layer(i).name: network.get_layer(i).metadata for i in range(network.num_layers)}
    assert '"pack": "base (torch2trt-ops-base' in layers["1/aten.relu.default#0"]
    assert "activation.py:" in layers["1/aten.relu.default#0"]
    calls = {call["module"]: call for call in module.manifest()["engine"]["calls"]}
    assert calls["0"]["pack"].startswith("base (torch2trt-ops-base")
    assert re.fullmatch(r"\w+\.py:\d+", calls["0"]["converter_source"])
    assert "test_packs.py" not in calls["0"]["converter_source"]


def test_other_hooks_are_called():
    seen = []

    class Curious:
        @hookimpl
        def torch2trt_decompositions(self, table):
            seen.append("decompositions")

        @hookimpl
        def torch2trt_transform_graph(self, graph_module, settings):
            seen.append("transform_graph")

        @hookimpl
        def torch2trt_configure_build(self, config, network, settings):
            seen.append("configure_build")

        @hookimpl
        def torch2trt_register_plugins(self, plugin_registry):
            seen.append("register_plugins")

    packs = Packs.load(extra=(Curious(),))
    for _ in range(2):
        convert(torch.relu, [torch.ones(2)], packs=packs)
    once = ["decompositions", "transform_graph", "configure_build"]
    assert seen == [*once[:2], "register_plugins", once[2], *once]


def test_a_hook_may_replace_what_the_program_returns():
    class Doubling:
        @hookimpl
        def torch2trt_transform_graph(self, graph_module, settings):
            (node,) = graph_module.graph.find_nodes(op="call_function", target=torch.ops.aten.relu.default)
            with graph_module.graph.inserting_after(node):
                double = graph_module.graph.call_function(torch.ops.aten.add.Tensor, (node, node))
            double.meta = dict(node.meta)
            node.replace_all_uses_with(double, delete_user_cb=lambda user: user is not double)

    module = convert(torch.relu, [torch.ones(2)], packs=Packs.load(extra=(Doubling(),)), build=False)
    assert module(torch.tensor([-1.0, 2.0])).tolist() == [0.0, 4.0]


def test_the_registry_counts_what_it_iterates_over():
    registry = installed().registry
    assert len(registry) == len(list(registry)) == len(installed().converters)
    assert len(registry.targets) == len({converter.target.obj for converter in registry})
