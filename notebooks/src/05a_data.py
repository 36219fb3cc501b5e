# %% [markdown]
# # 05a · From raw text to training data
#
# **The question:** What must happen to a raw pile of text before a model may learn from it, and what does each step change in the model?

# %% [markdown]
# ## You will be able to
#
# - take a raw Wikipedia dump to batches of ids: collect, clean, remove duplicates, mask, tokenise, pack;
# - keep a log of everything you threw away, and say what your filters took from the wrong people;
# - find near-duplicates, and show with numbers what copies do to memory and to the loss on new text;
# - notice a leak between training and test, and name the proof: a loss below the entropy floor;
# - count only the tokens that count, and compare models in bits per byte.

# %% [markdown]
# ## Before you start
#
# | | |
# |---|---|
# | Builds on | 00: n-gram models, the entropy floor; 02: tokenization, bits per character; 04: the loss and its mask, training, greedy decoding |
# | Your time | about 80 minutes for the core sections, 10 more for the optional one |
# | On a CPU | about a minute on one core, under 2 GB of memory |
# | On a GPU | not needed; the cell under *On a GPU* repeats the experiment on copies with a larger model and more text |

# %% [markdown]
# ## Recall
#
# Answer from memory, then open the answer.
#
# 1. A model needs 600 nats for a text of 300 characters. How many bits per character is that?
#
# <details><summary>Answer</summary>
#
# $600 / (\ln 2 \cdot 300) \approx 2.89$ bits per character. It does not matter into how many tokens the text was cut.
#
# </details>
#
# 2. Texts of different lengths stand in one batch. What does the mask do in the loss?
#
# <details><summary>Answer</summary>
#
# It says which places hold a token and which are padding. The surprise is summed over tokens only, and divided by *their* number.
#
# </details>
#
# 3. What does it mean if a model's loss on new stories lies below the entropy floor of the story world?
#
# <details><summary>Answer</summary>
#
# Something is wrong. In expectation no model can be less surprised than the program that writes the stories; so the stories were not new, or the
# loss was computed wrongly.
#
# </details>

# %% [markdown]
# ## Set-up

# %%
# @setup

# %% [markdown]
# The imports. You will write five functions of the data line yourself.

# %%
import math
import re
import unicodedata
from collections import Counter
from importlib.util import find_spec
from itertools import chain
from pathlib import Path

import numpy as np
import pandas as pd
import torch
from torch import nn
from torch.nn import functional as F

from course_lib.data import (
    CleaningRules,
    QualityRules,
    catalog,
    check_digest,
    clean,
    find_duplicates,
    load,
    mask_personal_data,
    normalise_text,
    quality_problems,
)
from course_lib.data.batches import InOrder, PackedBatches, PaddedBatches
from course_lib.data.deduplication import bands_and_rows
from course_lib.data.pretraining import pack_documents
from course_lib.data.wikipedia import articles_of, clean_wikitext
from course_lib.evaluation import (
    bits_per_character,
    bootstrap_interval,
    perplexity,
    proportion_interval,
)
from course_lib.generation import greedy_decode
from course_lib.lesson import answer_quiz, check, hint, quiz
from course_lib.models import GPT, GPTConfig, KneserNeyConfig, KneserNeyModel
from course_lib.nn.next_token import next_token_loss
from course_lib.plotting import plot_lines, show, use_course_style
from course_lib.plotting.curves import Curve, Panel, plot_panels
from course_lib.seeding import make_generator
from course_lib.tokenizers import BPETokenizer, ByteTokenizer, Vocabulary
from course_lib.training import train_language_model

use_course_style()

# %% [markdown]
# ## 1 · Collect
#
# *(core)*
#
# Language models read web pages, books, encyclopedias, news, forums, dialogues, code. Each comes with three questions that no program answers for
# you: *Where is it from? What may I do with it? Is this really the file I think it is?* Answer them before you download, and write the answers down beside the
# data. In this course that is a **card**, and a **digest**: a fingerprint of the bytes.
#
# Our example is a **dump** of the English Wikipedia: all pages, as their editors typed them, in one compressed file. A small piece of one lies on your
# machine already, because gensim ships it with its tests.

# %%
entry = catalog()["wikipedia-excerpt"]
dump = Path(find_spec("gensim").origin).parent / entry.files[0].path
check_digest(dump, entry.files[0].sha256, entry.name)
print(f"{dump.name[:29]}…: {dump.stat().st_size:,} bytes, digest as expected")
print("licence:", entry.licence)
articles = dict(articles_of(dump))
print(f"{len(articles)} articles, {sum(map(len, articles.values())):,} characters of wikitext")
print(articles["Abacus"][:430], "…")

# %% [markdown]
# That is not what we want a model to write. **Predict.** How much of the dump is prose that a reader would read: 90 %, 70 %, or less?

# %%
wikitext = articles["Abacus"]
prose = clean_wikitext(wikitext)
print(prose[:300], "…")
print(f"\nAbacus: {len(prose) / len(wikitext):.0%} of the characters are left")
wiki = load("wikipedia-excerpt").documents  # `clean_wikitext` of every article
n_raw, n_prose = sum(map(len, articles.values())), sum(map(len, wiki))
print(f"all {len(wiki)} articles that have prose: {n_prose / n_raw:.0%} are left")

# %% [markdown]
# Less than half. The rest is tables, references, file names, templates. For web pages the share is smaller still: menus, advertisements, cookie notices.
#
# **What we learnt.** A source has an origin, a licence and a digest. Raw text is mostly not text.

# %% [markdown]
# ## 2 · Clean
#
# *(core)*
#
# **Normalise.** Two texts can look the same and be different:

# %%
# NBVAL_CHECK_OUTPUT
one, other = "café №7", unicodedata.normalize("NFD", "café") + "\u00a0\u200b№7"
print(one, "|", other, "| equal:", one == other)
print([len(ByteTokenizer().encode(text)) for text in (one, other)], "bytes")
print("equal after normalise_text:", normalise_text(one) == normalise_text(other))

# %% [markdown]
# An accent as a character of its own, a blank that may not break, a mark of zero width. For a tokenizer these are different words, and for a duplicate finder
# different documents. So all text is first written in one form.
#
# **Filter.** Then rules throw away what is hardly text: too short, too many symbols, the same line over and over, another language. Each rule has a name, so that
# nothing disappears without a reason:

# %%
# NBVAL_CHECK_OUTPUT
pages = [
    "The abacus is a tool for counting that was used long before our numerals.",
    "Home | Login | Cart (0) | ©©© | >>> next >>>",
    "Buy it now and save! Buy it now and save! Buy it now and save! Buy it now and save!",
    "Die Katze sitzt auf der Matte und sieht aus dem Fenster in den Garten.",
    "Hello",
]
for page in pages:
    print(f"{', '.join(quality_problems(page)) or 'kept':38} {page[:40]}")

# %% [markdown]
# `clean` does the whole line and returns a **report** in which every document is either kept or removed for a stated reason. Here for the paragraphs of 20 articles.

# %%
paragraphs = [text for article in wiki[:20] for text in article.split("\n\n")]
cleaned, report = clean(paragraphs)
print(report)
for removed in report.removed:
    print(f"{removed.reason:25} {paragraphs[removed.row][:76]}…")

# %% [markdown]
# Two habits make such a line trustworthy. First, *do it twice*: cleaning what is clean must change nothing. This is called **idempotent**; a step that is not
# will surprise you when someone runs it again.

# %%
# NBVAL_CHECK_OUTPUT
again, second_report = clean(cleaned)
print(
    "cleaning twice = cleaning once:",
    again == cleaned,
    "| removed the second time:",
    second_report.counts,
)
assert again == cleaned

# %% [markdown]
# Second, *read what was removed*. **Predict.** The same rules go over four kinds of good English text: news, film reviews, dialogues, and Python programs with their
# comments. What share of each is thrown away?

# %%
good_texts = {
    "news": load("lee-news").documents,
    "film reviews": list(load("movie-polarity")["text"]),
    "dialogues": [
        "\n".join(turn["text"] for turn in row["turns"]) for row in load("dialogues")["train"]
    ],
    "Python programs": load("python-code").documents[:60],
}
rows, rejected_shares = [], {}
for name, texts in good_texts.items():
    found = [quality_problems(normalise_text(text)) for text in texts]
    n_rejected = sum(map(bool, found))
    rejected_shares[name] = n_rejected / len(texts)
    low, high = proportion_interval(n_rejected, len(texts))
    commonest = Counter(problems[0] for problems in found if problems).most_common(1)
    rows.append(
        [
            len(texts),
            f"{n_rejected / len(texts):.1%} [{low:.1%}, {high:.1%}]",
            commonest[0][0] if commonest else "",
        ]
    )
pd.DataFrame(rows, index=list(good_texts), columns=["n", "thrown away", "commonest first reason"])

# %% [markdown]
# A filter that was made with one kind of text in mind throws away another kind. Nobody decided that the model shall see less code; it just happened. In a real corpus the same happened to
# people: word lists meant against filth removed, out of proportion, text by and about minorities (Dodge et al. 2021). Wherever you set a limit, count whom it hits.
#
# **What we learnt.** Normalise, filter by named rules, log every removal, check that twice is once, and read the rejects.

# %% [markdown]
# ## 3 · What is there twice
#
# *(core)*
#
# The web copies itself: mirrors, quotations, licence texts, the same news under twenty titles. Exact copies are easy: compare digests of the normalised texts. But most copies are *nearly* the
# same: another date, one more line. How similar is "nearly"?
#
# **The idea.** Cut each text into **shingles**, all runs of $k$ words in a row, and compare the two sets $A$ and $B$:
#
# $$J(A, B) = \frac{|A \cap B|}{|A \cup B|}$$
#
# the **Jaccard similarity**: what is in both, divided by what is in either.
#
# **By hand**, with $k = 2$: "the cat sat down" has the shingles (the, cat), (cat, sat), (sat, down). "the cat sat up" has (the, cat), (cat, sat), (sat, up). In both: 2. In either: 4. So $J = 0.5$, after a change
# of one word in four. With longer texts one word changes less.
#
# **Exercise (core).** Cut a text into shingles. `text_units` gives its words, and single characters for Chinese. Stuck? `hint("05a:shingles_of")`.

# %%
# @exercise course_lib.data.deduplication:shingles_of

# %%
shingles_of = check("05a:shingles_of", shingles_of)

# %% [markdown]
# **Exercise (easy).** And the similarity of two sets.

# %%
# @exercise course_lib.data.deduplication:jaccard

# %%
jaccard = check("05a:jaccard", jaccard)

# %%
# NBVAL_CHECK_OUTPUT
abacus = prose.split("\n\n")[0]
versions = {
    "itself": abacus,
    "without capitals": abacus.lower(),
    "one word changed": abacus.replace("tool", "device"),
    "a line added": abacus + " This page was last edited in May.",
    "its first half": abacus[: len(abacus) // 2],
    "the next paragraph": prose.split("\n\n")[1],
}
for name, text in versions.items():
    similarity = jaccard(shingles_of(abacus, 5), shingles_of(text, 5))
    print(f"the first paragraph on the abacus and {name:20} {similarity:.2f}")

# %% [markdown]
# ### A million documents
#
# To compare all pairs of $N$ documents takes $N^2 / 2$ comparisons. For a million documents, that is 500 billion. Two tricks make it possible.
#
# **MinHash** (Broder 1997). Put all shingles of the world in a random order. In each text, note which of its shingles comes first. Two texts have the *same* first one exactly if the first shingle
# of $A \cup B$ lies in $A \cap B$. The chance of that is $J$! So with many random orders, the share in which two texts agree estimates their similarity. See for yourself:

# %%
first = shingles_of(abacus, 5)
second = shingles_of(versions["a line added"].replace("counting", "reckoning"), 5)
everything = sorted(first | second)
generator, n_orders, n_same = make_generator(run.seed), 2000, 0
for _ in range(n_orders):
    place = dict(
        zip(everything, torch.randperm(len(everything), generator=generator).tolist(), strict=True)
    )
    n_same += min(first, key=place.get) == min(second, key=place.get)
low, high = proportion_interval(n_same, n_orders)
print(
    f"similarity {jaccard(first, second):.3f}; agreement in {n_orders} orders {n_same / n_orders:.3f} [{low:.3f}, {high:.3f}]"
)

# %% [markdown]
# So a text, however long, is represented by (say) 128 numbers, its **sketch**. In practice a hash function stands for each order.
#
# **Locality-sensitive hashing.** Cut the sketch into $b$ bands of $r$ numbers. Two texts are *proposed* as a pair as soon as one whole band agrees. A band agrees with probability $s^r$, so the pair is missed
# only if all fail:
#
# $$P(\mathrm{proposed}) = 1 - (1 - s^r)^b$$
#
# Texts that share a band fall into the same drawer of a table, so that no pairs need to be tried. **By hand:** $r = 5$, $b = 25$. A pair with $s = 0.8$: $s^5 = 0.328$, and $1 - 0.672^{25} = 0.99995$. A pair with $s = 0.3$: $s^5 = 0.0024$, and
# only 6 % are proposed; those are compared exactly and dropped.

# %%
# Which pairs are proposed?
n_bands, n_rows = bands_and_rows(0.8, n_permutations=128)
s = np.linspace(0, 1, 101)
curves = {
    f"{b} bands of {r}": (s, 1 - (1 - s**r) ** b) for b, r in ((n_bands, n_rows), (64, 2), (12, 10))
}
show(
    plot_lines(
        curves,
        title="A steep step: far pairs are not even looked at",
        axis_labels=("similarity s of two texts", "chance to be proposed"),
    ),
    alt="Three S-shaped curves of the chance that a pair is proposed against its similarity from 0 to 1. "
    + "; ".join(
        f"{name}: {y[30]:.2f} at similarity 0.3, {y[80]:.4f} at 0.8"
        for name, (_, y) in curves.items()
    ),
)

# %% [markdown]
# `find_duplicates` does all of it. How well, we shall see under *Known truth*, where we know what was copied.
#
# **What we learnt.** Near-duplicates are sets of shingles with a large overlap; sketches and bands find them without comparing all pairs.

# %% [markdown]
# ## 4 · Personal data
#
# *(core)*
#
# A model can repeat what it has read, and that may be somebody's telephone number. What has a fixed *form* can be found by its form. A first try, for e-mail addresses:

# %%
# NBVAL_CHECK_OUTPUT
letters = [
    "Write to ann.lee@example.org, or call.",
    "(mail: bob@example.com)",
    "The ratio was 3@4 in May.",
    "ann at example dot org",
]
for text in letters:
    naive = re.sub(r"\S+@\S+", "[EMAIL]", text)
    print(f"{naive:36} | {mask_personal_data(text).text}")

# %% [markdown]
# The naive pattern swallows commas and brackets, and takes a ratio for an address. The library's is stricter. And neither finds the last one.
#
# For numbers, form alone is not enough: 16 digits may be a payment card, or the number of a parcel. But cards have a **check digit**. From the right, every second digit is doubled, and if that gives
# more than 9, 9 is taken off. The sum of all must end in 0 (Luhn's formula).
#
# **By hand:** 7 9 9 2 7 3 9 8 7 1 3. From the right, the 3 stays, the 1 is doubled, the 7 stays, the 8 is doubled to 16 and becomes 7 … The sum is
# $3 + 2 + 7 + 7 + 9 + 6 + 7 + 4 + 9 + 9 + 7 = 70$. Right.
#
# **Exercise (core).** Write the test.

# %%
# @exercise course_lib.data.masking:has_luhn_digit

# %%
has_luhn_digit = check("05a:has_luhn_digit", has_luhn_digit)

# %%
digits = np.random.default_rng(run.seed).integers(10, size=(5000, 16))
n_passed = sum(has_luhn_digit("".join(map(str, row))) for row in digits)
low, high = proportion_interval(n_passed, len(digits))
print(
    f"random numbers that pass: {n_passed / len(digits):.1%} [{low:.1%}, {high:.1%}], n = {len(digits)}"
)
print(
    mask_personal_data(
        "Card 4539 5787 6362 1486, parcel 4539 5787 6362 1487, Ada Lovelace, 12 Elm Street."
    ).text
)

# %% [markdown]
# One random number in ten passes: a mask errs in both directions. And "Ada Lovelace, 12 Elm Street" stays. Names and addresses have no form. So a masked text is *less* personal; it is not **anonymous**.
# (Lesson 12 attacks a model to get secrets out of it, and defends it.)
#
# **What we learnt.** Mask what has a form, confirm it where there is a check digit, and do not promise more than that.

# %% [markdown]
# ## 5 · Tokenise, pack, count
#
# *(core)*
#
# Now ids. First the split: whole articles for training, whole articles for the test (why whole ones, section 6 shows). The tokenizer, too, is trained on the training part only.

# %%
test_rows = range(0, len(wiki), 5)
train_articles = [text for row, text in enumerate(wiki) if row not in test_rows]
test_articles = [wiki[row] for row in test_rows]
END = "<|endoftext|>"
bpe = BPETokenizer.train(train_articles[:40], vocab_size=2048, special_tokens=[END])
end_id = bpe.special_tokens[END]
train_ids, test_ids = (
    [[bpe.encode(text) for text in article.split("\n\n")] for article in part]
    for part in (train_articles, test_articles)
)
train_paragraphs = list(chain.from_iterable(train_ids))
lengths = np.array([len(ids) for ids in train_paragraphs])
print(f"{len(train_articles)} articles, {len(lengths):,} paragraphs, {lengths.sum():,} tokens")
print(
    "tokens per paragraph: median",
    int(np.median(lengths)),
    "mean",
    round(lengths.mean()),
    "longest",
    lengths.max(),
)

# %% [markdown]
# A batch is a rectangle, and paragraphs are not. There are two ways out. **Padding** fills the shorter ones up to the longest of the batch. **Packing** writes all texts one after the other, with an end mark
# behind each, and cuts the stream into windows of equal length.
#
# **Predict.** In batches of 16 paragraphs, what share of the places is padding?


# %%
def share_of_pads(batches):
    masks = [batches[i].mask for i in range(batches.n_batches)]
    return 1 - sum(int(mask.sum()) for mask in masks) / sum(mask.numel() for mask in masks)


def in_a_row(paragraphs):
    return torch.tensor([i for ids in paragraphs for i in (*ids, end_id)])


ways = {
    "padded, random order": PaddedBatches(train_paragraphs, n_rows=16, pad_id=end_id),
    "padded, sorted by length": InOrder(
        PaddedBatches(sorted(train_paragraphs, key=len), n_rows=16, pad_id=end_id)
    ),
    "packed": PackedBatches(in_a_row(train_paragraphs), n_rows=16, n_tokens=128),
}
pad_shares = {name: share_of_pads(batches) for name, batches in ways.items()}
for name, share in pad_shares.items():
    print(f"{name:25} {share:6.1%} of the places are padding")

# %% [markdown]
# More than half of the work for nothing, unless you sort or pack. (Sorting has a price of its own: batches are then no random sample.) Models that read plain text are trained on packed windows.
#
# A window that asks for $n$ tokens holds $n + 1$ ids: the first is only read, never asked for. It is the last one of the window before.
#
# **By hand:** texts (5, 6, 7) and (8, 9), end mark 0, $n = 3$. The stream is 5 6 7 0 8 9 0. The windows are 5 6 7 0 and 0 8 9 0. Asked for: 6 7 0, then 8 9 0; each once.
#
# **Exercise (core).** Write it. What fills no window at the end is left out.

# %%
# @exercise course_lib.data.packing:pack_windows

# %%
pack_windows = check("05a:pack_windows", pack_windows)

# %%
# NBVAL_CHECK_OUTPUT
windows = pack_windows(train_paragraphs[:40], n_tokens=64, end_id=end_id)
stream = in_a_row(train_paragraphs[:40])
assert torch.equal(stream, pack_documents(bpe, map(bpe.decode, train_paragraphs[:40]), end_id))
same = PackedBatches(stream, n_rows=len(windows), n_tokens=64)
print(
    "shape",
    tuple(windows.shape),
    "| as PackedBatches cuts them:",
    torch.equal(windows, InOrder(same)[0].ids[: len(windows)]),
)
print(bpe.decode(windows[3, :30].tolist()))

# %% [markdown]
# (`pack_documents` makes the stream from texts and a tokenizer.) `PackedBatches` adds two things to your windows: each round through the data cuts at another place and comes in another order. Batch number `i` depends on the seed and on `i` alone, so a training run that was interrupted
# can go on where it stopped.
#
# ### Count only what counts
#
# Back to padding, which is still needed for questions and answers, or translations. Here is the trap: pads are easy to predict. After the first pad come only pads. **Predict.** We train the same little model
# twice, a table of which token follows which. Once pads are counted in the loss, once not. What will each report, and which is better?

# %%
short = [[*ids[:200], end_id] for ids in train_paragraphs]
padded = PaddedBatches(short, n_rows=8, pad_id=end_id, seed=run.seed)
new_windows = pack_windows(test_ids[1], n_tokens=64, end_id=end_id)
pad_rows = []
for count_pads in (True, False):
    table = nn.Embedding(bpe.vocab_size, bpe.vocab_size)
    nn.init.zeros_(table.weight)
    batches = (padded[i] for i in range(50))
    batches = ((ids, torch.ones_like(mask) if count_pads else mask) for ids, mask in batches)
    losses = train_language_model(table, batches, [0.3] * 50)
    with torch.no_grad():
        true_loss = next_token_loss(table(new_windows), new_windows).item()
    pad_rows.append(
        [np.mean(losses[-10:]), perplexity(np.mean(losses[-10:])), true_loss, perplexity(true_loss)]
    )
pd.DataFrame(
    pad_rows,
    index=["pads counted", "pads left out"],
    columns=["reported loss", "reported perplexity", "loss on new text, packed", "its perplexity"],
).round(2)

# %% [markdown]
# Counting pads reports a wonderful perplexity, and the model is no better for it. It is a number about nothing. (Hugging Face's models leave out targets of −100. If your pad token is the end-of-text token, take care that you do
# not leave out the *real* end marks as well: go by the mask, not by the id.)
#
# The same goes for averages. A batch of 100 tokens and one of 900 do not count the same: sum all nats, sum all counted tokens, divide once.
#
# **What we learnt.** Pack what you can, mask what you must pad, and divide the summed nats by the counted tokens.

# %% [markdown]
# ## 6 · Hold out whole documents
#
# *(core)*
#
# A model is judged on text it has not read. The convenient way to get some: shuffle all lines, keep every tenth for the test. But then the neighbours of each test line stand in the training text: the same
# names, the same subject, sometimes the same sentence.
#
# First a tool. Which share of a test text has the model already seen, in runs of some words?
#
# **By hand**, runs of two words: the test "a b c d" has the runs (a, b), (b, c), (c, d). The training texts are "so a b c or" and "x y". Seen: (a, b) and (b, c), so the share is $2/3$.
#
# **Exercise (core).** Use your `shingles_of`.

# %%
# @exercise course_lib.data.contamination:overlap_shares

# %%
overlap_shares = check("05a:overlap_shares", overlap_shares)

# %% [markdown]
# Now the experiment. The test text is always the same: every second paragraph of the held-out articles. One model trains on other articles only (**split by document**). The other may also see the paragraphs *in between*, as it would
# if lines had been shuffled (**split by line**), and fewer others, so that both read the same number of tokens. They are 4-gram models, as in lesson 00.

# %%
asked = [ids for article in test_ids for ids in article[::2]]
between = [ids for article in test_ids for ids in article[1::2]]
names = [str(i) for i in range(bpe.vocab_size)]
asked_bytes = np.array([len(bpe.decode(ids).encode()) for ids in asked])
shuffled = np.random.default_rng(run.seed).permutation(len(train_paragraphs))


def count_grams(paragraphs, order=4):
    words = [[names[i] for i in ids] for ids in paragraphs]
    return KneserNeyModel(KneserNeyConfig(order=order)).fit(
        words, Vocabulary.from_sentences([names])
    )


def nats_of(model, paragraphs):
    encoded = [model.encode([names[i] for i in ids]) for ids in paragraphs]
    ends = np.cumsum([len(ids) for ids in encoded])[:-1]
    return np.split(-model.token_log_probs(encoded), ends)


def bits_of(table):  # its columns: nats and bytes of a text
    return bits_per_character([-table[:, 0]], int(table[:, 1].sum()))


def bits_with_interval(nats, n_bytes):
    table = np.array([[part.sum(), n] for part, n in zip(nats, n_bytes, strict=True)])
    return bits_of(table), *bootstrap_interval(table, bits_of, n_resamples=300)


def texts_of(paragraphs):
    return [bpe.decode(ids) for ids in paragraphs]


# %%
half = [train_paragraphs[i] for i in shuffled[: len(shuffled) // 2]]
n_half, n_between = sum(map(len, half)), sum(map(len, between))
n_less = int(np.searchsorted(np.cumsum([len(ids) for ids in half]), n_half - n_between))
splits = {"by document": half, "by line": [*half[:n_less], *between]}
split_bits, split_rows = {}, []
for name, paragraphs in splits.items():
    split_bits[name] = bits_with_interval(nats_of(count_grams(paragraphs), asked), asked_bytes)
    seen = overlap_shares(texts_of(asked), texts_of(paragraphs), n_units=5)
    split_rows.append(
        [
            f"{sum(map(len, paragraphs)):,}",
            f"{np.mean(seen):.2%}",
            "{:.3f} [{:.3f}, {:.3f}]".format(*split_bits[name]),
        ]
    )
print(f"the same test for both: n = {len(asked)} paragraphs of {len(test_ids)} articles")
pd.DataFrame(
    split_rows,
    index=list(splits),
    columns=["tokens read", "runs of 5 words seen", "bits per byte of the test"],
)

# %% [markdown]
# The second model is not better. It was *asked* about articles of which it had read the other half. In use nobody will do it that favour, so its number is wrong, and wrong in the pleasant direction. Split by document; and where
# one author, site or day wrote many documents, split by that (`split_by_group`).
#
# Look at the middle column, too. Hardly any run of words was copied; what leaked are names, terms, the subject. So a large overlap proves a leak, but a small one does not prove that there is none. Only the split can see to that.
#
# And duplicates? A copied article lands on both sides of the fairest split. So remove duplicates *before* you split.
#
# **What we learnt.** The unit of the split is the largest thing whose parts know each other. Measure the overlap; do not assume that there is none.

# %% [markdown]
# ## 7 · Mix sources
#
# *(optional)*
#
# A real corpus has several sources, of very different sizes. In proportion to their sizes the small ones would drown. So people choose the **mixture**: GPT-3 did not sample its sources in proportion to their sizes; those of better quality came
# several times, others not even once (Brown et al. 2020, section 2.2).
#
# **Predict.** A model may read 150,000 tokens, of Wikipedia or of stories. If you give 10 % of them to stories, what does Wikipedia lose, and what do stories gain?

# %%
world = load(
    "storyworld",
    size=run.pick(small=1200, t4=4000),
    seed=run.seed,
    duplicate_rate=0.1,
    near_duplicate_rate=0.1,
    noise_rate=0.25,
)
stories = [row["text"] for row in world["train"] if row["origin"] == "story"]
new_stories = [*world["test"]["text"], *world["validation"]["text"]]
story_asked = [bpe.encode(text) for text in new_stories[:100]]
story_bytes = [len(text.encode()) for text in new_stories[:100]]
story_stream = pack_documents(bpe, stories, end_id).unfold(0, 60, 60).tolist()
wiki_stream = in_a_row(train_paragraphs[i] for i in shuffled).unfold(0, 60, 60).tolist()
budget, shares = 2500, (0.0, 0.02, 0.1, 0.3, 0.7, 0.9, 1.0)
mixed = {"Wikipedia": [], "stories": []}
for share in shares:
    n_stories = round(share * budget)
    repeated = list(chain.from_iterable([story_stream] * 2))[:n_stories]
    model = count_grams([*repeated, *wiki_stream[: budget - n_stories]])
    mixed["Wikipedia"].append(bits_with_interval(nats_of(model, asked[::3]), asked_bytes[::3])[0])
    mixed["stories"].append(bits_with_interval(nats_of(model, story_asked), story_bytes)[0])
print(
    f"each model reads {60 * budget:,} tokens; test: {len(asked[::3])} paragraphs, {len(story_asked)} stories"
)
pd.DataFrame(mixed, index=[f"{share:.0%} stories" for share in shares]).round(3)

# %%
# What does a little of something bring, and what does it cost?
show(
    plot_panels(
        Panel(
            title="One budget, two sources",
            axis_labels=("share of stories among what was read", "bits per byte on new text"),
            curves={name: Curve(x=shares, y=bits) for name, bits in mixed.items()},
            y_range=(0, None),
        )
    ),
    alt="Two curves of bits per byte against the share of stories from 0 to 1. "
    + "; ".join(
        f"{name}: {bits[0]:.2f} with none, {bits[2]:.2f} with a tenth, {bits[-1]:.2f} with nothing else"
        for name, bits in mixed.items()
    ),
)

# %% [markdown]
# The first few per cent of a source bring most; the last ones bring hardly anything. Both curves are bent like that, so a mixture is good at both at a small price. This is also how a model is moved to a new field (**domain adaptation**): mix the new
# texts in, and keep some of the old. Report the loss for each source; an average hides who pays.
#
# **What we learnt.** A mixture is a decision. Write the shares down, and measure per source.

# %% [markdown]
# ## Known truth
#
# In the story world we know what is a copy, what is noise, and how surprising the stories are. So every step of the line can be marked.
#
# ### Does the line find what was planted?
#
# A quarter of the stories were spoiled in five ways; then copies were added, exact ones, and some with a closing phrase behind them.

# %%
rows = list(world["train"])
crawl = [row["text"] for row in rows]
cleaned_crawl, crawl_report = clean(crawl)
fate = {removed.row: removed.reason for removed in crawl_report.removed}
pd.crosstab(
    pd.Series([row["origin"] for row in rows], name="what it is"),
    pd.Series([fate.get(i, "kept") for i in range(len(rows))], name="what became of it"),
)

# %% [markdown]
# Read the table by rows. All four kinds of noise that can be recognised are gone, and `noise-personal` was kept, with its data masked. Of each story and its copies one stays, whichever came first: so some "stories" are removed as duplicates of
# their copies. But did exactly one stay?

# %%
kept = [row["text"] for i, row in enumerate(rows) if i not in fate]
good = {row["text"] for row in rows if row["origin"] == "story"}
left = Counter(next((s for s in good if text.startswith(s)), None) for text in kept)
n_twice = sum(n - 1 for story, n in left.items() if story is not None)
print(
    f"different stories: {len(good)}; of these still there: {len(good & set(left))}; there twice: {n_twice}"
)
personal = [row["text"] for row in rows if row["origin"] == "noise-personal"]
heroes = [re.search(r"(\w+)[.]\d+@", text)[1].capitalize() for text in personal]
masked = [mask_personal_data(text) for text in personal]
for what, n_masked in {
    "telephone numbers": sum(one.counts.get("PHONE", 0) for one in masked),
    "e-mail addresses": sum(one.counts.get("EMAIL", 0) for one in masked),
}.items():
    low, high = proportion_interval(n_masked, len(personal))
    print(
        f"{what} masked: {n_masked / len(personal):.0%} [{low:.0%}, {high:.0%}], n = {len(personal)}"
    )

# %% [markdown]
# ### Is more cleaning better?
#
# Four versions of the same crawl: as it came; cleaned; cleaned with a rule that also throws out every story under 125 words ("short texts are of low quality"); and the stories alone, which only the one who planted the noise can pick out. **Predict** the order.

# %%
strict = CleaningRules(quality=QualityRules(min_words=125))
versions_of_crawl = {
    "as it came": crawl,
    "cleaned": cleaned_crawl,
    "cleaned strictly": clean(crawl, strict)[0],
    "stories alone": stories,
}
story_bpe = BPETokenizer.train(stories, vocab_size=1024, special_tokens=[END])
story_end = story_bpe.special_tokens[END]
n_letters = [len(text) for text in new_stories]
crawl_bits, crawl_rows = {}, []
for name, texts in versions_of_crawl.items():
    words = [story_bpe.tokenise(text) for text in texts]
    model = KneserNeyModel(KneserNeyConfig(order=6)).fit(words, Vocabulary.from_sentences(words))
    scored = [
        -model.token_log_probs([model.encode(story_bpe.tokenise(text))]) for text in new_stories
    ]
    crawl_bits[name] = bits_with_interval(scored, n_letters)
    crawl_rows.append([len(texts), "{:.3f} [{:.3f}, {:.3f}]".format(*crawl_bits[name])])
print(f"n = {len(new_stories)} new stories")
pd.DataFrame(
    crawl_rows,
    index=list(versions_of_crawl),
    columns=["documents", "bits per character of new stories"],
)

# %% [markdown]
# Cleaning helped this model only a little: it keeps counts, and strange symbols hardly disturb the counts of words. What noise costs is *time*: a network would have spent steps on it. The strict filter did far more harm than
# all the noise. It looked at length and threw away half of the truth. (And why is "cleaned" not worse than "stories alone"? It still has the stories that somebody's address was added to. They were worth keeping, too.)
#
# ### What copies do
#
# Now the main experiment. Take clean stories, and put some of them into the crawl 2, 4, 8, 16 and 32 times, 16 stories each. A small GPT (lesson 04) trains on it; another one trains on the same crawl *after deduplication*, for the same number of steps.
# Then we show each the first 24 tokens of a story that it has read, and let it go on, greedily, for 24 more. If it writes exactly what stood there, it knows the text **verbatim**.
#
# **Predict.** From how many copies on does it know a story by heart? And which of the two is better on *new* stories?

# %%
COPIES, N_EACH, KNOWN_TOKENS = (1, 2, 4, 8, 16, 32), 16, 24


def encode_story(text):
    return [story_end, *story_bpe.encode(text)][: 2 * KNOWN_TOKENS]


as_ids = [encode_story(text) for text in stories]
groups = {n: as_ids[i * N_EACH : (i + 1) * N_EACH] for i, n in enumerate(COPIES)}
with_copies = [*as_ids, *(ids for n, group in groups.items() for ids in group * (n - 1))]
repeated = [text for i, n in enumerate(COPIES) for text in stories[i * N_EACH :][:N_EACH] * (n - 1)]
found_twice = {duplicate.index for duplicate in find_duplicates([*stories, *repeated])}
deduplicated = [ids for i, ids in enumerate(with_copies) if i not in found_twice]
print(f"{len(with_copies):,} texts with copies, {len(deduplicated):,} without")


def warm_up_and_decay(n_steps, peak):
    rise, fall = np.arange(1, n_steps + 1) / 30, (n_steps - np.arange(n_steps)) / (0.6 * n_steps)
    return (peak * np.minimum(1.0, np.minimum(rise, fall))).tolist()


def regenerates(model, texts):
    ids = torch.as_tensor(texts)
    return (greedy_decode(model, ids[:, :KNOWN_TOKENS], KNOWN_TOKENS) == ids).all(dim=1)


# %%
n_steps, held_out = (
    run.pick(small=320, t4=1000),
    torch.tensor([encode_story(t) for t in new_stories]),
)
verbatim, story_nats = {}, {}
for name, texts in {"with copies": with_copies, "deduplicated": deduplicated}.items():
    torch.manual_seed(run.seed)
    sizes = {"max_len": 2 * KNOWN_TOKENS, "d_model": 64, "n_heads": 4, "n_layers": 2}
    gpt = GPT(GPTConfig(vocab_size=story_bpe.vocab_size, **sizes))
    with torch.no_grad():
        gpt.tokens.weight.mul_(5.0)  # as in lesson 04
    batches = PaddedBatches(texts, n_rows=16, seed=run.seed, pad_id=story_end)
    train_language_model(
        gpt, (batches[i] for i in range(n_steps)), warm_up_and_decay(n_steps, 0.006)
    )
    gpt.eval()
    verbatim[name] = {n: int(regenerates(gpt, group).sum()) for n, group in groups.items()}
    verbatim[name]["never read"] = int(regenerates(gpt, held_out[:N_EACH]).sum())
    with torch.no_grad():
        surprise = F.cross_entropy(gpt(held_out[:, :-1]).mT, held_out[:, 1:], reduction="none")
    story_nats[name] = surprise.sum(dim=1).double().numpy()


# %%
def interval_text(k, n):
    return "{} of {} [{:.0%}, {:.0%}]".format(k, n, *proportion_interval(k, n))


table = {
    name: {
        f"{key} ×" if key != "never read" else key: interval_text(k, N_EACH)
        for key, k in found.items()
    }
    for name, found in verbatim.items()
}
print("known verbatim, by how often the story stood in the crawl")
pd.DataFrame(table)

# %%
# From how many copies on does a model know a text by heart?
show(
    plot_panels(
        Panel(
            title="24 tokens continued word for word",
            axis_labels=("copies in the crawl (log scale)", "share of stories"),
            curves={
                name: Curve(x=COPIES, y=[found[n] / N_EACH for n in COPIES])
                for name, found in verbatim.items()
            },
            log_x=True,
        )
    ),
    alt="Share of stories that are continued verbatim against the number of copies, 1 to 32. "
    + "; ".join(
        f"{name}: " + ", ".join(f"{found[n] / N_EACH:.2f} at {n}" for n in COPIES)
        for name, found in verbatim.items()
    ),
)

# %%
gain = story_nats["with copies"] - story_nats["deduplicated"]
for name, nats in story_nats.items():
    print(
        "{:13} {:.1f} nats for the beginning of a new story [{:.1f}, {:.1f}]".format(
            name, nats.mean(), *bootstrap_interval(nats)
        )
    )
print(
    "deduplication saves {:.1f} nats [{:.1f}, {:.1f}], n = {}".format(
        gain.mean(), *bootstrap_interval(gain), len(gain)
    )
)
assert bootstrap_interval(gain).low > 0

# %% [markdown]
# The same steps, the same model. With copies, it learns a few texts by heart and the world badly; without them, it knows no text by heart and the world better. Deduplication costs nothing and helps twice. (Careful with the
# reading: the second model saw each different story more often, because there are fewer of them. That *is* the gain: steps that are not spent on copies.)
#
# (This was one run with one seed. The difference on new stories is many times its interval; the exact number of copies that are needed is not a law. It depends on the model and on the steps.)
#
# On the web it is the same: a sentence of 61 words stood in C4, a cleaned corpus, more than 60,000 times, and models trained on deduplicated text give back memorised text ten times less often (Lee et al. 2022). How much a model repeats grows with the
# copies, with the size of the model and with the length of the beginning it is shown (Carlini et al. 2022).
#
# ### A leak, and its proof
#
# Last, a copy on the wrong side. The stories of the *test* stand in the training text, once or four times. Here the floor is known: the surprise of the program that wrote them.

# %%
test_tokens = list(world["test"]["tokens"])
clean_tokens = [row["tokens"] for row in rows if row["origin"] == "story"]
floor_nats = -np.array(world["test"]["log_prob"])
leaks = {"no leak": 0, "leaked once": 1, "leaked four times": 4}
leak_nats = {}
for name, n in leaks.items():
    told = [*clean_tokens, *test_tokens * n]
    model = KneserNeyModel(KneserNeyConfig(order=8)).fit(told, Vocabulary.from_sentences(told))
    leak_nats[name] = np.array([-model.log_prob(model.encode(tokens)) for tokens in test_tokens])
    print(
        "{:18} {:6.1f} nats a story [{:.1f}, {:.1f}]".format(
            name, leak_nats[name].mean(), *bootstrap_interval(leak_nats[name])
        )
    )
print(f"{'entropy floor':18} {floor_nats.mean():6.1f} nats a story, n = {len(floor_nats)}")

# %% [markdown]
# Leaked once or four times, the 8-gram is better than the truth. That cannot be. A loss below the floor *proves* a leak. On real text nobody knows the floor, and a leaked model just looks excellent: that is why overlap is measured, and why whole documents are held out.

# %% [markdown]
# ## Real text
#
# Back to Wikipedia, and two questions that every project meets.
#
# ### How much text is enough?
#
# Train the 4-gram on more and more paragraphs, split by document, and ask for the same test.

# %%
fractions, curve_words, curve_bits = (1 / 16, 1 / 8, 1 / 4, 1 / 2, 1), [], []
for fraction in fractions:
    part = [train_paragraphs[i] for i in shuffled[: int(fraction * len(shuffled))]]
    curve_words.append(sum(len(text.split()) for text in texts_of(part)))
    curve_bits.append(bits_with_interval(nats_of(count_grams(part), asked), asked_bytes))
    print(
        "{:8,} words: {:.3f} bits per byte [{:.3f}, {:.3f}]".format(
            curve_words[-1], *curve_bits[-1]
        )
    )
per_doubling = (curve_bits[0][0] - curve_bits[-1][0]) / math.log2(curve_words[-1] / curve_words[0])
print(
    f"saved by each doubling: {per_doubling:.3f} bits per byte on average; by the last: {curve_bits[-2][0] - curve_bits[-1][0]:.3f}"
)

# %%
# Is more text always better?
show(
    plot_panels(
        Panel(
            title="No end in sight",
            axis_labels=("words read (log scale)", "bits per byte on new articles"),
            curves={"4-gram": Curve(x=curve_words, y=[bits for bits, _, _ in curve_bits])},
            levels={"half the text, split by line": split_bits["by line"][0]},
            log_x=True,
            y_range=(split_bits["by line"][0] - 0.1, curve_bits[0][0] + 0.05),
        )
    ),
    alt=f"Bits per byte against the number of words read, on a logarithmic axis: almost a straight line from {curve_bits[0][0]:.2f} at "
    f"{curve_words[0]:,} words to {curve_bits[-1][0]:.2f} at {curve_words[-1]:,}. A dotted level at {split_bits['by line'][0]:.2f}: the leaky split with half the text.",
)

# %% [markdown]
# Each doubling brings about as much as the one before: a straight line on a logarithmic axis. So there is no number of words that is "enough"; there is a price per improvement, and it doubles each time. (Lesson 05c turns this into a law.) And look at the dotted level: the leaky split
# flatters by more than the last doubling of the text has brought.
#
# ### Perplexity, once more
#
# Three tokenizers, one kind of model, the same training and test text. Bytes are allowed to look back further, as in lesson 02.

# %%
small_train, small_test = (
    train_articles[:25],
    ["\n\n".join(texts_of(article)) for article in test_ids[:6]],
)
test_bytes = sum(len(text.encode()) for text in small_test)
cutters = {
    "bytes": (lambda text: [str(i) for i in text.encode()], 8),
    "BPE, 512": (BPETokenizer.train(small_train, vocab_size=512).tokenise, 5),
    "BPE, 4,096": (BPETokenizer.train(small_train, vocab_size=4096).tokenise, 4),
}
measured = {}
for name, (cut, order) in cutters.items():
    words = [cut(text) for text in small_train]
    model = KneserNeyModel(KneserNeyConfig(order=order)).fit(
        words, Vocabulary.from_sentences(words)
    )
    log_probs = model.token_log_probs([model.encode(cut(text)) for text in small_test])
    measured[name] = {
        "tokens": len(log_probs),
        "perplexity": perplexity(-log_probs.mean()),
        "bits per byte": bits_per_character([log_probs], test_bytes),
    }
pd.DataFrame(
    {
        name: [f"{row['tokens']:,}", f"{row['perplexity']:.2f}", f"{row['bits per byte']:.3f}"]
        for name, row in measured.items()
    },
    index=["tokens of the test", "perplexity", "bits per byte"],
).T

# %% [markdown]
# By perplexity the bytes look far ahead: they have 256 choices, not thousands. In bits per byte the three are close together, and they can be compared. Bytes instead of characters, because then the number can also be compared across languages and scripts, and nobody asks what a
# character is.

# %% [markdown]
# ## On a GPU
#
# The experiment on copies, with more text, more copies, and a larger model. The text is WikiText-103 if it can be had, else our excerpt; it is cleaned first, and the report is kept. Without a GPU you see what was recorded, if
# anything was.

# %% tags=["gpu"]
from course_lib.errors import DataNotFoundError

if run.gpu_cell:
    documents, source = wiki, "wikipedia-excerpt"
    if run.scale != "dry":
        try:
            documents, source = load("wikitext-103").documents, "wikitext-103"
        except DataNotFoundError:
            print("WikiText-103 is not here, so this run uses the Wikipedia excerpt instead.")
    lines = [
        line
        for text in documents[: run.pick(small=3, t4=1500, full=6000)]
        for line in text.split("\n")
    ]
    texts, line_report = clean(lines, CleaningRules(quality=QualityRules(min_words=60)))
    big_bpe = BPETokenizer.train(
        texts[:5000], vocab_size=run.pick(small=300, t4=8192), special_tokens=[END]
    )
    big_end = big_bpe.special_tokens[END]
    n_ids = run.pick(small=16, t4=100)
    ids = [[big_end, *big_bpe.encode(text)][:n_ids] for text in texts]
    ids = [one for one in ids if len(one) == n_ids]
    copies = run.pick(
        small=(1, 2), t4=(1, 2, 4, 8, 16, 32, 64, 128), full=(1, 2, 4, 8, 16, 32, 64, 128, 256)
    )
    n_each = run.pick(small=2, t4=50, full=100)
    planted = {n: ids[i * n_each : (i + 1) * n_each] for i, n in enumerate(copies)}
    new, read = torch.tensor(ids[-n_each:]).to(run.device), ids[:-n_each]
    crowded = [*read, *(one for n, group in planted.items() for one in group * (n - 1))]
    sizes = run.pick(
        small={"d_model": 16, "n_heads": 2, "n_layers": 1},
        t4={"d_model": 384, "n_heads": 6, "n_layers": 6},
        full={"d_model": 768, "n_heads": 12, "n_layers": 12},
    )
    steps, n_rows = run.pick(small=(2, 4), t4=(3000, 64), full=(8000, 128))
    result = {
        "text": source,
        "kept of cleaning": f"{line_report.n_kept:,} of {line_report.n_in:,} lines",
    }
    for name, chosen in {"with copies": crowded, "deduplicated": read}.items():
        torch.manual_seed(run.seed)
        big = GPT(GPTConfig(vocab_size=big_bpe.vocab_size, max_len=n_ids, **sizes)).to(run.device)
        batches = PackedBatches(
            torch.tensor(list(chain.from_iterable(chosen))),
            n_rows=n_rows,
            n_tokens=n_ids - 1,
            seed=run.seed,
        )
        on_device = ([part.to(run.device) for part in batches[i]] for i in range(steps))
        train_language_model(big, on_device, warm_up_and_decay(steps, 0.001))
        big.eval()
        for n, group in planted.items():
            whole = torch.tensor(group).to(run.device)
            written = greedy_decode(big, whole[:, : n_ids // 2], n_ids - n_ids // 2)
            result[f"{name}: verbatim at {n} copies"] = (
                (written == whole).all(dim=1).double().mean().item()
            )
        with torch.no_grad():
            result[f"{name}: nats per token of new text"] = next_token_loss(big(new), new).item()
    recorded = run.record("05a-copies", result)
else:
    recorded = run.recorded("05a-copies")
for name, value in recorded.result.items():
    print(f"{name}: {value}")

# %% [markdown]
# ## Exercises
#
# They stand where they belong in the sections above:
#
# | | level | section |
# |---|---|---|
# | `shingles_of` | core | [3 · What is there twice](#3-·-What-is-there-twice) |
# | `jaccard` | easy | [3 · What is there twice](#3-·-What-is-there-twice) |
# | `has_luhn_digit` | core | [4 · Personal data](#4-·-Personal-data) |
# | `pack_windows` | core | [5 · Tokenise, pack, count](#5-·-Tokenise,-pack,-count) |
# | `overlap_shares` | core | [6 · Hold out whole documents](#6-·-Hold-out-whole-documents) |
#
# Six more without a check, if you like:
#
# - *Easy.* Run `quality_problems` on a poem, a recipe and a chat of yours. Which rule is the first to object? Is it right?
# - *Core.* How does the similarity of *one word changed* depend on the length of the shingles? Try 1, 3, 5 and 9, and say which you would use.
# - *Core.* Deduplicate the crawl with `threshold=0.5`. Which good stories are lost, and why?
# - *Core.* In *What copies do*, show the model 8 or 16 tokens instead of 24. How does the share of verbatim stories change? (`KNOWN_TOKENS` is the place.)
# - *Core.* Leak half of each test story instead of whole ones. What do `overlap_shares` and the loss say?
# - *Stretch.* Plant a canary: `storyworld.make_canaries([1, 8, 64])` and the option `canaries` of `load("storyworld", …)`. Among all 10,000 possible numbers, which rank has the true one, by the model's surprise?

# %% [markdown]
# ## In your own words
#
# A colleague wants to train a model on all e-mails of your institute. "We have removed every e-mail address and telephone number, so it is anonymous. And we keep 5 % of the messages, at random, as a test." Answer in six sentences or fewer.
#
# <details><summary>What a good answer contains</summary>
#
# - Masking by form leaves names, places and contents; the text is less personal, not anonymous.
# - May one use these messages for that at all? Origin, consent and licence come first.
# - E-mails quote each other: the same text stands in many messages, and models learn by heart what is there often. Deduplicate.
# - Messages of one thread land on both sides of a random split; split by thread or by person, after deduplication, and measure the overlap.
#
# Three of the four is good.
#
# </details>

# %% [markdown]
# <!-- @answer institute-mails -->
# *Write your answer here: double-click this cell.*

# %% [markdown]
# ## Claims, tested
#
# Five sentences that you will read elsewhere. Each was tested in this lesson.
#
# ### “Duplicates in the training text do no harm.”
#
# **False.** They are learnt by heart, and the model is worse on everything else, after the same number of steps:

# %%
for name, found in verbatim.items():
    print(
        f"{name:13} verbatim at 32 copies {found[32]} of {N_EACH}, at 1 copy {found[1]} of {N_EACH}; new stories {story_nats[name].mean():.1f} nats"
    )

# %% [markdown]
# ### “The more you clean, the better the model.”
#
# **False.** A filter is a bet that what it removes is worthless. A careless one costs more than the noise:

# %%
for name, (bits, low, high) in crawl_bits.items():
    print(f"{name:17} {bits:.3f} bits per character of new stories [{low:.3f}, {high:.3f}]")
print(
    "good texts thrown away by the default rules:",
    ", ".join(f"{name} {share:.0%}" for name, share in rejected_shares.items()),
)

# %% [markdown]
# ### “Perplexities of different models can be compared.”
#
# **Only with the same tokens, all of them counted alike.** Other tokens change the number, and so do counted pads:

# %%
for name, row in measured.items():
    print(
        f"{name:11} perplexity {row['perplexity']:7.2f}, {row['bits per byte']:.3f} bits per byte"
    )
for name, row in zip(("pads counted", "pads left out"), pad_rows, strict=True):
    print(f"{name:13} reported perplexity {row[1]:7.2f}, on new text {row[3]:7.2f}")

# %% [markdown]
# ### “A language model needs millions or billions of words.”
#
# **Imprecise.** GPT-3 was trained on 300 billion tokens (Brown et al. 2020), today's models on trillions. But no number is a threshold; it is a price:

# %%
wanted = 1.0
n_doublings = (curve_bits[-1][0] - wanted) / per_doubling
print(
    f"{curve_words[-1]:,} words: {curve_bits[-1][0]:.2f} bits per byte; each doubling saves about {per_doubling:.2f}"
)
print(
    f"if that went on, {wanted:.0f} bit per byte would need about {curve_words[-1] * 2**n_doublings / 1e6:,.0f} million words"
)

# %% [markdown]
# (Straight lines do not go on for ever, and other models have steeper ones.)
#
# ### “Masked data is anonymous data.”
#
# **False.** What has a form is found; what has none is not:

# %%
n_clean = sum(len(one.found) == 2 for one in masked)
n_named = sum(hero in one.text for hero, one in zip(heroes, masked, strict=True))
print(
    f"number and address masked in {n_clean} of {len(masked)} texts; the hero's name still stands in {n_named}"
)

# %% [markdown]
# ## Quiz

# %%
quiz("05a")

# %% [markdown]
# In a notebook without buttons, answer like this: `answer_quiz("05a", 2, "b")`.
#
# ## Summary

# %% [markdown]
# - Collect with origin, licence and digest. Less than half of a raw dump is prose.
# - Normalise, filter by named rules, log each removal, check that twice is once; then read the rejects: filters hit some kinds of text, and some people, harder.
# - Near-duplicates are sets of shingles with a high Jaccard similarity; MinHash and bands find them without comparing all pairs.
# - Copies are learnt by heart, and cost the model what it could have learnt instead.
# - Masking finds forms, not persons.
# - Pack; where you pad, count only what counts: summed nats over counted tokens, divided once.
# - Hold out whole documents, after deduplication. A loss below the floor proves a leak; on real text, measure the overlap.
# - Compare in bits per byte. More text helps by a fixed amount per doubling.

# %% [markdown]
# ## Further reading
#
# - Lee et al. 2022, *Deduplicating Training Data Makes Language Models Better*, <https://arxiv.org/abs/2107.06499>.
# - Carlini et al. 2022, *Quantifying Memorization Across Neural Language Models*, <https://arxiv.org/abs/2202.07646>.
# - Broder 1997, *On the resemblance and containment of documents*: shingles and MinHash.
# - Longpre et al. 2023, *A Pretrainer's Guide to Training Data*, <https://arxiv.org/abs/2305.13169>: 28 models, filtered and mixed in different ways.
# - Lukas et al. 2023, *Analyzing Leakage of Personally Identifiable Information in Language Models*, <https://arxiv.org/abs/2302.00539>.
# - Dodge et al. 2021, *Documenting Large Webtext Corpora: A Case Study on the Colossal Clean Crawled Corpus*, <https://arxiv.org/abs/2104.08758>.
# - Rae et al. 2021, *Scaling Language Models: Methods, Analysis & Insights from Training Gopher*, section A1.1, <https://arxiv.org/abs/2112.11446>: the rules behind ours.
# - Brown et al. 2020, *Language Models are Few-Shot Learners*, sections 2.2 and C, <https://arxiv.org/abs/2005.14165>: mixture, and contamination found too late.
# - Ding et al. 2024, *Fewer Truncations Improve Language Modeling*, <https://arxiv.org/abs/2404.10830>: what packing cuts apart, and a remedy.
# - Muennighoff et al. 2023, *Scaling Data-Constrained Language Models*, <https://arxiv.org/abs/2305.16264>: how often the same text can be read with profit.

# %%
run.summary()
