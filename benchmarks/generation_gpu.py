"""Time a decoder of TinyLlama's sizes, 1.1 B parameters of random weights in float16, token by token on a GPU.

A prompt is read and as many tokens are generated greedily, beside eager and ``torch.compile`` (``reduce-overhead``),
both with transformers' ``StaticCache``, and the time that it takes to read the weights.  Each column has a process of
its own, and is in the record as soon as it is done.  ``python benchmarks/generation_gpu.py --json out.json`` measures;
without a GPU ``--layers 1 --prompt 8 --tokens 8`` tries it on the interpreter.
"""

import argparse
import importlib
import importlib.metadata
import inspect
import sys
import time
from typing import Any

import torch
from gpu import measure, roofline
from harness import forked, record
from rich.console import Console
from rich.table import Table

SIZES = {
    "vocab_size": 32000,
    "hidden_size": 2048,
    "intermediate_size": 5632,
    "num_attention_heads": 32,
    "num_key_value_heads": 4,
    "max_position_embeddings": 2048,
    "bos_token_id": None,
    "eos_token_id": None,
}
COLUMNS = ("limit", "eager", "compile", "ours", "autotune")
#: passes before those that are timed: all kernels are compiled, and all CUDA graphs captured, in the first
WARM_UP = 2


def make(options: argparse.Namespace, device: str) -> torch.nn.Module:
    """The model, the same in each process."""
    from transformers import LlamaConfig, LlamaForCausalLM

    torch.manual_seed(0)
    torch.set_default_dtype(torch.float16)
    with torch.device(device):
        model = LlamaForCausalLM(LlamaConfig(**SIZES, num_hidden_layers=options.layers)).eval()
    torch.set_default_dtype(torch.float32)
    return model


class InPyTorch:
    """The model itself with a ``StaticCache``, as transformers' ``generate`` runs it.

    Args:
        model: the model, where it is to run.
        room: how many tokens the cache has room for.
        compiled: whether ``torch.compile`` compiles it, to CUDA graphs.
    """

    def __init__(self, model: torch.nn.Module, room: int, compiled: bool) -> None:
        from transformers import StaticCache

        names = inspect.signature(model.forward).parameters
        self._name = "cache" if "cache" in names else "past_key_values"
        self._takes_places = "cache_position" in names
        self._cache = StaticCache(config=model.config, max_cache_len=room)
        self._places = torch.arange(room, device=model.device)
        self._forward, self._compiled, self._at = model.forward, compiled, 0
        self.step(torch.zeros(1, 1, dtype=torch.int64, device=model.device))  # makes the tensors of the cache
        if compiled:
            self._forward = torch.compile(model.forward, mode="reduce-overhead", dynamic=False)

    def begin(self, ids: torch.Tensor) -> torch.Tensor:
        """The logits after a prompt."""
        self._cache.reset()
        self._at = 0
        return self.step(ids)

    def step(self, ids: torch.Tensor) -> torch.Tensor:
        """The logits after the tokens that follow."""
        places = self._places[self._at : self._at + ids.shape[1]].clone()  # at an address that kernels like
        more = {"cache_position": places} if self._takes_places else {}
        if self._compiled:
            torch.compiler.cudagraph_mark_step_begin()
        self._at += ids.shape[1]
        given = {self._name: self._cache, "use_cache": True, "position_ids": places[None], "logits_to_keep": 1}
        return self._forward(input_ids=ids, **given, **more).logits


class InEngine:
    """The converted model, as ``generate`` runs it; with ``autotune`` single tokens by what is fastest."""

    def __init__(self, model: torch.nn.Module, room: int, device: str, autotune: bool) -> None:
        from torch2trt_generation import convert_causal_lm
        from torch2trt_generation.generating import CACHE

        self._name = CACHE
        runtime = {"runtime": "engine"} if device == "cuda" else {"runtime": "reference", "build": False}
        settings = {**runtime, "autotune": autotune}
        self._decoder = convert_causal_lm(model, max_batch_size=1, max_length=room, **settings).to(device)
        self._decoder.module.drop_network()
        self._cache: Any = None

    def begin(self, ids: torch.Tensor) -> torch.Tensor:
        """The logits after a prompt."""
        self._cache = None
        return self.step(ids)

    def step(self, ids: torch.Tensor) -> torch.Tensor:
        """The logits after the tokens that follow."""
        at = 0 if self._cache is None else self._cache.get_seq_length()
        places = torch.arange(at, at + ids.shape[1], device=ids.device)[None]
        output = self._decoder(ids, position_ids=places, cache=self._cache)
        self._cache = output[self._name]
        return output.logits


def passed(runs: Any, prompt: torch.Tensor, count: int) -> dict[str, list[Any]]:
    """One text: milliseconds of the prompt and of each token, until the GPU is done, and the tokens."""
    times, tokens, token = [], [], prompt
    for index in range(count + 1):
        measure.synchronize()
        start = time.perf_counter()
        logits = runs.begin(token) if index == 0 else runs.step(token)
        token = logits[:, -1:].argmax(-1)
        tokens.append(int(token))  # which waits, as the stopping criteria of generate do
        times.append(1e3 * (time.perf_counter() - start))
    return {"prefill": times[:1], "token": times[1:], "tokens": tokens}


def limit(options: argparse.Namespace) -> dict[str, Any]:
    """How long it takes to read the weights at the rate of a copy, of which half is read."""
    device = "cuda" if torch.cuda.is_available() else "cpu"
    model = make(options, "meta")
    read = (one for one in model.parameters() if one is not model.get_input_embeddings().weight)
    amount = sum(one.numel() * one.itemsize for one in read)
    if device == "cpu":
        return {"weights_mib": amount >> 20}
    source = torch.empty(roofline.COPIED, dtype=torch.uint8, device=device)
    target = torch.empty_like(source)
    rate = roofline.per_second(lambda: target.copy_(source), 2.0 * roofline.COPIED)
    return {"weights_mib": amount >> 20, "bytes_per_s": rate, "token_ms": [1e3 * amount / rate]}


def measured(column: str, options: argparse.Namespace) -> dict[str, Any]:
    """The row of a column."""
    torch.set_grad_enabled(False)
    if column == "limit":
        return limit(options)
    device = "cuda" if torch.cuda.is_available() else "cpu"
    room, began = options.prompt + options.tokens, time.perf_counter()
    model = make(options, device)
    if column == "ours":  # the engine has weights of its own
        model = model.cpu()
        torch.cuda.empty_cache()
    if column in ("ours", "autotune"):
        runs: Any = InEngine(model, room, device, column == "autotune")
    else:
        runs = InPyTorch(model, room, column == "compile")
    made_s, model = time.perf_counter() - began, None
    torch.cuda.empty_cache()
    prompt = torch.randint(SIZES["vocab_size"], (1, options.prompt), generator=torch.Generator().manual_seed(0))
    began, prompt = time.perf_counter(), prompt.to(device)
    first = passed(runs, prompt, options.tokens)
    first_s = time.perf_counter() - began
    [passed(runs, prompt, options.tokens) for _ in range(WARM_UP - 1)]
    if device == "cuda":
        torch.cuda.reset_peak_memory_stats()
    found = [passed(runs, prompt, options.tokens) for _ in range(options.passes)]
    used = {"peak_mib": torch.cuda.max_memory_allocated() >> 20} if device == "cuda" else {}
    return {
        "made_s": round(made_s, 1),
        "first_pass_s": round(first_s, 1),
        "prefill_ms": spread([one for row in found for one in row["prefill"]]),
        "token_ms": spread([one for row in found for one in row["token"]]),
        **used,
        "held_mib": measure.device_memory() >> 20,
        "tokens": first["tokens"],
        "same_each_time": all(row["tokens"] == first["tokens"] for row in found),
    }


def spread(values: list[float]) -> list[float]:
    """The median and the quartiles below and above it, in milliseconds with digits of microseconds."""
    return [round(value / 1e3, 4) for value in measure.spread([1e3 * value for value in values])]


def table(rows: list[dict[str, Any]]) -> Table:
    """What the record says, beside the limit and the tokens of eager."""
    by_name = {row["column"]: row for row in rows}
    least, right = by_name.get("limit", {}).get("token_ms"), by_name.get("eager", {}).get("tokens")
    shown = Table("column", "prefill ms", "ms a token", "of the limit", "peak MiB", "held MiB", "tokens as eager")
    for row in rows:
        token, tokens = row.get("token_ms"), row.get("tokens")
        ratio = f"{token[0] / least[0]:.2f}" if token and least else "-"
        same = f"first {alike(tokens, right)} of {len(right)}" if tokens and right else "-"
        memory = (str(row.get(name, "-")) for name in ("peak_mib", "held_mib"))
        shown.add_row(row["column"], written(row.get("prefill_ms")), written(token), ratio, *memory, same)
    return shown


def written(times: list[float] | None) -> str:
    """A median with its quartiles."""
    middle, *quartiles = [f"{one:.3f}" for one in times] if times else ["-"]
    return f"{middle} ({' to '.join(quartiles)})" if quartiles else middle


def alike(tokens: list[int], right: list[int]) -> int:
    """How many of the first tokens are those."""
    return next((place for place, pair in enumerate(zip(tokens, right, strict=True)) if pair[0] != pair[1]), len(right))


def missing(columns: list[str]) -> list[str]:
    """What cannot be imported here."""
    wanted = ["transformers", "torch2trt", "torch2trt_generation", *(["triton"] if "compile" in columns else [])]
    found = []
    for name in wanted:
        try:
            importlib.import_module(name)
        except Exception as error:
            found.append(f"{name}: {type(error).__name__}: {error}")
    return found


def main() -> int:
    """Measure the columns that are asked for, and say whether one failed."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--columns", default=",".join(COLUMNS), help="with commas, of " + ", ".join(COLUMNS))
    parser.add_argument("--layers", type=int, default=22)
    parser.add_argument("--prompt", type=int, default=512, help="tokens of the prompt")
    parser.add_argument("--tokens", type=int, default=512, help="tokens that are generated")
    parser.add_argument("--passes", type=int, default=3, help="how often a text is timed")
    parser.add_argument("--json", help="the record, written after each column")
    options = parser.parse_args()
    columns, console, rows = options.columns.split(","), Console(), []
    if unknown := set(columns) - set(COLUMNS):
        parser.error(f"no such column: {', '.join(sorted(unknown))}")
    if reasons := missing(columns):
        console.print("cannot be imported:", *reasons, sep="\n", markup=False)
        return 2
    for column in columns:
        console.print(f"{column} ...")
        rows.append({"column": column, **forked(measured, column, options)})
        console.print({name: value for name, value in rows[-1].items() if name != "tokens"}, markup=False)
        sizes = {name: getattr(options, name) for name in ("layers", "prompt", "tokens", "passes")}
        record(options.json, rows, transformers=importlib.metadata.version("transformers"), **sizes)
    console.print(table(rows))
    return int(any("failure" in row for row in rows))


if __name__ == "__main__":
    sys.exit(main())
