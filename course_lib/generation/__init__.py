"""Decoding: from predictions to text."""

from course_lib.generation.beam import Beam, beam_search
from course_lib.generation.chat import ChatFormat, Message, fit_messages
from course_lib.generation.contrastive import contrastive_search
from course_lib.generation.diverse import BeamGroups, diverse_beam_search
from course_lib.generation.drawing import sample
from course_lib.generation.filling import Filling, fill_mask, likeliest_fillings
from course_lib.generation.filters import keep_min_p, keep_top_k, keep_top_p, keep_typical
from course_lib.generation.greedy import greedy, greedy_decode
from course_lib.generation.in_context import ShotScore, draw_shots, likeliest, measure_shots
from course_lib.generation.penalties import forbid_repeated_ngrams, penalise_repetition
from course_lib.generation.prompts import (
    Shot,
    ShotTemplate,
    few_shot_messages,
    few_shot_prompt,
    shuffle_answers,
)
from course_lib.generation.reading import Cached, Sliding, Uncached, adapt
from course_lib.generation.rules import Rules, Sampling
from course_lib.generation.sampling import apply_temperature, sample_ids
from course_lib.generation.scoring import ChoiceScore, choose, score_choices, token_log_probs
from course_lib.generation.source import ForHuggingFaceSource, ForSource
from course_lib.generation.speculative import (
    Draft,
    Speculated,
    acceptance_chance,
    expected_tokens_per_round,
    judge_draft,
    speculative,
)
from course_lib.generation.stopping import StopStrings, cut_at_stop
from course_lib.generation.streaming import stream, whole_characters

__all__ = [
    "Beam",
    "BeamGroups",
    "Cached",
    "ChatFormat",
    "ChoiceScore",
    "Draft",
    "Filling",
    "ForHuggingFaceSource",
    "ForSource",
    "Message",
    "Rules",
    "Sampling",
    "Shot",
    "ShotScore",
    "ShotTemplate",
    "Sliding",
    "Speculated",
    "StopStrings",
    "Uncached",
    "acceptance_chance",
    "adapt",
    "apply_temperature",
    "beam_search",
    "choose",
    "contrastive_search",
    "cut_at_stop",
    "diverse_beam_search",
    "draw_shots",
    "expected_tokens_per_round",
    "few_shot_messages",
    "few_shot_prompt",
    "fill_mask",
    "fit_messages",
    "forbid_repeated_ngrams",
    "greedy",
    "greedy_decode",
    "judge_draft",
    "keep_min_p",
    "keep_top_k",
    "keep_top_p",
    "keep_typical",
    "likeliest",
    "likeliest_fillings",
    "measure_shots",
    "penalise_repetition",
    "sample",
    "sample_ids",
    "score_choices",
    "shuffle_answers",
    "speculative",
    "stream",
    "token_log_probs",
    "whole_characters",
]
