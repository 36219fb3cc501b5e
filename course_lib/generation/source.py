"""Encoder-decoders, read as decoders are, once it is said what they are to translate.

Letters: B = sequences, C = sequences kept, T = new tokens, M = tokens of a source, D = d_model,
V = vocab_size.
"""

from typing import Any

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor

from course_lib.generation.reading import extend_mask, require_room
from course_lib.models.encoder_decoder import EncoderDecoder
from course_lib.models.encoder_decoder_blocks import DecoderCache


class ForSource:
    """An encoder-decoder of ours with the texts it is to translate; the encoder runs once.

    Args:
        model: In evaluation mode.
        source_ids: One source for each text that will be written.
        source_mask: True for a token, False for padding at the end; None if there is none.

    Attributes:
        prompts: What every target starts with: one start token a text.

    Example:
        >>> from course_lib.generation import greedy
        >>> from course_lib.models import EncoderDecoderConfig
        >>> sizes = {"max_len": 7, "d_model": 6, "n_heads": 3, "d_ff": 5}
        >>> layers = {"n_encoder_layers": 1, "n_decoder_layers": 1}
        >>> model = EncoderDecoder(EncoderDecoderConfig(vocab_size=11, **sizes, **layers)).eval()
        >>> task = ForSource(model, torch.tensor([[3, 1, 4]]))
        >>> len(greedy(task, task.prompts, n_tokens=5)[0])
        5
    """

    def __init__(
        self,
        model: EncoderDecoder,
        source_ids: Int[Tensor, "B M"],
        source_mask: Bool[Tensor, "B M"] | None = None,
    ) -> None:
        self.model, self.source_mask = model, source_mask
        self.max_len = model.config.max_len
        with torch.inference_mode():
            self.memory = model.encode(source_ids, source_mask)
        self.prompts = torch.full_like(source_ids[:, :1], model.config.start_id)

    def begin(self, n_sequences: int, n_tokens: int) -> "SourceReading":
        """See `Readable`.

        Raises:
            ValueError: If the texts are too long, or not as many as the sources.
        """
        require_room(n_tokens, self.max_len)
        _require_as_many(n_sequences, self.memory)
        cache = self.model.make_cache(n_sequences, n_tokens)
        return SourceReading(self.model, self.memory, self.source_mask, cache)


class SourceReading:
    """A reading (see `Reading`) of the target."""

    def __init__(
        self,
        model: EncoderDecoder,
        memory: Float[Tensor, "B M D"],
        source_mask: Bool[Tensor, "B M"] | None,
        cache: DecoderCache,
    ) -> None:
        self._model, self._cache = model, cache
        self._memory, self._source_mask = memory, source_mask
        self._mask: Tensor | None = None

    def read(
        self, ids: Int[Tensor, "B T"], mask: Bool[Tensor, "B T"] | None = None
    ) -> Float[Tensor, "B V"]:
        """See `Reading`; a target's beginning has no padding."""
        _require_no_padding(ids, mask)
        return self.read_each(ids)[:, -1]

    @torch.inference_mode()
    def read_each(self, ids: Int[Tensor, "B T"]) -> Float[Tensor, "B T V"]:
        """See `Reading`."""
        return self._model.decode(ids, self._memory, self._source_mask, cache=self._cache)

    @torch.inference_mode()
    def keep(self, rows: Int[Tensor, " C"]) -> None:
        """See `Reading`."""
        self._cache.keep(rows)
        self._memory = self._memory[rows]
        self._source_mask = None if self._source_mask is None else self._source_mask[rows]

    def forget(self, n_tokens: int) -> None:
        """See `Reading`."""
        self._cache.target.forget(n_tokens)


class ForHuggingFaceSource:
    """An encoder-decoder of Hugging Face's with the texts it is to translate.

    Args:
        model: In evaluation mode, such as a `MarianMTModel`.
        source_ids: One source for each text that will be written.
        source_mask: True for a token, False for padding; None if there is none.

    Attributes:
        prompts: What every target starts with: one start token a text.
    """

    def __init__(
        self,
        model: Any,
        source_ids: Int[Tensor, "B M"],
        source_mask: Bool[Tensor, "B M"] | None = None,
    ) -> None:
        self.model = model
        self.max_len: int | None = getattr(model.config, "max_position_embeddings", None)
        mask = torch.ones_like(source_ids) if source_mask is None else source_mask.long()
        with torch.inference_mode():
            states = model.get_encoder()(input_ids=source_ids, attention_mask=mask)
        self._memory, self._mask = states.last_hidden_state, mask
        self.prompts = torch.full_like(source_ids[:, :1], model.config.decoder_start_token_id)

    def begin(self, n_sequences: int, n_tokens: int) -> "HuggingFaceSourceReading":
        """See `Readable`.

        Raises:
            ValueError: If the texts are too long, or not as many as the sources.
        """
        from transformers import DynamicCache, EncoderDecoderCache

        require_room(n_tokens, self.max_len)
        _require_as_many(n_sequences, self._memory)
        cache = EncoderDecoderCache(
            DynamicCache(config=self.model.config), DynamicCache(config=self.model.config)
        )
        return HuggingFaceSourceReading(self.model, self._memory, self._mask, cache)


class HuggingFaceSourceReading:
    """A reading (see `Reading`) of the target with the cache of transformers."""

    def __init__(self, model: Any, memory: Tensor, source_mask: Tensor, cache: Any) -> None:
        self._model, self._memory, self._mask, self._cache = model, memory, source_mask, cache

    def read(
        self, ids: Int[Tensor, "B T"], mask: Bool[Tensor, "B T"] | None = None
    ) -> Float[Tensor, "B V"]:
        """See `Reading`; a target's beginning has no padding."""
        _require_no_padding(ids, mask)
        return self.read_each(ids)[:, -1]

    @torch.inference_mode()
    def read_each(self, ids: Int[Tensor, "B T"]) -> Float[Tensor, "B T V"]:
        """See `Reading`."""
        from transformers.modeling_outputs import BaseModelOutput

        return self._model(
            encoder_outputs=BaseModelOutput(last_hidden_state=self._memory),
            attention_mask=self._mask,
            decoder_input_ids=ids,
            past_key_values=self._cache,
            use_cache=True,
        ).logits

    def keep(self, rows: Int[Tensor, " C"]) -> None:
        """See `Reading`."""
        self._cache.reorder_cache(rows)
        self._memory, self._mask = self._memory[rows], self._mask[rows]

    def forget(self, n_tokens: int) -> None:
        """See `Reading`."""
        self._cache.crop(-n_tokens)


def _require_as_many(n_sequences: int, memory: Float[Tensor, "B M D"]) -> None:
    if n_sequences != len(memory):
        raise ValueError(
            f"prompts must be one for each source; got {n_sequences} prompts and "
            f"{len(memory)} sources."
        )


def _require_no_padding(ids: Int[Tensor, "B T"], mask: Bool[Tensor, "B T"] | None) -> None:
    if extend_mask(None, ids, mask) is not None:
        raise ValueError("prompts of targets must be of one length; got padding.")
