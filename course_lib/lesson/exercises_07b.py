"""The exercises of lesson 07b, fine-tuning in practice; each is in a module of its own."""

from course_lib.lesson.calibration_exercise import EXPECTED_CALIBRATION_ERROR
from course_lib.lesson.clinic_data_exercise import MAKE_DATASET
from course_lib.lesson.clinic_exercises import PREDICT_CLASSES, SCORE_BATCH
from course_lib.lesson.clinic_split_exercise import SPLIT_TEXTS
from course_lib.lesson.exercise import Exercise
from course_lib.lesson.optimizer_exercise import MAKE_OPTIMIZER

EXERCISES: tuple[Exercise, ...] = (
    SCORE_BATCH,
    MAKE_DATASET,
    MAKE_OPTIMIZER,
    PREDICT_CLASSES,
    SPLIT_TEXTS,
    EXPECTED_CALIBRATION_ERROR,
)
