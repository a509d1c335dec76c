# The face of the build: CMake with the presets of CMakePresets.json does the work.

JOBS ?= $(shell nproc)
PREFIX ?= /usr/local
FUZZ_SECONDS ?= 60
FIRST_SEED ?= 1
SEEDS ?= 3000
BENCH_ARGS ?= mls
PEOPLE ?= 20
DURATION ?= 600

.PHONY: all run test web test-browser test-epochs screens lint format bench fuzz sim soak coverage taint exports install clean help

all: ## Build programs to build/bin and libraries to build/lib
	@tools/install-deps.sh --check build
	@$(MAKE) --no-print-directory release

.PHONY: release
release:
	@cmake --preset release --log-level=WARNING > /dev/null
	@cmake --build --preset release -j $(JOBS)

run: ## Install what is missing, build, and run a server with a meeting to join
	@tools/install-deps.sh build web
	@$(MAKE) --no-print-directory release
	@tools/web.sh build
	@tools/run.sh

test: ## Install what is missing, build with sanitizers, run all tests
	@tools/install-deps.sh test
	@cmake --preset debug --log-level=WARNING > /dev/null
	@cmake --build --preset debug -j $(JOBS)
	@ctest --preset debug -j $(JOBS)

test-browser: ## Test the browser app in Chromium: screens, accessibility, policy, calls, attacks
	@tools/install-deps.sh web browser test
	@$(MAKE) --no-print-directory release
	@cmake --preset debug --log-level=WARNING > /dev/null
	@cmake --build --preset debug -j $(JOBS) --target attack_web
	@tools/web.sh browser

test-epochs: ## Count frames lost in a browser call while its keys change CHANGES times, 100 if not said
	@tools/install-deps.sh web browser
	@$(MAKE) --no-print-directory release
	@tools/web.sh epochs

screens: ## Take pictures of every screen of the browser app, into build/screens
	@tools/install-deps.sh browser
	@$(MAKE) --no-print-directory release
	@tools/web.sh screens

web: ## Build what browsers run, and test it in Node; CONCLAVE_BIN says where the programs are
	@tools/install-deps.sh web
	@[ -n "$(CONCLAVE_BIN)" ] || $(MAKE) --no-print-directory release
	@tools/build-web.sh
	@tools/web.sh check
	@tools/web.sh build

lint: ## Check format, include law, clang-tidy, cppcheck, export list, citations
	@tools/install-deps.sh lint
	@tools/lint.sh

format: ## Let clang-format rewrite our C files; FILES="src/mls/*.c" chooses which
	@tools/install-deps.sh lint
	@clang-format -i $(or $(FILES),$(shell git ls-files '*.c' '*.h'))

bench: ## Measure against the floor; BENCH_ARGS="mls --members 1000" chooses what
	@tools/install-deps.sh build
	@$(MAKE) --no-print-directory release
	build/bin/conclave bench $(BENCH_ARGS)

fuzz: ## Run each fuzzer for FUZZ_SECONDS (60)
	@tools/install-deps.sh fuzz
	@cmake --preset fuzz --log-level=WARNING > /dev/null
	@cmake --build --preset fuzz -j $(JOBS)
	@tools/fuzz.sh $(FUZZ_SECONDS)

sim: ## Play meetings of SEEDS (3000) seeds from FIRST_SEED (1) on a bad network
	@tools/install-deps.sh test
	@cmake --preset sim --log-level=WARNING > /dev/null
	@cmake --build --preset sim -j $(JOBS) --target meeting_sim
	@tools/sim.sh build/sim/bin/tests/meeting_sim $(FIRST_SEED) $(SEEDS) $(JOBS)

soak: ## Hold a meeting of PEOPLE (20) for DURATION (600) seconds, with media, loss and coming and going
	@tools/install-deps.sh test
	@cmake --preset release -B build/soak --log-level=WARNING -DCONCLAVE_TESTS=ON \
	    -DCONCLAVE_OUTPUT_DIR=$(CURDIR)/build/soak > /dev/null
	@cmake --build build/soak -j $(JOBS) --target conclave conclaved media_files soak_loss
	@tests/soak/soak.py build/soak/bin/conclave build/soak/bin/conclaved \
	    build/soak/bin/tests/media_files $(CURDIR)/build/soak/lib/libsoak_loss.so \
	    --people $(PEOPLE) --seconds $(DURATION)

coverage: ## Run the tests and report which lines they reach, in build/coverage/html
	@tools/install-deps.sh coverage
	@cmake --preset coverage --log-level=WARNING > /dev/null
	@cmake --build --preset coverage -j $(JOBS)
	@tools/coverage.sh

taint: ## Look with valgrind for branches and indices that depend on secrets
	@tools/install-deps.sh taint
	@cmake --preset valgrind --log-level=WARNING > /dev/null
	@cmake --build --preset valgrind -j $(JOBS)
	@ctest --preset valgrind -j $(JOBS)

exports: ## Write src/conclave.map anew from the public headers
	@tools/check-exports.sh --update

install: all ## Install to PREFIX (/usr/local), below DESTDIR if given
	@DESTDIR=$(DESTDIR) cmake --install build/release --prefix $(PREFIX)

clean: ## Remove build/
	rm -rf build

help: ## Show this list
	@sed -n 's/^\([a-z-]*\):.*## \(.*\)/make \1	\2/p' Makefile | expand -t 18
