"""Tags for words, such as names of people and places, with a pretrained encoder.

Letters: W = words of a sentence, K = classes.
"""

import warnings
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import NamedTuple

import numpy as np
import torch
from jaxtyping import Float

from course_lib.data.batches import pad_texts
from course_lib.evaluation import tags_to_spans
from course_lib.finetuning.encoders import Encoder, load_encoder
from course_lib.finetuning.examples import (
    TaggedTexts,
    by_length,
    require_as_many,
    rows_by_length,
)
from course_lib.finetuning.finetuned import (
    ENCODER,
    Finetuned,
    FinetunedConfig,
    read_settings,
    require_different,
)
from course_lib.finetuning.fitting import FitData, Fitted
from course_lib.finetuning.heads import TokenTagger
from course_lib.finetuning.losses import TaggerLoss
from course_lib.finetuning.strategies import Strategy
from course_lib.nn.loss import IGNORE_ID
from course_lib.seeding import make_generator
from course_lib.tokenizers import check_sentences
from course_lib.training.objectives import device_of, padding_of

Tagged = tuple[Sequence[Sequence[str]], Sequence[Sequence[str]]]
"""Sentences, as lists of words, and a tag for each word, such as a dev split."""

OUTSIDE = "O"
"""The tag of a word that belongs to no entity."""

SETTINGS = "tagger.json"


@dataclass(frozen=True, kw_only=True)
class TaggerConfig(FinetunedConfig):
    """The settings of a `Tagger`, whatever the strategy: those of `FinetunedConfig`, and more.

    Of sentences of more than `max_tokens` the last words are not read.

    Attributes:
        classes: The tags there are; none: those that occur in fitting, sorted.
    """

    classes: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        super().__post_init__()
        require_different(self.classes, "classes")
        tags_to_spans(self.classes)  # refuses tags of another form


class Tagger(Finetuned[TokenTagger]):
    """Predicts a BIO tag for each word of a sentence.

    A word's tag is predicted at its first piece; the other pieces count for nothing.

    Args:
        encoder: An encoder, best one that sees both sides, or its name for `load_encoder`. It
            stays as it is: each `fit` begins with a copy.
        strategy: What is trained and how; `FullFineTuning()` if None.
        config: Settings; the defaults if None.

    Attributes:
        encoder: The pretrained encoder.
        strategy: As above.
        config: As above.
        classes: The tags, in the order of the columns of `predict_proba`; () before `fit`.

    Reference:
        Devlin et al. 2019, "BERT: Pre-training of Deep Bidirectional Transformers for Language
        Understanding", section 5.3, https://arxiv.org/abs/1810.04805
    """

    def __init__(
        self,
        encoder: Encoder | str | Path = "mini-bert",
        strategy: Strategy | None = None,
        config: TaggerConfig | None = None,
    ) -> None:
        super().__init__(encoder, strategy)
        self.config = TaggerConfig() if config is None else config
        self.classes: tuple[str, ...] = ()

    def fit(
        self,
        sentences: Sequence[Sequence[str]],
        tags: Sequence[Sequence[str]],
        dev: Tagged | None = None,
    ) -> Fitted:
        """Learn from tagged sentences, beginning with the pretrained weights.

        Args:
            sentences: Lists of words.
            tags: For each word of each sentence "O", or "B-" or "I-" and a type.
            dev: Sentences and tags that say when the model was best; none of them is learnt from.

        Raises:
            TypeError: If a sentence is a string.
            ValueError: If tags and words are not as many, a tag is of another form or none of the
                classes, all words have the same tag, or a sentence or a word is empty.
            TrainingDivergedError: If loss or gradient is not finite.

        Warns:
            UserWarning: If words cannot be read; says how many.
        """
        _require_tags(sentences, tags, "tags")
        classes = self.config.classes or _find_classes(tags)
        train = self._examples((sentences, tags), classes, self.strategy.n_rows, "tags")
        data = FitData(
            train=train,
            dev=None if dev is None else self._dev_examples(dev, classes),
            loss=TaggerLoss(),
            seed=self.config.seed,
        )
        fitted = self._train(self._fresh_model(len(classes)), data)
        self.classes = classes
        return fitted

    def predict(self, sentences: Sequence[Sequence[str]]) -> list[list[str]]:
        """Name the likeliest tag of each word.

        Args:
            sentences: Lists of words; none: no answer.

        Returns:
            One tag a word; "O" for words that cannot be read. An I- tag may stand where no entity
            has begun: `tags_to_spans` knows what to do then.

        Raises:
            TypeError: If a sentence is a string.
            ValueError: If a sentence or a word is empty, or `fit` has not been called.

        Warns:
            UserWarning: If words cannot be read; says how many.
        """
        return [
            [OUTSIDE if np.isnan(row).any() else self.classes[row.argmax()] for row in rows]
            for rows in self.predict_proba(sentences)
        ]

    @torch.inference_mode()
    def predict_proba(self, sentences: Sequence[Sequence[str]]) -> list[Float[np.ndarray, "W K"]]:
        """Say how likely each tag is for each word.

        Args:
            sentences: Lists of words.

        Returns:
            For each sentence one row per word, one column per class; rows sum to 1. Rows of words
            that cannot be read are NaN.

        Raises:
            TypeError: If a sentence is a string.
            ValueError: If a sentence or a word is empty, or `fit` has not been called.

        Warns:
            UserWarning: If words cannot be read; says how many.
        """
        model, device = self.model, device_of(self.model)
        framed = self._frame(sentences)
        ids = [sentence.ids for sentence in framed]
        found = [np.full((len(s.places), len(self.classes)), np.nan) for s in framed]
        for rows in rows_by_length(ids, self.config.n_rows):
            batch, mask = pad_texts([ids[row] for row in rows], self.encoder.pad_id)
            logits = model(batch.to(device), padding_of(mask, device))
            probabilities = logits.double().softmax(dim=2).cpu().numpy()
            for row, of_tokens in zip(rows, probabilities, strict=True):
                for word, place in enumerate(framed[row].places):
                    if place is not None:
                        found[row][word] = of_tokens[place]
        return found

    def save(self, folder: str | Path) -> None:
        """Write the fitted tagger, for `Tagger.load`.

        Args:
            folder: Is made if need be; the encoder in it is in Hugging Face's format.

        Raises:
            ValueError: If `fit` has not been called.
        """
        self._save(Path(folder), SETTINGS, asdict(self.config) | {"classes": self.classes})

    @classmethod
    def load(cls, folder: str | Path) -> "Tagger":
        """Read a tagger that `save` has written, ready to predict.

        Fitting it again begins with its own encoder, with the default strategy.

        Args:
            folder: Where it lies.

        Raises:
            ValueError: If a file is missing, the head fits neither encoder nor tags, or a weight
                is not a finite number.
        """
        path = Path(folder)
        settings = read_settings(path, SETTINGS)
        settings["classes"] = tuple(settings["classes"])
        tagger = cls(load_encoder(path / ENCODER), config=TaggerConfig(**settings))
        tagger._load_head(tagger._fresh_model(len(settings["classes"])), path, "tags")
        tagger.classes = settings["classes"]
        return tagger

    def _fresh_model(self, n_tags: int) -> TokenTagger:
        generator = make_generator(self.config.seed)
        encoder, dropout = self._copy_of_encoder(), self.config.dropout
        return TokenTagger(encoder, n_tags, dropout=dropout, generator=generator).eval()

    def _frame(self, sentences: Sequence[Sequence[str]]) -> list["FramedSentence"]:
        limit = self.encoder.limit(self.config.max_tokens)
        _require_words(sentences)
        framed = []
        n_cut = n_without = 0
        for words in sentences:
            ids, places, n_lost = self.encoder.framing.frame_words(words, limit)
            framed.append(FramedSentence(ids, places))
            n_cut += n_lost
            n_without += places.count(None) - n_lost
        for n_words, why in (
            (n_cut, f"after the {limit} tokens that are read"),
            (n_without, "without a single token"),
        ):
            if n_words:
                warnings.warn(
                    f"{n_words} of {sum(map(len, sentences))} words came {why}: their tags are not "
                    f"learnt, and predicted as {OUTSIDE!r}.",
                    stacklevel=4,
                )
        return framed

    def _examples(
        self, tagged: Tagged, classes: tuple[str, ...], n_rows: int, name: str
    ) -> TaggedTexts:
        sentences, tags = tagged
        numbers = {tag: number for number, tag in enumerate(classes)}
        ids, labels = [], []
        for row, sentence in enumerate(self._frame(sentences)):
            unknown = next((tag for tag in tags[row] if tag not in numbers), None)
            if unknown is not None:
                raise ValueError(
                    f"{name} must be among the classes {list(classes)}; got {unknown!r} in row "
                    f"{row}. Name it in TaggerConfig(classes=…), or correct it."
                )
            of_tokens = [IGNORE_ID] * len(sentence.ids)
            for tag, place in zip(tags[row], sentence.places, strict=True):
                if place is not None:
                    of_tokens[place] = numbers[tag]
            if any(place is not None for place in sentence.places):
                ids.append(sentence.ids)
                labels.append(of_tokens)
        return TaggedTexts(
            ids,
            labels,
            n_tags=len(classes),
            n_rows=n_rows,
            seed=self.config.seed,
            pad_id=self.encoder.pad_id,
        )

    def _dev_examples(self, dev: Tagged, classes: tuple[str, ...]) -> TaggedTexts:
        sentences, tags = dev
        _require_tags(sentences, tags, "tags of dev")
        order = by_length(sentences)
        in_order = [sentences[row] for row in order], [tags[row] for row in order]
        return self._examples(in_order, classes, self.config.n_rows, "tags of dev")


class FramedSentence(NamedTuple):
    """A sentence as it is read.

    Attributes:
        ids: With all marks.
        places: Where each word's first piece stands among the ids; None if it is not read.
    """

    ids: list[int]
    places: list[int | None]


def _require_words(sentences: Sequence[Sequence[str]]) -> None:
    for row, words in enumerate(check_sentences(sentences)):
        if len(words) == 0:
            raise ValueError(f"sentences must hold at least one word each; got none in row {row}.")
        for word in words:
            if not isinstance(word, str) or not word.strip():
                raise ValueError(
                    f"words must be strings and not empty; got {word!r} in row {row}. Leave it "
                    "out, together with its tag."
                )


def _require_tags(
    sentences: Sequence[Sequence[str]], tags: Sequence[Sequence[str]], name: str
) -> None:
    require_as_many(sentences, tags, name)
    for row, (words, of_words) in enumerate(zip(sentences, tags, strict=True)):
        if len(words) != len(of_words):
            raise ValueError(
                f"{name} must be one for each word; got {len(words)} words and {len(of_words)} "
                f"tags in row {row}. Tags are for whole words, not for their pieces."
            )
        try:
            tags_to_spans(of_words)
        except ValueError as error:
            raise ValueError(f"{name} must be BIO tags; in row {row}, {error}") from error


def _find_classes(tags: Sequence[Sequence[str]]) -> tuple[str, ...]:
    found = sorted({tag for of_words in tags for tag in of_words})
    if len(found) < 2:
        raise ValueError(f"tags must hold at least two that differ; got only {found}.")
    return tuple(found)
