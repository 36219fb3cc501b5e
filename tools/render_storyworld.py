"""Render `docs/storyworld.md`: five stories of the story world with everything known about them.

`python tools/render_storyworld.py` writes the page; `--check` fails if it is out of date.
"""

import argparse
import math
import sys
from itertools import islice
from pathlib import Path

from course_lib.data.story_grammar import load_grammar
from course_lib.data.story_lexicon import lexicon
from course_lib.data.storyworld import Story, Told, stream_stories

ROOT = Path(__file__).resolve().parent.parent
SEED = 2026
SHOWN = ("lost", "rescue", "bargain", "learn", "quarrel")
COUNTED_STORIES = 2_000

HEAD = """# The story world · 故事世界

Rendered by `python tools/render_storyworld.py`; edit `data/storyworld/`, not this page.

Real text has no known truth: nobody can say what the best possible loss on it is, which answer to a question about it
is right beyond dispute, or how strongly a prejudice runs through it. So the course brings a little world that has a truth. Its
stories come from a grammar with memory, in English and Chinese at once, and for every token its exact probability is
known, given all that came before. Summed up and turned round, that is the entropy **floor**: in expectation no model can be less surprised.

```python
from course_lib.data import load
from course_lib.data.storyworld import floor

world = load("storyworld", size=2_000, seed=0, language="both")
print(floor(world["test"]), floor(world["test"], language="zh"))  # nats per token
```

In {n_counted:,} stories (seed {seed}) there are {n_plots} plots, {n_english:,} different English and {n_chinese:,} different Chinese words, {n_tokens:.0f}
tokens a story on average and {n_nats:.1f} nats: as many stories, roughly, as a die with e^{n_nats:.0f} faces has. Most of that is in the choice of people,
things and wishes; once said, they are certain. That is what a model with a memory can know, and one without cannot.

| you can turn | by | what it plants |
|---|---|---|
| profession and gender | `p_gender` | P(a profession of the group planted for the hero's gender); 0.5 plants nothing. The groups do not follow real stereotypes. `gender_table(p)` is the truth |
| analogies | `analogy_regularity` | P(an animal eats its own food, a country has its own river, …). `planted_analogy_rows()` lists the questions |
| memory | `callback_distance` | how many sentences lie between a thing and the story's return to it |
| domains | `plots` | only these plots, for learning one domain after another |
| secrets | `canaries` | sentences repeated as often as you say |
| dirt | `duplicate_rate`, `near_duplicate_rate`, `noise_rate`, `leak_rate` | copies, spoiled rows and test stories in the training split; the column `origin` tells them |

`course_lib.data.story_tasks` cuts small tasks out of the same grammar: number agreement, word order, feelings with invented stems, and "bank" in two senses.

## Five stories · 五个故事
"""  # noqa: E501

STORY = """
### {plot}

{english}

{chinese}

{nats:.2f} nats in both languages: over {n_en} English tokens a floor of {floor_en:.3f} nats per token, over {n_zh} Chinese tokens {floor_zh:.3f}. The ending is
{sentiment} (“{cue_en}”, “{cue_zh}”). The words of “{thing}” cost {thing_nats:.2f} nats where the story first says them and {again_nats:.2f} where it returns to them,
{n_sentences} sentences and {distance} tokens later.

- **Summary.** {summary_en} {summary_zh}
{turns}
| question | answer | 问题 | 答案 |
|---|---|---|---|
{questions}
"""  # noqa: E501


def choose(seed: int) -> list[Story]:
    """Take the first story of each plot that is shown."""
    found: dict[str, Story] = {}
    for story in stream_stories(seed, languages=("en", "zh")):
        if story.plot in SHOWN:
            found.setdefault(story.plot, story)
        if len(found) == len(SHOWN):
            return [found[plot] for plot in SHOWN]
    raise AssertionError("the stream of stories ended")


def render_story(story: Story) -> str:
    """Render one story and what is known about it."""
    english, chinese = story.told["en"], story.told["zh"]
    first, again = _thing(english)
    asked = zip(english.questions, chinese.questions, strict=True)
    rows = [f"| {e.question} | {e.answer} | {c.question} | {c.answer} |" for e, c in asked]
    speakers = ", ".join(f"{turn.speaker}: “{turn.text}”" for turn in english.turns)
    callback = english.callback
    return STORY.format(
        plot=story.plot,
        english=english.text,
        chinese=chinese.text,
        nats=-story.log_prob,
        n_en=len(english.tokens),
        n_zh=len(chinese.tokens),
        floor_en=-story.log_prob / len(english.tokens),
        floor_zh=-story.log_prob / len(chinese.tokens),
        sentiment=story.sentiment,
        cue_en=english.cue,
        cue_zh=chinese.cue,
        thing=" ".join(english.tokens[slice(*again)]),
        thing_nats=-math.fsum(english.token_log_probs[slice(*first)]),
        again_nats=-math.fsum(english.token_log_probs[slice(*again)]) + 0.0,
        n_sentences=callback.n_sentences if callback else 0,
        distance=again[0] - first[0],
        summary_en=english.summary,
        summary_zh=chinese.summary,
        turns=f"- **Turns.** {speakers}\n" if speakers else "",
        questions="\n".join(rows),
    )


def render() -> str:
    """Render the whole page."""
    counted = list(islice(stream_stories(SEED, languages=("en", "zh")), COUNTED_STORIES))
    english = {token.lower() for story in counted for token in story.told["en"].tokens}
    chinese = {token for story in counted for token in story.told["zh"].tokens}
    n_tokens = sum(len(story.told["en"].tokens) for story in counted)
    n_nats = -math.fsum(story.log_prob for story in counted)
    head = HEAD.format(
        n_counted=COUNTED_STORIES,
        seed=SEED,
        n_plots=len({row.labels["plot"] for row in load_grammar()["plot"]}),
        n_english=sum(word[0].isalpha() for word in english),
        n_chinese=sum("一" <= word[0] <= "鿿" for word in chinese),
        n_tokens=n_tokens / COUNTED_STORIES,
        n_nats=n_nats / COUNTED_STORIES,
    )
    return head + "".join(render_story(story) for story in choose(SEED))


def _thing(told: Told) -> tuple[tuple[int, int], tuple[int, int]]:
    """Find the remembered thing with its adjective: at its first mention, and at the last."""
    if told.callback is None:
        raise AssertionError("every story that is shown returns to its thing")
    first, again = told.callback.first_token, told.callback.return_token
    nouns = {item.say("", "en") for item in lexicon()["objects"]}
    n_tokens = next(n for n in (1, 2, 3) if tuple(told.tokens[again : again + n]) in nouns)
    return (first - 1, first + n_tokens), (again - 1, again + n_tokens)


def main() -> int:
    """Write the page, or check it."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--check", action="store_true", help="only compare")
    page, text = ROOT / "docs" / "storyworld.md", render()
    if parser.parse_args().check:
        if page.read_text(encoding="utf-8") != text:
            print(f"{page.name} is out of date; run: python tools/render_storyworld.py")
            return 1
        return 0
    page.write_text(text, encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
