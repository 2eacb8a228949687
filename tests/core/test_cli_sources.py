"""Where a command's model and inputs come from."""

import json
import sys

import pytest
import torch
import typer
from torch2trt import Input, InputError
from torch2trt.cli.descriptions import inputs_of
from torch2trt.cli.sources import load_model

FACTORIES = """
    import torch

    linear = torch.nn.Linear(4, 2).eval()
    number = 3

    def with_inputs():
        return torch.nn.ReLU(), [torch.ones(2)]

    class Net(torch.nn.Dropout):
        pass

    def alone():
        return torch.nn.Sequential(torch.nn.Linear(4, 2), torch.nn.ReLU()).eval()

    def fails():
        raise ValueError("no weights")

    def gives_nothing():
        pass
"""


@pytest.fixture
def factories(tmp_path, monkeypatch):
    """A module in the current folder, which is not on the path."""
    (tmp_path / "torch2trt_factories.py").write_text("\n".join(line[4:] for line in FACTORIES.splitlines()))
    monkeypatch.chdir(tmp_path)
    yield "torch2trt_factories"
    sys.modules.pop("torch2trt_factories", None)


@pytest.mark.parametrize(
    ("text", "low", "usual", "high", "dtype"),
    [
        ("1x3x224x224", (1, 3, 224, 224), (1, 3, 224, 224), (1, 3, 224, 224), torch.float32),
        ("1..8x3:float16", (1, 3), (4, 3), (8, 3), torch.float16),
        ("1..2..8x3", (1, 3), (2, 3), (8, 3), torch.float32),
        ("scalar:int64", (), (), (), torch.int64),
    ],
)
def test_an_input_is_written_in_one_word(text, low, usual, high, dtype):
    assert inputs_of([text]) == [Input(min=low, opt=usual, max=high, dtype=dtype)]


def test_inputs_have_names_or_places():
    assert inputs_of([]) is None
    ids, mask = Input((1, 8), dtype=torch.int64), Input((1, 8), dtype=torch.bool)
    found = inputs_of(["ids:1x8:int64", "mask:1x8:bool"])
    assert [(name, one.ranges, one.dtype) for name, one in found.items()] == [
        ("ids", ids.ranges, ids.dtype),
        ("mask", mask.ranges, mask.dtype),
    ]


@pytest.mark.parametrize(
    ("texts", "word"),
    [
        (["1x3y4"], "is no input"),
        (["x"], "is no input"),
        (["x:"], "is no input"),
        (["a-b:1x3"], "is no input"),
        (["x:1x3:float32:2"], "is no input"),
        (["1x3:flaot32"], "did you mean 'float32'?"),
        (["8..1x3"], "min <= opt <= max"),
        (["x:1", "2"], "a name for each input"),
        (["x:1", "x:2"], "a name for each input"),
    ],
)
def test_what_is_no_input_is_wrong_usage(texts, word):
    with pytest.raises(typer.BadParameter) as caught:
        inputs_of(texts)
    assert word in str(caught.value)


def test_a_factory_gives_the_model_and_may_give_its_inputs(factories):
    loaded = load_model(f"{factories}:with_inputs")
    assert isinstance(loaded.model, torch.nn.ReLU)
    assert loaded.inputs[0].tolist() == [1, 1]
    assert load_model(f"{factories}:alone").inputs is None
    assert not load_model(f"{factories}:Net").model.training
    assert isinstance(load_model(f"{factories}:linear").model, torch.nn.Linear)
    assert sys.path[0] != str(factories)


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("fails", "failed at torch2trt_factories.py:17: ValueError: no weights"),
        ("gives_nothing", "returned a NoneType; return the model"),
        ("alon", "has no 'alon'; did you mean 'alone'?"),
        ("number", "is a int; name a function"),
    ],
)
def test_a_factory_that_cannot_be_used_is_told_in_words(factories, name, words):
    with pytest.raises(InputError) as caught:
        load_model(f"{factories}:{name}")
    assert words in str(caught.value)


def test_a_library_that_is_missing_is_told_with_the_cure(monkeypatch):
    monkeypatch.setitem(sys.modules, "timm", None)
    with pytest.raises(InputError, match=r"pip install timm$"):
        load_model("timm:resnet18")


def test_what_names_nothing_is_told():
    with pytest.raises(InputError, match="there is no module 'nowhere'"):
        load_model("nowhere:model")
    with pytest.raises(InputError, match=r"did you mean 'torchvision'\?"):
        load_model("torchvison:resnet18")
    with pytest.raises(typer.BadParameter, match=r"file 'model.pt3' does not exist"):
        load_model("model.pt3")
    with pytest.raises(typer.BadParameter, match="--pretrained is for"):
        load_model("nowhere:model", pretrained=True)


def test_a_model_of_torchvision_has_the_same_random_weights_each_time(capfd):
    pytest.importorskip("torchvision")
    state = torch.get_rng_state()
    first, second = (load_model("torchvision:squeezenet1_1").model.state_dict() for _ in range(2))
    assert all(torch.equal(first[name], second[name]) for name in first)
    assert torch.equal(torch.get_rng_state(), state)
    assert "random weights" in capfd.readouterr().err
    with pytest.raises(InputError, match="torchvision cannot make 'resnet19'"):
        load_model("torchvision:resnet19")


def test_a_model_of_transformers_comes_from_a_folder(tmp_path):
    pytest.importorskip("transformers")
    config = {"model_type": "bert", "hidden_size": 8, "num_hidden_layers": 1, "num_attention_heads": 2}
    config |= {"intermediate_size": 8, "vocab_size": 12}
    (tmp_path / "config.json").write_text(json.dumps(config))
    model = load_model(f"hf:{tmp_path}").model
    assert not model.training
    assert model(torch.zeros(1, 3, dtype=torch.int64)).last_hidden_state.shape == (1, 3, 8)
