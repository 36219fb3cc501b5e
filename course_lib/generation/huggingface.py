"""Hugging Face's models, read as ours are.

Letters: B = sequences, C = sequences kept, T = new tokens, D = d_model, V = vocab_size.
"""

import inspect
from typing import Any

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor

from course_lib.generation.reading import extend_mask, require_room


def is_hugging_face(model: object) -> bool:
    """Say whether a model is one of transformers', without importing it."""
    return hasattr(model, "generate") and hasattr(getattr(model, "config", None), "model_type")


class HuggingFaceModel:
    """A causal language model of Hugging Face's.

    Args:
        model: In evaluation mode.

    Attributes:
        max_len: The longest text it can place; None if its settings name none.
    """

    def __init__(self, model: Any) -> None:
        self.model = model
        self.max_len: int | None = getattr(model.config, "max_position_embeddings", None)

    def begin(self, n_sequences: int, n_tokens: int) -> "HuggingFaceReading":
        """See `Readable`."""
        from transformers import DynamicCache

        require_room(n_tokens, self.max_len)
        return HuggingFaceReading(self.model, DynamicCache(config=self.model.config))


class HuggingFaceReading:
    """A reading (see `Reading`) with the cache of transformers."""

    def __init__(self, model: Any, cache: Any) -> None:
        self._model, self._cache, self._n_read = model, cache, 0
        self._takes_places = "position_ids" in inspect.signature(model.forward).parameters
        self._mask: Tensor | None = None

    def read(
        self, ids: Int[Tensor, "B T"], mask: Bool[Tensor, "B T"] | None = None
    ) -> Float[Tensor, "B V"]:
        """See `Reading`."""
        return self._run(ids, mask).logits[:, -1]

    def read_each(self, ids: Int[Tensor, "B T"]) -> Float[Tensor, "B T V"]:
        """See `Reading`."""
        return self._run(ids, None).logits

    def read_hidden(
        self, ids: Int[Tensor, "B T"], mask: Bool[Tensor, "B T"] | None = None
    ) -> tuple[Float[Tensor, "B T D"], Float[Tensor, "B V"]]:
        """Read on; give the last layer's vectors of the tokens, and the next one's scores."""
        output = self._run(ids, mask, with_hidden=True)
        return output.hidden_states[-1], output.logits[:, -1]

    def keep(self, rows: Int[Tensor, " C"]) -> None:
        """See `Reading`."""
        self._cache.reorder_cache(rows)
        self._mask = None if self._mask is None else self._mask[rows]

    def forget(self, n_tokens: int) -> None:
        """See `Reading`."""
        self._n_read -= n_tokens
        self._cache.crop(-n_tokens)
        self._mask = None if self._mask is None else self._mask[:, : self._n_read]

    @torch.inference_mode()
    def _run(self, ids: Tensor, mask: Tensor | None, with_hidden: bool = False) -> Any:
        self._mask = extend_mask(self._mask, ids, mask)
        self._n_read += ids.shape[1]
        extra: dict[str, Any] = {}
        if self._mask is not None:
            extra["attention_mask"] = self._mask.long()
            if self._takes_places:
                places = (self._mask.cumsum(dim=1) - 1).clamp(min=0)
                extra["position_ids"] = places[:, -ids.shape[1] :]
        return self._model(
            input_ids=ids,
            past_key_values=self._cache,
            use_cache=True,
            output_hidden_states=with_hidden,
            **extra,
        )
