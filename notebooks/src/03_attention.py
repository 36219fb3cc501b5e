# %% [markdown]
# # 03 · Attention
#
# **The question:** How can a word pick out, from everything that was said before, just what it needs?

# %% [markdown]
# ## You will be able to
#
# - say what a recurrent network loses on the way, and what looking back repairs;
# - compute attention by hand, write it in five lines, and say what each symbol does;
# - say why scores are divided by $\sqrt{d_{head}}$, and what happens if they are divided by something else;
# - build causal and padding masks, and find the leak when one is missing;
# - give a Transformer the order of its words, and prove that without it there is none;
# - read a map of attention weights, and test whether it explains anything.

# %% [markdown]
# ## Before you start
#
# | | |
# |---|---|
# | Builds on | A1: dot product, softmax, chain rule, training loop; 01: word vectors |
# | Your time | about 105 minutes for the core sections, 40 more for the optional ones |
# | On a CPU | about a minute on one core, under 2 GB of memory |
# | On a GPU | not needed; the cell under *On a GPU* measures the cost of attention on long texts |

# %% [markdown]
# ## Recall
#
# Answer from memory, then open the answer.
#
# 1. What does softmax make of the scores $(0, \ln 3)$? And of $(5, 5 + \ln 3)$?
#
# <details><summary>Answer</summary>
#
# Both times $(1/4, 3/4)$: the exponentials are in the ratio 1 to 3, and a constant added to all scores
# cancels.
#
# </details>
#
# 2. What was wrong with the one vector that Word2Vec gives to "bank"?
#
# <details><summary>Answer</summary>
#
# It is the same in every sentence, by the river and in the city. It lies between its meanings. A model
# needs a vector for this "bank", in this sentence.
#
# </details>
#
# 3. A trigram model reads "Keiko saw a brown photograph. (…) The brown". What does it know about the next word?
#
# <details><summary>Answer</summary>
#
# Only what usually follows "the brown". The photograph lies outside its window of two words.
#
# </details>

# %% [markdown]
# ## Set-up

# %%
# @setup

# %% [markdown]
# The imports. `course_lib.nn` holds the layers; the most important of them you will write yourself.

# %%
import math
import time

import numpy as np
import pandas as pd
import torch
from torch import nn
from torch.nn import functional as F
from torch.testing import assert_close

from course_lib.data import load
from course_lib.evaluation import bootstrap_interval, mean_and_sd, proportion_interval
from course_lib.lesson import answer_quiz, check, hint, quiz
from course_lib.nn import (
    AdditiveAttention,
    attend,
    key_mask,
    merge_heads,
    padding_mask,
)
from course_lib.nn.positions import rotary_angles, rotate
from course_lib.plotting import (
    plot_attention,
    plot_attention_heads,
    plot_heatmap,
    plot_lines,
    show,
    use_course_style,
)
from course_lib.plotting.curves import Curve, Panel, plot_intervals, plot_panels
from course_lib.seeding import make_generator
from course_lib.training import train_on_batches

use_course_style()

# %% [markdown]
# ## 1 · A whole sentence in one vector
#
# *(core)*
#
# Until 2014, a translator was a pair of **recurrent networks**. Such a network reads a sentence word by word, and keeps
# a **state**, a vector of $D$ numbers that it rewrites at every word:
#
# $$s_t = f(s_{t-1}, x_t)$$
#
# with a learned $f$. (We use a common kind, the GRU, and later another, the LSTM. What is inside them does not matter
# today.) The **encoder** reads the sentence; its last state goes to the **decoder**, which writes the translation. So
# everything the decoder knows about the sentence stands in one vector.
#
# **By hand.** A state has $D = 32$ numbers. For a sentence of 4 words that makes 8 numbers a word. For one of 16 words, 2
# numbers a word. The state does not grow with the sentence: a **bottleneck**.
#
# **Predict.** We train such a pair to write a row of random letters backwards: 4, 8, or 16 of them. What will happen to its
# accuracy?

# %%
N_LETTERS = 26


def make_reverser(d_model):
    sizes = {"letter": nn.Embedding(N_LETTERS + 1, d_model), "output": nn.Linear(2 * d_model, 26)}
    readers = {name: nn.GRU(d_model, d_model, batch_first=True) for name in ("encoder", "decoder")}
    return nn.ModuleDict({**sizes, **readers, "look": AdditiveAttention(d_model, d_model, d_model)})


def shift(letters):
    return F.pad(letters[:, :-1], (1, 0), value=N_LETTERS)  # what is written before each letter


def run_reverser(parts, letters, looks_back):
    states, last = parts["encoder"](parts["letter"](letters))
    own, _ = parts["decoder"](parts["letter"](shift(letters.flip(1))), last)
    mixed, weights = parts["look"](own, states)
    return parts["output"](torch.cat([own, mixed * looks_back], dim=-1)), weights


def reverser_loss(looks_back):
    return lambda parts, letters: F.cross_entropy(
        run_reverser(parts, letters, looks_back)[0].flatten(0, 1), letters.flip(1).flatten()
    )


def draw_letters(n_rows, n_letters, generator):
    return torch.randint(0, N_LETTERS, (n_rows, n_letters), generator=generator)


# %% [markdown]
# The last line of `run_reverser` has a switch, `looks_back`. If it is off, `mixed` is multiplied by 0 and the decoder
# has only the last state. If it is on, there is something more, which we explain below.

# %%
reversers, reversed_right = {}, {}
lengths = (4, 8, 16)
for looks_back in (False, True):
    for length in lengths:
        torch.manual_seed(run.seed)
        generator = make_generator(run.seed)
        parts = make_reverser(d_model=32)
        batches = (draw_letters(32, length, generator) for _ in range(run.pick(small=220, t4=2000)))
        optimizer = torch.optim.AdamW(parts.parameters(), lr=0.02)
        train_on_batches(parts, batches, reverser_loss(looks_back), optimizer)
        test = draw_letters(200, length, generator)
        with torch.no_grad():
            hits = run_reverser(parts, test, looks_back)[0].argmax(dim=-1) == test.flip(1)
        reversers[looks_back, length] = parts
        reversed_right[looks_back, length] = (int(hits.sum()), hits.numel())

pd.DataFrame(
    [
        [
            "{:.0%} [{:.0%}, {:.0%}]".format(
                reversed_right[looks_back, length][0] / reversed_right[looks_back, length][1],
                *proportion_interval(*reversed_right[looks_back, length]),
            )
            for length in lengths
        ]
        for looks_back in (False, True)
    ],
    index=["only the last state", "looks back at all states"],
    columns=[f"{length} letters, n = {200 * length:,}" for length in lengths],
)

# %% [markdown]
# (In brackets: 95 % intervals; the letters of a row are not quite independent, so they are a little too narrow.)
#
# With the state alone, the same network with the same training gets worse and worse. Guessing would give 1 in 26.
#
# ### Bahdanau's idea: keep all states, and look
#
# The encoder *had* a state at every letter. Why throw them away? Bahdanau, Cho and Bengio (2014) keep them all,
# $k_1 \dots k_S$. At each step $t$ the decoder, with its own state $q_t$, gives every one of them a score: how much do I
# need you now? A small network with one hidden layer does the scoring. Softmax turns the scores into weights that sum to 1, and
# the decoder gets the weighted average:
#
# $$e_{ts} = v \cdot \tanh(W q_t + U k_s) \qquad \alpha_{ts} = \frac{e^{e_{ts}}}{\sum_r e^{e_{tr}}} \qquad
# c_t = \sum_s \alpha_{ts} \, k_s$$
#
# $W$, $U$ and $v$ are learned. Nobody says where to look; that, too, is learned, because everything here can be
# differentiated. This is `AdditiveAttention`, and it made the second row of the table. Where did it look?

# %%
length = 8
many = draw_letters(200, length, make_generator(5))
with torch.no_grad():
    _, weights = run_reverser(reversers[True, length], many, looks_back=True)
show(
    plot_attention(
        weights.mean(dim=0).numpy(),
        [f"writes letter {length - t}" for t in range(length)],
        [f"letter {s + 1}" for s in range(length)],
        "Writing backwards: mean of 200",
    ),
    alt="Heat map of attention weights, 8 letters to write by 8 letters read. The weight lies along the "
    "diagonal from the upper right to the lower left, mostly one place to the right of it: for its "
    "first letter the decoder looks at the end of the row, for its last near the beginning.",
)

# %% [markdown]
# It found out by itself that writing backwards means reading from the end. Mostly it looks one place to the *right* of the letter that it
# needs. That is good enough: the state at a letter also remembers the letter before.
#
# **What we learnt.** A state of fixed size is a bottleneck; looking back at *all* states removes it. Three years later, "Attention Is
# All You Need" (Vaswani et al. 2017) asked: if every word can look at all others, what are the recurrent networks
# still for? The rest of this lesson is attention without them.

# %% [markdown]
# ## 2 · Looking up, softly
#
# *(core)*
#
# A Python dictionary looks up a **query** among its **keys**, and hands over a **value**. All or nothing:

# %%
# NBVAL_CHECK_OUTPUT
dictionary = {"river": "water", "money": "coins"}
print(dictionary["river"], "|", dictionary.get("rivers", "nothing: no key is exactly the same"))

# %% [markdown]
# **The idea.** Make query, keys and values vectors. Compare the query with *every* key by a dot product. Turn
# these scores into weights with softmax. Hand over the average of all values, by these weights.
#
# For one query $q$ with keys $k_1 \dots k_S$, all of $K$ numbers, and values $v_1 \dots v_S$:
#
# $$w_s = \frac{e^{q \cdot k_s / \sqrt{K}}}{\sum_r e^{q \cdot k_r / \sqrt{K}}} \qquad \mathrm{mixed} = \sum_s w_s \, v_s$$
#
# The $\sqrt{K}$ gets a section of its own. Unlike Bahdanau's, this score has nothing to learn inside: it is a dot product, and
# all pairs together are one matrix product, which computers do very fast.
#
# ### Three words by two numbers, by hand
#
# Take "the river bank" with three vectors of $K = 2$ numbers, made up for this purpose: the first number says "water", the
# second "finance". "The" means neither; "bank" can mean both.
#
# | | water | finance |
# |---|---|---|
# | the | 0 | 0 |
# | river | 2 | 0 |
# | bank | 1 | 1 |
#
# In **self-attention** the words of one text ask each other: each word is a query, a key and a value. For now all three are
# the word's vector itself. Now "bank" asks:

# %%
# NBVAL_CHECK_OUTPUT
x = torch.tensor([[0.0, 0.0], [2.0, 0.0], [1.0, 1.0]], dtype=torch.float64)
words = ["the", "river", "bank"]
bank = x[2]
dots = [float(bank @ key) for key in x]
exponentials = [math.exp(dot / math.sqrt(2)) for dot in dots]
shares = [one / sum(exponentials) for one in exponentials]
for word, dot, exponential, share in zip(words, dots, exponentials, shares, strict=True):
    print(f"bank·{word:5} = {dot:.0f}   e^({dot:.0f}/√2) = {exponential:.3f}   weight {share:.3f}")
new_bank = sum(share * value for share, value in zip(shares, x, strict=True))
print("new vector of bank:", [round(float(number), 3) for number in new_bank])

# %% [markdown]
# "Bank" was undecided: (1, 1). Now it leans towards water. **Predict:** what comes out in "the money bank", with money = (0, 2)?
#
# <details><summary>Answer</summary>
#
# The same with the two numbers swapped: it leans towards finance. The vector of "bank" now depends on its company *in this
# sentence*. That is what lesson 01 could not do.
#
# </details>
#
# Here is the same for all words at once, written out with loops, for reading:


# %%
# @scratch course_lib.nn.attention:scaled_dot_product_attention
def attend_by_loops(query, key, value):
    """Attention of T queries over S keys, one number at a time."""
    mixed = torch.zeros(len(query), value.shape[1], dtype=value.dtype)
    weights = torch.zeros(len(query), len(key), dtype=value.dtype)
    for t, q in enumerate(query):
        scores = [math.exp(float(q @ k) / math.sqrt(len(q))) for k in key]
        for s, score in enumerate(scores):
            weights[t, s] = score / sum(scores)
            mixed[t] += weights[t, s] * value[s]
    return mixed, weights


# %% [markdown]
# And as matrices. Stack the $T$ queries into $Q$ of shape $(T, K)$, the keys into $K$ of shape $(S, K)$ and the values into $V$ of shape
# $(S, V)$:
#
# $$\mathrm{attention}(Q, K, V) = \mathrm{softmax}\left(\frac{Q K^T}{\sqrt{K}}\right) V \qquad \mathrm{shape} \; (T, V)$$
#
# $Q K^T$ has the shape $(T, S)$: a row for each query, a column for each key. The softmax goes along the rows.
#
# **Exercise (core).** Write it. Any number of axes may stand in front (sentences, heads), so count axes from the end:
# `key.mT` swaps the last two. The `mask`, if given, is True where a query may attend; section 4 says what for. A query that may attend to
# nothing gets zeros. (Stuck? `hint("03:scaled_dot_product_attention")`.)

# %%
# @exercise course_lib.nn.attention:scaled_dot_product_attention

# %%
scaled_dot_product_attention = check(
    "03:scaled_dot_product_attention", scaled_dot_product_attention
)

# %%
mixed, weights = scaled_dot_product_attention(x, x, x)
assert_close(attend_by_loops(x, x, x), (mixed, weights))
assert_close(mixed, F.scaled_dot_product_attention(x[None], x[None], x[None])[0])
print("Loops, matrices and torch's own function agree.")
show(
    plot_attention(weights.numpy(), words, words, "“The river bank”"),
    alt="Heat map of 3 by 3 attention weights; each row sums to 1. The asks all three words alike, "
    "one third each. River looks mostly at itself. Bank shares between river and itself, and gives "
    "little to the.",
)

# %% [markdown]
# Look at the first row. "The" has the score 0 with everyone, so it attends to all alike.
#
# ### Softmax is the normalisation
#
# Some tutorials say: first normalise the scores to the range 0 to 1, *then* apply softmax. What would that do? Softmax sees
# only differences between scores. If all scores lie between 0 and 1, two of them differ by at most 1, so one weight is at most $e$ times
# another. With $n$ keys, even the perfect key gets at most
#
# $$\frac{e}{e + n - 1}$$
#
# By hand, for $n = 3$: $2.718 / 4.718 = 0.576$.
#
# **Predict.** And for 16 keys? For 512?


# %%
# NBVAL_CHECK_OUTPUT
def squeeze(scores):
    low, high = scores.amin(dim=-1, keepdim=True), scores.amax(dim=-1, keepdim=True)
    return (scores - low) / (high - low)


for n_keys in (3, 16, 512):
    scores = torch.zeros(n_keys, dtype=torch.float64)
    scores[0] = 20.0  # a perfect match
    largest = [float(s.softmax(dim=-1).max()) for s in (scores, squeeze(scores))]
    bound = math.e / (math.e + n_keys - 1)
    print(f"{n_keys:3} keys: {largest[0]:.4f}, squeezed first {largest[1]:.4f} = {bound:.4f}")

# %% [markdown]
# Squeezed scores cannot point at anything: with 512 keys the best match gets half a per cent. In section 5 a model that
# learns with this rule will show whether that matters.
#
# The other way round there is a limit, too. Softmax never gives a weight of exactly 0 (as long as the computer can tell it
# from 0): attention *turns words down*, it does not filter them out.

# %%
rows = torch.randn(10_000, 16, generator=make_generator(run.seed), dtype=torch.float64)
print(f"smallest of {rows.numel():,} weights: {rows.softmax(dim=-1).min():.1e}")

# %% [markdown]
# **What we learnt.** Attention is a soft dictionary: scores by dot products, shares by softmax, an average of the values. What makes
# it a layer of a network is where query, key and value come from; that is section 5.

# %% [markdown]
# ## 3 · Why divide by √d_head?
#
# *(core)*
#
# $K$ is the width of a query and of a key, `d_head` in code. (Some texts call $d_k$ "the dimension of the key matrix". It is the length of
# one key.) Why its root?
#
# **The idea.** Let a query and a key have $K$ independent entries of mean 0 and variance 1. Their dot product is a sum of $K$ products,
# and each product has mean 0 and variance 1. Variances of independent terms add up:
#
# $$\mathrm{Var}(q \cdot k) = \sum_{i=1}^{K} \mathrm{Var}(q_i k_i) = K$$
#
# So the scores spread like $\sqrt{K}$: by hand, ±4 for $K = 16$, ±32 for $K = 1024$. Divided by $\sqrt{K}$ they spread by 1, whatever the width.
#
# And a softmax that gets scores of ±32 is **saturated**: one weight is nearly 1, all others nearly 0. Nudge a score, and
# nothing happens. We can see that in its derivatives,
#
# $$\frac{\partial w_i}{\partial s_j} = w_i (\delta_{ij} - w_j)$$
#
# where $\delta_{ij}$ is 1 if $i = j$, else 0. If one weight is 1 and the others 0, *all* of these are 0. No slope, no learning.
#
# **Predict.** For 32 random keys: how large is the largest weight with $K = 1024$, divided and not divided?


# %%
def softmax_slope(weights):
    jacobian = torch.diag_embed(weights) - weights.unsqueeze(-1) * weights.unsqueeze(-2)
    return jacobian.flatten(-2).norm(dim=-1)


widths, table = (4, 16, 64, 256, 1024), []
generator = make_generator(run.seed)
for d_head in widths:
    query = torch.randn(200, 1, d_head, generator=generator)
    key = torch.randn(200, 32, d_head, generator=generator)
    dots = (query @ key.mT).squeeze(1)
    row = [dots.std()]
    for scores in (dots, dots / math.sqrt(d_head)):
        weights = scores.softmax(dim=-1)
        row += [weights.max(dim=-1).values.mean(), softmax_slope(weights).mean()]
    table.append([float(number) for number in row])
scaling = pd.DataFrame(
    table,
    index=pd.Index(widths, name="d_head"),
    columns=["spread of q·k", "largest weight", "slope", "largest weight, ÷√K", "slope, ÷√K"],
)
scaling.round(3)

# %%
show(
    plot_panels(
        Panel(
            title="The winner takes all",
            axis_labels=("d_head", "largest of 32 weights (mean of 200)"),
            curves={
                "plain": Curve(x=widths, y=scaling["largest weight"]),
                "divided by √d_head": Curve(x=widths, y=scaling["largest weight, ÷√K"]),
            },
            log_x=True,
            y_range=(0, 1),
        ),
        Panel(
            title="and nothing is left to learn from",
            axis_labels=("d_head", "size of the softmax's slopes"),
            curves={
                "plain": Curve(x=widths, y=scaling["slope"]),
                "divided by √d_head": Curve(x=widths, y=scaling["slope, ÷√K"]),
            },
            log_x=True,
            y_range=(0, 0.4),
        ),
    ),
    alt="Two panels against d_head from 4 to 1024. Left: the largest weight of 32 rises towards 1 for "
    "plain dot products and stays near 0.2 when they are divided by the root of d_head. Right: the "
    "size of the slopes of softmax falls for plain products beyond d_head 16 and stays level for divided ones.",
)

# %% [markdown]
# ### The wrong root
#
# With several heads (section 5) there are two widths: `d_model`, all heads together, and `d_head = d_model / n_heads`. Many tutorials
# divide by $\sqrt{d_{model}}$. Then the scores spread by $\sqrt{d_{head} / d_{model}} = 1 / \sqrt{n_{heads}}$ instead of by 1. By hand, for 512 and
# 8 heads: $1 / \sqrt{8} = 0.35$.

# %%
for d_model, n_heads in ((512, 8), (768, 12), (512, 64)):
    d_head = d_model // n_heads
    query, key = torch.randn(2, 4000, d_head, generator=generator)
    spread = float(((query * key).sum(dim=-1) / math.sqrt(d_model)).std())
    print(f"{d_model} wide, {n_heads:2} heads: spread {spread:.3f}, 1/√H = {n_heads**-0.5:.3f}")

# %% [markdown]
# The softmax is then too *flat* at the start, like one at a higher temperature. Is that a disaster? No: a constant factor can be learned, by making
# the queries longer. It costs training time, and a model that was trained with one root cannot be used with the other. You will measure
# both in section 5.
#
# **What we learnt.** Dot products spread like $\sqrt{d_{head}}$. Undivided, they saturate the softmax when heads are wide; divided by too
# much, they flatten it.

# %% [markdown]
# ## 4 · Masks: who may look at whom
#
# *(core)*
#
# ### The future
#
# A language model guesses the next word from those before it. In training, all positions of a text are guessed at once, in parallel. So
# position 3 must not see position 4: that would be reading the answer. A **causal mask** is a table of shape $(T, T)$, True where the query
# in this row may attend to the key in this column.
#
# By hand, for three words: the first sees itself, the second the first two, the third all three.
#
# Sometimes there are fewer queries than keys: a model that writes keeps the keys of the words so far, and asks only for the newest
# one. Then the queries are the *last* of the words.
#
# **Exercise (easy).** Write the mask. (You may ignore `device`.)

# %%
# @exercise course_lib.nn.masks:causal_mask

# %%
causal_mask = check("03:causal_mask", causal_mask)

# %%
# NBVAL_CHECK_OUTPUT
print(causal_mask(3).int())
print("one new word after three known ones:", causal_mask(1, 4).int().tolist())

# %% [markdown]
# How do you *test* a mask? Not by looking at it. Change the future, and see whether the past moves. A test that can fail needs the
# counter-test as well: without the mask, it must move.

# %%
# NBVAL_CHECK_OUTPUT
x = torch.randn(1, 6, 8, generator=make_generator(1), dtype=torch.float64)
changed = x.clone()
changed[:, 4:] += 1.0  # positions 4 and 5 are the future of 0 to 3
masks = {"causal mask": causal_mask(6), "no mask": None, "inverted": ~causal_mask(6)}
for name, mask in masks.items():
    before, after = (scaled_dot_product_attention(y, y, y, mask)[0][:, :4] for y in (x, changed))
    print(f"{name:11} the past stays the same, bit for bit: {torch.equal(before, after)}")

# %% [markdown]
# The third line is a trap. `torch.nn.MultiheadAttention` uses the *opposite* convention: there True means hidden. Hand it our mask (or us
# theirs), and no error comes; the model just sees the future. Within torch itself, `F.scaled_dot_product_attention` has it our way round.
#
# **Predict.** What is wrong with masking *after* the softmax, by setting the weights of hidden keys to 0?

# %%
# NBVAL_CHECK_OUTPUT
scores = torch.tensor([[1.0, 1.0, 3.0]])
allowed = torch.tensor([[True, True, False]])
right = scores.masked_fill(~allowed, -math.inf).softmax(dim=-1)
late = scores.softmax(dim=-1).masked_fill(~allowed, 0.0)
for name, weights in {"hide the score, then softmax": right, "softmax, then hide": late}.items():
    print(f"{name:28} {[round(w, 3) for w in weights[0].tolist()]}, sum {weights.sum():.3f}")

# %% [markdown]
# The hidden key has taken its share before it was hidden, so the sum tells how well it matched: the future leaks through the sum.
#
# ### Padding
#
# Texts in a batch have different lengths, so the shorter ones are filled up with a padding token. No query may attend to that, or a text's
# result would depend on how long its *neighbours* in the batch are.

# %%
# NBVAL_CHECK_OUTPUT
tokens = padding_mask([4, 2], n_tokens=4)  # the second text has 2 tokens
print("tokens:", tokens.int().tolist(), "  as a mask of keys:", tuple(key_mask(tokens).shape))
batch = torch.randn(2, 1, 4, 8, generator=make_generator(2), dtype=torch.float64)  # (B, H, T, K)
alone = batch[1:, :, :2]
expected = scaled_dot_product_attention(alone, alone, alone)[0]
for name, mask in {"with": key_mask(tokens), "without": None}.items():
    padded = scaled_dot_product_attention(batch, batch, batch, mask)[0][1:, :, :2]
    print(f"{name:7} the mask, alone = in the batch: {torch.allclose(padded, expected)}")

# %% [markdown]
# Both masks together are `causal_mask(T) & key_mask(tokens)`: bool masks combine with "and".
#
# And a query that may attend to nothing at all? Softmax of nothing but $-\infty$ is 0/0, and one NaN spoils a whole training run. Filling in
# a huge negative number instead (many codes write `-1e9` or `-1e20`) gives equal weights on everything, which is
# worse: wrong without a sign. (And `-1e20` does not fit into float16 at all.) Our answer is 0:

# %%
# NBVAL_CHECK_OUTPUT
nothing = torch.zeros(1, 3, dtype=torch.bool)
three = torch.ones(3, 2)
print("weights:", scaled_dot_product_attention(three[:1], three, three, nothing)[1].tolist())
try:
    torch.zeros(3, dtype=torch.float16).masked_fill(~nothing[0], -1e20)
except RuntimeError as error:
    print("RuntimeError:", error)

# %% [markdown]
# **What we learnt.** Hide scores, never weights. Know which way round a library's mask is. Test a mask by changing what is hidden.

# %% [markdown]
# ## 5 · Several heads
#
# *(core)*
#
# ### Query, key, value: three views of a word
#
# So far, query, key and value were the word's vector itself. Then the scores are symmetric: "bank" finds "river" exactly as
# interesting as "river" finds "bank". In language that is wrong. A pronoun looks for a name; the name does not need the pronoun.
# So a layer learns three matrices, and with them makes from every word vector $x$ a query (what do I look for?), a key (what do I offer?), and a value (what do I
# hand over?):
#
# $$Q = X W^Q \qquad K = X W^K \qquad V = X W^V$$
#
# Queries may come from one text, and keys and values from another: that is **cross-attention**, and it is how a translator's decoder looks
# at the source. The lengths $T$ and $S$ may then differ.
#
# ### Heads
#
# One softmax gives one average. A word may need two things at once, say its verb *and* its subject; averaged together, they blur. So do it $H$ times side by side, each time with narrower queries, keys
# and values: $K = D / H$ numbers. The results stand side by side again, and a last matrix mixes them:
#
# $$\mathrm{head}_h = \mathrm{attention}(X W^Q_h, \; X W^K_h, \; X W^V_h) \qquad
# \mathrm{output} = [\mathrm{head}_1 \dots \mathrm{head}_H] \, W^O$$
#
# By hand: with $D = 512$ and $H = 8$, each head has $K = 64$. The matrices of all heads fit into one of shape $(512, 512)$, because
# each makes 64 of its columns. So make all queries at once, and then cut.
#
# **Exercise (core).** Cut the last axis into heads: $(B, T, D) \to (B, H, T, K)$. Head $h$ gets the $h$-th block of $K$ numbers.
# If $H$ is below 1 or does not divide $D$, raise a `ValueError`.

# %%
# @exercise course_lib.nn.attention:split_heads

# %%
split_heads = check("03:split_heads", split_heads)

# %%
# NBVAL_CHECK_OUTPUT
pieces = split_heads(torch.arange(12.0).reshape(1, 2, 6), n_heads=3)
print(tuple(pieces.shape), "  head 0 of both tokens:", pieces[0, 0].tolist())
assert_close(merge_heads(pieces), torch.arange(12.0).reshape(1, 2, 6))

# %% [markdown]
# ### The whole layer
#
# Now put your pieces together. In PyTorch a layer is a class derived from `nn.Module`. Its `__init__` makes the parts, and begins with
# `super().__init__()`; its `forward` says what happens when the layer is called. So `layer = MultiHeadAttention(d_model=24, n_heads=4)` makes
# one, and `layer(x)` uses it.
#
# **Exercise (core).** Write it. It holds the four matrices as linear layers with the names `query`, `key`, `value` and `output`, and it knows
# `n_heads`. How large is each of the four, and which comes first, to project or to cut? This is where tutorials slip.
#
# - `forward` takes queries from `x`, and keys and values from `memory`, if there is one. `merge_heads` puts heads side by side again.
# - `weights` shows whom each head looks at, for the maps below. Both begin alike: a method of your own that both call saves you writing it twice.
# - `n_kv_heads` and `bias` are for other models; you may ignore them.
#
# (Stuck? `hint("03:MultiHeadAttention")`.)

# %%
# @exercise course_lib.nn.multi_head:MultiHeadAttention

# %%
MultiHeadAttention = check("03:MultiHeadAttention", MultiHeadAttention)

# %% [markdown]
# Two tests: the layer equals PyTorch's `nn.MultiheadAttention` with the same matrices, weights of every head
# included; and cross-attention works with different lengths.

# %%
torch.manual_seed(0)
layer = MultiHeadAttention(d_model=24, n_heads=4)
theirs = nn.MultiheadAttention(24, 4, batch_first=True)
three = (layer.query, layer.key, layer.value)
theirs.load_state_dict(
    {
        "in_proj_weight": torch.cat([linear.weight for linear in three]).detach(),
        "in_proj_bias": torch.cat([linear.bias for linear in three]).detach(),
        "out_proj.weight": layer.output.weight.detach(),
        "out_proj.bias": layer.output.bias.detach(),
    }
)
x, memory = torch.randn(3, 7, 24), torch.randn(3, 5, 24)
with torch.no_grad():
    ours = layer(x, mask=causal_mask(7)), layer.weights(x, mask=causal_mask(7))
    assert_close(ours, theirs(x, x, x, attn_mask=~causal_mask(7), average_attn_weights=False))
    across = layer(x, memory), layer.weights(x, memory)
    assert_close(across, theirs(x, memory, memory, average_attn_weights=False))
print(f"All agree. Across: 7 queries, 5 keys, 4 heads: weights {tuple(across[1].shape)}")

# %% [markdown]
# Note the `~`: their mask is the other way round.
#
# ### Two slips of real tutorials
#
# A class that is copied from tutorial to tutorial looks like yours and differs in two points. (The check above knows both by name.)
#
# 1. It divides the scores by the root of the *full* width, $\sqrt{d_{model}}$ (section 3).
# 2. It cuts the word vector into heads *first*, and then sends each piece through a linear layer of size $d_{head}$: one small layer, **shared by all
#    heads**.
#
# **Predict.** What can head 0 see of the other pieces of a word, in the second point?

# %%
# NBVAL_CHECK_OUTPUT
shared = nn.Linear(8, 8, bias=False)  # as it should not be: d_head to d_head, for all heads
words = torch.randn(1, 5, 64, generator=make_generator(3))
changed = words.clone()
changed[:, :, 8:] = torch.randn(1, 5, 56, generator=make_generator(4))  # all but the first piece
with torch.no_grad():
    heads = [split_heads(vectors, 8) for vectors in (words, changed)]
    looked = [scaled_dot_product_attention(*[shared(h)] * 3)[0][:, 0] for h in heads]
print("head 0 is the same, bit for bit, though 56 of 64 numbers changed:", torch.equal(*looked))
print(f"weights of Q, K and V, 512 wide, 8 heads: shared {3 * 64**2:,}, own {3 * 512**2:,}")

# %% [markdown]
# Nothing. Each head is blind to all but its own piece. How much does that matter? Measure it. Here is a task made for attention: 16
# pairs of a key word and a value word, in random order; then one of the keys is asked for, and the answer is its value. The model is one
# attention layer with 4 heads of width 16, and nothing else.

# %%
N_KEYS, N_VALUES, N_PAIRS, WIDTH, HEADS = 64, 16, 16, 64, 4


def draw_pairs(n_rows, generator):
    keys = torch.rand(n_rows, N_KEYS, generator=generator).argsort(dim=1)[:, :N_PAIRS]
    values = torch.randint(0, N_VALUES, (n_rows, N_PAIRS), generator=generator)
    place = torch.randint(0, N_PAIRS, (n_rows, 1), generator=generator)
    return keys, values, keys.gather(1, place), values.gather(1, place)[:, 0]


def make_lookup(width):
    linear = {name: nn.Linear(width, width) for name in ("query", "key", "value")}
    words = {"key_word": nn.Embedding(N_KEYS, WIDTH), "value_word": nn.Embedding(N_VALUES, WIDTH)}
    ends = {"output": nn.Linear(WIDTH, WIDTH), "answer": nn.Linear(WIDTH, N_VALUES)}
    return nn.ModuleDict({**words, **linear, **ends})


def project(parts, name, x):
    is_shared = parts[name].in_features < WIDTH
    cut = split_heads(x, HEADS) if is_shared else x
    return parts[name](cut) if is_shared else split_heads(parts[name](cut), HEADS)


def answer_lookup(parts, keys, values, asked, rule):
    pairs = parts["key_word"](keys) + parts["value_word"](values)
    scores = project(parts, "query", parts["key_word"](asked)) @ project(parts, "key", pairs).mT
    mixed = rule(scores).softmax(dim=-1) @ project(parts, "value", pairs)
    return parts["answer"](parts["output"](merge_heads(mixed)))[:, 0]


def lookup_loss(rule):
    return lambda parts, b: F.cross_entropy(answer_lookup(parts, *b[:3], rule), b[3])


# %%
rules = {
    "√d_head": lambda scores: scores / math.sqrt(WIDTH / HEADS),
    "√d_model": lambda scores: scores / math.sqrt(WIDTH),
    "0 to 1, then softmax": lambda scores: squeeze(scores / math.sqrt(WIDTH / HEADS)),
}
variants = {
    "√d_head, own matrices": ("√d_head", WIDTH),
    "√d_model, own matrices": ("√d_model", WIDTH),
    "√d_head, shared": ("√d_head", WIDTH // HEADS),
    "√d_model, shared": ("√d_model", WIDTH // HEADS),
    "0 to 1, then softmax": ("0 to 1, then softmax", WIDTH),
}
stages = (50, 150)  # training steps after which we measure
lookups, lookup_right = {}, {name: {stage: [] for stage in stages} for name in variants}
for name, (rule, width) in variants.items():
    for seed in range(3):
        torch.manual_seed(seed)
        generator, tests = make_generator(seed), draw_pairs(2000, make_generator(100 + seed))
        parts = make_lookup(width)
        optimizer = torch.optim.AdamW(parts.parameters(), lr=0.003)
        for steps, stage in zip(np.diff((0, *stages)), stages, strict=True):
            batches = (draw_pairs(64, generator) for _ in range(steps))
            train_on_batches(parts, batches, lookup_loss(rules[rule]), optimizer)
            with torch.no_grad():
                hits = answer_lookup(parts, *tests[:3], rules[rule]).argmax(dim=-1) == tests[3]
            lookup_right[name][stage].append(hits.double().mean().item())
        lookups[name, seed] = parts
pd.DataFrame(
    [
        ["{:.3f} ± {:.3f}".format(*mean_and_sd(shares)) for shares in by_stage.values()]
        for by_stage in lookup_right.values()
    ],
    index=list(variants),
    columns=[f"right after {stage} steps" for stage in stages],
)

# %% [markdown]
# (Mean ± standard deviation of 3 runs, each tested on 2,000 questions; guessing gives 1/16.)
#
# Read the first column: every slip costs speed, the shared layer more than the wrong root, both together most. Then read the
# second: the four get close to each other. So it would be wrong to say that $\sqrt{d_{model}}$ "does not work". The factor can be learned. The harm is slower
# training, fewer weights to learn with, and this: a model trained under one rule does not fit the other. Swap the rule in the finished
# model:

# %%
tests = draw_pairs(2000, make_generator(200))
for rule in rules:
    with torch.no_grad():
        logits = answer_lookup(lookups["√d_head, own matrices", 0], *tests[:3], rules[rule])
    n_right = int((logits.argmax(dim=-1) == tests[3]).sum())
    low, high = proportion_interval(n_right, len(logits))
    loss = F.cross_entropy(logits, tests[3]).item()
    print(
        f"trained with √d_head, used with {rule:21} {n_right / len(logits):6.1%} right "
        f"[{low:.1%}, {high:.1%}], loss {loss:.3f} nats"
    )

# %% [markdown]
# And the last row of the table, "normalise to 0 to 1, then softmax", is another kind of mistake. It stays far behind, because the
# largest possible weight among 16 keys is $e/(e + 15) = 0.15$: the right value gets at most 0.15, and the 15 wrong ones share the rest. No amount of training gets round a bound.
#
# **What we learnt.** Three learned views of each word; $H$ attentions side by side, in narrow spaces; one matrix to mix them. A slip in a formula
# need not break a model. It may just make it slower, and you would never know without the comparison.

# %% [markdown]
# ## 6 · Where am I?
#
# *(core)*
#
# ### Attention sees a set
#
# **Predict.** Shuffle the words of a sentence, and send both versions through an attention layer without a mask. What happens to the output of
# each word?

# %%
# NBVAL_CHECK_OUTPUT
torch.manual_seed(1)
layer = MultiHeadAttention(d_model=12, n_heads=3).double()
x = torch.randn(1, 6, 12, dtype=torch.float64)
order = torch.tensor([3, 0, 5, 1, 4, 2])
with torch.no_grad():
    print("f(shuffled x) = shuffled f(x):", torch.allclose(layer(x[:, order]), layer(x)[:, order]))

# %% [markdown]
# Nothing happens to it. Every word gets exactly the same vector as before, only at its new place. In symbols, for every permutation $P$:
#
# $$f(P X) = P \, f(X)$$
#
# This is called **permutation equivariance**. "The dog bites the man" and "the man bites the dog" give every word the same vectors: the bag of words of
# lesson 01 is back. The words must be told where they are.
#
# ### Sines and cosines, term by term
#
# Vaswani et al. (2017) add to the vector of the word at position $t$ a vector of position, of the same width $D$:
#
# $$p_{t, \, 2i} = \sin\left(\frac{t}{10000^{2i/D}}\right) \qquad p_{t, \, 2i+1} = \cos\left(\frac{t}{10000^{2i/D}}\right)$$
#
# - $t$ is the position: 0, 1, 2, …
# - $i$ counts *pairs* of columns, from 0 to $D/2 - 1$. Columns $2i$ and $2i + 1$ share one angle.
# - $10000^{2i/D}$ grows from 1 for the first pair to nearly 10,000 for the last. So the first pair turns by 1 radian from word to word, like the second
#   hand of a clock; the last hardly moves, like the hand for the years.
# - A sine alone could not tell rising from falling; together with the cosine it fixes the angle.
#
# By hand, $D = 4$, position $t = 3$: the pairs have the angles $3/1$ and $3/10000^{1/2} = 0.03$. So the vector is
# $(\sin 3, \cos 3, \sin 0.03, \cos 0.03) = (0.141, -0.990, 0.030, 1.000)$.
#
# **Exercise (core).** Write the table for positions 0 to $T - 1$. If $D$ is odd, the last sine has no cosine beside it; many published versions crash there.
# Compute in float64, and round once, at the end, to `dtype`: far back in a text, 32 bits are too few for an angle.

# %%
# @exercise course_lib.nn.positions:sinusoidal_positions

# %%
sinusoidal_positions = check("03:sinusoidal_positions", sinusoidal_positions)

# %%
# NBVAL_CHECK_OUTPUT
print([round(number, 3) for number in sinusoidal_positions(4, 4)[3].tolist()])

# %%
table = sinusoidal_positions(32, 12)
show(
    plot_heatmap(
        table.numpy().T,
        [f"column {column}" for column in range(12)],
        [f"t = {t}" if t % 4 == 0 else "" for t in range(32)],
        title="Sinusoidal positions: fast waves above, slow ones below",
        unit="sine or cosine",
    ),
    alt="Heat map of the sinusoidal table, 12 columns by 32 positions. The upper rows change sign every "
    "few positions, each pair of rows more slowly than the one above; the lowest rows are constant.",
)

# %% [markdown]
# What makes these vectors useful is their dot product. By $\cos a \cos b + \sin a \sin b = \cos(a - b)$, it depends only on the *distance* of two positions, wherever they stand:

# %%
# NBVAL_CHECK_OUTPUT
near = sinusoidal_positions(60, 64)
for first, second in ((0, 3), (20, 23), (50, 53), (0, 30), (25, 55)):
    print(f"positions {first:2} and {second:2}: {near[first] @ near[second]:.2f}")

# %% [markdown]
# One tutorial prints another formula: $\sin(t/10000) + \cos^2(t/10000)$, for all columns. It looks similar. How far apart are neighbours, by the one and the other?

# %%
t = torch.arange(60, dtype=torch.float64)
printed = ((t / 10000).sin() + (t / 10000).cos() ** 2).unsqueeze(1).expand(60, 64)
for name, positions in {"sinusoidal": near, "as printed": printed}.items():
    steps = (positions[1:] - positions[:-1]).norm(dim=1)
    print(
        f"{name:10} neighbours {steps.mean():.5f} apart, length {positions.norm(dim=1).mean():.2f}"
    )

# %% [markdown]
# ### Which comes first?
#
# Do these differences matter to a model? Give it a question about order and nothing else. A row of 10 words holds one A and one B, among random others:
# does A come before B? One attention layer, one small network, the average over all words, a yes or no. Half of the answers are yes.
#
# **Predict.** Five versions: without positions; with the printed formula; with sines and cosines; with a learned table of positions; and, last, without positions but with a
# *causal mask*. Which will solve it?

# %%
ROW, WORDS, WIDE = 10, 20, 32


def draw_rows(n_rows, generator):
    rows = torch.randint(2, WORDS, (n_rows, ROW), generator=generator)
    places = torch.rand(n_rows, ROW, generator=generator).argsort(dim=1)[:, :2]
    rows.scatter_(1, places, torch.tensor([[0, 1]]).expand(n_rows, 2))  # word 0 is A, word 1 is B
    return rows, (places[:, 0] < places[:, 1]).long()


def make_judge():
    inner = nn.Sequential(nn.LayerNorm(WIDE), nn.Linear(WIDE, 64), nn.GELU(), nn.Linear(64, WIDE))
    parts = {"word": nn.Embedding(WORDS, WIDE), "look": MultiHeadAttention(WIDE, 2), "think": inner}
    return nn.ModuleDict({**parts, "place": nn.Embedding(ROW, WIDE), "answer": nn.Linear(WIDE, 2)})


def judge(parts, rows, positions, mask):
    x = parts["word"](rows) + (parts["place"].weight if positions is None else positions)
    x = x + parts["look"](x, mask=mask)
    return parts["answer"]((x + parts["think"](x)).mean(dim=1))


def judge_loss(positions, mask):
    return lambda parts, batch: F.cross_entropy(judge(parts, batch[0], positions, mask), batch[1])


# %%
nowhere = torch.zeros(ROW, WIDE)
ways = {
    "no positions": (nowhere, None),
    "the printed formula": (printed[:ROW, :WIDE].float(), None),
    "sines and cosines": (sinusoidal_positions(ROW, WIDE), None),
    "a learned table": (None, None),
    "no positions, causal mask": (nowhere, causal_mask(ROW)),
}
tests, judged = draw_rows(2000, make_generator(99)), {}
for name, (positions, mask) in ways.items():
    judged[name] = []
    for seed in range(3):
        torch.manual_seed(seed)
        parts, generator = make_judge(), make_generator(seed)
        batches = (draw_rows(64, generator) for _ in range(130))
        optimizer = torch.optim.AdamW(parts.parameters(), lr=0.003)
        train_on_batches(parts, batches, judge_loss(positions, mask), optimizer)
        with torch.no_grad():
            hits = judge(parts, tests[0], positions, mask).argmax(dim=-1) == tests[1]
        judged[name].append(hits.double().mean().item())
for name, shares in judged.items():
    mean, sd = mean_and_sd(shares)
    print(f"{name:26} {mean:6.1%} right ± {sd:.1%} (3 runs, n = 2,000 each)")

# %% [markdown]
# Without positions the model guesses, as it must: the average of a set does not change when the set is shuffled. The printed formula is no better than
# none. Sines and cosines solve it; so does a table that is simply learned (GPT-2 and BERT have one).
#
# And the last line? A causal mask treats positions differently: the first word sees one word, the tenth sees ten. That breaks the symmetry, so **a decoder can learn order without
# any positions.** "Without positional encoding there is no order" is true for attention without a mask only.
#
# ### Rotary positions
#
# *(optional)*
#
# Newer models (Llama, for one) do not *add* a position to the word. They **rotate** each query and each key, pair of numbers by pair of numbers, by the angles of its position
# (Su et al. 2021). A rotation keeps lengths, and when both are rotated, only the *difference* of the angles remains in the dot product:
#
# $$(R_t \, q) \cdot (R_s \, k) = q \cdot (R_{s - t} \, k)$$
#
# So the score depends on what the words are, and on how far apart they stand; nothing else. The words' own vectors stay as they are.

# %%
# NBVAL_CHECK_OUTPUT
query, key = torch.randn(2, 8, generator=make_generator(6), dtype=torch.float64)
angles = rotary_angles(60, d_head=8).double()
turned = [rotate(vector.expand(60, 8), angles) for vector in (query, key)]  # at every position
for first, second in ((5, 2), (25, 22), (55, 52)):
    score = turned[0][first] @ turned[1][second]
    print(f"query at {first:2}, key at {second:2}: score {score:.4f}")
print("length kept:", torch.allclose(turned[0].norm(dim=-1), query.norm().expand(60)))

# %% [markdown]
# **What we learnt.** Attention without a mask is blind to order. Positions can be added (sines, or learned) or rotated in; and a causal mask alone carries some order, too.

# %% [markdown]
# ## 7 · The gradient, by hand
#
# *(optional)*
#
# Training sends the slope of the loss back through attention. Three of its four steps are products of matrices, whose slopes you know from A1. The new step is the softmax. A loss $\ell$ depends on all weights
# of a row, and every weight on all scores of the row:
#
# $$\frac{\partial \ell}{\partial s_j} = \sum_i \frac{\partial \ell}{\partial w_i} \, w_i (\delta_{ij} - w_j) = w_j \left( \frac{\partial \ell}{\partial w_j} - \sum_i w_i \frac{\partial \ell}{\partial w_i} \right)$$
#
# Read the bracket: a score should rise if its weight is worth more than the *average* over the row, by the weights. A constant added to all $\partial \ell / \partial w_i$ changes nothing: the weights sum to 1 whatever you do.
#
# **By hand**, for two keys with weights $(3/4, 1/4)$ and slopes $\partial \ell / \partial w = (2, -2)$. The average is $3/4 \cdot 2 - 1/4 \cdot 2 = 1$. So the slopes of the scores are
# $3/4 \cdot (2 - 1) = 0.75$ and $1/4 \cdot (-2 - 1) = -0.75$. They sum to 0, as they must.

# %%
# NBVAL_CHECK_OUTPUT
scores = torch.tensor([math.log(3.0), 0.0], dtype=torch.float64, requires_grad=True)
weights = scores.softmax(dim=0)
weights.backward(torch.tensor([2.0, -2.0], dtype=torch.float64))
print(
    "weights",
    [round(w, 2) for w in weights.tolist()],
    "  slopes of the scores",
    [round(g, 2) for g in scores.grad.tolist()],
)

# %% [markdown]
# **Exercise (stretch).** Write the whole way back (without a mask): given `d_mixed`, the slope of the loss with respect to each mixed value, return the slopes with respect to query, key and value.

# %%
# @exercise course_lib.nn.attention:attention_gradients

# %%
attention_gradients = check("03:attention_gradients", attention_gradients)

# %%
shapes = ((3, 5), (7, 5), (7, 2))  # T = 3 queries, S = 7 keys, K = 5, values of width 2
generator = make_generator(1)
inputs = [
    torch.randn(*s, generator=generator, dtype=torch.float64, requires_grad=True) for s in shapes
]
mixed, _ = scaled_dot_product_attention(*inputs)
d_mixed = torch.randn(mixed.shape, generator=generator, dtype=torch.float64)
by_autograd = torch.autograd.grad(mixed, inputs, d_mixed)
by_hand = attention_gradients(*[one.detach() for one in inputs], d_mixed)
for name, ours, theirs in zip(("query", "key", "value"), by_hand, by_autograd, strict=True):
    assert_close(ours, theirs)
    print(f"gradient for {name:5} of shape {tuple(ours.shape)}: by hand = autograd")

# %% [markdown]
# **What we learnt.** The softmax compares: each score's slope is its weight, times how much better than average it is. A weight near 0 gets no slope, whatever it would be worth. That is the saturation of section 3, seen
# from the other side.

# %% [markdown]
# ## 8 · What it costs
#
# *(core)*
#
# Every word looks at every word: $T^2$ scores, each of $K$ multiplications. Twice the text, four times the work, and four times the memory if the scores are stored.
#
# By hand: for $T = 1024$ a table of scores in 32-bit numbers takes $1024^2 \cdot 4$ bytes = 4 MiB, *per head and per text*. For $T = 32{,}768$ it takes 4 GiB.
#
# **Predict.** For long texts the library's `attend` computes the same output without storing the table (it goes through it in blocks; Dao et al. 2022). Will it also get round the $T^2$ in *time*?

# %%
lengths, seconds = (128, 256, 512, 1024, 2048), {"written out": [], "attend": []}
for n_tokens in lengths:
    q, k, v = torch.randn(3, 1, 1, n_tokens, 64, generator=make_generator(0))
    for name, function in {"written out": scaled_dot_product_attention, "attend": attend}.items():
        tries = []
        for _ in range(6):
            start = time.perf_counter()
            function(q, k, v)
            tries.append(time.perf_counter() - start)
        seconds[name].append(min(tries))
bytes_of_table = [n * n * q.element_size() for n in lengths]
pd.DataFrame(
    {
        "written out (ms)": [round(1000 * s, 2) for s in seconds["written out"]],
        "attend (ms)": [round(1000 * s, 2) for s in seconds["attend"]],
        "table of scores (MiB)": [round(n / 2**20, 2) for n in bytes_of_table],
    },
    index=pd.Index(lengths, name="tokens"),
)

# %%
reference = [seconds["written out"][0] * (n / lengths[0]) ** 2 for n in lengths]
show(
    plot_panels(
        Panel(
            title="Time grows about with the square",
            axis_labels=("tokens T", "milliseconds"),
            curves={
                **{name: Curve(x=lengths, y=[1000 * s for s in y]) for name, y in seconds.items()},
                "times 4 for twice the text": Curve(x=lengths, y=[1000 * s for s in reference]),
            },
        ),
        Panel(
            title="and so does the table",
            axis_labels=("tokens T", "MiB for one head of one text"),
            curves={"scores": Curve(x=lengths, y=[n / 2**20 for n in bytes_of_table])},
        ),
    ),
    alt="Two panels, for 128 to 2048 tokens. Left: the milliseconds of attention, written out "
    "and by attend, beside a curve that grows by 4 for each doubling of the text; all bend upwards. Right: the "
    "memory of the table of scores rises from 0.06 to 16 MiB, likewise.",
)

# %% [markdown]
# The time grows with the square either way; only the memory can be saved. A recurrent network's cost grows in proportion to $T$, and that is what it still has to offer.
#
# The slopes on this machine, fitted to the points. 2 would be the square exactly. Small sizes carry a fixed cost, which makes the slope flatter; tables that no longer
# fit into the processor's fast memory make it steeper.

# %%
for name, y in seconds.items():
    print(f"{name:12} time grows like T^{np.polyfit(np.log(lengths), np.log(y), 1)[0]:.2f}")

# %% [markdown]
# **What we learnt.** Attention buys the short way from every word to every other one, and pays with $T^2$.

# %% [markdown]
# ## Known truth
#
# Each tale of the **story world** returns, near its end, to a thing that it mentioned near its beginning: "a *brown* photograph … the *brown* photograph". We choose how many sentences lie between. And we know the truth: at the
# return, the word "brown" is certain, or nearly so. A reader that remembers needs no luck; one that does not has to guess among all the adjectives.

# %%
# NBVAL_CHECK_OUTPUT
stories = load("storyworld", size=2000, seed=run.seed, callback_distance=8)
told = [row for part in ("train", "test") for row in stories[part] if row["callback"]]
surprise = [-row["token_log_probs"][row["callback"]["return_token"] - 1] for row in told]
gaps = [row["callback"]["return_token"] - row["callback"]["first_token"] for row in told]
n_certain = sum(nats < 1e-9 for nats in surprise)
print(f"the adjective at the return: certain in {n_certain:,} of {len(told):,} stories,")
print(f"elsewhere {max(surprise):.2f} nats at most (the tale could have gone on in another way)")
print(f"between the two mentions lie {min(gaps)} to {max(gaps)} words")
print(" ".join(told[0]["tokens"][: told[0]["callback"]["first_token"] + 6]), "(…)")

# %% [markdown]
# To get *any* distance from the same stories, we cut out the middle: the reader sees the three words of the first mention ("a brown photograph"), then the last $n$ words before the return, and must
# say the adjective. Three readers of the same width:
#
# - an **LSTM** alone, which must carry "brown" through all words in its state;
# - an LSTM with **Bahdanau's** attention over its states;
# - **attention alone**: one head, no positions, no recurrence. The last word asks, all words answer.
#
# **Predict.** Up to which distance does each of them remember?


# %%
def cut_story(row, n_between):
    lowered = [token.lower() for token in row["tokens"][: row["callback"]["return_token"]]]
    first = row["callback"]["first_token"]
    return lowered[first - 2 : first + 1] + lowered[-n_between - 1 : -1], lowered[-1]


n_train = sum(bool(callback) for callback in stories["train"]["callback"])
lexicon = {token.lower() for row in told[:n_train] for token in row["tokens"]}
number_of = {token: number for number, token in enumerate(sorted(lexicon), start=1)}  # 0: unknown
adjectives = sorted({cut_story(row, 1)[1] for row in told})


def make_memory_task(rows, n_between):
    cut = [cut_story(row, n_between) for row in rows]
    ids = torch.tensor([[number_of.get(token, 0) for token in tokens] for tokens, _ in cut])
    return ids, torch.tensor([adjectives.index(answer) for _, answer in cut])


SIZE = 48


def make_reader(look, scale):
    lstm, answer = nn.LSTM(SIZE, SIZE, batch_first=True), nn.Linear(SIZE, len(adjectives))
    lstm.bias_ih_l0.data[SIZE : 2 * SIZE] = 1.0  # begin by keeping, not by forgetting
    word = nn.Embedding.from_pretrained(scale * torch.randn(len(number_of) + 1, SIZE), freeze=False)
    return nn.ModuleDict({"word": word, "lstm": lstm, "look": look, "answer": answer})


def read_lstm(parts, ids):
    return parts["answer"](parts["lstm"](parts["word"](ids))[0][:, -1])


def read_both(parts, ids):
    states, _ = parts["lstm"](parts["word"](ids))
    mixed, _ = parts["look"](states[:, -1:], states)
    return parts["answer"](states[:, -1] + mixed[:, 0])


def read_attention(parts, ids):
    x = parts["word"](ids)
    return parts["answer"](parts["look"](x[:, -1:], memory=x)[:, 0])


def reader_loss(read):
    return lambda parts, batch: F.cross_entropy(read(parts, batch[0]), batch[1])


# %%
readers = {"LSTM": read_lstm, "LSTM with attention": read_both, "attention alone": read_attention}
distances, memory, trained_readers = (4, 16, 32, 64), {name: [] for name in readers}, {}
for n_between in distances:
    ids, answers = make_memory_task(told[:n_train], n_between)
    test_ids, test_answers = make_memory_task(told[n_train:], n_between)
    for name, read in readers.items():
        torch.manual_seed(run.seed)
        is_bahdanau, generator = read is read_both, make_generator(1)
        look = AdditiveAttention(SIZE, SIZE, SIZE) if is_bahdanau else MultiHeadAttention(SIZE, 1)
        parts = make_reader(look, scale=0.3 if read is read_attention else 1.0)
        draws = (torch.randint(len(ids), (32,), generator=generator) for _ in range(250))
        optimizer = torch.optim.AdamW(parts.parameters(), lr=0.005)
        batches = ((ids[chosen], answers[chosen]) for chosen in draws)
        train_on_batches(parts, batches, reader_loss(read), optimizer)
        with torch.no_grad():
            hits = read(parts, test_ids).argmax(dim=-1) == test_answers
        memory[name].append(int(hits.sum()))
        trained_readers[name, n_between] = parts
n_tests = len(test_answers)
guess = int((test_answers == answers.mode().values).sum())
pd.DataFrame(
    [
        [
            "{:.0%} [{:.0%}, {:.0%}]".format(n / n_tests, *proportion_interval(n, n_tests))
            for n in memory[name]
        ]
        for name in readers
    ],
    index=list(readers),
    columns=[f"{n_between} words between" for n_between in distances],
)

# %%
show(
    plot_panels(
        Panel(
            title=f"Remembering a word over a distance (n = {n_tests} stories each)",
            axis_labels=("words between mention and return", "adjectives right"),
            curves={
                name: Curve(x=distances, y=[n / n_tests for n in counts])
                for name, counts in memory.items()
            },
            levels={"always the most frequent": guess / n_tests},
            y_range=(-0.1, 1.05),
        )
    ),
    alt="Curves of the share of adjectives recalled against the words in between, at 4, 16, 32 and 64. "
    + ". ".join(
        f"{name}: " + ", ".join(f"{n / n_tests:.2f}" for n in counts)
        for name, counts in memory.items()
    ),
)

# %% [markdown]
# All three had the same 250 steps, and of two sizes of the first word vectors each got the one that suited it. (The LSTM might go further with more of them, or with other settings: what you see is how hard it is to *learn* to carry a word over a distance, when the slope
# must come back through every step between. Attention has one step, whatever the distance.)
#
# Does attention handle *any* distance, then? Take the reader that was trained at 64 words and let it read up to 110. It has no positions that could be new to it; but there are more words to tell apart.

# %%
with torch.no_grad():
    for n_between in (64, 110):
        test_ids, test_answers = make_memory_task(told[n_train:], n_between)
        logits = read_attention(trained_readers["attention alone", 64], test_ids)
        n_right = int((logits.argmax(dim=-1) == test_answers).sum())
        low, high = proportion_interval(n_right, n_tests)
        print(
            f"trained at 64, read at {n_between:3}: {n_right / n_tests:.1%} [{low:.1%}, {high:.1%}]"
        )

# %% [markdown]
# ### Where did it look?
#
# A map of its weights for one story it had not seen: how much does each word of the 67 get?

# %%
parts = trained_readers["attention alone", 64]
row = told[n_train + 1]
tokens, answer = cut_story(row, 64)
with torch.no_grad():
    x = parts["word"](make_memory_task([row], 64)[0])
    weights = parts["look"].weights(x[:, -1:], memory=x)[0, 0, 0]
top = weights.topk(3)
for weight, place in zip(*(part.tolist() for part in top), strict=True):
    print(f"word {place:2}: {tokens[place]:12} weight {weight:.3f}")
print(f"the right answer: {answer}")
show(
    plot_lines(
        {"weight": (range(len(tokens)), weights.tolist())},
        title="One peak, on the adjective of the first mention",
        axis_labels=("place of the word (the last one asks)", "attention weight"),
    ),
    alt=f"Line of attention weights over 67 words. The highest weight, {top.values[0]:.2f}, is on word "
    f"{int(top.indices[0])}, {tokens[int(top.indices[0])]!r}.",
)

# %% [markdown]
# A beautiful picture. Is it an *explanation*? Test it: hide the word with the largest weight from the model, and ask again. Then hide another word at random instead.

# %%
test_ids, test_answers = make_memory_task(told[n_train:], 64)
generator = make_generator(7)
with torch.no_grad():
    x = parts["word"](test_ids)
    weights = parts["look"].weights(x[:, -1:], memory=x)[:, 0, 0]  # (B, S)
    largest = weights.argmax(dim=1)
    elsewhere = (largest + torch.randint(1, 67, largest.shape, generator=generator)) % 67
    nobody = torch.full_like(largest, -1)
    for name, place in {"nothing": nobody, "the top word": largest, "another": elsewhere}.items():
        visible = torch.arange(67) != place.unsqueeze(1)
        mixed = parts["look"](x[:, -1:], memory=x, mask=key_mask(visible))[:, 0]
        n_right = int((parts["answer"](mixed).argmax(dim=-1) == test_answers).sum())
        low, high = proportion_interval(n_right, n_tests)
        print(f"hidden: {name:13} {n_right / n_tests:6.1%} right [{low:.1%}, {high:.1%}]")
is_adjective = (largest == 1).double().mean()
print(f"the top word is the adjective of the first mention in {is_adjective:.1%} of the stories")

# %% [markdown]
# Here, with one layer and one head, the map is honest: what it points at, the answer hangs on. With many layers and heads that is no longer so clear, because what stands at a place is by then a mixture of all words
# (Jain and Wallace 2019, and the reply by Wiegreffe and Pinter 2019). Always make this test before you believe a map; lesson 09 goes on.

# %% [markdown]
# ## Real text
#
# Now news: 300 short reports from the Lee corpus. The task is that of lesson 00, in letters: guess the next character from those before it, at most 48 of them. Four models, equal but for whom a character may ask:
#
# 1. **only itself**: the mask allows nothing else. That makes a bigram model;
# 2. **everyone alike**: the weights are fixed, all characters so far count the same, a bag;
# 3. **attention without positions** (with a causal mask);
# 4. **attention with positions**.
#
# **Predict.** How much does each of them gain, in nats per character, on the one before?

# %%
news = [document.lower() for document in load("lee-news").documents]
alphabet = sorted(set("".join(news)))
held_out = " ".join(news[270:])
as_ids = [
    torch.tensor([alphabet.index(character) for character in text])
    for text in (" ".join(news[:270]), held_out)
]
WINDOW, SMALL = 48, 64
starts = torch.arange(0, len(as_ids[1]) - WINDOW - 1, WINDOW)
test_windows = as_ids[1][starts.unsqueeze(1) + torch.arange(WINDOW + 1)]


def draw_windows(n_rows, generator):
    begin = torch.randint(len(as_ids[0]) - WINDOW - 1, (n_rows, 1), generator=generator)
    return as_ids[0][begin + torch.arange(WINDOW + 1)]


def after_norm(*layers):
    return nn.Sequential(nn.LayerNorm(SMALL), *layers)


def make_writer():
    letter, end = nn.Embedding(len(alphabet), SMALL), after_norm(nn.Linear(SMALL, len(alphabet)))
    think = after_norm(nn.Linear(SMALL, 256), nn.GELU(), nn.Linear(256, SMALL))
    look = {"before": nn.LayerNorm(SMALL), "look": MultiHeadAttention(SMALL, 4)}
    return nn.ModuleDict({"letter": letter, **look, "think": think, "end": end})


def write(parts, ids, positions, mask):
    x = parts["letter"](ids) + positions
    x = x + parts["look"](parts["before"](x), mask=mask)
    return parts["end"](x + parts["think"](x))


def window_losses(parts, windows, positions, mask):
    logits = write(parts, windows[:, :-1], positions, mask)
    return F.cross_entropy(logits.mT, windows[:, 1:], reduction="none").mean(dim=1)


def writer_loss(way):
    return lambda parts, windows: window_losses(parts, windows, *way).mean()


def look_at_all_alike(layer):
    for parameter in layer.query.parameters():
        nn.init.zeros_(parameter).requires_grad_(False)  # all scores are 0


# %%
print(f"{len(alphabet)} characters, {len(as_ids[0]):,} to learn from, {len(as_ids[1]):,} held out")
here, everywhere = torch.zeros(WINDOW, SMALL), sinusoidal_positions(WINDOW, SMALL)
itself, past = torch.eye(WINDOW, dtype=torch.bool), causal_mask(WINDOW)
ways = {
    "only itself": (here, itself),
    "everyone alike": (everywhere, past),
    "attention, no positions": (here, past),
    "attention, positions": (everywhere, past),
}
writers, losses = {}, {}
for name, way in ways.items():
    torch.manual_seed(run.seed)
    parts, generator = make_writer(), make_generator(run.seed)
    if name == "everyone alike":
        look_at_all_alike(parts["look"])
    learned = [parameter for parameter in parts.parameters() if parameter.requires_grad]
    batches = (draw_windows(24, generator) for _ in range(run.pick(small=260, t4=3000)))
    train_on_batches(parts, batches, writer_loss(way), torch.optim.AdamW(learned, lr=0.003))
    with torch.no_grad():
        losses[name] = window_losses(parts, test_windows, *way).double().numpy()
    writers[name] = parts
scores = {name: (values.mean(), *bootstrap_interval(values)) for name, values in losses.items()}
for name, (loss, low, high) in scores.items():
    print(f"{name:24} {loss:.3f} nats per character [{low:.3f}, {high:.3f}]")
print(f"n = {len(test_windows)} windows of {WINDOW} characters; 95 % intervals")

# %%
show(
    plot_intervals(
        {"attention": dict(list(scores.items())[1:])},
        axis_label="nats per character, held-out news (lower is better)",
        baseline=("only itself", scores["only itself"][0]),
    ),
    alt="Losses of three models with intervals, against the model that sees only one character. "
    + ", ".join(f"{name} {loss:.2f}" for name, (loss, _, _) in scores.items()),
)

# %% [markdown]
# A bag of characters helps little, and a bag that may choose helps hardly more. Spelling is order: only with positions does attention pay. All four have nearly the same number of parameters and the same training.
#
# What did the four heads learn? Here is, for each of them, the mean weight that a character gives to the one $n$ places before it.

# %%
writer, way = writers["attention, positions"], ways["attention, positions"]
with torch.no_grad():
    x = writer["letter"](test_windows[:100, :-1]) + everywhere
    maps = writer["look"].weights(writer["before"](x), mask=past).mean(dim=0)  # (H, T, T)
back = range(13)
by_distance = {
    f"head {h}": (back, [float(maps[h].diagonal(-n)[16:].mean()) for n in back]) for h in range(4)
}
show(
    plot_lines(
        by_distance,
        title="How far back each head looks",
        axis_labels=("characters back (0: itself)", "mean weight"),
    ),
    alt="Four curves of mean attention weight against distance, 0 to 12 characters back. "
    + ". ".join(
        f"{name} peaks {int(np.argmax(y))} back at {max(y):.2f}"
        for name, (_, y) in by_distance.items()
    ),
)

# %% [markdown]
# By distance alone they look much alike: all at the last few characters, with small differences. (They may still look at different *letters*.) Does each head matter? Switch off one at a time, by setting its columns of the output matrix to 0, and see what the loss does.

# %%
head_costs = {}
matrix = writer["look"].output.weight
for h in range(4):
    saved = matrix.detach().clone()
    with torch.no_grad():
        matrix[:, h * 16 : (h + 1) * 16] = 0.0
        without = window_losses(writer, test_windows, *way).double().numpy()
        matrix.copy_(saved)
    extra = without - losses["attention, positions"]
    head_costs[f"head {h}"] = (extra.mean(), *bootstrap_interval(extra))
for name, (cost, low, high) in head_costs.items():
    print(f"without {name}: loss higher by {cost:.3f} nats per character [{low:.3f}, {high:.3f}]")

# %% [markdown]
# In this small model each head earns its place, one more than another. In large trained models many can be removed at no cost (Michel, Levy and Neubig 2019). So "each head captures its own relation" is something to be measured, each time.
#
# Finally, a map: whom does a character ask, while it guesses the next one?

# %%
window = test_windows[3]
text = "".join(alphabet[int(i)] for i in window[:-1])
with torch.no_grad():
    x = writer["before"](writer["letter"](window[None, :-1]) + everywhere)
    maps = writer["look"].weights(x, mask=past)[0]
part = slice(12, 28)
labels = ["␣" if character == " " else character for character in text[part]]
show(
    plot_attention_heads(maps[:, part, part].numpy(), labels, labels, "Whom a character asks"),
    alt=f"Four heat maps, one a head, of attention among 16 characters of the text {text[part]!r}: rows "
    "ask, columns are asked. Everything above the diagonal is 0, because the future is hidden. The weight "
    "lies near the diagonal, in some heads for several rows on the same letter, such as the first of a word.",
)

# %% [markdown]
# Here the heads do differ: some stay with one letter, such as the first of the word, while several others ask. It is one sentence, and a hypothesis.
#
# **A trap in maps of other models.** In Hugging Face's `transformers`, the usual fast way of computing attention (`sdpa`) never writes the weights down. Ask for them, and you get nothing, without an error. Switch
# to the written-out way (`eager`) first, and check the shape. (The little GPT-2 here has random weights; only the shapes count.)

# %%
# NBVAL_CHECK_OUTPUT
from transformers import GPT2Config, GPT2Model, logging

logging.set_verbosity_error()  # there is a warning in the log, which notebooks often do not show
config = GPT2Config(n_layer=2, n_head=2, n_embd=8, vocab_size=11, n_positions=16)
stranger = GPT2Model(config).eval()
for way_to_compute in ("sdpa", "eager"):
    stranger.set_attn_implementation(way_to_compute)
    with torch.no_grad():
        maps = stranger(torch.arange(5)[None], output_attentions=True).attentions
    print(f"{way_to_compute:5} maps of {len(maps)} layers:", [tuple(one.shape) for one in maps])

# %% [markdown]
# ## On a GPU
#
# How far does $T^2$ reach on a real accelerator? The cell measures time and peak memory of one attention layer (8 heads, $K = 64$), written out as in your exercise and by `attend`, for longer and longer texts. Without a GPU you see what was
# recorded, if anything was.


# %% tags=["gpu"]
def wait():
    if run.device.type == "cuda":
        torch.cuda.synchronize()


if run.gpu_cell:
    result = {}
    n_written_out = run.pick(small=128, t4=8192, full=16384)
    for n_tokens in run.pick(
        small=[64, 256], t4=[1024, 4096, 8192], full=[1024, 4096, 16384, 65536]
    ):
        q, k, v = torch.randn(3, 1, 8, n_tokens, 64, device=run.device)
        for name, function in {
            "written out": scaled_dot_product_attention,
            "attend": attend,
        }.items():
            if name == "written out" and n_tokens > n_written_out:
                continue  # the table of scores would not fit
            function(q, k, v)
            wait()
            if run.device.type == "cuda":
                torch.cuda.reset_peak_memory_stats()
            start = time.perf_counter()
            for _ in range(3):
                function(q, k, v)
            wait()
            measured = {"milliseconds": 1000 * (time.perf_counter() - start) / 3}
            if run.device.type == "cuda":
                measured["peak_mib"] = torch.cuda.max_memory_allocated() / 2**20
            result[f"{name}, {n_tokens} tokens"] = measured
    recorded = run.record("03-attention-cost", result)
else:
    recorded = run.recorded("03-attention-cost")
for name, measured in recorded.result.items():
    print(name, {unit: round(number, 2) for unit, number in measured.items()})

# %% [markdown]
# ## Exercises
#
# They stand where they belong in the sections above:
#
# | | level | section |
# |---|---|---|
# | `scaled_dot_product_attention` | core | [2 · Looking up, softly](#2-·-Looking-up,-softly) |
# | `causal_mask` | easy | [4 · Masks](#4-·-Masks:-who-may-look-at-whom) |
# | `split_heads` | core | [5 · Several heads](#Heads) |
# | `MultiHeadAttention` | core | [5 · Several heads](#The-whole-layer) |
# | `sinusoidal_positions` | core | [6 · Where am I?](#6-·-Where-am-I?) |
# | `attention_gradients` | stretch | [7 · The gradient, by hand](#7-·-The-gradient,-by-hand) |
#
# Five more without a check, if you like:
#
# - *Easy.* In section 2, give "the" the vector (0, 3). Guess first: what happens to "bank"?
# - *Core.* Train the lookup of section 5 with one head of width 64, and with 16 heads of width 4. Which is better, and which wrong root would hurt more?
# - *Core.* Give the judge of section 6 positions made by `torch.randn(ROW, WIDE)`, fixed, the same for all rows. Does it need sines at all?
# - *Core.* In *Real text*, add `sliding_window_mask(WINDOW, 4)` from `course_lib.nn` as a fifth model. How much of the gain comes from the last three characters?
# - *Stretch.* Put `rotate` into your `MultiHeadAttention`, on queries and keys, and use it in *Real text* instead of the sines.

# %% [markdown]
# ## In your own words
#
# A colleague writes: "I divided the attention scores by √d_model, as in the tutorial. The loss goes down fine, so it is correct." Answer him in five sentences or fewer.
#
# <details><summary>What a good answer contains</summary>
#
# - The formula has the width of *one head*; with $H$ heads his scores spread by $1/\sqrt{H}$ instead of 1.
# - A loss that falls proves little: a constant factor can be learned, so the model gets there, but later.
# - His weights will not fit other implementations, nor theirs his: loading GPT-2 into it gives wrong results without an error.
# - What would prove it correct: the same numbers as a reference with the same weights.
#
# Three of the four is good.
#
# </details>

# %% [markdown]
# <!-- @answer wrong-root -->
# *Write your answer here: double-click this cell.*

# %% [markdown]
# ## Claims, tested
#
# Seven sentences that you will read elsewhere. Each was tested in this lesson.
#
# ### “Scores are normalised to 0 to 1, then softmax is applied.”
#
# **False.** Softmax is the normalisation. After squeezing, no weight can exceed $e/(e + n - 1)$, and a model trained with it stays far behind:

# %%
for name in ("√d_head, own matrices", "0 to 1, then softmax"):
    mean, sd = mean_and_sd(lookup_right[name][stages[-1]])
    print(f"{name:22} {mean:.1%} right ± {sd:.1%} after {stages[-1]} steps")

# %% [markdown]
# ### “The positional encoding is sin(pos/10000) + cos²(pos/10000).”
#
# **False.** That is one number for all columns, nearly the same for all positions. With it, a model judges order like one without any positions:

# %%
for name in ("no positions", "the printed formula", "sines and cosines"):
    mean, sd = mean_and_sd(judged[name])
    print(f"{name:20} {mean:.1%} right ± {sd:.1%}")

# %% [markdown]
# ### “Scores are divided by the root of the model's width, and all heads share a layer.”
#
# **False, twice;** but it does not "break" the model. It starts slower and gets close:

# %%
for name in list(variants)[:4]:
    early, late = (mean_and_sd(lookup_right[name][stage])[0] for stage in stages)
    print(f"{name:22} {early:.1%} right after {stages[0]} steps, {late:.1%} after {stages[1]}")

# %% [markdown]
# ### “Without positional encoding, a Transformer cannot know the order of words.”
#
# **True without a mask, false for a decoder.** (Haviv et al. 2022 found the same in large language models.)

# %%
for name in ("no positions", "no positions, causal mask"):
    mean, sd = mean_and_sd(judged[name])
    print(f"{name:26} {mean:.1%} right ± {sd:.1%}")

# %% [markdown]
# ### “Attention filters out what is unimportant.”
#
# **Imprecise.** It turns it down. Only a mask gives a weight of exactly 0:

# %%
# NBVAL_CHECK_OUTPUT
scores = torch.tensor([[9.0, 0.0, -9.0]])
hidden = scores.masked_fill(torch.tensor([[False, False, True]]), -math.inf)
print("smallest weight without a mask above 0:", bool((scores.softmax(dim=-1) > 0).all()))
print("with a mask exactly 0:", hidden.softmax(dim=-1)[0, 2].item() == 0)

# %% [markdown]
# ### “Each head captures a different relation.”
#
# **Not guaranteed.** By distance our four heads looked alike, in the maps they prefer different letters, and one mattered more than the others. Whether a head has a job, and whether the model needs it, one has to measure:

# %%
for name, (cost, low, high) in head_costs.items():
    print(f"without {name}: +{cost:.3f} nats per character [{low:.3f}, {high:.3f}]")

# %% [markdown]
# ### “Attention solves long-range dependencies.”
#
# **Imprecise.** It makes the way short: one step, where a recurrent network needs one for every word between.

# %%
for name, counts in memory.items():
    shares = zip(distances, counts, strict=True)
    print(f"{name:20}", ", ".join(f"{n / n_tests:.0%} at {distance}" for distance, n in shares))

# %% [markdown]
# But what lies outside the window is not seen at all, the window costs $T^2$, and large models use the middle of a long text worse than its ends (Liu et al. 2024).

# %% [markdown]
# ## Quiz

# %%
quiz("03")

# %% [markdown]
# In a notebook without buttons, answer like this: `answer_quiz("03", 2, "b")`.
#
# ## Summary

# %% [markdown]
# - A recurrent state of fixed size is a bottleneck. Attention keeps all states and looks back.
# - Attention is a soft dictionary: scores by dot products, divided by $\sqrt{d_{head}}$, shares by softmax, an average of the values.
# - Softmax is the only normalisation. It never gives 0; masks do, and they hide scores, not weights.
# - A mask is tested by changing what it hides. Conventions differ between libraries, silently.
# - Heads are several attentions in narrow spaces, each with its own matrices: project the whole word first, then cut.
# - Attention is blind to order. Sines, learned tables and rotations tell it; a causal mask tells it a little, too.
# - The slope of a score is its weight, times how much better than average it is.
# - Time grows with $T^2$, whatever is saved in memory.
# - A map of weights is a hypothesis. Hide what it points at, and see.

# %% [markdown]
# ## Further reading
#
# - Bahdanau, Cho and Bengio 2014, *Neural Machine Translation by Jointly Learning to Align and Translate*, <https://arxiv.org/abs/1409.0473>: looking back, before
#   the Transformer.
# - Vaswani et al. 2017, *Attention Is All You Need*, <https://arxiv.org/abs/1706.03762>: sections 3.2 (attention, the root, heads) and 3.5 (positions).
# - Su et al. 2021, *RoFormer: Enhanced Transformer with Rotary Position Embedding*, <https://arxiv.org/abs/2104.09864>.
# - Haviv et al. 2022, *Transformer Language Models without Positional Encodings Still Learn Positional Information*, <https://arxiv.org/abs/2203.16634>.
# - Dao et al. 2022, *FlashAttention: Fast and Memory-Efficient Exact Attention with IO-Awareness*, <https://arxiv.org/abs/2205.14135>.
# - Michel, Levy and Neubig 2019, *Are Sixteen Heads Really Better than One?*, <https://arxiv.org/abs/1905.10650>; Voita et al. 2019, *Analyzing Multi-Head Self-Attention*,
#   <https://arxiv.org/abs/1905.09418>.
# - Jain and Wallace 2019, *Attention is not Explanation*, <https://arxiv.org/abs/1902.10186>; Wiegreffe and Pinter 2019, *Attention is not not Explanation*,
#   <https://arxiv.org/abs/1908.04626>.
# - Liu et al. 2024, *Lost in the Middle: How Language Models Use Long Contexts*, <https://aclanthology.org/2024.tacl-1.9/>.

# %%
run.summary()
