"""The test kit catches converters that are wrong."""

import types

import pytest
import torch
from torch2trt import Packs, converter, hookimpl, trt
from torch2trt.lib import elementwise, unary
from torch2trt.testing import Case, b8, check_converter, check_network, check_pack, f32, i64

pytest_plugins = ["pytester"]
E = trt.ElementWiseOperation


def packs_with(*functions):
    class Pack:
        @hookimpl(tryfirst=True)
        def torch2trt_register_converters(self, registry):
            registry.add(*functions)

    return Packs.load(extra=(Pack(),))


def test_a_result_that_is_off_by_a_hundredth():
    @converter("aten.relu.default")
    def relu(ctx, input):
        return elementwise(ctx, E.SUM, elementwise(ctx, E.MAX, input, 0.0), 0.01)

    with pytest.raises(AssertionError, match=r"result 0.*not close"):
        check_converter(Case("aten.relu.default", torch.relu, [f32(2, 8)]), packs=packs_with(relu))


def test_a_wrong_dtype():
    @converter("aten.relu.default")
    def relu(ctx, input):
        return ctx.tensor(elementwise(ctx, E.MAX, input, 0.0), torch.float16)

    with pytest.raises(Exception, match="dtype float16, PyTorch gives float32"):
        check_converter(Case("aten.relu.default", torch.relu, [f32(2, 8)]), packs=packs_with(relu))


def test_results_in_the_wrong_order():
    @converter("aten.aminmax.default")
    def aminmax(ctx, input, dim=None, keepdim=False):
        low, high = (
            ctx.network.add_reduce(input, op, 0b11, keepdim).get_output(0)
            for op in (trt.ReduceOperation.MIN, trt.ReduceOperation.MAX)
        )
        return high, low

    with pytest.raises(AssertionError, match="result 0"):
        check_converter(Case("aten.aminmax.default", torch.aminmax, [f32(2, 8)]), packs=packs_with(aminmax))


def test_a_size_that_was_taken_for_a_constant():
    @converter("aten.expand.default")
    def expand(ctx, input, size, implicit=False):
        return ctx.network.add_slice(input, (0, 0), (2, 8), (0, 1)).get_output(0)

    case = Case(
        "aten.expand.default", lambda x, y: x.expand(y.shape[0], 8), [f32(1, 8), f32(2, 8)], dynamic=[None, {0: "n"}]
    )
    check_converter(case, packs=packs_with(expand))
    with pytest.raises(Exception, match=r"shape|size"):
        check_converter(case, dynamic=True, packs=packs_with(expand))


def test_a_target_that_is_not_what_was_converted():
    case = Case("aten.sigmoid.default", torch.relu, [f32(2)])
    with pytest.raises(AssertionError, match=r"no call of aten.sigmoid.default in the plan"):
        check_converter(case)


def test_a_rejection_that_does_not_come():
    with pytest.raises(AssertionError, match="is not rejected for 'never'"):
        check_converter(Case("aten.relu.default", torch.relu, [f32(2)], rejects="never"))


def test_variants_of_a_row():
    case = Case("aten.relu.default", torch.relu, [f32(2, 8)], dynamic={0: "n"})
    assert [variant.id for variant in case.variants()] == [
        "aten.relu.default-float32-static",
        "aten.relu.default-float16-static",
        "aten.relu.default-float32-dynamic",
    ]
    integers = Case("aten.abs.default", torch.abs, [i64(4)])
    assert [variant.id for variant in integers.variants()] == ["aten.abs.default-float32-static"]


def test_samples_are_the_same_in_every_run():
    assert torch.equal(f32(3, 4).make(), f32(3, 4).make())
    assert f32(64, low=1, high=2).make().min() >= 1
    assert set(i64(64, low=0, high=2).make().tolist()) == {0, 1}
    assert b8(4).make().dtype == torch.bool


def test_check_network():
    network = trt.Builder(trt.Logger()).create_network(1)
    tensor = network.add_unary(network.add_input("x", trt.float32, (2,)), trt.UnaryOperation.NEG).get_output(0)
    tensor.name = "y"
    network.mark_output(tensor)
    check_network(network, {"x": torch.ones(2)}, {"y": -torch.ones(2)})
    with pytest.raises(AssertionError):
        check_network(network, {"x": torch.ones(2)}, {"y": torch.ones(2)})


@pytest.fixture
def pack(monkeypatch):
    """A pack of one converter as a module that can be imported."""
    import sys

    @converter("aten.relu.default")
    def relu(ctx, input):
        return unary(ctx, trt.UnaryOperation.ABS, input)

    @hookimpl
    def torch2trt_register_converters(registry):
        registry.add(relu)

    module = types.ModuleType("a_small_pack")
    module.torch2trt_register_converters = torch2trt_register_converters
    monkeypatch.setitem(sys.modules, "a_small_pack", module)
    return "a_small_pack"


RELU = Case("aten.relu.default", torch.relu, [f32(2)])


def test_check_pack(pack):
    check_pack(pack, [RELU])
    check_pack(pack, [], without_case={"aten.relu.default": "tested elsewhere"})


@pytest.mark.parametrize(
    ("cases", "options", "message"),
    [
        ([], {}, "no case for 1 targets of a_small_pack: aten.relu.default"),
        (
            [RELU, Case("aten.abs.default", torch.abs, [f32(2)])],
            {},
            "that a_small_pack does not convert: aten.abs.default",
        ),
        ([RELU, RELU], {}, "several rows have one name"),
        ([RELU], {"without_case": {"aten.relu.default": "no"}}, "that have a case or no converter: aten.relu.default"),
    ],
)
def test_check_pack_fails(pack, cases, options, message):
    with pytest.raises(AssertionError, match=message):
        check_pack(pack, cases, **options)


def test_one_row_is_a_test_for_every_variant_and_runtime(pytester):
    pytester.makepyfile(
        """
        import torch
        from torch2trt.testing import Case, f32, parametrize

        CASES = [Case("aten.relu.default", torch.relu, [f32(2, 8)], dynamic={0: "n"}),
                 Case("aten.relu.default", torch.sigmoid, [f32(2, 8)], name="wrong", xfail="not a relu")]

        @parametrize(CASES)
        def test_converter(check):
            check()
        """
    )
    pytester.runpytest("-p", "no:cacheprovider").assert_outcomes(passed=3, xfailed=2)
    if not torch.cuda.is_available():
        result = pytester.runpytest("-rs", "-p", "no:cacheprovider", "--torch2trt-runtime=both")
        result.assert_outcomes(passed=3, xfailed=2, skipped=5)
        result.stdout.fnmatch_lines(["*an engine needs an NVIDIA GPU*"])
