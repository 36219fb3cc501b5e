"""`course progress`: what you have solved, lesson by lesson."""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from course_lib.lesson.progress import Progress


def lesson_line(lesson: str, keys: list[str], progress: "Progress") -> str:
    """Write one lesson's line: exercises solved, hints opened, quiz answers right.

    Args:
        lesson: The lesson's full name.
        keys: The keys of its exercises.
        progress: What is remembered of the learner.
    """
    done = [progress.exercises[key] for key in keys if key in progress.exercises]
    n_solved, n_hints = sum(item.solved for item in done), sum(item.n_hints for item in done)
    line = f"{lesson:<28}{n_solved} of {len(keys)} exercises"
    if n_hints:
        line += f", {n_hints} hint{'s' * (n_hints > 1)} opened"
    if answers := progress.quizzes.get(lesson):
        line += f", quiz: {sum(answers.values())} of {len(answers)} right at first try"
    return line


def command() -> None:
    """Show what you have solved, lesson by lesson."""
    from course_lib.lesson.banks import exercises_of
    from course_lib.lesson.lessons import LESSONS
    from course_lib.lesson.progress import load_progress, progress_path

    progress = load_progress()
    for lesson in LESSONS:
        keys = [exercise.key for exercise in exercises_of(lesson)]
        print(lesson_line(lesson, keys, progress))
    if progress.exercises or progress.quizzes:
        print(f"Kept in {progress_path()}")
    else:
        print("Nothing is solved yet. Begin with: course start 00")
