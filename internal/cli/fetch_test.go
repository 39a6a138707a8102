// Copyright The harbor-inventory Authors.
// SPDX-License-Identifier: Apache-2.0

package cli

import (
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/harbor-inventory/harbor-inventory/internal/harbor/harbortest"
	"github.com/harbor-inventory/harbor-inventory/internal/harbor/transport"
)

// asAdmin gives the credentials by the environment.
func asAdmin(e *environment) {
	e.retry = transport.RetryPolicy{Base: time.Millisecond}
	e.getenv = func(name string) string {
		return map[string]string{usernameVariable: harbortest.AdminName, passwordVariable: harbortest.AdminSecret}[name]
	}
}

// TestFetchFindsAll holds that each format shows every artifact of the recorded
// Harbor, once.
func TestFetchFindsAll(t *testing.T) {
	defer goleak.VerifyNone(t, goleak.IgnoreCurrent())
	registry := harbortest.Recorded()
	server := harbortest.NewServer(t, registry, harbortest.Options{})
	listed, _ := registry.Listed()
	var want []string
	for _, a := range listed {
		want = append(want, a.Repository+"@"+a.Digest)
	}
	slices.Sort(want)
	for _, format := range []string{formatLines, formatJSON, formatName, formatCSV, "custom-columns=R:.repository,D:.digest"} {
		got := invokeIn(t, asAdmin, "fetch", "--url", server.URL, "--plain-http", "-o", format)
		if got.code != exitOK {
			t.Fatalf("%s: exit code %d: %s", format, got.code, got.err)
		}
		found := references(t, format, got.out, hostOf(t, server.URL))
		slices.Sort(found)
		if !slices.Equal(found, want) {
			t.Errorf("%s: %d artifacts, want %d, or others", format, len(found), len(want))
		}
	}
	server.Close()
}

// references reads repository@digest out of an output.
func references(t *testing.T, format, out, host string) []string {
	t.Helper()
	var all []string
	lines := strings.Split(strings.TrimSuffix(out, "\n"), "\n")
	switch format {
	case formatJSON:
		var document struct{ Items []Artifact }
		if err := json.Unmarshal([]byte(out), &document); err != nil {
			t.Fatal(err)
		}
		for _, a := range document.Items {
			all = append(all, a.Repository+"@"+a.Digest)
		}
	case formatLines:
		err := readLines(t.Context(), "out", strings.NewReader(out), func(a *Artifact) error {
			all = append(all, a.Repository+"@"+a.Digest)
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
	case formatName:
		for _, line := range lines {
			all = append(all, strings.TrimPrefix(line, host+"/"))
		}
	case formatCSV:
		for _, line := range lines[1:] {
			cells := strings.Split(line, ",")
			all = append(all, cells[4]+"@"+cells[5])
		}
	default:
		for _, line := range lines[1:] {
			cells := strings.Fields(line)
			all = append(all, cells[0]+"@"+cells[1])
		}
	}
	return all
}

// TestFetchStreams holds that what is read is printed before the rest can be read.
func TestFetchStreams(t *testing.T) {
	server := harbortest.NewServer(t, harbortest.Recorded(), harbortest.Options{})
	free := server.Inject(harbortest.Rule{Class: harbortest.ClassArtifacts, Path: "payment", Fault: harbortest.Stall()})
	var printed bool
	got := invokeIn(t, func(e *environment) {
		asAdmin(e)
		out := e.Out
		e.Out = writerFunc(func(p []byte) (int, error) {
			if !printed && strings.Contains(string(p), "library/nginx") {
				printed = true
				free() // only now can the last repository be read
			}
			return out.Write(p)
		})
	}, "fetch", "--url", server.URL, "--plain-http", "-r", "library/nginx", "-r", "*/*/payment/*", "-o", "jsonl", "--max-connections", "2")
	if !printed || got.code != exitOK || !strings.Contains(got.out, "team-a/backend/services/payment/v2") {
		t.Errorf("printed: %v, exit code %d, %s%s", printed, got.code, got.out, got.err)
	}
}

// TestFetchTellsWhatIsMissing: never a silent gap, whatever goes wrong.
func TestFetchTellsWhatIsMissing(t *testing.T) {
	for _, tt := range []struct {
		about string
		rule  harbortest.Rule
		args  []string
		code  int
		want  string
	}{
		{"a repository fails", harbortest.Rule{Class: harbortest.ClassArtifacts, Path: "nginx", Fault: harbortest.InternalError()}, nil, exitIncomplete, "not read: repository library/nginx: Unavailable: "},
		{"a name matches nothing", harbortest.Rule{Path: "/nobody", Fault: harbortest.InternalError()}, []string{"-r", "nobody"}, exitIncomplete, "not found: nobody"},
		{"Harbor is down", harbortest.Rule{Fault: harbortest.CoreDown()}, nil, exitError, "error: "},
		{"it is no Harbor", harbortest.Rule{Fault: harbortest.HTML()}, nil, exitError, "error: "},
	} {
		t.Run(tt.about, func(t *testing.T) {
			server := harbortest.NewServer(t, harbortest.Recorded(), harbortest.Options{})
			defer server.Inject(tt.rule)()
			args := append([]string{"fetch", "--url", server.URL, "--plain-http", "-p", "library", "-o", "jsonl"}, tt.args...)
			got := invokeIn(t, asAdmin, args...)
			if got.code != tt.code || !strings.Contains(got.err, tt.want) {
				t.Errorf("exit code %d and %q, want %d and %q", got.code, got.err, tt.code, tt.want)
			}
			if tt.code == exitIncomplete && len(tt.args) == 0 && !strings.Contains(got.out, "library/alpine") {
				t.Errorf("what could be read is not there: %q", got.out)
			}
		})
	}
}

// TestFetchEndsWhenNobodyReads: an output that fails ends the run, with its error.
func TestFetchEndsWhenNobodyReads(t *testing.T) {
	server := harbortest.NewServer(t, harbortest.Recorded(), harbortest.Options{})
	got := invokeIn(t, func(e *environment) {
		asAdmin(e)
		e.Out = writerFunc(func([]byte) (int, error) { return 0, errors.New("the disk is full") })
	}, "fetch", "--url", server.URL, "--plain-http")
	if got.code != exitError || !strings.Contains(got.err, "error: the disk is full") {
		t.Errorf("exit code %d and %q", got.code, got.err)
	}
}

func TestFetchCredentials(t *testing.T) {
	server := harbortest.NewServer(t, harbortest.Recorded(), harbortest.Options{})
	secret := filepath.Join(t.TempDir(), "secret")
	if err := os.WriteFile(secret, []byte(harbortest.AdminSecret+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	prompted := func(answer string, err error) func(*environment) {
		return func(e *environment) {
			e.columns = func(file any) (int, bool) { return 80, file == e.In }
			e.secret = func() ([]byte, error) { return []byte(answer), err }
		}
	}
	const private = "data.science" // a project that not everybody sees
	for _, tt := range []struct {
		about  string
		change func(*environment)
		args   []string
		code   int
		want   string // on standard error
	}{
		{"from the environment", asAdmin, nil, exitOK, ""},
		{"from a file", func(*environment) {}, []string{"-u", "admin", "--password-file", secret}, exitOK, ""},
		{"from standard input", func(e *environment) { e.In = strings.NewReader(harbortest.AdminSecret) }, []string{"-u", "admin", "--password-file", "-"}, exitOK, ""},
		{"by a prompt", prompted(harbortest.AdminSecret, nil), []string{"-u", "admin"}, exitOK, "Password for admin: "},
		{"by a prompt, empty", prompted("", nil), []string{"-u", "admin"}, exitUsage, "the password is empty"},
		{"by a prompt that is left", prompted("", errors.New("interrupted")), []string{"-u", "admin"}, exitError, "reading the password: interrupted"},
		{"the flag goes before the environment", asAdmin, []string{"-u", "nobody"}, exitError, "does not accept the credentials"},
		{"none", func(*environment) {}, nil, exitIncomplete, "Without credentials: fetching what Harbor shows to everybody"},
	} {
		t.Run(tt.about, func(t *testing.T) {
			retry := func(e *environment) {
				tt.change(e)
				e.retry = transport.RetryPolicy{Base: time.Millisecond}
			}
			args := append([]string{"fetch", "--url", server.URL, "--plain-http", "-p", private, "-o", "name"}, tt.args...)
			got := invokeIn(t, retry, args...)
			if got.code != tt.code || !strings.Contains(got.err, tt.want) {
				t.Errorf("exit code %d and %q, want %d and %q", got.code, got.err, tt.code, tt.want)
			}
			if (got.code == exitOK) != strings.Contains(got.out, private) {
				t.Errorf("exit code %d, and on standard output: %q", got.code, got.out)
			}
			if strings.Contains(got.all, harbortest.AdminSecret) {
				t.Errorf("the password is printed: %s", got.all)
			}
		})
	}
}

func TestProgress(t *testing.T) {
	for _, tt := range []struct {
		tally   tally
		elapsed time.Duration
		want    string
	}{
		{tally{}, 0, "looking for repositories"},
		{tally{found: 1, repositories: 1, projects: 1, pages: 1, artifacts: 1}, time.Second, "1 of 1 repository, 1 project, 1 page, 1 artifact, 1/s"},
		{
			tally{found: 40, repositories: 10, projects: 2, pages: 25, artifacts: 2000, retries: 3},
			10 * time.Second,
			"10 of 40 repositories, 2 projects, 25 pages, 2000 artifacts, 200/s, 3 retries",
		},
	} {
		if got := tt.tally.text(tt.elapsed); got != tt.want {
			t.Errorf("%q, want %q", got, tt.want)
		}
		for _, columns := range []int{0, 1, 20, 60, 200} {
			if bar := tt.tally.bar(tt.elapsed, columns); columns > 0 && len(bar) >= columns {
				t.Errorf("a bar of %d in %d columns: it would wrap", len(bar), columns)
			}
		}
	}
	if bar := (tally{found: 40, repositories: 10}).bar(time.Second, 200); !strings.HasPrefix(bar, "[=====               ] about 3s left, 10 of 40") {
		t.Errorf("the bar is %q", bar)
	}
}
