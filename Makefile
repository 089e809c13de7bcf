# make          lists the targets
# make test     what a newcomer runs: needs Go, nothing else
# make check    what must hold before a commit

VERSION  := $(shell git describe --tags --always --dirty 2>/dev/null || echo devel)
LDFLAGS  := -s -w -X main.version=$(VERSION)
FUZZTIME ?= 10s
BENCH    ?= .
export FUZZTIME

# The race detector needs cgo, and so a C compiler; without one the tests run all the same.
ifeq ($(shell go env CGO_ENABLED),1)
RACE := -race
endif

# What make check does after make test, in this order.
CHECKS := format staticcheck portable budgets fuzz

.PHONY: help
help: ## list the targets
	@awk -F ':.*## ' '/^[a-z0-9-]+:.*## / { printf "  make %-12s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

.PHONY: build
build: ## build bin/outcrop
	CGO_ENABLED=0 go build -trimpath -ldflags "$(LDFLAGS)" -o bin/outcrop ./cmd/outcrop

.PHONY: install
install: ## install outcrop into Go's bin folder
	CGO_ENABLED=0 go install -trimpath -ldflags "$(LDFLAGS)" ./cmd/outcrop

.PHONY: test
test: ## vet and all tests that need no other clients
	go vet ./...
	$(if $(RACE),,@echo 'no C compiler: the tests run without the race detector')
	go test $(RACE) ./...

.PHONY: check
check: test $(CHECKS) ## everything that must hold before a commit: test, then the following

.PHONY: checks
checks: # names what check does besides test, for .ci/run
	@echo $(CHECKS)

.PHONY: format
format: ## nothing for gofmt to do
	@files=$$(find . -name node_modules -prune -o -name '*.go' -exec gofmt -l {} +); \
	test -z "$$files" || { echo gofmt -w $$files; exit 1; }

.PHONY: staticcheck
staticcheck: ## staticcheck, at the version in tools/go.mod
	go tool -modfile=tools/go.mod staticcheck ./...
	tool=$$(go tool -n -modfile=tools/go.mod staticcheck) && cd e2e && $$tool ./...

.PHONY: portable
portable: ## builds without cgo, and for Windows and macOS
	CGO_ENABLED=0 go build ./...
	CGO_ENABLED=0 GOOS=windows GOARCH=amd64 go build -o /dev/null ./cmd/outcrop
	CGO_ENABLED=0 GOOS=darwin GOARCH=arm64 go build -o /dev/null ./cmd/outcrop

.PHONY: budgets
budgets: ## size of the release binary, and that the linker drops what is unused
	go test -count=1 -run '^TestReleaseBinary$$' . -release -v

.PHONY: fuzz
fuzz: ## every fuzz target for FUZZTIME (10s)
	scripts/fuzz

.PHONY: e2e
e2e: ## real clients against outcrop; needs Node.js and npm
	cd e2e && ./run

.PHONY: bench
bench: ## benchmarks of the hot path, and against AWS's SDK; BENCH selects
	go test -run '^$$' -bench '$(BENCH)' -benchmem ./...
	go -C e2e test -run '^$$' -bench '$(BENCH)' -benchmem ./...

.PHONY: cover
cover: ## coverage of the tests, as bin/coverage.html
	@mkdir -p bin
	go test -coverpkg=./... -coverprofile=bin/coverage.out ./...
	go tool cover -html=bin/coverage.out -o bin/coverage.html
	@go tool cover -func=bin/coverage.out | tail -1

.PHONY: clean
clean: ## remove what make made
	rm -rf bin
