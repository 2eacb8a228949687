"""Converted modules with the requests of several clients: which make one call, and who gets an error."""

import json

import pytest
import torch
import torch2trt
from torch2trt import Input, InputError
from torch2trt.serving import Served, interface_of

pytestmark = pytest.mark.filterwarnings("ignore::torch2trt.ReferenceRuntimeWarning")


def rows(*sizes, most=8, least=1, dtype=torch.float32):
    return Input(min=(least, *sizes), opt=(max(2, least), *sizes), max=(most, *sizes), dtype=dtype)


def converted(model, inputs, **settings):
    return torch2trt.convert(model, inputs, runtime="reference", build=False, **settings)


@pytest.fixture(scope="module")
def linear():
    torch.manual_seed(0)
    model = torch.nn.Sequential(torch.nn.Linear(4, 3), torch.nn.Tanh()).eval()
    return model, Served(converted(model, [rows(4)]), "cpu")


def test_requests_are_one_call_as_far_as_it_takes_their_rows(linear, monkeypatch):
    model, served = linear
    calls = []
    forward = served.module.forward
    monkeypatch.setattr(served.module, "forward", lambda x: calls.append(len(x)) or forward(x))
    requests = [{"input": torch.randn(count, 4)} for count in (1, 2, 3, 3, 1)]
    answers = served.together(requests)
    assert calls == [6, 4]
    for request, answer in zip(requests, answers, strict=True):
        torch.testing.assert_close(answer, {"output_0": model(request["input"])})


def test_an_error_is_that_of_one_request(linear):
    model, served = linear
    good = {"input": torch.randn(2, 4)}
    bad = [{"input": torch.randn(2, 5)}, {"input": torch.randn(9, 4)}, {"x": torch.randn(1, 4)}, {}, {"input": [1.0]}]
    first, *errors, last = served.together([good, *bad, good])
    for answer in (first, last):
        torch.testing.assert_close(answer, {"output_0": model(good["input"])})
    words = ("has size 5 in dimension 1", "has size 9 in dimension 0", "got x", "got none", "")
    assert all(isinstance(error, Exception) for error in errors)
    for error, word in zip(errors, words, strict=True):
        assert word in str(error)


@pytest.mark.filterwarnings("ignore::torch2trt.NarrowedRangeWarning")
def test_where_the_rows_of_several_requests_are_no_call_each_is_one():
    served = Served(converted(lambda x: x * 3 if x.shape[0] == 5 else x * 2, [rows(4)]), "cpu")
    requests = [{"x": torch.full((count, 4), 1.0 * count)} for count in (2, 3)]
    for request, answer in zip(requests, served.together(requests), strict=True):
        torch.testing.assert_close(answer, {"output_0": request["x"] * 2})


class Mixed(torch.nn.Module):
    """A pytree of results, numbers and None among them."""

    def forward(self, x, ids):
        return {"logits": x * 2, "nested": (ids, None, x.shape[0])}, x.sum(1)


def test_clients_know_results_by_their_keys_and_places():
    served = Served(converted(Mixed().eval(), [rows(4), rows(2, dtype=torch.int64)]), "cpu")
    assert {tensor.name: tensor.dtype for tensor in served.interface.outputs} == {
        "output_0.logits": "float32",
        "output_0.nested.0": "int64",
        "output_0.nested.2": "int64",
        "output_1": "float32",
    }
    assert served.rows == 0
    answer = served({"x": torch.ones(3, 4), "ids": torch.zeros(3, 2, dtype=torch.int64)})
    assert [tensor.name for tensor in served.interface.outputs] == list(answer)
    assert answer["output_0.nested.2"].item() == 3


class Named(torch.nn.Module):
    def forward(self, x):
        return {"a": x + 1, "b": {"c": x}}


@pytest.mark.parametrize(
    ("model", "inputs", "why"),
    [
        (lambda x: x * 2, [rows(4)], ""),
        (lambda x, y: (x + y, x), [rows(4), rows(4)], ""),
        (Named().eval(), [rows(4)], ""),
        (lambda x: x * 2, [torch.ones(2, 4)], "the first size of input 'x' does not vary"),
        (lambda x: x * 2, [rows(4, least=2)], "input 'x' has 2 rows or more"),
        (lambda x, y: (x * 2, y * 2), [rows(4), rows(4)], "'x' and 'y' may have different first sizes"),
        (lambda x: x.sum(0), [rows(4)], "the first size of output 'output_0' is not that of the inputs"),
        (lambda x: (x, x.reshape(-1)), [rows(4)], "output 'output_1' is not that"),
        (lambda x: x.expand(1, -1, -1), [rows(4)], "output 'output_0' is not that"),
        (lambda x: torch.cat([x, x]), [rows(4)], "output 'output_0' is not that"),
        (lambda x: x * 2, [Input(profiles=[[(1, 4)] * 3, [(2, 4), (3, 4), (8, 4)]])], "not the same in all profiles"),
    ],
)
def test_rows_of_requests_are_one_call_where_the_first_size_of_everything_is_their_number(model, inputs, why):
    interface = interface_of(torch2trt.explain(model, inputs).program.signature)
    assert why in interface.why_no_rows
    assert interface.rows == (0 if why else 8)
    assert bool(interface.why_no_rows) == bool(why)


@pytest.mark.parametrize(
    "model",
    [lambda x: x - x.mean(0), lambda x: x.flip(0), lambda x: x.cumsum(0).flip(0), lambda x: x * x.shape[0]],
    ids=["mean", "flip", "cumsum", "size"],
)
def test_rows_that_depend_on_each_other_are_never_those_of_several_clients(model):
    module = converted(model, [rows(4)])
    with pytest.raises(InputError, match="depend on the other rows of a call"):
        Served(module, "cpu")
    served, x = Served(module, "cpu", rows=0), torch.randn(2, 4)
    for answer in served.together([{"x": x}, {"x": x}]):
        torch.testing.assert_close(answer, {"output_0": model(x)})


def test_rows_of_places_and_flags_are_held_against_each_other_too():
    def masked(ids, mask):
        return torch.where(mask.any(), ids + mask, 9)

    inputs = [rows(4, dtype=torch.int64), rows(4, dtype=torch.bool)]
    with pytest.raises(InputError, match="depend on the other rows"):
        Served(converted(masked, inputs), "cpu")


@pytest.mark.parametrize(
    ("model", "inputs", "why"),
    [
        (lambda x: x + torch.rand(4), [torch.ones(4)], "keeps random_seed from call to call"),
        (lambda x: torch.view_as_complex(x), [torch.ones(4, 2)], "complex numbers"),
        (lambda x: x.add_(1), [torch.ones(4)], "changes its input 'x' in place"),
    ],
)
@pytest.mark.filterwarnings("ignore::torch2trt.RandomNumbersWarning")
def test_what_cannot_be_served_is_refused(model, inputs, why):
    with pytest.raises(InputError, match=why):
        Served(converted(model, inputs), "cpu")


def test_rows_that_a_call_does_not_take_are_refused(linear):
    _, served = linear
    with pytest.raises(InputError, match="takes up to 8 rows, not 9"):
        Served(served.module, "cpu", rows=9)
    with pytest.raises(InputError, match="cannot be one call: the first size of input 'input_0' does not vary"):
        Served(converted(torch.relu, [torch.ones(2)]), "cpu", rows=2)


def test_requests_in_json_are_answered_with_a_status(linear):
    model, served = linear
    x = torch.randn(2, 4)
    good, wrong, other = served.from_json([{"input": x.tolist()}, {"input": [["a"]]}, {"input": [[1.0]]}])
    assert good[0] == 200
    torch.testing.assert_close(torch.tensor(good[1]["output_0"]), model(x))
    assert (wrong[0], other[0]) == (400, 400)
    assert "InputError: input 'input' is no float32 in lists" in wrong[1]["error"]
    infinite, good = served.from_json([{"input": [[float("nan")] * 4]}, {"input": x.tolist()}])
    assert (infinite, good[0]) == ((500, {"error": "output 'output_0' has NaN or infinity, which JSON has not"}), 200)
    assert "has size 1 in dimension 1" in other[1]["error"]


def test_requests_are_read_from_json():
    interface = Served(converted(Mixed().eval(), [rows(4), rows(2, dtype=torch.int64)]), "cpu").interface
    read = interface.read(json.loads('{"x": [[1, 2, 3, 4.5]], "ids": [[1, 2]]}'))
    torch.testing.assert_close(read, {"x": torch.tensor([[1, 2, 3, 4.5]]), "ids": torch.tensor([[1, 2]])})
    for values, word in (
        ([1], "got list"),
        ({"x": [[1.0] * 4]}, "the inputs are x, ids; got x"),
        ({"x": [[1.0] * 4], "ids": [[1, 2]], "z": 1}, "got x, ids, z"),
        ({"x": [[1.0] * 4], "ids": [[1.5, 2]]}, "input 'ids' is no int64 in lists: they have fractions"),
        ({"x": [[1.0, 2.0], [1.0]], "ids": [[1, 2]]}, "input 'x' is no float32 in lists"),
        ({"x": "text", "ids": [[1, 2]]}, "input 'x' is no float32 in lists"),
        ({"x": None, "ids": [[1, 2]]}, "input 'x' is no float32 in lists"),
        ({"x": [[10**400] * 4], "ids": [[1, 2]]}, "input 'x' is no float32 in lists"),
        ({"x": [[1.0] * 4], "ids": [[10**30, 2]]}, "input 'ids' is no int64 in lists"),
    ):
        with pytest.raises(InputError, match=word):
            interface.read(values)


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="an engine needs an NVIDIA GPU")
def test_an_engine_answers_requests_of_several_clients():
    model = torch.nn.Sequential(torch.nn.Linear(4, 3), torch.nn.Tanh()).eval().cuda()
    served = Served(torch2trt.convert(model, [rows(4)]))
    requests = [{"input": torch.randn(count, 4)} for count in (1, 2, 5)]
    for request, answer in zip(requests, served.together(requests), strict=True):
        torch.testing.assert_close(answer["output_0"], model(request["input"].cuda()), rtol=1e-2, atol=1e-2)
