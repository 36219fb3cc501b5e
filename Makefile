# Every target is one line that also runs without make; README.md gives them for Windows too.
PYTHON ?= python3

help:  ## print this list
	@awk -F ':.*## ' '/^[a-z]+:.*## / {printf "make %-9s %s\n", $$1, $$2}' Makefile

course:  ## set up, run every lesson on the embedded data, write build/course/index.html
	@$(PYTHON) tools/set_up.py && .venv/bin/course run --all

test:  ## set up and run every check, with the seconds each took
	@$(PYTHON) tools/run_checks.py

lab:  ## set up and open your copy of the first lesson in JupyterLab
	@$(PYTHON) tools/set_up.py && .venv/bin/course lab

lessons:  ## rebuild notebooks/*.ipynb from notebooks/src and the library
	@$(PYTHON) tools/set_up.py --extra test && .venv/bin/python tools/lessons.py build

bugs:  ## plant every one-line bug in the library; fails if the tests let one live
	@$(PYTHON) tools/set_up.py --extra test && .venv/bin/python tools/plant_bugs.py

.DEFAULT_GOAL := help
.PHONY: help course test lab lessons bugs
