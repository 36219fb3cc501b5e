"""mini-bert-tagger: mini-bert that finds people, places and objects in stories."""

from collections.abc import Iterator, Sequence
from itertools import islice
from pathlib import Path

import numpy as np

from course_lib.data.stories import Story, Told
from course_lib.data.units import word_places
from course_lib.evaluation import entity_scores, spans_to_tags, tags_to_spans
from course_lib.finetuning import FullFineTuning, Tagger
from recipes._reading import (
    Stretch,
    learnable_stories,
    plan_of,
    stretches,
    write_finetuned,
    write_finetuned_card,
)
from recipes._shipping import Card
from recipes.story_gpt import LANGUAGES, unseen_stories

NAME = "mini-bert-tagger"
N_STORIES, N_TEST = 4_000, 300
N_ROWS = 32
MOST_SENTENCES = 4
SEED, SEED_OF_TEST = 24, 25


def run(out: Path, scale: float, resume: bool) -> None:
    """Fine-tune, test, and write what ships into the folder.

    Args:
        out: Gets the folder `mini-bert-tagger`.
        scale: 1 for the model that the course ships; 0.01 takes seconds and learns little.
        resume: Changes nothing: it begins anew.
    """
    stories = learnable_stories(SEED, max(2, round(N_STORIES * scale)))
    tagger = Tagger("mini-bert", FullFineTuning(plan=plan_of(N_ROWS)))
    fitted = [tagger.fit(*tagged(stories, LANGUAGES, SEED))]
    history = write_finetuned(out / NAME, tagger, fitted)
    shipped = Tagger.load(out / NAME)  # rounded
    unseen = list(islice(unseen_stories(), max(2, round(N_TEST * scale))))
    scores = list(score_lines(shipped, unseen))
    card = Card(template=NAME, model=shipped.model.encoder, scores=scores)
    write_finetuned_card(out / NAME, history, card)


def tagged(
    stories: Sequence[Story], languages: Sequence[str], seed: int
) -> tuple[list[list[str]], list[list[str]]]:
    """Cut stories into stretches of one to four sentences, each with a tag per word.

    Args:
        stories: The stories.
        languages: In which of their languages.
        seed: Of the cuts.

    Returns:
        Words, as the pipeline finds them in running text, and their tags.
    """
    random = np.random.default_rng(seed)
    words, tags = [], []
    for story in stories:
        for language in languages:
            told = story.told[language]
            entities = entity_places(told)
            for stretch in stretches(told, random, MOST_SENTENCES):
                of_stretch, its_tags = _tag(told, stretch, entities)
                words.append(of_stretch)
                tags.append(its_tags)
    return words, tags


def entity_places(told: Told) -> list[tuple[int, int, str]]:
    """Find where the entities of a story stand, in characters, and of which type they are."""
    starts, ends = [], []
    place = 0
    for token in told.tokens:
        start = told.text.index(token, place)
        place = start + len(token)
        starts.append(start)
        ends.append(place)
    return [(starts[e.start], ends[e.end - 1], e.type) for e in tags_to_spans(told.entities)]


def _tag(
    told: Told, stretch: Stretch, entities: Sequence[tuple[int, int, str]]
) -> tuple[list[str], list[str]]:
    places = [(a, b) for a, b in word_places(told.text) if stretch.start <= a < stretch.end]
    spans = []
    for start, end, kind in entities:
        inside = [n for n, (a, b) in enumerate(places) if start <= a and b <= end]
        if inside:
            spans.append((inside[0], inside[-1] + 1, kind))
    return [told.text[a:b] for a, b in places], spans_to_tags(spans, len(places))


def score_lines(tagger: Tagger, stories: Sequence[Story]) -> Iterator[str]:
    """Measure the tags of unseen stories, language by language."""
    for language in LANGUAGES:
        words, gold = tagged(stories, [language], SEED_OF_TEST)
        found = entity_scores(tagger.predict(words), gold)
        kinds = ", ".join(f"{kind} {100 * s.f1:.1f}" for kind, s in sorted(found.per_type.items()))
        yield (
            f"{language}: entity F1 {100 * found.micro.f1:.1f} ({kinds}), n = "
            f"{found.micro.n_expected} entities of {len(stories)} stories"
        )
