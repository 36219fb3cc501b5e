"""Rows of `benchmarks/pipelines.py`: models that say what comes next, or what stands in a gap."""

import ast
import warnings
from collections import Counter
from collections.abc import Sequence
from itertools import islice, pairwise

import numpy as np
import torch
from pipeline_course import BETWEEN, LANGUAGES, token_places
from pipeline_scoring import SEED, Row, Where, grouped, mean_by_group, share, timed, with_interval

from course_lib.data.stories import Story, stream_stories
from course_lib.evaluation import majority_label
from course_lib.evaluation.sliding import sliding_nats
from course_lib.models import load_checkpoint
from course_lib.pipelines import Writing, load_writer, pipeline

PLOTS = {
    "bargain": "a bargain",
    "contest": "a contest",
    "feast": "a feast",
    "garden": "a garden",
    "gift": "a gift",
    "journey": "a journey",
    "learn": "learning something new",
    "lost": "a thing that was lost",
    "plan": "a plan",
    "quarrel": "a quarrel",
    "repair": "a repair",
    "rescue": "a rescue",
}
"""What the twelve plots of the story world are called to a reader."""

N_COUNTED_STORIES = 300
"""So many other stories are counted for the words that are most frequent."""

STRIDE = 64
"""Of the windows in which a story longer than the model is read, in tokens."""

GAP_SENTENCES = 5
"""So many sentences around a gap always fit into mini-bert."""

MOST_LINES, MOST_NEW_TOKENS = 60, 40


def label_rows(
    where: Where, texts: Sequence[str], gold: Sequence[str], labels: Sequence[str]
) -> list[Row]:
    """Accuracy of labels that the model was given only with the text."""
    classify = pipeline("zero-shot-classification")
    found = timed(lambda: classify(texts, labels), len(texts))
    right = [one["labels"][0] == label for one, label in zip(found.answers, gold, strict=True)]
    usual = majority_label(gold)
    most = 100 * np.mean([label == usual for label in gold])
    return [
        Row(
            where,
            f"{len(texts)} texts, {len(labels)} labels",
            "accuracy",
            share(right),
            f"{100 / len(labels):.1f} (chance), {most:.1f} (always “{usual}”)",
            found.milliseconds,
        )
    ]


def plots_of_stories(stories: Sequence[Story], where: Where) -> list[Row]:
    """What a story is about: its plot."""
    texts = [story.told["en"].text for story in stories]
    return label_rows(where, texts, [PLOTS[story.plot] for story in stories], list(PLOTS.values()))


def gaps_of_stories(stories: Sequence[Story], language: str, where: Where) -> list[Row]:
    """One word of each story's beginning is hidden, one that is a single token of mini-bert."""
    coder, draws = load_checkpoint("mini-bert").tokenizer, np.random.default_rng(SEED)
    blank, texts, gold = BETWEEN[language], [], []
    for story in stories:
        text = blank.join(story.told[language].sentences[:GAP_SENTENCES])
        words = [
            (start - len(blank), end, text[start:end])
            for start, end in token_places(story.told[language])
            if text[start:end].isalpha() and text[max(0, start - len(blank)) : start] == blank
        ]
        words = [word for word in words if len(coder.encode(blank + word[2])) == 1]
        start, end, word = words[int(draws.integers(len(words)))]
        texts.append(f"{text[:start]}[MASK]{text[end:]}")
        gold.append(word)
    fill = pipeline("fill-mask")
    found = timed(lambda: fill(texts, top_k=5), len(texts))
    best = [[one["token_str"].strip() for one in of_text] for of_text in found.answers]
    usual = [word for word, _ in count_words(language).most_common(5)]
    return [
        Row(
            where,
            f"{len(texts)} gaps",
            f"the word is among the best {k}, %" if k > 1 else "the word is the best, %",
            share([word in words[:k] for words, word in zip(best, gold, strict=True)]),
            f"{100 * np.mean([word in usual[:k] for word in gold]):.1f} "
            f"(always “{'”, “'.join(usual[:k])}”)",
            found.milliseconds,
        )
        for k in (1, 5)
    ]


def other_stories() -> list[Story]:
    """Make stories to count words in; nothing is tested on them."""
    return list(islice(stream_stories(SEED + 1, languages=LANGUAGES), N_COUNTED_STORIES))


def count_words(language: str) -> Counter[str]:
    """Count the words of other stories."""
    return Counter(
        word for story in other_stories() for word in story.told[language].tokens if word.isalpha()
    )


@torch.inference_mode()
def nats_of_stories(
    model_name: str, stories: Sequence[Story], language: str, where: Where
) -> list[Row]:
    """How surprised a model is by stories; no model can know more than the world itself does."""
    model, coder = load_checkpoint(model_name)
    end = coder.id_of("<|endoftext|>")
    max_len = model.config.max_len
    texts = [[end, *coder.encode(story.told[language].text), end] for story in stories]
    found = timed(
        lambda: [sliding_nats(model, torch.tensor(ids), max_len, STRIDE)[0] for ids in texts],
        len(texts),
    )
    counts = Counter(
        token
        for story in other_stories()
        for token in [*coder.encode(story.told[language].text), end]
    )
    total = counts.total() + coder.vocab_size  # every token is seen once more than it was
    by_frequency = -np.mean(
        [sum(np.log((counts[t] + 1) / total) for t in ids[1:]) for ids in texts]
    )
    floor = -np.mean([story.log_prob for story in stories])
    return [
        Row(
            where,
            f"{len(stories)} stories",
            "nats a story (lower is better)",
            with_interval(found.answers, scale=1),
            f"{by_frequency:.1f} (tokens by frequency); the world's own: {floor:.1f}",
            found.milliseconds,
        )
    ]


def split_modules() -> tuple[list[str], list[str]]:
    """Split the standard library as the recipe of mini-coder does: learnt from, held out."""
    from recipes.mini_coder import split_modules as split  # it needs the library tokenizers

    return split(1.0)


def completions(n: int, where: Where) -> list[Row]:
    """Beginnings of modules held out: what Python can read, with and without the check."""
    modules, draws = split_modules()[1], np.random.default_rng(SEED)
    groups = [int(draws.integers(len(modules))) for _ in range(n)]
    beginnings = []
    for module in groups:
        lines = modules[module].splitlines(keepends=True)
        n_lines = int(draws.integers(1, 1 + min(MOST_LINES, len(lines))))
        beginnings.append("".join(lines[:n_lines]))
    complete = pipeline("code-completion", batch_size=16)
    found = timed(lambda: complete(beginnings, max_new_tokens=MOST_NEW_TOKENS), n)
    write = load_writer("mini-coder").write
    plain = [one[0] for one in write(beginnings, Writing(max_new_tokens=MOST_NEW_TOKENS))]
    unchecked = [can_be_read(a + b) for a, b in zip(beginnings, plain, strict=True)]
    parses = [one[0]["parses"] for one in found.answers]
    return [
        Row(
            where,
            f"{n} beginnings",
            "goes on, and Python can read it, %",
            mean_by_group(parses, groups),
            f"{100 * np.mean(unchecked):.1f} (the same model without the check), "
            f"{100 * np.mean([can_be_read(text) for text in beginnings]):.1f} (nothing added)",
            found.milliseconds,
        )
    ]


@torch.inference_mode()
def next_tokens(n_learnt: int, n_windows: int, where: Where) -> list[Row]:
    """How often the likeliest token is the next one, beside the one seen most after the last."""
    model, coder = load_checkpoint("mini-coder")
    learnt, held_out = split_modules()
    followers: dict[int, Counter[int]] = {}
    for module in learnt[:n_learnt]:
        for token, after in pairwise(coder.encode(module)):
            followers.setdefault(token, Counter())[after] += 1
    usual = {token: counts.most_common(1)[0][0] for token, counts in followers.items()}
    length = model.config.max_len
    ids = [coder.encode(module) for module in held_out]
    windows = [
        (module, torch.tensor(of_module[first : first + length + 1]))
        for module, of_module in enumerate(ids)
        for first in range(0, min(n_windows * length, len(of_module) - length), length)
    ]
    found = timed(
        lambda: [model(w[None, :-1])[0].argmax(dim=1) == w[1:] for _, w in windows], len(windows)
    )
    groups = [module for module, _ in windows]
    counts = [[int(right.sum()), len(right)] for right in found.answers]
    guessed = [usual.get(a) == b for _, w in windows for a, b in pairwise(w.tolist())]
    return [
        Row(
            where,
            f"{sum(n for _, n in counts)} tokens of {len(set(groups))} modules",
            "the likeliest token is the next one, %",
            with_interval(
                grouped(counts, groups), lambda some: some[:, 0].sum() / some[:, 1].sum()
            ),
            f"{100 * np.mean(guessed):.1f} (the most frequent follower in "
            f"{min(n_learnt, len(learnt))} modules)",
            found.milliseconds,
        )
    ]


def long_chat(n_turns: int, where: Where) -> list[Row]:
    """A talk that outgrows the model: the prompt must leave room for the answer."""
    chat = pipeline("chat")
    chat.system_prompt = "Answer in one sentence."
    chat.reset()
    writer, new_tokens, lengths = chat.writer, 16, []
    stream = writer.stream

    def measured(ids: Sequence[int], writing: Writing):
        lengths.append(len(ids))
        return stream(ids, writing)

    writer.stream = measured
    turns = [f"Tell me about number {turn}." for turn in range(n_turns)]
    found = timed(lambda: [chat(turn, max_new_tokens=new_tokens) for turn in turns], n_turns)
    everything = "\n".join(message.content for message in chat.messages)
    return [
        Row(
            where,
            f"{n_turns} turns",
            f"longest prompt, tokens (room for {writer.max_len - new_tokens})",
            f"{max(lengths)}",
            f"{len(writer.encode(everything))} (nothing forgotten)",
            found.milliseconds,
        )
    ]


def can_be_read(code: str) -> bool:
    """Say whether Python can read a text as a module."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # about escapes such as "\d", which are legal
        try:
            ast.parse(code)
        except (SyntaxError, ValueError):
            return False
    return True
