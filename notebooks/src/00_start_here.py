# %% [markdown]
# # 00 · Start here
#
# **The question:** What is a language model, and how can we tell that one is better than another?

# %% [markdown]
# ## You will be able to
#
# - say what a language model is, and compute the probability of a sentence by hand;
# - build the smallest model that works, from counts, and let it write;
# - measure a model in nats per token and in perplexity, with an interval and against a baseline;
# - explain why a single zero is fatal, and why a longer memory does not always help;
# - put the models you have heard of in their year and family, and spot wrong claims about them.

# %% [markdown]
# ## Before you start
#
# | | |
# |---|---|
# | Builds on | Python: lists, loops, functions. Mathematics: fractions, and what a logarithm is |
# | Your time | about 85 minutes, 20 more with the optional exercise |
# | On a CPU | about half a minute on one free core, under 1 GB of memory |
# | On a GPU | not needed; the cell under *On a GPU* measures what one would change |

# %% [markdown]
# ## Recall
#
# Three things from school. Answer from memory, then open the answer.
#
# 1. You toss a fair coin three times. How probable is heads, then tails, then heads?
#
# <details><summary>Answer</summary>
#
# $1/2 \cdot 1/2 \cdot 1/2 = 1/8$. Probabilities of one thing *and then* another multiply.
#
# </details>
#
# 2. What is $\ln (a \cdot b)$, written with $\ln a$ and $\ln b$? And $\ln 1$?
#
# <details><summary>Answer</summary>
#
# $\ln (a \cdot b) = \ln a + \ln b$: a logarithm turns products into sums. $\ln 1 = 0$.
#
# </details>
#
# 3. Two classes have 10 and 30 pupils and average marks of 4 and 2. What is the average mark of all
#    the pupils?
#
# <details><summary>Answer</summary>
#
# $(10 \cdot 4 + 30 \cdot 2) / 40 = 2.5$. It is not 3: the bigger class counts for more. You will
# need this today.
#
# </details>

# %% [markdown]
# ## Set-up

# %%
# @setup

# %%
import math
import textwrap
import time
from bisect import bisect
from itertools import pairwise

import numpy as np
import pandas as pd
import torch

from course_lib.data import load, read_facts, storyworld
from course_lib.evaluation import bootstrap_interval, entropy_rate, perplexity
from course_lib.lesson import answer_quiz, check, hint, quiz
from course_lib.models import KneserNeyConfig, KneserNeyModel, NGramConfig, NGramModel
from course_lib.plotting import (
    new_figure,
    plot_lines,
    plot_parameter_counts,
    plot_scores,
    plot_timeline,
    show,
    use_course_style,
)
from course_lib.seeding import make_generator
from course_lib.tokenizers import Vocabulary, sentences_of

use_course_style()

# %% [markdown]
# ## 1 · How this course works
#
# *(core)*
#
# **Your copy.** You are reading your own copy of the lesson if you opened it with `make lab` or
# `course start 00`: it lies in the folder `work/`, and nothing overwrites it. When the course is
# updated, your answers are carried over.
#
# **Predict, then run.** A lesson asks before it answers. Where you read **Predict**, stop and commit
# yourself. A wrong guess that you made teaches more than a right one that you read.
#
# **Exercises.** Some functions are yours to write. You find a cell with a name, a description and
# `raise NotImplementedError("Your turn")`. Replace that line. The next cell calls `check`:
#
# - it passes: your function is used from here on;
# - it does not: the check says what is wrong, by name if it is a mistake that others have made;
# - you are stuck: `hint("00:count_ngrams")` gives a nudge, then shapes, then the steps, then the
#   solution, one more each time;
# - you skip it: the lesson goes on with the library's version. You can always come back.
#
# **Size.** Everything here runs on a laptop. The environment variable `COURSE_SCALE` (`small`, `t4`,
# `full`) makes the same cells grow to a free Colab GPU, or to a big one.
#
# **Progress.** `course progress` in a terminal lists what you have solved. The last cell of each
# lesson says which parts were yours.
#
# ### Which foundations do you need?
#
# The next lesson, A1, teaches the mathematics and the PyTorch that the others build on. You may know
# some of it already. These questions tell you what to skip: each wrong answer names the section of
# A1 to read.

# %%
quiz("00_diagnostic")

# %% [markdown]
# ## 2 · What a language model is
#
# *(core)*
#
# **The question.** "The cat sleeps" is a likelier sentence than "sleeps cat the". You know that. How
# could a machine know?
#
# **The idea.** A **language model** gives every text a probability. That is all it does. The
# probabilities of all possible texts sum to 1, like shares of a cake: to make one text likelier, the
# model must make others less likely.
#
# A text is a sequence of **tokens** $x_1, x_2, \dots, x_T$. In this lesson the tokens are words, and a
# last token `</s>` that ends the sentence. There are far too many sentences to list their
# probabilities one by one. So we split the probability of a sentence into steps. This is the **chain
# rule** of probability, and it is exact:
#
# $$p(x) = \prod_{t=1}^{T} p(x_t \mid x_1, \dots, x_{t-1})$$
#
# Read it aloud: the first word, times the second given the first, times the third given the first
# two. A model that can predict the **next token** can therefore score whole texts. And it can write
# them: predict, draw, append, repeat.
#
# Every generative model in this course, from the table of counts below to a Transformer, is a way to
# compute $p(x_t \mid x_1, \dots, x_{t-1})$.
#
# **The smallest model.** Suppose that only the last word matters:
# $p(x_t \mid x_1, \dots, x_{t-1}) \approx p(x_t \mid x_{t-1})$. That is a **bigram** model. We get its
# numbers by counting. Here are four sentences to learn from:

# %%
toy_sentences = [
    ["the", "cat", "sleeps"],
    ["the", "dog", "sleeps"],
    ["the", "cat", "eats"],
    ["a", "dog", "eats"],
]

# %% [markdown]
# **Predict.** By hand: of the four sentences, how many begin with "the"? After "the", how often does
# "cat" follow? After "cat", how often "sleeps"? Multiply: what is the probability of "the cat
# sleeps"?
#
# Write it down before you go on.
#
# To let the computer do it, we must count pairs. A run of $n$ neighbouring tokens is called an
# **n-gram**: a unigram is one token, a bigram two, a trigram three.
#
# **Exercise (easy).** Write the counting. The text in the triple quotes says what goes in, what comes
# out, and what to refuse.

# %%
# @exercise course_lib.models.ngram:count_ngrams

# %%
count_ngrams = check("00:count_ngrams", count_ngrams)

# %% [markdown]
# With it, the table of the four sentences. `<s>` marks the start of a sentence: it is never
# predicted, but the first word needs something to follow.

# %%
# NBVAL_CHECK_OUTPUT
pairs, firsts = count_ngrams([], 2), count_ngrams([], 1)
for words in toy_sentences:
    line = ["<s>", *words, "</s>"]
    pairs.update(count_ngrams(line, 2))
    firsts.update(count_ngrams(line[:-1], 1))

for (first, second), count in sorted(pairs.items()):
    print(f"p({second:6} | {first:6}) = {count} / {firsts[(first,)]}")

# %% [markdown]
# Now the probability of a sentence: one factor per step.

# %%
# NBVAL_CHECK_OUTPUT
for words in (["the", "cat", "sleeps"], ["the", "dog", "eats"], ["sleeps", "cat", "the"]):
    line = ["<s>", *words, "</s>"]
    steps = [pairs[first, second] / firsts[(first,)] for first, second in pairwise(line)]
    product = " · ".join(f"{step:.2f}" for step in steps)
    print(f"{' '.join(words):15} {product} = {math.prod(steps):.3f}")

# %% [markdown]
# Look at the second line. "The dog eats" is in none of the four sentences, and yet it gets a
# probability: the model has put seen pieces together in a new way. That is the first spark of
# **generalisation**. The third line gets nothing at all, which will cost us dearly in section 5.
#
# **Why logarithms.** A page has some 500 words. A product of 500 small factors is smaller than any
# number a computer can hold. So we add logarithms instead:
#
# $$\ln p(x) = \sum_{t=1}^{T} \ln p(x_t \mid x_1, \dots, x_{t-1})$$
#
# A logarithm to the base $e$ is measured in **nats**. By hand, for "the cat sleeps":
# $\ln \frac34 + \ln \frac23 + \ln \frac12 + \ln 1 = \ln \frac14$.

# %%
# NBVAL_CHECK_OUTPUT
by_hand = math.log(3 / 4) + math.log(2 / 3) + math.log(1 / 2) + math.log(1)
print(f"sum of logarithms: {by_hand:.3f} nats; ln(1/4) = {math.log(1 / 4):.3f}")
print(f"a product of 500 factors of 0.1: {0.1**500}; its logarithm: {500 * math.log(0.1):.0f} nats")

# %% [markdown]
# The library's `NGramModel` does the same for any number of words. It must agree with your hand:

# %%
# NBVAL_CHECK_OUTPUT
toy_vocabulary = Vocabulary.from_sentences(toy_sentences)
toy_model = NGramModel(NGramConfig(order=2)).fit(toy_sentences, toy_vocabulary)
print(f"the model: {toy_model.log_prob(toy_model.encode(['the', 'cat', 'sleeps'])):.3f} nats")

# %% [markdown]
# **What we learnt.** A language model is a probability distribution over texts. The chain rule turns
# it into predicting the next token, and back. In logarithms, a text's score is a sum.

# %% [markdown]
# ## 3 · First contact: a model that writes
#
# *(core)*
#
# **The question.** What does a table of counts sound like, when the counts come from real text?
#
# We take an excerpt of Wikipedia that comes with this course's dependencies: about a hundred
# articles. We split it by *article* into three parts. From the **training** part the models count. On
# the **dev** part (for "development") we compare and choose. The **test** part stays closed until the
# very end: it is for the final numbers, once.

# %%
corpus = load("wikipedia-excerpt")
articles = [sentences_of([text]) for text in corpus.documents]
shuffled = np.random.default_rng(run.seed).permutation(len(articles))
test, dev, train = ([articles[i] for i in part] for part in np.split(shuffled, [16, 32]))
train_sentences = [sentence for article in train for sentence in article]

print(textwrap.fill(str(corpus), 92))
for name, part in {"train": train, "dev": dev, "test": test}.items():
    n_words = sum(len(sentence) for article in part for sentence in article)
    print(f"{name:5} {len(part):3} articles, {n_words:7,} words")

# %% [markdown]
# A model must know which words there are. Ours knows those that the training text has at least twice.
# Every other word, now and later, becomes one token, `<unk>`, for "unknown". Remember that decision:
# it returns under *Claims, tested*.

# %%
vocabulary = Vocabulary.from_sentences(train_sentences, min_count=2)
words_of_dev = [word for article in dev for sentence in article for word in sentence]
unknown = sum(word not in vocabulary for word in words_of_dev) / len(words_of_dev)
print(f"{len(vocabulary):,} words; {unknown:.1%} of the dev words are unknown")

# %% [markdown]
# Now four models. A model of **order** $n$ predicts a word from the $n - 1$ words before it. Order 1
# looks at nothing, order 4 at three words.
#
# **Predict.** What will their texts look like? And which will be best?

# %%
writers = {
    order: NGramModel(NGramConfig(order=order)).fit(train_sentences, vocabulary)
    for order in (1, 2, 3, 4)
}

# %% [markdown]
# A **temperature** $\tau$ makes a model bolder or more careful. It divides the log-probabilities, and
# then makes the probabilities sum to 1 again:
#
# $$q_i = \frac{p_i^{1/\tau}}{\sum_j p_j^{1/\tau}} \qquad \mathrm{shape} \; (V,) \to (V,)$$
#
# $V$ is the number of outcomes. By hand: probabilities 0.8 and 0.2 with $\tau = 1/2$ become $0.64$ and
# $0.04$, which sum to $0.68$, so they end at $0.94$ and $0.06$. With a high temperature all outcomes
# move towards equal chances; with $\tau = 1$ nothing changes.
#
# **Exercise (core).** Write it. Mind that input and output are *logarithms* of probabilities.

# %%
# @exercise course_lib.generation.sampling:apply_temperature

# %%
apply_temperature = check("00:apply_temperature", apply_temperature)

# %% [markdown]
# To write, a model predicts, we draw one token from its prediction, append it, and ask again. Here is
# the library's function for that. It calls your `apply_temperature`, and it will serve a Transformer
# just as well as a table of counts:

# %%
# @sync course_lib.generation.sampling:sample_ids

# %% [markdown]
# Here they are: 40 tokens from each. A full stop marks the end of a sentence, `<unk>` an unknown word.
# (All four draw with the same random numbers. That is why some words turn up in more than one text.)

# %%
for order, model in writers.items():
    ids = sample_ids(model.next_log_probs, [], 40, generator=make_generator(run.seed))
    text = " ".join(model.decode(ids)).replace(" </s>", ".")
    print(textwrap.fill(f"order {order}: {text}", 92), "\n")

# %% [markdown]
# Order 1 is a bag of words. Order 2 is right from word to word and lost after three. Order 3 sounds
# like an encyclopaedia. Order 4 writes nearly perfect English, and some facts that nobody has ever
# claimed. Has it understood Wikipedia?
#
# **Predict.** What share of its runs of six words stands word for word in the training text?
#
# Your `count_ngrams` can tell.

# %%
runs_of_six = count_ngrams([], 6)
for sentence in train_sentences:
    runs_of_six.update(count_ngrams(sentence, 6))

for order, model in writers.items():
    ids = sample_ids(model.next_log_probs, [], 600, generator=make_generator(run.seed))
    text = " ".join(model.decode(ids)).split("</s>")
    written = [six for sentence in text for six in count_ngrams(sentence.split(), 6).elements()]
    copied = sum(runs_of_six[six] > 0 for six in written)
    share = f"{copied / len(written):4.0%}, {copied} of {len(written)}"
    print(f"order {order}: copied runs of six words: {share}")

# %% [markdown]
# The higher the order, the more the model recites. After three given words, there is often just one
# continuation in the whole training text. **Text that looks good is no proof of a good model.** We
# need a measure.
#
# Claude Shannon did this in 1948, with a book and a finger: pick a word, find it elsewhere, take the
# word after it. You have just repeated his experiment.
#
# **What we learnt.** Predict, draw, append: any language model can write. A longer memory makes
# better-looking text, partly because it copies.

# %% [markdown]
# ## 4 · How good is it? Cross-entropy and perplexity
#
# *(core)*
#
# **The question.** How do we put a number on "this model predicts well"?
#
# **The idea.** Give the model text that it has never seen, and watch its surprise. If it gave the word
# that really came the probability $p$, its surprise is $-\ln p$: nothing if it was certain
# ($-\ln 1 = 0$), $0.69$ nats if it gave one half, more and more as $p$ shrinks. The mean over all $N$
# tokens is the **cross-entropy**:
#
# $$H = -\frac{1}{N} \sum_{t=1}^{N} \ln p(x_t \mid x_1, \dots, x_{t-1}) \qquad \mathrm{nats \; per \; token}$$
#
# Lower is better. By hand: a document with the probabilities 1/2 and 1/4, and another with 1/2, have
# $H = (0.69 + 1.39 + 0.69) / 3 = 0.92$ nats per token.
#
# Think of Recall, question 3: two documents, one short, one long. Which weighs more?
#
# **Exercise (core).** Write it, for a list of documents.

# %%
# @exercise course_lib.evaluation.perplexity:nats_per_token

# %%
nats_per_token = check("00:nats_per_token", nats_per_token)

# %% [markdown]
# Nats per token are hard to picture. So one often quotes $e^H$, the **perplexity**. It is the number
# of equally likely words that would leave you just as unsure: a perplexity of 100 means that the
# model is, on average, as surprised as someone who throws a die with 100 sides.

# %%
# NBVAL_CHECK_OUTPUT
for sides in (2, 6, 100):
    log_probs = [np.log(np.full(5, 1 / sides))]
    nats = nats_per_token(log_probs)
    print(
        f"a die with {sides:3} sides: {nats:.2f} nats per throw, perplexity {perplexity(nats):.0f}"
    )

# %% [markdown]
# **How sure are we?** Sixteen dev articles are a sample. Other articles would give another number. So
# every score gets an **interval**: we draw sixteen articles from our sixteen, with replacement, a
# thousand times, and note between which values the middle 95 % of the results lie. (This is the
# **bootstrap**; you will meet it again in A1.) We draw articles, not words, because the words of one article belong together.


# %%
def encode(model, part):
    return [[model.encode(words) for words in article] for article in part]


def score(model, encoded):
    return [model.token_log_probs(article) for article in encoded]


def with_interval(log_probs):
    rows = np.array([(-document.sum(), len(document)) for document in log_probs])
    low, high = bootstrap_interval(rows, lambda drawn: drawn[:, 0].sum() / drawn[:, 1].sum())
    return nats_per_token(log_probs), low, high


# All models with the same vocabulary share the same ids.
train_ids, dev_ids, test_ids = (encode(writers[1], part) for part in (train, dev, test))

# %% [markdown]
# **A number alone says nothing.** Against what? Two baselines:
#
# - **uniform**: every one of the $V$ outcomes is equally likely. Its surprise is $\ln V$, always.
# - **unigram**: our order 1. It knows which words are frequent, and nothing else.
#
# **Predict.** $V$ is about 13,500, so $\ln V$ is about 9.5 nats. How much does it help to know which
# words are frequent?

# %%
unigram = with_interval(score(writers[1], dev_ids))
uniform = math.log(writers[1].vocab_size)
print(f"uniform: {uniform:.2f} nats per token, perplexity {perplexity(uniform):,.0f}")
print(
    f"unigram: {unigram[0]:.2f} nats per token ({unigram[1]:.2f} to {unigram[2]:.2f}, n = {len(dev)} "
    f"articles), perplexity {perplexity(unigram[0]):,.0f}"
)

# %% [markdown]
# Frequencies alone take three nats off. Since $e^3 \approx 20$, that is like having 20 times fewer
# words to choose from.
#
# **What we learnt.** Cross-entropy is the mean surprise on unseen text, in nats per token; perplexity
# is $e$ to its power. A score comes with its sample size, an interval and a baseline.

# %% [markdown]
# ## 5 · One zero is fatal: smoothing
#
# *(core; the last exercise is optional)*
#
# **The question.** A bigram model must be better than a unigram model: it knows more. How much
# better?
#
# **Predict** its perplexity on the dev articles.

# %%
surprise = score(writers[2], dev_ids)
impossible = np.isinf(np.concatenate(surprise))
hit = sum(bool(np.isinf(document).any()) for document in surprise)
nats = nats_per_token(surprise)
print(f"bigram: {nats} nats per token, perplexity {perplexity(nats)}")
print(f"{impossible.mean():.0%} of the tokens have probability 0, in {hit} of {len(dev)} articles")

# %% [markdown]
# Infinite. Whatever pair the model has not counted, it calls *impossible*. A single impossible token
# makes a factor of 0, and the whole product 0: the model says that this article cannot exist. Yet
# there it lies. A probability of 0 for something that happens is not strict, it is wrong.
#
# **The idea.** Take a little probability from what was seen and give it to what was not. This is
# **smoothing**. The simplest way, **add-k**: pretend that you saw each of the $V$ outcomes $k$ more
# times than you did.
#
# $$p_i = \frac{c_i + k}{\sum_j c_j + k V}$$
#
# Here $c_i$ is how often outcome $i$ was seen after the given context; $c$ and $p$ have the shape
# $(V,)$. $k$ need not be a whole number. By hand: counts 3, 1, 0 and
# $k = 1$ give $4/7$, $2/7$, $1/7$.
#
# **Exercise (easy).** Write it.

# %%
# @exercise course_lib.models.ngram:add_k_probabilities

# %%
add_k_probabilities = check("00:add_k_probabilities", add_k_probabilities)

# %% [markdown]
# How big should $k$ be? We try, on the dev part.
#
# **Predict.** With a good $k$: does the bigram beat the unigram?

# %%
add_k_values = [0.0001, 0.001, 0.003, 0.01, 0.03, 0.1, 1.0]
curves = {}
for order in (1, 2, 3):
    smoothed = [writers[order].with_add_k(k) for k in add_k_values]  # the counts stay the same
    curves[f"order {order}"] = (add_k_values, [nats_per_token(score(m, dev_ids)) for m in smoothed])

fig = plot_lines(
    curves,
    title=f"Add-k smoothing on {len(dev)} dev articles",
    axis_labels=("k added to every count (logarithmic)", "nats per token (lower is better)"),
    log_x=True,
)
show(
    fig,
    alt="Three curves of nats per token against k from 0.0001 to 1. Order 1 is flat and lowest, near "
    "6.5. Order 2 dips to about 6.7 in the middle and rises on both sides; order 3 lies above 8 "
    "everywhere.",
)

# %% [markdown]
# No. The unigram wins, for every $k$. Adding the same $k$ to 13,500 outcomes is a blunt tool. Take
# the best $k$ for order 2, which is 0.01: all outcomes together get $0.01 \cdot 13500 = 135$. So a
# context that was seen five times keeps $5/140$, less than 4 %, for what it knows. All the rest it
# gives away, to all words alike: to "the" no more than to "aardvark".
#
# ### Better: ask a shorter context
#
# After "feed the" we never saw "cat". What then? We should not guess blindly. We should ask what
# comes after "the", and if that fails, which words are common at all. Take a **discount** $d$ from
# every count that is not zero, and hand out what was freed as the shorter context suggests:
#
# $$p_i = \frac{\max(c_i - d, 0)}{\sum_j c_j} + \frac{d \cdot m}{\sum_j c_j} \, b_i$$
#
# $m$ is the number of different outcomes seen in this context, and $b$, of shape $(V,)$, are the
# probabilities that the shorter context gives (the **fallback**). By hand: counts 5, 2, 0 with
# $d = 0.5$ leave $4.5$, $1.5$, $0$ and free $1$. A fallback of $0.1$, $0.2$, $0.7$ shares it out:
# $4.6/7$, $1.7/7$, $0.7/7$.
#
# **Exercise (stretch, optional).** Write it. What should happen if the context was never seen at all?

# %%
# @exercise course_lib.models.kneser_ney:discounted_probabilities

# %%
discounted_probabilities = check("00:discounted_probabilities", discounted_probabilities)

# %% [markdown]
# **Interpolated Kneser–Ney** does this from the longest context down to the shortest, with one more
# twist: a shorter context does not ask how *often* a word was seen, but after how many *different*
# words. "Francisco" is frequent, but only after "San"; elsewhere it is a poor guess.

# %%
neyers = {}
for order in (1, 2, 3, 4, 5):
    config = KneserNeyConfig(order=order, discount=0.9)
    neyers[order] = KneserNeyModel(config).fit(train_sentences, vocabulary)

ney_dev = {order: score(model, dev_ids) for order, model in neyers.items()}
for order in (1, 2):
    nats, low, high = with_interval(ney_dev[order])
    print(
        f"Kneser–Ney, order {order}: {nats:.2f} nats per token ({low:.2f} to {high:.2f}, "
        f"n = {len(dev)} articles), perplexity {perplexity(nats):,.0f}"
    )

# %% [markdown]
# Now the bigram's knowledge pays. Nothing is impossible, and what is unknown is guessed with sense.
#
# **What we learnt.** A model must leave room for what it has not seen. *How* it fills that room
# decides whether its knowledge is worth anything.

# %% [markdown]
# ## 6 · More memory, and overfitting
#
# *(core)*
#
# **The question.** If one word of context helps, do two help more? And ten?
#
# **Predict.** Draw two curves against the order, 1 to 5: the nats per token on the *training* text,
# and on the *dev* text.

# %%
orders = list(neyers)
train_nats = [nats_per_token(score(neyers[order], train_ids[:16])) for order in orders]
dev_nats = [nats_per_token(ney_dev[order]) for order in orders]
fig = plot_lines(
    {"articles it has counted": (orders, train_nats), "dev articles": (orders, dev_nats)},
    title=f"Kneser–Ney models on seen and unseen text (n = {len(dev)} articles each)",
    axis_labels=("order n (words in an n-gram)", "nats per token (lower is better)"),
)
fig.axes[0].set_xticks(orders)
show(
    fig,
    alt="Two curves against the order from 1 to 5. On articles from the training text the nats per "
    "token fall steeply, from about 6.9 to below 2. On the dev articles they fall from 6.5 to 5.8 at "
    "order 3 and then stay level.",
)
for order, seen in zip(orders, train_nats, strict=True):
    unseen, low, high = with_interval(ney_dev[order])
    print(
        f"order {order}: seen {seen:.2f}, unseen {unseen:.3f} nats per token "
        f"(95 % interval {low:.2f} to {high:.2f})"
    )

# %% [markdown]
# On its own training text the model gets better and better: it remembers. On new text it stops
# gaining at order 3. The growing gap is called **overfitting**. Never judge a model by the text that
# it was built from.
#
# (Why is the *unseen* text the easier one at order 1? Because its rarest words are `<unk>`, and `<unk>`
# is frequent, so it is cheap to predict. Remember this for *Claims, tested*.)
#
# Why does the memory stop helping? Most long contexts are new. Count them. (Here, a word that stands
# just once in the training text counts as seen.)

# %%
for n in (1, 2, 3, 4, 5):
    seen = count_ngrams([], n)
    for sentence in train_sentences:
        seen.update(count_ngrams(sentence, n))
    new = count_ngrams([], n)
    for sentence in (sentence for article in dev for sentence in article):
        new.update(count_ngrams(sentence, n))
    known = sum(count for gram, count in new.items() if seen[gram] > 0) / new.total()
    print(f"{known:4.0%} of the {n}-grams of the dev articles occur in the training text")

# %% [markdown]
# A language has too many word sequences to see them all. To a table of counts, "feed the cat" says
# nothing about "feed the dog". To do better, a model must know that cats are *like* dogs. That is
# what lesson 01 is about, and it is where history took its next step.
#
# **What we learnt.** Training loss falls with every added freedom; loss on unseen text does not. And
# counting cannot generalise from one word to a similar one.

# %% [markdown]
# ## 7 · How we got here
#
# *(core)*
#
# Every row of this picture comes from a table with its source, `data/facts/timeline.csv`. The last
# column of the table says what was checked, and how.

# %%
timeline = read_facts("timeline")
show(
    plot_timeline(timeline),
    alt="A timeline from 1948 to 2024, one row an event. Two events by Shannon stand alone around 1950; "
    "LSTM follows in 1997, the neural language model in 2003, the RNN language model in 2010. From "
    "Word2Vec in 2013 on the events come thick and fast: attention in 2014, the Transformer in 2017, "
    "GPT and BERT in 2018, and from 2020 on nearly only decoders.",
)

# %%
landmarks = (
    "Shannon's n-grams, Neural language model, Word2Vec, Attention, Transformer, GPT, BERT, GPT-3"
)
for event in timeline:
    if event["name"] in landmarks.split(", "):
        print(
            f"{event['year']}  {event['name']}\n      {event['what_was_new']}\n      {event['url']}"
        )

# %% [markdown]
# The thread: **counts** (1948) know only what they have seen. A **neural** model (2003) learns a vector
# for each word, so that what it learns about one word helps with similar ones. **Word2Vec** (2013)
# makes such vectors fast. **Attention** (2014) lets a model look back at the words that matter, and the
# **Transformer** (2017) keeps nothing but attention. **Pretrained**, that is, trained to predict the
# tokens of plain text before any task is named, it becomes **GPT** and **BERT** (2018). Then come size
# and data, and in 2022 a second stage of training: people show the model what a good answer is
# (supervised fine-tuning), then they say which of its answers is better (learning from preferences).
# That stage makes ChatGPT out of a model that merely continues text.
#
# One row is a side road. WaveNet (2016) makes audio, not text: the same chain rule, applied to tens
# of thousands of samples of sound per second.
#
# How much size? Here are the models whose makers say it.

# %%
show(
    plot_parameter_counts(timeline),
    alt="Parameters on a logarithmic axis against the year. From GPT and BERT with a few hundred "
    "million in 2018 they rise to GPT-3 with 175 billion in 2020 and Switch Transformer with about a "
    "trillion in 2021. After that they stay between 65 and 700 billion. GPT-4 is missing: its size "
    "is not disclosed.",
)

# %% [markdown]
# Until 2021 the sizes explode. Then those that are published stop growing for some years. In 2022 Chinchilla, with 70 billion parameters, beat a
# model four times its size that had used the same computation, by reading more text (Hoffmann et al.
# 2022). Lesson 11 does the sums.
#
# ### Spot the error
#
# The next cell prints statements of the kind you find in tutorials. Some are true, some are false,
# some are imprecise, and some cannot be verified. The timeline helps with some; for others, think.
# (The numbers are those of the course's table of claims. Those left out belong to other lessons.)

# %%
# NBVAL_CHECK_OUTPUT
statements = {row["claim_id"]: row for row in read_facts("claims") if row["lesson"] == run.name}
for number, row in statements.items():
    print(f"{number:>2}. {row['claim']}")

# %% [markdown]
# Your turn: fill in `"true"`, `"false"`, `"imprecise"` or `"unverifiable"` for as many as you like, for
# example `{"1": "imprecise", "2": "true"}`. Then run the cell after.

# %% id="answer-spot-the-error"
my_verdicts = {}

# %%
right = 0
for number, verdict in my_verdicts.items():
    row = statements[str(number)]
    right += verdict == row["verdict"]
    mark = "✓" if verdict == row["verdict"] else f"✗ ({row['verdict']})"
    print(f"{number}. {mark} {row['correct_fact']}\n    {row['source']}, {row['url']}")
print(f"{right} of {len(my_verdicts)} right; {len(statements) - len(my_verdicts)} statements left.")

# %% [markdown]
# **What we learnt.** Most of this history is hardly more than a dozen years old. A date or a size without a source is a
# rumour, and many rumours are wrong.

# %% [markdown]
# ## 8 · The families
#
# *(core)*
#
# Models differ most in one thing: which words may they look at when they compute something for one
# position? In the pictures, a row is a position that is being computed. A filled square means: it may
# look there. In the last picture, tokens 0 to 2 are an input to read, and 3 to 5 the output to write.

# %%
n_tokens = 6
row, column = np.indices((n_tokens, n_tokens))
source = np.arange(n_tokens) < 3  # in an encoder–decoder: three words to read, then three to write
views = {
    "n-gram (order 3)": (column < row) & (column >= row - 2),
    "recurrent, decoder": column < row,
    "encoder": np.ones((n_tokens, n_tokens), dtype=bool),
    "encoder–decoder": np.where(source[:, None], source[None, :], source[None, :] | (column < row)),
}
fig = new_figure(9.0, 2.9)
for ax, (name, visible) in zip(fig.subplots(1, len(views)), views.items(), strict=True):
    ax.imshow(visible, cmap="Blues", vmin=0, vmax=1.4)
    ax.set(title=name, xticks=range(n_tokens), yticks=range(n_tokens), xlabel="looks at token")
    ax.set_xticks(np.arange(n_tokens) - 0.5, minor=True)
    ax.set_yticks(np.arange(n_tokens) - 0.5, minor=True)
    ax.grid(which="minor", color="white", linewidth=1.5)
    ax.tick_params(which="both", length=0)
fig.axes[0].set_ylabel("computed for token")
show(
    fig,
    alt="Four six-by-six grids. n-gram of order 3: each token looks at the two before it. Recurrent and "
    "decoder: at all before it, a triangle. Encoder: every token looks at every token, a full square. "
    "Encoder–decoder: the three words to read look at each other; the three to write look at all words "
    "to read and at those already written.",
)

# %% [markdown]
# | family | looks at | is trained to | is good at | examples |
# |---|---|---|---|---|
# | n-gram | the last $n - 1$ tokens | (counts) | a baseline in a second | this lesson |
# | recurrent | all before, through one memory vector | predict the next token | long streams, little memory | LSTM, ELMo, ULMFiT |
# | decoder | all before, directly | predict the next token | writing, dialogue, tasks put as text | GPT, LLaMA |
# | encoder | both sides | fill in masked words | classifying, tagging, finding spans | BERT |
# | encoder–decoder | the whole input, and the output so far | write the output for an input | translating, summarising | T5 |
#
# Three warnings:
#
# - **Only some are language models in the sense of section 2.** An encoder that sees both sides predicts
#   masked words. It gives no $p(x)$ by the chain rule, and it is not made for writing.
#   (It is sometimes called an autoencoder. It repairs noise, but it compresses nothing: one vector per
#   token goes in, one comes out.)
# - **"Transformer" is not a sixth family.** It is a way to build the last three.
# - **A product is not a model.** ChatGPT is a product; its first version ran on a model of the GPT-3.5
#   series (OpenAI 2022). The same goes for Gemini or Copilot: when you read a claim about a product,
#   ask which model is meant, and when.
#
# **What we learnt.** Who may look at whom decides what a model can do: both sides to understand, the
# left side to write, both together to turn one text into another.

# %% [markdown]
# ## Known truth
#
# On real text we never know the best possible score. So let us make text for which we do.
#
# A **Markov chain** draws each token from probabilities that depend on the token before. Here is one
# with five tokens. Whoever knows its table cannot be surprised less than its **entropy rate**, which we
# can compute exactly: the mean surprise of each row, weighted by how often the chain is there. No model
# can beat it on average. It is the **floor**.

# %%
# NBVAL_CHECK_OUTPUT
chain = np.array(
    [
        [0.05, 0.60, 0.20, 0.10, 0.05],
        [0.10, 0.05, 0.70, 0.10, 0.05],
        [0.30, 0.10, 0.05, 0.50, 0.05],
        [0.05, 0.10, 0.10, 0.05, 0.70],
        [0.65, 0.15, 0.10, 0.05, 0.05],
    ]
)
floor = entropy_rate(chain)
print(f"equal chances: ln 5 = {math.log(5):.3f} nats per token; entropy rate: {floor:.3f}")

# %% [markdown]
# **Predict.** We train models of order 1, 2 and 3 on more and more text of this chain, and measure
# them on 50,000 fresh tokens. Which will reach the floor? Which first? Can any get below?


# %%
def walk(n_tokens, seed):
    edges, states = chain.cumsum(axis=1)[:, :-1].tolist(), [0]
    for draw in np.random.default_rng(seed).random(n_tokens - 1):
        states.append(bisect(edges[states[-1]], draw))
    return ["abcde"[state] for state in states]


fresh_text, long_text = walk(50_000, seed=1), walk(100_000, seed=2)
chain_vocabulary = Vocabulary(dict.fromkeys("abcde", 1))
sizes = [100, 300, 1_000, 3_000, 10_000, 30_000, 100_000]
reached = {f"order {order}": (sizes, []) for order in (1, 2, 3)}
for order, (_, nats) in zip((1, 2, 3), reached.values(), strict=True):
    for size in sizes:
        model = NGramModel(NGramConfig(order=order, add_k=0.1))
        model.fit([long_text[:size]], chain_vocabulary)
        nats.append(nats_per_token([model.token_log_probs([model.encode(fresh_text)])]))

fig = plot_lines(
    reached,
    title="Models of a Markov chain, measured on 50,000 fresh tokens",
    axis_labels=("training tokens (logarithmic)", "nats per token (lower is better)"),
    log_x=True,
)
fig.axes[0].axhline(floor, color="black", linewidth=1, linestyle=":")
fig.axes[0].text(sizes[0], floor - 0.012, "the floor: entropy rate", va="top", fontsize=10)
fig.axes[0].set_ylim(floor - 0.06, None)
show(
    fig,
    alt="Three curves against the number of training tokens, from 100 to 100,000. Order 1 is level, far "
    "above the floor. Order 2 is close to the floor after 1,000 tokens. Order 3 starts higher and "
    "needs about ten times as many. No curve goes below the floor.",
)

# %%
above = {name: (nats[0] - floor, nats[-1] - floor) for name, (_, nats) in reached.items()}
pd.DataFrame(above, index=["after 100 tokens", "after 100,000 tokens"]).round(3)

# %% [markdown]
# The table says how many nats each model is above the floor. Three things to take with you:
#
# - **Order 1 never gets there.** It cannot represent the truth, whatever it reads. More data does not
#   cure a model that is too simple.
# - **Order 2 is the truth's own form**, and comes down to the floor from above.
# - **Order 3 contains the truth too**, but has five times as many numbers to learn, so it needs more
#   text to get as far.
#
# A model that scores *below* the floor would not be a genius. It would be a sign that the test text
# has leaked into the training text. (On one sample of text, the score may fall short of the floor by
# the luck of the draw, in the third decimal here.)

# %% [markdown]
# ### Stories with a floor
#
# A Markov chain is a poor writer. So the course brings a better one: the **story world**. It makes up
# people with professions, gives them wishes and troubles, and tells it all by a grammar with a memory. We
# wrote the grammar, so we know the exact probability of every token, given all that came before.

# %%
world = load("storyworld", size=2_500, seed=run.seed)
story = world["test"][0]
print(textwrap.fill(story["text"], 100))
print(f"\n{len(story['tokens'])} tokens, {-story['log_prob']:.1f} nats in all")

# %% [markdown]
# Divide the nats of all held-out stories by their tokens, and you have the floor of that text.
#
# **Predict.** A 5-gram sees four tokens back. Will it reach this floor, given two thousand stories?
# Where in a story would it fail, if it does?

# %%
train_stories, test_stories = world["train"]["tokens"], world["test"]["tokens"]
story_vocabulary = Vocabulary.from_sentences(train_stories)
n_tokens = sum(len(tokens) for tokens in test_stories)
story_models, per_token = {}, {}
for order in range(1, 7):
    model = KneserNeyModel(KneserNeyConfig(order=order)).fit(train_stories, story_vocabulary)
    nats = -sum(model.log_prob(model.encode(tokens)) for tokens in test_stories)
    story_models[order], per_token[order] = model, nats / n_tokens
story_floor = storyworld.floor(world["test"])

fig = plot_lines(
    {"Kneser–Ney": (list(per_token), list(per_token.values()))},
    title=f"Models of stories, measured on {len(test_stories)} stories they have not seen",
    axis_labels=("order (tokens in the longest n-gram)", "nats per token (lower is better)"),
)
fig.axes[0].axhline(story_floor, color="black", linewidth=1, linestyle=":")
fig.axes[0].text(1, story_floor + 0.08, "the floor", fontsize=10)
fig.axes[0].set_ylim(0, None)
show(
    fig,
    alt="Nats per token against the order of the model, 1 to 6. The curve falls steeply from order 1 to 4, "
    "then hardly at all, and stays far above a dotted line near 0.4, the floor.",
)

# %%
log_probs = [
    story_models[5].token_log_probs([story_models[5].encode(tokens)]) for tokens in test_stories
]
excess = np.array([-sum(nats) for nats in log_probs]) + np.array(world["test"]["log_prob"])
low, high = bootstrap_interval(excess)
print(f"5-gram: {per_token[5]:.3f} nats per token; the floor: {story_floor:.3f}")
print(
    f"so it wastes {excess.mean():.0f} nats a story, 95 % interval [{low:.0f}, {high:.0f}], "
    f"n = {len(excess)} stories"
)

# %% [markdown]
# Where does it waste them? Near its end, a story comes back to a thing it mentioned near its beginning. Who
# remembers needs no guess: for the generator, the returning words cost 0 nats.

# %%
returns = [
    (nats[row["callback"]["return_token"]], row["token_log_probs"][row["callback"]["return_token"]])
    for nats, row in zip(log_probs, world["test"], strict=True)
    if row["callback"]
]
by_model, by_generator = -np.array(returns).T
distance = np.mean([c["return_token"] - c["first_token"] for c in world["test"]["callback"] if c])
low, high = bootstrap_interval(by_model)
print(f"the thing returns {distance:.0f} tokens later, on average; its first word then costs")
print(f"  the 5-gram    {by_model.mean():.2f} nats, 95 % interval [{low:.2f}, {high:.2f}]")
print(f"  the generator {by_generator.mean():.2f} nats, n = {len(returns)} returns")

# %% [markdown]
# What we learnt: beyond four tokens, a longer n-gram hardly helps. The 5-gram's memory ends four tokens back, and the answer stands
# dozens of tokens earlier. To come near this floor, a model must look far back *and* pick out what matters there. Lesson
# 03 builds the part that can, **attention**, and we will measure it against this same floor.

# %% [markdown]
# ## Real text
#
# Now we open the test part, once. Everything was chosen on the dev part: $k$ by the curve above, and the
# discount 0.9 in the same way, when this lesson was written.

# %%
best_k = min(zip(curves["order 2"][1], add_k_values, strict=True))[1]
finalists = {
    "unigram": writers[1],
    f"bigram, add k = {best_k:g}": writers[2].with_add_k(best_k),
    "Kneser–Ney bigram": neyers[2],
    "Kneser–Ney trigram": neyers[3],
    "Kneser–Ney 5-gram": neyers[5],
}
test_scores = {name: score(model, test_ids) for name, model in finalists.items()}
final = {name: with_interval(log_probs) for name, log_probs in test_scores.items()}
n_test_tokens = sum(map(len, test_scores["unigram"]))
fig = plot_scores(
    {f"{len(test)} test articles, {n_test_tokens:,} tokens": final},
    title="Cross-entropy on articles that no model has seen",
    unit="nats per token, with 95 % interval (lower is better)",
)
fig.axes[0].set_xlim(min(low for _, low, _ in final.values()) - 0.1, None)
show(
    fig,
    alt="Five models as points with intervals, on an axis that does not start at 0. The unigram lies near "
    "6.4 nats, the bigram with add-k smoothing near 6.7, the three Kneser–Ney models near 5.8, with "
    "overlapping intervals.",
)
pd.DataFrame(
    {
        name: {"nats per token": nats, "from": low, "to": high, "perplexity": perplexity(nats)}
        for name, (nats, low, high) in final.items()
    }
).T.round(2)

# %% [markdown]
# The intervals of the last three overlap. Does that mean that we cannot tell them apart? No: all
# models read the *same* articles, and an article that is hard for one is hard for all. So compare
# them article by article:

# %%
bigram, trigram = test_scores["Kneser–Ney bigram"], test_scores["Kneser–Ney trigram"]
paired = np.array([(t.sum() - b.sum(), len(b)) for b, t in zip(bigram, trigram, strict=True)])
low, high = bootstrap_interval(paired, lambda drawn: drawn[:, 0].sum() / drawn[:, 1].sum())
difference = paired[:, 0].sum() / paired[:, 1].sum()
print(f"bigram minus trigram: {difference:.3f} nats per token")
print(f"95 % interval {low:.3f} to {high:.3f}, n = {len(test)} articles")

# %% [markdown]
# A positive difference means that the bigram is more surprised. If the interval does not contain 0,
# the difference is more than the luck of the draw. Compare models on the *same* text, pairwise, and
# small differences become visible.
#
# Perplexities of a few hundred: that is what counting can do with 290,000 words. Keep the number in
# mind. Lessons 04 and 05 will go after it with neural networks.

# %% [markdown]
# ## On a GPU
#
# Neural language models spend nearly all their time multiplying matrices. A product of two matrices
# of shape $(n, n)$ takes $2 n^3$ operations: $n$ multiplications and $n$ additions for each of its
# $n^2$ entries. How many can your machine do per second? A GPU has thousands of small cores that work
# at the same time, and does far more.


# %%
def gflops_per_second(n, device):
    a, b = torch.randn(n, n, device=device), torch.randn(n, n, device=device)
    times = [time_product(a, b) for _ in range(5)]
    return 2 * n**3 / min(times) / 1e9


def time_product(a, b):
    start = time.perf_counter()
    float((a @ b)[0, 0])  # reading one number waits until the product is done
    return time.perf_counter() - start


speed = gflops_per_second(1024, "cpu")
print(f"the CPU here, n = 1024: {speed:,.0f} thousand million operations per second, in 32 bits")

# %% tags=["gpu"]
if run.gpu_cell:
    sizes = run.pick(small=[64, 128], t4=[512, 1024, 2048, 4096], full=[1024, 2048, 4096, 8192])
    throughput = {
        place: [gflops_per_second(n, device) for n in sizes]
        for place, device in (("CPU", "cpu"), (run.device.type, run.device))
    }
    run.record("00-matrix-product", {"sizes": sizes, "gflops_per_second": throughput})
else:
    recorded = run.recorded("00-matrix-product")

# %% [markdown]
# ## Exercises
#
# All of them stand in the sections above, where they are needed:
#
# - `count_ngrams` (easy), in [section 2](#2-·-What-a-language-model-is);
# - `apply_temperature` (core), in [section 3](#3-·-First-contact:-a-model-that-writes);
# - `nats_per_token` (core), in [section 4](#4-·-How-good-is-it?-Cross-entropy-and-perplexity);
# - `add_k_probabilities` (easy) and `discounted_probabilities` (stretch), in
#   [section 5](#5-·-One-zero-is-fatal:-smoothing).
#
# And one without a check. Let the Kneser–Ney model of order 3 go on from a beginning of your choice, at
# three temperatures. It *predicts* far better than the order-3 model of section 3. Does it *write*
# better? If not: why not, do you think?

# %%
prompt = ["the", "history", "of"]
for temperature in (0.5, 0.75, 1.0):
    ids = sample_ids(
        neyers[3].next_log_probs,
        neyers[3].encode(prompt)[:-1],
        25,
        temperature=temperature,
        generator=make_generator(run.seed),
    )
    text = " ".join([*prompt, *neyers[3].decode(ids)]).replace(" </s>", ".")
    print(textwrap.fill(f"temperature {temperature}: {text}", 92), "\n")

# %% [markdown]
# <details><summary>One answer</summary>
#
# It does not. To predict well, a model leaves room for what it has never seen: a little for each of
# thousands of words. Each of them is unlikely, but *some* of them is drawn every few words, and from
# there the text goes astray. The model of section 3 has no such room: it can only go on as the
# training text did. A low temperature closes the room again, but then the commonest "word" takes
# over, and that is `<unk>`. Predicting well and writing well are two things. Lesson 06 is about the
# second.
#
# </details>

# %% [markdown]
# ## In your own words
#
# A friend writes: "My language model has a perplexity of 20 and yours has 300. Mine is better." Which
# questions do you ask before you believe it? Write four or five sentences in the next cell.

# %% [markdown]
# <!-- @answer perplexity-20 -->
# *Your answer:*

# %% [markdown]
# <details><summary>What a good answer contains</summary>
#
# - **The same text?** Perplexity belongs to a model *and* a text. Children's stories are easier than
#   Wikipedia. (1 point)
# - **The same tokens and vocabulary?** Per character, per sub-word or per word are different units, and
#   a small vocabulary with many `<unk>` makes life easy. (1 point)
# - **Unseen text?** On its own training text even a 5-gram model looks brilliant. Could the test text
#   have leaked into the training text? (1 point)
# - **How sure?** How many documents, which interval, compared on the same documents? (1 point)
# - **Better for what?** A lower perplexity is a better prediction of the next token. Whether
#   translations, answers or summaries get better must be measured separately. (1 point)
#
# </details>

# %% [markdown]
# ## Claims, tested
#
# ### "GPT-3 has 17.5 billion parameters"
#
# A zero got lost: you can find both numbers in print. Do the sum. The published shape of GPT-3 is 96
# layers, vectors of length $d = 12288$, 2048 positions and a vocabulary of 50257 (Brown et al. 2020).
# Each layer of a GPT has $12 d^2 + 13 d$ parameters; lesson 04 takes them apart one by one.

# %%
# NBVAL_CHECK_OUTPUT
d_model, n_layers, n_positions, n_tokens_known = 12288, 96, 2048, 50257
parameters = (
    n_tokens_known * d_model  # a vector for each token
    + n_positions * d_model  # and for each position
    + n_layers * (12 * d_model**2 + 13 * d_model)
    + 2 * d_model  # the last normalisation
)
print(f"{parameters:,} parameters")

# %% [markdown]
# **Verdict: false.** It is about 175 billion, ten times as many.
#
# ### "A model that gives zero to unseen words is just strict"
#
# Two models without smoothing, on the dev articles. Which is better? (Order 2 should be.)

# %%
for order in (2, 3):
    log_probs = score(writers[order], dev_ids)
    per_article = [nats_per_token([document]) for document in log_probs]
    zeros = np.isinf(np.concatenate(log_probs)).mean()
    infinite = sum(map(math.isinf, per_article))
    print(
        f"order {order}: infinite on {infinite} of {len(dev)} articles; {zeros:.0%} of the tokens"
    )

# %% [markdown]
# **Verdict: false.** Both say "impossible" about every article, so the measure cannot even tell the
# better from the worse. A probability of zero is a claim of certainty, and a wrong one.
#
# ### "A longer context always helps"

# %%
print(f"nats per token on {len(dev)} dev articles, with 95 % interval")
for order, model in writers.items():
    scores = score(model.with_add_k(best_k), dev_ids), ney_dev[order]
    simple, gentle = ("{:.2f} ({:.2f} to {:.2f})".format(*with_interval(s)) for s in scores)
    print(f"order {order}: add-k {simple}, Kneser–Ney {gentle}")

# %% [markdown]
# **Verdict: false.** With add-k, each word of context makes it worse. With Kneser–Ney it helps up to
# order 3 and then stops. Context helps a model that can *use* it: one with enough data, or one that
# sees what similar contexts have in common.
#
# ### "Perplexities are comparable across vocabularies"
#
# The same model, the same text. Only the vocabulary shrinks: words with fewer occurrences become
# `<unk>`. **Predict:** what happens to the perplexity?
#
# To be fair, we then let every model pay for what it swept under the rug. After `<unk>` it must spell
# the word, with all letters equally likely: an unknown word of $m$ letters costs $(m + 1) \ln C$ nats
# more, with $C$ the number of different characters, plus one for the end of the word.

# %%
n_characters = len({letter for word in words_of_dev for letter in word}) + 1
rows = []
for min_count in (2, 5, 20, 100):
    smaller = Vocabulary.from_sentences(train_sentences, min_count=min_count)
    model = KneserNeyModel(KneserNeyConfig(order=2, discount=0.9)).fit(train_sentences, smaller)
    log_probs = score(model, encode(model, dev))
    hidden = [word for word in words_of_dev if word not in smaller]
    spelled = sum(len(word) + 1 for word in hidden) * math.log(n_characters)
    nats, low, high = with_interval(log_probs)
    complete = nats + spelled / sum(map(len, log_probs))
    share = len(hidden) / len(words_of_dev)
    rows.append((len(smaller), share, perplexity(nats), nats, low, high, complete))
columns = [
    "words known",
    "share unknown",
    "perplexity",
    "nats per token",
    "from",
    "to",
    "nats per token, with spelling",
]
print(f"n = {len(dev)} dev articles; from, to: 95 % interval of the nats per token")
pd.DataFrame(rows, columns=columns, index=[f"at least {n} times" for n in (2, 5, 20, 100)]).round(2)

# %% [markdown]
# **Verdict: false.** The smaller the vocabulary, the "better" the perplexity, though the model says less
# and less. Once it has to spell what it does not know, the order turns round. Compare perplexities only
# over the same tokens of the same text; else compare the nats for the whole text, with nothing left
# out. (GPT-2 and LLaMA have different vocabularies too. Their perplexities per token do not compare.)

# %% [markdown]
# ## Quiz

# %%
quiz("00")

# %% [markdown]
# ## Summary
#
# - A **language model** gives every text a probability. By the chain rule, that is the same as
#   predicting the next token.
# - An **n-gram** model counts what followed the last $n - 1$ words. It can write; with a long memory it
#   recites.
# - **Cross-entropy** is the mean surprise per token on unseen text, in nats; **perplexity** is $e$ to
#   its power. Only scores on the same tokens of the same text compare.
# - One **zero** makes it infinite. Smoothing leaves room for the unseen; Kneser–Ney fills that room by
#   asking shorter contexts.
# - **Overfitting**: a longer memory always looks better on the training text, and not on new text.
# - Where the truth is known, no model gets below its **entropy rate**. In the story world, an n-gram stays
#   far above, because it forgets.
# - History: counts 1948, neural language model 2003, Word2Vec 2013, attention 2014, Transformer 2017,
#   GPT and BERT 2018. Families: recurrent, encoder, decoder, encoder–decoder.
#
# Next: [A1, the foundations](A1_foundations.ipynb), as much of it as you need; then
# [01, word embeddings](01_word_embeddings.ipynb), which teach a model that cats are like dogs.

# %% [markdown]
# ## Further reading
#
# - Shannon 1948, [A Mathematical Theory of Communication](https://doi.org/10.1002/j.1538-7305.1948.tb01338.x),
#   sections 2 to 7: still a joy to read. Section 3 is this lesson's section 3.
# - Shannon 1951, [Prediction and Entropy of Printed English](https://doi.org/10.1002/j.1538-7305.1951.tb01366.x):
#   how well can *people* guess the next letter?
# - Chen and Goodman 1996, [An Empirical Study of Smoothing Techniques for Language Modeling](https://aclanthology.org/P96-1041/):
#   what smoothing does, measured with care.
# - Bengio, Ducharme, Vincent and Jauvin 2003, [A Neural Probabilistic Language Model](https://jmlr.org/papers/v3/bengio03a.html):
#   the step from counts to vectors.
# - Jurafsky and Martin, *Speech and Language Processing*, the chapter on n-gram language models.

# %%
run.summary()
