"""Texts from texts, such as translations and summaries, with a pretrained encoder-decoder."""

import copy
import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import torch

from course_lib.data.batches import pad_texts
from course_lib.finetuning.encoders import require_finite
from course_lib.finetuning.examples import PairTexts, by_length, require_as_many, rows_by_length
from course_lib.finetuning.fitting import FitData, Fitted, TrainingPlan, fit_plan, fit_repeatably
from course_lib.finetuning.framing import (
    Framing,
    frame_for_decoder,
    frame_for_encoder,
    frame_for_hugging_face,
)
from course_lib.finetuning.framing_files import load_framing, save_framing
from course_lib.generation import ForSource, Rules, beam_search, greedy
from course_lib.models import (
    EncoderDecoder,
    checkpoint_names,
    encoder_decoder_to_hf,
    load_checkpoint,
)
from course_lib.models.loading import pretrained_folder
from course_lib.tokenizers import BPETokenizer, WordPieceTokenizer
from course_lib.training import Seq2Seq
from course_lib.training.objectives import device_of, padding_of

Pairs = tuple[Sequence[str], Sequence[str]]
"""Sources and targets, such as a dev split."""

SETTINGS, MODEL = "rewriter.json", "model"


@dataclass(frozen=True, kw_only=True)
class RewriterConfig:
    """The settings of a `Rewriter`.

    Attributes:
        prefix: Stands before every source, and may be a special token: "<|to-zh|>" tells
            story-translator into which language.
        n_beams: How many texts are searched side by side (≥ 1); 1: always the likeliest token.
        length_penalty: See `beam_search`.
        max_new_tokens: How long a text may become (≥ 1); None: as long as the model can write.
        label_smoothing: See `Seq2Seq`.
        n_rows: Texts that are written side by side when predicting (≥ 1).
        seed: For the order of the pairs and dropout (≥ 0).
    """

    prefix: str = ""
    n_beams: int = 1
    length_penalty: float = 1.0
    max_new_tokens: int | None = None
    label_smoothing: float = 0.0
    n_rows: int = 32
    seed: int = 0

    def __post_init__(self) -> None:
        least = {"n_beams": 1, "max_new_tokens": 1, "n_rows": 1, "seed": 0}
        for name, number in least.items():
            given = getattr(self, name)
            if given is not None and given < number:
                raise ValueError(f"{name} must be ≥ {number}; got {name}={given}.")
        Seq2Seq(start_id=0, label_smoothing=self.label_smoothing)  # refuses what it cannot be


class Rewriter:
    """Turns texts into other texts: translates, summarises, corrects.

    Unlike a classifier it can predict before it is fitted, if the model has learnt such a thing.

    Args:
        model: An encoder-decoder of ours; the name of one that comes with the course; a folder
            with a Marian model in Hugging Face's format; or such a model's name on the hub. It
            stays as it is: each `fit` begins with a copy.
        tokenizer: Of the model, ours or transformers'; needed with a model, and with nothing else.
        plan: How long and how fast it is trained; the defaults if None.
        config: Settings; the defaults if None.

    Attributes:
        model: What predicts: the pretrained model, or the fitted copy.
        framing: How texts become ids.
        plan: As above.
        config: As above.

    Raises:
        WeightsNotFoundError: If there is no such model, or it has no tokenizer.
        ValueError: If a tokenizer is missing, superfluous, cannot write texts or has no token
            that ends one, or the weights are of another kind or not finite.

    Reference:
        Sutskever, Vinyals and Le 2014, "Sequence to Sequence Learning with Neural Networks",
        https://arxiv.org/abs/1409.3215
    """

    def __init__(
        self,
        model: EncoderDecoder | str | Path = "story-translator",
        tokenizer: Any = None,
        *,
        plan: TrainingPlan | None = None,
        config: RewriterConfig | None = None,
    ) -> None:
        if isinstance(model, EncoderDecoder) != (tokenizer is not None):
            raise ValueError(
                "tokenizer must be given with a model, and not with a name; got "
                f"{type(tokenizer).__name__} with {type(model).__name__}."
            )
        self._pretrained, self.framing = (
            (model, _frame(tokenizer)) if isinstance(model, EncoderDecoder) else _load(model)
        )
        require_finite(self._pretrained)
        _require_writer(self.framing)
        self.model = self._pretrained
        self.plan = TrainingPlan() if plan is None else plan
        self.config = RewriterConfig() if config is None else config

    def fit(
        self, sources: Sequence[str], targets: Sequence[str], dev: Pairs | None = None
    ) -> Fitted:
        """Learn from pairs of texts, beginning with the pretrained weights.

        Args:
            sources: What is read; texts that are too long lose their ends.
            targets: What is to be written for each.
            dev: Sources and targets that say when the model was best; none of them is learnt from.

        Raises:
            ValueError: If sources and targets are not as many, or a text is empty.
            TrainingDivergedError: If loss or gradient is not finite.

        Warns:
            UserWarning: If texts were cut; says how many.
        """
        model = copy.deepcopy(self._pretrained)
        data = FitData(
            train=self._examples((sources, targets), self.plan.n_rows),
            dev=None if dev is None else self._dev_examples(dev),
            loss=Seq2Seq(model.config.start_id, self.config.label_smoothing),
            seed=self.config.seed,
        )
        fitted = fit_repeatably(lambda: fit_plan(model, data, self.plan), data.seed)
        self.model = model
        return fitted

    @torch.inference_mode()
    def predict(self, sources: Sequence[str]) -> list[str]:
        """Write a text for each source.

        Args:
            sources: Texts of the kind it was fitted to; none: no answer.

        Raises:
            ValueError: If a text is empty.

        Warns:
            UserWarning: If texts were cut; says how many.
        """
        ids = self._encode_sources(sources)
        written = [""] * len(ids)
        for rows in rows_by_length(ids, self.config.n_rows):
            texts = self._write([ids[row] for row in rows])
            for row, text in zip(rows, texts, strict=True):
                written[row] = self._decode(text)
        return written

    def save(self, folder: str | Path) -> None:
        """Write the model, for `Rewriter.load`; the part in it is in Hugging Face's format.

        Args:
            folder: Is made if need be.
        """
        path = Path(folder)
        encoder_decoder_to_hf(self.model).save_pretrained(path / MODEL)
        save_framing(self.framing, path / MODEL)
        text = json.dumps(asdict(self.config), indent=2, ensure_ascii=False)
        (path / SETTINGS).write_text(text + "\n", encoding="utf-8")

    @classmethod
    def load(cls, folder: str | Path) -> "Rewriter":
        """Read a rewriter that `save` has written, ready to predict.

        Fitting it again begins with its own weights, with the default plan.

        Args:
            folder: Where it lies.

        Raises:
            ValueError: If a file is missing, or a weight is not a finite number.
        """
        path = Path(folder)
        if not (path / SETTINGS).is_file():
            raise ValueError(f"{path} must hold {SETTINGS}; got none.")
        settings = json.loads((path / SETTINGS).read_text(encoding="utf-8"))
        return cls(path / MODEL, config=RewriterConfig(**settings))

    def _examples(self, pairs: Pairs, n_rows: int) -> PairTexts:
        sources, targets = pairs
        require_as_many(sources, targets, "targets")
        return PairTexts(
            self._encode_sources(sources),
            self._encode_targets(targets),
            n_rows=n_rows,
            seed=self.config.seed,
            pad_id=self.framing.pad_id,
        )

    def _dev_examples(self, dev: Pairs) -> PairTexts:
        order = by_length(dev[0])
        require_as_many(*dev, "targets of dev")
        in_order = [dev[0][row] for row in order], [dev[1][row] for row in order]
        return self._examples(in_order, self.config.n_rows)

    def _encode_sources(self, sources: Sequence[str]) -> list[list[int]]:
        tokenizer, prefix = self.framing.tokenizer, self.config.prefix
        if isinstance(tokenizer, BPETokenizer):
            ids = tokenizer.encode(prefix, allowed_special=tokenizer.special_tokens)
        else:
            ids = tokenizer.encode(prefix, add_special_tokens=False)
        framing = replace(self.framing, start=(*self.framing.start, *ids))
        return framing.frame_all(sources, self.model.config.max_len, "sources")

    def _encode_targets(self, targets: Sequence[str]) -> list[list[int]]:
        tokenizer, framing = self.framing.tokenizer, self.framing
        if not isinstance(tokenizer, BPETokenizer):  # the language that is written may differ
            framing = replace(
                framing,
                encode=lambda text: tokenizer(text_target=text, add_special_tokens=False)[
                    "input_ids"
                ],
            )
        return framing.frame_all(targets, self.model.config.max_len, "targets")

    def _write(self, sources: Sequence[Sequence[int]]) -> list[list[int]]:
        config, device = self.config, device_of(self.model)
        ids, mask = pad_texts(sources, self.framing.pad_id)
        task = ForSource(self.model, ids.to(device), padding_of(mask, device))
        n_tokens = config.max_new_tokens or self.model.config.max_len
        end_id, start_id = self.framing.end[0], self.model.config.start_id
        # Marian's start token is padding: no target holds it, so its score means nothing.
        rules = Rules(end_id=end_id, forbidden_ids=() if start_id == end_id else (start_id,))
        if config.n_beams == 1:
            return greedy(task, task.prompts, n_tokens, rules=rules)
        found = beam_search(
            task,
            task.prompts,
            n_tokens,
            n_beams=config.n_beams,
            length_penalty=config.length_penalty,
            rules=rules,
        )
        return [beams[0].ids for beams in found]

    def _decode(self, ids: Sequence[int]) -> str:
        tokenizer = self.framing.tokenizer
        if isinstance(tokenizer, BPETokenizer):
            special = set(tokenizer.special_tokens.values())
            return tokenizer.decode([token for token in ids if token not in special])
        return tokenizer.decode(ids, skip_special_tokens=True)


def _require_writer(framing: Framing) -> None:
    if isinstance(framing.tokenizer, WordPieceTokenizer):
        raise ValueError(
            "tokenizer must be able to write any text; got a WordPieceTokenizer, which loses "
            "blanks. Take a BPETokenizer."
        )
    if not framing.end:
        raise ValueError("tokenizer must have a token that ends a text; got one without.")


def _frame(tokenizer: Any) -> Framing:
    if isinstance(tokenizer, WordPieceTokenizer):
        return frame_for_encoder(tokenizer)
    if isinstance(tokenizer, BPETokenizer):
        return frame_for_decoder(tokenizer)
    return frame_for_hugging_face(tokenizer, is_decoder=True)


def _load(name: str | Path) -> tuple[EncoderDecoder, Framing]:
    if name in checkpoint_names():
        shipped = load_checkpoint(str(name))
        if not isinstance(shipped.model, EncoderDecoder):
            raise ValueError(
                f"model must be an encoder-decoder; got {name!r}, a {type(shipped.model).__name__}."
            )
        return shipped.model, _frame(shipped.tokenizer)
    folder = pretrained_folder(name)
    model = EncoderDecoder.from_pretrained(folder)
    return model, load_framing(folder, "marian", is_decoder=True)
