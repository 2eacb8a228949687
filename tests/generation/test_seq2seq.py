"""Converted encoder-decoders generate what transformers generates with the model itself."""

import pytest
import torch
import torch2trt
from torch2trt import CaptureError, InputError
from torch2trt_generation import CausalLM, Seq2SeqLM, WhisperLM, convert_seq2seq_lm

from .models import make, sounds, sources
from .test_generation import REFERENCE, assert_alike, generated

ROOM = {"max_batch_size": 6, "max_length": 24}
READS = {"max_source_length": 9}
#: small models would say the same again and again
VARIED = {"no_repeat_ngram_size": 2}
TEXTS = {**sources(), **VARIED}
ONE = {name: tensor[:1] for name, tensor in sources().items()} | VARIED
SOUNDS = {**sounds(), **VARIED}
BEGUN = {"decoder_input_ids": torch.tensor([[2, 5, 6], [2, 7, 8], [2, 9, 9]])}


@pytest.fixture(scope="module")
def t5():
    model = make("t5")
    return model, convert_seq2seq_lm(model, **ROOM, **READS, **REFERENCE)


@pytest.fixture(scope="module")
def whisper():
    model = make("whisper")
    model.generation_config.no_timestamps_token_id = 40  # those above are timestamps
    return model, convert_seq2seq_lm(model, **ROOM, **REFERENCE)


@pytest.mark.parametrize(
    "arguments",
    [
        ONE,
        TEXTS,
        {**VARIED, "input_ids": TEXTS["input_ids"]},
        {**TEXTS, "do_sample": True, "top_k": 20, "temperature": 2.0},
        {**ONE, "do_sample": True, "num_return_sequences": 4},
        {**TEXTS, "num_beams": 2},
        {**TEXTS, "use_cache": False},
        {**TEXTS, **BEGUN},
        {**TEXTS, **BEGUN, "decoder_attention_mask": torch.tensor([[1, 1, 1], [0, 1, 1], [0, 0, 1]])},
    ],
    ids=lambda arguments: "-".join([str(len(arguments["input_ids"])), *list(arguments)[1:]]),
)
def test_arguments_of_generate(t5, arguments):
    assert_alike(*t5, arguments)


def test_padding_of_what_is_read_is_not_seen(t5):
    _, converted = t5
    padded, ids = generated(converted, TEXTS), TEXTS["input_ids"][2:, :2]
    alone = generated(converted, {**VARIED, "input_ids": ids})
    assert torch.equal(padded.sequences[2:], alone.sequences)
    assert not torch.equal(padded.sequences[2], padded.sequences[0])


def test_the_encoder_runs_once_a_text(t5, monkeypatch):
    model, converted = t5
    encoded = converted.encoder(**{name: TEXTS[name] for name in sources()})
    monkeypatch.setattr(converted.encoder.module, "forward", None)
    actual = generated(converted, {**VARIED, "encoder_outputs": encoded, "attention_mask": TEXTS["attention_mask"]})
    assert torch.equal(actual.sequences, generated(model, TEXTS).sequences)


@pytest.mark.slow
@pytest.mark.parametrize(
    "arguments",
    [
        {**SOUNDS, "input_features": SOUNDS["input_features"][:1]},
        SOUNDS,
        {**SOUNDS, "temperature": 1.0},
        {**SOUNDS, "num_beams": 2},
        {**SOUNDS, "input_features": SOUNDS["input_features"][:1].repeat(1, 1, 2), "return_timestamps": True},
    ],
    ids=lambda arguments: "-".join([str(arguments["input_features"].shape), *list(arguments)[1:]]),
)
def test_whisper(whisper, arguments):
    model, converted = whisper
    expected, actual = generated(model, arguments), generated(converted, arguments)
    assert torch.equal(actual["sequences"], expected["sequences"])
    assert len({*expected["sequences"][0].tolist()}) > 3


@pytest.mark.slow
def test_half_precision(t5):
    model, _ = t5
    converted = convert_seq2seq_lm(model, **ROOM, **READS, precision=torch.float16, **REFERENCE)
    _, *cross = converted.encoder(TEXTS["input_ids"]).to_tuple()
    assert {tensor.dtype for tensor in (*converted.module.buffers_written(), *cross)} == {torch.float16}
    assert_alike(model, converted, TEXTS, tolerance=2e-2)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({**TEXTS, "max_new_tokens": 24}, r"text of 25 tokens.*longer than the 24.*max_length=25"),
        ({**TEXTS, "num_beams": 3}, r"9 rows.*max_batch_size=9"),
        ({**VARIED, "input_ids": torch.ones(1, 10, dtype=torch.int64)}, "source"),
        ({**TEXTS, "output_attentions": True}, "leave out output_attentions"),
    ],
)
def test_what_does_not_fit(t5, arguments, message):
    _, converted = t5
    with pytest.raises(InputError, match=message):
        generated(converted, arguments)


def test_what_does_not_fit_a_call(t5, whisper):
    ids = torch.ones(1, 2, dtype=torch.int64)
    with pytest.raises(InputError, match=r"give what model\.encoder returns"):
        t5[1](encoder_outputs=(torch.zeros(1, 2, 32),), decoder_input_ids=ids)
    with pytest.raises(InputError, match="takes decoder_input_ids, which are not given"):
        t5[1](ids)
    with pytest.raises(InputError, match="takes input_features, which is not given"):
        whisper[1](ids, decoder_input_ids=ids)
    with pytest.raises(InputError, match="leave out return_token_timestamps"):
        whisper[1].generate(**SOUNDS, return_token_timestamps=True)


@pytest.mark.parametrize(
    ("name", "options", "message"),
    [
        ("gpt2", READS, "GPT2LMHeadModel is no encoder-decoder of transformers"),
        ("t5", {}, "max_source_length must be a whole number of at least 1, got None"),
        ("bart", {"max_source_length": 41}, "max_source_length=41 is more than the 40 positions"),
        ("whisper", READS, "leave out max_source_length"),
        ("whisper", {"max_length": 41}, r"more than the 40 positions of the model \(config.max_"),
    ],
)
def test_models_and_sizes_that_cannot_be(name, options, message):
    with pytest.raises(InputError, match=message):
        convert_seq2seq_lm(make(name), **{**ROOM, **options}, **REFERENCE)


def test_an_encoder_that_decides_by_values_in_half_precision():
    with pytest.raises(CaptureError, match="control flow depends on the values of a tensor"):
        convert_seq2seq_lm(make("bart"), **ROOM, **READS, precision=torch.float16, **REFERENCE)


def test_modules_that_do_not_generate_so(t5, whisper):
    (_, converted), (model, heard) = t5, whisper
    with pytest.raises(InputError, match="make a WhisperLM of its modules"):
        Seq2SeqLM(heard.encoder.module, heard.module, model.config)
    with pytest.raises(InputError, match="no caches of a decoder"):
        CausalLM(converted.encoder.module, model.config)
    assert isinstance(heard, WhisperLM)


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="an engine needs an NVIDIA GPU")
@pytest.mark.parametrize(("name", "sources"), [("t5", TEXTS), ("whisper", SOUNDS)])
def test_engines(name, sources, tmp_path):
    model = make(name)
    reads = READS if name == "t5" else {}
    converted = convert_seq2seq_lm(model, **ROOM, **reads, runtime="engine").to("cuda")
    model = model.to("cuda")
    given = {key: value.to("cuda") if isinstance(value, torch.Tensor) else value for key, value in sources.items()}
    one = {key: value[:1] if isinstance(value, torch.Tensor) else value for key, value in given.items()}
    files = tmp_path / "encoder.trt", tmp_path / "decoder.trt"
    for module, file in zip((converted.encoder.module, converted.module), files, strict=True):
        module.save(file)
    modules = map(torch2trt.load, files)
    loaded = type(converted)(*modules, model.config, model.generation_config).to("cuda")
    for arguments in (one, given, {**given, "num_beams": 2}):
        expected = generated(model, arguments)["sequences"]
        assert torch.equal(generated(converted, arguments)["sequences"], expected)
        assert torch.equal(generated(loaded, arguments)["sequences"], expected)
