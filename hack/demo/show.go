// Copyright The harbor-inventory Authors.
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"

	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/yaml"

	"github.com/harbor-inventory/harbor-inventory/api/v1alpha1"
	"github.com/harbor-inventory/harbor-inventory/hack/testbed"
)

const (
	// syncLimit bounds a sync: spec.timeout of the sample is 30 minutes.
	syncLimit = 35 * time.Minute
	// standstillLimit is how long a sync may show no progress.
	standstillLimit = 5 * time.Minute
	// arrivalLimit bounds the way of one artifact into its list.
	arrivalLimit = 2 * time.Minute
	// tableLines are shown of a table.
	tableLines = 24
)

// pushedTag is the tag of the artifact that the demo pushes.
const pushedTag = "pushed-by-the-demo"

// apply asks for an inventory, as a user would.
func (d *demo) apply(ctx context.Context) error {
	sample, err := os.ReadFile(filepath.Join(d.root, samplePath))
	if err != nil {
		return err
	}
	manifest, name, err := adapt(sample, d.registry.access())
	if err != nil {
		return fmt.Errorf("%s: %w", samplePath, err)
	}
	d.inventory = client.ObjectKey{Namespace: namespace, Name: name}
	visible, err := shown(sample, d.registry.access())
	if err != nil {
		return err
	}
	d.console.say("\nThe sample %s, with the address of this Harbor (the password is hidden here):", samplePath)
	output, err := d.kubectl.run(ctx, manifest, "apply", "-f", "-")
	d.console.shell("kubectl apply -f - <<EOF\n"+visible+"EOF", output)
	return err
}

func (d *demo) firstSync() step {
	return step{"First sync", "waiting for Ready", syncLimit, []string{"manager"}, func(ctx context.Context) (string, error) {
		return d.awaitSync(ctx, "")
	}}
}

// awaitSync waits until a sync has ended, and describes what it found.
func (d *demo) awaitSync(ctx context.Context, requested string) (string, error) {
	moved, last := time.Now(), ""
	for {
		inv, err := d.current(ctx)
		if err != nil {
			return "", err
		}
		ended, progress, err := judge(inv, requested)
		switch {
		case err != nil:
			return "", err
		case ended:
			return describe(inv), nil
		case progress != last:
			moved, last = time.Now(), progress
			d.console.update(progress)
		case time.Since(moved) > standstillLimit:
			return "", fmt.Errorf("no progress for %s: %s", standstillLimit, last)
		}
		if err := testbed.Pause(ctx, 100*time.Millisecond); err != nil {
			return "", fmt.Errorf("%w: %s", err, last)
		}
	}
}

func (d *demo) current(ctx context.Context) (*v1alpha1.HarborInventory, error) {
	inv := &v1alpha1.HarborInventory{}
	return inv, d.kube.Get(ctx, d.inventory, inv)
}

// describe tells what an inventory that is Ready holds.
func describe(inv *v1alpha1.HarborInventory) string {
	s := &inv.Status
	if s.Artifacts == nil || s.Repositories == nil || s.Projects == nil || s.ArtifactLists == nil {
		return "Ready, without numbers"
	}
	text := fmt.Sprintf("Ready: %s of %s in %s, in %s", count(int(*s.Artifacts), "artifact", "artifacts"),
		count(int(*s.Repositories), "repository", "repositories"), count(int(*s.Projects), "project", "projects"),
		count(int(*s.ArtifactLists), "list", "lists"))
	if lack := incomplete(inv); lack != "" {
		text += "; but " + lack
	}
	return text
}

// table shows what a user would look at first.
func (d *demo) table(ctx context.Context) error {
	args := []string{"get", "harborinventories,artifactlists"}
	output, err := d.kubectl.run(ctx, nil, args...)
	if err != nil {
		return err
	}
	output, more := head(output, tableLines)
	if more > 0 {
		output += fmt.Sprintf("\n... and %s", count(more, "more list", "more lists"))
	}
	d.console.shell("kubectl "+strings.Join(args, " "), output)
	return nil
}

// push pushes an artifact into the simulator and shows it arrive.
func (d *demo) push(ctx context.Context, s *simulator) error {
	held, err := s.listed(ctx)
	if err != nil {
		return err
	}
	repository := crowded(held)
	if repository == "" {
		repository = "library/demo"
	}
	d.pushedTo = repository
	digest, err := s.Push(ctx, repository, pushedTag)
	if err != nil {
		return err
	}
	pushed := time.Now()
	d.console.say("Pushed %s:%s into Harbor: %s", repository, pushedTag, digest)
	requested, err := d.request(ctx)
	if err != nil {
		return err
	}
	var found testbed.Place
	err = d.step(ctx, step{"Arrival", "waiting for the artifact in the lists of " + repository, arrivalLimit, []string{"manager"}, func(ctx context.Context) (_ string, err error) {
		found, err = d.arrival(ctx, testbed.Identity{Repository: repository, Digest: digest})
		return fmt.Sprintf("in the ArtifactList %s, %s after the push", found.List, seconds(time.Since(pushed))), err
	}})
	if err != nil {
		return err
	}
	entry, err := yaml.Marshal([]v1alpha1.ArtifactEntry{found.Entry})
	if err != nil {
		return err
	}
	d.console.say("\n%s", indent(string(entry)))
	return d.step(ctx, d.secondSync(requested))
}

// hints tell what to do with a demo that stays up.
func (d *demo) hints() string {
	lines := []string{
		"alias kubectl='" + d.kubectl.path + "'",
		"export KUBECONFIG='" + d.work.Path("kubeconfig") + "'",
		"kubectl get harborinventories,artifactlists",
		"kubectl describe harborinventory " + d.inventory.Name,
	}
	if s, ok := d.registry.(*simulator); ok {
		lines = append(lines,
			"kubectl get artifactlists -o yaml --field-selector repository="+d.pushedTo,
			fmt.Sprintf(`curl %s/simulator/push -d '{"repository": "%s", "tag": "mine"}'`, s.Base, d.pushedTo))
	}
	lines = append(lines,
		"kubectl annotate --overwrite harborinventory "+d.inventory.Name+" "+v1alpha1.AnnotationRequestedAt+`="$(date)"`,
		"kubectl delete harborinventory "+d.inventory.Name,
		"curl -s "+d.metrics+" | grep '^harbor.*_total'",
		"tail -f '"+d.work.Log("manager")+"'",
	)
	return "\nThe demo stays up until Ctrl-C. To go on in another terminal:\n\n" + indent(strings.Join(lines, "\n"))
}

// request asks for a sync now, by annotation, and shows how. It returns the
// value that the status will echo.
func (d *demo) request(ctx context.Context) (string, error) {
	args, value := d.annotation()
	output, err := d.kubectl.run(ctx, nil, args...)
	if err == nil {
		d.console.shell("kubectl "+strings.Join(args, " "), output)
	}
	return value, err
}

// annotation returns the arguments of kubectl that ask for a sync.
func (d *demo) annotation() (args []string, value string) {
	value = time.Now().UTC().Format(time.RFC3339Nano)
	return []string{"annotate", "--overwrite", "harborinventory", d.inventory.Name, v1alpha1.AnnotationRequestedAt + "=" + value}, value
}

// again has a sync done by request.
func (d *demo) again(ctx context.Context) error {
	requested, err := d.request(ctx)
	if err != nil {
		return err
	}
	return d.step(ctx, d.secondSync(requested))
}

func (d *demo) secondSync(requested string) step {
	return step{"Second sync", "waiting for its end", syncLimit, []string{"manager"}, func(ctx context.Context) (string, error) {
		return d.awaitSync(ctx, requested)
	}}
}

// arrival waits until an artifact is in a list of its repository.
func (d *demo) arrival(ctx context.Context, id testbed.Identity) (testbed.Place, error) {
	for {
		var lists v1alpha1.ArtifactListList
		err := d.kube.List(ctx, &lists, client.InNamespace(namespace), client.MatchingFields{"repository": id.Repository})
		if err != nil {
			return testbed.Place{}, err
		}
		for _, l := range lists.Items {
			for _, entry := range l.Artifacts {
				if entry.Digest == id.Digest {
					return testbed.Place{List: l.Name, Entry: entry}, nil
				}
			}
		}
		if err := testbed.Pause(ctx, 50*time.Millisecond); err != nil {
			return testbed.Place{}, err
		}
	}
}
