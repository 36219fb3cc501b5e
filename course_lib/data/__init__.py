"""Data: one door (`load`) to everything the lessons read, with licence and digest."""

from course_lib.data.catalog import CatalogFile, Entry, catalog
from course_lib.data.cleaning import CleaningReport, CleaningRules, Removed, clean
from course_lib.data.corpus import Corpus
from course_lib.data.deduplication import Duplicate, find_duplicates
from course_lib.data.digests import check_digest, sha256_of
from course_lib.data.hub import why_hub_unreachable
from course_lib.data.loading import load
from course_lib.data.masking import Masked, mask_personal_data
from course_lib.data.normalisation import normalise_text
from course_lib.data.paths import cache_folder, data_path, notebooks_path, read_facts
from course_lib.data.planted import planted_sentences
from course_lib.data.quality import QualityRules, guess_language, quality_problems
from course_lib.data.questions import squad_rows
from course_lib.data.splits import Split, split_by_group

__all__ = [
    "CatalogFile",
    "CleaningReport",
    "CleaningRules",
    "Corpus",
    "Duplicate",
    "Entry",
    "Masked",
    "QualityRules",
    "Removed",
    "Split",
    "cache_folder",
    "catalog",
    "check_digest",
    "clean",
    "data_path",
    "find_duplicates",
    "guess_language",
    "load",
    "mask_personal_data",
    "normalise_text",
    "notebooks_path",
    "planted_sentences",
    "quality_problems",
    "read_facts",
    "sha256_of",
    "split_by_group",
    "squad_rows",
    "why_hub_unreachable",
]
