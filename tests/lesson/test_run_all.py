"""*Run All* in a real kernel, with answers as bad as they come."""

from pathlib import Path

import nbformat
import pytest
from nbclient import NotebookClient
from nbformat import NotebookNode
from nbformat.v4 import new_code_cell, new_notebook

SGNS = "course_lib.embeddings.sgns"
SIMILARITY = "course_lib.embeddings.similarity"

SET_UP = """
import course_lib.lesson.ipython
from course_lib import lesson
from course_lib.lesson import check, quiz

course_lib.lesson.ipython.CELL_LIMIT_SECONDS = 1.0
run = lesson.start("01")
"""

SYNTAX_ERROR = f"""# @exercise {SGNS}:sgns_loss
def sgns_loss(center, context, negatives)
    return 0
"""

EXCEPTION = f"""# @exercise {SGNS}:skip_gram_pairs
def skip_gram_pairs(ids, window):
    return [(ids[0], idz[1])]

skip_gram_pairs([1, 2], 1)
"""

ENDLESS_ANSWER = f"""# @exercise {SGNS}:negative_weights
def negative_weights(counts, power=0.75):
    while True:
        try:
            print("again")
        except:
            pass
"""

IN_PLACE = f"""# @exercise {SGNS}:sgns_gradients
import course_lib.embeddings.sgns as sgns

def sgns_gradients(center, context, negatives):
    gradients = sgns.sgns_gradients(center, context, negatives)
    center.zero_()
    return gradients
"""

ENDLESS_CELL = f"""# @exercise {SIMILARITY}:cosine_similarity
def cosine_similarity(a, b):
    return 0.0

while True:
    pass
"""

EXIT = f"""# @exercise {SIMILARITY}:cosine_similarity
import sys
sys.exit()
"""

AFTERWARDS = """
import threading, time
import torch

before = time.process_time()
time.sleep(0.5)
burnt = time.process_time() - before
# Looked at after the pause: the watch of the last check ends at its next poll.
left = [t.name for t in threading.enumerate() if t.name in ("learner's answer", "time limit")]
print("burnt", burnt < 0.2, "left", left)
print(sgns_loss(torch.zeros(1, 2), torch.zeros(1, 2), torch.zeros(1, 1, 2)).item() > 1.38)
run.summary()
"""

CELLS = [
    SET_UP,
    SYNTAX_ERROR,
    'sgns_loss = check("01:sgns_loss", sgns_loss)',
    EXCEPTION,
    'skip_gram_pairs = check("01:skip_gram_pairs", skip_gram_pairs)',
    ENDLESS_ANSWER,
    'negative_weights = check("01:negative_weights", negative_weights)',
    IN_PLACE,
    'sgns_gradients = check("01:sgns_gradients", sgns_gradients)',
    ENDLESS_CELL,
    'cosine_similarity = check("01:cosine_similarity", cosine_similarity)',
    EXIT,
    'cosine_similarity = check("01:cosine_similarity", cosine_similarity)',
    'quiz("01")',
    AFTERWARDS,
]


def printed(cell: NotebookNode) -> str:
    assert all(output.output_type == "stream" for output in cell.outputs), cell.outputs
    assert all(output.name == "stdout" for output in cell.outputs), cell.outputs
    return "".join(output.text for output in cell.outputs)


@pytest.mark.slow
def test_run_all_survives_every_kind_of_bad_answer(tmp_path: Path) -> None:
    notebook = new_notebook(cells=[new_code_cell(source) for source in CELLS])
    client = NotebookClient(notebook, timeout=120, resources={"metadata": {"path": str(tmp_path)}})
    client.execute()
    nbformat.validate(notebook)
    outs = [printed(cell) for cell in notebook.cells]
    assert "Lesson 01_word_embeddings · scale small" in outs[0]
    assert "SyntaxError in line 2: def sgns_loss(center, context, negatives)" in outs[1]
    assert "cell did not run" in outs[2]
    assert "NameError: name 'idz' is not defined" in outs[3]
    assert "(line 3: return [(ids[0], idz[1])])" in outs[4]
    assert outs[5] == ""
    assert "never ends" in outs[6]
    assert "again" in outs[6]
    assert "changed its input" in outs[8]
    assert "stopped after 1 seconds" in outs[9]
    assert "✗ 01:cosine_similarity is not right yet" in outs[10]
    assert "SystemExit  (line 3: sys.exit())" in outs[11]
    assert "cell did not run" in outs[12]
    assert 'answer_quiz("01", 1, "a")' in outs[13]
    assert "burnt True left []\nTrue\n" in outs[14]
    assert "0 of 5 are yours." in outs[14]
