# %% [markdown]
# # 07a · Fine-tuning BERT: what pretraining brings
#
# **The question:** A model has read millions of words that nobody labelled. How much does that save when labels are few, and which of its weights should learn from them?

# %% [markdown]
# ## You will be able to
#
# - ask a masked language model what it knows, and measure the answer against a baseline;
# - show that one word has several contextual vectors and one static vector, and say what that is worth;
# - put a head on a pretrained encoder, and say which of the weights are random;
# - compare frozen features, fine-tuning, LoRA and training from scratch on the same labels, with several seeds;
# - choose learning rate, epochs and warm-up in proportion to the number of steps, and run the same fine-tuning with Hugging Face's `Trainer`.

# %% [markdown]
# ## Before you start
#
# | | |
# |---|---|
# | Builds on | 01: word vectors; 03: encoders, masks; 04: the training loop; 05b: masked language modelling, AdamW, schedules |
# | Your time | about 90 minutes |
# | On a CPU | about a minute and a half on one core, under 2 GB of memory |
# | On a GPU | not needed; the cell under *On a GPU* draws the learning curves with more labels and seeds |

# %% [markdown]
# ## Recall
#
# Answer from memory, then open the answer.
#
# 1. What does a masked language model predict, and from what?
#
# <details><summary>Answer</summary>
#
# The tokens that were hidden, from all tokens that were not: those before *and* those after.
#
# </details>
#
# 2. A batch holds texts of different lengths. What would happen if attention did not know which tokens are padding?
#
# <details><summary>Answer</summary>
#
# Padding would be read as text, and a text's vectors would depend on how long its neighbours in the batch are.
#
# </details>
#
# 3. What is the loss of a classifier with five classes that knows nothing?
#
# <details><summary>Answer</summary>
#
# $\ln 5 \approx 1.61$ nats, if it says so and gives each class 1/5. If it is sure and wrong, more.
#
# </details>

# %% [markdown]
# ## Set-up

# %%
# @setup

# %% [markdown]
# The imports. Five functions and classes you will write yourself.

# %%
import random
import tempfile
import warnings
from collections import Counter
from copy import deepcopy
from dataclasses import replace
from itertools import islice, product
from pathlib import Path

import numpy as np
import pandas as pd
import torch
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from torch.nn import functional as F

from course_lib.data import load
from course_lib.data.stories import stream_stories
from course_lib.data.story_lexicon import lexicon
from course_lib.data.story_tasks import bank_sentences
from course_lib.data.storyworld import split_of_story
from course_lib.embeddings import load_course_vectors
from course_lib.errors import DataNotFoundError, WeightsNotFoundError
from course_lib.evaluation import accuracy, majority_share, mean_and_sd, proportion_interval
from course_lib.finetuning import (
    Classifier,
    ClassifierConfig,
    FromScratch,
    FrozenFeatures,
    FullFineTuning,
    LoRAConfig,
    LoRAFineTuning,
    LoRALinear,
    SequenceClassifier,
    TrainingPlan,
    add_lora,
    learning_curve,
    load_encoder,
    merge_lora,
    pool,
)
from course_lib.generation import fill_mask
from course_lib.lesson import answer_quiz, check, hint, quiz
from course_lib.models import load_checkpoint
from course_lib.plotting import show, use_course_style
from course_lib.plotting.curves import Curve, Panel, plot_panels
from course_lib.plotting.learning import plot_learning_curves
from course_lib.seeding import make_generator
from course_lib.training import AdamWConfig

use_course_style()
warnings.filterwarnings("ignore", message=".*lost their ends")
in_test = run.scale == "dry"  # the course's own tests: everything as short as it can be

# %% [markdown]
# ## 1 · What hidden words teach
#
# `mini-bert` comes with the course: a BERT with four layers that has read books, encyclopedia articles, docstrings, stories and Chinese texts, about fifteen million tokens (its card in `data/checkpoints/mini-bert` says which). Nobody labelled anything. Almost a third of the tokens was hidden, and it was asked for those.
#
# **Predict:** it reads *“The child was so [MASK] that she sang all the way home.”* Which words will it propose? Only those that *mean* the right thing, or also some that merely *fit the grammar*?

# %%
# NBVAL_CHECK_OUTPUT
mini_bert = load_checkpoint("mini-bert")
model, tokenizer = mini_bert.model, mini_bert.tokenizer
n_parameters = sum(parameter.numel() for parameter in model.parameters())
print(f"{n_parameters:,} parameters, {tokenizer.vocab_size:,} tokens")

# %% [markdown]
# The model gives logits for every place, shape $(T, V)$. Of these only the row at the mask is wanted; a softmax over the whole vocabulary makes probabilities of it.
#
# **By hand.** Three tokens in the vocabulary, logits at the mask (2, 1, 0): $e^2 : e^1 : e^0 = 7.39 : 2.72 : 1$, so 0.67, 0.24, 0.09. The probabilities are about *tokens*. A word of two tokens cannot be an answer to one mask.
#
# **Your turn:** choose the likeliest tokens at the mask.

# %%
# @exercise course_lib.generation.filling:likeliest_fillings

# %%
likeliest_fillings = check("07a:likeliest_fillings", likeliest_fillings)

# %%
for text in (
    "The child was so[MASK] that she sang all the way home.",
    "He put on his hat and went out of the[MASK].",
    "The baker lived in a[MASK] with his wife.",
    "从前有一个[MASK]，他住在山上。",
):
    found = fill_mask(model, tokenizer, text, n_best=5)
    print(text, "→", ", ".join(f"{one.token.strip()} {one.probability:.2f}" for one in found))

# %% [markdown]
# (There is no space before `[MASK]`: in this tokenizer the space belongs to the token that follows it, lesson 02, and it is hidden with it.)
#
# Fluent guesses impress, so let us count. In stories that the model has not read and in the course's hand-written passages, one token of each sentence is hidden. **The baseline** always says the token that is the most frequent one among the hidden ones.

# %%
rng = random.Random(run.seed)
N_HIDDEN = 20 if in_test else run.pick(small=200, t4=1000)
marks = {name: tokenizer.id_of(name) for name in ("[CLS]", "[SEP]", "[MASK]")}
unread = [
    story.told["en"].sentences
    for story in islice(stream_stories(run.seed + 7, languages=("en", "zh")), 3 * N_HIDDEN)
    if split_of_story(story.told["en"].text) == "test"
]
passages = [row["context"].split(". ")[0] + "." for row in load("passages")["train"]]
sources = {
    "stories": [sentence for story in unread for sentence in story][:N_HIDDEN],
    "passages": sorted(set(passages))[:N_HIDDEN],
}
rows = []
for name, sentences in sources.items():
    hidden, right = [], []
    for sentence in sentences:
        ids = [marks["[CLS]"], *tokenizer.encode(sentence), marks["[SEP]"]]
        place = rng.randrange(1, len(ids) - 1)
        hidden.append(ids[place])
        ids[place] = marks["[MASK]"]
        with torch.inference_mode():
            right.append(model(torch.tensor([ids]))[0, place].argmax().item() == hidden[-1])
    likely = majority_share(hidden)
    low, high = proportion_interval(sum(right), len(right))
    rows.append((name, len(right), np.mean(right), f"[{low:.2f}, {high:.2f}]", likely))
columns = ["text", "n", "accuracy", "95 % interval", "most frequent token"]
pd.DataFrame(rows, columns=columns).round(2)

# %% [markdown]
# **What we learnt.** From hidden words alone a model learns which words may stand where. On the stories, a small world of which it has read much, that works far better than on a few sentences about anything.
#
# ## 2 · One word, several vectors
#
# Lesson 01 gave every word *one* vector. But “bank” has two meanings. **Predict:** you get the vector of “bank” in a sentence, from lesson 01 and from inside `mini-bert`. From which one can you tell whether money or a river is meant?
#
# The sentences come from the story world, which knows the sense of each: three kinds of sentences about rivers, three about money. A probe (a logistic regression) learns from two kinds of each, and is asked about the two that are left; that in all nine ways. So it cannot know the sentences by heart.

# %%
kinds = {
    "river": ("a heron", "a trout", "reached the top"),
    "money": ("a clerk", "the interest", "the bank lent"),
}
bank_rows = bank_sentences(run.pick(small=400, t4=2000), seed=1)
senses = {row["text"]: row["sense"] for row in bank_rows}  # each text once
truth = np.array(list(senses.values()))
encoder = load_encoder("mini-bert")
bank_id = tokenizer.encode(" bank")[0]


@torch.inference_mode()
def vector_of_bank(text):
    ids = encoder.encode(text)
    return encoder(torch.tensor([ids]))[0, ids.index(bank_id)].numpy()


static = load_course_vectors()["bank"]
vectors = {
    "lesson 01, one vector a word": np.stack([static for _ in senses]),
    "mini-bert, one vector a place": np.stack([vector_of_bank(text) for text in senses]),
}
probe = make_pipeline(StandardScaler(), LogisticRegression(C=0.01, max_iter=2000))
for name, table in vectors.items():
    scores = []
    for pair in product(*kinds.values()):
        is_test = np.array([any(words in text for words in pair) for text in senses])
        probe.fit(table[~is_test], truth[~is_test])
        scores.append(probe.score(table[is_test], truth[is_test]))
    mean, lowest = np.mean(scores), min(scores)
    print(f"{name:30} right: mean {mean:.2f}, lowest {lowest:.2f} of {len(scores)} ways")
print(f"n = {len(truth)} sentences")

# %% [markdown]
# The static probe says the same whatever the sentence is: the same vector goes in. No probe, however clever, can do better with it.
#
# And with sentences that no story ever told? Six, written for this cell. Look at what it says before you trust it:

# %%
probe.fit(vectors["mini-bert, one vector a place"], truth)
for text in (
    "She opened an account at the bank and paid in her wages.",
    "The bank refused him a loan.",
    "The thieves came out of the bank with the money.",
    "They pulled the boat up on the bank and made a fire.",
    "Reeds and wild flowers grew along the bank of the stream.",
    "He fished from the bank until the sun went down.",
):
    (sense,) = probe.predict([vector_of_bank(text)])
    print(f"{sense:6} ← {text}")

# %% [markdown]
# **What we learnt.** Attention writes the neighbours into a word's vector. A classifier on top can use that, and could not get it from a static vector. How far it carries beyond the sentences that the probe has seen is another question, and has to be measured.
#
# ## 3 · A head, and what it says before it has learnt
#
# A classifier needs *one* vector for a text. Three ways, with hidden vectors $H \in \mathbb{R}^{T \times d}$ and a mask that is True for tokens:
#
# - **first**: $h_1$, the vector of `[CLS]`. Original BERT; sensible if something in pretraining trained it.
# - **mean**: $\frac{1}{n}\sum_{t\,:\,\text{mask}_t} h_t$ over the $n$ tokens, never over padding.
# - **last**: that of the last token, for decoders: it is the only one that has seen the whole text.
#
# **By hand.** Vectors (1), (3), (100), the third is padding: first 1, mean 2, last 3. The mean over everything would be 34.7, and would change if the text were batched with a longer one.
#
# **Your turn.**

# %%
# @exercise course_lib.finetuning.heads:pool

# %%
pool = check("07a:pool", pool)

# %% [markdown]
# On top comes a matrix $W \in \mathbb{R}^{K \times d}$ with a bias, one row a class. It is **new**: its weights are random. Many tutorials load a BERT with such a head and show its “prediction” for two sentences right away. **Predict:** the sentences are a glad and a sad one. How often will two thousand random heads name both rightly?

# %%
two = ["I love this film, it made me so happy.", "I hate this film, it made me so sad."]
ids = encoder.encode_all(two)
longest = max(map(len, ids))
batch = torch.tensor([row + [encoder.pad_id] * (longest - len(row)) for row in ids])
mask = batch != encoder.pad_id
with torch.inference_mode():
    features = pool(encoder(batch, mask), mask, "mean")
dice = make_generator(run.seed)
heads = torch.randn(2000, 2, encoder.d_model, generator=dice) * 0.02
says = (heads @ features.T).argmax(dim=1)  # (2000, sentences)
counts = Counter(map(tuple, says.tolist()))
names = {1: "glad", 0: "sad"}
for pair, n in sorted(counts.items()):
    print(f"the glad one {names[pair[0]]:4}, the sad one {names[pair[1]]:4}: {n} of 2,000 heads")
low, high = proportion_interval(counts[1, 0], 2000)
print(f"both right: {counts[1, 0] / 2000:.3f} [{low:.3f}, {high:.3f}]; a coin for each: 0.250")

# %% [markdown]
# Worse than coins: two texts of one kind have vectors that lie close together, so a random plane nearly always has both on the same side. A fresh head has no opinion; it has a random one, and the same one about everything.
#
# **What we learnt.** Encoder pretrained, head random: 514 numbers for two classes here. Nothing that comes out of it means anything before labels came in.
#
# ## 4 · Three ways to use labels
#
# Now the experiment of this lesson. The task: which *kind* of thing is it? The story world has foods, animals, professions, objects and places. Half of the words get labels. **All words of the test are others**, never labelled: whoever knows them knows them from reading.

# %%
# NBVAL_CHECK_OUTPUT
kinds_of_things = {
    "food": "foods",
    "animal": "animals",
    "profession": "professions",
    "object": "objects",
    "place": "places",
}
words = {
    kind: sorted({str(item.row["en"]) for item in lexicon()[name]})
    for kind, name in kinds_of_things.items()
}
times = Counter(word for those in words.values() for word in those)
rng = random.Random(run.seed)
labelled, unlabelled = [], []
for kind, those in words.items():
    clear = [word for word in those if times[word] == 1]
    rng.shuffle(clear)
    for place, word in enumerate(clear[:32]):
        (labelled, unlabelled)[place % 2].append((f"the {word}", kind))
train_set = tuple(map(list, zip(*labelled, strict=True)))
test_set = tuple(map(list, zip(*unlabelled, strict=True)))
print(len(labelled), "labelled:", labelled[0], labelled[20], labelled[40])
print(len(unlabelled), "to test:", unlabelled[0], unlabelled[20], unlabelled[40])
print(f"always the most frequent kind: {majority_share(test_set[1]):.2f}")

# %% [markdown]
# The three ways:
#
# - **Frozen features.** The encoder stays as it is; a logistic regression reads its vectors. $5d + 5$ numbers learn.
# - **Fine-tuning.** Everything learns, beginning with the pretrained weights.
# - **From scratch.** The same model, and the same steps, but with fresh weights: the control. Without it nobody knows what the *pretraining* was worth.
#
# Fine-tuning is the loop of lesson 04 with another loss. Here it is in full, once, with nothing hidden:

# %%
classes = sorted(kinds_of_things)
ids = encoder.encode_all(train_set[0])
targets = torch.tensor([classes.index(kind) for kind in train_set[1]])
classifier = SequenceClassifier(
    deepcopy(encoder), len(classes), pooling="mean", generator=make_generator(run.seed)
)
adamw = torch.optim.AdamW(classifier.parameters(), lr=3e-4)
torch.manual_seed(run.seed)  # dropout
classifier.train()
for step in range(11 if in_test else run.pick(small=40, t4=200)):
    chosen = torch.randint(len(ids), (16,)).tolist()
    longest = max(len(ids[row]) for row in chosen)
    batch = torch.tensor(
        [ids[row] + [encoder.pad_id] * (longest - len(ids[row])) for row in chosen]
    )
    loss = F.cross_entropy(classifier(batch, batch != encoder.pad_id), targets[chosen])
    adamw.zero_grad()
    loss.backward()
    torch.nn.utils.clip_grad_norm_(classifier.parameters(), 1.0)
    adamw.step()
    if step % 10 == 0:
        print(f"step {step:3}: {loss.item():.2f} nats")

# %%
classifier.eval()
with torch.inference_mode():
    said = [
        classes[classifier(torch.tensor([encoder.encode(text)])).argmax().item()]
        for text in test_set[0]
    ]
n_right = sum(one == other for one, other in zip(said, test_set[1], strict=True))
low, high = proportion_interval(n_right, len(said))
print(f"words never labelled: {n_right} of {len(said)} right [{low:.2f}, {high:.2f}]")

# %% [markdown]
# From here on the library does it. `Classifier` takes an encoder and a *strategy*, batches by length, warms up, clips, keeps the best weights on a dev split if you give one. **One run says little.** So each point below is the mean of three seeds (other labels drawn, other order, other head), with a band of one standard deviation.
#
# **Predict** the three curves: where does each begin at 16 labels, and where does each end?

# %%
N_STEPS = 5 if in_test else run.pick(small=40, t4=120)
SEEDS = tuple(range(2 if in_test else run.pick(small=3, t4=5)))
SIZES = (16, 36, len(train_set[0]))
settings = ClassifierConfig(pooling="mean")
RATE = 3e-4


def plan_for(n_labels, rate=RATE):
    n_epochs = max(1, round(N_STEPS * 16 / n_labels))
    return TrainingPlan(n_epochs=n_epochs, n_rows=16, optimizer=AdamWConfig(learning_rate=rate))


ways = {
    "frozen features": lambda n: FrozenFeatures(inverse_penalty=0.1),
    "fine-tuned": lambda n: FullFineTuning(plan=plan_for(n)),
    "from scratch": lambda n: FromScratch(plan=plan_for(n)),
}
curves = {
    name: learning_curve(
        Classifier(encoder, way(16), settings),
        train_set,
        test_set,
        sizes=SIZES,
        seeds=SEEDS,
        strategy_for=way,
    )
    for name, way in ways.items()
}
levels = {"most frequent kind": majority_share(test_set[1])}
show(
    plot_learning_curves(curves, levels, title="Words never labelled: which kind of thing?"),
    alt="Three curves with bands, accuracy over 16, 36 and 72 labels: frozen features and "
    "fine-tuning rise, from scratch stays near the line of the most frequent kind.",
)
for name, curve in curves.items():
    print(
        f"{name:16}",
        ", ".join(f"{n}: {mean:.2f}" for n, mean in zip(curve.sizes, curve.means, strict=True)),
    )

# %% [markdown]
# From scratch there is nothing to go by but a few letters that words share; more labels of *other* words hardly help. What lies between the curves is what pretraining brought. The number of words in the test, 72, makes each single point uncertain by about a tenth; the seeds and the three sizes together make the picture sure.
#
# **What we learnt.** Pretraining is paid once; every task then needs fewer labels. Frozen features are the cheapest way, and with a handful of labels often as good as any; the more labels, the more fine-tuning can do.
#
# ### Classes of unequal size
#
# Fewer animals than anything else: a model that never says “animal” loses little. Weights can make each *class* count alike, $w_k = \frac{N}{K\,n_k}$.
#
# **By hand.** Six texts, four of class 0 and two of class 1: $w_0 = 6/(2 \cdot 4) = 0.75$, $w_1 = 6/(2 \cdot 2) = 1.5$. Summed over all texts the weights give 6 again.

# %%
# @exercise course_lib.finetuning.losses:balanced_weights

# %%
balanced_weights = check("07a:balanced_weights", balanced_weights)

# %%
# NBVAL_CHECK_OUTPUT
numbers = [classes.index(kind) for kind in train_set[1]]
for kind, weight in zip(classes, balanced_weights(numbers, len(classes)), strict=True):
    print(f"{kind:10} {train_set[1].count(kind):2} labels, weight {weight:.2f}")

# %% [markdown]
# In the library: `ClassifierConfig(is_balanced=True)`. It costs accuracy when the test is as unequal as the training; use it when the small class matters as much.
#
# ## 5 · How fast, how long, which layers
#
# Pretrained weights are a good place to be. Steps that are too large leave it; steps that are too small never arrive. **Predict:** which of three learning rates, a factor of ten apart, will be best after some forty steps?

# %%
grid = {}
for rate in (3e-5, 3e-4, 3e-3):
    fitted = Classifier(encoder, FullFineTuning(plan=plan_for(72, rate)), settings)
    history = fitted.fit(*train_set).history
    score = accuracy(fitted.predict(test_set[0]), test_set[1])
    grid[rate] = (history.losses, score, float(np.median(history.seconds)))
show(
    plot_panels(
        Panel(
            title="The same steps at three learning rates",
            axis_labels=("optimiser step", "loss in training (nats)"),
            curves={
                f"{rate:g}": Curve(x=list(range(1, len(losses) + 1)), y=losses)
                for rate, (losses, _, _) in grid.items()
            },
            levels={"knows nothing: ln 5": float(np.log(5))},
        )
    ),
    alt="Loss in training over some forty steps at learning rates 3e-5, 3e-4 and 3e-3.",
)
for rate, (losses, score, _) in grid.items():
    low, high = proportion_interval(round(score * len(test_set[0])), len(test_set[0]))
    print(
        f"rate {rate:g}: loss at the end {np.mean(losses[-5:]):.2f}, test {score:.2f} [{low:.2f}, {high:.2f}]"
    )

# %% [markdown]
# The best rate of this small model would be a large one for BERT-base: Devlin et al. (appendix A.3) recommend 2e-5 to 5e-5 there, for two to four epochs. Take such figures as the place to begin the search, for *your* model, never as a law. And a loss near 0 in training says nothing about the test: 72 labels are quickly known by heart.
#
# ### Warm-up is counted in steps
#
# A schedule lets the rate rise over the first steps. A well-known tutorial trains BERT on **two sentences for three epochs**, batch size 4, with `warmup_steps=500`. That makes three optimiser steps. **By hand:** the rate in step $s$ (from 0) is $5 \cdot 10^{-5} \cdot s / 500$: 0, then 1e-7, then 2e-7. What can it have learnt?

# %%
tutorial = torch.optim.AdamW([torch.nn.Parameter(torch.zeros(1))], lr=5e-5)
warm = torch.optim.lr_scheduler.LambdaLR(tutorial, lambda step: min(1.0, step / 500))
rates = []
for _ in range(3):
    rates.append(tutorial.param_groups[0]["lr"])
    tutorial.step()
    warm.step()
print("rates of the three steps:", rates)

two_labels = torch.tensor([1, 0])
ids_of_two = encoder.encode_all(two)
longest = max(map(len, ids_of_two))
batch = torch.tensor([row + [encoder.pad_id] * (longest - len(row)) for row in ids_of_two])
moves = []
for its_rates in (rates, [5e-5] * 3):
    torch.manual_seed(run.seed)
    pupil = SequenceClassifier(deepcopy(encoder), 2, pooling="mean", generator=make_generator(0))
    before = torch.cat([p.detach().flatten() for p in pupil.parameters()])
    adamw = torch.optim.AdamW(pupil.parameters(), weight_decay=0.01)
    for rate in its_rates:
        adamw.param_groups[0]["lr"] = rate
        F.cross_entropy(pupil(batch, batch != encoder.pad_id), two_labels).backward()
        adamw.step()
        adamw.zero_grad()
    after = torch.cat([p.detach().flatten() for p in pupil.parameters()])
    moves.append(((after - before).norm() / before.norm()).item())
moved, unwarmed = moves
print(f"weights moved by {moved:.1e} of their length; without warm-up by {unwarmed:.1e}")
assert moved < 1e-5 < unwarmed

# %% [markdown]
# Nothing. So warm-up is a *share* of all steps; our `TrainingPlan(warmup_share=0.1)` asks for that, and so does today's `TrainingArguments(warmup_steps=0.1)`: below 1 it is a share.
#
# ### Lower layers, lower rates
#
# The lowest layers know letters and words, which a new task needs as they are; the highest ones know the old task. So one lets the rate fall by a factor from each layer to the one below.

# %%
# @exercise course_lib.training.layerwise:depth_rates

# %%
depth_rates = check("07a:depth_rates", depth_rates)
names_of_depths = ["embeddings", *(f"block {n}" for n in range(1, 5)), "head"]
for name, rate in zip(names_of_depths, depth_rates(3e-4, 0.5, 4), strict=True):
    print(f"{name:10} {rate:.1e}")

# %% [markdown]
# In the library: `TrainingPlan(optimizer=LayerwiseAdamWConfig(...))`, and `GradualUnfreezing` opens one more layer an epoch from the top down.
#
# ## 6 · LoRA: learn a small correction
#
# Full fine-tuning makes a second copy of the model for every task. LoRA (Hu et al. 2021) leaves the matrix $W \in \mathbb{R}^{o \times i}$ as it is and learns a correction of low rank $r$:
#
# $$ y = W x + \frac{\alpha}{r} B A x, \qquad A \in \mathbb{R}^{r \times i},\; B \in \mathbb{R}^{o \times r},\; B = 0 \text{ at the start.} $$
#
# At the start the model is exactly the pretrained one. In the end $W + \frac{\alpha}{r} B A$ can be written down as one matrix: no cost when the model is used.
#
# **By hand.** $W$ is 256 × 256: 65,536 numbers. With $r = 8$: $8 \cdot 256 + 256 \cdot 8 = 4{,}096$, a sixteenth.

# %%
# @exercise course_lib.finetuning.lora:LoRALinear

# %%
LoRALinear = check("07a:LoRALinear", LoRALinear)

# %%
# NBVAL_CHECK_OUTPUT
small = LoRAConfig(rank=8)
corrected = deepcopy(encoder)
probe_ids = torch.tensor([encoder.encode("The baker lived in a small house.")])
add_lora(corrected, small, make_generator(0))
with torch.inference_mode():
    base, at_start = encoder(probe_ids), corrected(probe_ids)
learning = sum(p.numel() for p in corrected.parameters() if p.requires_grad)
everything = sum(p.numel() for p in encoder.parameters())
print("equal to the base at the start:", torch.equal(base, at_start))
print(f"learning: {learning:,} of {everything:,} numbers, {learning / everything:.1%}")

# %%
with torch.no_grad():
    for parameter in corrected.parameters():
        if parameter.requires_grad:
            parameter.add_(torch.randn(parameter.shape, generator=dice), alpha=0.02)
with torch.inference_mode():
    trained = corrected(probe_ids)
    merge_lora(corrected)
    merged = corrected(probe_ids)
print(
    f"moved by {(trained - base).abs().max():.2f}; merging changed {(merged - trained).abs().max():.0e}"
)
assert torch.allclose(merged, trained, atol=1e-4)

# %% [markdown]
# **Predict:** with less than one number in a hundred to learn (and the head), how far below full fine-tuning will it be?

# %%
ways["LoRA, rank 8"] = lambda n: LoRAFineTuning(lora=small, plan=plan_for(n, 2e-3))
curves["LoRA, rank 8"] = learning_curve(
    Classifier(encoder, ways["LoRA, rank 8"](16), settings),
    train_set,
    test_set,
    sizes=(SIZES[0], SIZES[-1]),
    seeds=SEEDS,
    strategy_for=ways["LoRA, rank 8"],
)
for name, curve in curves.items():
    print(
        f"{name:16}",
        ", ".join(f"{n}: {point.mean:.2f} ± {point.sd:.2f}" for n, point in curve.points.items()),
    )

# %% [markdown]
# It wants a higher learning rate than full fine-tuning (here 2e-3): it has fewer numbers, and they start at nothing. The time per step does *not* fall in proportion: forward and most of the backward pass are the same. What it saves is memory for gradients and for the optimiser's state, and disk for every further task.
#
# **What we learnt.** Most of what fine-tuning does fits into a small correction. Its files can be read by the library `peft` and ours reads those of `peft`: `save_lora`, `load_lora`.
#
# ## 7 · The same with `Trainer`
#
# Most people fine-tune with `transformers.Trainer`. The same data, the same weights, today's arguments. Three things make the comparison fair. The same head: that of `transformers` reads `[CLS]` through one more layer, the pooler, which is fresh here, because nothing in `mini-bert`'s pretraining had one; we take it out, and let ours read `[CLS]` as well (`pooling="first"`). The same number of steps. The same rate and schedule. (Anything with a length and with items will do as a data set; a list of dictionaries does. Part b writes a class.)

# %%
from transformers import (
    AutoModelForSequenceClassification,
    AutoTokenizer,
    PrinterCallback,
    Trainer,
    TrainingArguments,
    logging,
    set_seed,
)

logging.set_verbosity_error()
logging.disable_progress_bar()
folder = Path(tempfile.mkdtemp())
encoder.save(folder / "encoder")
hf_tokenizer = AutoTokenizer.from_pretrained(folder / "encoder")

rows = [{"input_ids": encoder.encode(text)} for text in (*train_set[0], *test_set[0])]
for row, kind in zip(rows, (*train_set[1], *test_set[1]), strict=True):
    row["labels"] = classes.index(kind)
to_fit, to_test = rows[: len(train_set[0])], rows[len(train_set[0]) :]


class TakeFirst(torch.nn.Module):
    def forward(self, hidden):
        return hidden[:, 0]


by_trainer = []
for seed in SEEDS:
    set_seed(seed)
    pupil = AutoModelForSequenceClassification.from_pretrained(
        folder / "encoder", num_labels=len(classes)
    )
    pupil.bert.pooler = TakeFirst()
    arguments = TrainingArguments(
        output_dir=str(folder / f"run-{seed}"),
        num_train_epochs=plan_for(len(to_fit)).n_epochs,
        per_device_train_batch_size=16,
        learning_rate=RATE,
        lr_scheduler_type="linear",
        warmup_steps=0.1,  # below 1: a share of all steps
        weight_decay=0.01,
        eval_strategy="no",  # "epoch" with eval_dataset=…, where there is a dev split
        save_strategy="no",
        logging_strategy="no",
        report_to="none",
        disable_tqdm=True,
        use_cpu=run.device.type == "cpu",
        seed=seed,
    )
    trainer = Trainer(
        model=pupil, args=arguments, train_dataset=to_fit, processing_class=hf_tokenizer
    )
    trainer.remove_callback(PrinterCallback)
    trainer.train()
    logits = trainer.predict(to_test).predictions
    by_trainer.append(accuracy([classes[row.argmax()] for row in logits], test_set[1]))
first = replace(settings, pooling="first")
by_us = []
for seed in SEEDS:
    ours = Classifier(
        encoder, FullFineTuning(plan=plan_for(len(train_set[0]))), replace(first, seed=seed)
    )
    ours.fit(*train_set)
    by_us.append(accuracy(ours.predict(test_set[0]), test_set[1]))
for name, scores in (("Trainer", by_trainer), ("Classifier", by_us)):
    mean, sd = mean_and_sd(scores)
    print(
        f"{name:10} {mean:.2f} ± {sd:.2f} over {len(scores)} seeds, n = {len(test_set[0])} words each"
    )

# %% [markdown]
# Read the two means together with their spreads: seeds differ by as much as the two libraries do. (Not the same numbers: head, order and dropout are drawn differently. With the same head, the same batches and no dropout, an optimiser step gives the same weights; a test of the library holds both to that, and names two small differences: `Trainer` lets the embeddings decay, too, and its warm-up begins one step earlier, at 0.)
#
# ## Known truth
#
# The experiment of section 4 had one: the story world says which kind a word is, and no word of the test had a label. One more control. Give the *labels* at random, and there is nothing left to know. Whatever score comes out then is what this procedure invents:

# %%
invented = []
for seed in range(2 if in_test else run.pick(small=10, t4=30)):
    shuffled = random.Random(seed).sample(train_set[1], len(train_set[1]))
    fooled = Classifier(encoder, ways["frozen features"](len(shuffled)), settings)
    fooled.fit(train_set[0], shuffled)
    invented.append(accuracy(fooled.predict(test_set[0]), test_set[1]))
mean, sd = mean_and_sd(invented)
print(
    f"labels at random: {mean:.2f} ± {sd:.2f}, {len(invented)} shuffles, n = {len(test_set[0])} words each"
)
print(f"the most frequent kind: {levels['most frequent kind']:.2f}")

# %% [markdown]
# ## Real text
#
# Reviews, hand-written for this course to be hard (irony, negation, understatement), good against bad. Little to learn from, and no word list will do. **Predict:** how much will `mini-bert` help here?

# %%
reviews = load("reviews-en")
names = reviews["train"].features["label"].names


def good_and_bad(split):
    rows = [row for row in reviews[split] if names[row["label"]] != "neutral"]
    return [row["text"] for row in rows], [names[row["label"]] for row in rows]


review_train = good_and_bad("train")
validation, test = good_and_bad("validation"), good_and_bad("test")
review_test = (validation[0] + test[0], validation[1] + test[1])
words_alone = make_pipeline(TfidfVectorizer(), LogisticRegression(C=10)).fit(*review_train)
scores = {"words counted (tf-idf)": words_alone.score(*review_test)}
short = replace(settings, max_tokens=64)
for name, way in (
    ("frozen features", FrozenFeatures(inverse_penalty=0.01)),
    (
        "fine-tuned",
        FullFineTuning(
            plan=TrainingPlan(
                n_epochs=1 if in_test else 3, n_rows=16, optimizer=AdamWConfig(learning_rate=RATE)
            )
        ),
    ),
):
    fitted = Classifier(encoder, way, short)
    fitted.fit(*review_train)
    scores[name] = accuracy(fitted.predict(review_test[0]), review_test[1])
print(
    f"{len(review_train[0])} to learn from; most frequent class {majority_share(review_test[1]):.2f}"
)
for name, score in scores.items():
    low, high = proportion_interval(round(score * len(review_test[0])), len(review_test[0]))
    print(f"{name:22} {score:.2f} [{low:.2f}, {high:.2f}], n = {len(review_test[0])}")

# %% [markdown]
# The intervals overlap widely: whatever the order of the three rows, 114 reviews cannot tell the model from counted words. That is the honest result: a model of five million parameters that has read old novels and docstrings gets little irony from 234 examples. What *does* help is more reading. On the film reviews of SST-2, `benchmarks/finetuning.py` compares `mini-bert`, the same model from scratch, and MiniLM, which has read far more; the table with its command is in `docs/finetuning.md`.
#
# If you have SST-2 (`load("sst2")` says how), one point of it here:

# %%
try:
    films = load("sst2")
    film_train = [
        films["train"][column][: run.pick(small=100, t4=1000)] for column in ("text", "label")
    ]
    film_test = [
        films["validation"][column][: run.pick(small=300, t4=900)] for column in ("text", "label")
    ]
    for name in ("fine-tuned", "from scratch"):
        fitted = Classifier(encoder, ways[name](100), short)
        fitted.fit(*film_train)
        score = accuracy(fitted.predict(film_test[0]), film_test[1])
        low, high = proportion_interval(round(score * len(film_test[0])), len(film_test[0]))
        print(f"SST-2, {len(film_train[0])} labels, {name}: {score:.2f} [{low:.2f}, {high:.2f}]")
except DataNotFoundError:
    print("left out: SST-2 is not on this machine")

# %% [markdown]
# ## On a GPU
#
# The learning curve on film reviews with up to all labels, five seeds and a true BERT where the hub can be reached, else `mini-bert`. Without a GPU you see what was recorded, if anything was: this lesson was built on a CPU, so no number of this cell has been measured on a GPU by us unless a record says so.

# %% tags=["gpu"]
if run.gpu_cell:
    try:
        big = load_encoder("google-bert/bert-base-uncased" if run.scale != "dry" else "mini-bert")
    except WeightsNotFoundError:  # neither in the cache nor within reach
        print("BERT-base is not on this machine; mini-bert instead")
        big = load_encoder("mini-bert")
    big = big.to(run.device)
    try:
        films = load("sst2")
        many = [films["train"][column] for column in ("text", "label")]
        exam = [films["validation"][column] for column in ("text", "label")]
    except DataNotFoundError:
        many, exam = review_train, review_test
    wanted = run.pick(small=(16,), t4=(100, 1000), full=(100, 1000, len(many[0])))
    sizes = sorted({min(size, len(many[0])) for size in wanted})
    rate = 3e-5 if big.d_model > 256 else RATE
    grown = {}
    for name, strategy in (("fine-tuned", FullFineTuning), ("from scratch", FromScratch)):
        found = learning_curve(
            Classifier(big, strategy(plan=plan_for(16, rate)), replace(short, max_tokens=32)),
            many if run.scale != "dry" else [column[:40] for column in many],
            exam if run.scale != "dry" else [column[:10] for column in exam],
            sizes=sizes,
            seeds=range(run.pick(small=2, t4=3, full=5)),
            strategy_for=lambda n, strategy=strategy: strategy(
                plan=TrainingPlan(
                    n_epochs=run.pick(small=1, t4=3),
                    n_rows=16,
                    optimizer=AdamWConfig(learning_rate=rate),
                )
            ),
        )
        for n_labels, point in found.points.items():
            grown[f"{name}, {n_labels} labels"] = point.mean
    recorded = run.record("07-transfer", grown)
else:
    recorded = run.recorded("07-transfer")
for name, value in recorded.result.items():
    print(f"{name}: {value:.3f}")

# %% [markdown]
# ## Exercises
#
# They stand where they belong in the sections above:
#
# | | level | section |
# |---|---|---|
# | `likeliest_fillings` | core | [1 · What hidden words teach](#1-·-What-hidden-words-teach) |
# | `pool` | easy | [3 · A head, and what it says before it has learnt](#3-·-A-head,-and-what-it-says-before-it-has-learnt) |
# | `balanced_weights` | easy | [4 · Three ways to use labels](#4-·-Three-ways-to-use-labels) |
# | `depth_rates` | core | [5 · How fast, how long, which layers](#5-·-How-fast,-how-long,-which-layers) |
# | `LoRALinear` | stretch | [6 · LoRA: learn a small correction](#6-·-LoRA:-learn-a-small-correction) |
#
# Four more without a check, if you like:
#
# - *Easy.* Put `pooling="first"` into `settings` and draw the curves of section 4 again. Nothing in `mini-bert`'s pretraining trained the vector of `[CLS]`: who suffers most?
# - *Easy.* Repeat section 4 in Chinese (`item.row["zh"]`, no “the”).
# - *Core.* Read the vectors of a lower layer: which of the four serves frozen features best?
# - *Stretch.* `add_lora` to queries and values only, as in the paper, with twice the rank: the same number of parameters. Better or worse, over five seeds?

# %% [markdown]
# ## In your own words
#
# A colleague reports: “I took BERT, put a classification head on it, and on our ten test sentences it already gets six right without any training. After fine-tuning with 300 labelled sentences it gets eight right. So fine-tuning brings twenty points, and pretraining most of the rest.” What do you say, in six sentences or fewer?
#
# <details><summary>What a good answer contains</summary>
#
# - The head was random: six right is a random number. Another seed gives another one.
# - Ten sentences: eight right has an interval from about 0.5 to 0.94. Nothing is shown.
# - What pretraining brought is told by a control from scratch with the same labels, and by frozen features.
# - Several seeds, mean and spread.
# - A baseline without a model: the majority class, counted words.
#
# Three of the five is good.
#
# </details>

# %% [markdown]
# <!-- @answer ten-sentences -->
# *Write your answer here: double-click this cell.*

# %% [markdown]
# ## Claims, tested
#
# ### “Load BERT with a classification head, and it predicts the sentiment.”
#
# **False.** Encoder pretrained, head random. Section 3 counted: of 2,000 random heads hardly any named both of two sentences rightly. In `transformers` the report of loading says it, if one does not switch it off: `classifier.weight` is listed as missing and newly initialised.

# %%
print(f"{counts[1, 0]} of 2,000 heads have both sentences right")
assert counts[1, 0] / 2000 < 0.25

# %% [markdown]
# ### “Two labelled sentences, three epochs, 500 steps of warm-up: that fine-tunes BERT.”
#
# **False.** Three steps at rates up to 2e-7; section 5 measured how far the weights moved.

# %%
print(f"moved by {moved:.1e} of their length")

# %% [markdown]
# ### “A word has one vector, and that is enough.”
#
# **False** for words with several senses. With the static vector no probe can beat the most frequent answer:

# %%
table = vectors["lesson 01, one vector a word"]
assert len(np.unique(table, axis=0)) == 1
print("different static vectors of “bank”:", len(np.unique(table, axis=0)))
print(
    "different contextual ones:", len(np.unique(vectors["mini-bert, one vector a place"], axis=0))
)

# %% [markdown]
# ### “LoRA trains one percent of the weights, so it takes one percent of the time.”
#
# **False.** Activations must be computed forward, and gradients run back through the frozen matrices to the corrections below. What is saved is the gradients of the frozen matrices, about a third of a step's arithmetic, and the optimiser's work on them; with small batches that work is a large part of a step.

# %%
timed = {"fine-tuned": grid[RATE][2]}
fitted = Classifier(encoder, ways["LoRA, rank 8"](len(train_set[0])), settings)
timed["LoRA, rank 8"] = float(np.median(fitted.fit(*train_set).history.seconds))
print(
    f"a LoRA step takes {timed['LoRA, rank 8'] / timed['fine-tuned']:.2f} of the time of a full one"
)
assert timed["LoRA, rank 8"] > 0.1 * timed["fine-tuned"]

# %% [markdown]
# ## Quiz

# %%
quiz("07a")

# %% [markdown]
# In a notebook without buttons, answer like this: `answer_quiz("07a", 2, "b")`.
#
# ## Summary

# %% [markdown]
# - Hidden words teach a model which words may stand where; nobody labels anything.
# - Contextual vectors hold what the sentence adds. Static ones cannot.
# - A fresh head is random. Its predictions are not predictions.
# - Pool over tokens, never over padding.
# - The gain of pretraining is the distance to the same model *from scratch* on the same labels, over several seeds.
# - Learning rates and warm-up belong to the number of steps. Count the steps first.
# - LoRA learns a small correction that can be merged; it saves memory and disk more than time.
# - What a small model cannot do must be said: on ironic reviews it cannot be told from counted words.

# %% [markdown]
# ## Further reading
#
# - Devlin et al. 2019, *BERT: Pre-training of Deep Bidirectional Transformers for Language Understanding*, https://arxiv.org/abs/1810.04805: section 4 and appendix A.3.
# - Howard and Ruder 2018, *Universal Language Model Fine-tuning for Text Classification*, https://arxiv.org/abs/1801.06146: discriminative rates, gradual unfreezing.
# - Hu et al. 2021, *LoRA: Low-Rank Adaptation of Large Language Models*, https://arxiv.org/abs/2106.09685.
# - Dodge et al. 2020, *Fine-Tuning Pretrained Language Models: Weight Initializations, Data Orders, and Early Stopping*, https://arxiv.org/abs/2002.06305: how much seeds matter.
# - Wettig et al. 2023, *Should You Mask 15 % in Masked Language Modeling?*, https://arxiv.org/abs/2202.08005.

# %%
run.summary()
