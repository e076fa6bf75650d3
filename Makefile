# The commands of a contributor. "make" alone lists them.
.DEFAULT_GOAL := help

.PHONY: help
help: ## list these commands
	@awk -F ':.*## ' '/^[a-z]+:.*## / { printf "make %-8s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

.PHONY: test
test: ## run every test; a test that needs a database or an HSM is skipped, and says so
	go test work

.PHONY: servers
servers: ## start PostgreSQL, MariaDB and Redis for the tests, and print their addresses: eval "$(make -s servers)"
	@storage/integration/servers

.PHONY: clusters
clusters: ## start clusters of PostgreSQL, MariaDB and Redis, run their tests under faults, and end them (CLUSTERS=cluster-postgres for one)
	cd storage/integration && all="$${CLUSTERS:-$$(echo cluster-*[a-z])}" && \
	trap 'for c in $$all; do [ ! -x $$c ] || ./$$c stop; done' EXIT && \
	for c in $$all; do [ ! -x $$c ] || { vars="$$(./$$c)" && eval "$$vars"; } || exit 1; done && \
	go test -tags clusters -count 1 -timeout 60m -v -run '^Test(PostgresCluster|Galera|RedisCluster).' .

.PHONY: check
check: ## do what CI does: half an hour, and it installs Debian packages (FUZZTIME=1s for a shorter one)
	.ci/run

.PHONY: bench
bench: ## print the table of tokenendpoint/SPEED.md, the cost of a request (COUNT=3 for a shorter one)
	.ci/speed

.PHONY: fuzz
fuzz: ## fuzz each target for FUZZTIME (1m)
	FUZZTIME=$${FUZZTIME:-1m} .ci/fuzz
