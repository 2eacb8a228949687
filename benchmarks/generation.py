"""Let small models of transformers generate, converted and by themselves: the same tokens, or refused in words.

Each generates 64 tokens greedily after one prompt, after three of different lengths, and with three beams, on the
reference interpreter or, with ``--runtime engine``, on a GPU.  Encoder-decoders read the prompts, and do not repeat
pairs of tokens, as small ones would say the same again and again.  A model is ``equal``, ``refused`` with the reason,
or ``different``, which makes the exit status 1.  It is ``tied`` where the tokens are the same up to a choice between
two that the model itself gives nearly the same score: engines round the operands of float32 products to TF32.
"""

import argparse
import dataclasses
import importlib.metadata
import inspect
import sys
import time
from typing import Any

import torch
import torch2trt
from harness import forked, is_chosen, record
from huggingface import MODELS, SEQ2SEQ, T5, TINY, Tiny
from rich.console import Console
from torch2trt_generation import convert_causal_lm, convert_seq2seq_lm

EQUAL, TIED, REFUSED, DIFFERENT = "equal", "tied", "refused", "different"
#: how far scores may be apart, of the largest logit, in a choice that rounding decides
TIE = 1e-2
#: those of huggingface.py that decode, of one kind of layer each
NAMES = (
    *("bloom", "codegen", "falcon", "gemma", "gemma2", "gemma3", "gpt2", "gpt_neo", "gpt_neox", "gptj", "granite"),
    *("llama", "mamba", "mistral", "mixtral", "olmo2", "opt", "phi", "phi3", "qwen2", "qwen3", "stablelm"),
)
READS = {"tie_word_embeddings": False, "forced_eos_token_id": None, "decoder_start_token_id": 2}
SOUND = {"num_mel_bins": 6, "max_source_positions": 8, "max_target_positions": 128}
#: and those that read a text, or sound, first
ENCODER_DECODERS = {
    "bart": Tiny("BartForConditionalGeneration", "text to text", {**SEQ2SEQ, **READS}),
    "marian": Tiny("MarianMTModel", "text to text", {**SEQ2SEQ, **READS}),
    "pegasus": Tiny("PegasusForConditionalGeneration", "text to text", {**SEQ2SEQ, **READS}),
    "t5": Tiny("T5ForConditionalGeneration", "text to text", {**T5, **READS}),
    "whisper": Tiny("WhisperForConditionalGeneration", "spectrograms", {**SEQ2SEQ, **READS, **SOUND}),
}
#: what is returned beside the tokens
SCORED = {"return_dict_in_generate": True, "output_logits": True, "output_scores": True}
#: tokens of the longest prompt
PROMPT = 9


def texts(device: str, takes: str) -> dict[str, dict[str, Any]]:
    """Arguments of ``generate``; shorter prompts are padded, on the left where they go on."""
    generator = torch.Generator().manual_seed(0)
    if takes == "spectrograms":
        whole = {"input_features": torch.randn(3, 6, 16, generator=generator).to(device)}
    else:
        ids = torch.randint(4, TINY["vocab_size"], (3, PROMPT), generator=generator).to(device)
        mask = (torch.arange(PROMPT) >= torch.tensor([[0], [3], [7]])).long().to(device)
        mask = mask if takes == "text" else mask.flip(1)
        whole = {"input_ids": torch.where(mask > 0, ids, TINY["pad_token_id"]), "attention_mask": mask}
    more = {} if takes == "text" else {"no_repeat_ngram_size": 2}
    one = {name: whole[name][:1] for name in whole if name != "attention_mask"}
    return {"one": {**one, **more}, "three": {**whole, **more}, "beams": {**whole, **more, "num_beams": 3}}


def measured(name: str, tokens: int, runtime: str) -> dict[str, Any]:
    """The row of a model."""
    device = "cuda" if runtime == "engine" else "cpu"
    options = {"max_position_embeddings": 128, "use_cache": True, "bos_token_id": None, "eos_token_id": None}
    tiny = ENCODER_DECODERS.get(name) or MODELS[name]
    tiny = dataclasses.replace(tiny, options={**tiny.options, **options})
    model = tiny.make().to(device)
    # all tokens are the model's choice, also of those whose defaults force the last
    model.generation_config.forced_eos_token_id = model.generation_config.eos_token_id = None
    began = time.perf_counter()
    sizes = {"max_batch_size": 9, "max_length": PROMPT + tokens, "runtime": runtime, "build": runtime == "engine"}
    try:
        if name in ENCODER_DECODERS:
            reads = {} if tiny.takes == "spectrograms" else {"max_source_length": PROMPT}
            converted = convert_seq2seq_lm(model, **sizes, **reads)
        else:
            converted = convert_causal_lm(model, **sizes)
    except torch2trt.Torch2TRTError as error:
        return {"verdict": REFUSED, "reason": str(error)}
    row: dict[str, Any] = {"convert_s": round(time.perf_counter() - began, 1)}
    for kind, text in texts(device, tiny.takes).items():
        arguments = {**text, "max_new_tokens": tokens, "do_sample": False}
        ours, theirs = (one.generate(**arguments, **SCORED) for one in (converted, model))
        row[kind] = compared_beams(model, text, ours, theirs) if "num_beams" in text else compared(ours, theirs)
    verdicts = {row[kind] if row[kind] in (EQUAL, DIFFERENT) else TIED for kind in ("one", "three", "beams")}
    return {"verdict": next(one for one in (DIFFERENT, TIED, EQUAL) if one in verdicts), **row}


def compared(actual: Any, expected: Any) -> str:
    """Whether the tokens are equal, or how far apart the choices are from which on they are not."""
    if torch.equal(actual.sequences, expected.sequences):
        return EQUAL
    largest = max(float(logits.abs().max()) for logits in expected.logits)
    found = []
    for row, pair in enumerate(zip(actual.sequences, expected.sequences, strict=True)):
        length = len(expected.logits)
        ours, theirs = (text[-length:].tolist() for text in pair)
        first = next((at for at in range(length) if ours[at] != theirs[at]), length)
        for at in range(first):  # of the same text so far: the logits agree
            gap = (actual.logits[at][row].float() - expected.logits[at][row].float()).abs().max() / largest
            if not gap <= TIE:
                return DIFFERENT
        if first < length:
            logits = expected.logits[first][row]
            found.append(float(logits[theirs[first]] - logits[ours[first]]) / largest)
    return f"tokens whose logits are {max(found):.1e} apart" if max(found) <= TIE else DIFFERENT


def compared_beams(model: Any, text: dict[str, Any], actual: Any, expected: Any) -> str:
    """Whether the texts are equal, or how far the scores of ours are from those that the model itself gives them.

    Which of two nearly equal beams goes on decides on all that follows, so the scores of other texts say nothing.
    """
    if torch.equal(actual.sequences, expected.sequences):
        return EQUAL
    tokens, length = actual.sequences, len(expected.scores)
    if model.config.is_encoder_decoder:
        given = {name: tensor for name, tensor in text.items() if isinstance(tensor, torch.Tensor)}
        logits = model(**given, decoder_input_ids=tokens).logits
    else:
        mask = torch.cat([text["attention_mask"], torch.ones_like(tokens[:, -length:])], 1)
        positions = {"position_ids": (mask.cumsum(-1) - 1).clamp(min=0)}
        takes = "position_ids" in inspect.signature(model.forward).parameters
        logits = model(tokens, attention_mask=mask, **(positions if takes else {})).logits
    chosen = logits[:, -length - 1 : -1].float().log_softmax(-1).gather(2, tokens[:, -length:, None])
    penalty = model.generation_config.length_penalty
    scores = chosen.sum((1, 2)) / length ** (1.0 if penalty is None else penalty)
    apart = float((actual.sequences_scores - scores).abs().max())
    worse = float((expected.sequences_scores - actual.sequences_scores).max())
    found = f"texts whose scores are {apart:.1e} from the model's, and up to {worse:.1e} below its choice"
    return found if apart <= TIE else DIFFERENT


def main() -> int:
    """Measure the models that are asked for, and say whether one is different."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("names", nargs="*", default=["*"], help="patterns of names, such as gemma*")
    parser.add_argument("--tokens", type=int, default=64)
    parser.add_argument("--runtime", choices=("reference", "engine"), default="reference")
    parser.add_argument("--json", help="where to write the record")
    arguments = parser.parse_args()
    console, rows = Console(), []
    for name in (*NAMES, *ENCODER_DECODERS):
        if is_chosen(name, "", arguments.names):
            row = forked(measured, name, arguments.tokens, arguments.runtime)
            rows.append({"name": name, "verdict": row.get("verdict", DIFFERENT), **row})
            console.print(name, {key: value for key, value in rows[-1].items() if key != "name"}, markup=False)
    more = {"transformers": importlib.metadata.version("transformers"), "tokens": arguments.tokens}
    record(arguments.json, rows, runtime=arguments.runtime, **more)
    return int(any(row["verdict"] == DIFFERENT for row in rows))


if __name__ == "__main__":
    sys.exit(main())
