# Copyright The harbor-inventory Authors.
# SPDX-License-Identifier: Apache-2.0

SHELL := /usr/bin/env bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help

# Nothing here sets CGO_ENABLED, -trimpath or GOFLAGS, and the modules in
# hack/controlplane and hack/bench require the same dependency versions as the
# operator (make tidy sees to it):
# Go's build cache is shared only between builds that agree in these. So a
# dependency is compiled twice at most: once plain, for the control plane, the
# binaries, the linter and the benchmarks, and once with -race, for the tests.

BIN := $(CURDIR)/bin
K8S := $(BIN)/k8s
MODULE := github.com/harbor-inventory/harbor-inventory

VERSION ?= $(shell git describe --tags --always --dirty 2>/dev/null)
LDFLAGS := -X $(MODULE)/internal/version.version=$(VERSION)

# The image that docker-build makes and deploy runs.
IMG ?= controller:latest
KUBECTL ?= kubectl
CONTAINER_TOOL ?= docker

# How long each fuzz target runs, and how long each benchmark: go help testflag.
FUZZTIME ?= 10s
BENCHTIME ?= 1s
# How many histories make soak goes through.
HISTORIES ?= 2000

# How often make bench-fetch measures each client.
RUNS ?= 5

# What bench-scale measures, in this order; see hack/scale.
SCALE ?= first-sync resync changes visible kills

# Pinned tools. All are built from Go modules into bin/.
CONTROLLER_TOOLS_VERSION ?= v0.23.0
CRD_REF_DOCS_VERSION ?= v0.3.0
GOLANGCI_LINT_VERSION ?= v2.15.0
# 5.8.3 and later need Go 1.27.
KUSTOMIZE_VERSION ?= v5.8.2
SETUP_ENVTEST_VERSION ?= v0.25.1

CONTROLLER_GEN := $(BIN)/controller-gen
CRD_REF_DOCS := $(BIN)/crd-ref-docs
GOLANGCI_LINT := $(BIN)/golangci-lint
KUSTOMIZE := $(BIN)/kustomize
SETUP_ENVTEST := $(BIN)/setup-envtest

##@ General

.PHONY: help
help: ## Show this help.
	@awk 'BEGIN { FS = ":.*##"; printf "Usage: make <target>\n" } \
		/^[a-zA-Z0-9_-]+:.*?##/ { printf "  %-16s %s\n", $$1, $$2 } \
		/^##@/ { printf "\n%s\n", substr($$0, 5) }' $(MAKEFILE_LIST)

.PHONY: build
build: ## Build the manager, harborsim and the kubectl plugin into bin/.
	go build -ldflags '$(LDFLAGS)' -o $(BIN)/manager ./cmd
	go build -ldflags '$(LDFLAGS)' -o $(BIN)/ ./cmd/*/

.PHONY: demo
demo: build controlplane manifests ## Run the operator on a real control plane against a simulated Harbor. ONCE=1 checks the result and ends.
	go build -o $(BIN)/ ./hack/demo ./hack/testbed/guard
	@KUBEBUILDER_ASSETS='$(K8S)' exec $(BIN)/demo

.PHONY: clean
clean: ## Remove everything that make built or installed (bin/, dist/).
	rm -rf $(BIN) dist

##@ Test

.PHONY: test
test: controlplane ## Run all tests with the race detector, against a real API server and etcd.
	KUBEBUILDER_ASSETS='$(K8S)' go test -race -timeout 15m ./...
	cd hack/controlplane && go test ./multicall ./installtest
	cd hack/bench && go test .

.PHONY: bench
bench: controlplane bench-fetch ## Run all benchmarks, those of Go each for BENCHTIME (1s).
	KUBEBUILDER_ASSETS='$(K8S)' go test -run '^$$' -bench . -benchmem -benchtime '$(BENCHTIME)' -timeout 60m ./...

.PHONY: bench-fetch
bench-fetch: ## Compare the fetch engine with the official client and a bare HTTP loop, and measure its memory. RUNS=5 of each.
	cd hack/bench && go build -o $(BIN)/bench .
	$(BIN)/bench fetch -runs '$(RUNS)'
	$(BIN)/bench memory

.PHONY: failover
failover: controlplane ## Measure how long a second replica needs to take over, and that nothing is written twice.
	KUBEBUILDER_ASSETS='$(K8S)' go run ./hack/failover

.PHONY: bench-secrets
bench-secrets: controlplane ## Measure what 5,000 unrelated Secrets cost the manager in memory.
	KUBEBUILDER_ASSETS='$(K8S)' go run ./hack/scale/secrets

.PHONY: bench-scale
bench-scale: build controlplane manifests ## Measure how the operator writes and stays current, at scale: SCALE='first-sync resync changes visible kills'.
	go build -o $(BIN)/ ./hack/scale ./hack/testbed/guard
	@for m in $(SCALE); do KUBEBUILDER_ASSETS='$(K8S)' $(BIN)/scale $$m; done

.PHONY: fuzz
fuzz: ## Run every fuzz target for FUZZTIME (10s).
	FUZZTIME='$(FUZZTIME)' hack/fuzz.sh

.PHONY: soak
soak: controlplane ## Go through HISTORIES (2000) random histories of changes, and print what was put to the test: those while Harbor is read, and those of an operator that keeps an inventory current.
	KUBEBUILDER_ASSETS='$(K8S)' go test -race -run '^TestHistories$$' -v -timeout 60m -p 1 ./internal/fetch ./internal/controller -rapid.checks '$(HISTORIES)'

.PHONY: controlplane
controlplane: ## Put etcd, kube-apiserver, kubectl and gc into bin/k8s: taken from KUBEBUILDER_ASSETS, fetched, or built.
	@SETUP_ENVTEST_VERSION='$(SETUP_ENVTEST_VERSION)' hack/controlplane/install.sh '$(K8S)'

##@ Code

.PHONY: fmt
fmt: golangci-lint ## Format all Go files.
	$(GOLANGCI_LINT) fmt
	cd hack/bench && $(GOLANGCI_LINT) fmt

.PHONY: vet
vet: ## Run go vet.
	go vet ./...
	cd hack/bench && go vet ./...

.PHONY: lint
lint: golangci-lint ## Run the linters.
	$(GOLANGCI_LINT) run
	cd hack/bench && $(GOLANGCI_LINT) run

.PHONY: lint-fix
lint-fix: golangci-lint ## Run the linters, and mend what they can mend.
	$(GOLANGCI_LINT) run --fix
	cd hack/bench && $(GOLANGCI_LINT) run --fix

.PHONY: tidy
tidy: ## Tidy go.mod, and those of the nested modules to the same dependency versions.
	go mod tidy
	hack/align.sh hack/controlplane
	hack/align.sh hack/bench

.PHONY: generate
generate: controller-gen ## Generate the deep copies of the API types.
	$(CONTROLLER_GEN) object:headerFile=hack/boilerplate.go.txt paths=./api/...

.PHONY: manifests
manifests: controller-gen ## Generate the CustomResourceDefinitions and the manager's roles.
	$(CONTROLLER_GEN) crd paths=./api/... output:crd:dir=config/crd/bases
	$(CONTROLLER_GEN) rbac:roleName=manager-role paths=./internal/... paths=./cmd/... output:rbac:dir=config/rbac
	sed -e 's/^kind: ClusterRole$$/kind: Role/' -e 's/^  name: /&harbor-inventory-/' config/rbac/role.yaml >config/namespaced/tenant/role.yaml

.PHONY: api-docs
api-docs: crd-ref-docs ## Generate the API reference, docs/api.md.
	@mkdir -p docs
	$(CRD_REF_DOCS) --log-level=ERROR --config=hack/api-docs.yaml --source-path=api --renderer=markdown --output-path=docs/api.md

.PHONY: verify
verify: controller-gen crd-ref-docs ## Fail when generated files or go.mod are not up to date.
	@MAKE='$(MAKE)' hack/verify.sh

##@ Deployment

.PHONY: install
install: manifests kustomize ## Install the CustomResourceDefinitions into the cluster that kubectl points to.
	$(KUSTOMIZE) build config/crd | $(KUBECTL) apply --server-side -f -

.PHONY: uninstall
uninstall: manifests kustomize ## Remove the CustomResourceDefinitions, and with them every inventory.
	$(KUSTOMIZE) build config/crd | $(KUBECTL) delete --ignore-not-found -f -

.PHONY: deploy
deploy: installer ## Deploy the operator with the image IMG to the cluster that kubectl points to.
	$(KUBECTL) apply --server-side -f dist/install.yaml

.PHONY: undeploy
undeploy: installer ## Remove the operator and its CustomResourceDefinitions, and with them every inventory.
	$(KUBECTL) delete --ignore-not-found -f dist/install.yaml

.PHONY: installer
installer: manifests kustomize ## Write everything that deploy applies to dist/install.yaml, with the image IMG.
	@mkdir -p dist && rm -f dist/kustomization.yaml
	@cd dist && $(KUSTOMIZE) create --resources ../config/default && $(KUSTOMIZE) edit set image controller='$(IMG)'
	$(KUSTOMIZE) build dist >dist/install.yaml

.PHONY: docker-build
docker-build: ## Build the image IMG.
	$(CONTAINER_TOOL) build --build-arg VERSION='$(VERSION)' -t $(IMG) .

.PHONY: docker-push
docker-push: ## Push the image IMG.
	$(CONTAINER_TOOL) push $(IMG)

##@ Tools

.PHONY: tools
tools: controller-gen crd-ref-docs golangci-lint kustomize ## Install every pinned tool into bin/.

.PHONY: controller-gen
controller-gen: ## Install controller-gen into bin/.
	$(call install-tool,$(CONTROLLER_GEN),sigs.k8s.io/controller-tools/cmd/controller-gen,$(CONTROLLER_TOOLS_VERSION))

.PHONY: crd-ref-docs
crd-ref-docs: ## Install crd-ref-docs into bin/.
	$(call install-tool,$(CRD_REF_DOCS),github.com/elastic/crd-ref-docs,$(CRD_REF_DOCS_VERSION))

.PHONY: golangci-lint
golangci-lint: ## Install golangci-lint into bin/.
	$(call install-tool,$(GOLANGCI_LINT),github.com/golangci/golangci-lint/v2/cmd/golangci-lint,$(GOLANGCI_LINT_VERSION))

.PHONY: kustomize
kustomize: ## Install kustomize into bin/.
	$(call install-tool,$(KUSTOMIZE),sigs.k8s.io/kustomize/kustomize/v5,$(KUSTOMIZE_VERSION))

.PHONY: setup-envtest
setup-envtest: ## Install setup-envtest into bin/. Only make controlplane uses it, and only where it can download.
	$(call install-tool,$(SETUP_ENVTEST),sigs.k8s.io/controller-runtime/tools/setup-envtest,$(SETUP_ENVTEST_VERSION))

# install-tool installs package $2 at version $3 as $1-$3, unless it is there,
# and makes $1 a link to it.
define install-tool
@[ -x '$1-$3' ] || { \
	echo 'installing $2@$3'; \
	GOBIN='$(BIN)/.install' go install '$2@$3'; \
	mv '$(BIN)/.install/$(notdir $1)' '$1-$3'; \
	rm -rf '$(BIN)/.install'; \
}
@ln -sfn '$(notdir $1)-$3' '$1'
endef
