# Copyright The harbor-inventory Authors.
# SPDX-License-Identifier: Apache-2.0

SHELL := /usr/bin/env bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help

# Nothing here sets CGO_ENABLED, -trimpath or GOFLAGS, and the modules in
# hack/controlplane, hack/bench and hack/release require the same dependency
# versions as the operator (make tidy sees to it):
# Go's build cache is shared only between builds that agree in these. So a
# dependency is compiled twice at most: once plain, for the control plane, the
# binaries, the linter and the benchmarks, and once with -race, for the tests.

BIN := $(CURDIR)/bin
K8S := $(BIN)/k8s
MODULE := github.com/harbor-inventory/harbor-inventory

VERSION ?= $(shell git describe --tags --always --dirty 2>/dev/null)
LDFLAGS := -X $(MODULE)/internal/version.version=$(VERSION)

# The image that docker-build makes, and that bundle and deploy run.
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
SCALE ?= first-sync resync idle changes visible details kills search

# What image, image-push and image-check are told. The time is the commit's, so
# that the same commit gives the same image.
IMAGE_FLAGS = -version '$(VERSION)' -base '$(BASE_IMAGE)' -commit '$(shell git rev-parse HEAD)' -created '$(shell git log -1 --format=%ct)'
BASE_IMAGE ?=

# The commit that install-check upgrades from.
BASE ?= HEAD~

# What the chart has of config/rbac.
CHART_ROLES := role leader_election_role metrics_auth_role metrics_reader_role viewer_role editor_role admin_role

# What make dashboard takes from npm.
GRAFANA_SCHEMA_VERSION ?= 13.2.3
TYPESCRIPT_VERSION ?= 7.0.2
UPLOT_VERSION ?= 1.6.32

# Pinned tools. All are built from Go modules into bin/. Helm is pinned in
# hack/release/go.mod.
CONTROLLER_TOOLS_VERSION ?= v0.23.0
CRD_REF_DOCS_VERSION ?= v0.3.0
GOLANGCI_LINT_VERSION ?= v2.15.0
GOVULNCHECK_VERSION ?= v1.9.0
# 5.8.3 and later need Go 1.27.
KUSTOMIZE_VERSION ?= v5.8.2
SETUP_ENVTEST_VERSION ?= v0.25.1

CONTROLLER_GEN := $(BIN)/controller-gen
CRD_REF_DOCS := $(BIN)/crd-ref-docs
GOLANGCI_LINT := $(BIN)/golangci-lint
GOVULNCHECK := $(BIN)/govulncheck
HELM := $(BIN)/helm
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

.PHONY: krew
krew: ## Build the plugin for the platforms that krew knows into dist/krew, with its manifest. VERSION=v1.2.3.
	hack/krew.sh '$(VERSION)' '$(LDFLAGS)'

.PHONY: clean
clean: ## Remove everything that make built or installed (bin/, dist/).
	rm -rf $(BIN) dist

##@ Test

.PHONY: test
test: controlplane ## Run all tests with the race detector, against a real API server and etcd.
	KUBEBUILDER_ASSETS='$(K8S)' go test -race -timeout 30m ./...
	cd hack/controlplane && go test ./multicall ./installtest
	cd hack/bench && go test .
	cd hack/release && KUBEBUILDER_ASSETS='$(K8S)' go test ./...

.PHONY: test-alerts
test-alerts: prometheus ## Test the alerts of config/prometheus with promtool.
	sed -n '/^  groups:/,$$s/^  //p' config/prometheus/alerts.yaml >$(BIN)/alerts.yaml
	$(BIN)/promtool check rules $(BIN)/alerts.yaml
	$(BIN)/promtool test rules config/prometheus/tests/alerts.yaml

.PHONY: test-alerts-live
test-alerts-live: controlplane prometheus ## Provoke each alert once: a real Prometheus scrapes the operator at work.
	KUBEBUILDER_ASSETS='$(K8S)' go run ./hack/seen alerts

.PHONY: dashboard-check
dashboard-check: ## Compare the dashboard with the types that Grafana publishes. Needs npm.
	npm install --silent --no-audit --no-fund --prefix $(BIN)/grafana @grafana/schema@$(GRAFANA_SCHEMA_VERSION) typescript@$(TYPESCRIPT_VERSION)
	cp hack/seen/grafana.ts $(BIN)/grafana/
	{ echo 'import type { Shipped } from "./grafana"; export const dashboard: Shipped ='; cat config/prometheus/dashboard.json; } >$(BIN)/grafana/dashboard.ts
	cd $(BIN)/grafana && node_modules/.bin/tsc --noEmit --strict --skipLibCheck --module esnext --moduleResolution bundler dashboard.ts

.PHONY: dashboard
dashboard: controlplane prometheus dashboard-check ## Take the picture of the dashboard, docs/dashboard.png, after 8 minutes. Needs chromium and npm.
	npm install --silent --no-audit --no-fund --prefix $(BIN)/uplot uplot@$(UPLOT_VERSION)
	KUBEBUILDER_ASSETS='$(K8S)' go run ./hack/seen dashboard

.PHONY: bench
bench: controlplane bench-fetch ## Run all benchmarks, those of Go each for BENCHTIME (1s).
	KUBEBUILDER_ASSETS='$(K8S)' go test -run '^$$' -bench . -benchmem -benchtime '$(BENCHTIME)' -timeout 60m ./...

.PHONY: bench-fetch
bench-fetch: ## Compare the fetch engine with the official client and a bare HTTP loop, and measure its memory. RUNS=5 of each.
	cd hack/bench && go build -o $(BIN)/bench .
	$(BIN)/bench fetch -runs '$(RUNS)'
	$(BIN)/bench memory

.PHONY: bench-plugin
bench-plugin: build ## Measure what kubectl harbor-inventory fetch takes beside other clients. RUNS=5 of each.
	cd hack/bench && go build -o $(BIN)/bench .
	$(BIN)/bench plugin -runs '$(RUNS)'

.PHONY: failover
failover: controlplane ## Measure how long a second replica needs to take over, and that nothing is written twice.
	KUBEBUILDER_ASSETS='$(K8S)' go run ./hack/failover

.PHONY: install-check
install-check: controlplane helm bundle ## Install in every way on a local control plane, use it, uninstall; upgrade from the commit BASE.
	KUBEBUILDER_ASSETS='$(K8S)' go run ./hack/installcheck -base '$(BASE)'

.PHONY: bench-secrets
bench-secrets: controlplane ## Measure what 5,000 unrelated Secrets cost the manager in memory.
	KUBEBUILDER_ASSETS='$(K8S)' go run ./hack/scale/secrets

.PHONY: bench-scale
bench-scale: build controlplane manifests ## Measure how the operator writes and stays current, at scale: SCALE='first-sync resync idle changes visible details kills search'.
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
	cd hack/release && $(GOLANGCI_LINT) fmt

.PHONY: vet
vet: ## Run go vet.
	go vet ./...
	cd hack/bench && go vet ./...
	cd hack/release && go vet ./...

.PHONY: lint
lint: golangci-lint ## Run the linters.
	$(GOLANGCI_LINT) run
	cd hack/bench && $(GOLANGCI_LINT) run
	cd hack/release && $(GOLANGCI_LINT) run

.PHONY: lint-fix
lint-fix: golangci-lint ## Run the linters, and mend what they can mend.
	$(GOLANGCI_LINT) run --fix
	cd hack/bench && $(GOLANGCI_LINT) run --fix
	cd hack/release && $(GOLANGCI_LINT) run --fix

# It asks vuln.go.dev, so it is none of what a change has to pass offline; a
# release has to, and the CI does it once a week.
.PHONY: vulncheck
vulncheck: govulncheck ## Compare what the programs call with the Go vulnerability database, over the network.
	$(GOVULNCHECK) ./cmd/...

.PHONY: licenses
licenses: ## Write the licenses of what is linked to dist/THIRD_PARTY_LICENSES.
	@mkdir -p dist
	go run ./hack/licenses -texts >dist/THIRD_PARTY_LICENSES

.PHONY: tidy
tidy: ## Tidy go.mod, and those of the nested modules to the same dependency versions.
	go mod tidy
	hack/align.sh hack/controlplane
	hack/align.sh hack/bench
	hack/align.sh hack/release

.PHONY: generate
generate: controller-gen ## Generate the deep copies of the API types.
	$(CONTROLLER_GEN) object:headerFile=hack/boilerplate.go.txt paths=./api/...

.PHONY: manifests
manifests: controller-gen ## Generate the CustomResourceDefinitions and the manager's roles.
	$(CONTROLLER_GEN) crd paths=./api/... output:crd:dir=config/crd/bases
	$(CONTROLLER_GEN) rbac:roleName=manager-role paths=./internal/... paths=./cmd/... output:rbac:dir=config/rbac
	sed -e 's/^kind: ClusterRole$$/kind: Role/' -e 's/^  name: /&harbor-inventory-/' config/rbac/role.yaml >config/namespaced/tenant/role.yaml
	cp config/crd/bases/*.yaml charts/harbor-inventory/files/crds/
	cp $(CHART_ROLES:%=config/rbac/%.yaml) charts/harbor-inventory/files/rbac/

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
deploy: bundle ## Deploy the operator with the image IMG to the cluster that kubectl points to.
	$(KUBECTL) apply --server-side -f dist/harbor-inventory.yaml

.PHONY: undeploy
undeploy: bundle ## Remove the operator and its CustomResourceDefinitions, and with them every inventory.
	$(KUBECTL) delete --ignore-not-found -f dist/harbor-inventory.yaml

.PHONY: bundle
bundle: manifests kustomize ## Write everything that deploy applies to dist/harbor-inventory.yaml, with the image IMG.
	@mkdir -p dist && rm -f dist/kustomization.yaml
	@cd dist && $(KUSTOMIZE) create --resources ../config/default && $(KUSTOMIZE) edit set image controller='$(IMG)'
	$(KUSTOMIZE) build dist >dist/harbor-inventory.yaml
	@rm dist/kustomization.yaml

.PHONY: chart
chart: helm manifests ## Package the chart into dist/, in the version VERSION, a tag like v1.2.3; else in version 0.0.0.
	$(HELM) package charts/harbor-inventory --destination dist --app-version '$(VERSION)' $(if $(filter v%,$(VERSION)),--version '$(VERSION:v%=%)')

.PHONY: olm-bundle
olm-bundle: manifests ## Make the bundle for the Operator Lifecycle Manager, bundle/, of config/. OLM_FLAGS='-version 1.2.3 -image REF -out DIR' for a release.
	cd hack/release && go run ./olm $(OLM_FLAGS)

.PHONY: image
image: ## Build the image for two architectures without a container engine: dist/image, an OCI layout, and SBOMs. BASE_IMAGE=REF@DIGEST to build on.
	cd hack/release && go run ./image $(IMAGE_FLAGS)

.PHONY: image-push
image-push: ## Build the image so, and push it to IMG.
	cd hack/release && go run ./image $(IMAGE_FLAGS) -push '$(IMG)'

.PHONY: image-check
image-check: ## Build the image twice, in two directories, and compare the digests.
	cd hack/release && go run ./image $(IMAGE_FLAGS) -check

.PHONY: docker-build
docker-build: ## Build the image IMG.
	$(CONTAINER_TOOL) build --build-arg VERSION='$(VERSION)' -t $(IMG) .

.PHONY: docker-push
docker-push: ## Push the image IMG.
	$(CONTAINER_TOOL) push $(IMG)

##@ Tools

.PHONY: tools
tools: controller-gen crd-ref-docs golangci-lint helm kustomize ## Install every pinned tool into bin/.

.PHONY: controller-gen
controller-gen: ## Install controller-gen into bin/.
	$(call install-tool,$(CONTROLLER_GEN),sigs.k8s.io/controller-tools/cmd/controller-gen,$(CONTROLLER_TOOLS_VERSION))

.PHONY: crd-ref-docs
crd-ref-docs: ## Install crd-ref-docs into bin/.
	$(call install-tool,$(CRD_REF_DOCS),github.com/elastic/crd-ref-docs,$(CRD_REF_DOCS_VERSION))

.PHONY: golangci-lint
golangci-lint: ## Install golangci-lint into bin/.
	$(call install-tool,$(GOLANGCI_LINT),github.com/golangci/golangci-lint/v2/cmd/golangci-lint,$(GOLANGCI_LINT_VERSION))

.PHONY: govulncheck
govulncheck: ## Install govulncheck into bin/.
	$(call install-tool,$(GOVULNCHECK),golang.org/x/vuln/cmd/govulncheck,$(GOVULNCHECK_VERSION))

.PHONY: helm
helm: ## Build helm into bin/, in the version that hack/release requires.
	cd hack/release && go build -o '$(HELM)' helm.sh/helm/v4/cmd/helm

.PHONY: kustomize
kustomize: ## Install kustomize into bin/.
	$(call install-tool,$(KUSTOMIZE),sigs.k8s.io/kustomize/kustomize/v5,$(KUSTOMIZE_VERSION))

# Its service discovery, which links the clients of every cloud, is left out.
.PHONY: prometheus
prometheus: ## Build Prometheus and promtool, of the version in hack/prometheus/go.mod, into bin/.
	cd hack/prometheus && GOWORK=off go build -tags remove_all_sd -o $(BIN)/ \
		github.com/prometheus/prometheus/cmd/promtool github.com/prometheus/prometheus/cmd/prometheus

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
