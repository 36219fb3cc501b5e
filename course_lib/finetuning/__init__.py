"""Fine-tuning: a pretrained model, a small labelled data set, and what of the model is trained."""

from course_lib.finetuning.answerer import Answerer, AnswererConfig
from course_lib.finetuning.classifier import Classifier, ClassifierConfig
from course_lib.finetuning.encoders import Encoder, load_encoder, wrap_encoder
from course_lib.finetuning.error_analysis import (
    Neighbour,
    SliceScore,
    WrongText,
    closest_neighbours,
    most_confidently_wrong,
    text_vectors,
    worst_slices,
    wrong_with_neighbours,
)
from course_lib.finetuning.examples import (
    LabelledBatch,
    LabelledTexts,
    PairTexts,
    SpanBatch,
    SpanTexts,
    TaggedBatch,
    TaggedTexts,
)
from course_lib.finetuning.fitting import Fitted, TrainingPlan
from course_lib.finetuning.freezing import freeze, kept_trainable, unfreeze_last
from course_lib.finetuning.heads import (
    SequenceClassifier,
    SpanFinder,
    TokenTagger,
    best_spans,
    pool,
)
from course_lib.finetuning.hf_heads import HuggingFaceHead
from course_lib.finetuning.learning_curves import (
    LearningCurve,
    doubling_sizes,
    learning_curve,
    stratified_order,
)
from course_lib.finetuning.lora import (
    LoRAConfig,
    LoRALinear,
    add_lora,
    lora_parameters,
    merge_lora,
)
from course_lib.finetuning.lora_peft import load_lora, save_lora
from course_lib.finetuning.losses import ClassifierLoss, SpanLoss, TaggerLoss, balanced_weights
from course_lib.finetuning.ready import (
    finetuned_names,
    load_answerer,
    load_classifier,
    load_tagger,
)
from course_lib.finetuning.rewriter import Rewriter, RewriterConfig
from course_lib.finetuning.seeds import SeedScores, fit_seeds
from course_lib.finetuning.spans import Answer
from course_lib.finetuning.strategies import (
    FromScratch,
    FrozenFeatures,
    FullFineTuning,
    GradualUnfreezing,
    LoRAFineTuning,
    Strategy,
)
from course_lib.finetuning.tagger import Tagger, TaggerConfig

__all__ = [
    "Answer",
    "Answerer",
    "AnswererConfig",
    "Classifier",
    "ClassifierConfig",
    "ClassifierLoss",
    "Encoder",
    "Fitted",
    "FromScratch",
    "FrozenFeatures",
    "FullFineTuning",
    "GradualUnfreezing",
    "HuggingFaceHead",
    "LabelledBatch",
    "LabelledTexts",
    "LearningCurve",
    "LoRAConfig",
    "LoRAFineTuning",
    "LoRALinear",
    "Neighbour",
    "PairTexts",
    "Rewriter",
    "RewriterConfig",
    "SeedScores",
    "SequenceClassifier",
    "SliceScore",
    "SpanBatch",
    "SpanFinder",
    "SpanLoss",
    "SpanTexts",
    "Strategy",
    "TaggedBatch",
    "TaggedTexts",
    "Tagger",
    "TaggerConfig",
    "TaggerLoss",
    "TokenTagger",
    "TrainingPlan",
    "WrongText",
    "add_lora",
    "balanced_weights",
    "best_spans",
    "closest_neighbours",
    "doubling_sizes",
    "finetuned_names",
    "fit_seeds",
    "freeze",
    "kept_trainable",
    "learning_curve",
    "load_answerer",
    "load_classifier",
    "load_encoder",
    "load_lora",
    "load_tagger",
    "lora_parameters",
    "merge_lora",
    "most_confidently_wrong",
    "pool",
    "save_lora",
    "stratified_order",
    "text_vectors",
    "unfreeze_last",
    "worst_slices",
    "wrap_encoder",
    "wrong_with_neighbours",
]
