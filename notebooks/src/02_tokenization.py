# %% [markdown]
# # 02 · Tokenization
#
# **The question:** In which pieces should a model read a text, and what do the pieces cost, and whom?

# %% [markdown]
# ## You will be able to
#
# - say, with numbers, why a vocabulary of words fails, and why one of characters fails too;
# - write byte-pair encoding yourself: count, merge, learn, apply; and the longest match of WordPiece;
# - explain why no text is unknown to a tokenizer that knows all bytes, and why Chinese may cost three tokens a character;
# - show what happens to a word the model has never seen, and why no later layer can repair it;
# - compare two models that cut the same text differently, in bits per character.

# %% [markdown]
# ## Before you start
#
# | | |
# |---|---|
# | Builds on | 00: n-gram models, perplexity, the entropy floor; 01: embeddings, words without a vector |
# | Your time | about 90 minutes for the core sections, 20 more for the optional one |
# | On a CPU | about a minute on one core, under 2 GB of memory |
# | On a GPU | not needed; the cell under *On a GPU* trains small GPTs on tokens of several sizes |

# %% [markdown]
# ## Recall
#
# Answer from memory, then open the answer.
#
# 1. A model gives the three tokens of a text the probabilities 1/2, 1/4 and 1/2. What is its perplexity?
#
# <details><summary>Answer</summary>
#
# The surprise is $\ln 2 + \ln 4 + \ln 2 = 4 \ln 2$ nats for 3 tokens. The perplexity is $e^{(4 \ln 2)/3} = 2^{4/3} \approx 2.5$.
#
# </details>
#
# 2. What does Word2Vec answer when you ask it for the vector of a word that it has never read?
#
# <details><summary>Answer</summary>
#
# An error. It has one vector for each word of its vocabulary and nothing for any other word.
#
# </details>
#
# 3. What is the entropy floor of the story world?
#
# <details><summary>Answer</summary>
#
# The surprise of the program that writes the stories, at its own stories. In expectation no model can be less
# surprised.
#
# </details>

# %% [markdown]
# ## Set-up

# %%
# @setup

# %% [markdown]
# The imports. You will write `count_pairs`, `merge_pair` and four more yourself; the rest comes from the library.

# %%
import random
import sys
import tempfile
import unicodedata
from collections import Counter
from itertools import chain, pairwise
from pathlib import Path

import numpy as np
import pandas as pd
import torch
from torch import nn
from torch.testing import assert_close

from course_lib.data import load, story_tasks
from course_lib.evaluation import (
    bootstrap_interval,
    mean_and_sd,
    perplexity,
    proportion_interval,
)
from course_lib.lesson import answer_quiz, check, hint, quiz
from course_lib.models import KneserNeyConfig, KneserNeyModel
from course_lib.plotting import plot_lines, show, use_course_style
from course_lib.plotting.curves import Curve, Panel, plot_intervals, plot_panels
from course_lib.plotting.tokens import show_tokens
from course_lib.seeding import make_generator
from course_lib.tokenizers import (
    BPETokenizer,
    ByteTokenizer,
    CharTokenizer,
    Vocabulary,
    WordPieceTokenizer,
    split_words,
)
from course_lib.training import train_on_batches

use_course_style()

# %% [markdown]
# ## 1 · Words fail, and so do characters
#
# *(core)*
#
# A model computes with numbers. So a text must be cut into pieces, the **tokens**, and each token replaced by its number in
# a list, its **id**. The list is the **vocabulary**, with $V$ entries. In lesson 01 the tokens were words. Is that a good choice?
#
# **Predict.** You read 90 articles of Wikipedia and note down every word. Then you open 14 new articles. How many of their words
# (counted as they come, not only different ones) will not be on your list? And how does the list grow: will it ever be
# complete?

# %%
wiki = load("wikipedia-excerpt").documents
wiki_train, wiki_new = wiki[:90], wiki[90:]
new_words = [split_words(text) for text in wiki_new]
read, known, sizes, rows = 0, set(), [(0, 0)], []
for number, text in enumerate(wiki_train, start=1):
    words = split_words(text)
    known.update(words)
    read += len(words)
    sizes.append((read, len(known)))
    if number in (10, 30, 90):
        lost = np.array([[sum(w not in known for w in doc), len(doc)] for doc in new_words])
        low, high = bootstrap_interval(lost, lambda x: x[:, 0].sum() / x[:, 1].sum())
        share = lost[:, 0].sum() / lost[:, 1].sum()
        rows.append(
            [number, f"{read:,}", f"{len(known):,}", f"{share:.1%} [{low:.1%}, {high:.1%}]"]
        )
print(f"the new articles: n = {len(wiki_new)}, {sum(map(len, new_words)):,} words")
pd.DataFrame(
    rows, columns=["articles read", "words read", "different words", "unknown in new articles"]
)

# %%
# Does the list of words ever end?
show(
    plot_lines(
        {"Wikipedia excerpt": tuple(zip(*sizes, strict=True))},
        title="New words keep coming",
        axis_labels=("words read", "different words seen"),
    ),
    alt="Curve of the number of different words against the number of words read, both up to the "
    "end of 90 articles. It bends but never becomes flat.",
)

# %% [markdown]
# It does not end: names, numbers, compounds and typing errors keep coming. (The curve is known as Heaps' law.) So a model over
# words needs a bucket for all others, a token `<unk>` or `[UNK]`, and whatever falls into it is lost. Besides, "dog" and "dogs" are two
# entries that share nothing.
#
# Then take **characters**. There are few of them, and every new word is made of old ones. What do they cost?

# %%
as_words = sum(map(len, new_words))
as_characters = sum(map(len, wiki_new))
seen_characters = set().union(*wiki_train)
strange = set().union(*wiki_new) - seen_characters
assigned = [
    p for p in range(sys.maxunicode) if unicodedata.category(chr(p)) not in ("Cn", "Co", "Cs")
]
print(
    f"{as_words:,} words are {as_characters:,} characters: {as_characters / as_words:.1f} times as many"
)
print(f"different characters in what was read: {len(seen_characters)}")
print(f"never read, but in the new articles: {len(strange)}, for example", *sorted(strange)[:8])
print(f"characters in Unicode {unicodedata.unidata_version}: {len(assigned):,}")

# %% [markdown]
# Two prices. First, **length**: the same text is several times as long. A model can look back at a fixed number of tokens, so it now
# remembers several times less text; and the work of attention grows with the *square* of the length $T$ (lesson 03). The model also has to
# learn from scratch that "t, h, e" is a word. Second, even characters can be **unknown**: there are
# far too many in the world to read them all.
#
# We want pieces in between: short enough to be always known, long enough to be few. And frequent words should be a single piece.
#
# **What we learnt.** Words: a long list that is never complete. Characters: a short list, nearly complete, and long texts. Both fail; the
# answer lies in between.

# %% [markdown]
# ## 2 · Byte-pair encoding, by hand
#
# *(core)*
#
# **The idea.** Begin with characters. Find the two neighbours that stand side by side most often, and make one new symbol of them. Do it
# again, and again. What is frequent grows together; what is rare stays in pieces. This is **byte-pair encoding** (BPE), a compression method
# of 1994 that Sennrich, Haddow and Birch brought to language in 2016.
#
# Take a corpus of four words, each as a tuple of symbols, with the number of times it was seen. At each step merge
#
# $$(a, b)^{*} = \operatorname{argmax}_{(a, b)} \; \mathrm{count}(a, b)$$
#
# where $\mathrm{count}(a, b)$ says how often $b$ comes directly after $a$ within a word, in `count_pairs`.

# %%
# NBVAL_CHECK_OUTPUT
seen = {"sing": 2, "king": 3, "kings": 4, "sinking": 5}
corpus = {tuple(word): count for word, count in seen.items()}
for word, count in corpus.items():
    print(f"{count} ×", *word)

# %% [markdown]
# By hand: (i, n) stands once in "sing" (2 times seen), once in "king" (3), once in "kings" (4) and *twice* in "sinking" (5). That makes
# $2 + 3 + 4 + 2 \cdot 5 = 19$. And (n, g) stands once in each: $2 + 3 + 4 + 5 = 14$.
#
# **Exercise (easy).** Count all pairs. They overlap: "a a a" contains (a, a) twice. If you get stuck: `hint("02:count_pairs")`, more than once if you like.

# %%
# @exercise course_lib.tokenizers.bpe:count_pairs

# %%
count_pairs = check("02:count_pairs", count_pairs)

# %%
# NBVAL_CHECK_OUTPUT
for pair, count in sorted(count_pairs(corpus).items(), key=lambda item: (-item[1], item[0])):
    print(*pair, count)

# %% [markdown]
# (i, n) wins. Now it must become one symbol, wherever it stands. Read from the left: in "a a a" the pair (a, a) gives "aa a".
#
# **Exercise (core).** Merge a pair in one word.

# %%
# @exercise course_lib.tokenizers.bpe:merge_pair

# %%
merge_pair = check("02:merge_pair", merge_pair)

# %%
# NBVAL_CHECK_OUTPUT
words = corpus
for pair in (("i", "n"), ("in", "g"), ("k", "ing")):
    words = {merge_pair(word, pair): count for word, count in words.items()}
    print(f"after merging {pair}:", ", ".join(" ".join(word) for word in words))
print("what is now left to merge:", count_pairs(words).most_common(3))

# %% [markdown]
# After three merges "king" is one symbol, and "ing" is another. Nobody told the method about English endings.
#
# For a fourth merge, two pairs are equally frequent. A rule is needed, else the result would depend on chance: we take the one that comes first
# in the alphabet. Compare the pairs, not the symbols they make: (a, bb) comes before (ab, a).
#
# **Exercise (stretch).** Put it together: learn a list of merges. This list *is* the tokenizer.

# %%
# @exercise course_lib.tokenizers.bpe:learn_merges

# %%
learn_merges = check("02:learn_merges", learn_merges)

# %%
# NBVAL_CHECK_OUTPUT
merges = learn_merges(corpus, n_merges=5)
for number, pair in enumerate(merges, start=1):
    print(f"merge {number}: {pair[0]} + {pair[1]} → {''.join(pair)}")

# %% [markdown]
# ### A word it has never seen
#
# Now cut a new word. Replay the merges, in the order in which they were learnt.
#
# **Predict.** How will "inking" be cut? And "ring", whose "r" never occurred?
#
# **Exercise (core).** Apply a list of merges to a word, which may also be a plain string. The result is a tuple.

# %%
# @exercise course_lib.tokenizers.bpe:apply_merges

# %%
apply_merges = check("02:apply_merges", apply_merges)

# %%
# NBVAL_CHECK_OUTPUT
for word in ("kings", "inking", "skiing", "ring", "queen"):
    print(f"{word:7}", " ".join(apply_merges(tuple(word), merges)))

# %% [markdown]
# New words fall apart into pieces that are known; the rarer, the smaller. Only a letter that was never seen, such as the "r", is still a
# problem: it has no entry in the vocabulary. We come back to it in section 5.
#
# **What we learnt.** BPE is a list of merges, learnt by counting. The number of merges sets the size of the vocabulary: the letters, plus one
# new token a merge.

# %% [markdown]
# ## 3 · The library's BPE, and two rules it adds
#
# *(core)*
#
# `BPETokenizer` does the same, fast, and adds two rules of GPT-2 (Radford et al. 2019).
#
# 1. **Cut first, merge later.** Before any merge the text is cut into **pre-tokens**: words, numbers, punctuation, each with the blank *before*
#    it. No merge crosses a cut. Otherwise "dog.", "dog!" and "dog?" would each become a token. The blank is written as Ġ.
# 2. **Bytes, not characters.** The symbols at the start are the 256 possible bytes. Section 5 says what for.
#
# Train it on stories, 1,024 tokens: 256 bytes and 768 merges.

# %%
stories = load("storyworld", size=run.pick(small=2_000, t4=4_000), seed=run.seed, language="both")
story_train, story_test = list(stories["train"]["text"]), list(stories["test"]["text"])
story_bpe = BPETokenizer.train(story_train, vocab_size=1024, special_tokens=["<|endoftext|>"])
sample = "Somewhere the unthinkable happened: 42 weavers sang!"
print(" | ".join(story_bpe.tokenise(sample)))
print(story_bpe.encode(sample))

# %% [markdown]
# The first merges, and some of the last:

# %%
# NBVAL_CHECK_OUTPUT
print("first:", *[story_bpe.token_of(i) for i in range(257, 273)])
print("last: ", *[story_bpe.token_of(i) for i in range(1014, 1024)])

# %% [markdown]
# It is your method, but for the speed. Your `apply_merges` walks through *all* merges for each word; with 50,000 of them that is slow. Fast programs
# only look at the pairs that the word has, and take the one that was learnt first. Like this:


# %%
# @scratch course_lib.tokenizers.bpe:apply_merges
def cut_by_rank(word, ranks):
    """Cut a word by always merging the pair that was learnt earliest."""
    while len(word) > 1:
        best = min(pairwise(word), key=lambda pair: ranks.get(pair, len(ranks)))
        if best not in ranks:
            break
        word = merge_pair(word, best)
    return tuple(word)


# %% [markdown]
# Is that the same? Learn 100 merges from stories and cut the words of new ones in both ways.

# %%
story_words = Counter(tuple(w) for text in story_train[:100] for w in split_words(text))
story_merges = learn_merges(story_words, n_merges=100)
ranks = {pair: rank for rank, pair in enumerate(story_merges)}
new = {tuple(w) for text in story_test[:40] for w in split_words(text)}
for word in new:
    one, other = apply_merges(word, story_merges), cut_by_rank(word, ranks)
    assert_close([len(piece) for piece in one], [len(piece) for piece in other])
print(f"{len(new)} different words, all cut alike")

# %% [markdown]
# And the library's tokenizer against a well-known peer, Hugging Face's `tokenizers` (written in Rust). It reads our file:

# %%
# NBVAL_CHECK_OUTPUT
from tokenizers import Tokenizer

with tempfile.TemporaryDirectory() as folder:
    story_bpe.save(Path(folder) / "tokenizer.json")
    peer = Tokenizer.from_file(str(Path(folder) / "tokenizer.json"))
for text in (*story_test[:50], *wiki_new[:3], "从前有个时候 🙂"):
    assert peer.encode(text).ids == story_bpe.encode(text)
    assert story_bpe.decode(story_bpe.encode(text)) == text
print("same ids as Hugging Face's, and every text comes back unchanged")

# %% [markdown]
# Both promises matter. **Round trip**: `decode(encode(text)) == text`, for every text whatever. And **special tokens**, such as
# `<|endoftext|>` between two documents, must never come out of plain text: else anyone could end your document by typing it. Our `encode`
# only recognises them where you allow it.

# %%
# NBVAL_CHECK_OUTPUT
text = "The end.<|endoftext|>"
print("plain:  ", story_bpe.tokenise(text)[-6:])
print(
    "allowed:",
    story_bpe.encode(text, allowed_special=["<|endoftext|>"])[-1:],
    "is",
    story_bpe.special_tokens,
)

# %% [markdown]
# **What we learnt.** The library's BPE is your BPE, on bytes, within pre-tokens. A blank belongs to the token after it.

# %% [markdown]
# ## 4 · WordPiece: another score, another way to cut
#
# *(core)*
#
# BERT uses **WordPiece** (Schuster and Nakajima 2012; Wu et al. 2016). It differs from BPE in three things.
#
# **How pieces are written.** A piece that continues a word begins with `##`. So "king" starts as k, ##i, ##n, ##g.
#
# **What is merged.** Not the most frequent pair, but the one whose parts belong together most:
#
# $$\mathrm{score}(a, b) = \frac{\mathrm{count}(a, b)}{\mathrm{count}(a) \cdot \mathrm{count}(b)}$$
#
# You know this ratio: without the logarithm and up to a constant it is the pointwise mutual information of lesson 01. By hand, in our four words: (##i, ##n) is
# frequent, but so are its parts: $\mathrm{count} = 19$, and ##i and ##n both occur 19 times, so the score is $19 / (19 \cdot 19) = 1/19$. The ending
# (##g, ##s) occurs only 4 times, but ##s occurs *only* there: $4 / (14 \cdot 4) = 1/14$.

# %%
# @sync course_lib.tokenizers.wordpiece_training:pair_scores

# %%
# NBVAL_CHECK_OUTPUT
marked = {(w[0], *("##" + letter for letter in w[1:])): count for w, count in corpus.items()}
scores, plain = pair_scores(marked), count_pairs(marked)
for pair in sorted(scores, key=lambda p: -scores[p]):
    print(
        f"{pair[0]:>4} {pair[1]:4} count {plain[pair]:2}   score {scores[pair]:.4f} = 1/{1 / scores[pair]:.0f}"
    )

# %% [markdown]
# BPE merges the top of one column, WordPiece the top of the other. (What Google's own program does in detail was never published; this is how the
# papers are read. And Hugging Face's trainer of the same name does not use the score at all, as you will see under *Claims, tested*.)
#
# **How a word is cut.** There is no list of merges, only the vocabulary. Take the longest piece that begins the word; then the longest that
# continues; and so on. If nothing fits, the *whole word* becomes `[UNK]` (or whatever `unknown` says). The empty word has no pieces.
#
# **Exercise (core).** Cut a word by longest match.

# %%
# @exercise course_lib.tokenizers.wordpiece:longest_match

# %%
longest_match = check("02:longest_match", longest_match)

# %%
# NBVAL_CHECK_OUTPUT
pieces = {"king", "sing", "s", "in", "##s", "##k", "##ing", "##in", "##king", "##g"}
for word in ("kings", "singing", "sinking", "skiing", "inks", "ring"):
    print(f"{word:8}", *longest_match(word, pieces))

# %% [markdown]
# Two words are lost as a whole: "skiing" because no piece continues "sk" with an i, "ring" because of its first letter. The letters that *were*
# known went with them.
#
# Both methods on the same text, with vocabularies of the same size, cutting articles they have not read:

# %%
wiki_bpe = BPETokenizer.train(wiki_train, vocab_size=8192)
wiki_pieces = WordPieceTokenizer.train(wiki_train, vocab_size=8192)
strange_text = "Unhappily, Azerbaijani weavers sang. 从前 🙂"
both = {"BPE": wiki_bpe, "WordPiece": wiki_pieces}
show_tokens({name: tokenizer.tokenise(strange_text) for name, tokenizer in both.items()})

# %%
rows = []
for tokenizer in both.values():
    unknown = tokenizer.special_tokens.get("[UNK]", -1)
    counts = [(len(ids), ids.count(unknown)) for ids in map(tokenizer.encode, wiki_new)]
    table = np.column_stack([counts, [len(words) for words in new_words]])
    low, high = bootstrap_interval(table, lambda x: x[:, 0].sum() / x[:, 2].sum())
    n_pieces, n_unknown, n_words = table.sum(axis=0)
    back = sum(tokenizer.decode(tokenizer.encode(t)) == t for t in wiki_new)
    rows.append(
        [
            f"{n_pieces / n_words:.2f} [{low:.2f}, {high:.2f}]",
            f"{n_unknown:,} of {n_pieces:,}",
            f"{back} of {len(wiki_new)}",
        ]
    )
pd.DataFrame(
    rows,
    index=["BPE", "WordPiece"],
    columns=["tokens per word, n = 14 articles", "[UNK]", "articles that come back unchanged"],
)

# %% [markdown]
# Similar lengths (WordPiece's are a little shorter, since it sees no capitals). But BERT's tokenizer also lowers letters, takes accents off and forgets blanks, so the text does not come back. For *reading*
# that is often good enough; for *writing* text it is not, which is one reason why GPT's family uses the other kind.
#
# **What we learnt.** BPE replays merges, WordPiece looks for the longest piece. BPE merges what is frequent, WordPiece's score what is faithful.

# %% [markdown]
# ## 5 · Bytes: Chinese, emoji, and half a character
#
# *(core)*
#
# The "r" of "ring" was left over: a character that the tokenizer has never seen. Here is the way out. A computer stores text as **bytes**, numbers
# from 0 to 255, by a rule called UTF-8. Put all 256 bytes into the vocabulary, and *nothing* can be unknown any more.
#
# **Predict.** How many bytes has "a"? "é"? "前"? "🙂"?

# %%
# NBVAL_CHECK_OUTPUT
for character in ("a", "é", "前", "🙂", "👍🏽", "👨‍👩‍👧"):
    raw = character.encode("utf-8")
    print(
        f"{len(character)} character(s), {len(raw):2} bytes:",
        *[f"{byte:02x}" for byte in raw],
        "",
        character,
    )

# %% [markdown]
# An English letter is one byte, a common Chinese character three, an emoji four; and what looks like one emoji can be several characters: a thumb and
# a skin colour, or a family held together by invisible joiners.
#
# Now a tokenizer that has read *only English* meets "从前有个时候" ("once upon a time"):

# %%
# NBVAL_CHECK_OUTPUT
opening = "从前有个时候"
ids = wiki_bpe.encode(opening)
print(f"{len(opening)} characters = {len(opening.encode())} bytes = {len(ids)} tokens")
print(*wiki_bpe.tokenise(opening))
for n_tokens in range(1, 7):
    print(f"the first {n_tokens} tokens, decoded:", wiki_bpe.decode(ids[:n_tokens]))

# %% [markdown]
# Three tokens a character: no merge for them was ever learnt. Nothing is *unknown*, and all 18 together give the text back. But cut the list
# in the middle of a character and its bytes are no character at all: the decoder writes "�" (U+FFFD, the replacement character). You
# see it when a program prints a model's answer token by token, or cuts a text at a fixed number of tokens.
#
# Real GPT-2 does a little better than three, because its training text contained some Chinese after all: with OpenAI's published merges these six
# characters become 13 tokens, 2.2 a character.
#
# ### Who pays
#
# Models are billed by the token, and what they can look back at is counted in tokens. So ask: how many tokens do *the same contents* need in two languages?
# We have 312 sentences with their translations, and stories that were told in both languages from one derivation. The ratio *tokens of the
# Chinese side / tokens of the English side* says how much more a Chinese reader pays.
#
# **Predict.** For raw bytes, will the ratio be above 1 or below? For a tokenizer that read only English? For one that read both?

# %%
pair_sets = {
    "sentence pairs": [
        (r["en"], r["zh"]) for split in load("sentence-pairs").values() for r in split
    ],
    "stories": list(zip(stories["test"]["text"], stories["test"]["text_zh"], strict=True)),
}
story_train_zh = list(stories["train"]["text_zh"])
readers = {
    "characters": CharTokenizer.train([*chain(*chain(*pair_sets.values()))]),
    "bytes": ByteTokenizer(),
    "BPE, English stories": BPETokenizer.train(story_train, vocab_size=4096),
    "BPE, Chinese stories": BPETokenizer.train(story_train_zh, vocab_size=4096),
    "BPE, both": BPETokenizer.train([*story_train, *story_train_zh], vocab_size=4096),
}
premiums, rows = {name: {} for name in pair_sets}, []
for name, tokenizer in readers.items():
    row = []
    for set_name, pairs in pair_sets.items():
        lengths = np.array([[len(tokenizer.encode(text)) for text in pair] for pair in pairs])
        letters = np.array([[len(text) for text in pair] for pair in pairs])
        ratio = bootstrap_interval(lengths, lambda x: x[:, 1].sum() / x[:, 0].sum())
        premiums[set_name][name] = (lengths[:, 1].sum() / lengths[:, 0].sum(), *ratio)
        row += [f"{share:.2f}" for share in lengths.sum(axis=0) / letters.sum(axis=0)]
    rows.append(row)
print(", ".join(f"{name}: n = {len(pairs)}" for name, pairs in pair_sets.items()))
pd.DataFrame(
    rows,
    index=list(readers),
    columns=[f"{name}, {language}" for name in pair_sets for language in ("en", "zh")],
).rename_axis("tokens per character")

# %%
# How many tokens does Chinese need where English needs one, for the same contents?
show(
    plot_intervals(
        premiums,
        axis_label="Chinese tokens per English token, with 95 % interval",
        baseline=("equal cost", 1.0),
    ),
    alt="Points with intervals: the ratio of Chinese to English tokens, and a line at 1, equal cost. "
    + ". ".join(
        f"{set_name}: " + ", ".join(f"{name} {value[0]:.2f}" for name, value in found.items())
        for set_name, found in premiums.items()
    ),
)

# %% [markdown]
# Chinese is not "long": in characters it is far shorter than English, in bytes a little shorter. What makes it expensive is the tokenizer that
# read only English; the one that read only Chinese turns the tables; one that read both is
# nearly fair, if anything a little cheaper for Chinese. The price is decided by **whose
# texts the tokenizer was trained on**, before any model exists. With GPT-2's real merges, the Chinese side of our sentence pairs needs 2.63
# times the tokens of the English side. Petrov et al. (2023) measured many languages: up to 15 times as many tokens
# for the same contents. Those readers pay more, wait longer, and fit less text into the model.
#
# (The sentence pairs were written by hand, one side freely translated from the other, and are few. Take the order of the rows from them, not the second decimal.)
#
# **What we learnt.** Bytes make every text readable. They do not make it cheap: the merges do, for the languages in the training text. Tokens per character is a
# cost, and a question of fairness.

# %% [markdown]
# ## 6 · What really happens to an unknown word
#
# *(core)*
#
# You will read that self-attention "handles unknown words", because it looks at the neighbours. Test it. We need sentences in which a
# word that nobody has seen decides the answer. The story world has such a task: *Priya felt vadinful all the way home.* The stem is invented, so it
# tells nothing; "-ful" is positive, "-less" is negative. No stem of the training sentences occurs in the test sentences.
#
# **Predict.** The same small attention network reads these sentences twice: once as words, with `[UNK]` for what it does not know, and once as BPE
# tokens. How accurate will it be on new stems, in each case? Chance is 1/2.

# %%
# NBVAL_CHECK_OUTPUT
feelings = story_tasks.invented_feelings(1600, seed=0)
old, unseen = feelings[:800], feelings[800:]
for row in (*old[:2], *unseen[:2]):
    print(f"{row['label']:8}  {row['text']}")
old_texts = [row["text"] for row in old]
feeling_bpe = BPETokenizer.train(old_texts, vocab_size=400)
print(*feeling_bpe.tokenise(unseen[0]["text"]))

# %% [markdown]
# The network: an embedding for the tokens and one for their positions, one layer of self-attention as PyTorch ships it (you build it in the next
# lesson), the mean over the tokens, and a linear layer with one output. Ids have the shape $(B, T)$, the output is one logit a sentence.

# %%
word_ids = {
    word: i for i, word in enumerate(sorted({w for t in old_texts for w in t.split()}), start=1)
}
cutters = {
    "words and [UNK]": (lambda text: [word_ids.get(w, 0) for w in text.split()], len(word_ids) + 1),
    "BPE, 400 tokens": (feeling_bpe.encode, feeling_bpe.vocab_size),
    "BPE, 1,600 tokens": (BPETokenizer.train(old_texts, vocab_size=1600).encode, 1600),
    "bytes": (ByteTokenizer().encode, 256),
}


def make_network(vocab_size, d_model=32):
    layer = nn.TransformerEncoderLayer(d_model, 4, 64, dropout=0.0, batch_first=True)
    tokens, places = nn.Embedding(vocab_size, d_model), nn.Embedding(100, d_model)
    return nn.ModuleDict(dict(tokens=tokens, places=places, layer=layer, out=nn.Linear(d_model, 1)))


def logits_of(net, ids):
    padding = ids < 0
    vectors = net["tokens"](ids.clamp(min=0)) + net["places"](torch.arange(ids.shape[1]))
    mixed = net["layer"](vectors, src_key_padding_mask=padding).masked_fill(padding[..., None], 0.0)
    return net["out"](mixed.sum(1) / (~padding).sum(1, keepdim=True)).squeeze(1)


def loss_of(net, batch):
    ids, labels = batch
    return nn.functional.binary_cross_entropy_with_logits(logits_of(net, ids), labels)


def batch_of(encode, sentences):
    ids = [torch.tensor(encode(row["text"])) for row in sentences]
    labels = torch.tensor([float(row["label"] == "positive") for row in sentences])
    return nn.utils.rnn.pad_sequence(ids, batch_first=True, padding_value=-1), labels


# %%
right, networks = {}, {}
for name, (encode, vocab_size) in cutters.items():
    (x, y), (x_unseen, y_unseen) = batch_of(encode, old), batch_of(encode, unseen)
    for seed in range(3):
        torch.manual_seed(seed)
        net = make_network(vocab_size)
        draws = torch.randint(0, len(x), (100, 32), generator=make_generator(seed))
        batches = [(x[chosen], y[chosen]) for chosen in draws]
        train_on_batches(net, batches, loss_of, torch.optim.AdamW(net.parameters(), lr=3e-3))
        net.eval()
        with torch.no_grad():
            right.setdefault(name, []).append(
                ((logits_of(net, x_unseen) > 0) == y_unseen.bool()).numpy()
            )
    networks[name] = net
rows = []
for name, hits in right.items():
    low, high = proportion_interval(int(hits[-1].sum()), len(hits[-1]))
    mean, sd = mean_and_sd([float(h.mean()) for h in hits])
    rows.append(
        [
            cutters[name][1],
            f"{mean:.3f} ± {sd:.3f}",
            f"{hits[-1].mean():.3f} [{low:.3f}, {high:.3f}]",
        ]
    )
print(f"new sentences with new stems: n = {len(unseen)}")
pd.DataFrame(
    rows,
    index=list(right),
    columns=["vocabulary", "accuracy, mean ± sd of 3 seeds", "last seed with 95 % interval"],
)

# %% [markdown]
# Chance for words; nearly perfect for small pieces and for bytes. The network and its attention are the same. The difference is made before it gets to see
# anything. (The row in between, large pieces, is explained below.) Look at what the network sees:

# %%
# NBVAL_CHECK_OUTPUT
happy, sad = "Priya felt vadinful all the way home.", "Priya felt monupless all the way home."
for name, (encode, _) in cutters.items():
    pair, _ = batch_of(
        encode, [{"text": happy, "label": "positive"}, {"text": sad, "label": "negative"}]
    )
    with torch.no_grad():
        first, second = logits_of(networks[name], pair)
    same_ids, same_logits = torch.equal(pair[0], pair[1]), torch.equal(first, second)
    print(f"{name:17} same ids: {same_ids!s:5}   same logits, bit for bit: {same_logits}")

# %% [markdown]
# With `[UNK]` both sentences are *the same list of ids*. From equal inputs every network, with or without attention, computes equal outputs.
#
# And the large pieces? BPE does not know what an ending is. It merges what is frequent. With more merges, stems grow together with their endings,
# so that the ending is hidden inside a token which is too rare to be learnt from so few sentences:

# %%
for vocab_size in (300, 400, 800, 1600):
    more = BPETokenizer.train(old_texts, vocab_size=vocab_size)
    cuts = [more.tokenise(row["text"]) for row in unseen]
    n_free = sum("ful" in tokens or "less" in tokens for tokens in cuts)
    low, high = proportion_interval(n_free, len(cuts))
    print(
        f"{more.vocab_size:5} tokens: the ending is a token of its own in {n_free / len(cuts):.1%} "
        f"[{low:.1%}, {high:.1%}] of the new sentences;  {' '.join(cuts[1][:6])}"
    )

# %% [markdown]
# **What we learnt.** Unknown words are handled by the tokenizer or not at all. Pieces carry the spelling; a bucket throws it away. Smaller pieces carry more of it than larger ones. And what
# guarantees that *nothing* is lost are the bytes at the bottom, not the cleverness of the pieces.

# %% [markdown]
# ## 7 · Glitches: numbers, capitals, and a blank too many
#
# *(optional)*
#
# Some odd behaviour of language models is the tokenizer's. Three examples.
#
# **Years.** How does a tokenizer cut the years, and what does that say about its training text?

# %%
for first in (1860, 1940, 2013):
    print(*["|".join(wiki_bpe.tokenise(f" {year}")) for year in range(first, first + 7)])

# %% [markdown]
# Frequent years are one token, others two or more, and where the cut falls is an accident. The excerpt of Wikipedia was copied in 2016: you can tell, can you not?
# A model that adds numbers cut like this must learn every case by itself. (Many newer tokenizers therefore cut numbers by rule, into single
# digits or groups of three.)
#
# **Capitals and blanks.** To you "hello", "Hello" and " hello" are one word. To the model they are different ids:

# %%
for text in ("dog", " dog", "Dog", " Dog", "DOG", "  dog"):
    print(f"{text!r:8}", wiki_bpe.tokenise(text), wiki_bpe.encode(text))
names = Counter(wiki_bpe.token_of(i).strip("Ġ").lower() for i in range(wiki_bpe.vocab_size))
n_twins = sum(n for n in names.values() if n > 1)
print(
    f"{n_twins:,} of {wiki_bpe.vocab_size:,} tokens differ from another one only in capitals or a blank"
)

# %% [markdown]
# **A blank too many.** You write "Once upon a " with a blank at the end, and let the model go on. The blank tells the model only that the word
# "a" is over, which it could have guessed. So the next word should become *easier* to predict, if anything.
#
# **Predict.** Will it? We take the n-gram model of lesson 00, on the English BPE tokens of section 5, and 200 places in new stories. The surprise is summed over the
# tokens of the next word.

# %%
english_bpe = readers["BPE, English stories"]
story_cuts = [english_bpe.tokenise(text) for text in story_train]
counting = KneserNeyModel(KneserNeyConfig(order=4)).fit(
    story_cuts, Vocabulary.from_sentences(story_cuts)
)


def surprise(start, rest):
    before, after = english_bpe.tokenise(start), english_bpe.tokenise(rest)
    log_probs = counting.token_log_probs([counting.encode(before + after)])
    return -log_probs[len(before) : len(before) + len(after)].sum()


rng, prices = random.Random(run.seed), []
for text in story_test[:200]:
    at = rng.choice([i for i, letter in enumerate(text) if letter == " "][5:-5])
    word = text[at + 1 :].split(" ")[0]
    prices.append((surprise(text[:at], " " + word), surprise(text[: at + 1], word)))
prices = np.array(prices)
for name, column in {"no blank at the end": 0, "a blank at the end": 1}.items():
    low, high = bootstrap_interval(prices[:, column])
    print(
        f"{name:20} {prices[:, column].mean():5.2f} nats for the next word [{low:.2f}, {high:.2f}], n = {len(prices)}"
    )
for start in ("There was once a", "There was once a "):
    best = (
        counting.next_log_probs(counting.encode(english_bpe.tokenise(start))[:-1]).topk(4).indices
    )
    print(f"{start!r:20} →", *counting.decode(best.tolist()))

# %% [markdown]
# The harmless blank makes the next word far more surprising. In all training text, the blank was *part of* the next token. A lone blank followed by a word
# without one hardly ever occurred, so the model is on unknown ground. Big models suffer less, but they do suffer. Do not end a prompt with a blank.
#
# Last, some tokens are in the vocabulary but hardly ever in a text: steps on the way to a longer token, or words that only the tokenizer's own training text
# was full of. Their vectors stay almost as random as they began. GPT-2 has one for " SolidGoldMagikarp"; models
# that met it behaved strangely (Land and Bartolo 2024). How many such tokens have we?

# %%
used = Counter(chain(*map(wiki_bpe.encode, wiki_train)))
for limit in (1, 10, 100):
    n_rare = sum(used[i] < limit for i in range(wiki_bpe.vocab_size))
    print(
        f"tokens used fewer than {limit:3} times in the tokenizer's own training text: {n_rare:,} of {wiki_bpe.vocab_size:,}"
    )

# %% [markdown]
# **What we learnt.** The model never sees letters, digits or blanks; it sees ids. What looks alike to you need not look alike to it.

# %% [markdown]
# ## 8 · Perplexity per what?
#
# *(core)*
#
# Lesson 00 compared models by their perplexity, $e$ to the mean surprise *per token*. What if two models have different tokens?
#
# By hand. A text of 6 characters, "abcabc". Model A reads characters and gives each the probability 1/2. Model B reads the tokens "abc", "abc" and gives each
# 1/4. Perplexity of A: 2. Perplexity of B: 4. Is A better? The probability of the *whole text* is $(1/2)^6 = 1/64$ for A, and
# $(1/4)^2 = 1/16$ for B. B is four times as sure of the text. The perplexity misled us, because it counts *per token*, and the tokens differ.
#
# The cure: divide by something that both share. Characters do (or bytes). In bits, with log-probabilities in nats:
#
# $$\mathrm{bits\ per\ character} = \frac{-\sum_i \ln p(\mathrm{token}_i \mid \mathrm{before})}{\ln 2 \cdot \mathrm{number\ of\ characters}}$$
#
# For A that is $6 \cdot 1 / 6 = 1$ bit, for B $2 \cdot 2 / 6 = 2/3$ bit.
#
# **Exercise (easy).** Write it for a list of documents: `log_probs` holds one array of shape $(N,)$ a document, with the log-probabilities of its $N$ tokens.

# %%
# @exercise course_lib.evaluation.perplexity:bits_per_character

# %%
bits_per_character = check("02:bits_per_character", bits_per_character)

# %%
# NBVAL_CHECK_OUTPUT
for name, log_probs in {"A": np.log([0.5] * 6), "B": np.log([0.25] * 2)}.items():
    print(
        f"model {name}: perplexity {perplexity(-log_probs.mean()):.0f}, {bits_per_character([log_probs], 6):.3f} bits per character"
    )

# %% [markdown]
# A fine point: a tokenizer could cut the same text in other ways too ("ab" + "cabc"). Strictly, the model's probability of the text is the sum over all cuts. We count
# only the cut that the tokenizer makes, so the true number of bits is at most ours. The difference is usually small.
#
# **What we learnt.** Perplexities compare models over the *same tokens*. Across tokenizers, use bits per character.

# %% [markdown]
# ## Known truth
#
# In the story world we know how surprising the stories are to the program that writes them. In nats per story this **floor** does not depend on any tokens, so in
# bits per character it is one number for all tokenizers.
#
# Train the n-gram model of lesson 00 on the same stories, cut in six ways. It looks back at four tokens; for characters we allow it ten, since four are not
# even a word.
#
# **Predict.** Which cut gives the lowest perplexity? Which the fewest bits per character? Will it be the same one?

# %%
n_letters = np.array([len(text) for text in story_test])
floor_bits = bits_per_character([np.array(stories["test"]["log_prob"])], int(n_letters.sum()))
cuts, bpe_sizes = {"characters": list}, [320, 512, 1024, 2048, 4096]
for vocab_size in bpe_sizes:
    cuts[f"BPE, {vocab_size:,}"] = BPETokenizer.train(story_train, vocab_size=vocab_size).tokenise
panels, n_tokens = {"perplexity per token": {}, "bits per character": {}}, {}
for name, cut in cuts.items():
    fitted = [cut(text) for text in story_train]
    order = 11 if name == "characters" else 5
    model = KneserNeyModel(KneserNeyConfig(order=order))
    model = model.fit(fitted, Vocabulary.from_sentences(fitted))
    tested = [model.encode(cut(text)) for text in story_test]
    ends = np.cumsum([len(ids) for ids in tested])[:-1]
    log_probs = np.split(model.token_log_probs(tested), ends)
    table = np.array([[lp.sum(), len(lp), n] for lp, n in zip(log_probs, n_letters, strict=True)])
    n_tokens[name] = table[:, 1].sum()
    measures = {
        "perplexity per token": lambda x: perplexity(-x[:, 0].sum() / x[:, 1].sum()),
        "bits per character": lambda x: bits_per_character([x[:, 0]], int(x[:, 2].sum())),
    }
    for panel, measure in measures.items():
        panels[panel][name] = (measure(table), *bootstrap_interval(table, measure))
print(
    f"n = {len(story_test)} new stories; floor {floor_bits:.3f} bits per character; 95 % intervals over stories"
)
pd.DataFrame(
    {
        panel: {name: f"{v:.3f} [{low:.3f}, {high:.3f}]" for name, (v, low, high) in found.items()}
        for panel, found in panels.items()
    }
)

# %%
# Do the two measures agree on which model is best?
letters_per_token = {name: n_letters.sum() / n for name, n in n_tokens.items()}
groups = {"characters": ["characters"], "BPE": [name for name in cuts if name != "characters"]}
drawn = []
for (panel, found), levels in zip(panels.items(), ({}, {"floor": floor_bits}), strict=True):
    curves = {
        group: Curve(x=[letters_per_token[n] for n in names], y=[found[n][0] for n in names])
        for group, names in groups.items()
    }
    labels = ("mean length of a token (characters)", panel)
    drawn.append(
        Panel(title=panel, axis_labels=labels, curves=curves, levels=levels, y_range=(0, None))
    )
show(
    plot_panels(*drawn),
    alt="Two panels against the mean length of a token: the perplexity per token rises, the bits per "
    "character fall, and stay above a dotted line, the floor. Values: "
    + ". ".join(
        f"{panel}: " + ", ".join(f"{name} {value[0]:.2f}" for name, value in found.items())
        for panel, found in panels.items()
    ),
)

# %% [markdown]
# The orders disagree. Perplexity puts the characters first and the longest tokens last; in bits per character the longest tokens are best. Among the BPE rows the two
# orders are exactly reversed: longer tokens are harder to guess one by one, but fewer of them make the text. By perplexity you would have thrown the best model away.
#
# Do not conclude that bigger vocabularies always make better models: this one sees four tokens back, so longer tokens give it more text to look at. A model that can look back
# as far as it likes gains less. And all stay far above the floor, because the callbacks of a story reach over many sentences: more than any of these can
# see. The next lessons close that gap.
#
# One more trap of this kind. A model over *words* may look best of all if rare words are replaced by `<unk>`, for `<unk>` is easy to predict:

# %%
story_words = [split_words(text) for text in story_train]
for max_size in (3_000, 1_000, 300, 100):
    model = KneserNeyModel(KneserNeyConfig(order=5))
    model = model.fit(story_words, Vocabulary.from_sentences(story_words, max_size=max_size))
    tested = [model.encode(split_words(text)) for text in story_test]
    unknown = np.mean([token == model.unknown_id for ids in tested for token in ids])
    print(
        f"{max_size:5,} words known: perplexity {perplexity(-model.token_log_probs(tested).mean()):5.2f}, {unknown:.0%} of the tokens are <unk>"
    )

# %% [markdown]
# The less it knows, the better it seems. It has forgotten what the words were, so it cannot even say how many bits the *text* costs. Never compare perplexities
# without asking what a token is.

# %% [markdown]
# ## Real text
#
# How large should a vocabulary be? Train one on the 90 articles with 16,384 tokens. The merges are in order, so its first part *is* the smaller
# tokenizer; we can cut the list short instead of training again.

# %%
from course_lib.tokenizers.pretokens import bytes_of

large = BPETokenizer.train(wiki_train, vocab_size=16_384)
alphabet = [bytes_of(large.token_of(i)) for i in range(256)]


def first_tokens(vocab_size):
    merges = large.merges[: vocab_size - 256]
    tokens = [*alphabet, *(a + b for a, b in merges)]
    return BPETokenizer({token: i for i, token in enumerate(tokens)}, merges)


trained_anew = BPETokenizer.train(wiki_train, vocab_size=1024)
print("cut short = trained anew:", first_tokens(1024).merges == trained_anew.merges)

# %% [markdown]
# **Predict.** What does doubling the vocabulary bring, on new articles? And on texts of another kind: stories, Python code, Chinese?

# %%
tests = {
    "new Wikipedia articles": wiki_new,
    "English stories": story_test,
    "Python code": load("python-code").documents[::60],
    "Chinese stories": list(stories["test"]["text_zh"]),
}
vocab_sizes = [300, 512, 1024, 2048, 4096, 8192, 16_384]
lengths = {
    name: [[len(ids) for ids in map(first_tokens(v).encode, texts)] for v in vocab_sizes]
    for name, texts in tests.items()
}
curves, rows = {}, []
for name, texts in tests.items():
    letters = np.array([len(text) for text in texts])
    curves[name] = (vocab_sizes, [letters.sum() / sum(counts) for counts in lengths[name]])
    table = np.column_stack([letters, lengths[name][-1]])
    low, high = bootstrap_interval(table, lambda x: x[:, 0].sum() / x[:, 1].sum())
    rows.append(
        [
            len(texts),
            f"{curves[name][1][-1]:.2f} [{low:.2f}, {high:.2f}]",
            f"{1 - sum(lengths[name][-1]) / sum(lengths[name][-2]):.1%}",
        ]
    )
pd.DataFrame(
    rows,
    index=list(tests),
    columns=["texts", "characters per token at V = 16,384", "tokens saved by the last doubling"],
)

# %%
# What does a larger vocabulary bring?
show(
    plot_lines(
        curves,
        title="Compression against vocabulary size; merges learnt on Wikipedia",
        axis_labels=("vocabulary size V (log scale)", "characters per token"),
        log_x=True,
    ),
    alt="Four curves of characters per token against the vocabulary size from 300 to 16,384, on a "
    "logarithmic axis. "
    + "; ".join(f"{name} from {y[0]:.2f} to {y[-1]:.2f}" for name, (_, y) in curves.items()),
)

# %% [markdown]
# On text of its own kind each doubling brings about as much as the one before: the curve is almost straight *on a logarithmic axis*. So each further step costs twice as
# many tokens. On other kinds of text it brings less, and for Chinese nothing at all.
#
# And the cost: each token needs a vector. In GPT-2 small, with $V = 50,257$ and vectors of $D = 768$ numbers:

# %%
# NBVAL_CHECK_OUTPUT
vocab_size, d_model, total = 50_257, 768, 124_439_808
print(
    f"V · D = {vocab_size * d_model:,} numbers, {vocab_size * d_model / total:.0%} of all {total:,} parameters"
)

# %%
for v in (1024, 4096, 16_384):
    used = Counter(chain(*map(first_tokens(v).encode, wiki_train)))
    n_rare = sum(used[i] < 10 for i in range(v))
    print(
        f"V = {v:6,}: {n_rare / v:.0%} of the tokens occur fewer than 10 times in the text they were learnt on"
    )

# %% [markdown]
# (At 1,024 these are mostly bytes that English hardly needs.) A token that a model has seen fewer than ten times has learnt next to nothing. On this small text 16,384 tokens are too many. Models that read billions of
# words can afford 50,000 to 250,000.
#
# **What we learnt.** A larger vocabulary shortens the text, ever more slowly, and only for the kind of text it was trained on. It costs parameters, and its
# rare tokens stay untrained.

# %% [markdown]
# ## On a GPU
#
# Does a better compression make a better *model*? An n-gram model cannot tell. On a GPU you can ask small GPTs (the model of lesson 04, used here as it is): the same
# architecture, trained on the same text, read once, cut in several ways, compared in bits per character on new text. The text is WikiText-103 if it can be had, else the
# excerpt; the cell says which. Without a GPU you see what was recorded, if anything was.

# %% tags=["gpu"]
from course_lib.errors import DataNotFoundError
from course_lib.models import GPT, GPTConfig


def next_token_loss(net, ids):
    logits, targets = net(ids[:, :-1].to(run.device)), ids[:, 1:].to(run.device)
    return nn.functional.cross_entropy(logits.flatten(0, 1), targets.flatten())


if run.gpu_cell:
    documents, source = wiki, "wikipedia-excerpt"
    if run.scale != "dry":
        try:
            documents, source = load("wikitext-103").documents, "wikitext-103"
        except DataNotFoundError:
            print("WikiText-103 is not here, so this run uses the Wikipedia excerpt instead.")
    read_so_far = np.cumsum([len(text) for text in documents])
    limit = min(
        run.pick(small=200_000, t4=20_000_000, full=100_000_000), int(0.9 * read_so_far[-1])
    )
    n_read = 1 + int(np.searchsorted(read_so_far, limit))
    reading, held_out = documents[:n_read], documents[n_read:][:100]
    context = run.pick(small=16, t4=256)
    shape = dict(
        d_model=run.pick(small=16, t4=256, full=512),
        n_heads=4,
        n_layers=run.pick(small=1, t4=4, full=8),
    )
    result = {"text": source, "characters": limit, "context": context}
    for v in run.pick(
        small=(300,), t4=(300, 1024, 4096, 16_384), full=(300, 1024, 4096, 16_384, 50_000)
    ):
        tokenizer = BPETokenizer.train(reading[:2_000], vocab_size=v)
        windows, tested = (
            torch.tensor(list(chain(*map(tokenizer.encode, texts)))).unfold(0, context + 1, context)
            for texts in (reading, held_out)
        )
        torch.manual_seed(run.seed)
        model = GPT(GPTConfig(vocab_size=tokenizer.vocab_size, max_len=context, **shape)).to(
            run.device
        )
        batches = windows[torch.randperm(len(windows))].split(64)
        batches = batches[: run.pick(small=3, t4=len(batches))]
        train_on_batches(
            model, batches, next_token_loss, torch.optim.AdamW(model.parameters(), lr=1e-3)
        )
        model.eval()
        tested = tested[: run.pick(small=8, t4=2_000)]
        with torch.no_grad():
            nats = sum(
                next_token_loss(model, ids).item() * ids[:, 1:].numel() for ids in tested.split(64)
            )
        n_characters = sum(len(tokenizer.decode(ids[1:].tolist())) for ids in tested)
        bits = bits_per_character([np.array([-nats])], n_characters)
        result[f"BPE {v}"] = {
            "bits per character": bits,
            "perplexity": perplexity(nats / tested[:, 1:].numel()),
        }
    recorded = run.record("02-vocabulary-size", result)
else:
    recorded = run.recorded("02-vocabulary-size")
for name, value in recorded.result.items():
    print(f"{name}: {value}")

# %% [markdown]
# ## Exercises
#
# They stand where they belong in the sections above:
#
# | | level | section |
# |---|---|---|
# | `count_pairs` | easy | [2 · Byte-pair encoding, by hand](#2-·-Byte-pair-encoding,-by-hand) |
# | `merge_pair` | core | [2 · Byte-pair encoding, by hand](#2-·-Byte-pair-encoding,-by-hand) |
# | `learn_merges` | stretch | [2 · Byte-pair encoding, by hand](#2-·-Byte-pair-encoding,-by-hand) |
# | `apply_merges` | core | [A word it has never seen](#A-word-it-has-never-seen) |
# | `longest_match` | core | [4 · WordPiece](#4-·-WordPiece:-another-score,-another-way-to-cut) |
# | `bits_per_character` | easy | [8 · Perplexity per what?](#8-·-Perplexity-per-what?) |
#
# Five more without a check, if you like:
#
# - *Easy.* Write your name, and the name of a friend who writes in another script. How many tokens does `wiki_bpe` need for each?
# - *Core.* Replace `count_pairs` by `pair_scores` in your `learn_merges`. How do the first ten merges on the stories change?
# - *Core.* Add "BPE, 400 tokens, trained on the new sentences too" to section 6. Does that leak the answer? Say why, then test it.
# - *Core.* Train a tokenizer on nine parts English and one part Chinese. Where does it lie between the rows of *Who pays*?
# - *Stretch.* In *Known truth*, give every model the same number of *characters* to look back at instead of four tokens (choose `order` by the mean length
#   of its tokens). How much of the gain of large vocabularies is left?

# %% [markdown]
# ## In your own words
#
# A colleague says: "Our service costs the same per token in every language, so the price is fair." Answer in five sentences or fewer.
#
# <details><summary>What a good answer contains</summary>
#
# - A token is no unit of meaning: how much text it holds depends on what the tokenizer was trained on.
# - The same contents can need several times as many tokens in another language, here about three times for Chinese with a tokenizer that read English only.
# - So equal prices per token are unequal prices per sentence; speed and the length of text that fits are affected as well.
# - A test: translate the same sentences, count tokens, report the ratio with $n$ and an interval; a remedy: train the tokenizer on a mixture.
#
# Three of the four is good.
#
# </details>

# %% [markdown]
# <!-- @answer fair-price -->
# *Write your answer here: double-click this cell.*

# %% [markdown]
# ## Claims, tested
#
# Five sentences that you will read elsewhere. Each was tested in this lesson.
#
# ### “Self-attention handles unknown words.”
#
# **False.** Attention sees ids. If two words have the same id, nothing behind it can tell them apart:

# %%
for name, hits in right.items():
    mean, sd = mean_and_sd([float(h.mean()) for h in hits])
    print(
        f"{name:17} accuracy on words never seen: {mean:.3f} ± {sd:.3f} (3 seeds, n = {len(unseen)}; chance 0.5)"
    )

# %% [markdown]
# The same network in all rows. What helps are pieces, and bytes where the pieces end.
#
# ### “The model with the lower perplexity is the better one.”
#
# **Only if both have the same tokens.** Otherwise the order may be the reverse:

# %%
for name in ("characters", "BPE, 4,096"):
    per_token, per_letter = (
        panels["perplexity per token"][name][0],
        panels["bits per character"][name][0],
    )
    print(f"{name:11} perplexity {per_token:.2f}, {per_letter:.3f} bits per character")
lowest = {panel: min(found, key=lambda name: found[name][0]) for panel, found in panels.items()}
print("best by each measure:", lowest)

# %% [markdown]
# ### “A token is about four characters.”
#
# **A rule of thumb for English prose, with a large vocabulary.** The rule says so itself; people forget the second half:

# %%
for name in tests:
    print(
        f"{name:23} {curves[name][1][-1]:.2f} characters per token (V = 16,384, trained on English Wikipedia)"
    )

# %% [markdown]
# ### “The bigger the vocabulary, the better.”
#
# **Half true.** It shortens texts of the kind it was trained on. But each further step costs twice as many vectors, and more and more of them are hardly ever trained
# (*Real text*). And longer tokens can hide what matters, as in section 6:
#
# %%
for name in ("BPE, 400 tokens", "BPE, 1,600 tokens"):
    mean, sd = mean_and_sd([float(h.mean()) for h in right[name]])
    print(f"{name:17} accuracy on words never seen: {mean:.3f} ± {sd:.3f}")

# %% [markdown]
# ### “Hugging Face's WordPiece trainer uses WordPiece's score.”
#
# **False**, as its authors say: it merges the most frequent pair, as BPE does, and only *cuts* words as WordPiece does. Our four words show it. The score would begin with
# (##g, ##s):

# %%
# NBVAL_CHECK_OUTPUT
from tokenizers import Tokenizer, models, pre_tokenizers, trainers

theirs = Tokenizer(models.WordPiece(unk_token="[UNK]"))
theirs.pre_tokenizer = pre_tokenizers.Whitespace()
trainer = trainers.WordPieceTrainer(vocab_size=1000, show_progress=False)
theirs.train_from_iterator([f"{word} " * count for word, count in seen.items()], trainer)
merged = {t: i for t, i in theirs.get_vocab().items() if len(t.removeprefix("##")) > 1}
first_merge = min(merged, key=merged.get)
print("first merge of Hugging Face's trainer:", first_merge)
print(
    "most frequent pair:", max(plain, key=plain.get), " highest score:", max(scores, key=scores.get)
)

# %% [markdown]
# ## Quiz

# %%
quiz("02")

# %% [markdown]
# In a notebook without buttons, answer like this: `answer_quiz("02", 2, "b")`.
#
# ## Summary

# %% [markdown]
# - A vocabulary of words is never complete; one of characters makes texts long. Subwords lie in between.
# - BPE learns a list of merges by counting and replays it. WordPiece cuts by longest match; its score asks how faithful a pair is, not how frequent.
# - With all 256 bytes in the vocabulary nothing is unknown. A Chinese character is three bytes, and part of a character decodes to "�".
# - How many tokens a language costs is decided by the tokenizer's training text. Measure it on translations.
# - What the tokenizer throws away no layer can bring back.
# - Capitals, blanks and digits change the ids. Never end a prompt with a blank.
# - Compare models with different tokens in bits per character, never by perplexity.

# %% [markdown]
# ## Further reading
#
# - Sennrich, Haddow and Birch 2016, *Neural Machine Translation of Rare Words with Subword Units*,
#   <https://aclanthology.org/P16-1162/>; Gage 1994, *A New Algorithm for Data Compression*: where BPE comes from.
# - Schuster and Nakajima 2012, *Japanese and Korean Voice Search*; Wu et al. 2016, *Google's Neural Machine Translation System*,
#   <https://arxiv.org/abs/1609.08144>: WordPiece.
# - Radford et al. 2019, *Language Models are Unsupervised Multitask Learners*, section 2.2: bytes and the split pattern.
# - Kudo 2018, *Subword Regularization*, <https://aclanthology.org/P18-1007/>: the Unigram model, a third way, which begins large and prunes.
# - Petrov, La Malfa, Torr and Bibi 2023, *Language Model Tokenizers Introduce Unfairness Between Languages*,
#   <https://arxiv.org/abs/2305.15425>; Ahia et al. 2023, *Do All Languages Cost the Same?*, <https://arxiv.org/abs/2305.13707>.
# - Bostrom and Durrett 2020, *Byte Pair Encoding is Suboptimal for Language Model Pretraining*,
#   <https://aclanthology.org/2020.findings-emnlp.414/>: pieces and word endings.
# - Land and Bartolo 2024, *Fishing for Magikarp*, <https://arxiv.org/abs/2405.05417>: tokens that were never trained.

# %%
run.summary()
