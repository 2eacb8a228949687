"""Small models of transformers with random weights, and what they take."""

import operator
from dataclasses import dataclass, field
from typing import Any

import torch
from randomize import randomize

#: what most configurations take; names that one has no use for are plain attributes of it
TINY = {
    "vocab_size": 99,
    "hidden_size": 32,
    "num_hidden_layers": 2,
    "num_attention_heads": 4,
    "intermediate_size": 64,
    "max_position_embeddings": 32,
    "pad_token_id": 1,
    "bos_token_id": 2,
    "eos_token_id": 3,
    "use_cache": False,
    "return_dict": True,
}
GROUPED = {"num_key_value_heads": 2, "head_dim": 8}
SEQ2SEQ = {
    "d_model": 32,
    **dict.fromkeys(("encoder_layers", "decoder_layers"), 2),
    **dict.fromkeys(("encoder_attention_heads", "decoder_attention_heads"), 4),
    **dict.fromkeys(("encoder_ffn_dim", "decoder_ffn_dim"), 64),
    "decoder_start_token_id": 2,
}
T5 = {"d_model": 32, "d_kv": 8, "d_ff": 64, "num_layers": 2, "num_heads": 4}
IMAGE = {"image_size": 16, "patch_size": 4}
SOUND = {
    "conv_dim": [16, 32],
    "conv_kernel": [10, 3],
    "conv_stride": [5, 2],
    "num_feat_extract_layers": 2,
    "num_conv_pos_embeddings": 4,
    "num_conv_pos_embedding_groups": 2,
}
STAGES = {"depths": [1, 1], "num_stages": 2, "hidden_sizes": [16, 32]}


#: the inputs of models of texts
TEXTS = {
    "text": ("input_ids", "attention_mask"),
    "text without mask": ("input_ids",),
    "text to text": ("input_ids", "attention_mask", "decoder_input_ids"),
}


@dataclass(frozen=True)
class Tiny:
    """A model of transformers, small."""

    #: the model's class
    model: str
    #: what it takes: text, text to text, images, spectrograms or sound
    takes: str = "text"
    #: of its configuration, beside those in ``TINY``
    options: dict[str, Any] = field(default_factory=dict)
    config: str = ""

    def make(self) -> torch.nn.Module:
        """The model in eval mode, with random weights."""
        import transformers

        transformers.logging.set_verbosity_error()
        config_class = getattr(transformers, self.config) if self.config else None
        model_class = operator.attrgetter(self.model)(transformers)
        options = {name: value for name, value in {**TINY, **self.options}.items() if value is not None}
        return randomize(model_class((config_class or model_class.config_class)(**options)))

    @property
    def has_length(self) -> bool:
        """Whether inputs vary in a second size beside the batch."""
        return self.takes not in ("images", "spectrograms")

    @property
    def image_size(self) -> tuple[int, ...]:
        """Height and width."""
        size = self.options.get("image_size", 32)
        return (size, size) if isinstance(size, int) else tuple(size)

    def sample(self, batch: int, length: int) -> dict[str, torch.Tensor]:
        """Inputs by name: of ``length`` tokens, or times 80 samples of sound."""
        generator = torch.Generator().manual_seed(10 * batch + length)
        if self.takes == "images":
            return {"pixel_values": torch.randn(batch, 3, *self.image_size, generator=generator)}
        if self.takes == "spectrograms":
            return {"input_features": torch.randn(batch, 80, 16, generator=generator)}
        if self.takes == "sound":
            return {"input_values": torch.randn(batch, 80 * length, generator=generator)}
        ids = [torch.randint(4, TINY["vocab_size"], (batch, length), generator=generator) for _ in range(2)]
        mask = torch.randint(2, (batch, length), generator=generator)
        mask[:, 0] = 1
        inputs = {"input_ids": ids[0], "attention_mask": mask, "decoder_input_ids": ids[1]}
        return {name: inputs[name] for name in TEXTS[self.takes]}


MODELS = {
    "albert": Tiny("AlbertModel", options={"embedding_size": 16}),
    "bert": Tiny("BertModel"),
    "bert_for_masked_lm": Tiny("BertForMaskedLM"),
    "bert_for_question_answering": Tiny("BertForQuestionAnswering"),
    "bert_for_sequence_classification": Tiny("BertForSequenceClassification"),
    "camembert": Tiny("CamembertModel"),
    "deberta_v2": Tiny(
        "DebertaV2Model", options={"relative_attention": True, "pos_att_type": ["p2c", "c2p"], "position_buckets": 8}
    ),
    "distilbert": Tiny("DistilBertModel", options={"hidden_dim": 64}),
    "electra": Tiny("ElectraModel", options={"embedding_size": 16}),
    "fnet": Tiny("FNetModel", "text without mask"),
    "mobilebert": Tiny(
        "MobileBertModel", options={"embedding_size": 32, "intra_bottleneck_size": 32, "true_hidden_size": 32}
    ),
    "modernbert": Tiny("ModernBertModel", options={"cls_token_id": 2, "sep_token_id": 3}),
    "mpnet": Tiny("MPNetModel"),
    "roberta": Tiny("RobertaModel"),
    "squeezebert": Tiny("SqueezeBertModel", options={"embedding_size": 32}),
    "xlm_roberta": Tiny("XLMRobertaModel"),
    "xlnet": Tiny("XLNetModel", options={"max_position_embeddings": None, "d_head": 8, "d_inner": 64}),
    "bloom": Tiny("BloomForCausalLM", options={"n_layer": 2, "n_head": 4}),
    "codegen": Tiny("CodeGenForCausalLM", options={"rotary_dim": 4, "n_ctx": 32}),
    "falcon": Tiny("FalconForCausalLM"),
    "gemma": Tiny("GemmaForCausalLM", options=GROUPED),
    "gemma2": Tiny("Gemma2ForCausalLM", options={**GROUPED, "sliding_window": 2}),
    "gemma3": Tiny(
        "Gemma3ForCausalLM",
        options={**GROUPED, "sliding_window": 2, "layer_types": ["sliding_attention", "full_attention"]},
        config="Gemma3TextConfig",
    ),
    "gpt2": Tiny("GPT2LMHeadModel"),
    "gpt_neo": Tiny(
        "GPTNeoForCausalLM",
        options={"num_layers": 2, "num_heads": 4, "attention_types": [[["global", "local"], 1]], "window_size": 2},
    ),
    "gpt_neox": Tiny("GPTNeoXForCausalLM"),
    "gptj": Tiny("GPTJForCausalLM", options={"rotary_dim": 4}),
    "granite": Tiny("GraniteForCausalLM", options=GROUPED),
    "llama": Tiny("LlamaForCausalLM", options=GROUPED),
    "mamba": Tiny("MambaForCausalLM", options={"state_size": 4, "use_mambapy": False}),
    "mistral": Tiny("MistralForCausalLM", options={**GROUPED, "sliding_window": 2}),
    "mixtral": Tiny("MixtralForCausalLM", options={**GROUPED, "num_local_experts": 4}),
    "olmo2": Tiny("Olmo2ForCausalLM", options=GROUPED),
    "opt": Tiny("OPTForCausalLM", options={"ffn_dim": 64, "word_embed_proj_dim": 32}),
    "phi": Tiny("PhiForCausalLM"),
    "phi3": Tiny("Phi3ForCausalLM", options=GROUPED),
    "qwen2": Tiny("Qwen2ForCausalLM", options=GROUPED),
    "qwen3": Tiny("Qwen3ForCausalLM", options=GROUPED),
    "stablelm": Tiny("StableLmForCausalLM", options=GROUPED),
    "bart": Tiny("BartModel", "text to text", SEQ2SEQ),
    "marian": Tiny("MarianModel", "text to text", SEQ2SEQ),
    "pegasus": Tiny("PegasusModel", "text to text", SEQ2SEQ),
    "t5": Tiny("T5Model", "text to text", T5),
    "t5_encoder": Tiny("T5EncoderModel", options=T5, config="T5Config"),
    "clip_text": Tiny("CLIPTextModel"),
    "clip_vision": Tiny("CLIPVisionModel", "images", IMAGE),
    "convnext": Tiny("ConvNextModel", "images", STAGES),
    "deit": Tiny("DeiTModel", "images", IMAGE),
    "dinov2": Tiny("Dinov2Model", "images", IMAGE),
    "mobilevit": Tiny("MobileViTModel", "images", {"image_size": 64, "hidden_sizes": [16, 24, 32]}),
    "resnet": Tiny("ResNetModel", "images", {**STAGES, "embedding_size": 16}),
    "segformer": Tiny(
        "SegformerForSemanticSegmentation",
        "images",
        {
            "num_encoder_blocks": 2,
            "depths": [1, 1],
            "sr_ratios": [2, 1],
            "hidden_sizes": [16, 32],
            "num_attention_heads": [2, 4],
            "patch_sizes": [7, 3],
            "strides": [4, 2],
            "mlp_ratios": [2, 2],
            "decoder_hidden_size": 32,
        },
    ),
    "siglip_vision": Tiny("SiglipVisionModel", "images", IMAGE),
    "swin": Tiny(
        "SwinModel",
        "images",
        {
            "image_size": 32,
            "patch_size": 4,
            "embed_dim": 16,
            "depths": [2, 1],
            "window_size": 4,
            "num_attention_heads": None,
            "num_heads": [2, 4],
        },
    ),
    "vit": Tiny("ViTModel", "images", IMAGE),
    "vit_for_image_classification": Tiny("ViTForImageClassification", "images", IMAGE),
    "yolos": Tiny("YolosModel", "images", {"image_size": [16, 16], "patch_size": 4, "num_detection_tokens": 4}),
    "hubert": Tiny("HubertModel", "sound", SOUND),
    "wav2vec2": Tiny("Wav2Vec2Model", "sound", SOUND),
    "whisper_encoder": Tiny(
        "models.whisper.modeling_whisper.WhisperEncoder", "spectrograms", {**SEQ2SEQ, "max_source_positions": 8}
    ),
}
