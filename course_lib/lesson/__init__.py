"""What notebooks call: set-up, exercise checks with hints, quizzes, GPU records, progress."""

from course_lib.lesson.banks import exercises_of, find_exercise
from course_lib.lesson.check import Verdict, check, examine, last_verdict
from course_lib.lesson.exercise import Case, Exercise, Mistake, Observation
from course_lib.lesson.hints import hint
from course_lib.lesson.lessons import LESSONS, find_lesson, lesson_prefix
from course_lib.lesson.progress import (
    Progress,
    is_progress_on,
    load_progress,
    progress_path,
    work_folder,
)
from course_lib.lesson.quiz import answer_quiz, quiz
from course_lib.lesson.recorded import Recorded
from course_lib.lesson.start import Run, start

__all__ = [
    "LESSONS",
    "Case",
    "Exercise",
    "Mistake",
    "Observation",
    "Progress",
    "Recorded",
    "Run",
    "Verdict",
    "answer_quiz",
    "check",
    "examine",
    "exercises_of",
    "find_exercise",
    "find_lesson",
    "hint",
    "is_progress_on",
    "last_verdict",
    "lesson_prefix",
    "load_progress",
    "progress_path",
    "quiz",
    "start",
    "work_folder",
]
