"""Several optimization profiles: what inputs ask for, what the engine gets, and which calls a module takes."""

import pytest
import torch
import torch2trt
from torch import nn
from torch2trt import EngineError, Input, InputError
from torch2trt.capture.inputs import example_inputs
from torch2trt.network import build
from torch2trt.program.leaves import TensorSpec, why_no_inputs
from torch2trt.program.profiles import first_holding
from torch2trt.verify.shapes import cases_of

pytestmark = pytest.mark.filterwarnings("ignore::torch2trt.ReferenceRuntimeWarning")
#: tokens of a prompt, and one more token of many sequences
PREFILL, DECODE = ((1, 1, 4), (1, 8, 4), (2, 16, 4)), ((1, 1, 4), (8, 1, 4), (32, 1, 4))


class Model(nn.Module):
    def __init__(self):
        super().__init__()
        self.linear = nn.Linear(4, 4)

    def forward(self, x, y):
        return self.linear(x) + y, x.sum(1)


@pytest.fixture(scope="module")
def model():
    torch.manual_seed(0)
    return Model().eval()


def inputs():
    return [Input(profiles=[PREFILL, DECODE]), Input(min=(1, 1, 4), opt=(1, 8, 4), max=(32, 16, 4))]


@pytest.fixture(scope="module")
def module(model):
    return torch2trt.convert(model, inputs())


def test_the_first_that_holds_all_sizes_is_taken():
    one, other = (((1, 2, 4), (3, 3, 3)), ((1, 1, 9),)), (((2, 4, 8), (3, 3, 3)), ((1, 1, 1),))
    first = first_holding([one, other])
    assert first([(2, 3), (9,)]) == 0
    assert first([(4, 3), (1,)]) == 0
    assert first([(8, 3), (1,)]) == 1
    assert first([(8, 3), (2,)]) is None


def test_calls_in_a_profile_are_computed_and_others_refused(module, model):
    for shape in ((2, 16), (1, 7), (32, 1), (1, 1)):
        x, y = torch.randn(2, *shape, 4)
        for found, expected in zip(module(x, y), model(x, y), strict=True):
            torch.testing.assert_close(found, expected)
    x = torch.ones(3, 7, 4)
    known = r"\(0: x float32\[1..2, 1..16, 4\], y float32\[1..2, 1..16, 4\]; 1: x float32\[1..32, 1, 4\], y float32.*\)"
    for call in (lambda: module(x, x), lambda: module(x, y=x)):
        with pytest.raises(InputError, match=rf"x \(3, 7, 4\), y \(3, 7, 4\) are in none of the profiles .* {known}; "):
            call()
    with pytest.raises(InputError, match="has size 33 in dimension 0, the engine was built for 1 to 32"):
        module(torch.ones(33, 1, 4), torch.ones(33, 1, 4))


def test_structured_inputs_are_checked_too():
    module = torch2trt.convert(lambda a: a["x"] + a["x"].mean(), {"a": {"x": inputs()[0]}})
    assert module(a={"x": torch.ones(2, 16, 4)}).shape == (2, 16, 4)
    with pytest.raises(InputError, match="in none of the profiles"):
        module(a={"x": torch.ones(3, 16, 4)})


def test_the_engine_is_built_with_each(model, monkeypatch):
    built = []

    class Builder:
        def __init__(self, builder):
            self._builder = builder

        def __getattr__(self, name):
            return getattr(self._builder, name)

        def create_optimization_profile(self):
            built.append(self._builder.create_optimization_profile())
            return built[-1]

    original = build.serialize
    monkeypatch.setattr(build, "serialize", lambda builder, *rest: original(Builder(builder), *rest))
    torch2trt.convert(model, inputs())
    found = [{name: list(map(tuple, profile.get_shape(name))) for name in ("x", "y")} for profile in built]
    assert found == [
        {"x": [*PREFILL], "y": [(1, 1, 4), (1, 8, 4), (2, 16, 4)]},
        {"x": [*DECODE], "y": [(1, 1, 4), (8, 1, 4), (32, 1, 4)]},
    ]


def test_they_make_the_key_of_an_engine(model):
    cache = {}
    for profiles in ([PREFILL, DECODE], [DECODE, PREFILL], [PREFILL, DECODE]):
        torch2trt.convert(model, [Input(profiles=profiles)] * 2, cache=cache)
    assert len(cache) == 2


def test_a_saved_module_has_them(module, model, tmp_path):
    module.save(tmp_path / "model.trt")
    loaded = torch2trt.load(tmp_path / "model.trt")
    assert loaded.signature == module.signature
    assert [spec["profiles"] == [] for spec in loaded.manifest()["signature"]["inputs"]] == [False, False]
    with pytest.raises(InputError, match="in none of the profiles"):
        loaded.signature.flatten((torch.ones(3, 7, 4),) * 2, {})
    assert "profile 1: x float32[1..32, 1, 4], y float32[1..32, 1, 4]" in repr(loaded)


def test_a_plan_shows_them(model):
    assert "profile 0: x float32[1..2, 1..16, 4], y float32[1..2, 1..16, 4]" in str(torch2trt.explain(model, inputs()))
    assert "profile 0" not in str(torch2trt.explain(model, [Input(profiles=[PREFILL])] * 2))


def test_each_is_verified_at_its_smallest_usual_and_largest_shapes(model):
    plan = torch2trt.explain(model, inputs(), verify=True, build=False)
    example = example_inputs(model, inputs(), None, torch.device("cpu"))
    names = [case.name for case in cases_of(model, plan.program, example)]
    assert names == [
        "the smallest shapes (1, 1, 4), (1, 1, 4)",
        "the usual shapes (1, 8, 4), (1, 8, 4)",
        "the largest shapes (2, 16, 4), (2, 16, 4)",
        "profile 1: usual shapes (8, 1, 4), (8, 1, 4)",
        "profile 1: largest shapes (32, 1, 4), (32, 1, 4)",
    ]
    plan.convert()


def test_engines_between_calls_in_pytorch_have_them_too(model, tmp_path):
    module = torch2trt.convert(
        lambda x, y: torch.sin(model(x, y)[0] * 2).cos().sum(0),
        inputs(),
        fallback=True,
        min_segment=1,
        run_in_torch=["aten.sin.default"],
    )
    module.save(tmp_path / "model.trt")
    last = torch2trt.load(tmp_path / "model.trt")._hybrid.parts[-1]
    (spec,) = last.inputs.values()
    assert spec.profiles == (((1, 2, 2), (1, 8, 16), (4, 4, 4)), ((1, 2, 32), (1, 1, 1), (4, 4, 4)))
    x = torch.randn(32, 1, 4)
    torch.testing.assert_close(module(x, x), torch.sin(model(x, x)[0] * 2).cos().sum(0))
    with pytest.raises(InputError, match="in none of the profiles"):
        module(torch.ones(3, 7, 4), torch.ones(3, 7, 4))


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"profiles": []}, r"profiles as a sequence of \(min, opt, max\), got \[\]"),
        ({"profiles": 3}, r"profiles as a sequence of \(min, opt, max\), got 3"),
        ({"profiles": [((1, 2), (3, 2))]}, r"three shapes, \(min, opt, max\), in each of its profiles, got \(\(1, 2\)"),
        ({"profiles": [((2,), (1,), (4,))]}, r"min <= opt <= max in every dimension, got min=\(2,\), opt=\(1,\)"),
        ({"profiles": [((1,),) * 3, ((1, 1),) * 3]}, "as many dimensions in each of its profiles"),
        ({"profiles": [((1,),) * 3], "min": (1,), "max": (2,)}, "either a shape, or min and max, or profiles"),
        ({"profiles": [((1,), 2, (4,))]}, r"opt as a sequence of sizes, got 2; write \(2,\)"),
    ],
)
def test_what_cannot_be_is_said_where_it_is_written(options, message):
    with pytest.raises(InputError, match=message):
        Input(**options)


def test_a_file_has_no_inputs_with_different_numbers():
    ranges = ((1, 2, 4),)
    specs = [TensorSpec(name, "float32", ranges, profiles=(ranges,) * count) for name, count in (("x", 1), ("y", 2))]
    assert why_no_inputs(specs) == "its inputs have different numbers of profiles"
    assert why_no_inputs([specs[1], TensorSpec("z", "float32", ranges)]) is None


def test_inputs_with_different_numbers_are_refused(model):
    with pytest.raises(
        InputError, match="the inputs have 1 and 2 profiles; each input that has profiles needs the sam"
    ):
        torch2trt.explain(model, [Input(profiles=[PREFILL, DECODE]), Input(profiles=[PREFILL])])


@pytest.mark.filterwarnings("ignore::torch2trt.NarrowedRangeWarning")
def test_a_profile_of_sizes_for_which_the_model_does_something_else_is_refused():
    def decides(x):
        return x * 2 if x.shape[0] > 3 else x + 1

    with pytest.raises(InputError, match=r"asks for x.shape\[0\] from 1 to 3, and the converted module takes 4 to 8"):
        torch2trt.explain(decides, [Input(profiles=[((2,), (6,), (8,)), ((1,), (2,), (3,))])])
    plan = torch2trt.explain(decides, [Input(profiles=[((2,), (6,), (8,)), ((1,), (2,), (5,))])])
    assert plan.program.signature.inputs[0].profiles == (((4, 6, 8),), ((4, 4, 5),))


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="an engine needs an NVIDIA GPU")
class TestOnGPU:
    @pytest.fixture
    def pair(self, model):
        model = model.cuda()
        return torch2trt.convert(model, inputs(), runtime="engine"), model

    def check(self, module, model, shape, seed=0):
        x, y = torch.randn(2, *shape, 4, device="cuda", generator=torch.Generator("cuda").manual_seed(seed))
        for found, expected in zip(module(x, y), model(x, y), strict=True):
            torch.testing.assert_close(found, expected, rtol=1e-2, atol=1e-2)

    @pytest.mark.parametrize("cuda_graphs", [False, True])
    def test_sizes_of_all_profiles_in_turns(self, pair, cuda_graphs):
        module, model = pair
        module.cuda_graphs = cuda_graphs
        for seed in range(6):
            for shape in ((2, 16), (1, 5), (32, 1), (7, 1), (1, 1)):
                self.check(module, model, shape, seed)
        assert module.engine.num_optimization_profiles == 2
        assert sorted(module.runner._lanes.current().profiles) == [0, 1]

    def test_a_users_graph_needs_a_call_of_the_same_profile(self, pair):
        module, model = pair
        self.check(module, model, (2, 16))
        x = torch.ones(8, 1, 4, device="cuda")
        with (
            pytest.raises(EngineError, match="before you capture it in a CUDA graph, with sizes of the same profile"),
            torch.cuda.graph(torch.cuda.CUDAGraph()),
        ):
            module(x, x)
