"""A converted encoder and decoder that generate, from texts or from sound."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import torch
from torch2trt import InputError, TRTModule
from transformers import GenerationConfig, PretrainedConfig
from transformers.modeling_outputs import BaseModelOutput, Seq2SeqLMOutput
from transformers.models.whisper.generation_whisper import WhisperGenerationMixin

from .caches import EngineCache
from .generating import CACHE, Generating


class EncoderLM(torch.nn.Module):
    """A converted encoder; what it returns has the keys and values of the decoder's layers too.

    Args:
        module: the converted encoder.
        main_input_name: what ``generate`` calls that which it takes.
    """

    def __init__(self, module: TRTModule, main_input_name: str) -> None:
        super().__init__()
        self.module, self.main_input_name = module, main_input_name

    def forward(
        self,
        input_ids: torch.Tensor | None = None,
        attention_mask: torch.Tensor | None = None,
        input_features: torch.Tensor | None = None,
        output_attentions: bool | None = None,
        output_hidden_states: bool | None = None,
        return_dict: bool = True,
    ) -> BaseModelOutput:
        """Read texts or sound, before the first token is generated.

        Args:
            input_ids: tokens of texts, ``[batch, source]``.
            attention_mask: of ``input_ids``; 0 is padding, on either side.
            input_features: sound, in place of ``input_ids``.
            output_attentions, output_hidden_states, return_dict: as ``generate`` gives them.

        Raises:
            InputError: more texts or tokens than the module was converted for.
        """
        if output_attentions or output_hidden_states:
            raise InputError("an engine returns logits alone; leave out output_attentions and output_hidden_states")
        source = input_ids if self.main_input_name == "input_ids" else input_features
        if source is None:
            raise InputError(f"the encoder takes {self.main_input_name}, which is not given")
        hidden, *cross = self.module(*([source] if input_ids is None else [source, _mask(attention_mask, source)]))
        output = BaseModelOutput(last_hidden_state=hidden)
        # tensors of their own, which transformers repeats for beams
        for index, tensor in enumerate(cross):
            output[f"cross_{index}"] = tensor
        return output


class Seq2SeqLM(Generating):
    """An encoder and a decoder, whose ``generate`` takes the arguments of transformers' own, which does the work.

    The encoder runs once for each batch of texts.  Every call of ``generate`` begins with empty caches.  They are the
    buffers of ``module``, so one batch of texts is generated at a time, and ``.to`` moves them to where the inputs are.

    Args:
        encoder: the converted encoder, as :func:`convert_seq2seq_lm` makes it or ``torch2trt.load`` reads it.
        module: the converted decoder, likewise.
        config: the model's configuration.
        generation_config: what ``generate`` does where its arguments do not say.
    """

    main_input_name = "input_ids"

    def __init__(
        self,
        encoder: TRTModule,
        module: TRTModule,
        config: PretrainedConfig,
        generation_config: GenerationConfig | None = None,
    ) -> None:
        if config.model_type == "whisper" and not isinstance(self, WhisperGenerationMixin):
            raise InputError("Whisper has a generate of its own; make a WhisperLM of its modules")
        super().__init__(module, config, generation_config)
        self.encoder = EncoderLM(encoder, self.main_input_name)

    def get_encoder(self, modality: str | None = None) -> EncoderLM:
        """The encoder, which transformers asks for."""
        return self.encoder

    def forward(
        self,
        input_ids: torch.Tensor | None = None,
        attention_mask: torch.Tensor | None = None,
        decoder_input_ids: torch.Tensor | None = None,
        decoder_attention_mask: torch.Tensor | None = None,
        decoder_position_ids: torch.Tensor | None = None,
        encoder_outputs: BaseModelOutput | None = None,
        input_features: torch.Tensor | None = None,
        cache: EngineCache | None = None,
        past_key_values: EngineCache | None = None,
        cache_position: torch.Tensor | None = None,
        use_cache: bool = True,
        return_dict: bool = True,
    ) -> Seq2SeqLMOutput:
        """The logits after the last of ``decoder_input_ids``, ``[batch, 1, vocabulary]``.

        Args:
            input_ids, attention_mask, input_features: what is read, as the encoder takes it.
            decoder_input_ids: the tokens that follow those in the cache, with ``decoder_attention_mask`` of all tokens
                and ``decoder_position_ids``, as :meth:`CausalLM.forward` takes them.
            encoder_outputs: what the encoder returned, in place of ``input_ids`` or ``input_features``.
            cache, past_key_values: what the last call returned; None begins a text.
            cache_position, use_cache, return_dict: as ``generate`` gives them.

        Raises:
            InputError: more rows or tokens than there is room for, or a cache of other texts.
        """
        if decoder_input_ids is None:
            raise InputError("the decoder takes decoder_input_ids, which are not given")
        if encoder_outputs is None:
            encoder_outputs = self.encoder(input_ids, attention_mask, input_features)
        known = cache if cache is not None else past_key_values
        read = self._read(encoder_outputs, attention_mask)
        logits, begun = self._step(decoder_input_ids, decoder_attention_mask, decoder_position_ids, known, *read)
        output = Seq2SeqLMOutput(logits=logits)
        if use_cache:
            output[CACHE] = begun
        return output

    def _read(self, encoder_outputs: Any, attention_mask: torch.Tensor | None) -> list[torch.Tensor]:
        """What the decoder takes of what was read."""
        hidden, *cross = encoder_outputs if isinstance(encoder_outputs, tuple) else encoder_outputs.to_tuple()
        if not cross:
            raise InputError("encoder_outputs have no keys and values for the decoder; give what model.encoder returns")
        return [*([_mask(attention_mask, hidden[..., 0])] if self.main_input_name == "input_ids" else []), *cross]


class WhisperLM(WhisperGenerationMixin, Seq2SeqLM):
    """A :class:`Seq2SeqLM` with the ``generate`` of transformers' Whisper: languages, tasks, timestamps, long sound."""

    main_input_name = "input_features"
    #: the strides of the encoder, which ``generate`` asks the model for
    model = SimpleNamespace(
        encoder=SimpleNamespace(conv1=SimpleNamespace(stride=(1,)), conv2=SimpleNamespace(stride=(2,)))
    )

    def generate(self, *args: Any, return_token_timestamps: bool | None = None, **kwargs: Any) -> Any:
        """Transformers' own, without timestamps of single tokens, which are made of attention weights."""
        if return_token_timestamps:
            raise InputError("an engine returns logits alone; leave out return_token_timestamps")
        return super().generate(*args, **kwargs)

    def _postprocess_outputs(self, seek_outputs: Any, *args: Any, **kwargs: Any) -> Any:
        """Keeps the caches, which are the module's, out of the results, where tensors of each text are sought."""
        if not isinstance(seek_outputs, torch.Tensor):
            seek_outputs = type(seek_outputs)(**{name: seek_outputs[name] for name in seek_outputs if name != CACHE})
        return super()._postprocess_outputs(seek_outputs, *args, **kwargs)


def _mask(mask: torch.Tensor | None, like: torch.Tensor) -> torch.Tensor:
    """A mask of what was read, where there is none."""
    return torch.ones(like.shape, dtype=torch.int64, device=like.device) if mask is None else mask.to(torch.int64)
