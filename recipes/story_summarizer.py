"""story-summarizer: story-translator, fine-tuned to tell a story in one sentence.

The sentence is in the language of the story.
"""

from collections.abc import Iterator, Sequence
from itertools import islice
from pathlib import Path

import numpy as np
import torch

from course_lib.data.stories import Story
from course_lib.evaluation import answer_f1, answer_f1_zh, bootstrap_interval
from course_lib.finetuning import Rewriter, RewriterConfig
from course_lib.models import EncoderDecoder, encoder_decoder_to_hf
from recipes._reading import learnable_stories, plan_of
from recipes._shipping import Card, Finished, write_card, write_model
from recipes.story_gpt import LANGUAGES, unseen_stories
from recipes.story_translator import END, PAD

NAME = "story-summarizer"
N_STORIES, N_TEST = 6_000, 200
N_ROWS = 32
SEED = 27
F1 = {"en": answer_f1, "zh": answer_f1_zh}


def run(out: Path, scale: float, resume: bool) -> None:
    """Fine-tune, test, and write what ships into the folder.

    Args:
        out: Gets the folder `story-summarizer`.
        scale: 1 for the model that the course ships; 0.01 takes seconds and learns little.
        resume: Changes nothing: it begins anew.
    """
    stories = learnable_stories(SEED, max(2, round(N_STORIES * scale)))
    told = [story.told[language] for story in stories for language in LANGUAGES]
    rewriter = Rewriter(plan=plan_of(N_ROWS), config=RewriterConfig(seed=SEED))
    fitted = rewriter.fit([one.text for one in told], [one.summary for one in told])
    tokenizer = rewriter.framing.tokenizer
    finished = Finished(
        model=encoder_decoder_to_hf(rewriter.model.to(torch.bfloat16)),
        tokenizer=tokenizer,
        special_tokens={"eos_token": END, "pad_token": PAD},
        max_len=rewriter.model.config.max_len,
        history=fitted.history,
    )
    write_model(out / NAME, finished)
    model = EncoderDecoder.from_pretrained(out / NAME)  # as it ships, rounded
    shipped = Rewriter(model, tokenizer, config=RewriterConfig(max_new_tokens=96))
    unseen = list(islice(unseen_stories(), max(2, round(N_TEST * scale))))
    scores = list(score_lines(shipped, unseen))
    write_card(out / NAME, fitted.history, Card(template=NAME, model=model, scores=scores))


def score_lines(rewriter: Rewriter, stories: Sequence[Story]) -> Iterator[str]:
    """Measure the summaries of unseen stories beside their first sentences, by language."""
    for language in LANGUAGES:
        told = [story.told[language] for story in stories]
        written = rewriter.predict([one.text for one in told])
        f1, golds = F1[language], [[one.summary] for one in told]
        ours = np.array([f1(*pair) for pair in zip(written, golds, strict=True)])
        lead = [f1(one.sentences[0], gold) for one, gold in zip(told, golds, strict=True)]
        low, high = bootstrap_interval(ours)
        n_equal = sum(text == one.summary for text, one in zip(written, told, strict=True))
        yield (
            f"{language}: words shared with the story's own summary, F1 {ours.mean():.3f} "
            f"[{low:.3f}, {high:.3f}]; the first sentence {np.mean(lead):.3f}; equal letter by "
            f"letter {n_equal / len(told):.3f}, n = {len(told)}"
        )
