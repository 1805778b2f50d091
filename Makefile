# Everything here calls go and small scripts; CI runs the same targets.
export CGO_ENABLED = 0
FSH := build/fsh

# The tag and -checklinkname=0 are for cmd/fsh/ignored_linkname.go.
.PHONY: build test check conformance bench load run fuzz install
build:
	go build -trimpath -tags startsignals -ldflags='-s -w -checklinkname=0' -o $(FSH) ./cmd/fsh

# The bundled install script in a throw-away home, with what was allowed and blocked.
run: build
	go run ./examples/demo -fsh $(FSH)

test: build
	scripts/test

# Formatting, vet, staticcheck, who may touch the system, and the race detector (needs cc).
check:
	scripts/lint
	scripts/race

# The suites of busybox, bash and mksh; needs scripts/fetch-sources, python3, perl, cc.
conformance:
	scripts/conformance

bench: build
	go run ./bench -fsh $(FSH)

# 1,000 connections at once, 10,000 short ones, 1 GiB both ways through each door.
load: build
	FSH_TEST_LOAD=full go test -run TestNetworkLoad -timeout 30m -v ./cmd/fsh

FUZZTIME ?= 30s
fuzz:
	scripts/fuzz $(FUZZTIME)

PREFIX ?= /usr/local
install: build
	install -D -m 755 $(FSH) $(DESTDIR)$(PREFIX)/bin/fsh
	install -D -m 644 completions/fsh.bash $(DESTDIR)$(PREFIX)/share/bash-completion/completions/fsh
	install -D -m 644 completions/_fsh $(DESTDIR)$(PREFIX)/share/zsh/site-functions/_fsh
	install -D -m 644 completions/fsh.fish $(DESTDIR)$(PREFIX)/share/fish/vendor_completions.d/fsh.fish
