"""Hooks that fail or break what they are given: the error names the pack and the hook."""

import torch
from torch import nn
from torch2trt import PackError, convert, hookimpl

from ..packs import with_installed
from . import Row

RELU = torch.ops.aten.relu.default


def hooked(name, hook, function, *words):
    """Converting with a pack whose hook is ``function``."""

    class Mylab:
        pass

    setattr(Mylab, hook, hookimpl(staticmethod(function)))
    expected = ("pack Mylab", hook, *words)
    return Row(
        name, lambda place: convert(nn.ReLU(), [torch.ones(2)], packs=with_installed(Mylab())), PackError, expected
    )


def failing(hook, function):
    return hooked(f"{hook} that fails", hook, function, "ZeroDivisionError: ", "(hooks.py:", "TORCH2TRT_BLOCK=Mylab")


def transform(name, change, *words):
    """A graph hook that changes the node of the ReLU."""

    def torch2trt_transform_graph(graph_module, settings):
        (relu,) = graph_module.graph.find_nodes(op="call_function", target=RELU)
        change(graph_module, relu)

    return hooked(f"a graph hook that {name}", "torch2trt_transform_graph", torch2trt_transform_graph, *words)


def after(node, make):
    """What ``make`` adds behind a node stands in its place from there on."""
    with node.graph.inserting_after(node):
        new = make(node.graph)
    node.replace_all_uses_with(new, delete_user_cb=lambda user: user is not new)
    return new


def without_meta(module, relu):
    after(relu, lambda graph: graph.call_function(torch.ops.aten.neg.default, (relu,)))


def calls_a_method(module, relu):
    after(relu, lambda graph: graph.call_method("neg", (relu,))).meta = dict(relu.meta)


def adds_an_attribute(module, relu):
    module.register_buffer("weight", torch.ones(2))
    after(relu, lambda graph: graph.get_attr("weight")).meta = dict(relu.meta)


def adds_an_input(module, relu):
    with module.graph.inserting_before(next(iter(module.graph.nodes))):
        module.graph.placeholder("other").meta = dict(relu.meta)


def returns_a_number(module, relu):
    module.graph.output_node().args = ((3,),)


def returns_nothing(module, relu):
    module.graph.output_node().args = ((),)


def uses_what_is_gone(module, relu):
    other = torch.fx.Graph().placeholder("elsewhere")
    relu.args = (other,)


def local_class():
    class Local(torch.nn.Module):
        def forward(self, x):
            return x

    return Local


ROWS = [
    failing("torch2trt_register_converters", lambda registry: 1 / 0),
    failing("torch2trt_decompositions", lambda table: 1 / 0),
    failing("torch2trt_transform_graph", lambda graph_module, settings: 1 / 0),
    failing("torch2trt_find_converter", lambda call: 1 / 0),
    failing("torch2trt_register_plugins", lambda plugin_registry: 1 / 0),
    failing("torch2trt_configure_build", lambda config, network, settings: 1 / 0),
    hooked(
        "torch2trt_find_converter that answers yes",
        "torch2trt_find_converter",
        lambda call: True,
        "returned a bool; return torch2trt.Converter(call.target, function), or None",
    ),
    hooked(
        "torch2trt_decompositions of a name",
        "torch2trt_decompositions",
        lambda table: table.update({"aten.relu": torch.abs}),
        "'aten.relu', which is no operator and no function; a key is an object",
    ),
    hooked(
        "torch2trt_decompositions of a method of a local class",
        "torch2trt_decompositions",
        lambda table: table.update({local_class().forward: torch.abs}),
        "a rule for local_class.<locals>.Local.forward, ",
        "which is in no class of a module; a method is given as MyModule.forward",
    ),
    transform(
        "forgets meta", without_meta, "adds 'neg_default' (aten.neg.default) without meta['val']", "copy the meta"
    ),
    transform("calls a method", calls_a_method, "adds call_method 'neg'", "call operators"),
    transform("adds an attribute", adds_an_attribute, "adds get_attr 'weight'", "call operators"),
    transform("adds an input", adds_an_input, "adds placeholder 'other'", "call operators"),
    transform("returns a number", returns_a_number, "returns 3 in the place of the tensor 'relu'"),
    transform("returns nothing", returns_nothing, "changes how many values the program returns, which are 1"),
    transform("uses what is gone", uses_what_is_gone, "leaves a graph that is none"),
]
