# The words of run.py for those whose fingers say make:  make test ARGS="-k snapshot"

PYTHON ?= python3

.PHONY: demo test check bench fuzz
demo test check bench fuzz:
	@$(PYTHON) run.py $@ $(ARGS)
