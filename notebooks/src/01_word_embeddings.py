# %% [markdown]
# # 01 · Word embeddings
#
# **The question:** How can a list of numbers know that a cat is more like a dog than like a tram?

# %% [markdown]
# ## You will be able to
#
# - turn a text into binary, count and TF-IDF vectors, and say what each of them throws away;
# - build word vectors from nothing but counts (PPMI and SVD);
# - write skip-gram with negative sampling yourself: the pairs, the loss, the gradient, the draw of
#   negatives;
# - train Word2Vec with this library and with gensim, and step around five traps;
# - measure word vectors against people and against baselines, with an interval, and say what a
#   map of them hides.

# %% [markdown]
# ## Before you start
#
# | | |
# |---|---|
# | Builds on | A1: dot product, chain rule, softmax and cross-entropy, SGD |
# | Your time | about 90 minutes for the core sections, 30 more for the optional ones |
# | On a CPU | about a minute on one core, under 2 GB of memory |
# | On a GPU | not needed; the cell under *On a GPU* trains on a bigger text |

# %% [markdown]
# ## Recall
#
# Answer from memory, then open the answer.
#
# 1. What is the dot product of $(1, 2)$ and $(3, -1)$, and what does its sign tell you?
#
# <details><summary>Answer</summary>
#
# $1 \cdot 3 + 2 \cdot (-1) = 1$. It is positive: the two arrows point more together than apart.
#
# </details>
#
# 2. With $\sigma(s) = 1 / (1 + e^{-s})$, what is $\sigma(0)$, and what is the derivative of
#    $-\ln \sigma(s)$?
#
# <details><summary>Answer</summary>
#
# $\sigma(0) = 1/2$. The derivative is $\sigma(s) - 1$: the prediction minus the label 1.
#
# </details>
#
# 3. An n-gram model has often read "feed the dog". What does that tell it about "feed the cat"?
#
# <details><summary>Answer</summary>
#
# Nothing. To a table of counts, "cat" and "dog" are two different keys, as different as "cat" and
# "Thursday". This lesson is the cure.
#
# </details>

# %% [markdown]
# ## Set-up

# %%
# @setup

# %% [markdown]
# The imports. Everything from `course_lib` is code that you can open and read; the pieces that
# matter most you will write yourself.

# %%
import textwrap

import numpy as np
import pandas as pd
import torch
from torch.testing import assert_close

from course_lib.data import load, storyworld
from course_lib.data.planted import WORD_CLASSES, planted_analogies, planted_sentences, sense_of
from course_lib.embeddings import (
    CBOW,
    GloVe,
    GloVeConfig,
    SkipGram,
    Word2VecConfig,
    WordVectors,
    bag_of_words,
    cooccurrence_counts,
    evaluate_analogies,
    evaluate_similarity,
    load_course_vectors,
    ppmi,
    tf_idf,
    truncated_svd,
)
from course_lib.evaluation import bootstrap_interval, pearson_correlation, proportion_interval
from course_lib.lesson import answer_quiz, check, hint, quiz
from course_lib.plotting import (
    plot_heatmap,
    plot_lines,
    plot_point_maps,
    plot_scores,
    plot_word_map,
    project_pca,
    project_tsne,
    show,
    use_course_style,
)
from course_lib.seeding import make_generator
from course_lib.tokenizers import Vocabulary, sentences_of, split_words

use_course_style()

# %% [markdown]
# ## 1 · Words as counts
#
# *(core)*
#
# A computer cannot add up words. It can add up numbers. So the first question is simple: which
# numbers?
#
# The oldest answer is to count. Fix a list of words, the **vocabulary**, with $V$ entries. Describe
# a document by $V$ numbers: how often each word occurs in it. This is a **bag of words**.
#
# **Predict.** Two of the documents below say that a dog bites a man and that a man bites a dog. Only
# one of them is news. Will their bags differ?

# %%
# NBVAL_CHECK_OUTPUT
documents = [
    "the dog bites the man",
    "the man bites the dog",
    "the cat drinks milk",
    "the dog drinks water",
]
bags = [split_words(text) for text in documents]
vocabulary = Vocabulary.from_sentences(bags)
counts = bag_of_words(bags, vocabulary)
pd.DataFrame(counts.toarray(), index=documents, columns=vocabulary.words)

# %% [markdown]
# There are three common ways to fill this table, of shape $(D, V)$ for $D$ documents:
#
# - **binary**: is the word there, 1 or 0;
# - **counts**: how often it is there, $n$;
# - **TF-IDF**: the count, weighed by how rare the word is among the documents:
#
# $$w = n \cdot \ln \frac{D}{D_{word}}$$
#
# where $D_{word}$ is the number of documents that contain the word.
#
# By hand: "milk" stands once in the third document, and in 1 of the 4 documents. So its weight is
# $1 \cdot \ln (4/1)$. And "the" is in all 4 of them: $\ln (4/4) = 0$, whatever its count.

# %%
binary = bag_of_words(bags, vocabulary, binary=True)
weights = tf_idf(counts)
print("ln 4 =", round(np.log(4), 3))
pd.DataFrame(
    [table.toarray()[row] for row in (0, 2) for table in (binary, counts, weights)],
    index=[
        f"{name} of “{documents[row]}”" for row in (0, 2) for name in ("binary", "counts", "TF-IDF")
    ],
    columns=vocabulary.words,
).round(3)

# %% [markdown]
# Binary and counts differ where a word is repeated: look at "the". They are two things; no table can
# be both. (You will meet texts that call the bag of words "a binary vector with the number of
# occurrences".)
#
# Now your prediction: are the bags of the first two documents the same?

# %%
# NBVAL_CHECK_OUTPUT
for name, table in {"binary": binary, "counts": counts, "TF-IDF": weights}.items():
    rows = table.toarray()
    print(
        f"{name:7} same vector for the dog and the man who bites: {np.array_equal(rows[0], rows[1])}"
    )

# %% [markdown]
# A bag has no order. For sorting mail into folders that often suffices. For reading it does not.
#
# And there is a second loss. The bag describes a *document*. What does it say about a single *word*?
# The bag of the one-word document "cat" is a row with a single 1, called a **one-hot** vector. How
# alike are two such rows?
#
# To ask that, we need a measure. The usual one is the **cosine** of the angle between two vectors
# $a$ and $b$ of equal length:
#
# $$\cos(a, b) = \frac{a \cdot b}{|a| \, |b|}$$
#
# It is 1 if they point in the same direction, 0 at right angles, −1 in opposite directions. By hand:
# $(1, 0)$ and $(3, 4)$ have the dot product 3, the lengths 1 and 5, and so the cosine $3/5$.
#
# **Exercise (easy).** Write it. The check asks for the numbers only; refusing bad input, as the
# docstring promises, is up to you. If you get stuck, run `hint("01:cosine_similarity")`, more than
# once if you like. And if you skip it, the lesson goes on with the library's version.

# %%
# @exercise course_lib.embeddings.similarity:cosine_similarity

# %%
cosine_similarity = check("01:cosine_similarity", cosine_similarity)

# %%
one_hot = dict(zip(vocabulary.words, np.eye(len(vocabulary)), strict=True))
for a, b in (("cat", "cat"), ("cat", "dog"), ("cat", "bites")):
    print(f"cos({a}, {b}) = {cosine_similarity(one_hot[a], one_hot[b]):.1f}")

# %% [markdown]
# Every word is at a right angle to every other word. "Cat" is as far from "dog" as from "bites". To a
# bag of words, all words are strangers.
#
# ### The company of a word
#
# Here is the idea that the rest of this lesson, and in the end every language model, lives on. *Words
# with similar meanings stand in similar company* (Harris 1954; Firth 1957). So describe a word by what
# stands near it. Count, for each word, how often each other word comes within a few positions of it.
# That gives a table of shape $(V, V)$, the **co-occurrence counts**.
#
# **Predict.** In these eight sentences, "tea" and "coffee" never stand together. Will their rows be
# alike?

# %%
company = sentences_of(
    [
        "The cat drinks milk. The dog drinks water. The cat chases the dog. The dog chases the cat.",
        "She brews tea. She brews coffee. She drinks coffee. He drinks tea.",
    ]
)
company_words = Vocabulary.from_sentences(company)
near = cooccurrence_counts(company, company_words, window=2).toarray()

chosen = ["cat", "dog", "tea", "coffee"]
rows = near[[company_words.id_of(word) for word in chosen]]
show(
    plot_heatmap(
        rows,
        chosen,
        company_words.words,
        title="How often each word stands within 2 positions of the others",
        unit="co-occurrences",
        number_format=".0f",
    ),
    alt="Table of counts as colours. The rows of cat and dog both have entries under "
    "the, drinks and chases; the rows of tea and coffee have entries under "
    "drinks, brews, she and he, and none under the.",
)

# %%
for a, b in (("cat", "dog"), ("tea", "coffee"), ("cat", "tea")):
    print(f"cos({a}, {b}) = {cosine_similarity(rows[chosen.index(a)], rows[chosen.index(b)]):.2f}")

# %% [markdown]
# **What we learnt.** A bag of words describes a document, loses its order, and makes all words
# strangers. Counting *neighbours* describes a word. Two words can now be alike without ever having
# met, because they have met the same others.

# %% [markdown]
# ## 2 · From counts to short vectors
#
# *(core)*
#
# Look at the picture again. The biggest number is under "the". It says little: "the" stands near
# everything. Which counts are *surprising*?
#
# **The idea.** Compare how often two words stand together with how often they would if every word
# were placed by chance. The logarithm of that ratio is the **pointwise mutual information**:
#
# $$\mathrm{PMI}(w, c) = \ln \frac{P(w, c)}{P(w) \, P(c)}$$
#
# Zero means chance. We keep only what is above chance, $\mathrm{PPMI} = \max(0, \mathrm{PMI})$, because
# a rare pair that was never seen would get $-\infty$. And we raise the counts of the contexts to the
# power $\alpha = 0.75$ in $P(c)$, so that very rare contexts do not look too surprising (Levy,
# Goldberg and Dagan 2015). The table keeps its shape $(V, V)$.
#
# **By hand**, for "tea" near "brews" and "cat" near "the", with $\alpha = 1$:

# %%
total = near.sum()
for word, context in (("tea", "brews"), ("cat", "the")):
    w, c = company_words.id_of(word), company_words.id_of(context)
    together, of_word, of_context = near[w, c], near[w].sum(), near[:, c].sum()
    pmi = np.log(together / total / (of_word / total * of_context / total))
    print(
        f"PMI({word}, {context}) = ln( ({together:.0f}/{total:.0f}) / "
        f"({of_word:.0f}/{total:.0f} · {of_context:.0f}/{total:.0f}) ) = {pmi:.2f} nats"
    )

# %% [markdown]
# "The" near "cat" has the bigger count, "brews" near "tea" the bigger surprise. Here is the whole
# table at once, written for reading; the library's version does the same for tables too big to
# write out, in which nearly all entries are 0.


# %%
# @scratch course_lib.embeddings.counts:ppmi
def ppmi_dense(counts, smoothing=0.75):
    """PPMI of a table of counts, shape (V, V), with every number written out."""
    joint = counts / counts.sum()  # P(w, c), shape (V, V)
    word = joint.sum(axis=1, keepdims=True)  # P(w), shape (V, 1)
    context = counts.sum(axis=0, keepdims=True) ** smoothing  # shape (1, V)
    context = context / context.sum()
    with np.errstate(divide="ignore"):  # ln 0 = -inf is cut off by the maximum
        return np.maximum(0.0, np.log(joint / (word * context)))


# %%
from scipy.sparse import csr_array

assert_close(ppmi_dense(near), ppmi(csr_array(near)).toarray())
print("The dense version and the library agree.")

# %% [markdown]
# ### Making it short
#
# A row of this table has $V$ numbers, most of them 0. With a vocabulary of 30,000 words that is long.
# The **singular value decomposition** writes a table $M$ as a product of three, $M = U S W^T$, where
# $S$ holds on its diagonal how much each column of $U$ matters, the most important first. Keep the
# first $d$ columns and you keep as much of $M$ as $d$ columns can:
#
# $$\mathrm{vectors} = U_d \, S_d^{1/2} \qquad \mathrm{shape} \; (V, V) \to (V, d)$$
#
# Each word now has a short, dense vector: a **word embedding**. No network, no training.
#
# To see whether it works, we need a text whose right answers are known. So we plant one: a corpus
# with four classes of words. Words of one class share their neighbours; words of different classes do
# not. A few sentences of it:

# %%
# NBVAL_CHECK_OUTPUT
planted = planted_sentences(6000, seed=0)
for sentence in planted[:6]:
    print(" ".join(sentence))
for name, words in WORD_CLASSES.items():
    print(f"{name:7}", *words)

# %%
planted_words = Vocabulary.from_sentences(planted)
planted_counts = cooccurrence_counts(planted, planted_words, window=5)
svd_vectors = WordVectors(
    planted_words.words, truncated_svd(ppmi(planted_counts), d_embed=24, seed=run.seed)
)
print(f"table {planted_counts.shape} → vectors {svd_vectors.matrix.shape}")
for word, cosine in svd_vectors.most_similar("dog", n=3):
    print(f"near to dog: {word:5} cosine {cosine:.3f}")

# %% [markdown]
# **Predict.** We now colour the cosine of every class word with every other. What pattern should a
# good method show?

# %%
class_words = [word for words in WORD_CLASSES.values() for word in words]
class_labels = [name for name, words in WORD_CLASSES.items() for word in words]
directions = svd_vectors.directions[[svd_vectors.id_of(word) for word in class_words]]
show(
    plot_heatmap(
        directions @ directions.T,
        class_words,
        class_words,
        title="PPMI and SVD find the four classes",
        unit="cosine",
    ),
    alt="Heat map of cosines between 16 words in four classes of four. Four bright "
    "squares lie along the diagonal, one for each class; everything outside them "
    "is dark, near zero.",
)

# %% [markdown]
# **What we learnt.** Counts, corrected for chance and compressed, are word embeddings. Nobody told the
# method which words belong together. In the planted corpus "dog" and "wolf" never even share a
# sentence; they share their company.

# %% [markdown]
# ## 3 · Word2Vec: learn by guessing the neighbours
#
# *(core)*
#
# The table of counts grows with $V^2$, and it must be complete before you can decompose it. In 2013
# Mikolov and colleagues went the other way: never build the table. Give every word a vector of random
# numbers, read the text, and nudge the vectors each time you see two words together.
#
# ### The pairs
#
# Slide over the sentence. The word in the middle is the **centre**; each word at most `window`
# positions away is a **context**. Each such pair is one training example. In "feed the dog" with window
# 1 there are four of them: (feed, the), (the, feed), (the, dog), (dog, the).
#
# **Exercise (easy).** List the pairs of a sentence of word ids.

# %%
# @exercise course_lib.embeddings.sgns:skip_gram_pairs

# %%
skip_gram_pairs = check("01:skip_gram_pairs", skip_gram_pairs)

# %%
# NBVAL_CHECK_OUTPUT
print(skip_gram_pairs([7, 8, 9], window=1))
pairs = torch.tensor(
    [pair for words in planted for pair in skip_gram_pairs(planted_words.encode(words), window=5)]
)
print("pairs in the planted corpus:", tuple(pairs.shape))

# %% [markdown]
# ### The game
#
# Each word gets *two* vectors of $d$ numbers: $v$ for when it is the centre, $u$ for when it is a
# context. The dot product $u \cdot v$ is the **score** of a pair: how well do they go together?
#
# One could turn the scores of all $V$ words into probabilities with a softmax. Then every single pair
# costs $V$ dot products. **Negative sampling** asks a cheaper question. Take the true pair, and $K$
# words drawn at random, the **negatives** $n_1 \dots n_K$. For each, answer yes or no: did this word
# really stand here? The loss of one pair is
#
# $$\ell = -\ln \sigma(u \cdot v) - \sum_{k=1}^{K} \ln \sigma(-n_k \cdot v)$$
#
# The first term is small if the true context scores high. The second is small if the negatives score
# low, because $\sigma(-s) = 1 - \sigma(s)$.
#
# ### One update, by hand
#
# Take vectors of $d = 2$ numbers and a single negative.

# %%
# NBVAL_CHECK_OUTPUT
v = np.array([0.5, 1.0])  # the centre
u = np.array([1.0, -0.5])  # its true context
n = np.array([1.0, 1.0])  # a negative
true_score, negative_score = u @ v, n @ v
p_true, p_negative = 1 / (1 + np.exp(-true_score)), 1 / (1 + np.exp(-negative_score))
loss = -np.log(p_true) - np.log(1 - p_negative)
print(f"score of the true pair   u·v = 1·0.5 − 0.5·1 = {true_score:.1f}   σ = {p_true:.3f}")
print(f"score of the negative    n·v = 1·0.5 + 1·1   = {negative_score:.1f}   σ = {p_negative:.3f}")
print(f"loss  −ln {p_true:.3f} − ln (1 − {p_negative:.3f}) = {loss:.3f} nats")

# %% [markdown]
# Now the gradient. The derivative of $-\ln \sigma(s)$ with respect to the score $s$ is $\sigma(s) - 1$;
# that of $-\ln \sigma(-s)$ is $\sigma(s)$. Both are *prediction minus label*, with label 1 for the true
# pair and 0 for a negative. The score is a dot product, so the chain rule multiplies this error by the
# *other* vector:
#
# $$\frac{\partial \ell}{\partial v} = (\sigma(u \cdot v) - 1) \, u + \sum_k \sigma(n_k \cdot v) \, n_k$$
#
# $$\frac{\partial \ell}{\partial u} = (\sigma(u \cdot v) - 1) \, v \qquad
# \frac{\partial \ell}{\partial n_k} = \sigma(n_k \cdot v) \, v$$
#
# Step against the gradient, with learning rate 0.5.

# %%
# NBVAL_CHECK_OUTPUT
d_v = (p_true - 1) * u + p_negative * n
d_u = (p_true - 1) * v
d_n = p_negative * v
print(f"∂ℓ/∂v = {p_true - 1:.3f}·u + {p_negative:.3f}·n = {d_v.round(3)}")
print(f"∂ℓ/∂u = {p_true - 1:.3f}·v = {d_u.round(3)}")
print(f"∂ℓ/∂n = {p_negative:.3f}·v = {d_n.round(3)}")
new_v, new_u, new_n = v - 0.5 * d_v, u - 0.5 * d_u, n - 0.5 * d_n
print(f"v: {v} → {new_v.round(3)}   u: {u} → {new_u.round(3)}   n: {n} → {new_n.round(3)}")
print(f"score of the true pair {true_score:.2f} → {new_u @ new_v:.2f}")
print(f"score of the negative  {negative_score:.2f} → {new_n @ new_v:.2f}")

# %% [markdown]
# The true pair moved together, the negative moved away. That is all of Word2Vec; the rest is doing it
# millions of times.
#
# **Exercise (core).** Write the loss for a batch: $B$ centres `center` of shape $(B, D)$, their true
# contexts `context` of shape $(B, D)$, and for each pair $K$ negatives, `negatives` of shape
# $(B, K, D)$, where $D$ is the length $d$ of a vector. Return the mean over the $B$ pairs.

# %%
# @exercise course_lib.embeddings.sgns:sgns_loss

# %%
sgns_loss = check("01:sgns_loss", sgns_loss)

# %%
batch = [torch.tensor(x)[None] for x in (v, u)] + [torch.tensor(n)[None, None]]
print(f"by hand {loss:.6f}, `sgns_loss` {sgns_loss(*batch).item():.6f}")

# %% [markdown]
# **Exercise (stretch).** Write the three gradients for a batch. Mind that the loss is now a *mean* over
# $B$ pairs.

# %%
# @exercise course_lib.embeddings.sgns:sgns_gradients

# %%
sgns_gradients = check("01:sgns_gradients", sgns_gradients)

# %% [markdown]
# PyTorch can differentiate by itself (autograd, lesson A1). Does it agree with the formulas?

# %%
shapes = ((3, 7), (3, 7), (3, 5, 7))  # B = 3 pairs, K = 5 negatives, D = 7
generator = make_generator(1)
inputs = [
    torch.randn(*s, generator=generator, dtype=torch.float64, requires_grad=True) for s in shapes
]
by_autograd = torch.autograd.grad(sgns_loss(*inputs), inputs)
by_hand = sgns_gradients(*[x.detach() for x in inputs])
for name, ours, theirs in zip(
    ("center", "context", "negatives"), by_hand, by_autograd, strict=True
):
    assert_close(ours, theirs)
    print(f"gradient for {name:9} of shape {tuple(ours.shape)}: by hand = autograd")

# %% [markdown]
# ### Which negatives?
#
# Draw them as often as they occur in text, and nearly all negatives are "the" and "of". Draw all words
# alike, and you learn mostly about words nobody uses. Word2Vec goes in between: with probability
# proportional to $count^{0.75}$.
#
# By hand, with counts 16, 1, 1: $16^{0.75} = 8$, so the probabilities are $8/10$, $1/10$, $1/10$,
# instead of $16/18$, $1/18$, $1/18$.
#
# **Exercise (easy).** Turn counts into these probabilities. The counts come as a tensor. (`_as_counts` is a helper of the
# library that also accepts lists and refuses negative counts; you can do without it.)

# %%
# @exercise course_lib.embeddings.sgns:negative_weights

# %%
negative_weights = check("01:negative_weights", negative_weights)

# %% [markdown]
# ### Which words to skip?
#
# The other half of the same problem: most *centres* are "the" and "of" too. Word2Vec thins out frequent
# words before it makes pairs. Each occurrence of a word with share $f$ of the text is kept with
# probability $\sqrt{t/f} + t/f$, at most 1, where $t$ is `sample`, usually 0.001. Here is the library's
# function:

# %%
# @sync course_lib.embeddings.sgns:keep_probabilities

# %% [markdown]
# Both rules side by side, for the words of a real text: an excerpt of Wikipedia, whose articles begin
# with A.

# %%
wikipedia = load("wikipedia-excerpt")
wiki_sentences = sentences_of(wikipedia.documents)
wiki_words = Vocabulary.from_sentences(wiki_sentences, min_count=5)
wiki_counts = torch.as_tensor(wiki_words.counts).double()
share = (wiki_counts / wiki_counts.sum()).tolist()
print(
    f"{len(wikipedia.documents)} articles, {sum(map(len, wiki_sentences)):,} words, "
    f"{len(wiki_words):,} different ones seen at least 5 times"
)

as_negative = {p: negative_weights(wiki_counts, p) for p in (1.0, 0.75, 0.0)}
kept = keep_probabilities(wiki_counts)
pd.DataFrame(
    [
        [
            share[i] * 1e6,
            *(float(weights[i]) * 1e6 for weights in as_negative.values()),
            float(kept[i]),
        ]
        for i in (0, 9, 99, 999, len(wiki_words) - 1)
    ],
    index=[wiki_words.words[i] for i in (0, 9, 99, 999, len(wiki_words) - 1)],
    columns=["per million words", "drawn, power 1", "drawn, power 0.75", "drawn, power 0", "kept"],
).round(2)

# %%
show(
    plot_lines(
        {"kept when read": (share, kept.tolist())},
        title="Frequent words are thinned out",
        axis_labels=("share of the word in the text (log scale)", "probability of being kept"),
        log_x=True,
    ),
    alt="Curve of the probability of keeping an occurrence against the word's share "
    "of the text, on a logarithmic axis. It is 1 for all words below a share of "
    "about 0.0026 and falls to below 0.2 for the most frequent word.",
)

# %% [markdown]
# There is a third trick, the **dynamic window**. For each centre the actual window is drawn between 1
# and `window`, all alike. So a context at distance 1 is always seen, one at distance $W$ only once in
# $W$ times: near words count more.

# %%
# NBVAL_CHECK_OUTPUT
window = 5
for distance in range(1, window + 1):
    seen = sum(distance <= drawn for drawn in range(1, window + 1))
    print(f"distance {distance}: in reach for {seen} of the {window} windows")

# %% [markdown]
# ### Word2Vec from scratch
#
# Now put your pieces together: your pairs, your draw of negatives, your gradients. Nothing else is
# needed, not even autograd. The centres start at small random numbers, the contexts at 0.
#
# **Predict.** Then all scores are 0 at the start, and $\sigma(0) = 1/2$. What must the first loss be with
# $K = 5$ negatives?

# %%
generator = make_generator(run.seed)
d_embed, n_negatives, learning_rate = 24, 5, 0.05
centers = (torch.rand(len(planted_words), d_embed, generator=generator) - 0.5) / d_embed
contexts = torch.zeros(len(planted_words), d_embed)
draw = negative_weights(torch.as_tensor(planted_words.counts).double())
losses = []
for _ in range(2):
    for batch in pairs[torch.randperm(len(pairs), generator=generator)].split(256):
        c, o = batch.T
        k = torch.multinomial(draw, len(c) * n_negatives, replacement=True, generator=generator)
        k = k.view(len(c), n_negatives)
        vectors = centers[c], contexts[o], contexts[k]
        losses.append(sgns_loss(*vectors).item())
        d_center, d_context, d_negatives = sgns_gradients(*vectors)
        step = -learning_rate * len(c)  # undoes the mean: every pair pushes on its own
        centers.index_add_(0, c, d_center, alpha=step)
        contexts.index_add_(0, o, d_context, alpha=step)
        contexts.index_add_(0, k.flatten(), d_negatives.flatten(0, 1), alpha=step)
print(f"first loss {losses[0]:.4f}, and 6 · ln 2 = {6 * np.log(2):.4f} nats per pair")

# %%
scratch_vectors = WordVectors(planted_words.words, centers.numpy())
show(
    plot_lines(
        {"loss": (range(len(losses)), losses)},
        title="Word2Vec from scratch learns",
        axis_labels=("batches of 256 pairs", "loss (nats per pair)"),
    ),
    alt="Curve of the loss in nats per pair against the number of batches. It starts "
    "at 4.16, which is 6 times ln 2, falls steeply within the first 100 batches, "
    "and then wavers a little above 2.",
)
for word in ("dog", "paris"):
    print(
        f"nearest to {word}:",
        ", ".join(near for near, _ in scratch_vectors.most_similar(word, n=4)),
    )

# %% [markdown]
# It found the animals, and it found the capitals. The loss does not go to 0, and cannot: with so few words, a
# negative drawn at random is often a true neighbour. The library's `SkipGram` does the same, faster: it
# subsamples, draws the windows, and lowers the learning rate on the way. We use it from here on.
#
# **What we learnt.** Word2Vec is two tables of vectors, a dot product and a sigmoid. There is no hidden
# layer and no activation between the tables; it is about as *shallow* as a model can be. Its strength is
# the amount of text it can read.

# %% [markdown]
# ## 4 · Two relatives: CBOW and GloVe
#
# *(optional)*
#
# **CBOW** (continuous bag of words) turns the game round: the *mean* of the context vectors guesses the
# word in the middle. With contexts $c_1 \dots c_m$ the score of a word with vector $u$ is
#
# $$s = u \cdot \frac{1}{m} \sum_{i=1}^{m} c_i$$
#
# and the loss is the same as before. One guess per position instead of one per pair: it is faster, and
# it blurs rare words more. Note its name: the order *inside the window* is lost, as in any bag.
#
# **GloVe** (Pennington, Socher and Manning 2014) goes back to the table of counts $X$. It looks for
# vectors and biases such that
#
# $$w_i \cdot u_j + b_i + a_j \approx \ln X_{ij}$$
#
# by least squares over the pairs that occur at all. It is a regression: no sampling, no negatives. Each pair has a
# weight, $\min(1, (X_{ij} / x_{max})^{0.75})$, so that rare counts, which are noisy, weigh less, and frequent ones not
# without limit. By hand, with $x_{max} = 100$: a pair seen once weighs $0.01^{0.75} \approx 0.03$, a pair seen 200 times
# weighs 1.

# %%
# @sync course_lib.embeddings.glove:glove_weights

# %%
# NBVAL_CHECK_OUTPUT
for count in (1, 10, 100, 200):
    print(f"seen {count:3} times: weight {glove_weights(torch.tensor([float(count)])).item():.2f}")

# %%
small = Word2VecConfig(
    d_embed=24, min_count=1, n_epochs=10, learning_rate=0.1, sample=0.0, seed=run.seed
)
skip_gram = SkipGram(small).fit(planted, progress=False)
cbow = CBOW(small).fit(planted, progress=False)
glove = GloVe(GloVeConfig(d_embed=24, window=5, min_count=1, seed=run.seed)).fit(
    planted, progress=False
)
for name, model in {"skip-gram": skip_gram, "CBOW": cbow, "GloVe": glove}.items():
    print(
        f"{name:9} nearest to dog:", ", ".join(word for word, _ in model.most_similar("dog", n=3))
    )

# %% [markdown]
# **What we learnt.** Three objectives, one kind of result. How alike they are is measured under *Known
# truth*.

# %% [markdown]
# ## 5 · The same with gensim, and five traps
#
# *(core)*
#
# gensim is the library most people use for this. Its names, as of version 4: `vector_size` (our
# `d_embed`), `min_count`, `sg=1` for skip-gram, `epochs`. The vectors are in `.wv`.

# %%
from gensim.models import FastText, Word2Vec

peer = Word2Vec(
    planted,
    vector_size=24,
    window=5,
    min_count=1,
    sg=1,
    negative=5,
    epochs=5,
    sample=0,
    seed=1,
    workers=1,
)
print("gensim, nearest to dog:", [word for word, _ in peer.wv.most_similar("dog", topn=3)])

# %% [markdown]
# **Trap 1: the default is CBOW.** Leave `sg` out and you do not get skip-gram.

# %%
# NBVAL_CHECK_OUTPUT
silent = Word2Vec(planted[:200], vector_size=8, min_count=1, epochs=1)
print("sg =", silent.sg, "→", "skip-gram" if silent.sg else "CBOW")

# %% [markdown]
# **Trap 2: a list of strings becomes a list of characters.** gensim wants lists of words. A string is a
# sequence too, of characters. So nothing fails; you train on letters. With Chinese it is worse: the
# result looks plausible, because single characters look like words.

# %%
# NBVAL_CHECK_OUTPUT
english = Word2Vec(["the cat drinks milk", "the dog drinks water"], vector_size=8, min_count=1)
chinese = Word2Vec(["我喜欢喝茶", "他喜欢喝咖啡"], vector_size=8, min_count=1)
print("“words”:", sorted(english.wv.index_to_key))
print("“words”:", sorted(chinese.wv.index_to_key))
for word, meaning in {"喜欢": "to like", "咖啡": "coffee"}.items():
    print(f"{word} ({meaning}) has a vector: {word in chinese.wv}")

# %% [markdown]
# Split into words first; for Chinese, with a word segmenter. Our `fit` refuses strings and says why:

# %%
try:
    SkipGram(small).fit(["the cat drinks milk", "the dog drinks water"], progress=False)
except TypeError as error:
    print(textwrap.fill(f"TypeError: {error}", width=90))

# %% [markdown]
# **Trap 3: a generator can be read only once.** Training reads the text several times: once to count, then
# once per epoch.

# %%
# NBVAL_CHECK_OUTPUT
try:
    Word2Vec((sentence for sentence in planted), vector_size=8, min_count=1)
except TypeError as error:
    print(f"TypeError: {error}")

# %% [markdown]
# **Trap 4: a seed is not enough.** With several workers, threads race each other to update the same vectors,
# and who wins differs from run to run. Only `workers=1` with a seed repeats. A tiny corpus hides this,
# because one worker gets all the work. So here is a real one, 300 news reports, read once by each of
# four models.

# %%
news = sentences_of(load("lee-news").documents)
runs = {}
for workers in (1, 3):
    first, second = (
        Word2Vec(news, vector_size=50, epochs=1, seed=1, workers=workers).wv for _ in range(2)
    )
    runs[workers] = np.abs(first.vectors - second.vectors).max()
    print(f"workers={workers}, seed=1, twice: largest difference {runs[workers]:.4f}")

# %% [markdown]
# **Trap 5: old names.** Many texts on the web show gensim 3. This is what they give you today:

# %%
# NBVAL_CHECK_OUTPUT
old_calls = {
    "Word2Vec(sentences, size=100)": lambda: Word2Vec(planted, size=100),
    "model['dog']": lambda: peer["dog"],
    "model.most_similar('dog')": lambda: peer.most_similar("dog"),
    "model.wv.vocab": lambda: peer.wv.vocab,
    "model.wv.index2word": lambda: peer.wv.index2word,
}
for call, old in old_calls.items():
    try:
        old()
    except (TypeError, AttributeError) as error:
        print(call)
        print(f"    {type(error).__name__}: {str(error).splitlines()[0]}")

# %% [markdown]
# Today: `vector_size=100`, `model.wv["dog"]`, `model.wv.most_similar("dog")`, `model.wv.key_to_index`,
# `model.wv.index_to_key`. Going back and forth is easy: `model.to_gensim()` on our side,
# `WordVectors.from_gensim(model.wv)` for the way back.
#
# **What we learnt.** Three of the five traps are silent: no error, and not what you wanted. Print the vocabulary before
# you trust the vectors.

# %% [markdown]
# ## 6 · How good are word vectors?
#
# *(core)*
#
# Nearest neighbours are fun to look at, and easy to fool yourself with. We need numbers. From here on
# you also have vectors worth measuring: the **course vectors**, trained with this library's `SkipGram`
# on a bigger text (their card says which).

# %%
course_vectors = load_course_vectors()
print(f"{len(course_vectors):,} words, {course_vectors.d_embed} numbers each")
for word in ("three", "brother", "horse", "function"):
    print(f"{word:9}", ", ".join(near for near, _ in course_vectors.most_similar(word, n=6)))

# %% [markdown]
# ### Similar, or related?
#
# Two lists of word pairs, rated by people, are the usual test. **WordSim-353** (Finkelstein et al. 2002)
# asked how *related* two words are. **SimLex-999** (Hill, Reichart and Korhonen 2015) asked how *similar*:
# could one stand in for the other? Both scales run from 0 to 10.
#
# **Predict.** Professor and student: related? Similar? What would people say?

# %%
lists = {"WordSim-353": load("wordsim353"), "SimLex-999": load("simlex999")}
rated = {
    name: {frozenset((row["word1"].lower(), row["word2"].lower())): row["score"] for row in rows}
    for name, rows in lists.items()
}
in_both = [pair for pair in rated["WordSim-353"] if pair in rated["SimLex-999"] and len(pair) == 2]
gap = {pair: rated["WordSim-353"][pair] - rated["SimLex-999"][pair] for pair in in_both}
print(f"{len(in_both)} pairs are in both lists; where they disagree most:")
pd.DataFrame(
    [
        [rated["WordSim-353"][pair], rated["SimLex-999"][pair], course_vectors.similarity(*pair)]
        for pair in sorted(gap, key=lambda pair: -gap[pair])[:5]
    ],
    index=["–".join(sorted(pair)) for pair in sorted(gap, key=lambda pair: -gap[pair])[:5]],
    columns=["WordSim-353: related", "SimLex-999: similar", "cosine, course vectors"],
).round(2)

# %% [markdown]
# A score is the **rank correlation** (Spearman) between the cosines and the ratings: do the vectors put the
# pairs into the same order as people do? 1 is the same order, 0 no agreement.
#
# A score needs three companions: the number of pairs $n$ it rests on, an interval, and a **baseline**, here
# random vectors of the same size.

# %%
noise = np.random.default_rng(run.seed).normal(size=course_vectors.matrix.shape)
random_vectors = WordVectors(course_vectors.words, noise)
for name, rows in lists.items():
    for owner, vectors in {
        "course vectors": course_vectors,
        "random vectors": random_vectors,
    }.items():
        score = evaluate_similarity(vectors, rows)
        print(
            f"{name:11} {owner}: {score.spearman:5.2f}  95 % interval [{score.interval.low:5.2f}, "
            f"{score.interval.high:5.2f}]  n = {score.n_used} ({score.n_missing} pairs unknown)"
        )

# %% [markdown]
# Skip-gram vectors agree better with *related* than with *similar*. That is no accident: coffee and cup keep
# the same company. "Good" and "bad" do, too. Look:

# %%
for pair in (("good", "bad"), ("hot", "cold"), ("coffee", "cup")):
    print(*pair, f"{course_vectors.similarity(*pair):.2f}")

# %% [markdown]
# ### Analogies, and what they are worth
#
# The famous trick: take the vector of "king", subtract "man", add "woman", and look for the nearest word.
# In general, for "$a$ is to $b$ as $c$ is to ?", search near $b - a + c$.

# %%
for a, b, c in (
    ("man", "king", "woman"),
    ("france", "paris", "italy"),
    ("good", "better", "small"),
):
    answers = course_vectors.analogy(a, b, c, n=3)
    print(f"{a} : {b} = {c} : ?   ", ", ".join(f"{word} {cosine:.2f}" for word, cosine in answers))

# %% [markdown]
# Sometimes it works, and then it looks like magic. Now read the small print. `analogy`, like every program of this kind, never returns one of
# the three words of the question. Without that rule:

# %%
for a, b, c in (
    ("man", "king", "woman"),
    ("france", "paris", "italy"),
    ("good", "better", "small"),
):
    vector = sum(
        sign * course_vectors.directions[course_vectors.id_of(word)]
        for sign, word in ((1, b), (-1, a), (1, c))
    )
    nearest = course_vectors.nearest(vector, n=3)
    print(
        f"{b} − {a} + {c} is nearest to",
        ", ".join(f"{word} {cosine:.2f}" for word, cosine in nearest),
    )

# %% [markdown]
# Often the nearest word is one that we put in. So some of the success may come from the rule: forbid "king",
# and the next best thing near "king" may well be "queen", whatever we subtract or add.
#
# How much? Ask questions of the Google list (Mikolov et al. 2013), and compare with rivals that do *less*:
# answer with the nearest neighbour of $b$ alone, or of $c$ alone. Also ask the full formula once more
# without the rule. The list has two kinds of questions: about facts (capitals, family, …) and about
# grammar. We take a random sample of those whose four words we know.

# %%
frequent = course_vectors.first(30_000)
known = [row for row in load("google-analogies") if all(row[k].lower() in frequent for k in "abcd")]
picked = np.random.default_rng(run.seed).permutation(len(known))[:3000]
asked = [known[i] for i in picked]
ids = np.array([[frequent.id_of(row[k].lower()) for k in "abcd"] for row in asked])
is_grammar = np.array([row["section"].startswith("gram") for row in asked])
print(f"{len(known):,} questions have four known words; we ask {len(asked):,} of them")

# %%
unit, dice = frequent.directions, random_vectors.first(30_000).directions
a, b, c = ids[:, 0], ids[:, 1], ids[:, 2]
rivals = {
    "b − a + c": (unit, unit[b] - unit[a] + unit[c]),
    "b − a + c, no rule": (unit, unit[b] - unit[a] + unit[c]),
    "nearest to b": (unit, unit[b]),
    "nearest to c": (unit, unit[c]),
    "random vectors": (dice, dice[b] - dice[a] + dice[c]),
}
answers = {name: np.zeros(len(ids), dtype=int) for name in rivals}
for name, (table, queries) in rivals.items():
    for part in np.array_split(np.arange(len(ids)), 10):
        scores = queries[part] @ table.T
        if "no rule" not in name:
            np.put_along_axis(scores, ids[part, :3], -np.inf, axis=1)
        answers[name][part] = scores.argmax(axis=1)
right = {name: given == ids[:, 3] for name, given in answers.items()}

panels = {"facts": ~is_grammar, "grammar": is_grammar}
bars = {
    f"{kind} (n = {mask.sum()})": {
        name: (hits[mask].mean(), *proportion_interval(int(hits[mask].sum()), int(mask.sum())))
        for name, hits in right.items()
    }
    for kind, mask in panels.items()
}
show(
    plot_scores(
        bars, title="What answers an analogy?", unit="share of right answers, 95 % interval"
    ),
    alt="Two panels, questions about facts and about grammar, with the share of right "
    "answers of five methods. "
    + ". ".join(
        f"{kind}: " + ", ".join(f"{name} {score:.0%}" for name, (score, *_) in methods.items())
        for kind, methods in bars.items()
    ),
)
for kind, methods in bars.items():
    print(kind)
    for name, (score, low, high) in methods.items():
        print(f"    {name:20} {score:6.1%}  [{low:6.1%}, {high:6.1%}]")

# %% [markdown]
# Read it like this. What separates the first row from the second is the work of the *rule*: without it, the formula mostly
# hands back a word of the question. What the fourth row gets right was not earned by the relation: the nearest
# neighbour of $c$ knows nothing of $a$ and $b$. Only the lead of the first row over the third and fourth speaks for the
# *direction* from $a$ to $b$. Where the intervals overlap, there is no lead to speak of. (Linzen 2016 and Rogers,
# Drozd and Li 2017 found the same weaknesses, on larger vectors.)
#
# **What we learnt.** A score without $n$, an interval and a baseline says nothing. Cosines of skip-gram mean
# *related*, not *similar*, and opposites are related. Analogies work best where text is regular.

# %% [markdown]
# ## 7 · What a map shows, and what it hides
#
# *(core)*
#
# Word vectors have too many numbers to look at. So people flatten them to two. Take words of five kinds.
# **Principal component analysis** (PCA) turns the cloud of points so that it is as wide as possible, and
# drops all but the two widest directions.
#
# **Predict.** How much of the variance can two directions out of all of them keep: 80 %, 40 %, 10 %?

# %%
kinds = {
    "animals": "dog cat horse bird fish cow sheep lion",
    "countries": "france italy spain germany egypt japan india china",
    "numbers": "two three four five six seven eight nine",
    "family": "father mother son daughter brother sister wife husband",
    "music": "piano violin song opera orchestra singer guitar melody",
}
map_words = [word for words in kinds.values() for word in words.split() if word in course_vectors]
map_kinds = [
    kind for kind, words in kinds.items() for word in words.split() if word in course_vectors
]
cloud = np.stack([course_vectors.directions[course_vectors.id_of(word)] for word in map_words])
points, kept_share = project_pca(cloud)
show(
    plot_word_map(
        points,
        map_words,
        map_kinds,
        title=f"PCA: this map keeps {kept_share.sum():.0%} of the variance",
        axis_labels=(
            f"first direction ({kept_share[0]:.0%} of the variance)",
            f"second direction ({kept_share[1]:.0%})",
        ),
    ),
    alt="Map of words by PCA, with a colour and a marker for each of five kinds. Words "
    "of one kind lie near each other; some kinds form a group of their own, others "
    "overlap.",
)

# %% [markdown]
# Pretty, and poor: most of what the vectors know is not on this map. How misleading is it? Take each word's
# nearest neighbour, once in the full vectors, once on the map.


# %%
def neighbours(vectors):
    """Index of each row's nearest other row, by Euclidean distance."""
    distances = np.linalg.norm(vectors[:, None] - vectors[None], axis=-1)
    return (distances + np.diag(np.full(len(vectors), np.inf))).argmin(axis=1)


same = neighbours(points) == neighbours(cloud)
low, high = proportion_interval(int(same.sum()), len(same))
print(
    f"nearest neighbour on the map = true nearest neighbour for {same.sum()} of {len(same)} words"
)
print(f"that is {same.mean():.0%}, 95 % interval [{low:.0%}, {high:.0%}]")

# %% [markdown]
# **t-SNE** (van der Maaten and Hinton 2008) gives up on distances. It lays out the points so that neighbours
# stay neighbours, starting from a random layout. So draw it three times, with three seeds.

# %%
maps = {f"t-SNE, seed {seed}": project_tsne(cloud, perplexity=8, seed=seed) for seed in (0, 1, 2)}
show(
    plot_point_maps(maps, map_kinds),
    alt="Three t-SNE maps of the same words with three seeds, without labels. The "
    "five kinds form the same clusters in each, but the clusters lie in different "
    "places and at different distances from each other.",
)
for name, layout in maps.items():
    same = neighbours(layout) == neighbours(cloud)
    low, high = proportion_interval(int(same.sum()), len(same))
    print(
        f"{name}: true nearest neighbour for {same.mean():.0%} of {len(same)} words [{low:.0%}, {high:.0%}]"
    )

# %% [markdown]
# The clusters come back every time. Where they lie, how far apart, and how big they are does not. Never read
# these from a t-SNE map (Wattenberg, Viégas and Johnson 2016).
#
# **What we learnt.** A map shows that groups exist. PCA keeps a stated share of the variance; t-SNE keeps
# neighbours and invents the rest. Decide with cosines, and show the map afterwards.

# %% [markdown]
# ## 8 · One vector per word, and none for strangers
#
# *(core)*
#
# ### "Bank"
#
# In the planted corpus "bank" has two meanings, half of the time each: the one with a vault, the one with mud.
#
# **Predict.** Where does its one vector go: to the money words, to the river words, in between?

# %%
for name, vectors in {"skip-gram": skip_gram.vectors, "PPMI + SVD": svd_vectors}.items():
    nearness = {
        kind: np.mean([vectors.similarity("bank", word) for word in words])
        for kind, words in WORD_CLASSES.items()
    }
    print(
        f"{name:10} mean cosine of bank:",
        {kind: round(float(x), 2) for kind, x in nearness.items()},
    )

# %% [markdown]
# Near both, like no other word. The text does know the difference. We can show that: mark each "bank" with its
# sense, which we know because we planted it, and build the vectors again.

# %%
marked = [
    [f"bank ({sense_of(words)})" if word == "bank" else word for word in words] for words in planted
]
marked_words = Vocabulary.from_sentences(marked)
marked_counts = cooccurrence_counts(marked, marked_words, window=5)
marked_vectors = WordVectors(
    marked_words.words, truncated_svd(ppmi(marked_counts), d_embed=24, seed=run.seed)
)
for bank in ("bank (money)", "bank (river)"):
    nearness = {
        kind: np.mean([marked_vectors.similarity(bank, word) for word in WORD_CLASSES[kind]])
        for kind in ("money", "river")
    }
    print(f"mean cosine of {bank}:", {kind: round(float(x), 2) for kind, x in nearness.items()})
print(
    f"mean cosine of the two senses: {marked_vectors.similarity('bank (money)', 'bank (river)'):.2f}"
)

# %% [markdown]
# Nobody marks the senses in real text. A model that gives each *word* one vector has nowhere to put the
# difference. So here is a prediction to be settled: take the vector of "bank" in a sentence and guess the sense
# from it. With static vectors, as in this lesson, the vector is the same in every sentence. The best guess is
# then the more frequent sense:

# %%
senses = [sense_of(words) for words in planted if "bank" in words]
n_common = max(senses.count(sense) for sense in set(senses))
low, high = proportion_interval(n_common, len(senses))
print(
    f"best possible guess from a static vector: {n_common / len(senses):.1%} of {len(senses)} uses right"
)
print(f"95 % interval [{low:.1%}, {high:.1%}]")

# %% [markdown]
# In lesson 07, a model that computes a new vector for each word *in its sentence* takes the same test. How well do
# you think it does? Write your guess down.
#
# And in the real vectors? Here are the neighbours of some words with several meanings.

# %%
for word in ("bank", "string", "apple", "spring"):
    if word in course_vectors:
        print(f"{word:7}", ", ".join(near for near, _ in course_vectors.most_similar(word, n=8)))

# %% [markdown]
# Some lists mix the meanings; in others one meaning has pushed out the rest, because the text used it so much more.
# These vectors have read a good deal of Python documentation: what would "string" mean to them if they had read only
# novels?
#
# ### A word it has never seen
#
# What do these models do with an unknown word? Nothing: they have no vector for it, and say so.

# %%
stranger = "undoglike"
for name, lookup in {"ours": skip_gram.vectors, "gensim": peer.wv}.items():
    try:
        lookup[stranger]
    except (KeyError, ValueError) as error:
        print(f"{name:6} {type(error).__name__}: {error}")

# %% [markdown]
# **FastText** (Bojanowski et al. 2017) has an answer. It gives a vector to every *piece* of 3 to 6 letters, and
# the vector of a word is the mean over its pieces. A new word is made of known pieces. Let it read part of
# the Wikipedia excerpt.

# %%
fasttext = FastText(
    wiki_sentences[:8000],
    vector_size=50,
    sg=1,
    min_count=5,
    epochs=2,
    bucket=50_000,
    seed=1,
    workers=1,
)
for word in ("governmental", "scientifically", "zqxjwv"):
    known = "in the vocabulary" if word in fasttext.wv.key_to_index else "never seen"
    near = ", ".join(other for other, _ in fasttext.wv.most_similar(word, topn=4))
    print(f"{word:14} ({known}): {near}")

# %% [markdown]
# Note the last one. FastText always answers, for nonsense too. Check for yourself whether a word was known.
#
# Language models solve the problem in another way: they cut *every* text into pieces that are all in the
# vocabulary. That is lesson 02.
#
# **What we learnt.** One vector per word mixes its meanings, and unknown words have none. The first is the reason
# for attention (lesson 03), the second for subword tokens (lesson 02).

# %% [markdown]
# ## Known truth
#
# In the planted corpus we know which class each word belongs to and how each analogy must end. So we can ask
# every method of this lesson the same two questions:
#
# 1. **Neighbour.** Is the nearest of the other 15 class words one of the same class? By chance: 3 in 15.
# 2. **Analogy.** Capital is to country as capital is to …, for the 30 ordered pairs of six capitals.
#
# Two rows stand for the bag of words: the one-hot vector of a word, and its column of the table, that is, which
# sentences it occurs in. Where several words are equally near, each counts in part.

# %%
bag = bag_of_words(planted, planted_words).toarray()
methods = {
    "bag of words: one-hot": WordVectors(planted_words.words, np.eye(len(planted_words))),
    "bag of words: column": WordVectors(planted_words.words, bag.T),
    "PPMI + SVD": svd_vectors,
    "skip-gram, from scratch": scratch_vectors,
    "skip-gram, library": skip_gram.vectors,
    "CBOW": cbow.vectors,
    "GloVe": glove.vectors,
    "skip-gram, gensim": WordVectors.from_gensim(peer.wv),
}
same_class = np.equal.outer(class_labels, class_labels)
cosines, rows = {}, []
for name, vectors in methods.items():
    table = vectors.directions[[vectors.id_of(word) for word in class_words]]
    cosines[name] = table @ table.T
    others = cosines[name] - 2 * np.eye(len(table))  # a word is not its own neighbour
    nearest = others > others.max(axis=1, keepdims=True) - 1e-6
    hits = ((nearest & same_class).sum(axis=1) / nearest.sum(axis=1)).sum()
    low, high = proportion_interval(round(hits), len(table))
    analogy = evaluate_analogies(vectors, planted_analogies())
    rows.append(
        [
            f"{hits:.1f} of {len(table)}",
            f"{low:.2f} to {high:.2f}",
            f"{analogy.accuracy * analogy.n_used:.0f} of {analogy.n_used}",
            f"{analogy.interval.low:.2f} to {analogy.interval.high:.2f}",
        ]
    )
pd.DataFrame(
    rows,
    index=list(methods),
    columns=["same class", "95 % interval (class)", "analogies right", "95 % interval (analogies)"],
)

# %% [markdown]
# The bags are at chance. All the others find every class, counts and "neural" methods alike. CBOW and GloVe miss some of
# the analogies. CBOW makes only one guess a position, so it is not finished after ten epochs. For GloVe there is another
# likely reason: its loss contains only pairs that occur, so it never hears that two words *never* meet.
# PPMI has those zeros, and skip-gram has its negatives. (The open exercises below let you test both.)
#
# Do they even agree on *how* near the words are? Compare the cosines of all pairs of class words.

# %%
upper = np.triu_indices(len(class_words), k=1)
reference = cosines["PPMI + SVD"][upper]
for name in ("skip-gram, library", "skip-gram, gensim", "CBOW", "GloVe"):
    both = np.stack([reference, cosines[name][upper]], axis=1)
    low, high = bootstrap_interval(both, lambda x: pearson_correlation(x[:, 0], x[:, 1]))
    print(
        f"PPMI + SVD and {name:18}: correlation of cosines "
        f"{pearson_correlation(both[:, 0], both[:, 1]):5.2f} [{low:5.2f}, {high:5.2f}], n = {len(both)} pairs"
    )

# %% [markdown]
# They do, though on this corpus that is easy: nearly every cosine is either high or low. (The pairs share words, so the
# intervals are a little too narrow. And the bags cannot take part: all their cosines are 0.) We will ask again with
# real words below.
#
# Levy and Goldberg (2014) explained why: with enough dimensions, skip-gram with negative sampling
# factorises a table of PMI, shifted by $\ln K$. It learns, by guessing, what the SVD computes from counts.

# %% [markdown]
# ### A richer truth: the story world
#
# Six capitals are a toy. The **story world** that you met in lesson 00 makes up whole stories, with some two thousand
# different words, and plants relations in them. A country and its capital share their river, and nothing else: trams and mayors belong
# to capitals, borders to countries. A dog and a puppy share bones and a kennel; grown animals eat, young ones look
# for their mothers. There are six such families. And some words are exchanged at random: a path is called a trail half of the time.
#
# We ask for stories that digress a lot, because that is where most of these sentences stand.

# %%
# NBVAL_CHECK_OUTPUT
story_analogies = [
    {key: value if key == "section" else value.lower() for key, value in row.items()}
    for row in storyworld.planted_analogy_rows()
]
synonyms = [pair for pair in storyworld.planted_synonyms() if " " not in "".join(pair)]
print(f"{len(story_analogies):,} analogies, for example:")
for row in story_analogies[:1] + story_analogies[-1:]:
    print("  {a} is to {b} as {c} is to {d}".format(**row))
print(f"{len(synonyms)} pairs of synonyms, for example:", *synonyms[2])


# %%
digressive = {"callback_distance": 24, "seed": run.seed}
digressive["size"] = run.pick(small=2_200, t4=6_000)


def digressing_stories(regularity):
    stories = load("storyworld", analogy_regularity=regularity, **digressive)
    return sentences_of(stories["train"]["text"])


def count_vectors(sentences, words, window=10):
    table = ppmi(cooccurrence_counts(sentences, words, window=window))
    return WordVectors(words.words, truncated_svd(table, d_embed=200, seed=run.seed))


story_sentences = digressing_stories(regularity=1.0)
story_words = Vocabulary.from_sentences(story_sentences, min_count=5)
n_words = sum(len(words) for words in story_sentences)
print(f"{len(story_sentences):,} sentences, {n_words:,} words, {len(story_words):,} different")

# %% [markdown]
# **Predict.** All methods read the same sentences and look ten words to each side, but for one table of counts, which looks
# only three words far. Which will solve most analogies? Which will have a synonym as the nearest word? Someone who guesses gets
# about one in two thousand right.

# %%
story_settings = Word2VecConfig(window=10, n_epochs=5, seed=run.seed)
story_vectors = {
    "random": WordVectors(
        story_words.words, np.random.default_rng(run.seed).normal(size=(len(story_words), 100))
    ),
    "PPMI + SVD": count_vectors(story_sentences, story_words),
    "PPMI + SVD, window 3": count_vectors(story_sentences, story_words, window=3),
    "skip-gram": SkipGram(story_settings).fit(story_sentences, progress=False).vectors,
    "CBOW": CBOW(story_settings).fit(story_sentences, progress=False).vectors,
    "GloVe": GloVe(GloVeConfig(window=10, n_epochs=15, seed=run.seed))
    .fit(story_sentences, progress=False)
    .vectors,
}
rows = []
for vectors in story_vectors.values():
    score = evaluate_analogies(vectors, story_analogies)
    n_nearest = sum(vectors.most_similar(one, n=1)[0][0] == other for one, other in synonyms)
    low, high = proportion_interval(n_nearest, len(synonyms))
    rows.append(
        [
            f"{score.accuracy:.2f} [{score.interval.low:.2f}, {score.interval.high:.2f}]",
            f"{n_nearest} of {len(synonyms)} [{low:.2f}, {high:.2f}]",
        ]
    )
print(f"n = {score.n_used:,} analogies; 95 % intervals")
pd.DataFrame(rows, index=list(story_vectors), columns=["analogies", "synonym is the nearest word"])

# %% [markdown]
# All of them find what we planted, far more often than chance, and skip-gram is far ahead on the analogies: a *difference*
# that is the same for all pairs. On this amount of text, CBOW and GloVe would need more passes.
#
# Compare the two tables of counts: **the window decides what "similar" means.** Close by stand the words that fix the grammar of a
# place, so a narrow window finds what can take the same place: synonyms. Further off stand the words of the topic, so a wide window
# finds what belongs together, such as a country and its river, and that is what these analogies are made of.
#
# Is it really the planted regularity that they find? Turn it down by half: now an animal eats its own food only every other time,
# and a country has any river. We leave the sentences about tools as they are.

# %%
irregular = digressing_stories(regularity=0.5)
blurred = count_vectors(irregular, Vocabulary.from_sentences(irregular, min_count=5))
for label, vectors in (("1.0", story_vectors["PPMI + SVD"]), ("0.5", blurred)):
    by_section = evaluate_analogies(vectors, story_analogies).by_section
    print(f"PPMI + SVD, regularity {label}")
    for section in ("capital-country", "animal-young", "profession-tool"):
        n_right, n = by_section[section]
        low, high = proportion_interval(n_right, n)
        print(f"  {section:16} {n_right / n:.2f} [{low:.2f}, {high:.2f}], n = {n}")

# %% [markdown]
# The capitals lose much of their score. The tools, which we left alone, hardly change. So the methods do find what is in the text, and only that:
# a relation that the text blurs is blurred in the vectors. On real text nobody can turn this knob.

# %% [markdown]
# ## Real text
#
# Now train your own vectors on real text: the Wikipedia excerpt that you met in section 3. It takes a few
# seconds. Expect little: this is a very small text, for which most words have been seen a handful of
# times.

# %%
settings = Word2VecConfig(
    d_embed=100, window=5, min_count=5, n_epochs=run.pick(small=8, t4=10), seed=run.seed
)
own = SkipGram(settings).fit(wiki_sentences, progress=False)
print(f"{len(own.vectors):,} words; loss {own.losses[0]:.2f} → {own.losses[-1]:.2f} nats per pair")
for word in ("london", "three", "music", "war"):
    print(f"{word:7}", ", ".join(near for near, _ in own.most_similar(word, n=6)))

# %% [markdown]
# Beside it, two more ways from the same text: PPMI and SVD, and random vectors as the baseline. And the course
# vectors, which read more. To be fair, all answer the same questions: those whose words all of them know.

# %%
wiki_table = cooccurrence_counts(wiki_sentences, wiki_words, window=5)
wiki_svd = WordVectors(
    wiki_words.words, truncated_svd(ppmi(wiki_table), d_embed=100, seed=run.seed)
)
rng = np.random.default_rng(run.seed)
contenders = {
    "random vectors": WordVectors(wiki_words.words, rng.normal(size=(len(wiki_words), 100))),
    "PPMI + SVD, excerpt": wiki_svd,
    "skip-gram, excerpt": own.vectors,
    "course vectors": course_vectors,
}
all_know = {word for word in own.vectors.words if word in course_vectors}
shared_lists = {
    name: [row for row in rows if {row["word1"].lower(), row["word2"].lower()} <= all_know]
    for name, rows in lists.items()
}
shared_questions = [row for row in asked if {row[k].lower() for k in "abcd"} <= all_know]
panels, rows = {name: {} for name in lists}, []
for owner, vectors in contenders.items():
    row = [f"{len(vectors):,}"]
    for name, word_pairs in shared_lists.items():
        score = evaluate_similarity(vectors, word_pairs)
        panels[name][owner] = (score.spearman, *score.interval)
        row.append(f"{score.spearman:.2f} [{score.interval.low:.2f}, {score.interval.high:.2f}]")
    score = evaluate_analogies(vectors, shared_questions)
    row.append(f"{score.accuracy:.1%} [{score.interval.low:.1%}, {score.interval.high:.1%}]")
    rows.append(row)
headings = [f"{name}, n = {len(word_pairs)}" for name, word_pairs in shared_lists.items()]
pd.DataFrame(
    rows,
    index=list(contenders),
    columns=["words", *headings, f"analogies, n = {len(shared_questions)}"],
)

# %%
show(
    plot_scores(panels, title="Agreement with people", unit="rank correlation, 95 % interval"),
    alt="Two panels with the rank correlation of four sets of vectors. "
    + ". ".join(
        f"{name}: " + ", ".join(f"{owner} {score:.2f}" for owner, (score, *_) in scores.items())
        for name, scores in panels.items()
    ),
)

# %% [markdown]
# And the question left open under *Known truth*: do counting and guessing agree on real words? Take the word pairs of
# both lists and correlate the cosines of two methods that read the same excerpt.

# %%
known_pairs = [
    (row["word1"].lower(), row["word2"].lower())
    for rows in lists.values()
    for row in rows
    if row["word1"].lower() in own.vectors and row["word2"].lower() in own.vectors
]
both = np.array([[wiki_svd.similarity(*p), own.vectors.similarity(*p)] for p in known_pairs])
low, high = bootstrap_interval(both, lambda x: pearson_correlation(x[:, 0], x[:, 1]))
print(
    f"PPMI + SVD and skip-gram, excerpt: correlation {pearson_correlation(both[:, 0], both[:, 1]):.2f} "
    f"[{low:.2f}, {high:.2f}], n = {len(both)} pairs"
)

# %% [markdown]
# They agree clearly, and less than on the planted corpus: rare words are noisy in both.
#
# Now read the table with care. The intervals are wide, because the pairs are few: where two of them overlap a lot, do not
# name a winner. The analogies are harder for the course vectors, which choose their answer from more words. What you
# can say: on WordSim-353 all three beat chance by far; on so small a text counting does at least as well as guessing; and Word2Vec
# goes on where a table of all pairs would no longer fit.

# %% [markdown]
# ## On a GPU
#
# `fit` takes a device. On a GPU you can afford longer vectors and a longer text: the beginning of WikiText-103, if it
# can be had, else the excerpt again; the cell says which. A bar shows how long it will take. Without a GPU you see what
# was recorded, if anything was.

# %% tags=["gpu"]
from course_lib.errors import DataNotFoundError

if run.gpu_cell:
    text, limit_words = wikipedia, run.pick(small=20_000, t4=10_000_000, full=50_000_000)
    if run.scale != "dry":
        try:
            text = load("wikitext-103")
        except DataNotFoundError:
            print("WikiText-103 is not here, so this run uses the Wikipedia excerpt instead.")
    read_so_far = np.cumsum([len(document.split()) for document in text.documents])
    n_documents = 1 + int(np.searchsorted(read_so_far, limit_words))
    big_settings = Word2VecConfig(
        d_embed=run.pick(small=16, t4=200, full=300),
        n_epochs=run.pick(small=1, t4=3, full=5),
        seed=run.seed,
    )
    big = SkipGram(big_settings).fit(
        sentences_of(text.documents[:n_documents]), progress=run.scale != "dry", device=run.device
    )
    result = {"text": text.name, "words": len(big.vectors), "epochs": big_settings.n_epochs}
    for name, rows in lists.items():
        score = evaluate_similarity(big.vectors, rows)
        result[name] = {
            "spearman": score.spearman,
            "interval": list(score.interval),
            "n": score.n_used,
        }
    recorded = run.record("01-skip-gram", result)
else:
    recorded = run.recorded("01-skip-gram")
for name, value in recorded.result.items():
    print(f"{name}: {value}")

# %% [markdown]
# ## Exercises
#
# They stand where they belong in the sections above:
#
# | | level | section |
# |---|---|---|
# | `cosine_similarity` | easy | [1 · Words as counts](#1-·-Words-as-counts) |
# | `skip_gram_pairs` | easy | [3 · Word2Vec](#The-pairs) |
# | `sgns_loss` | core | [3 · Word2Vec](#One-update,-by-hand) |
# | `sgns_gradients` | stretch | [3 · Word2Vec](#One-update,-by-hand) |
# | `negative_weights` | easy | [3 · Word2Vec](#Which-negatives?) |
#
# Five more without a check, if you like:
#
# - *Easy.* Train `CBOW(settings)` on `wiki_sentences` and put it into the table of *Real text*.
# - *Core.* Change `window` from 5 to 1, and then to 10 with half the `learning_rate` (more pairs push at once). Which
#   of the two word lists gains? Guess first.
# - *Core.* Train `CBOW` on the planted corpus for 20 epochs. How many analogies does it solve now?
# - *Core.* Train `GloVe` on the planted corpus for `n_epochs=100` with `batch_pairs=64`. Its loss falls. Do the analogies
#   get better? What does the loss not see?
# - *Stretch.* Subtract $\ln 5$ in `ppmi(…, shift=…)`. By Levy and Goldberg this mirrors 5 negatives. Does the
#   correlation with skip-gram under *Known truth* rise?

# %% [markdown]
# ## In your own words
#
# A friend shows you a t-SNE map of word vectors. "Look," she says, "the model has understood that music is closer
# to family than to animals." Answer her in five sentences or fewer.
#
# <details><summary>What a good answer contains</summary>
#
# - t-SNE keeps neighbours, not the distances between clusters; another seed puts the clusters elsewhere.
# - The question should be asked of the vectors: compare mean cosines between the groups, with an interval.
# - Even then, a high cosine means that the words keep similar company in this text, which need not be called
#   understanding.
# - One map is one run: repeat with other seeds, and better with other texts.
#
# Three of the four is good.
#
# </details>

# %% [markdown]
# <!-- @answer map-reading -->
# *Write your answer here: double-click this cell.*

# %% [markdown]
# ## Claims, tested
#
# Five sentences that you will read elsewhere. Each was tested in this lesson.
#
# ### “Bag of words is a word embedding.”
#
# **False.** It represents documents, as sparse vectors as long as the vocabulary, and learns nothing. As vectors
# of *words*, its rows and columns are at chance:

# %%
for name in ("bag of words: one-hot", "bag of words: column", "PPMI + SVD"):
    off_diagonal = cosines[name][upper]
    print(
        f"{name:22} cosines between different class words: {off_diagonal.min():.2f} to {off_diagonal.max():.2f}"
    )

# %% [markdown]
# ### “Word2Vec is a deep network.”
#
# **False.** A deep network has layers with a non-linearity between them. Between Word2Vec's two tables there is only a
# dot product. So the score is linear in the centre vector, which no network with a hidden activation could promise:

# %%
tables = {name: x.shape for name, x in {"centres": centers, "contexts": contexts}.items()}
dog, cat, fur = (planted_words.id_of(word) for word in ("dog", "cat", "fur"))
assert_close(
    (centers[dog] + centers[cat]) @ contexts[fur],
    centers[dog] @ contexts[fur] + centers[cat] @ contexts[fur],
)
print(
    "all parameters of the model from scratch:",
    {name: tuple(shape) for name, shape in tables.items()},
)
print("score(dog + cat, fur) = score(dog, fur) + score(cat, fur)")

# %% [markdown]
# Its results can be had from counts and an SVD, as *Known truth* showed. (Mikolov et al. 2013 say so themselves: they
# removed the hidden layer to make it fast.)
#
# ### “King − man + woman = queen, because the model understands.”
#
# **Half true at best.** The direction between two words carries information. But the plain result of the sum is
# often a word of the question, which the programs hide:

# %%
for name in ("b − a + c", "b − a + c, no rule", "nearest to b", "nearest to c"):
    hits = right[name]
    low, high = proportion_interval(int(hits.sum()), len(hits))
    print(f"{name:20} {hits.mean():6.1%} right [{low:.1%}, {high:.1%}], n = {len(hits)}")
for column, letter in enumerate("abc"):
    share_of_letter = (answers["b − a + c, no rule"] == ids[:, column]).mean()
    print(
        f"without the rule, the answer is {letter} itself in {share_of_letter:.0%} of the questions"
    )

# %% [markdown]
# And "understanding" explains nothing here: an SVD of counts solves all planted analogies too.
#
# ### “Unknown words get a vector.”
#
# **False for Word2Vec and GloVe**, ours and gensim's: you get an error. FastText builds a vector from pieces of the
# word, whether or not the word makes sense.

# %%
# NBVAL_CHECK_OUTPUT
for word in ("dog", "zqxjwv"):
    print(
        f"{word:7} Word2Vec: {word in peer.wv}   FastText gives a vector of {fasttext.wv[word].shape}"
    )

# %% [markdown]
# ### “With a seed, gensim is reproducible.”
#
# **Only with one worker.** The same seed, the same text, twice:

# %%
for workers, difference in runs.items():
    print(f"workers={workers}: largest difference between the two runs {difference:.4f}")

# %% [markdown]
# ## Quiz

# %%
quiz("01")

# %% [markdown]
# In a notebook without buttons, answer like this: `answer_quiz("01", 2, "b")`.
#
# ## Summary

# %% [markdown]
# - A bag of words describes a document and forgets the order; its words are strangers to each other.
# - Words that keep similar company get similar vectors: by counting (PPMI, then SVD) or by guessing (Word2Vec).
# - Skip-gram with negative sampling: two tables, a dot product, a sigmoid. The gradient is *prediction minus
#   label*, times the other vector.
# - Frequent words are drawn less as negatives (power 0.75) and read less (subsampling); near words count more
#   (dynamic window).
# - A narrow window finds words that can replace each other, a wide one words that belong together.
# - Static vectors measure relatedness. Judge them with $n$, an interval and a baseline, never by a map alone.
# - One vector for "bank" is one too few. That is the next lessons' problem.

# %% [markdown]
# ## Further reading
#
# - Mikolov, Chen, Corrado and Dean 2013, *Efficient Estimation of Word Representations in Vector Space*,
#   <https://arxiv.org/abs/1301.3781>; Mikolov et al. 2013, *Distributed Representations of Words and Phrases and their
#   Compositionality*, <https://arxiv.org/abs/1310.4546>: skip-gram, CBOW; negative sampling, subsampling.
# - Pennington, Socher and Manning 2014, *GloVe: Global Vectors for Word Representation*,
#   <https://aclanthology.org/D14-1162/>.
# - Levy and Goldberg 2014, *Neural Word Embedding as Implicit Matrix Factorization*,
#   <https://papers.nips.cc/paper/5477-neural-word-embedding-as-implicit-matrix-factorization>; Levy, Goldberg and
#   Dagan 2015, *Improving Distributional Similarity with Lessons Learned from Word Embeddings*,
#   <https://aclanthology.org/Q15-1016/>: why counting and guessing meet.
# - Linzen 2016, *Issues in Evaluating Semantic Spaces Using Word Analogies*, <https://aclanthology.org/W16-2503/>;
#   Rogers, Drozd and Li 2017, *The (Too Many) Problems of Analogical Reasoning with Word Vectors*,
#   <https://aclanthology.org/S17-1017/>.
# - Finkelstein et al. 2002, *Placing Search in Context: The Concept Revisited*; Hill, Reichart and Korhonen 2015,
#   *SimLex-999*, <https://aclanthology.org/J15-4004/>.
# - Bojanowski, Grave, Joulin and Mikolov 2017, *Enriching Word Vectors with Subword Information*,
#   <https://aclanthology.org/Q17-1010/>.
# - van der Maaten and Hinton 2008, *Visualizing Data using t-SNE*,
#   <https://www.jmlr.org/papers/v9/vandermaaten08a.html>; Wattenberg, Viégas and Johnson 2016, *How to Use t-SNE
#   Effectively*, <https://distill.pub/2016/misread-tsne/>.
# - Harris 1954, *Distributional Structure*; Firth 1957, *A Synopsis of Linguistic Theory 1930–1955*: the idea, long
#   before the computers.

# %%
run.summary()
