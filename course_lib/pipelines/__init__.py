"""Text in, answer out: one file a task."""

from course_lib.pipelines.chat import ChatPipeline
from course_lib.pipelines.code_completion import CodeCompletionPipeline, longest_readable
from course_lib.pipelines.feature_extraction import FeatureExtractionPipeline
from course_lib.pipelines.fill_mask import FillMaskPipeline
from course_lib.pipelines.question_answering import QuestionAnsweringPipeline
from course_lib.pipelines.registry import pipeline, task_names
from course_lib.pipelines.retrieval_answering import RetrievalAnsweringPipeline
from course_lib.pipelines.rewriting import SummarizationPipeline, TranslationPipeline
from course_lib.pipelines.semantic_search import SemanticSearchPipeline, split_passages
from course_lib.pipelines.text_classification import TextClassificationPipeline
from course_lib.pipelines.text_generation import TextGenerationPipeline
from course_lib.pipelines.token_classification import TokenClassificationPipeline
from course_lib.pipelines.writer import GenerationSettings, Writer, Writing, load_writer
from course_lib.pipelines.zero_shot import ZeroShotClassificationPipeline

__all__ = [
    "ChatPipeline",
    "CodeCompletionPipeline",
    "FeatureExtractionPipeline",
    "FillMaskPipeline",
    "GenerationSettings",
    "QuestionAnsweringPipeline",
    "RetrievalAnsweringPipeline",
    "SemanticSearchPipeline",
    "SummarizationPipeline",
    "TextClassificationPipeline",
    "TextGenerationPipeline",
    "TokenClassificationPipeline",
    "TranslationPipeline",
    "Writer",
    "Writing",
    "ZeroShotClassificationPipeline",
    "load_writer",
    "longest_readable",
    "pipeline",
    "split_passages",
    "task_names",
]
