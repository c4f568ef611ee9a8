# What a newcomer does with this repository. Each target sets up what it needs, on a machine with Rust, Node and a C
# compiler.

SHELL := bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help
.PHONY: help run test chaos bench lint page

help: ## Tell what there is
	@sed -nE 's/^([a-z]+):.*## (.*)/make \1\t\2/p' $(MAKEFILE_LIST) | expand -t 14

# Not a release build: that takes several times as long to compile, for one person's demo.
run: page ## Serve demo data from ./data with pretend messengers beside it, and say where to open them
	cargo run -p colloquy -- serve --demo --sandbox

test: page ## Install what the tests need, and run them all
	scripts/install-for-tests
	cargo test --workspace
	$(call in_frontend,test)

SEEDS := 100

chaos: page ## Kill, cut, freeze and restart by a hundred seeds, fewer by SEEDS=10, or by one alone: SEED=17
	scripts/install-for-tests
	COLLOQUY_CHAOS_SEEDS=$(or $(SEED),1-$(SEEDS)) cargo test -p colloquy --test stories -- stories::chaos --nocapture

ARCHIVES := 10k,100k

bench: page ## Measure, side by side in one run; with larger archives (docs/scaling.md): ARCHIVES=10k,100k,1M
	scripts/install-for-tests
	COLLOQUY_BENCH_ARCHIVES=$(ARCHIVES) cargo bench -p colloquy --bench bench

lint: page ## Check formatting, lints and the page's types
	@cargo fmt --version >/dev/null 2>&1 || rustup component add rustfmt
	@cargo clippy --version >/dev/null 2>&1 || rustup component add clippy
	cargo fmt --all --check
	cargo clippy --workspace --all-targets -- -D warnings
	$(call in_frontend,check)

ifneq ($(wildcard frontend/package.json),)

page: frontend/dist ## Build the web page, if its sources have changed

in_frontend = npm --prefix frontend run $(1) --if-present

page_sources := $(shell find frontend \( -name node_modules -o -name dist \) -prune -o -type f -print)

frontend/dist: $(page_sources) $(wildcard schema.graphql) | frontend/node_modules
	npm --prefix frontend run build || { rm -rf $@; exit 1; }
	@touch $@
	@touch api/src/http/pages.rs # the program has the pages in it, and cargo does not see that they are others

frontend/node_modules: frontend/package-lock.json
	@command -v npm >/dev/null || { echo 'Node with npm is needed to build the web page.' >&2; exit 1; }
	npm --prefix frontend ci --no-audit --no-fund || { rm -rf $@; exit 1; }
	@touch $@

else

page:

in_frontend =

endif
