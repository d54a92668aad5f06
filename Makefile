# Every target works in .venv and sets up what it needs; only Python >= 3.11 with venv has to be there.
# The first Python on the PATH that runs and is new enough: a shim that answers to a name may have nothing behind it.
PYTHON ?= $(shell for name in python3 python3.13 python3.12 python3.11 python; do \
	$$name -c 'import sys, venv; sys.exit(sys.version_info < (3, 11))' >/dev/null 2>&1 && echo $$name && break; done)
BIN := .venv/bin
READY := .venv/.ready

.PHONY: demo test check format generate lock bench soak mutation clients clean

demo: $(READY)
	@$(BIN)/chatkey demo

test: $(READY)
	@$(BIN)/python -m tests.support.run

check: $(READY)
	@$(BIN)/python -m tests.support.check

format: $(READY)
	@$(BIN)/ruff format .
	@$(BIN)/ruff check --fix .
	@$(BIN)/buf format -w

generate: $(READY)
	@$(BIN)/python -m tests.support.generate

# Hashes of every dependency for every platform, without the address of any registry.
lock: $(READY)
	@$(BIN)/python -m tests.support.lock

# Everything that is random, for longer: make soak MINUTES=480
MINUTES ?= 30
soak: $(READY)
	@$(BIN)/python -m tests.soak --minutes $(MINUTES)

bench: $(READY)
	@$(BIN)/python -m tests.benchmarks

# Whether the tests notice when a rule of gateway/access is broken, thousands of times: about ten minutes on two cores.
mutation: $(READY)
	@$(BIN)/python -m tests.support.mutation

# The clients in other languages, built and run against a gateway; a language whose toolchain is missing is left out, and said so.
clients: $(READY)
	@$(BIN)/python -m tests.clients

clean:
	rm -rf .venv

$(READY): tests/requirements.lock pyproject.toml clients/python/pyproject.toml
	@test -n "$(PYTHON)" || { echo "Chatkey needs Python 3.11 or newer, with venv, on the PATH. Or name one: make PYTHON=/path/to/python3.12" >&2; exit 1; }
	@echo "Setting up .venv (once) ..."
	@$(PYTHON) -m venv .venv
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r tests/requirements.lock
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation -e clients/python -e .
	@touch $(READY)
