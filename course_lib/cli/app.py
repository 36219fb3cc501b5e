"""The `course` command: one function per subcommand, each in a module of its own."""

import sys

import typer

from course_lib.cli import (
    ask,
    classify,
    data,
    doctor,
    evaluate,
    generate,
    lessons,
    progress,
    recipe,
    run,
    start,
    summarize,
    train,
    translate,
)
from course_lib.cli.allocator import restart_if_it_trains
from course_lib.cli.texts import TakesManyTexts
from course_lib.errors import CourseError

app = typer.Typer(
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    help="A course on large language models: look around, open a lesson, run them all.",
)
app.command("doctor")(doctor.command)
app.command("lessons")(lessons.command)
app.command("start")(start.start)
app.command("lab")(start.lab)
app.command("run")(run.command)
app.command("progress")(progress.command)
app.command("data")(data.command)
app.add_typer(train.app, name="train")
app.command("generate")(generate.command)
app.command("evaluate", cls=TakesManyTexts)(evaluate.command)
app.command("ask")(ask.command)
app.command("summarize")(summarize.command)
app.command("translate")(translate.command)
app.command("classify")(classify.command)
app.command("recipe")(recipe.command)


def main() -> None:
    """Run the command line; the course's own errors become one clear message and status 1."""
    restart_if_it_trains(sys.argv[1:])
    try:
        app(prog_name="course")
    except CourseError as error:
        print(f"course: {error}", file=sys.stderr)
        sys.exit(1)
