"""Let small decoders of transformers generate, converted and by themselves: the same tokens, or refused in words.

Each generates 64 tokens greedily after one prompt, after three of different lengths, and with three beams, on the
reference interpreter or, with ``--runtime engine``, on a GPU.  A model is ``equal``, ``refused`` with the reason, or
``different``, which makes the exit status 1.
"""

import argparse
import dataclasses
import importlib.metadata
import sys
import time
from typing import Any

import torch
import torch2trt
from harness import forked, is_chosen, record
from huggingface import MODELS, TINY
from rich.console import Console
from torch2trt_generation import convert_causal_lm

EQUAL, REFUSED, DIFFERENT = "equal", "refused", "different"
#: those of huggingface.py that decode, of one kind of layer each
NAMES = (
    *("bloom", "codegen", "falcon", "gemma", "gemma2", "gemma3", "gpt2", "gpt_neo", "gpt_neox", "gptj", "granite"),
    *("llama", "mamba", "mistral", "mixtral", "olmo2", "opt", "phi", "phi3", "qwen2", "qwen3", "stablelm"),
)
#: tokens of the longest prompt
PROMPT = 9


def texts(device: str) -> dict[str, dict[str, Any]]:
    """Arguments of ``generate``; shorter prompts are padded on the left."""
    ids = torch.randint(4, TINY["vocab_size"], (3, PROMPT), generator=torch.Generator().manual_seed(0)).to(device)
    mask = (torch.arange(PROMPT) >= torch.tensor([[0], [3], [7]])).long().to(device)
    ids = torch.where(mask > 0, ids, TINY["pad_token_id"])
    padded = {"input_ids": ids, "attention_mask": mask}
    return {"one": {"input_ids": ids[:1]}, "three": padded, "beams": {**padded, "num_beams": 3}}


def measured(name: str, tokens: int, runtime: str) -> dict[str, Any]:
    """The row of a model."""
    device = "cuda" if runtime == "engine" else "cpu"
    options = {"max_position_embeddings": 128, "use_cache": True, "bos_token_id": None, "eos_token_id": None}
    tiny = dataclasses.replace(MODELS[name], options={**MODELS[name].options, **options})
    model = tiny.make().to(device)
    began = time.perf_counter()
    try:
        converted = convert_causal_lm(
            model, max_batch_size=9, max_length=PROMPT + tokens, runtime=runtime, build=runtime == "engine"
        )
    except torch2trt.Torch2TRTError as error:
        return {"verdict": REFUSED, "reason": str(error)}
    row: dict[str, Any] = {"convert_s": round(time.perf_counter() - began, 1)}
    for kind, text in texts(device).items():
        arguments = {**text, "max_new_tokens": tokens, "do_sample": False}
        row[kind] = torch.equal(converted.generate(**arguments), model.generate(**arguments))
    return {"verdict": EQUAL if all(row[kind] for kind in texts(device)) else DIFFERENT, **row}


def main() -> int:
    """Measure the models that are asked for, and say whether one is different."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("names", nargs="*", default=["*"], help="patterns of names, such as gemma*")
    parser.add_argument("--tokens", type=int, default=64)
    parser.add_argument("--runtime", choices=("reference", "engine"), default="reference")
    parser.add_argument("--json", help="where to write the record")
    arguments = parser.parse_args()
    console, rows = Console(), []
    for name in NAMES:
        if is_chosen(name, "", arguments.names):
            row = forked(measured, name, arguments.tokens, arguments.runtime)
            rows.append({"name": name, "verdict": row.get("verdict", DIFFERENT), **row})
            console.print(name, {key: value for key, value in rows[-1].items() if key != "name"}, markup=False)
    more = {"transformers": importlib.metadata.version("transformers"), "tokens": arguments.tokens}
    record(arguments.json, rows, runtime=arguments.runtime, **more)
    return int(any(row["verdict"] == DIFFERENT for row in rows))


if __name__ == "__main__":
    sys.exit(main())
