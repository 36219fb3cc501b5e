"""Answers to questions, each a piece of a passage or none, with a pretrained encoder."""

import warnings
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from itertools import islice
from pathlib import Path

import torch

from course_lib.data.batches import pad_texts
from course_lib.finetuning.encoders import Encoder, load_encoder
from course_lib.finetuning.examples import SpanTexts, by_length, require_as_many, rows_by_length
from course_lib.finetuning.finetuned import ENCODER, Finetuned, FinetunedConfig, read_settings
from course_lib.finetuning.fitting import FitData, Fitted
from course_lib.finetuning.framing import Window
from course_lib.finetuning.heads import SpanFinder
from course_lib.finetuning.losses import SpanLoss
from course_lib.finetuning.spans import Answer, Piece, best_pieces, find_spans
from course_lib.finetuning.strategies import Strategy
from course_lib.seeding import make_generator
from course_lib.training.objectives import device_of, padding_of

RightAnswer = tuple[str, int] | None
"""What stands in a passage and where it begins there, in characters; None for no answer."""

Answered = tuple[Sequence[str], Sequence[str], Sequence[RightAnswer]]
"""Questions, their passages and the right answers, such as a dev split."""

SETTINGS = "answerer.json"


@dataclass(frozen=True, kw_only=True)
class AnswererConfig(FinetunedConfig):
    """The settings of an `Answerer`, whatever the strategy: those of `FinetunedConfig`, and more.

    What is longer than `max_tokens` together with its question is read in several windows.

    Attributes:
        stride_tokens: By how many tokens of the passage a window moves on (≥ 1); None: by half
            of what it holds.
        max_answer_tokens: How long an answer may be (≥ 1).
    """

    stride_tokens: int | None = None
    max_answer_tokens: int = 30

    def __post_init__(self) -> None:
        super().__post_init__()
        for name in ("stride_tokens", "max_answer_tokens"):
            number = getattr(self, name)
            if number is not None and number < 1:
                raise ValueError(f"{name} must be ≥ 1; got {name}={number}.")


class Answerer(Finetuned[SpanFinder]):
    """Finds the piece of a passage that answers a question, or says that there is none.

    Args:
        encoder: An encoder, best one that sees both sides, or its name for `load_encoder`. It
            stays as it is: each `fit` begins with a copy.
        strategy: What is trained and how; `FullFineTuning()` if None.
        config: Settings; the defaults if None.

    Attributes:
        encoder: The pretrained encoder.
        strategy: As above.
        config: As above.

    Reference:
        Devlin et al. 2019, "BERT: Pre-training of Deep Bidirectional Transformers for Language
        Understanding", section 4.3, https://arxiv.org/abs/1810.04805. Unlike the authors' code,
        the window counts whose best piece is farthest ahead of its own "no answer".
    """

    def __init__(
        self,
        encoder: Encoder | str | Path = "mini-bert",
        strategy: Strategy | None = None,
        config: AnswererConfig | None = None,
    ) -> None:
        super().__init__(encoder, strategy)
        self.config = AnswererConfig() if config is None else config

    def fit(
        self,
        questions: Sequence[str],
        passages: Sequence[str],
        answers: Sequence[RightAnswer],
        dev: Answered | None = None,
    ) -> Fitted:
        """Learn from questions with answers, beginning with the pretrained weights.

        In a window that does not hold the whole answer, there is none to be learnt.

        Args:
            questions: One a row.
            passages: Where the answer is looked for, one for each question.
            answers: The answer of each: its text, and where that begins in the passage, counted in
                characters; None where the passage does not say it.
            dev: Questions, passages and answers that say when the model was best; none of them is
                learnt from.

        Raises:
            ValueError: If they are not as many, a text is empty, or an answer does not stand in
                its passage where it should.
            TrainingDivergedError: If loss or gradient is not finite.

        Warns:
            UserWarning: If a question was cut, or no window holds the whole of an answer; says
                how many.
        """
        data = FitData(
            train=self._examples((questions, passages, answers), self.strategy.n_rows),
            dev=None if dev is None else self._examples(dev, self.config.n_rows, is_sorted=True),
            loss=SpanLoss(),
            seed=self.config.seed,
        )
        return self._train(self._fresh_model(), data)

    @torch.inference_mode()
    def predict(self, questions: Sequence[str], passages: Sequence[str]) -> list[Answer]:
        """Answer each question from its passage.

        Args:
            questions: One a row; none: no answer.
            passages: One for each question, of any length.

        Raises:
            ValueError: If they are not as many, a text is empty, or `fit` has not been called.

        Warns:
            UserWarning: If a question was cut.
        """
        _ = self.model  # must be fitted
        windows = self._windows(questions, passages)
        flat = [window for of_row in windows for window in of_row]
        pieces: dict[int, Piece] = {}
        for rows in rows_by_length([window.ids for window in flat], self.config.n_rows):
            found = self._best_pieces([flat[row] for row in rows])
            pieces |= zip(rows, found, strict=True)
        in_order = iter([pieces[row] for row in range(len(flat))])
        return [
            max(islice(in_order, len(of_row)), key=lambda piece: piece.lead).as_answer(passage)
            for passage, of_row in zip(passages, windows, strict=True)
        ]

    def save(self, folder: str | Path) -> None:
        """Write the fitted answerer, for `Answerer.load`.

        Args:
            folder: Is made if need be; the encoder in it is in Hugging Face's format.

        Raises:
            ValueError: If `fit` has not been called.
        """
        self._save(Path(folder), SETTINGS, asdict(self.config))

    @classmethod
    def load(cls, folder: str | Path) -> "Answerer":
        """Read an answerer that `save` has written, ready to predict.

        Fitting it again begins with its own encoder, with the default strategy.

        Args:
            folder: Where it lies.

        Raises:
            ValueError: If a file is missing, the head does not fit the encoder, or a weight is not
                a finite number.
        """
        path = Path(folder)
        config = AnswererConfig(**read_settings(path, SETTINGS))
        answerer = cls(load_encoder(path / ENCODER), config=config)
        answerer._load_head(answerer._fresh_model(), path, "scores")
        return answerer

    def _fresh_model(self) -> SpanFinder:
        generator = make_generator(self.config.seed)
        encoder, dropout = self._copy_of_encoder(), self.config.dropout
        return SpanFinder(encoder, dropout=dropout, generator=generator).eval()

    def _windows(self, questions: Sequence[str], passages: Sequence[str]) -> list[list[Window]]:
        require_as_many(questions, passages, "passages")
        limit = self.encoder.limit(self.config.max_tokens)
        framing, stride = self.encoder.framing, self.config.stride_tokens
        windows = []
        n_cut = 0
        for row, texts in enumerate(zip(questions, passages, strict=True)):
            for name, text in zip(("questions", "passages"), texts, strict=True):
                if not isinstance(text, str) or not text.strip():
                    raise ValueError(f"{name} must not be empty; got {text!r} in row {row}.")
            of_row, n_lost = framing.frame_windows(*texts, limit, stride)
            windows.append(of_row)
            n_cut += n_lost > 0
        if n_cut:
            warnings.warn(
                f"{n_cut} of {len(questions)} questions had more tokens than half of a window of "
                f"{limit} takes, and lost their ends.",
                stacklevel=3,
            )
        return windows

    def _examples(self, answered: Answered, n_rows: int, *, is_sorted: bool = False) -> SpanTexts:
        questions, passages, answers = answered
        require_as_many(questions, answers, "answers")
        windows = self._windows(questions, passages)
        pairs, spans = [], []
        n_lost = 0
        for row, (passage, answer) in enumerate(zip(passages, answers, strict=True)):
            start, end = _characters_of(passage, answer, row)
            of_row = find_spans(windows[row], start, end)
            n_lost += answer is not None and not any(of_row)
            pairs += [(window.ids, window.segment_ids) for window in windows[row]]
            spans += [span or (0, 0) for span in of_row]
        if n_lost:
            warnings.warn(
                f"{n_lost} of {len(answers)} answers are whole in no window, and are learnt as no "
                "answer. Larger max_tokens or smaller stride_tokens may help.",
                stacklevel=3,
            )
        if is_sorted:
            order = by_length([ids for ids, _ in pairs])
            pairs, spans = [pairs[row] for row in order], [spans[row] for row in order]
        return SpanTexts(
            pairs, spans, n_rows=n_rows, seed=self.config.seed, pad_id=self.encoder.pad_id
        )

    def _best_pieces(self, windows: Sequence[Window]) -> list[Piece]:
        model, device = self.model, device_of(self.model)
        ids, mask = pad_texts([window.ids for window in windows], self.encoder.pad_id)
        segments = pad_texts([window.segment_ids for window in windows]).ids
        start, end = model(ids.to(device), padding_of(mask, device), segments.to(device))
        return best_pieces(start, end, windows, self.config.max_answer_tokens)


def _characters_of(passage: str, answer: RightAnswer, row: int) -> tuple[int, int]:
    """Return where an answer begins and ends; (0, 0) for none."""
    if answer is None:
        return 0, 0
    text, start = answer
    if not text.strip():
        raise ValueError(
            f"answers must not be empty; got {answer!r} in row {row}. Where the passage gives no "
            "answer, it is None."
        )
    if start < 0 or not passage.startswith(text, start):
        place = passage.find(text)
        where = "It stands nowhere in it." if place < 0 else f"It stands at {place}."
        found = passage[start : start + len(text)] if start >= 0 else ""
        raise ValueError(
            f"answers must stand in their passages where they are said to, in characters; got "
            f"{answer!r} in row {row}, where the passage has {found!r}. {where}"
        )
    return start, start + len(text)
