"""What is planted in the story world and therefore known: tables to compare a model with."""

from collections.abc import Iterable
from itertools import permutations

from course_lib.data.story_chances import PlantedChances, weights_of
from course_lib.data.story_lexicon import Item, lexicon

# Section, list and column: a word is to its column's word as another is to its own.
FAMILIES = (
    ("capital-country", "capitals", "country"),
    ("animal-young", "animals", "young"),
    ("profession-tool", "professions", "tool"),
    ("profession-workplace", "professions", "workplace"),
    ("adjective-opposite", "contrasts", "opposite"),
    ("woman-man", "kin_pairs", "male"),
)


def gender_table(p_gender: float = 0.5) -> dict[str, float]:
    """Compute the planted truth of the profession–gender correlation.

    Args:
        p_gender: The option of that name.

    Returns:
        Profession (in English) to P(its hero is "she" | the profession), by Bayes' rule over
        the draws of a name and a profession given the name's gender.

    Example:
        >>> table = gender_table(p_gender=0.9)
        >>> round(min(table.values()), 2), round(max(table.values()), 2)
        (0.1, 0.9)
    """
    names, jobs = lexicon()["names"], lexicon()["professions"]
    planted = PlantedChances(p_gender=p_gender)
    joint = {"she": dict.fromkeys(jobs, 0.0), "he": dict.fromkeys(jobs, 0.0)}
    for name in names:
        weights = weights_of(jobs, "|", name, planted)
        for job, weight in zip(jobs, weights, strict=True):
            joint[name.row["gender"]][job] += weight / sum(weights) / len(names)
    return {
        job.row["en"]: joint["she"][job] / (joint["she"][job] + joint["he"][job]) for job in jobs
    }


def planted_analogy_rows(language: str = "en") -> list[dict[str, str]]:
    """List the analogies that the story world makes true.

    The two words of a pair share what is their own (a country and its capital the river, an
    animal and its young the food and the home), and every pair of a family differs in the same
    way, because the sentences about the first words and those about the second are the same for
    the whole family.

    Args:
        language: "en" or "zh".

    Returns:
        Rows as those of Google's analogies: section, a, b, c, d (a is to b as c is to d), one
        for each ordered pair of a family's pairs, single tokens only.

    Example:
        >>> planted_analogy_rows()[0]["section"]
        'capital-country'
    """
    rows = []
    for section, words, column in FAMILIES:
        pairs = [(item.say("", language), item.say(column, language)) for item in lexicon()[words]]
        single = [(one[0], two[0]) for one, two in pairs if len(one) == len(two) == 1]
        rows += [
            {"section": section, "a": a, "b": b, "c": c, "d": d}
            for (a, b), (c, d) in permutations(single, 2)
        ]
    return rows


def planted_synonyms(language: str = "en") -> list[tuple[str, str]]:
    """List the word pairs that the story world uses interchangeably.

    Args:
        language: "en" or "zh".

    Returns:
        Pairs of words or phrases; whichever stands in a story, the other could.
    """
    lists = (items for name, items in lexicon().items() if name.startswith("syn_"))
    return [_pair(items[0], items[1], language) for items in lists]


def planted_opposites(language: str = "en") -> list[tuple[str, str]]:
    """List the adjectives that the story world uses as opposites.

    Args:
        language: "en" or "zh".
    """
    return [
        (" ".join(item.say("", language)), " ".join(item.say("opposite", language)))
        for item in _all(("contrasts",))
    ]


def _pair(one: Item, two: Item, language: str) -> tuple[str, str]:
    glue = "" if language == "zh" else " "
    return glue.join(one.say("", language)), glue.join(two.say("", language))


def _all(names: Iterable[str]) -> Iterable[Item]:
    return (item for name in names for item in lexicon()[name])
