// Copyright The harbor-inventory Authors.
// SPDX-License-Identifier: Apache-2.0

package cli

import (
	"context"
	"fmt"
	"sync"
	"time"

	"github.com/spf13/cobra"

	"github.com/harbor-inventory/harbor-inventory/api/v1alpha1"
	"github.com/harbor-inventory/harbor-inventory/internal/fetch"
	"github.com/harbor-inventory/harbor-inventory/internal/inventory"
)

// fetchCommand reads a Harbor, once, without a cluster.
type fetchCommand struct {
	*environment
	harbor                          harborFlags
	projects, repositories, exclude []string
	query                           string
	include                         []string
	connections                     int
	timeout                         time.Duration
	quiet                           bool
	output                          outputFlags
}

var details = []string{
	string(v1alpha1.DetailLabels), string(v1alpha1.DetailVulnerabilities), string(v1alpha1.DetailSBOM), string(v1alpha1.DetailAccessories),
	string(v1alpha1.DetailImmutability), string(v1alpha1.DetailAnnotations), string(v1alpha1.DetailPlatforms),
}

func newFetch(e *environment) *cobra.Command {
	c := &fetchCommand{environment: e}
	command := &cobra.Command{
		Use:   "fetch --url URL",
		Short: "Fetch the artifacts of a Harbor itself, once, without a cluster",
		Long: `Fetch the artifacts straight from a Harbor, once. No cluster is needed, and nothing
is changed in Harbor. Each repository is printed as soon as it is complete, so the
order of repositories differs from run to run; what is in memory is what is being
read.

The credentials are those of a robot account or a user: the name from --username or
HARBOR_USERNAME, the password from --password-file, HARBOR_PASSWORD or, on a
terminal, a prompt. Without a name, what Harbor shows to everybody is fetched.

What could not be read is named on standard error, one line each, and the exit code
is 4: then what was printed is complete except for these. Names that matched nothing
are named as well.

` + exitCodes,
		Example: `  # everything, as CSV
  export HARBOR_USERNAME='robot$reader' HARBOR_PASSWORD
  kubectl harbor-inventory fetch --url https://harbor.example.com -o csv >artifacts.csv

  # two projects, with vulnerabilities and labels, one JSON object a line
  kubectl harbor-inventory fetch --url https://harbor.example.com -p library -p 'team-*' \
    --include Vulnerabilities,Labels -o jsonl

  # what differs between a Harbor and the inventory of another one
  kubectl harbor-inventory fetch --url https://staging.example.com -o jsonl >staging.jsonl
  kubectl harbor-inventory diff @staging.jsonl production`,
		Args:              cobra.NoArgs,
		ValidArgsFunction: cobra.NoFileCompletions,
		RunE:              func(command *cobra.Command, _ []string) error { return c.run(command.Context()) },
	}
	c.harbor.addFlags(command)
	flags := command.Flags()
	flags.StringArrayVarP(&c.projects, "project", "p", nil, "only these projects: names, or patterns with * ? [a-z] {a,b}")
	flags.StringArrayVarP(&c.repositories, "repository", "r", nil, "only these repositories, with or without their project; patterns, too, where ** matches slashes")
	flags.StringArrayVar(&c.exclude, "exclude-repository", nil, "not these repositories")
	flags.StringVarP(&c.query, "query", "q", "", "passed on to Harbor as the q of its artifact listing, like push_time=[2026-01-01T00:00:00~]")
	flags.StringSliceVar(&c.include, "include", nil, "details that cost Harbor more: Labels, Vulnerabilities, SBOM, Accessories, Immutability, Annotations, Platforms")
	flags.IntVar(&c.connections, "max-connections", 5, "the most requests to Harbor in flight, 1 to 100")
	flags.DurationVar(&c.timeout, "timeout", 0, "end after this time, with an error; 0 for never")
	flags.BoolVar(&c.quiet, "quiet", false, "no progress on standard error")
	completeWords(command, "include", details...)
	c.output.addFlags(command, "table", formatWide, formatName, formatJSON, formatLines, formatYAML, formatCSV, formatColumns)
	return command
}

// run does what the command says:
//
//  1. Check all that was given, before anything is sent.
//  2. Read Harbor; each repository is printed when it is complete.
//  3. Say what could not be read.
func (c *fetchCommand) run(ctx context.Context) error {
	// 1.
	plan, err := c.plan()
	if err != nil {
		return err
	}
	progress := newProgress()
	client, err := c.harbor.client(c.environment, c.connections, progress.observe) // it may ask for a password
	if err != nil {
		return err
	}
	defer client.Close()
	progress.begin(c.environment, c.quiet)
	defer progress.stop()
	if c.timeout > 0 {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeoutCause(ctx, c.timeout, fmt.Errorf("not done within --timeout=%s", c.timeout))
		defer cancel()
	}
	// 2.
	to := &fetchSink{harbor: c.harbor.url, details: plan.details, printer: plan.printer, progress: progress}
	report, err := fetch.Run(ctx, client, plan.request, to)
	if err == nil {
		err = to.close()
	} else if broken := to.broken(); broken != nil {
		err = broken
	}
	progress.stop()
	// 3.
	return c.conclude(&report, err, to)
}

// fetchPlan is what was given, checked.
type fetchPlan struct {
	request fetch.Request
	details inventory.Set
	printer printer
}

func (c *fetchCommand) plan() (*fetchPlan, error) {
	if err := c.harbor.check(); err != nil {
		return nil, err
	}
	if c.connections < 1 || c.connections > 100 {
		return nil, usageError("--max-connections=%d: want 1 to 100", c.connections)
	}
	selection, err := fetch.NewSelection(c.projects, c.repositories, c.exclude)
	if err != nil {
		return nil, usageError("%w", err)
	}
	wanted, err := includeSet(c.include)
	if err != nil {
		return nil, err
	}
	p, err := c.output.printer(look{out: c.Out, now: c.now()})
	if err != nil {
		return nil, err
	}
	return &fetchPlan{
		request: fetch.Request{
			Selection: selection, Query: c.query, Details: inventory.HarborDetails(wanted, &v1alpha1.HarborInventorySpec{}),
			Workers: 2 * c.connections, Writers: 2,
		},
		details: wanted, printer: p,
	}, nil
}

// conclude says what is missing. An error that ended the run comes first.
func (c *fetchCommand) conclude(report *fetch.Report, err error, to *fetchSink) error {
	for _, f := range report.Failures {
		tell(c.ErrOut, "not read: %s: %s: %v\n", failed(f), f.Reason, f.Err)
	}
	for _, name := range report.NotFound {
		tell(c.ErrOut, "not found: %s: there is no such project or repository, or the credentials may not see it\n", name)
	}
	if report.Unverified > 0 {
		tell(c.ErrOut, "Warning: %s may have changed while being read: what is shown of it is not of one instant\n", counted(report.Unverified, "repository"))
	}
	switch {
	case err != nil:
		return err
	case len(report.Failures) > 0 || len(report.NotFound) > 0:
		return &codedError{code: exitIncomplete, err: fmt.Errorf("incomplete: %d not read and %d not found, named above; %s with %s complete",
			len(report.Failures), len(report.NotFound), counted(to.repositories, "repository"), counted(to.artifacts, "artifact"))}
	case to.artifacts == 0:
		tell(c.ErrOut, "No artifacts found in %s of %s.\n", counted(report.Repositories, "repository"), counted(report.Projects, "project"))
	}
	return nil
}

func failed(f fetch.Failure) string {
	switch {
	case f.Repository != "":
		return "repository " + f.Repository
	case f.Project != "":
		return "project " + f.Project
	default:
		return "the registry"
	}
}

// fetchSink prints repositories, one at a time.
type fetchSink struct {
	harbor   string
	details  inventory.Set
	progress *progress

	mu                      sync.Mutex
	printer                 printer
	err                     error // of the output: nothing more is printed
	repositories, artifacts int
}

// Found is of fetch.Sink.
func (s *fetchSink) Found(repositories int) { s.progress.found(repositories) }

// Repository is of fetch.Sink.
func (s *fetchSink) Repository(_ context.Context, r fetch.Repository) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.err != nil {
		return s.err
	}
	resume := s.progress.pause()
	defer resume()
	s.progress.read(r.Project, len(r.Artifacts))
	for i := range r.Artifacts {
		a := &Artifact{Harbor: s.harbor, Project: r.Project, Repository: r.Name, ArtifactEntry: inventory.Entry(&r.Artifacts[i], s.details)}
		inventory.Answered(&a.ArtifactEntry, s.details)
		if s.err = s.printer.print(a); s.err != nil {
			return s.err
		}
	}
	s.repositories++
	s.artifacts += len(r.Artifacts)
	s.err = s.printer.flush()
	return s.err
}

func (s *fetchSink) broken() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.err
}

func (s *fetchSink) close() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.err != nil {
		return s.err
	}
	return s.printer.close()
}

// includeSet reads --include.
func includeSet(names []string) (inventory.Set, error) {
	var wanted []v1alpha1.Detail
	for _, name := range names {
		detail, err := newDetail(name)
		if err != nil {
			return nil, err
		}
		wanted = append(wanted, detail)
	}
	return inventory.NewSet(wanted), nil
}
