"""Vectors of texts: one for each token, or one for the whole."""

from collections.abc import Sequence
from typing import Any, Literal

import numpy as np
import torch

from course_lib.data.batches import pad_texts
from course_lib.finetuning import Encoder, pool
from course_lib.finetuning.examples import rows_by_length
from course_lib.pipelines.answering import answer_many, answer_one, is_many, require_text
from course_lib.pipelines.languages import warn_of_foreign
from course_lib.training.objectives import device_of, padding_of


class FeatureExtractionPipeline:
    """Gives the vectors that an encoder has for a text.

    Args:
        encoder: A pretrained encoder.
        languages: Those that it has read; texts in another are warned of. None: not known.
        batch_size: How many texts are read together (≥ 1).
    """

    def __init__(
        self, encoder: Encoder, *, languages: Sequence[str] | None, batch_size: int
    ) -> None:
        self.encoder = encoder
        self.languages = languages
        self.batch_size = batch_size

    def __call__(
        self, inputs: str | Sequence[str], pooling: Literal["first", "mean", "last"] | None = None
    ) -> list[Any]:
        """Give the vectors of a text or of many.

        Args:
            inputs: A text, or a list of texts; what is too long for the model loses its end.
            pooling: None for a vector per token, marks included; else how they become one; see
                `course_lib.finetuning.pool`.

        Returns:
            For each text nested lists of numbers: `[[vector, vector, …]]`, or `vector` if there
            is one. A list of these for many.

        Raises:
            TypeError: If the one input is no text.
            ValueError: If the one input is empty, or there is no such pooling.

        Warns:
            UserWarning: If texts were cut, could not be answered or are in another language.
        """
        if pooling not in (None, "first", "mean", "last"):
            raise ValueError(f"pooling must be None, first, mean or last; got {pooling!r}.")

        def answer(texts: Sequence[str]) -> list[Any]:
            vectors = self._read(texts)
            if pooling is None:
                return [[of_text.tolist()] for of_text in vectors]
            return [pool(of_text[None], None, pooling)[0].tolist() for of_text in vectors]

        texts = list(inputs) if is_many(inputs) else [inputs]
        if self.languages:
            warn_of_foreign(texts, self.languages, "this encoder")
        if is_many(inputs):
            return answer_many(texts, _check, answer, self.batch_size)
        return answer_one(inputs, _check, answer)

    def embed(self, texts: Sequence[str]) -> np.ndarray:
        """Give one vector per text, the mean over its tokens, of length 1.

        Args:
            texts: At least one.

        Returns:
            A row per text.

        Raises:
            ValueError: If a text is empty.

        Warns:
            UserWarning: If texts were cut.
        """
        means = torch.stack([pool(of_text[None], None, "mean")[0] for of_text in self._read(texts)])
        return torch.nn.functional.normalize(means, dim=1).numpy()

    @torch.inference_mode()
    def _read(self, texts: Sequence[str]) -> list[torch.Tensor]:
        """Give the vectors of each text's tokens, marks included."""
        ids = self.encoder.encode_all(texts)
        vectors: list[torch.Tensor] = [torch.empty(0)] * len(ids)
        for rows in rows_by_length(ids, self.batch_size):
            batch, mask = pad_texts([ids[row] for row in rows], self.encoder.pad_id)
            device = device_of(self.encoder)
            hidden = self.encoder(batch.to(device), padding_of(mask, device)).cpu()
            for row, of_text in zip(rows, hidden, strict=True):
                vectors[row] = of_text[: len(ids[row])]
        return vectors


def _check(text: Any) -> str:
    return require_text(text, "the text")
