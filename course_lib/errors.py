"""Exceptions that someone catches; all else raises `ValueError` or `TypeError` on the spot."""


class CourseError(Exception):
    """Base of the course's own errors: the message says what is wrong and what to do about it."""


class DataNotFoundError(CourseError):
    """A data set is in none of the four sources; the message lists where we looked."""


class WeightsNotFoundError(CourseError):
    """A pretrained model is in no folder and not to be had from the hub; the message says why."""


class DigestMismatchError(CourseError):
    """A file is truncated, altered, or of another version than the catalog promises."""


class AnswerTimeoutError(CourseError):
    """A learner's answer ran longer than its exercise allows."""


class AnswerRejectedError(CourseError):
    """A learner's answer failed its check while `COURSE_FALLBACK=off` forbids to go on without."""


class RecordRefusedError(CourseError):
    """A result may not be recorded, because it was not measured on a GPU at full size."""


class CheckpointError(CourseError):
    """A checkpoint cannot be written, or is truncated, altered, or of another program or run."""


class TrainingDivergedError(CourseError):
    """A loss or a gradient is not finite; the model is as it was before that step."""


class ProcessLostError(CourseError):
    """Another process of a run has ended or does not answer, so this one cannot go on."""
