# What developers and CI run. `make demo` needs only Rust and apt (or what apt would install).

.PHONY: demo test check deny fuzz reference generate schema bench static

# A Kubernetes cluster's keys in a private etcd, listed by a release build.
demo:
	scripts/dependencies build demo
	cargo build --release --locked
	scripts/demo

# Every test. Comparisons with the official client are skipped, with a line, until `make reference` has run.
test:
	scripts/dependencies build test
	cargo test --locked

# What CI runs.
check:
	scripts/dependencies build test
	cargo fmt --check
	cargo fmt --check --manifest-path fuzz/Cargo.toml
	cargo clippy --locked --all-targets -- -D warnings
	scripts/deny
	cargo test --locked

# Licenses, origins and advisories of what is in the program.
deny:
	scripts/deny

# Every fuzz target for FUZZ_SECONDS each (60), or those of FUZZ_TARGETS.
fuzz:
	scripts/fuzz $(FUZZ_TARGETS)

# The official servers and clients to compare with, in reference/. Needs Go 1.26.
reference:
	scripts/reference

# Completions and man pages, printed by the program itself.
generate:
	scripts/dependencies build
	scripts/generate

# The table of Kubernetes types, from every release's Go modules. Needs Go.
schema:
	cd tools/kube-schema && go run .

# Ours and the official client side by side, on one server; needs `make reference`.
bench:
	scripts/dependencies build
	scripts/bench

# One file that needs no other.
static:
	scripts/dependencies build static
	scripts/static
