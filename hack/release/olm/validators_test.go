// Copyright The harbor-inventory Authors.
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"path/filepath"
	"strings"
	"testing"

	"github.com/operator-framework/api/pkg/manifests"
	"github.com/operator-framework/api/pkg/validation"
	"github.com/operator-framework/api/pkg/validation/errors"
	interfaces "github.com/operator-framework/api/pkg/validation/interfaces"
)

// validators are those of the Operator Lifecycle Manager's project: of the format,
// and of what OperatorHub asks for.
var validators = append(interfaces.Validators{
	validation.OperatorHubV2Validator, validation.StandardCategoriesValidator, validation.StandardCapabilitiesValidator,
	validation.ObjectValidator, validation.AlphaDeprecatedAPIsValidator, validation.GoodPracticesValidator,
}, validation.DefaultBundleValidators...)

// validate returns what the validators have to say of the bundle in a directory.
func validate(t *testing.T, dir string) (problems []errors.Error) {
	t.Helper()
	read, err := manifests.GetBundleFromDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	for _, result := range validators.Validate(read.ObjectsToValidate()...) {
		problems = append(append(problems, result.Errors...), result.Warnings...)
	}
	return problems
}

// accepted are warnings that are put up with, by a part of their words.
var accepted = map[string]string{
	"csv.Spec.Icon not specified":                                              "there is no logo",
	"Kind=ArtifactList: provided API should have an example annotation":        "nobody makes one by hand",
	"Kind=VulnerabilityReport: provided API should have an example annotation": "nobody makes one by hand",
	// The validator looks at the resource's name, not at its group: the Events are
	// those of the core group, of which v1 is the only version.
	"deprecated and removed in v1.25": "mistaken",
}

// TestValidators holds that the Operator Lifecycle Manager's own validators have
// nothing to say of the bundle but what is accepted.
func TestValidators(t *testing.T) {
	said := map[string]bool{}
	for _, problem := range validate(t, filepath.Join(root, "bundle")) {
		known := false
		for words := range accepted {
			if problem.Level == errors.LevelWarn && strings.Contains(problem.Error(), words) {
				known, said[words] = true, true
			}
		}
		if !known {
			t.Error(problem)
		}
	}
	for words, why := range accepted {
		if !said[words] {
			t.Errorf("%q (%s) is said no more: accept it no more", words, why)
		}
	}
}

// TestValidatorsFind holds that they find what is wrong.
func TestValidatorsFind(t *testing.T) {
	dir := t.TempDir()
	if err := run(root, dir, "0.0.0", image); err != nil {
		t.Fatal(err)
	}
	for _, problem := range validate(t, dir) {
		if strings.Contains(problem.Error(), "csv.Spec.Version must be set") {
			return
		}
	}
	t.Error("a version that is none passes")
}
