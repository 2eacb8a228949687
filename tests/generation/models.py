"""Models of transformers that generate, small and with random weights."""

import torch
import transformers

SMALL = {
    "vocab_size": 60,
    "hidden_size": 32,
    "num_hidden_layers": 2,
    "num_attention_heads": 4,
    "intermediate_size": 48,
    "max_position_embeddings": 40,
    "pad_token_id": 0,
    "bos_token_id": None,
    "eos_token_id": None,
}
GROUPED = {"num_key_value_heads": 2, "head_dim": 8}
READS = {"d_model": 32, "decoder_start_token_id": 2, "tie_word_embeddings": False}
LAYERS = {
    **dict.fromkeys(("encoder_layers", "decoder_layers"), 1),
    **dict.fromkeys(("encoder_attention_heads", "decoder_attention_heads"), 4),
    **dict.fromkeys(("encoder_ffn_dim", "decoder_ffn_dim"), 48),
}
MODELS = {
    "bamba": (
        "BambaForCausalLM",
        "BambaConfig",
        {
            "num_key_value_heads": 2,
            "attn_layer_indices": [1],
            "mamba_n_heads": 8,
            "mamba_d_head": 8,
            "mamba_n_groups": 1,
            "mamba_d_state": 4,
            "mamba_chunk_size": 4,
        },
    ),
    "bloom": ("BloomForCausalLM", "BloomConfig", {"n_layer": 2, "n_head": 4}),
    "gemma3": (
        "Gemma3ForCausalLM",
        "Gemma3TextConfig",
        {**GROUPED, "sliding_window": 4, "layer_types": ["sliding_attention", "full_attention"]},
    ),
    "gpt2": ("GPT2LMHeadModel", "GPT2Config", {}),
    "gpt_neo": (
        "GPTNeoForCausalLM",
        "GPTNeoConfig",
        {"num_layers": 2, "num_heads": 4, "attention_types": [[["global", "local"], 1]], "window_size": 2},
    ),
    "mamba": ("MambaForCausalLM", "MambaConfig", {"state_size": 4, "use_mambapy": False}),
    "mistral": ("MistralForCausalLM", "MistralConfig", {**GROUPED, "sliding_window": 3}),
    "rwkv": ("RwkvForCausalLM", "RwkvConfig", {"attention_hidden_size": 32, "context_length": 40}),
    "t5": ("T5ForConditionalGeneration", "T5Config", {**READS, "d_kv": 8, "d_ff": 64, "num_layers": 1, "num_heads": 4}),
    "bart": ("BartForConditionalGeneration", "BartConfig", {**READS, **LAYERS, "forced_eos_token_id": None}),
    "whisper": (
        "WhisperForConditionalGeneration",
        "WhisperConfig",
        {
            **READS,
            **LAYERS,
            "decoder_layers": 2,
            "max_source_positions": 8,
            "max_target_positions": 40,
            "num_mel_bins": 6,
        },
    ),
}


def make(name):
    """A model in eval mode, of which logits are no near ties."""
    transformers.logging.set_verbosity_error()
    kind, config, options = MODELS[name]
    torch.manual_seed(0)
    model = getattr(transformers, kind)(getattr(transformers, config)(**SMALL, **options)).eval()
    with torch.no_grad():
        for parameter in model.parameters():
            if parameter.dim() > 1:
                parameter.normal_(std=0.3)
    return model


def prompts():
    """Three texts of 7, 4 and 2 tokens with padding on the left, as ``generate`` takes them."""
    ids = torch.randint(1, SMALL["vocab_size"], (3, 7), generator=torch.Generator().manual_seed(1))
    lengths = torch.tensor([[7], [4], [2]])
    mask = (torch.arange(7) >= 7 - lengths).long()
    return {"input_ids": ids * mask, "attention_mask": mask}


def sources():
    """What an encoder reads: three texts of 7, 4 and 2 tokens, with padding on the right."""
    padded = prompts()
    return {name: tensor.flip(1) for name, tensor in padded.items()}


def sounds():
    """What Whisper reads."""
    return {"input_features": torch.randn(3, 6, 16, generator=torch.Generator().manual_seed(1))}
