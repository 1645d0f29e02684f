# The words of run.py for those whose fingers say make:  make test ARGS="-k snapshot"

PYTHON ?= python3

.PHONY: demo test check bench
demo test check bench:
	@$(PYTHON) run.py $@ $(ARGS)
