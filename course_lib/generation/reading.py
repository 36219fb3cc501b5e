"""How a decoding method reads a model: the prompts first, then what it writes, token by token.

Every method of this package takes a model of ours, a causal one of Hugging Face's, or any function
from ids to logits; `adapt` gives all of them one surface. The classes here are for what a bare
model leaves open: a source to translate, a text longer than the model, no cache.

Letters: B = sequences, C = sequences kept, T = new tokens, S = tokens so far, D = d_model,
V = vocab_size, M = tokens of a source.
"""

from collections.abc import Callable
from typing import Any, Protocol, runtime_checkable

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor

from course_lib.generation.lean import Step, lean_step
from course_lib.models.encoder_decoder import EncoderDecoder
from course_lib.nn.cache import KVCache


@runtime_checkable
class Reading(Protocol):
    """Texts, side by side, as far as a model has read them. No gradient is kept."""

    def read(
        self, ids: Int[Tensor, "B T"], mask: Bool[Tensor, "B T"] | None = None
    ) -> Float[Tensor, "B V"]:
        """Read on, and score every token as the next one.

        Args:
            ids: The tokens that follow those already read.
            mask: True for a token, False for padding before a text; None if there is none.
        """
        ...

    def read_each(self, ids: Int[Tensor, "B T"]) -> Float[Tensor, "B T V"]:
        """Read on, and score every token as the next one after each of those now read."""
        ...

    def keep(self, rows: Int[Tensor, " C"]) -> None:
        """Go on with these of the texts, in this order; one may be kept several times."""
        ...

    def forget(self, n_tokens: int) -> None:
        """Take back the newest tokens."""
        ...


@runtime_checkable
class Readable(Protocol):
    """A model that texts can be begun with."""

    def begin(self, n_sequences: int, n_tokens: int) -> Reading:
        """Make room for so many texts of so many tokens each.

        Raises:
            ValueError: If the model cannot read so many tokens.
        """
        ...


@runtime_checkable
class CachedDecoder(Protocol):
    """What our GPT and Llama have in common."""

    config: Any

    def hidden(self, ids: Tensor, mask: Tensor | None, cache: KVCache | None) -> Tensor:
        """Read on, and give the vectors that the scores are made from."""
        ...

    def score(self, hidden: Tensor) -> Tensor:
        """Score every token as the next one."""
        ...

    def make_cache(
        self, n_sequences: int, max_len: int | None = None, cache_type: type[KVCache] = KVCache
    ) -> KVCache:
        """Make an empty cache that fits the model."""
        ...


AnyModel = Readable | CachedDecoder | Callable[[Tensor], Tensor] | torch.nn.Module


def adapt(model: AnyModel | object) -> Readable:
    """Give a model the surface that the decoding methods use.

    Args:
        model: One of the classes below; a GPT or Llama of ours; a causal language model of
            Hugging Face's; or any function from ids (B, T) to logits (B, T, V), which then reads
            the whole text again for every token.

    Raises:
        TypeError: If it is none of these, or needs a source.
    """
    from course_lib.generation.huggingface import HuggingFaceModel, is_hugging_face

    if isinstance(model, Readable):
        return model
    if isinstance(model, EncoderDecoder) or getattr(
        getattr(model, "config", None), "is_encoder_decoder", False
    ):
        raise TypeError(
            "model must come with what it is to translate: "
            "pass ForSource(model, source_ids, source_mask)."
        )
    if isinstance(model, CachedDecoder):
        return Cached(model)
    if is_hugging_face(model):
        return HuggingFaceModel(model)
    if callable(model):
        function: Callable[..., Any] = model
        return Uncached(function)
    raise TypeError(f"model must be a language model or a function; got {type(model).__name__}.")


def require_room(n_tokens: int, max_len: int | None) -> None:
    """Refuse a text that is longer than the model can place.

    Args:
        n_tokens: Of prompt and new tokens together; the last one need not be read.
        max_len: The model's limit; None if it has none.

    Raises:
        ValueError: If it does not fit.
    """
    if max_len is not None and n_tokens > max_len:
        raise ValueError(
            f"prompt and new tokens must be at most max_len={max_len} of the model together (the "
            f"last new one is free); got {n_tokens}. Ask for fewer tokens, cut the prompt, or "
            "pass Sliding(model), which forgets the oldest tokens."
        )


class Cached:
    """A decoder of ours, which keeps the keys and values of what it has read.

    Args:
        model: In evaluation mode.
        cache_type: How keys and values are kept; `Int8Cache` needs about a quarter of the memory.
        packed: Whether to copy the matrices of a large model, too, into the order that is read
            fastest: worth it for many tokens. Make it anew when the weights change.
    """

    def __init__(
        self,
        model: CachedDecoder,
        cache_type: type[KVCache] = KVCache,
        *,
        packed: bool = False,
    ) -> None:
        self.model, self.cache_type = model, cache_type
        self.max_len: int | None = model.config.max_len
        self.step: Step | None = None
        if cache_type is KVCache and isinstance(model, torch.nn.Module):
            self.step = lean_step(model, packed=packed)

    def begin(self, n_sequences: int, n_tokens: int) -> "CachedReading":
        """See `Readable`."""
        require_room(n_tokens, self.max_len)
        cache = self.model.make_cache(n_sequences, n_tokens, self.cache_type)
        return CachedReading(self.model, cache, self.step)


class CachedReading:
    """A reading (see `Reading`) that computes the keys and values of each token once."""

    def __init__(self, model: CachedDecoder, cache: KVCache, step: Step | None = None) -> None:
        self._model, self._cache, self._step = model, cache, step
        self._mask: Tensor | None = None

    @torch.inference_mode()
    def read(
        self, ids: Int[Tensor, "B T"], mask: Bool[Tensor, "B T"] | None = None
    ) -> Float[Tensor, "B V"]:
        """See `Reading`."""
        is_plain = mask is None and self._mask is None and ids.shape[1] == 1
        if self._step and is_plain and self._cache.n_tokens:
            return self._step(ids, self._cache)
        return self._model.score(self._hidden(ids, mask)[:, -1])

    @torch.inference_mode()
    def read_each(self, ids: Int[Tensor, "B T"]) -> Float[Tensor, "B T V"]:
        """See `Reading`."""
        return self._model.score(self._hidden(ids, None))

    @torch.inference_mode()
    def read_hidden(
        self, ids: Int[Tensor, "B T"], mask: Bool[Tensor, "B T"] | None = None
    ) -> tuple[Float[Tensor, "B T D"], Float[Tensor, "B V"]]:
        """Read on; give the last layer's vectors of the tokens, and the next one's scores."""
        hidden = self._hidden(ids, mask)
        return hidden, self._model.score(hidden[:, -1])

    @torch.inference_mode()
    def keep(self, rows: Int[Tensor, " C"]) -> None:
        """See `Reading`."""
        self._cache.keep(rows)
        self._mask = None if self._mask is None else self._mask[rows]

    def forget(self, n_tokens: int) -> None:
        """See `Reading`."""
        self._cache.forget(n_tokens)
        if self._mask is not None:
            self._mask = self._mask[:, : self._cache.n_tokens]

    def _hidden(self, ids: Tensor, mask: Tensor | None) -> Tensor:
        self._mask = extend_mask(self._mask, ids, mask)
        return self._model.hidden(ids, self._mask, self._cache)


def extend_mask(
    past: Bool[Tensor, "B S"] | None,
    ids: Int[Tensor, "B T"],
    mask: Bool[Tensor, "B T"] | None,
) -> Bool[Tensor, "B N"] | None:
    """Add new tokens to a mask that stays None as long as there is no padding.

    Args:
        past: The mask of what was read before; None if nothing was, or nothing was padding.
        ids: The new tokens.
        mask: True for a token, False for padding, which stands before the first token of a text;
            None if all are tokens.

    Raises:
        ValueError: If a new token follows padding.
    """
    if mask is not None and not mask[:, -1].all():
        raise ValueError(
            "mask must be True at the last token of every text, because the next one is written "
            "behind it: pad prompts on the left (course_lib.data.batches.pad_left)."
        )
    if past is None:
        return None if mask is None or bool(mask.all()) else mask
    return torch.cat((past, torch.ones_like(ids, dtype=torch.bool)), dim=1)


class Uncached:
    """Any function from ids to logits; for every new token it reads the whole text again.

    Args:
        model: Maps ids (B, T) to logits (B, T, V). It cannot skip padding, unless it takes a
            mask as its second argument and `takes_mask` says so.
        takes_mask: As above.
    """

    def __init__(self, model: Callable[..., Tensor], takes_mask: bool = False) -> None:
        self.model, self.takes_mask = model, takes_mask
        self.max_len = getattr(getattr(model, "config", None), "max_len", None)

    def begin(self, n_sequences: int, n_tokens: int) -> "UncachedReading":
        """See `Readable`."""
        require_room(n_tokens, self.max_len)
        return UncachedReading(self.model, self.takes_mask)


class UncachedReading:
    """A reading (see `Reading`) that keeps the ids only."""

    def __init__(self, model: Callable[..., Tensor], takes_mask: bool) -> None:
        self._model, self._takes_mask = model, takes_mask
        self._ids: Tensor | None = None
        self._mask: Tensor | None = None

    def read(
        self, ids: Int[Tensor, "B T"], mask: Bool[Tensor, "B T"] | None = None
    ) -> Float[Tensor, "B V"]:
        """See `Reading`.

        Raises:
            ValueError: If there is padding, and the model takes no mask.
        """
        return self._logits(ids, mask)[:, -1]

    def read_each(self, ids: Int[Tensor, "B T"]) -> Float[Tensor, "B T V"]:
        """See `Reading`."""
        return self._logits(ids, None)[:, -ids.shape[1] :]

    def keep(self, rows: Int[Tensor, " C"]) -> None:
        """See `Reading`."""
        self._ids = None if self._ids is None else self._ids[rows]
        self._mask = None if self._mask is None else self._mask[rows]

    def forget(self, n_tokens: int) -> None:
        """See `Reading`."""
        assert self._ids is not None
        n_left = self._ids.shape[1] - n_tokens
        self._ids = self._ids[:, :n_left]
        self._mask = None if self._mask is None else self._mask[:, :n_left]

    @torch.no_grad()
    def _logits(self, ids: Tensor, mask: Tensor | None) -> Tensor:
        self._mask = extend_mask(self._mask, ids, mask)
        self._ids = ids if self._ids is None else torch.cat((self._ids, ids), dim=1)
        if self._mask is None:
            return self._model(self._ids)
        if not self._takes_mask:
            raise ValueError(
                "mask must be True everywhere, because this model takes no mask; write to prompts "
                "of one length, or one by one."
            )
        return self._model(self._ids, self._mask)


class Sliding:
    """A model that reads texts longer than it can place: it forgets the oldest tokens.

    When there is no room left, it begins anew with the newest half of what it can place. So a new
    token is written after at least the max_len / 2 tokens before it, and each is read about twice.

    Args:
        model: As for `adapt`; it must have a longest text.

    Raises:
        ValueError: If the model has no `max_len`.
    """

    def __init__(self, model: AnyModel) -> None:
        self.model = adapt(model)
        self.max_len = getattr(self.model, "max_len", None)
        if self.max_len is None:
            raise ValueError("model must have a max_len; this one reads texts of any length.")

    def begin(self, n_sequences: int, n_tokens: int) -> "SlidingReading":
        """See `Readable`; any number of tokens will do."""
        room = min(n_tokens, self.max_len or n_tokens)
        return SlidingReading(lambda rows: self.model.begin(rows, room), n_sequences, room)


class SlidingReading:
    """A reading (see `Reading`) that begins anew where there is no room left."""

    def __init__(self, begin: Callable[[int], Reading], n_sequences: int, room: int) -> None:
        self._begin, self._room, self._n_read = begin, room, 0
        self._inner = begin(n_sequences)
        self._ids = torch.zeros(n_sequences, 0, dtype=torch.long)
        self._mask = torch.zeros(n_sequences, 0, dtype=torch.bool)

    def read(
        self, ids: Int[Tensor, "B T"], mask: Bool[Tensor, "B T"] | None = None
    ) -> Float[Tensor, "B V"]:
        """See `Reading`."""
        device = ids.device
        new_mask = torch.ones_like(ids, dtype=torch.bool) if mask is None else mask
        self._ids = torch.cat((self._ids.to(device), ids), dim=1)[:, -self._room :]
        self._mask = torch.cat((self._mask.to(device), new_mask), dim=1)[:, -self._room :]
        if self._n_read + ids.shape[1] <= self._room:
            self._n_read += ids.shape[1]
            return self._inner.read(ids, mask)
        self._n_read = (self._room + 1) // 2
        self._inner = self._begin(len(ids))
        return self._inner.read(self._ids[:, -self._n_read :], self._mask[:, -self._n_read :])

    def read_each(self, ids: Int[Tensor, "B T"]) -> Float[Tensor, "B T V"]:
        """See `Reading`; the tokens are read one by one."""
        return torch.stack([self.read(column[:, None]) for column in ids.unbind(dim=1)], dim=1)

    def keep(self, rows: Int[Tensor, " C"]) -> None:
        """See `Reading`."""
        self._ids, self._mask = self._ids[rows], self._mask[rows]
        self._inner.keep(rows)

    def forget(self, n_tokens: int) -> None:
        """Refused: what has slid away cannot come back.

        Raises:
            ValueError: Always.
        """
        raise ValueError("a sliding model cannot take back tokens; pass the model itself.")
