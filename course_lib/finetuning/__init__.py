"""Fine-tuning: a pretrained model, a small labelled data set, and what of the model is trained."""

from course_lib.finetuning.freezing import freeze, kept_trainable, unfreeze_last
from course_lib.finetuning.lora import (
    LoRAConfig,
    LoRALinear,
    add_lora,
    lora_parameters,
    merge_lora,
)
from course_lib.finetuning.lora_peft import load_lora, save_lora

__all__ = [
    "LoRAConfig",
    "LoRALinear",
    "add_lora",
    "freeze",
    "kept_trainable",
    "load_lora",
    "lora_parameters",
    "merge_lora",
    "save_lora",
    "unfreeze_last",
]
