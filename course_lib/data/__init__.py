"""Data: one door (`load`) to everything the lessons read, with licence and digest."""

from course_lib.data.catalog import CatalogFile, Entry, catalog
from course_lib.data.corpus import Corpus
from course_lib.data.digests import check_digest, sha256_of
from course_lib.data.hub import why_hub_unreachable
from course_lib.data.loading import load
from course_lib.data.paths import cache_folder, data_path, notebooks_path, read_facts
from course_lib.data.planted import planted_sentences
from course_lib.data.splits import Split, split_by_group

__all__ = [
    "CatalogFile",
    "Corpus",
    "Entry",
    "Split",
    "cache_folder",
    "catalog",
    "check_digest",
    "data_path",
    "load",
    "notebooks_path",
    "planted_sentences",
    "read_facts",
    "sha256_of",
    "split_by_group",
    "why_hub_unreachable",
]
