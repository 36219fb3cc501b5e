"""The one door: `pipeline(task, model)`, as people know it from transformers."""

import difflib
import re
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, TypeVar

import torch

from course_lib.finetuning import (
    Answerer,
    Classifier,
    Encoder,
    Rewriter,
    RewriterConfig,
    Tagger,
    finetuned_names,
    load_answerer,
    load_classifier,
    load_encoder,
    load_tagger,
)
from course_lib.finetuning.hf_rewriter import HuggingFaceRewriter, is_marian
from course_lib.finetuning.rewriter import SETTINGS as REWRITER
from course_lib.models import checkpoint_names
from course_lib.pipelines.chat import ChatPipeline
from course_lib.pipelines.code_completion import CodeCompletionPipeline
from course_lib.pipelines.entailment import load_scorer
from course_lib.pipelines.feature_extraction import FeatureExtractionPipeline
from course_lib.pipelines.fill_mask import FillMaskPipeline, load_filler
from course_lib.pipelines.languages import COURSE_LANGUAGES
from course_lib.pipelines.question_answering import QuestionAnsweringPipeline
from course_lib.pipelines.retrieval_answering import RetrievalAnsweringPipeline
from course_lib.pipelines.rewriting import (
    Direction,
    SummarizationPipeline,
    TranslationPipeline,
    Writes,
)
from course_lib.pipelines.semantic_search import SemanticSearchPipeline
from course_lib.pipelines.text_classification import TextClassificationPipeline
from course_lib.pipelines.text_generation import TextGenerationPipeline
from course_lib.pipelines.token_classification import TokenClassificationPipeline
from course_lib.pipelines.writer import Writer, load_writer
from course_lib.pipelines.zero_shot import ZeroShotClassificationPipeline

Found = TypeVar("Found")

TRANSLATOR = "story-translator"
INTO = {"en": "<|to-en|>", "zh": "<|to-zh|>"}
"""What tells story-translator into which language."""

ALIASES = {
    "sentiment-analysis": "text-classification",
    "ner": "token-classification",
    "conversational": "chat",
    "rag": "retrieval-question-answering",
}
DIRECTION = re.compile(r"translation(?:_([a-z]{2,3})_to_([a-z]{2,3}))?")


@dataclass(frozen=True)
class Wanted:
    """What a pipeline is to be made of."""

    task: str
    model: Any
    device: torch.device | None
    batch_size: int

    def get(self, kind: type[Any], load: Callable[[Any], Found], default: str) -> Found:
        """Return the model, loaded if need be, on the device wanted.

        Args:
            kind: What it must be, if it is no name.
            load: Loads it by name.
            default: The name if there is none.
        """
        model = self.model
        if isinstance(model, kind):
            found = model
        elif model is None or isinstance(model, str | Path):
            found = load(default if model is None else model)
        else:
            raise TypeError(
                f"model must be a name, a folder or a {kind.__name__} for the task "
                f"{self.task!r}; got {type(model).__name__}."
            )
        if self.device is not None:
            for part in (found, *vars(found).values()):
                if isinstance(part, torch.nn.Module):
                    part.to(self.device)
        return found

    @property
    def languages(self) -> tuple[str, ...] | None:
        """The languages that the model has read, if it comes with the course."""
        if self.model is None:
            return COURSE_LANGUAGES
        ours = {*checkpoint_names(), *finetuned_names()}
        is_ours = isinstance(self.model, str) and self.model in ours
        return COURSE_LANGUAGES if is_ours else None


def pipeline(
    task: str,
    model: Any = None,
    *,
    device: str | int | torch.device | None = None,
    batch_size: int = 32,
) -> Any:
    """Make what solves a task: call it with a text, or with a list of texts.

    The calls and what they return are those of transformers, also for the tasks that version 5 of
    it has dropped. A single bad input raises; in a list it gets `{"error": …}` in its place, and
    the others are answered.

    Args:
        task: One of `task_names()`, or "translation_en_to_zh", "translation_zh_to_en".
        model: A model that comes with the course, a folder, a name on the Hugging Face hub, or a
            fitted object of `course_lib.finetuning`. None: the course's model for the task, which
            knows the story world and the hand-written sets, and not much else.
        device: Where it computes, such as "cuda", 0 (the first GPU) or -1 (the CPU); None: where
            the model is.
        batch_size: How many inputs are computed together (≥ 1).

    Returns:
        An object of a class in `course_lib.pipelines`; its call says what goes in and out.

    Raises:
        ValueError: If there is no such task, or the model does not fit it.
        TypeError: If the model is neither a name nor an object that fits the task.
        WeightsNotFoundError: If there is no such model.
        DigestMismatchError: If a file of the course's own has been changed.

    Example:
        >>> pipeline("sentiment-analisys")
        Traceback (most recent call last):
        ...
        ValueError: task must be one of ...; got 'sentiment-analisys'. Did you mean ...?
    """
    if batch_size < 1:
        raise ValueError(f"batch_size must be ≥ 1; got batch_size={batch_size}.")
    wanted = Wanted(task, model, _device(device), batch_size)
    if DIRECTION.fullmatch(task):
        return _translation(wanted)
    make = MAKERS.get(ALIASES.get(task, task))
    if make is None:
        names = task_names()
        close = difflib.get_close_matches(task, names, n=1, cutoff=0.5)
        hint = f" Did you mean {close[0]!r}?" if close else ""
        raise ValueError(f"task must be one of {', '.join(names)}; got {task!r}.{hint}")
    return make(wanted)


def task_names() -> list[str]:
    """List the tasks that `pipeline` knows, with their other names."""
    return sorted([*MAKERS, *ALIASES, "translation"])


def _device(device: str | int | torch.device | None) -> torch.device | None:
    if isinstance(device, int):
        return torch.device("cpu") if device < 0 else torch.device("cuda", device)
    return None if device is None else torch.device(device)


def _text_classification(wanted: Wanted) -> TextClassificationPipeline:
    found = wanted.get(Classifier, load_classifier, "mini-bert-sentiment")
    languages, size = wanted.languages, wanted.batch_size
    return TextClassificationPipeline(found, languages=languages, batch_size=size)


def _token_classification(wanted: Wanted) -> TokenClassificationPipeline:
    found = wanted.get(Tagger, load_tagger, "mini-bert-tagger")
    languages, size = wanted.languages, wanted.batch_size
    return TokenClassificationPipeline(found, languages=languages, batch_size=size)


def _question_answering(wanted: Wanted) -> QuestionAnsweringPipeline:
    found = wanted.get(Answerer, load_answerer, "mini-bert-answerer")
    languages, size = wanted.languages, wanted.batch_size
    return QuestionAnsweringPipeline(found, languages=languages, batch_size=size)


def _summarization(wanted: Wanted) -> SummarizationPipeline:
    found = wanted.get(Rewriter, partial(_load_rewriter, wanted.batch_size), "story-summarizer")
    languages, size = wanted.languages, wanted.batch_size
    return SummarizationPipeline(found, languages=languages, batch_size=size)


def _translation(wanted: Wanted) -> TranslationPipeline:
    match = DIRECTION.fullmatch(wanted.task)
    assert match is not None
    source, target = match.groups()
    size = wanted.batch_size
    if wanted.model not in (None, TRANSLATOR):
        found = wanted.get(Rewriter, partial(_load_rewriter, size), TRANSLATOR)
        direction = Direction(source, target)
        return TranslationPipeline({None: found}, direction=direction, batch_size=size)
    if {source, target} not in ({None}, set(INTO)):
        raise ValueError(
            f"task must be translation_en_to_zh or translation_zh_to_en without a model; got "
            f"{wanted.task!r}. For other languages name a Marian model."
        )
    rewriters: dict[str | None, Writes] = {
        into: wanted.get(Rewriter, partial(_load_into, into, size), TRANSLATOR)
        for into in INTO
        if target in (None, into)
    }
    return TranslationPipeline(rewriters, direction=Direction(source, target), batch_size=size)


def _load_rewriter(n_rows: int, name: str | Path) -> Rewriter | HuggingFaceRewriter:
    if name in checkpoint_names() or (Path(name) / REWRITER).is_file() or is_marian(name):
        is_saved = (Path(name) / REWRITER).is_file()
        config = RewriterConfig(n_rows=n_rows)
        return Rewriter.load(name) if is_saved else Rewriter(name, config=config)
    return HuggingFaceRewriter(name, n_rows)


def _load_into(language: str, n_rows: int, name: str) -> Rewriter:
    return Rewriter(name, config=RewriterConfig(prefix=INTO[language], n_rows=n_rows))


def _fill_mask(wanted: Wanted) -> FillMaskPipeline:
    fill, mask_token = load_filler("mini-bert" if wanted.model is None else wanted.model)
    return FillMaskPipeline(fill, mask_token=mask_token, languages=wanted.languages)


def _text_generation(wanted: Wanted) -> TextGenerationPipeline:
    found = wanted.get(Writer, load_writer, "mini-gpt")
    return TextGenerationPipeline(found, batch_size=wanted.batch_size)


def _zero_shot(wanted: Wanted) -> ZeroShotClassificationPipeline:
    found = wanted.get(Writer, load_scorer, "mini-gpt")
    languages, size = wanted.languages, wanted.batch_size
    return ZeroShotClassificationPipeline(found, languages=languages, batch_size=size)


def _chat(wanted: Wanted) -> ChatPipeline:
    return ChatPipeline(wanted.get(Writer, load_writer, "mini-gpt"))


def _code_completion(wanted: Wanted) -> CodeCompletionPipeline:
    found = wanted.get(Writer, load_writer, "mini-coder")
    return CodeCompletionPipeline(found, batch_size=wanted.batch_size)


def _feature_extraction(wanted: Wanted) -> FeatureExtractionPipeline:
    found = wanted.get(Encoder, load_encoder, "mini-bert")
    languages, size = wanted.languages, wanted.batch_size
    return FeatureExtractionPipeline(found, languages=languages, batch_size=size)


def _semantic_search(wanted: Wanted) -> SemanticSearchPipeline:
    embed = None if wanted.model is None else _feature_extraction(wanted).embed
    return SemanticSearchPipeline(embed, batch_size=wanted.batch_size)


def _retrieval_answering(wanted: Wanted) -> RetrievalAnsweringPipeline:
    found = wanted.get(Answerer, load_answerer, "mini-bert-answerer")
    search = SemanticSearchPipeline(None, batch_size=wanted.batch_size)
    return RetrievalAnsweringPipeline(search, found, batch_size=wanted.batch_size)


MAKERS: dict[str, Callable[[Wanted], Any]] = {
    "text-classification": _text_classification,
    "zero-shot-classification": _zero_shot,
    "token-classification": _token_classification,
    "question-answering": _question_answering,
    "summarization": _summarization,
    "fill-mask": _fill_mask,
    "text-generation": _text_generation,
    "chat": _chat,
    "code-completion": _code_completion,
    "feature-extraction": _feature_extraction,
    "semantic-search": _semantic_search,
    "retrieval-question-answering": _retrieval_answering,
}
