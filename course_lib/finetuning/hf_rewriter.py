"""Encoder-decoders of transformers that we do not compute ourselves, such as BART and T5."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch

from course_lib.data.batches import pad_texts
from course_lib.finetuning.encoders import require_finite
from course_lib.finetuning.examples import rows_by_length
from course_lib.finetuning.framing import tell_of_cuts
from course_lib.generation import ForHuggingFaceSource, Rules, beam_search
from course_lib.models.loading import pretrained_folder, weight_files
from course_lib.training.objectives import device_of, padding_of

LONGEST_SOURCE = 1024
"""Of a model with relative positions (T5), which could read any number of tokens."""


class HuggingFaceRewriter:
    """Turns texts into other texts with a model of transformers; the search for words is ours.

    Of the model's own generation settings it follows the number of beams, the length penalty, the
    n-grams that may not come twice, the most new tokens, and the token that comes first. Others,
    such as a least length, it leaves aside.

    Args:
        name: A folder in Hugging Face's format, or a name on the hub.
        n_rows: Texts that are written side by side (≥ 1).
        prefix: Stands before every source, such as T5's "summarize: ".

    Raises:
        WeightsNotFoundError: If there is no such model.
        ValueError: If it has no safetensors, or weights that are not finite.
    """

    def __init__(self, name: str | Path, n_rows: int = 32, prefix: str = "") -> None:
        from transformers import AutoModelForSeq2SeqLM, AutoTokenizer

        folder = pretrained_folder(name)
        weight_files(folder)  # refuses pickles
        self.model: Any = AutoModelForSeq2SeqLM.from_pretrained(folder, dtype=torch.float32).eval()
        require_finite(self.model)
        self.tokenizer: Any = AutoTokenizer.from_pretrained(folder)
        self.n_rows = n_rows
        self.prefix = prefix
        positions = getattr(self.model.config, "max_position_embeddings", None)
        self.max_len: int = positions or LONGEST_SOURCE

    @torch.inference_mode()
    def predict(self, sources: Sequence[str]) -> list[str]:
        """Write a text for each source.

        Args:
            sources: Texts; none: no answer.

        Warns:
            UserWarning: If texts were cut; says how many.
        """
        texts = [self.prefix + source for source in sources]
        full = [self.tokenizer(text)["input_ids"] for text in texts]
        tell_of_cuts(sum(len(i) > self.max_len for i in full), len(full), self.max_len, "sources")
        ids = [
            self.tokenizer(text, truncation=True, max_length=self.max_len)["input_ids"]
            for text in texts
        ]
        written = [""] * len(ids)
        for rows in rows_by_length(ids, self.n_rows):
            for row, text in zip(rows, self._write([ids[row] for row in rows]), strict=True):
                written[row] = text
        return written

    def _write(self, sources: Sequence[Sequence[int]]) -> list[str]:
        device, settings = device_of(self.model), self.model.generation_config
        ids, mask = pad_texts(sources, self.tokenizer.pad_token_id)
        task = ForHuggingFaceSource(self.model, ids.to(device), padding_of(mask, device))
        prompts = task.prompts
        if settings.forced_bos_token_id is not None:
            first = torch.full_like(prompts, settings.forced_bos_token_id)
            prompts = torch.cat((prompts, first), dim=1)
        end_id, start_id = self.tokenizer.eos_token_id, int(task.prompts[0, 0])
        rules = Rules(
            end_id=end_id,
            no_repeat_ngram_size=settings.no_repeat_ngram_size or 0,
            forbidden_ids=() if start_id == end_id else (start_id,),
        )
        n_tokens = settings.max_new_tokens or settings.max_length or self.max_len
        found = beam_search(
            task,
            prompts,
            min(n_tokens, self.max_len - prompts.shape[1]),
            n_beams=settings.num_beams or 1,
            length_penalty=1.0 if settings.length_penalty is None else settings.length_penalty,
            rules=rules,
        )
        return [
            self.tokenizer.decode(beams[0].ids, skip_special_tokens=True).strip() for beams in found
        ]


def is_marian(name: str | Path) -> bool:
    """Tell whether a folder or a name on the hub is a model that `EncoderDecoder` computes.

    Args:
        name: As above.

    Raises:
        WeightsNotFoundError: If there is no such model.
    """
    from transformers import AutoConfig

    return AutoConfig.from_pretrained(pretrained_folder(name)).model_type == "marian"
