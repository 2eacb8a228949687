"""Converted decoders generate what transformers generates with the model itself."""

import functools

import pytest
import torch
import torch2trt
from torch2trt import AutotuneWarning, CaptureError, EngineError, InputError
from torch2trt.tune import autotune
from torch2trt_generation import CausalLM, convert_causal_lm, layers

from .models import make, prompts

REFERENCE = {"runtime": "reference", "build": False}
ROOM = {"max_batch_size": 6, "max_length": 24}
STATES = pytest.mark.skipif(layers.STATES is None, reason="this transformers has no layers with states")
TEXTS = prompts()
ONE = {"input_ids": TEXTS["input_ids"][:1]}


@pytest.fixture(scope="module")
def mistral():
    model = make("mistral")
    return model, convert_causal_lm(model, **ROOM, **REFERENCE)


def generated(model, arguments):
    torch.manual_seed(0)  # of samples
    options = {"do_sample": False, "max_new_tokens": 12, "return_dict_in_generate": True, "output_logits": True}
    return model.generate(**{**options, **arguments})


def assert_alike(model, converted, arguments, tolerance=1e-3):
    expected, actual = generated(model, arguments), generated(converted, arguments)
    assert torch.equal(actual.sequences, expected.sequences)
    torch.testing.assert_close(actual.logits, expected.logits, rtol=tolerance, atol=tolerance)
    return actual.sequences


@pytest.mark.parametrize(
    "arguments",
    [
        ONE,
        TEXTS,
        {**TEXTS, "do_sample": True, "top_k": 20, "temperature": 2.0},
        {**ONE, "do_sample": True, "num_return_sequences": 4},
        {**TEXTS, "num_beams": 2},
        {**ONE, "num_beams": 6, "num_return_sequences": 3, "length_penalty": 0.5},
        {**TEXTS, "num_beams": 2, "do_sample": True},
        {**ONE, "use_cache": False},
        {**TEXTS, "prefill_chunk_size": 3},
        {**TEXTS, "eos_token_id": list(range(5))},
        {**TEXTS, "repetition_penalty": 1.5, "no_repeat_ngram_size": 2, "max_new_tokens": 17},
    ],
    ids=lambda arguments: "-".join([str(len(arguments["input_ids"])), *list(arguments)[1:]]),
)
def test_arguments_of_generate(mistral, arguments):
    assert_alike(*mistral, arguments)


def test_texts_differ_and_a_beam_takes_the_place_of_another(mistral):
    model, converted = mistral
    texts = assert_alike(model, converted, TEXTS)
    assert len({tuple(text[7:].tolist()) for text in texts}) == 3
    beams = generated(converted, {**TEXTS, "num_beams": 2, "output_scores": True})
    assert len(beams.beam_indices.unique()) > 3


def test_a_text_is_not_seen_by_the_next(mistral):
    _, converted = mistral
    first = generated(converted, ONE)
    generated(converted, TEXTS)
    again = generated(converted, ONE)
    assert torch.equal(first.sequences, again.sequences)
    torch.testing.assert_close(again.logits, first.logits, rtol=0, atol=0)


def test_a_text_goes_on_with_its_cache(mistral):
    model, converted = mistral
    ids = TEXTS["input_ids"][:1]
    with torch.no_grad():
        expected = model(ids).logits[:, -1:]
        begun = converted(ids[:, :3])
        cache = begun[next(name for name in begun if name != "logits")]
        for place in range(3, 7):
            output = converted(ids[:, place : place + 1], cache=cache)
        torch.testing.assert_close(output.logits, expected, rtol=1e-3, atol=1e-3)
        with pytest.raises(InputError, match="not of the texts that this model is at"):
            converted(ids[:, :1].expand(2, 1), cache=cache)
        converted(ids)
        with pytest.raises(InputError, match="not of the texts that this model is at"):
            converted(ids[:, :1], cache=cache)


@pytest.mark.slow
@pytest.mark.parametrize("name", ["bloom", "gemma3"])
def test_architectures(name):
    model = make(name)
    converted = convert_causal_lm(model, max_batch_size=3, max_length=20, **REFERENCE)
    assert_alike(model, converted, ONE)
    assert_alike(model, converted, TEXTS)


@STATES
def test_states_in_place_of_caches():
    model = make("mamba")
    converted = convert_causal_lm(model, **ROOM, **REFERENCE)
    shapes = [tuple(tensor.shape) for tensor in converted.module.buffers_written()]
    assert shapes == [(4, 6, 48, 4)]  # of convolutions and of recurrences, which are alike here
    for arguments in (ONE, TEXTS, {**TEXTS, "num_beams": 2}):
        assert_alike(model, converted, arguments)


def test_an_engine_has_a_profile_for_single_tokens_and_one_for_prompts(mistral):
    _, converted = mistral
    profiles = [line.strip() for line in str(converted.module).splitlines() if "profile " in line]
    assert [line.split(",")[:2] for line in profiles] == [
        ["profile 0: input_ids int64[1..6", " 1]"],
        ["profile 1: input_ids int64[1..6", " 1..24]"],
    ]


@pytest.mark.slow
@pytest.mark.slow
def test_autotune_runs_single_tokens_of_one_text_as_what_is_fastest(monkeypatch, tmp_path):
    monkeypatch.setattr(torch2trt.TRTModule, "runtime", "engine")
    monkeypatch.setattr(autotune, "why_not_compiled", lambda device: None)
    fast = functools.partial(autotune.autotuned, timed=lambda runners, _: [10.0 - one for one in range(len(runners))])
    monkeypatch.setattr(autotune, "autotuned", fast)
    model = make("mistral")
    with pytest.warns(AutotuneWarning, match="those of transformer runs"):
        converted = convert_causal_lm(model, max_batch_size=2, max_length=24, autotune=True, **REFERENCE)
    assert "in PyTorch" in repr(converted.single)
    assert "in PyTorch" not in repr(converted.module)
    calls = []
    converted.single.register_forward_hook(lambda *_: calls.append(1))
    for arguments, count in ((ONE, 11), ({**ONE, "num_beams": 2}, 0), (ONE, 11)):
        calls.clear()
        assert_alike(model, converted, arguments)
        assert len(calls) == count
    converted.single.save(tmp_path / "single.trt")
    loaded = CausalLM(converted.module, model.config, model.generation_config, torch2trt.load(tmp_path / "single.trt"))
    assert_alike(model, loaded, ONE)
    with pytest.raises(EngineError, match="do not write the same buffers"):
        CausalLM(
            converted.module, model.config, single=torch2trt.convert(torch.nn.ReLU(), [torch.ones(1)], **REFERENCE)
        )


def test_half_precision():
    model = make("gpt2")
    converted = convert_causal_lm(model, max_batch_size=3, max_length=20, precision=torch.float16, **REFERENCE)
    assert {tensor.dtype for tensor in converted.module.buffers_written()} == {torch.float16}
    assert_alike(model, converted, TEXTS, tolerance=2e-2)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (
            {**ONE, "max_new_tokens": 18},
            r"text of 25 tokens.*longer than the 24.*smaller max_new_tokens.*max_length=25",
        ),
        ({**ONE, "max_length": 100, "max_new_tokens": None}, "text of 100 tokens"),
        ({**TEXTS, "num_beams": 3}, r"9 rows \(the batch times num_beams.*more than the 6.*max_batch_size=9"),
        ({**ONE, "num_return_sequences": 7, "do_sample": True}, "7 rows"),
        ({**ONE, "cache_implementation": "static"}, "caches of its own; leave out"),
        ({**ONE, "output_hidden_states": True}, "leave out output_hidden_states"),
        ({**ONE, "inputs_embeds": torch.zeros(1, 7, 32)}, "give input_ids and leave out inputs_embeds"),
        ({**ONE, "position_ids": torch.arange(7)[None] + 30}, "position_ids go up to 36, of 7 tokens"),
    ],
)
def test_what_does_not_fit_is_said_before_anything_is_computed(mistral, monkeypatch, arguments, message):
    _, converted = mistral
    monkeypatch.setattr(converted.module, "forward", None)
    with pytest.raises(InputError, match=message):
        generated(converted, arguments)


def test_tokens_cannot_be_taken_back(mistral):
    model, converted = mistral
    with pytest.raises(ValueError, match="assisted generation is not supported with stateful models"):
        generated(converted, {**ONE, "assistant_model": model})


def test_what_does_not_fit_a_call(mistral):
    _, converted = mistral
    with pytest.raises(InputError, match="25 tokens"):
        converted(torch.ones(1, 25, dtype=torch.int64))
    with pytest.raises(InputError, match=r"attention_mask is \[3, 7\] and must be \[3, 2\]"):
        converted(TEXTS["input_ids"][:, :2], TEXTS["attention_mask"])


@pytest.mark.parametrize(
    ("name", "error", "message"),
    [
        ("gpt_neo", CaptureError, "GPTNeoForCausalLM computes something else where its caches have a fixed size"),
        ("rwkv", CaptureError, "layer 0 keeps no keys and values, nor states of a fixed size"),
        pytest.param(
            "bamba", CaptureError, "computes something else where it reads a text token by token", marks=STATES
        ),
        ("t5", InputError, "T5ForConditionalGeneration is no decoder"),
    ],
)
def test_models_that_cannot_generate_with_an_engine(name, error, message):
    with pytest.raises(error, match=message):
        convert_causal_lm(make(name), **ROOM, **REFERENCE)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"max_batch_size": 0}, "max_batch_size must be a whole number of at least 1, got 0"),
        ({"max_length": 1.5}, "max_length must be a whole number of at least 2, got 1.5"),
        ({"max_length": 41}, "more than the 40 positions of the model"),
    ],
)
def test_sizes_that_cannot_be(options, message):
    with pytest.raises(InputError, match=message):
        convert_causal_lm(make("gpt2"), **{**ROOM, **options}, **REFERENCE)


def test_a_module_that_is_no_decoder():
    module = torch2trt.convert(torch.nn.ReLU().eval(), [torch.ones(3)], **REFERENCE)
    with pytest.raises(InputError, match="no caches of a decoder; convert_causal_lm makes one"):
        CausalLM(module, make("gpt2").config)


def test_a_model_in_training_is_left_as_it_is():
    model = make("gpt2").train()
    with pytest.raises(InputError, match=r"call model.eval\(\) first"):
        convert_causal_lm(model, **ROOM, **REFERENCE)
    assert model.training


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="an engine needs an NVIDIA GPU")
@pytest.mark.parametrize("name", ["bloom", "gemma3", "gpt2", pytest.param("mamba", marks=STATES), "mistral"])
def test_engines(name, tmp_path):
    model = make(name)
    converted = convert_causal_lm(model, **ROOM, runtime="engine").to("cuda")
    model = model.to("cuda")
    for arguments in (ONE, TEXTS, {**TEXTS, "num_beams": 2}):
        arguments = {
            key: value.to("cuda") if isinstance(value, torch.Tensor) else value for key, value in arguments.items()
        }
        assert torch.equal(generated(converted, arguments).sequences, generated(model, arguments).sequences)
    assert converted.module.engine.num_optimization_profiles == (1 if name == "mamba" else 2)
    converted.module.save(tmp_path / "decoder.trt")
    loaded = CausalLM(torch2trt.load(tmp_path / "decoder.trt"), model.config).to("cuda")
    assert torch.equal(generated(loaded, arguments).sequences, generated(model, arguments).sequences)
