# %% [markdown]
# # 06 · Generation and prompting
#
# **The question:** A language model gives probabilities. How do they become a text, what does each way of choosing cost, and how much of what it writes may you believe?

# %% [markdown]
# ## You will be able to
#
# - say why the likeliest text is a dull one, and measure how dull;
# - draw a text with temperature, top-k, top-p, min-p and penalties, and say what each does to the distribution;
# - build a cache of keys and values, and compute what it costs in bytes and saves in time;
# - search with beams, and say where that helps and where it harms;
# - let a small model write ahead for a large one without changing the result, and predict how much that saves;
# - measure a prompt instead of praising it, and tell a stated fact from an invented one by the model's own numbers.

# %% [markdown]
# ## Before you start
#
# | | |
# |---|---|
# | Builds on | 00: temperature, n-grams, intervals; 02: byte-level tokens; 03: heads and masks; 04: greedy decoding; 05a: the story world |
# | Your time | about 100 minutes |
# | On a CPU | about a minute and a quarter on one core, under 2 GB of memory |
# | On a GPU | not needed; the cell under *On a GPU* counts the tokens per second of a model of GPT-2's size |

# %% [markdown]
# ## Recall
#
# Answer from memory, then open the answer.
#
# 1. A model gives two tokens the probabilities 0.8 and 0.2. What are they at a temperature of 1/2?
#
# <details><summary>Answer</summary>
#
# Squared and made to sum to 1 again: 0.64 and 0.04 over 0.68, so 0.94 and 0.06.
#
# </details>
#
# 2. In a causal model, which keys does the last token look at, and does a new token change the keys of the old ones?
#
# <details><summary>Answer</summary>
#
# At those of all tokens up to itself. And no: a key depends on its own token and on those before it. That is what a cache lives from.
#
# </details>
#
# 3. Greedy decoding is run twice from the same prompt. What differs?
#
# <details><summary>Answer</summary>
#
# Nothing. There is no chance in it.
#
# </details>

# %% [markdown]
# ## Set-up

# %%
# @setup

# %% [markdown]
# The imports. Six functions and classes you will write yourself.

# %%
import math
import re
import statistics
import time
import timeit
from contextlib import suppress
from copy import deepcopy
from functools import partial
from itertools import islice

import numpy as np
import pandas as pd
import torch
from torch.nn import functional as F

from course_lib.data import load
from course_lib.data.batches import pad_left, pad_texts
from course_lib.data.stories import story_reader, stream_stories
from course_lib.data.story_lexicon import lexicon
from course_lib.data.story_shots import make_shot_tasks
from course_lib.data.story_writer import join_tokens
from course_lib.data.storyworld import split_of_story
from course_lib.errors import WeightsNotFoundError
from course_lib.evaluation import bootstrap_interval, proportion_interval
from course_lib.generation import (
    Cached,
    ChatFormat,
    Draft,
    ForSource,
    Rules,
    Sampling,
    StopStrings,
    Uncached,
    acceptance_chance,
    beam_search,
    expected_tokens_per_round,
    fit_messages,
    forbid_repeated_ngrams,
    greedy,
    keep_min_p,
    keep_top_k,
    keep_typical,
    likeliest,
    measure_shots,
    sample,
    score_choices,
    speculative,
    stream,
    token_log_probs,
)
from course_lib.lesson import answer_quiz, check, hint, quiz
from course_lib.lesson.chatting import chat
from course_lib.models import GPT, GPTConfig, gpt2_small, llama_to_hf, load_checkpoint
from course_lib.models.ngram import NGramConfig, NGramModel
from course_lib.nn.int8_cache import Int8Cache
from course_lib.plotting import show, use_course_style
from course_lib.plotting.curves import Curve, Panel, plot_panels
from course_lib.plotting.sampling import browse_sampling
from course_lib.plotting.shots import plot_shots
from course_lib.seeding import make_generator
from course_lib.tokenizers import Vocabulary
from course_lib.training import train_on_batches

use_course_style()

# %% [markdown]
# ## 1 · One distribution, many texts
#
# *(core)*
#
# The model of this lesson is `story-gpt`, a small Llama that was trained on stories of the story world, English and Chinese. It comes with the course. After every token it gives one thing: a probability for each token of its vocabulary to be the next one. All the rest is **decoding**: what *you* do with these numbers.

# %%
model, tokenizer = load_checkpoint("story-gpt")
END = tokenizer.special_tokens["<|endoftext|>"]


def begin(text):
    return torch.tensor([[END, *tokenizer.encode(text)]])  # every story it has read began so


def as_text(ids):
    return tokenizer.decode([int(i) for i in ids])


with torch.no_grad():
    logits = model(begin("Priya was a"))[0, -1]
best = logits.softmax(-1).topk(6)
print(f"{sum(p.numel() for p in model.parameters()):,} parameters, {len(logits):,} tokens")
for share, token in zip(best.values.tolist(), best.indices, strict=True):
    print(f"{share:.3f} {as_text([token])!r}")

# %% [markdown]
# Two ways to go on are obvious: take the likeliest token every time (**greedy**, lesson 04), or **draw** one by its probability (**sampling**, lesson 00).

# %%
prompt = begin("There was once a")
until_end = Rules(end_id=END)
print("greedy:  ", as_text(greedy(model, prompt, 60, rules=until_end)[0]))
dice = make_generator(run.seed)
three = Sampling(n_sequences=3)
for ids in sample(model, prompt, 60, generator=dice, sampling=three, rules=until_end):
    print("sampled: ", as_text(ids))

# %% [markdown]
# A famous tutorial prompt is “Once upon a time”, and another tutorial gives GPT-2 the Chinese “从前有个时候”. **Predict:** how surprised will our model be by each of them, and how well does it go on?

# %%
prompts = ("There was once a farmer", "Once upon a time", "从前，", "从前有个时候")
for text in prompts:
    ids = begin(text)
    surprise = -token_log_probs(model, ids)[0].mean().item()
    found = greedy(model, ids, 40, rules=until_end)[0]
    print(f"{text}: {ids.shape[1] - 1} tokens, {surprise:.1f} nats per token")
    print("    …", as_text(found))

# %% [markdown]
# The first and the third are how stories of this world begin. The other two are common enough in English or Chinese; but no story of *this* world begins so, and the model has read nothing else. A prompt that surprises the model puts it where it has never been: what it writes from there on, nothing has prepared it for. The number in front tells you beforehand: look at the surprise of your prompt.
#
# Look at the tokens as well. To a byte-level tokenizer a Chinese character is three bytes (lesson 02). If a text is shown while it is written, half a character may stand at its end. `stream` waits until a character is whole:

# %%
pieces = list(islice(stream(model, tokenizer, "从前，", 12), 8))
print(pieces)
byte_by_byte = "从".encode()
print(byte_by_byte, "the first two bytes are", repr(byte_by_byte[:2].decode(errors="replace")))

# %% [markdown]
# And the model of the tutorials, GPT-2 itself? Its weights take half a gigabyte, so the next cell only fetches them at scale `t4` or if they are on this machine already.

# %%
try:
    from huggingface_hub import try_to_load_from_cache

    name = "openai-community/gpt2"
    is_here = isinstance(try_to_load_from_cache(name, "model.safetensors"), str)
    if not (is_here or run.pick(small=False, t4=True)):
        raise WeightsNotFoundError("not on this machine, and not fetched at this scale")
    from transformers import AutoTokenizer

    gpt2, gpt2_tokenizer = GPT.from_pretrained(name).eval(), AutoTokenizer.from_pretrained(name)
    for text in ("Once upon a time", "从前有个时候"):
        ids = torch.tensor([gpt2_tokenizer(text)["input_ids"]])
        for label, found in (
            ("greedy", greedy(gpt2, ids, 40)[0]),
            ("top-p", sample(gpt2, ids, 40, generator=dice, sampling=Sampling(top_p=0.9))[0]),
        ):
            print(f"{text} ({ids.shape[1]} tokens), {label}: {gpt2_tokenizer.decode(found)!r}")
except (WeightsNotFoundError, OSError) as error:
    print(f"GPT-2 is left out: {str(error).splitlines()[0]}.")

# %% [markdown]
# **What we learnt.** A model gives a distribution for each next token; the text is made by the decoder. A prompt from outside the model's world surprises it, and that can be measured before a word is written.

# %% [markdown]
# ## 2 · Likely text is dull
#
# *(core)*
#
# Why not always take the likeliest? Toss a biased coin a hundred times, heads with probability 0.6. **Predict:** which sequence of a hundred is the likeliest one?
#
# **By hand.** Each toss has its likeliest outcome, heads. So the likeliest sequence is a hundred heads, with probability $0.6^{100}$. No sequence with tails in it is as likely. And yet nobody will ever see it. What one sees has about 60 heads: there are so *many* of those that together they have nearly all the probability.


# %%
# NBVAL_CHECK_OUTPUT
def log_prob(n_heads):
    return n_heads * math.log(0.6) + (100 - n_heads) * math.log(0.4)


print(f"100 heads: {-log_prob(100) / 100:.3f} nats per toss")
print(f"60 heads, in some order: {-log_prob(60) / 100:.3f} nats per toss")
share = sum(math.comb(100, n) * math.exp(log_prob(n)) for n in range(50, 71))
print(f"50 to 70 heads: {share:.3f} of the probability; 100 heads: {math.exp(log_prob(100)):.1e}")

# %% [markdown]
# A text is a long row of tosses. A real one surprises about as much as the entropy says; it lies in the **typical set**. The likeliest text surprises far less, all the time: it is a hundred heads.
#
# For a model that sees only a few tokens, one can even prove that greedy text repeats itself. A bigram model chooses by the last token alone. As soon as a token comes a second time, everything that followed it follows again: a **loop**. With $V$ tokens that happens after $V$ steps at the latest, and in practice far sooner.

# %%
# NBVAL_CHECK_OUTPUT
told = list(islice(stream_stories(run.seed, languages=("en",)), 300))
sentences = [story.told["en"].tokens for story in told]
for order in (2, 3):
    counts = NGramModel(NGramConfig(order=order))
    counts = counts.fit(sentences, Vocabulary.from_sentences(sentences))
    ids = counts.encode(["There", "was", "once", "a"])[:-1]
    states, position = {}, 0
    while (state := tuple(ids[-order + 1 :])) not in states and ids[-1] != counts.encode([])[0]:
        states[state] = len(ids)
        ids.append(int(counts.next_log_probs(ids).argmax()))
    length = len(ids) - states[state] if state in states else 0
    print(f"order {order}:", " ".join(counts.decode(ids)))
    print(f"         a loop of {length} tokens" if length else "         it has ended")

# %% [markdown]
# A Transformer sees more than two tokens, and no theorem forces it into a loop. But the longer a repetition, the likelier it finds the next one (Holtzman et al. 2020). To see dullness, we need a measure of it. The usual one: **distinct-n**, the share of the n-grams of some texts that are different ones.
#
# **By hand.** “the cat and the cat” has four pairs: *the cat*, *cat and*, *and the*, *the cat*. Three are different: distinct-2 is 3/4.
#
# **Exercise (easy).** Write it. Stuck? `hint("06:distinct_n")`.

# %%
# @exercise course_lib.evaluation.diversity:distinct_n

# %%
distinct_n = check("06:distinct_n", distinct_n)

# %% [markdown]
# Now sixteen stories that the model has never read. It gets the first sentence of each and goes on, three times: greedily, with beams (section 6), and by drawing. **Predict:** in how many different colours will the things in the greedy stories come? In the real ones?

# %%
N_STORIES = run.pick(small=16, t4=64)
unseen = (
    story
    for story in stream_stories(run.seed + 3, languages=("en", "zh"))
    if split_of_story(story.told["en"].text) == "test"
)
stories = list(islice(unseen, run.pick(small=60, t4=300)))
openings = [story.told["en"].sentences[0] for story in stories[:N_STORIES]]
batch = pad_left([begin(text)[0] for text in openings])
real = [
    tokenizer.encode(" " + " ".join(story.told["en"].sentences[1:]))
    for story in stories[:N_STORIES]
]
written = {
    "greedy": greedy(model, batch, 160, rules=until_end),
    "beams": [found[0].ids for found in beam_search(model, batch, 160, n_beams=3, rules=until_end)],
    "drawn": sample(model, batch, 160, generator=make_generator(1), rules=until_end),
    "real": real,
}
print("greedy:", openings[0] + as_text(written["greedy"][0])[:300], "…")
print("greedy:", openings[1] + as_text(written["greedy"][1])[:300], "…")

# %%
colours = sorted(item.row["en"] for item in lexicon()["colours"])
any_colour = re.compile(r"\b(" + "|".join(colours) + r")\b")


def own_surprise(opening, ids):
    """Nats per token of what was written, for the model."""
    n_given = begin(opening).shape[1]
    whole = torch.tensor([[*begin(opening)[0].tolist(), *ids]])
    return -token_log_probs(model, whole)[0, n_given - 1 :].mean().item()


surprises, rows = {}, {}
for name, texts in written.items():
    surprises[name] = [own_surprise(*pair) for pair in zip(openings, texts, strict=True)]
    first = [any_colour.search(as_text(ids)) for ids in texts]
    rows[name] = {
        **{f"distinct-{n}": round(distinct_n(texts, n), 3) for n in (1, 2, 4)},
        "different first colours": len({found[1] for found in first if found}),
        "nats per token": round(statistics.mean(surprises[name]), 3),
    }
assert rows["greedy"]["nats per token"] < rows["real"]["nats per token"]
pd.DataFrame(rows).T

# %%
# How much does each text surprise the model?
show(
    plot_panels(
        Panel(
            title="What is likely is not what is written",
            axis_labels=("text, from the least surprising to the most", "nats per token"),
            curves={
                name: Curve(x=range(1, N_STORIES + 1), y=sorted(values))
                for name, values in surprises.items()
            },
        )
    ),
    alt="Surprise of sixteen texts each, sorted. "
    + "; ".join(
        f"{name}: from {min(values):.2f} to {max(values):.2f} nats per token"
        for name, values in surprises.items()
    )
    + ".",
)

# %% [markdown]
# Read the table by its columns. Greedy and beam texts surprise the model less than real stories do: they are a hundred heads. And sixteen openings lead into much the same text: compare distinct-4, and count the colours. Real stories have many, because the world draws them evenly. A decoder that takes the likeliest takes the same one again and again, by however little it leads.
#
# Text that is drawn is about as diverse as real text. Where it surprises *more* than real text, there is a reason for that, too: a model that is not perfect spreads some probability over tokens that fit nowhere, and a draw hits one of them now and then. That is what section 4 is about.
#
# **What we learnt.** The likeliest text is atypical. Searching for it gives dull, repetitive text; distinct-n and the surprise per token show how dull.

# %% [markdown]
# ## 3 · Temperature
#
# *(core)*
#
# The word comes from physics. A system that can be in states with energies $E_i$ is in state $i$ with the probability
#
# $$p_i = \frac{e^{-E_i / T}}{\sum_j e^{-E_j / T}}$$
#
# (Boltzmann). Let the energy of a token be its surprise, $E_i = -\ln p_i$. At $T = 1$ this is the model's own distribution. Near $T = 0$ everything is frozen in the state of lowest energy: greedy. At high $T$ all states are equally likely: noise. So the dial runs from dull to mad.
#
# The physics comes with two laws, for the mean energy $U = \sum_i p_i E_i$ and the entropy $S$:
#
# $$\frac{dU}{dT} = \frac{\mathrm{Var}(E)}{T^2} \qquad\qquad \frac{dS}{dT} = \frac{1}{T} \, \frac{dU}{dT}$$
#
# Both are never negative: more heat, more surprise, more disorder. Let us check them on a distribution of our model.

# %%
energies = -logits.double().log_softmax(-1)


def boltzmann(temperature):  # mean energy, entropy, variance of the energy
    p = (-energies / temperature).softmax(-1)
    mean = (p * energies).sum()
    spread = (p * (energies - mean) ** 2).sum()
    return mean.item(), torch.special.entr(p).sum().item(), spread.item()


TINY = 1e-4
for T in (0.5, 1.0, 2.0):
    (U, S, variance), (warmer_U, warmer_S, _) = boltzmann(T), boltzmann(T + TINY)
    dU, dS = (warmer_U - U) / TINY, (warmer_S - S) / TINY
    assert math.isclose(dU, variance / T**2, rel_tol=0.01)
    assert math.isclose(dS, dU / T, rel_tol=0.01)
    print(f"T = {T}: U = {U:.3f} nats, S = {S:.3f} nats, dU/dT = {dU:.3f} = Var/T²")

# %%
# Where does the order melt?
temperatures = np.geomspace(0.05, 10, 60).tolist()
found = [boltzmann(T) for T in temperatures]
curves = {
    "entropy S": Curve(x=temperatures, y=[S for _, S, _ in found]),
    "mean surprise U": Curve(x=temperatures, y=[U for U, _, _ in found]),
}
heat = Curve(x=temperatures, y=[v / T**2 for T, (_, _, v) in zip(temperatures, found, strict=True)])
melting = temperatures[int(np.argmax(heat.y))]
show(
    plot_panels(
        Panel(
            title="From frozen to even",
            axis_labels=("temperature (log scale)", "nats"),
            curves=curves,
            levels={"ln V": math.log(len(logits))},
            log_x=True,
        ),
        Panel(
            title="Heat capacity dU/dT",
            axis_labels=("temperature (log scale)", "nats"),
            curves={"Var(E) / T²": heat},
            log_x=True,
        ),
    ),
    alt=f"Left: entropy from {found[0][1]:.2f} to {found[-1][1]:.2f} nats and mean surprise from {found[0][0]:.2f} to {found[-1][0]:.2f} "
    f"nats as the temperature rises from 0.05 to 10; ln V is {math.log(len(logits)):.2f}. Right: the heat capacity, highest at T = {melting:.2f}.",
)

# %% [markdown]
# At $T = 1$ the two curves of the left picture touch: there, the mean surprise *is* the entropy. (Everywhere else it is larger, because it is a cross-entropy.) On the right, a peak, as where ice melts: to its left, tokens that make sense are drawn; to its right, the thousands that do not come in, because they are so many. That is why one does not go much higher than 1.
#
# Now the loop that draws a text. **Exercise (core).** Write it. It is short, and has more ways of going wrong than lines: what goes into the softmax, what the model is shown, which generator throws the dice. `apply_temperature` is from lesson 00.

# %%
# @exercise course_lib.generation.sampling:sample_ids

# %%
sample_ids = check("06:sample_ids", sample_ids)


# %%
@torch.no_grad()
def next_log_probs(ids):
    return model(torch.tensor([list(ids)]))[0, -1].log_softmax(-1)


one_prompt = begin(openings[0])[0].tolist()
for T in (0.1, 0.5, 1.0, 1.5):
    ids = sample_ids(next_log_probs, one_prompt, 30, temperature=T, generator=make_generator(2))
    print(f"T = {T}: {as_text(ids)}")

# %% [markdown]
# Four traps:
#
# - $T = 0$ is a division by zero. For the likeliest token, take the argmax; our function refuses, as transformers does.
# - The temperature divides **logarithms**. Dividing probabilities changes nothing after they are made to sum to 1; and a softmax over *probabilities* is nearly even, whatever the model says.
# - Temperature changes how likely a token is, never the order: it cannot make a wrong favourite right.
# - A cold *token* is not a cold *text*. **By hand:** the first token is A (0.6) or B (0.4). After A come three tokens, equally likely; after B always the same one. The likeliest text begins with B: 0.4 against 0.2. But a temperature near 0, token by token, begins with A. To find the likeliest *text* one must search (section 6).
#
# **What we learnt.** Temperature is Boltzmann's: it trades surprise against disorder, from greedy to even. It is applied token by token.

# %% [markdown]
# ## 4 · Which tokens may be drawn
#
# *(core)*
#
# A model with thousands of tokens gives each of the senseless ones very little; together they have enough that a long text meets some. So one cuts the tail off before drawing:
#
# | | keeps | in words |
# |---|---|---|
# | top-k | the $k$ likeliest | as many, however sure the model is |
# | top-p, *nucleus* | the likeliest until their sum reaches $p$ | few where it is sure, many where it is not |
# | min-p | those at least $p$ times as likely as the likeliest | a limit that moves with the favourite |
# | typical | those whose surprise is nearest to the entropy, until they sum to $p$ | may even leave out the favourite |
#
# Move the sliders. (Without a running kernel you see six settings. Grey is the model, blue what is drawn from.) It is the distribution after “Priya was a” again. Which settings come to much the same here?

# %%
# What does each way of choosing leave of the distribution?
browse_sampling(
    logits,
    lambda token: as_text([token]),
    {
        "T = 0.5": Sampling(temperature=0.5),
        "T = 2": Sampling(temperature=2.0),
        "top-k, k = 5": Sampling(top_k=5),
        "top-p, p = 0.8": Sampling(top_p=0.8),
        "min-p, p = 0.3": Sampling(min_p=0.3),
        "typical, p = 0.5": Sampling(typical_p=0.5),
    },
)

# %% [markdown]
# **By hand**, top-p with $p = 0.6$ over 0.2, 0.5, 0.3. From the likeliest on: 0.5, not yet 0.6; 0.5 + 0.3 = 0.8 has reached it. So 0.5 and 0.3 stay, the 0.2 goes: the token with which the sum *reaches* $p$ belongs to the nucleus. Otherwise a small $p$ would leave nothing at all.
#
# **Exercise (core).** Write it, for any number of leading axes.

# %%
# @exercise course_lib.generation.filters:keep_top_p

# %%
keep_top_p = check("06:keep_top_p", keep_top_p)

# %%
# How large is the nucleus, from token to token of a real story?
whole = begin(stories[0].told["en"].text)
with torch.no_grad():
    every = model(whole)[0].log_softmax(-1)
sizes = {p: keep_top_p(every, p).isfinite().sum(-1).tolist() for p in (0.5, 0.9)}
show(
    plot_panels(
        Panel(
            title="The nucleus breathes",
            axis_labels=("token of the story", "tokens in the nucleus (log scale)"),
            curves={f"p = {p}": Curve(x=range(len(n)), y=n) for p, n in sizes.items()},
            log_y=True,
        )
    ),
    alt="Tokens in the nucleus along a story, on a log scale. "
    + "; ".join(
        f"p = {p}: median {statistics.median(n):.0f}, highest {max(n):,}, a single one at {n.count(1)} of {len(n)} places"
        for p, n in sizes.items()
    )
    + ".",
)

# %% [markdown]
# At many places one token is enough; at others, dozens are possible (a name, a colour, a job). No fixed $k$ fits both. That is the argument for top-p and min-p.
#
# The filters come one after the other; what is left must be made to sum to 1 again. Our `Sampling` does it in the order in which you see them in its help. Here are all of them on the same distribution:

# %%
# NBVAL_CHECK_OUTPUT
toy = torch.tensor([0.42, 0.3, 0.15, 0.08, 0.05]).log()
for name, kept in {
    "top-k 2": keep_top_k(toy, 2),
    "top-p 0.8": keep_top_p(toy, 0.8),
    "min-p 0.25": keep_min_p(toy, 0.25),
    "typical 0.4": keep_typical(toy, 0.4),
}.items():
    print(f"{name:12}", [round(share, 2) for share in kept.softmax(-1).tolist()])

# %% [markdown]
# ### Against repetition
#
# Two more rules look at the *text*. A **repetition penalty** makes every token that has come before less likely. **No-repeat n-grams** rule out a token that would complete an n-gram a second time.
#
# The penalty is a factor on the score. **By hand**, with a penalty of 2, for tokens that came before: a score of 2 becomes 1, a score of −2 becomes −4. Both are less likely now. (The paper that proposed it divides all scores. Then −2 becomes −1: *likelier* than before.)
#
# **Exercise (core).** Write the penalty.

# %%
# @exercise course_lib.generation.penalties:penalise_repetition

# %%
penalise_repetition = check("06:penalise_repetition", penalise_repetition)

# %%
# NBVAL_CHECK_OUTPUT
scores = torch.tensor([2.0, -2.0, 1.0, 0.5])
print("as they are:", scores.tolist())
print("penalised:  ", penalise_repetition(scores, [0, 1, 0], 2.0).tolist())
shifted = penalise_repetition(scores - 3.0, [0, 1, 0], 2.0)
print("the same distribution, all scores 3 lower, penalised:", shifted.tolist())
p, q = penalise_repetition(scores, [0, 1, 0], 2.0).softmax(-1), shifted.softmax(-1)
print("probabilities:", [round(x, 2) for x in p.tolist()], [round(x, 2) for x in q.tolist()])

# %% [markdown]
# Look at the last line. Logits that differ by a constant are the same distribution; the penalty makes two different ones of it. It is a rule of thumb that works, not a rule about probabilities.
#
# And no-repeat n-grams? With $n = 2$, every pair of tokens may come once in a text. **Predict:** how many real stories obey that?

# %%
for n in (2, 3, 4):
    obeying = 0
    for story in stories:
        tokens = tokenizer.encode(story.told["en"].text)
        obeying += distinct_n([tokens], n) == 1
    low, high = proportion_interval(obeying, len(stories))
    print(
        f"n = {n}: {obeying} of {len(stories)} real stories repeat no {n}-gram [{low:.2f}, {high:.2f}]"
    )
ids = [3, 1, 2, 3]
print("after 3 1 2 3, with n = 2:", forbid_repeated_ngrams(torch.zeros(4), ids, 2).tolist())

# %% [markdown]
# What the rule forbids, good stories do: *the red ring* must come back at the end, in the same words. Both rules fight a symptom of greedy decoding. Where you draw, you need them less.
#
# **What we learnt.** Cut the tail, not the head: top-p and min-p follow the model's sureness, top-k does not. Rules against repetition also forbid what should be repeated.

# %% [markdown]
# ## 5 · Read everything once: the cache
#
# *(core)*
#
# `sample_ids` shows the model the whole text for each new token. A text of 500 tokens is read 500 times; all but one of these readings compute keys and values that were there before. Nothing that stands earlier changes, because a causal model does not look ahead. So keep them: the **KV cache**. A step then reads one token, and looks at the kept keys.
#
# A simple one makes its tensors longer with every step:


# %%
# @scratch course_lib.nn.cache:KVCache
class GrowingCache:
    def __init__(self, n_layers):
        self.layers = [None] * n_layers

    def append(self, layer, keys, values):
        if self.layers[layer] is not None:
            old_keys, old_values = self.layers[layer]
            keys, values = torch.cat([old_keys, keys], 2), torch.cat([old_values, values], 2)
        self.layers[layer] = keys, values
        return self.layers[layer]


# %% [markdown]
# It copies all it has for every token. Better: set the room aside once, fill it, and remember how far. That is `KVCache`. Who counts the tokens? Not a layer: all layers append *the same* tokens, so counting happens once, after the last layer.
#
# The cost **by hand**. A token has a key and a value, in each of $L$ layers, for each of $G$ heads of keys and values, of $d_{\mathrm{head}}$ numbers with 4 bytes: $2 \cdot L \cdot G \cdot d_{\mathrm{head}} \cdot 4$. With 4 layers, 2 such heads and a width of 32: $2 \cdot 4 \cdot 2 \cdot 32 \cdot 4 = 2048$ bytes per token.
#
# **Exercise (stretch).** Write the class: room, `append`, `advance`; and `keep` (go on with some of the sequences: beams need that) and `forget` (take tokens back: speculative decoding needs that).

# %%
# @exercise course_lib.nn.cache:KVCache

# %%
KVCache = check("06:KVCache", KVCache)

# %%
# NBVAL_CHECK_OUTPUT
fresh = partial(torch.randn, 1, 2, generator=make_generator(run.seed))
ours, grown = KVCache(3, 1, 2, max_len=9, d_head=5), GrowingCache(3)
for n_new in (4, 1, 1):
    for layer in range(3):
        keys, values = fresh(n_new, 5), fresh(n_new, 5)
        torch.testing.assert_close(
            ours.append(layer, keys, values), grown.append(layer, keys, values)
        )
    ours.advance(n_new)
print("tokens:", ours.n_tokens, "of", ours.max_len, "| bytes set aside:", ours.n_bytes)
settings = model.config
per_token = 2 * settings.n_layers * settings.n_kv_heads * settings.d_head * 4
print("bytes per token of story-gpt:", per_token, "=", model.make_cache(1, 1).n_bytes)

# %% [markdown]
# Does it change the text? It must not: not by a token.

# %%
with_mine = Cached(model, KVCache)  # your class at work, if it is right
without = Uncached(model)
texts = {
    name: greedy(reader, prompt, 60)
    for name, reader in (("cached", with_mine), ("read again", without), ("library", model))
}
assert texts["cached"] == texts["read again"] == texts["library"]
print("60 tokens, three ways: the same")

# %% [markdown]
# **Predict.** Twice as long a text: how much more does the next token cost, with the cache and without?

# %%
lengths = (16, 32, 64, 128, 256, 500)
long_text = begin(" ".join(story.told["en"].text for story in stories[:6]))[:, :512]


def milliseconds(work, n_times):
    return 1000 * statistics.median(timeit.repeat(work, number=1, repeat=n_times))


costs = {"cached": [], "read again": []}
for n in lengths:
    reading = Cached(model).begin(1, 512)
    reading.read(long_text[:, :n])

    def one_token(reading=reading, n=n):
        reading.read(long_text[:, n : n + 1])
        reading.forget(1)

    with torch.inference_mode():
        costs["cached"].append(milliseconds(one_token, 15))
        costs["read again"].append(milliseconds(lambda n=n: model(long_text[:, : n + 1]), 5))
pd.DataFrame(costs, index=pd.Index(lengths, name="tokens so far")).map("{:.2f} ms".format)

# %%
# What does the next token cost?
show(
    plot_panels(
        Panel(
            title="Time for one more token",
            axis_labels=("tokens so far (log scale)", "milliseconds (log scale)"),
            curves={name: Curve(x=lengths, y=y) for name, y in costs.items()},
            log_x=True,
            log_y=True,
        )
    ),
    alt="Milliseconds for one more token against the tokens so far. "
    + "; ".join(
        f"{name}: {y[0]:.2f} at {lengths[0]} tokens, {y[-1]:.2f} at {lengths[-1]}"
        for name, y in costs.items()
    )
    + ".",
)

# %% [markdown]
# Reading again costs more and more as the text grows. With the cache, a step reads one token whatever stands before; only the looking grows, and it is a small part here.
#
# The price is memory. It grows with the text and with the number of texts side by side, and at real sizes it is what limits a server. Three remedies: fewer heads of keys and values than of queries (**grouped queries**: Llama), 8 bits instead of 16 or 32, and forgetting the oldest tokens (`Sliding`). Some caches, side by side (the shape of Llama 3: Grattafiori et al. 2024, table 3):

# %%
# NBVAL_CHECK_OUTPUT
shapes = {  # layers, heads of keys and values, width of a head, bytes per number
    "story-gpt": (settings.n_layers, settings.n_kv_heads, settings.d_head, 4),
    f"story-gpt, if all {settings.n_heads} heads had their own": (
        settings.n_layers,
        settings.n_heads,
        settings.d_head,
        4,
    ),
    "GPT-2 small, 16 bits": (12, 12, 64, 2),
    "Llama 3 8B, 16 bits": (32, 8, 128, 2),
    "Llama 3 8B, if all 32 heads had their own": (32, 32, 128, 2),
}
for name, (n_layers, n_kv_heads, d_head, n_bytes) in shapes.items():
    per_token = 2 * n_layers * n_kv_heads * d_head * n_bytes
    print(
        f"{name:42} {per_token:8,} bytes per token, {8192 * per_token / 2**20:6,.0f} MiB at 8,192"
    )
in_8_bits, in_32_bits = model.make_cache(1, 500, Int8Cache), model.make_cache(1, 500)
print(f"story-gpt with 8 bits: {in_8_bits.n_bytes / in_32_bits.n_bytes:.0%} of the bytes")

# %% [markdown]
# **What we learnt.** A causal model's keys and values never change, so they are computed once and kept. The cache changes the cost of a token, not the text; its bytes are $2 L G d_{\mathrm{head}}$ numbers per token.

# %% [markdown]
# ## 6 · Search: beams
#
# *(core)*
#
# If a single answer is right, as in translation, one wants the likeliest *text*, and greedy decoding does not find it: it never takes back a token. **Beam search** keeps the best $b$ beginnings side by side.
#
# **By hand**, the example of section 3: A (0.6), then three ways of 0.2 each in the end; or B (0.4), then one way only. With two beams: after one token, A 0.6 and B 0.4 are both kept. After two, the best are B with 0.4 and A with 0.2. Found.


# %%
# @scratch course_lib.generation.beam:beam_search
def simple_beam_search(next_log_probs, prompt, n_tokens, n_beams):
    beams = [(0.0, list(prompt))]
    for _ in range(n_tokens):
        longer = [
            (total + log_prob, [*ids, token])
            for total, ids in beams
            for token, log_prob in enumerate(next_log_probs(ids).tolist())
        ]
        beams = sorted(longer, key=lambda beam: beam[0], reverse=True)[:n_beams]
    return beams


# %%
three_ways = torch.tensor([[0.6, 0.4, 0, 0], [1 / 3, 0, 1 / 3, 1 / 3], [0, 0, 0, 1], [0, 0, 0, 1]])
after = {(): three_ways[0], (0,): three_ways[1], (1,): three_ways[2]}
for n_beams in (1, 2):
    simple = simple_beam_search(lambda ids: after[tuple(ids[1:])].log(), [9], 2, n_beams)
    print(
        n_beams,
        "beam:" if n_beams == 1 else "beams:",
        simple[0][1][1:],
        f"{math.exp(simple[0][0]):.2f}",
    )
best_simple = simple_beam_search(next_log_probs, one_prompt, 5, 3)
best_found = beam_search(model, torch.tensor([one_prompt]), 5, n_beams=3, length_penalty=0.0)[0]
torch.testing.assert_close(
    torch.tensor([total for total, _ in best_simple]),
    torch.tensor([beam.score for beam in best_found]),
    rtol=1e-4,
    atol=1e-4,
)
assert [ids[len(one_prompt) :] for _, ids in best_simple] == [beam.ids for beam in best_found]
print("ours and the library's: the same three texts of five tokens")

# %% [markdown]
# The library's also ends texts, at different lengths. Then a problem appears: a sum of logarithms falls with every token, so **short texts win**. The usual remedy divides by a power of the length, the **length penalty**; it is a dial, not a law.
#
# ### One right answer
#
# `story-translator` is an encoder-decoder (lesson 04) that translates the stories, English to Chinese and back; the first token of its source says into which language. The story world tells each story in both languages from one plan, so we know the translation. **Predict:** which way of choosing is right most often?

# %%
translator, words = load_checkpoint("story-translator")
over, into_chinese = (words.special_tokens[name] for name in ("<|endoftext|>", "<|to-zh|>"))
n_pairs = run.pick(small=40, t4=300)
pairs = [
    (story.told["en"].sentences[1], story.told["zh"].sentences[1]) for story in stories[:n_pairs]
]
sources = pad_texts([[into_chinese, *words.encode(english), over] for english, _ in pairs])
task = ForSource(translator, sources.ids, sources.mask)
limit, its_end = 80, Rules(end_id=over)
found = {
    "greedy": greedy(task, task.prompts, limit, rules=its_end),
    **{
        f"{n} beams": [
            best[0].ids for best in beam_search(task, task.prompts, limit, n_beams=n, rules=its_end)
        ]
        for n in (2, 4)
    },
    "drawn": sample(task, task.prompts, limit, generator=make_generator(1), rules=its_end),
}
start = int(task.prompts[0, 0])
translation_rows = {}
for name, texts in found.items():
    whole = pad_texts([[start, *ids, over] for ids in texts])
    n_right = sum(
        words.decode(ids) == chinese for ids, (_, chinese) in zip(texts, pairs, strict=True)
    )
    low, high = proportion_interval(n_right, len(pairs))
    translation_rows[name] = {
        "as the story has it": f"{n_right / len(pairs):.2f} [{low:.2f}, {high:.2f}]",
        "log-probability": round(token_log_probs(task, *whole).sum(1).mean().item(), 2),
    }
print("English:", pairs[0][0], "| the story:", pairs[0][1])
print("greedy: ", words.decode(found["greedy"][0]))
print(f"n = {len(pairs)} sentences")
pd.DataFrame(translation_rows).T

# %% [markdown]
# The right-hand column is what the search looks for, the left-hand one what you want; where the model is good, the two go together. Drawing adds bad luck to the model's doubts: with one right answer there is nothing to be gained by that.
#
# ### Many good answers
#
# On stories, more beams find likelier texts. Are they better?

# %%
beam_rows = {}
for n_beams in (1, 2, 4):
    found = beam_search(
        model,
        pad_left([begin(text)[0] for text in openings[:6]]),
        120,
        n_beams=n_beams,
        rules=until_end,
    )
    best = [beams[0] for beams in found]
    beam_rows[n_beams] = {
        "log-probability per token": round(statistics.mean(beam.score for beam in best), 3),
        "distinct-4": round(distinct_n([beam.ids for beam in best], 4), 3),
    }
pd.DataFrame(beam_rows).T.rename_axis("beams")

# %% [markdown]
# Likelier is what was searched for. The second column says whether the texts also became more varied; compare it with the real stories in section 2.
#
# **What we learnt.** Beam search looks for the likeliest text. That is what you want where one answer is right, and what you do not want where many are good.

# %% [markdown]
# ## 7 · A small model writes ahead
#
# *(core)*
#
# With a cache, a step of a large model spends its time fetching the weights; whether it then reads one token or five makes little difference. **Speculative decoding** uses that: a small **draft** model writes a few tokens ahead, the large one reads them all at once and judges. Let $q$ be what the small model says in a place, $p$ the large one. A drafted token $x$
#
# - is accepted with probability $\min(1, p(x)/q(x))$;
# - at the first refusal, a token is drawn from what $p$ has *more* than $q$: $\max(0, p - q)$, normalised; the rest of the draft is thrown away;
# - if all are accepted, one more is drawn from $p$.
#
# **By hand** that the result follows $p$, for one token. Two outcomes, $q = (0.75, 0.25)$ and $p = (0.5, 0.5)$. The first is drafted with 0.75 and accepted with 0.5/0.75: it comes out with probability 0.5. The second is drafted with 0.25 and always accepted: 0.25. A refusal has probability 0.25, and then only the second has something left: another 0.25. Together 0.5 and 0.5, which is $p$, with no trace of $q$.
#
# **Exercise (stretch).** Write the judge.

# %%
# @exercise course_lib.generation.speculative:judge_draft

# %%
judge_draft = check("06:judge_draft", judge_draft)

# %%
# Does the small model leave a trace?
large_p = torch.tensor([0.5, 0.1, 0.3, 0.1], dtype=torch.float64)
small_q = torch.tensor([0.1, 0.5, 0.2, 0.2], dtype=torch.float64)
dice, n_draws = make_generator(run.seed), 4000
outcomes = torch.zeros(4)
for drafted in torch.multinomial(small_q, n_draws, replacement=True, generator=dice):
    n_kept, token = judge_draft(drafted[None], small_q[None], large_p.expand(2, 4), dice)
    outcomes[drafted if n_kept else token] += 1
statistic = ((outcomes - n_draws * large_p) ** 2 / (n_draws * large_p)).sum().item()
assert statistic < 16.27  # chi-squared with 3 degrees of freedom exceeds it once in a thousand
print("p:    ", large_p.tolist())
print("drawn:", [round(share, 3) for share in (outcomes / n_draws).tolist()], f"n = {n_draws}")
print(f"chi-squared {statistic:.2f}, 3 degrees of freedom")

# %% [markdown]
# How much does it save? A drafted token is accepted with probability $\alpha = \sum_x \min(p(x), q(x))$: one minus the distance of the two distributions. If each of $\gamma$ drafted tokens has the same chance, independently, then one reading of the large model yields on average
#
# $$1 + \alpha + \alpha^2 + \ldots + \alpha^{\gamma} = \frac{1 - \alpha^{\gamma + 1}}{1 - \alpha}$$
#
# tokens. Two drafts for our model. `story-gpt-draft` was trained like it, with half the blocks. The other is the model itself, with the second half of its blocks cut off: it was never trained to do without them. **Predict:** their acceptance rates?

# %%
half = deepcopy(model)
half.blocks = half.blocks[: settings.n_layers // 2]
trained, _ = load_checkpoint("story-gpt-draft")
drafts = {"story-gpt-draft": trained, "cut in half": half}
texts = [begin(story.told["en"].text)[:, :200] for story in stories[:8]]
alphas = {}
with torch.no_grad():
    for name, draft in drafts.items():
        chances = [acceptance_chance(model(t).softmax(-1), draft(t).softmax(-1))[0] for t in texts]
        alphas[name] = torch.cat(chances).mean().item()
draft_rows = []
for name, draft in drafts.items():
    for n_ahead in (1, 2, 4):
        dice = make_generator(run.seed)
        done = [
            speculative(
                model, Draft(draft, n_ahead), begin(text), 60, generator=dice, sampling=Sampling()
            )
            for text in openings[:5]
        ]
        draft_rows.append(
            {
                "draft": name,
                "tokens ahead": n_ahead,
                "α, real stories": round(alphas[name], 3),
                "accepted": round(
                    sum(d.n_accepted for d in done) / sum(d.n_judged for d in done), 3
                ),
                "tokens per reading": round(
                    sum(len(d.ids) for d in done) / sum(d.n_rounds for d in done), 2
                ),
                "theory": round(expected_tokens_per_round(alphas[name], n_ahead), 2),
            }
        )
pd.DataFrame(draft_rows).set_index(["draft", "tokens ahead"])

# %% [markdown]
# The theory takes one number for all places. In truth easy places stand together, and a text that the model itself writes is not a real story; so measured and predicted need not agree to the last digit. What the formula shows well: with a poor draft, writing further ahead is wasted.
#
# Half of the blocks, trained for the task, and half of the blocks, cut off: the same cost, and the difference is in $\alpha$.
#
# A bad draft costs time, never quality. And a good one saves time only where the large model is many times larger than the draft, and fetching its weights is what takes the time; count what the draft's own steps cost before you expect a gain.
#
# **What we learnt.** Draft, judge, repair: the text follows the large model exactly. The gain depends on $\alpha$, the overlap of the two distributions.

# %% [markdown]
# ## 8 · Prompting with examples
#
# *(core)*
#
# So far a prompt was the beginning of a story. It can also hold a *task*: an instruction (**zero-shot**), or examples with their answers (**few-shot**), and the model goes on in the same pattern. No weight changes. Answers are best compared by their probability: `score_choices` says how likely each of several answers is.
#
# First, how much hangs on the wording? One question, asked about the last sentence of a story: is the mood good or bad? In five wordings:

# %%
mood = make_shot_tasks(["mood"], n_per_label=run.pick(small=20, t4=100), seed=run.seed)[0]
wordings = {
    "Mood:": "Story: {}\nMood:",
    "The mood is": "{} The mood is",
    "So it was a … day": "{} So it was a",
    "In the end, all was": "{} In the end, all was",
    "And all was": "{} And all was",
}


good_or_bad = [tokenizer.encode(" good"), tokenizer.encode(" bad")]


def says_good(template, item):
    sentence = item.prompt.removeprefix("Story: ").removesuffix("\nMood:")
    good, bad = score_choices(model, begin(template.format(sentence)), good_or_bad)
    return good.log_prob > bad.log_prob


wording_rows = {}
for name, template in wordings.items():
    said_good = [says_good(template, item) for item in mood.items]
    n_right = sum(
        good == (item.label == "good") for good, item in zip(said_good, mood.items, strict=True)
    )
    low, high = proportion_interval(n_right, len(mood.items))
    wording_rows[name] = {
        "right": f"{n_right / len(mood.items):.2f} [{low:.2f}, {high:.2f}]",
        "says “good”": f"{sum(said_good) / len(mood.items):.2f}",
    }
print(f"n = {len(mood.items)} sentences, half of them good")
pd.DataFrame(wording_rows).T

# %% [markdown]
# Read the second column first. Where it is near 0 or 1, the model says the same word whatever the story is, and then the first column is one half, by construction. That is a bias of the *prompt* towards one answer (Zhao et al. 2021), no opinion about the story. One and the same model, one and the same question: how far apart are the five? So never judge a prompt by one answer. Take labelled items, count, give the interval; and look at how often each answer is given.

# %%
# What do examples in the prompt do, and what do they do with each other's labels?
pick = likeliest(model, tokenizer.encode, [END])
colour = make_shot_tasks(["colour"], n_per_label=run.pick(small=16, t4=100), seed=run.seed)[0]
shots = {task.name: measure_shots(task, pick, (0, 1, 4), seed=run.seed) for task in (mood, colour)}
show(
    plot_shots(shots, {name: 1 / 2 for name in shots}),
    alt="Accuracy over the number of examples. "
    + "; ".join(
        f"{name}, {score.condition}, {score.n_shots} examples: {score.accuracy:.2f} "
        f"[{score.interval.low:.2f}, {score.interval.high:.2f}], n = {score.n_items}"
        for name, scores in shots.items()
        for score in scores
    )
    + ".",
)

# %% [markdown]
# Two tasks. *Mood* has a form that no story has, *colour* is running text of the world (which of two colours comes back at the end of the story?). The controls tell what the examples did: with **shuffled labels** they show the form but not the truth. Where that is as good, the examples taught form only. And where an interval holds 0.5, nothing has been shown at all. Compare *colour* without examples and with them, too: in training, no story had other stories before it.
#
# **What we learnt.** A prompt is measured, with labelled items, an interval and controls. A model that has only read stories is good at going on with stories.

# %% [markdown]
# ## 9 · Sure of what nobody said
#
# *(core)*
#
# A model goes on fluently where it knows, and as fluently where it cannot know. This is called **hallucination**. In the story world we know exactly what was said. Each story mentions a thing with a colour, and comes back to it at the end. At the second mention the colour is *stated*: it stands in the text. At the first it is not: the writer draws it there. So we ask the model for the colour in both places; and, third, for something that no story ever says.

# %%
colour_ids = [tokenizer.encode(f" {colour}") for colour in colours]


def ask_colour(text):
    """The likeliest colour to follow, and its share among all colours."""
    scores = score_choices(model, begin(text), colour_ids)
    shares = torch.tensor([score.log_prob for score in scores]).softmax(-1)
    return colours[int(shares.argmax())], shares.max().item()


asked = []
for story in stories:
    told = story.told["en"]
    if told.callback is None or told.tokens[told.callback.return_token - 1] not in colours:
        continue
    first, back = told.callback.first_token - 1, told.callback.return_token - 1
    until = {at: join_tokens(told.tokens[:at], "en")[0] for at in (first, back)}
    colour = told.tokens[back]
    guess, _ = ask_colour(until[first])
    invented = join_tokens([*told.tokens[:first], guess, *told.tokens[first + 1 : back]], "en")[0]
    asked.append(
        {
            "stated before": (*ask_colour(until[back]), colour),
            "not yet stated": (*ask_colour(until[first]), colour),
            "never stated": (
                *ask_colour(f"{told.text} The favourite colour of {story.hero} was"),
                None,
            ),
            "its own invention": (*ask_colour(invented), guess),
        }
    )
confidence = {}
for name in asked[0]:
    sure = [row[name][1] for row in asked]
    low, high = bootstrap_interval(sure)
    confidence[name] = {"mean confidence": f"{np.mean(sure):.2f} [{low:.2f}, {high:.2f}]"}
    if name != "never stated":
        n_right = sum(row[name][0] == row[name][2] for row in asked)
        low, high = proportion_interval(n_right, len(asked))
        confidence[name]["right"] = f"{n_right / len(asked):.2f} [{low:.2f}, {high:.2f}]"
print(f"n = {len(asked)} stories, {len(colours)} colours; even guessing {1 / len(colours):.2f}")
pd.DataFrame(confidence).T.fillna("there is no answer")

# %% [markdown]
# Read the rows:
#
# - *Stated before*: the answer stands in the text. Compare how sure the model is with how often it is right. Where the two agree, a model is **calibrated**.
# - *Not yet stated*: nobody can know. A calibrated model is as sure here as a guess is right: hardly. But the *text* shows nothing of this. “A red ring” and “the red ring” look equally certain on the page.
# - *Never stated*: no story says such a thing, and still there is a favourite. Compare its confidence with even guessing: what exceeds that is confidence in nothing. The model has no way to say “it was not said”; it was never trained to.
# - *Its own invention*: here the colour of the first mention was replaced by the model's own guess, and the model was asked again at the end. “Right” means that it repeats its guess. Compare with the row of stated facts, and with that of facts not yet stated: what was invented once is in the text from then on, and is read like any other fact. So asking a model whether it is sure *after* it has answered tells you little.
#
# What can be done: look at the probability *where the fact first appears*; draw several answers and see whether they agree; give the facts in the prompt; and train models to say “I do not know”.
#
# **What we learnt.** Fluency is no evidence. The probabilities know more than the text shows, at the place where a fact is first said.

# %% [markdown]
# ## 10 · A chat with memory
#
# *(optional)*
#
# A chat is nothing new either: the messages so far, written out as one text with marks for who speaks, and the model goes on with the assistant's part. The model remembers nothing. The *program* keeps the messages and shows them to it again each time; when they no longer fit, the oldest are dropped (`fit_messages`).

# %%
paper = ChatFormat(start="", end="", after_role=": ")
sentence_end = Rules(end_id=END, stop=StopStrings(tokenizer.decode, [".", "。"]))
writing = {"sampling": Sampling(top_p=0.8), "rules": sentence_end, "generator": dice}


def go_on(messages, n_tokens=300):
    kept = fit_messages(messages, n_tokens, tokenizer, paper)
    so_far = begin(" ".join(message.content for message in kept))
    return as_text(sample(model, so_far, 60, **writing)[0]).strip()


# %% [markdown]
# Be clear about what this is. `story-gpt` has read stories only. It has never seen a question answered, nor a line that begins with “user:”. It is no assistant, and no format makes it one; that takes training on conversations (lesson 14). What it can do is *go on with your story*, sentence by sentence, so that is what this chat does.

# %%
chat(
    go_on,
    [
        "There was once a gardener in Pebblewick whose name was Priya.",
        "She had lost a red ring at the market.",
        "That evening, there was a knock at the door.",
    ],
)

# %% [markdown]
# And its memory? How likely is the hero's name, with all of the conversation and with its oldest part dropped?

# %%
name_ids = tokenizer.encode(" Priya")
beginning = "There was once a gardener in Pebblewick whose name was Priya."
middle = "She had lost a red ring at the market. That evening, there was a knock at the door."
for label, kept in (("all of it", f"{beginning} {middle}"), ("first message dropped", middle)):
    score = score_choices(model, begin(f"{kept} “Good evening,” said"), [name_ids])[0]
    print(f"{label:22} P(“Priya” comes next) = {math.exp(score.log_prob):.4f}")

# %% [markdown]
# **What we learnt.** A chat's memory is the prompt. What does not fit is gone.


# %% [markdown]
# ## Known truth
#
# The program that writes the stories can also *read* them: it knows whether it could have written a text at all (**valid**), token by token. And it keeps its promises: each story has one coloured thing, which comes back as it was (**keeps its thing**). So we can say of each method what it does to quality and to variety, not only which text we like. The same openings, all methods, plain sampling as it is:

# %%
reader = story_reader("en")
things = {item.row["en"] for item in lexicon()["objects"]}
coloured = re.compile(r"\b(" + "|".join(colours) + r") (" + "|".join(sorted(things)) + r")\b")


def is_valid(text):
    with suppress(ValueError):
        return bool(reader.read(text))
    return False


methods = {
    "T = 0.5": Sampling(temperature=0.5),
    "T = 0.8": Sampling(temperature=0.8),
    "top-p 0.9": Sampling(top_p=0.9),
    "min-p 0.1": Sampling(min_p=0.1),
    "T = 1.3": Sampling(temperature=1.3),
}
for name, method in methods.items():
    written[name] = sample(
        model, batch, 160, generator=make_generator(1), sampling=method, rules=until_end
    )
truth_rows = {}
for name in (
    "real",
    "beams",
    "greedy",
    "T = 0.5",
    "T = 0.8",
    "min-p 0.1",
    "top-p 0.9",
    "drawn",
    "T = 1.3",
):
    texts = [opening + as_text(ids) for opening, ids in zip(openings, written[name], strict=True)]
    mentions = [coloured.findall(text) for text in texts]
    n_kept = sum(len(found) > 1 and len(set(found)) == 1 for found in mentions)
    n_valid = sum(map(is_valid, texts))
    truth_rows[name] = {
        "keeps its thing": "{:.2f} [{:.2f}, {:.2f}]".format(
            n_kept / N_STORIES, *proportion_interval(n_kept, N_STORIES)
        ),
        "valid": "{:.2f} [{:.2f}, {:.2f}]".format(
            n_valid / N_STORIES, *proportion_interval(n_valid, N_STORIES)
        ),
        "distinct-4": round(distinct_n(written[name], 4), 3),
    }
print(f"n = {N_STORIES} stories a method")
pd.DataFrame(truth_rows).T

# %% [markdown]
# *Real* stories have to be 1.00 in the first two columns: that tests the reader, not the model. The other rows are ordered from cold to hot. Go down the last column: variety comes with heat. Go down the first two: what does it cost? A whole story is valid only if *every* token in it could stand there, so a model that errs once in a hundred tokens rarely writes one. The intervals are wide at this number of texts; to choose between two neighbours, you need more (lesson 05c).

# %% [markdown]
# ## Real text
#
# Does real language behave like the story world? Three hundred news articles, and the simplest model that can write at all, a trigram model of words (lesson 00). Greedy, and drawn, from the same beginnings. **Predict:** after how many words does the greedy text loop?

# %%
articles = [text.split() for text in load("lee-news").documents]
news = NGramModel(NGramConfig(order=3)).fit(articles, Vocabulary.from_sentences(articles))


def greedy_news(ids):
    for _ in range(80):
        ids = [*ids, int(news.next_log_probs(ids).argmax())]
    return ids


for words in (["The", "government"], ["He", "says"]):
    given = news.encode(words)[:-1]
    drawn = sample_ids(news.next_log_probs, given, 80, generator=make_generator(run.seed))
    for name, ids in (("greedy", greedy_news(given)), ("drawn", given + drawn)):
        text = " ".join(str(word) for word in news.decode(ids[:36]))
        print(f"{name}, distinct-3 of {len(ids)} words {distinct_n([ids], 3):.2f}: {text} …")

# %% [markdown]
# A trigram model must loop, as the theorem of section 2 says. (The end of an article, `</s>`, is a token like any other: behind it, the same article begins again.) Drawn from the same model, the text repeats nothing, and means nothing either: three words are not enough to know what one is talking about. Large models loop later, and for another reason. For GPT-2, Holtzman et al. (2020) found what you saw in section 2: likelihood makes a good objective for training and a bad one for writing; what comes out is bland and strangely repetitive.

# %% [markdown]
# ## On a GPU
#
# A model of the shape of the smallest GPT-2, 124 million parameters, writes many texts side by side. With random weights: the time does not depend on what it writes. How do tokens per second grow with the number of texts, and what does the cache take? Without a GPU you see what was recorded, if anything was: this lesson was built on a CPU, so no number of this cell has been measured on a GPU by us unless a record says so.

# %% tags=["gpu"]
if run.gpu_cell:
    shape = (
        gpt2_small()
        if run.scale != "dry"
        else GPTConfig(vocab_size=97, max_len=64, d_model=16, n_heads=2, n_layers=2)
    )
    dtype = torch.float32 if run.device.type == "cpu" else torch.float16
    torch.manual_seed(run.seed)
    big = GPT(shape).to(run.device, dtype).eval()
    n_prompt, n_new = run.pick(small=(4, 8), t4=(64, 128), full=(64, 256))
    result = {"parameters": sum(p.numel() for p in big.parameters()), "new tokens a text": n_new}
    for n_texts in run.pick(small=(1, 2), t4=(1, 8, 32, 128), full=(1, 8, 64, 256)):
        ids = torch.randint(shape.vocab_size, (n_texts, n_prompt), device=run.device)
        greedy(big, ids, 2)  # the first call also sets things up
        begun = time.perf_counter()
        greedy(big, ids, n_new)
        seconds = time.perf_counter() - begun
        cache = big.make_cache(n_texts, n_prompt + n_new - 1)
        result[f"tokens per second, {n_texts} texts"] = n_texts * n_new / seconds
        result[f"MiB of cache, {n_texts} texts"] = cache.n_bytes / 2**20
    recorded = run.record("06-throughput", result)
else:
    recorded = run.recorded("06-throughput")
for name, value in recorded.result.items():
    print(f"{name}: {value:,.1f}")

# %% [markdown]
# ## Exercises
#
# They stand where they belong in the sections above:
#
# | | level | section |
# |---|---|---|
# | `distinct_n` | easy | [2 · Likely text is dull](#2-·-Likely-text-is-dull) |
# | `sample_ids` | core | [3 · Temperature](#3-·-Temperature) |
# | `keep_top_p` | core | [4 · Which tokens may be drawn](#4-·-Which-tokens-may-be-drawn) |
# | `penalise_repetition` | core | [4 · Which tokens may be drawn](#4-·-Which-tokens-may-be-drawn) |
# | `KVCache` | stretch | [5 · Read everything once: the cache](#5-·-Read-everything-once:-the-cache) |
# | `judge_draft` | stretch | [7 · A small model writes ahead](#7-·-A-small-model-writes-ahead) |
#
# Six more without a check, if you like:
#
# - *Easy.* Draw a hundred openings from the model (`begin("")`). Which of them begin the same, and does that agree with the probabilities of section 1?
# - *Easy.* Repeat the table of *Known truth* in Chinese: openings, reader and colours exist in both languages.
# - *Core.* Change the penalty so that it subtracts a constant from the logits of all tokens seen. Which of its two oddities is gone?
# - *Core.* In section 9, draw the colour ten times instead of asking for its probability. From how many draws on can you tell a stated colour from one not yet stated?
# - *Stretch.* Write ahead with a trigram model of the story tokens. How large is α, and how far ahead should it write?
# - *Stretch.* `beam_search` with `length_penalty` from 0 to 2: how do length and validity of the stories change?

# %% [markdown]
# ## In your own words
#
# A colleague shows you a story-writing service: “We use beam search with ten beams, so we always get the best text. Repetition is switched off with no-repeat bigrams. For facts we ask the model to rate its own certainty afterwards, and show only what it rates high.” What do you say, in six sentences or fewer?
#
# <details><summary>What a good answer contains</summary>
#
# - The likeliest text is not the best story: it is atypical, and the same for everybody. Draw, with a cut tail.
# - More beams make it duller. Beams are for tasks with one right answer.
# - No-repeat bigrams forbid what good texts do, names and callbacks. Measure it on real texts.
# - A rating afterwards takes the invention for a stated fact. Look at the probability where the fact is first said, or draw several times and compare.
# - Measure: variety and correctness on labelled cases, with intervals, per setting.
#
# Three of the five is good.
#
# </details>

# %% [markdown]
# <!-- @answer ten-beams -->
# *Write your answer here: double-click this cell.*

# %% [markdown]
# ## Claims, tested
#
# Seven sentences that you will read elsewhere. The first three come from code that many tutorials share:
#
# ```python
# input_ids = tokenizer.encode("从前有个时候", return_tensors="pt")
# outputs = model.generate(input_ids, max_length=50, num_return_sequences=5, no_repeat_ngram_size=2)
# for i, output in enumerate(outputs):
#     print(f"{i}: {tokenizer.decode(output)}\\n")
# ```
#
# The model there is GPT-2. **Find what is wrong before you read on.** (There are six things.)
#
# <details><summary>Answer</summary>
#
# - Five texts are asked for, and nothing is drawn: refused.
# - `max_length` counts the prompt, too.
# - No pair of tokens may come twice, which good texts need.
# - GPT-2 was trained on text that was filtered for English. It will write something after a Chinese prompt; do not expect Chinese that makes sense.
# - There is no attention mask. With one prompt that is harmless; with several of different lengths, the padding is read as text.
# - `\\n` in the string is a backslash and an n, no new line. (And half a character may stand at the end: section 1.)
#
# </details>
#
# Let us run it in `transformers`, with our model in its format.
#
# ### “`num_return_sequences=5` gives five different texts.”
#
# **False** as the tutorial has it: there it stands with greedy decoding, which has no chance in it. It is refused, and so are more sequences than beams:

# %%
# NBVAL_CHECK_OUTPUT
from transformers import logging

logging.set_verbosity_error()
hf = llama_to_hf(model).eval()
hf.generation_config.pad_token_id = hf.generation_config.eos_token_id = END
asked_for = {"input_ids": prompt, "attention_mask": torch.ones_like(prompt), "max_new_tokens": 20}
ways = {
    "greedy": {},
    "3 beams": {"num_beams": 3},
    "5 beams": {"num_beams": 5},
    "sampling": {"do_sample": True, "top_k": 0},
    "sampling, T = 0.01": {"do_sample": True, "top_k": 0, "temperature": 0.01},
}
for name, settings_of in ways.items():
    torch.manual_seed(run.seed)
    try:
        found = hf.generate(**asked_for, num_return_sequences=5, **settings_of)
        n_different = len({tuple(row) for row in found.tolist()})
        print(f"{name:20} {n_different} different of 5")
    except ValueError as error:
        print(f"{name:20} ValueError: {str(error)[:70]}…")
again = [hf.generate(**asked_for)[0].tolist() for _ in range(2)]
print("greedy twice, equal:", again[0] == again[1])
assert (
    again[0][prompt.shape[1] :] == greedy(model, prompt, 20)[0][: len(again[0]) - prompt.shape[1]]
)

# %% [markdown]
# (And five *different* texts need not be five *good* ones: see *Known truth*.)
#
# ### “`max_length=50` lets the model write 50 tokens.”
#
# **False.** It counts the prompt. A long prompt leaves little or nothing; `max_new_tokens` says what one means:

# %%
# NBVAL_CHECK_OUTPUT
for n_prompt in (5, 40, 60):
    ids = long_text[:, :n_prompt]
    try:
        found = hf.generate(input_ids=ids, attention_mask=torch.ones_like(ids), max_length=50)
        print(f"prompt of {n_prompt} tokens: {found.shape[1] - n_prompt} new ones at most")
    except ValueError as error:
        print(f"prompt of {n_prompt} tokens: ValueError: {str(error)[:62]}…")

# %% [markdown]
# ### “`no_repeat_ngram_size=2` makes the text better.”
#
# **Imprecise.** It ends loops, and it forbids what real texts do:

# %%
n_repeating = 0
for story in stories:
    tokens = tokenizer.encode(story.told["en"].text)
    n_repeating += distinct_n([tokens], 2) < 1
share_low, share_high = proportion_interval(n_repeating, len(stories))
print(
    f"{n_repeating} of {len(stories)} real stories [{share_low:.2f}, {share_high:.2f}] could not be written under it"
)
no_repeat = Rules(end_id=END, no_repeat_ngram_size=2)
for name, rules in (("greedy", until_end), ("greedy, no repeated pair", no_repeat)):
    found = greedy(model, batch, 160, rules=rules)
    print(
        f"{name}: distinct-4 within a text {np.mean([distinct_n([ids], 4) for ids in found]):.3f}, over all texts {distinct_n(found, 4):.3f}"
    )

# %% [markdown]
# The last number is the dullness of section 2: the rule looks at one text at a time, and all texts still say the same.
#
# ### “Transformers work in parallel, so they generate fast.”
#
# **Imprecise.** They *read* in parallel: all tokens of a given text in one pass. They *write* one token after the other, because each depends on the last. The cache saves reading again, not the waiting:

# %%
n = 256
with torch.inference_mode():
    at_once = milliseconds(lambda: model(long_text[:, :n]), 5)
    cached = milliseconds(lambda: greedy(model, long_text[:, :1], n - 1), 1)
    short = milliseconds(lambda: greedy(Uncached(model), long_text[:, :1], n - 1), 1)
print(f"{n} tokens read in one pass:      {at_once:7.0f} ms")
print(f"{n} tokens written, cached:       {cached:7.0f} ms, {cached / at_once:.0f} times as long")
print(f"{n} tokens written, read again:   {short:7.0f} ms, {short / at_once:.0f} times as long")
assert cached > 3 * at_once
assert short > 1.5 * cached

# %% [markdown]
# ### “Speculative decoding makes the text a little worse.”
#
# **False.** What is written follows the large model, whatever the draft is. Greedily it is the same text, token for token, even with a model cut in half as a draft:

# %%
for name, draft in drafts.items():
    for text in openings[:3]:
        alone = greedy(model, begin(text), 60, rules=until_end)[0]
        helped = speculative(model, Draft(draft, 3), begin(text), 60, rules=until_end)
        assert helped.ids == alone
        print(
            f"{name}: {len(alone)} tokens, the same; {helped.n_rounds} readings of the large model"
        )

# %% [markdown]
# ### “Few-shot examples train the model.”
#
# **False.** No weight changes; the examples are part of the text that is read. Whether a model *uses* them depends on what it was trained on before. Here are two tiny models of the same shape. A text of theirs is a few examples, each a key with its value out of eight, and a key that is asked for. In the texts of one model the values are always the same; in those of the other they are drawn anew for each text. Then both are asked about new texts, with values drawn anew:


# %%
def key_texts(values, n_shots, generator):
    keys = torch.rand(values.shape, generator=generator).argsort(1)
    asked = keys[:, torch.randint(max(1, n_shots), (1,), generator=generator)]
    examples = keys[:, :n_shots] * 8 + values.gather(1, keys[:, :n_shots])
    return torch.cat((examples, 64 + asked), 1), values.gather(1, asked)[:, 0]


def drawn_anew(n_texts, generator):
    return torch.rand(n_texts, 8, generator=generator).argsort(1)


def always_the_same(n_texts, generator):
    return (torch.arange(8) + 3).remainder(8).expand(n_texts, 8)


def asked_loss(keeper, texts):
    return F.cross_entropy(keeper(texts[0])[:, -1, :8], texts[1])


shot_counts = (1, 2, 4)
for values_of in (always_the_same, drawn_anew):
    torch.manual_seed(run.seed)
    keeper = GPT(GPTConfig(vocab_size=72, max_len=8, d_model=64, n_heads=2, n_layers=2))
    keeper.tokens.weight.data.mul_(5.0)  # as in lesson 04
    dice = make_generator(run.seed)
    lessons = (key_texts(values_of(128, dice), shot_counts[i % 3], dice) for i in range(150))
    adamw = torch.optim.AdamW(keeper.parameters(), lr=0.003)
    train_on_batches(keeper, lessons, asked_loss, adamw)
    before = [weight.clone() for weight in keeper.eval().parameters()]
    right = {}
    with torch.no_grad():
        for n_shots in (0, *shot_counts):
            exam = make_generator(99)
            ids, value = key_texts(drawn_anew(1000, exam), n_shots, exam)
            right[n_shots] = (keeper(ids)[:, -1, :8].argmax(-1) == value).double().mean().item()
    assert all(map(torch.equal, before, keeper.parameters()))
    shown = ", ".join(f"{n_shots}: {share:.2f}" for n_shots, share in right.items())
    name = values_of.__name__.replace("_", " ")
    print(f"trained on values {name:15} | right after so many examples: {shown}")
print("n = 1000 each; even guessing 0.12; no weight has changed")

# %% [markdown]
# One example in the prompt is worth everything to one of them, and nothing to the other. *That* a model learns from its prompt is itself learnt, in training, from texts in which it pays.
#
# ### “A model that sounds sure is right.”
#
# **False.** What it writes sounds the same whether the fact was stated or invented; and what it has once invented stands in its text like any other fact:

# %%
for name, row in confidence.items():
    print(f"{name:18} " + ", ".join(f"{key} {value}" for key, value in row.items()))

# %% [markdown]
# ## Quiz

# %%
quiz("06")

# %% [markdown]
# In a notebook without buttons, answer like this: `answer_quiz("06", 2, "b")`.
#
# ## Summary

# %% [markdown]
# - The model gives distributions; the decoder makes the text.
# - The likeliest text is atypical: dull, and the same for everybody. Distinct-n and surprise per token measure that.
# - Temperature is Boltzmann's. It divides logarithms, token by token.
# - Top-p and min-p cut the tail where the model is sure, and leave choice where it is not. Rules against repetition forbid good repetition, too.
# - The cache keeps keys and values: the same text, a cheaper token, $2 L G d_{\mathrm{head}}$ numbers of memory per token.
# - Beams are for one right answer. Speculative decoding is free of charge in quality, and pays by $\alpha$.
# - Prompts are measured, with labelled items, intervals and controls.
# - Fluency is no evidence. Look at the probability where a fact is first said.

# %% [markdown]
# ## Further reading
#
# - Holtzman et al. 2020, *The Curious Case of Neural Text Degeneration*, <https://arxiv.org/abs/1904.09751>: dull text, and top-p.
# - Li et al. 2016, *A Diversity-Promoting Objective Function for Neural Conversation Models*, <https://arxiv.org/abs/1510.03055>: distinct-n.
# - Fan, Lewis and Dauphin 2018, *Hierarchical Neural Story Generation*, <https://arxiv.org/abs/1805.04833>: top-k.
# - Nguyen et al. 2024, *Turning Up the Heat: Min-p Sampling*, <https://arxiv.org/abs/2407.01082>.
# - Meister et al. 2023, *Locally Typical Sampling*, <https://arxiv.org/abs/2202.00666>.
# - Keskar et al. 2019, *CTRL*, section 4.1, <https://arxiv.org/abs/1909.05858>: the repetition penalty.
# - Ackley, Hinton and Sejnowski 1985, *A Learning Algorithm for Boltzmann Machines*, <https://doi.org/10.1207/s15516709cog0901_7>: where the temperature comes from.
# - Shazeer 2019, *Fast Transformer Decoding*, <https://arxiv.org/abs/1911.02150>: the cost of the cache, and shared keys.
# - Grattafiori et al. 2024, *The Llama 3 Herd of Models*, <https://arxiv.org/abs/2407.21783>.
# - Leviathan, Kalman and Matias 2023, *Fast Inference from Transformers via Speculative Decoding*, <https://arxiv.org/abs/2211.17192>.
# - Brown et al. 2020, *Language Models are Few-Shot Learners*, <https://arxiv.org/abs/2005.14165>.
# - Zhao et al. 2021, *Calibrate Before Use*, <https://arxiv.org/abs/2102.09690>: prompts that favour an answer.
# - Min et al. 2022, *Rethinking the Role of Demonstrations*, <https://arxiv.org/abs/2202.12837>: what shuffled labels show.
# - Kadavath et al. 2022, *Language Models (Mostly) Know What They Know*, <https://arxiv.org/abs/2207.05221>.

# %%
run.summary()
