// Copyright The harbor-inventory Authors.
// SPDX-License-Identifier: Apache-2.0

package harbor

import (
	"context"
	"errors"
	"fmt"
	"io"
	"runtime"
	"strings"
	"testing"
	"testing/iotest"
	"time"
	"unsafe"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/harbor-inventory/harbor-inventory/internal/harbor/transport"
)

// TestOddArtifacts: what is of another kind than expected is as if it were not there.
func TestOddArtifacts(t *testing.T) {
	for _, tt := range []struct {
		about, json string
		want        Artifact
	}{
		{"nothing", `{}`, Artifact{}},
		{"null", `null`, Artifact{}},
		{"a list", `[1,[2],{"id":3}]`, Artifact{}},
		{"null everywhere", `{"id":null,"size":null,"digest":null,"type":null,"tags":null,"labels":null,"accessories":null,"push_time":null,
			"references":null,"extra_attrs":null,"annotations":null,"scan_overview":null,"sbom_overview":null}`, Artifact{}},
		{"other kinds", `{"id":"7","size":{},"digest":12,"type":[],"tags":"v1","labels":{"id":1},"accessories":7,"push_time":5,
			"references":true,"extra_attrs":"x","annotations":[1],"scan_overview":[{}],"sbom_overview":"x"}`, Artifact{}},
		{
			"other kinds inside", `{"tags":[null,1,"v1",[],{"name":5},{"name":"v2","id":"x","push_time":7,"immutable":"yes"}],
			"labels":[null,{"id":4}],"accessories":[null,{"type":"x"}],"extra_attrs":{"os":1,"architecture":null},
			"annotations":{"a":null,"b":{},"c":"d"},"scan_overview":{"x":null,"y":3},"sbom_overview":{}}`,
			Artifact{Tags: []Tag{{Name: "v2"}}, Annotations: map[string]string{"c": "d"}, AnnotationsTotal: 1},
		},
		{"numbers", `{"id":1e2,"size":-5,"repository_id":99999999999999999999,"project_id":1.5}`, Artifact{}},
		{"the greatest number", `{"id":9223372036854775807}`, Artifact{ID: 9223372036854775807}},
		{"unknown fields", `{"x":{"y":[{"id":1}]},"id":5,"\u0000":[]}`, Artifact{ID: 5}},
		{"an escaped name", `{"\u0069d":5,"dig\u0065st":"a\/\"\u00e9\ud83d\ude00"}`, Artifact{ID: 5, Digest: "a/\"é😀"}},
		{"twice the same name: the later one", `{"type":"A","type":"B","annotations":{"z":"1"},"annotations":{"k":"1","k":"2"},
			"tags":[{"name":"a"},{"name":"b"}],"tags":[{"name":"c"}],"labels":[{"name":"a"}],"labels":[],
			"references":[{"platform":{"os":"linux"}},{}],"references":[{"platform":{"os":"windows"}}]}`, Artifact{
			Type: "B", Annotations: map[string]string{"k": "2"}, AnnotationsTotal: 1, Tags: []Tag{{Name: "c"}},
			Children: 1, Platforms: []Platform{{OS: "windows"}},
		}},
		{
			"invalid UTF-8", "{\"type\":\"a\xffb\xc3\",\"annotations\":{\"k\xfe\":\"\xf0\x9f\"}}",
			Artifact{Type: "a\ufffdb\ufffd", Annotations: map[string]string{"k\ufffd": "\ufffd\ufffd"}, AnnotationsTotal: 1},
		},
		{"half a surrogate pair", `{"type":"\ud800x"}`, Artifact{Type: "\ufffdx"}},
		{"times", `{"push_time":"2026-11-22T23:58:50.948+02:00"}`, Artifact{PushTime: time.Date(2026, 11, 22, 21, 58, 50, 948e6, time.UTC)}},
		{"never", `{"push_time":"0001-01-01T00:00:00.000Z"}`, Artifact{}},
		{"never, somewhere else", `{"push_time":"0001-01-01T00:00:00.000-08:00"}`, Artifact{}},
		{"before the year 1", `{"push_time":"0000-06-01T00:00:00Z"}`, Artifact{}},
		{"beyond what JSON can say", `{"push_time":"9999-12-31T23:59:59-01:00"}`, Artifact{}},
		{"no time", `{"push_time":"yesterday"}`, Artifact{}},
		{
			"an index: its children's platforms, each once, sorted", `{"extra_attrs":{"os":"none","architecture":"none"},"references":[
			{"platform":{"os":"linux","architecture":"arm","variant":"v7","OsFeatures":null}},{"platform":{"os":"linux","architecture":"amd64"}},
			{"platform":{"os":"unknown","architecture":"unknown"}},{"platform":null},{},null,{"platform":{"os":"linux","architecture":"amd64"}}]}`,
			Artifact{Children: 7, Platforms: []Platform{{"linux", "amd64", ""}, {"linux", "arm", "v7"}}},
		},
		{
			"an index of attestations has none", `{"extra_attrs":{"os":"linux","architecture":"amd64"},"references":[{"platform":{"os":"unknown","architecture":"unknown"}}]}`,
			Artifact{Children: 1},
		},
		{
			"an image's own", `{"extra_attrs":{"os":"linux","architecture":"arm64","variant":"v8","config":{"os":"x"}},"references":[]}`,
			Artifact{Platforms: []Platform{{"linux", "arm64", "v8"}}},
		},
		{
			"the current report", `{"scan_overview":{"a":{"severity":"Low"},"application/vnd.security.vulnerability.report; version=1.1":
			{"scan_status":"Success","severity":"High","scanner":{"name":"S"},"summary":{"total":3,"fixable":1,"summary":{"High":3,"x":null,"Low":-1}}},"z":{"severity":"None"}}}`,
			Artifact{Scan: &ScanOverview{Status: "Success", Severity: "High", Scanner: "S", Total: 3, Fixable: 1, BySeverity: map[string]int64{"High": 3, "Low": 0}}},
		},
		{
			"the only report", `{"scan_overview":{"application/vnd.scanner.adapter.vuln.report.harbor+json; version=1.0":{"severity":"Low","scanner":{"version":"1"}}}}`,
			Artifact{Scan: &ScanOverview{Severity: "Low", Scanner: "1"}},
		},
		{"of older reports the first", `{"scan_overview":{"a":{"severity":"Low"},"b":{"severity":"High"}}}`, Artifact{Scan: &ScanOverview{Severity: "Low"}}},
		{"an SBOM of an index", `{"sbom_overview":{"scan_status":"Success"}}`, Artifact{SBOM: &SBOMOverview{Status: "Success"}}},
	} {
		got, err := list(strings.NewReader("["+tt.json+"]"), everything.decode, 0)
		if err != nil {
			t.Errorf("%s: %v", tt.about, err)
			continue
		}
		if diff := cmp.Diff([]Artifact{tt.want}, got); diff != "" {
			t.Errorf("%s: want (-), decoded (+):\n%s", tt.about, diff)
		}
	}
}

// TestDetailsNotAskedFor: nothing is kept that was not asked for, even if it comes.
func TestDetailsNotAskedFor(t *testing.T) {
	const text = `[{"id":1,"annotations":{"a":"b"},"scan_overview":{"x":{"severity":"Low"}},"sbom_overview":{"sbom_digest":"d"},
		"extra_attrs":{"os":"linux","architecture":"amd64"},"references":[{"platform":{"os":"linux","architecture":"amd64"}}]}]`
	got, err := list(strings.NewReader(text), Details{}.decode, 0)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]Artifact{{ID: 1, Children: 1}}, got); diff != "" {
		t.Error(diff)
	}
}

// TestFrame: what a list and a record must look like from outside.
func TestFrame(t *testing.T) {
	for text, want := range map[string][2]error{ // as a list, as a record
		`[]`:               {nil, errShape},
		` [ ] ` + "\n":     {nil, errShape},
		`{}`:               {errShape, nil},
		`null`:             {errShape, errShape},
		`"text"`:           {errShape, errShape},
		`7`:                {errShape, errShape},
		`[{}] []`:          {errShape, errShape},
		`{} {}`:            {errShape, errShape},
		`[{}`:              {io.ErrUnexpectedEOF, errShape},
		`[{"id":1},`:       {io.ErrUnexpectedEOF, errShape},
		`[{"id":1`:         {io.ErrUnexpectedEOF, errShape},
		`[{"tags":[{"na`:   {io.ErrUnexpectedEOF, errShape},
		`{"id":1`:          {errShape, io.ErrUnexpectedEOF},
		`{"references":[`:  {errShape, io.ErrUnexpectedEOF},
		``:                 {io.EOF, io.EOF},
		`<html>`:           {errAny, errAny},
		`[{"id":1},]`:      {errAny, errShape},
		`[{"id":1}}`:       {errAny, errShape},
		`{"id":1,}`:        {errShape, errAny},
		`{"id":01}`:        {errShape, errAny},
		`{"type":"` + "\n": {errShape, errAny},
		`{id:1}`:           {errShape, errAny},
	} {
		for _, reader := range []func(io.Reader) io.Reader{func(r io.Reader) io.Reader { return r }, iotest.OneByteReader, iotest.DataErrReader} {
			_, asList := list(reader(strings.NewReader(text)), everything.decode, 0)
			_, asRecord := single(reader(strings.NewReader(text)), everything.decode)
			for i, got := range []error{asList, asRecord} {
				if !errors.Is(got, want[i]) && (!errors.Is(want[i], errAny) || got == nil) {
					t.Errorf("%q: as a list %v, as a record %v, want %v", text, asList, asRecord, want)
				}
				if got != nil && !errors.Is(badBody(got, nil, ""), ErrInvalidResponse) {
					t.Errorf("%q: %v ends as %v", text, got, badBody(got, nil, ""))
				}
			}
		}
	}
}

var errAny = errors.New("any error")

// TestBrokenReading: errors of the connection stay those, and do not look like bad JSON.
func TestBrokenReading(t *testing.T) {
	for broken, want := range map[error]error{
		errors.New("connection reset"): &ConnectionError{Failure: transport.FailureConnection},
		context.DeadlineExceeded:       &ConnectionError{Failure: transport.FailureTimeout},
		io.ErrUnexpectedEOF:            &ResponseError{Endpoint: "artifacts.list", Reason: reasonBroken},
	} {
		body := &limited{r: io.MultiReader(strings.NewReader(`[{"id":1},`), iotest.ErrReader(broken)), left: 1000}
		_, err := list(body, everything.decode, 0)
		got := badBody(err, body.broken, "artifacts.list")
		if diff := cmp.Diff(want, got, cmp.AllowUnexported(ConnectionError{})); diff != "" {
			t.Errorf("%v: %s", err, diff)
		}
	}
}

func TestAnnotationBounds(t *testing.T) {
	many := make([]string, 0, 100)
	for i := range 100 {
		many = append(many, fmt.Sprintf(`"k%03d":"v"`, i))
	}
	for _, tt := range []struct {
		about, json string
		kept, total int
		cut         []string
		value       string // of key k
	}{
		{"just as long as allowed", `"k":"` + strings.Repeat("x", 1024) + `"`, 1, 1, nil, strings.Repeat("x", 1024)},
		{"a byte too long", `"k":"` + strings.Repeat("x", 1025) + `"`, 1, 1, []string{"annotations"}, strings.Repeat("x", 1024)},
		{"cut between characters", `"k":"` + strings.Repeat("é", 513) + `"`, 1, 1, []string{"annotations"}, strings.Repeat("é", 512)},
		{"not within one", `"k":"x` + strings.Repeat("é", 513) + `"`, 1, 1, []string{"annotations"}, "x" + strings.Repeat("é", 511)},
		{"megabytes", `"k":"` + strings.Repeat("x", 3<<20) + `"`, 1, 1, []string{"annotations"}, strings.Repeat("x", 1024)},
		{"too many", strings.Join(many, ","), 64, 100, []string{"annotations"}, ""},
		{"as many as allowed", strings.Join(many[:64], ","), 64, 64, nil, ""},
		{"a key too long", `"` + strings.Repeat("k", 1025) + `":"v","k":"w"`, 1, 2, []string{"annotations"}, "w"},
	} {
		got, err := list(strings.NewReader(`[{"annotations":{`+tt.json+`}}]`), everything.decode, 0)
		if err != nil {
			t.Fatal(tt.about, err)
		}
		a := got[0]
		if len(a.Annotations) != tt.kept || a.AnnotationsTotal != tt.total || a.Annotations["k"] != tt.value {
			t.Errorf("%s: %d kept of %d, k %.20q", tt.about, len(a.Annotations), a.AnnotationsTotal, a.Annotations["k"])
		}
		if diff := cmp.Diff(tt.cut, a.Cut); diff != "" {
			t.Errorf("%s: cut %s", tt.about, diff)
		}
	}
}

// TestPlatformBounds: an index may have thousands of children.
func TestPlatformBounds(t *testing.T) {
	var b strings.Builder
	b.WriteString(`[{"references":[{}`)
	for i := range 3000 {
		fmt.Fprintf(&b, `,{"child_digest":"sha256:%d","platform":{"os":"linux","architecture":"a%d"}}`, i, i%3)
	}
	b.WriteString(`]},{"references":[{}`)
	for i := range maxPlatforms + 9 {
		fmt.Fprintf(&b, `,{"platform":{"os":"linux","architecture":"a%d"}}`, i)
	}
	b.WriteString(`]}]`)
	got, err := list(strings.NewReader(b.String()), everything.decode, 0)
	if err != nil {
		t.Fatal(err)
	}
	if a := got[0]; a.Children != 3001 || len(a.Platforms) != 3 || cap(a.Platforms) > 10 || a.Cut != nil {
		t.Errorf("%d children, platforms %v, cut %v", a.Children, a.Platforms, a.Cut)
	}
	if a := got[1]; a.Children != maxPlatforms+10 || len(a.Platforms) != maxPlatforms || !cmp.Equal(a.Cut, []string{"platforms"}) {
		t.Errorf("%d children, %d platforms, cut %v", a.Children, len(a.Platforms), a.Cut)
	}
}

// TestLongTexts: what is too long for a name is none.
func TestLongTexts(t *testing.T) {
	long := strings.Repeat("x", maxText+1)
	got, err := list(strings.NewReader(`[{"digest":"`+long+`","type":"`+long+`","media_type":"`+long[1:]+`"}]`), everything.decode, 0)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]Artifact{{MediaType: long[1:]}}, got); diff != "" {
		t.Error(diff)
	}
}

// TestSharedTexts: equal names are one string in memory, however they are
// written, within a page and from page to page.
func TestSharedTexts(t *testing.T) {
	const page = `[{"media_type":"application/vnd.oci"},{"media_type":"application/vnd.oc\u0069"},{"media_type":"application/vnd.oci"}]`
	d := newDecoder(strings.NewReader(page))
	var first *byte
	for range 2 {
		var got []Artifact
		if err := elements(d, &got, everything.decode, func(*Artifact) bool { return true }); err != nil || len(got) != 3 {
			t.Fatal(got, err)
		}
		for _, a := range got {
			if first == nil {
				first = unsafe.StringData(a.MediaType)
			}
			if a.MediaType != "application/vnd.oci" || unsafe.StringData(a.MediaType) != first {
				t.Errorf("%q is another string", a.MediaType)
			}
		}
		d.texts.forget()
		d.Reset(strings.NewReader(page))
	}
}

// TestMemoryOfHugeStrings: decoding strings of 16 MiB takes far less than one of them.
func TestMemoryOfHugeStrings(t *testing.T) {
	huge := func() io.Reader { return io.LimitReader(repeat('x'), 16<<20) }
	body := io.MultiReader(strings.NewReader(`[{"id":1,"annotations":{"k":"`), huge(), strings.NewReader(`","`), huge(),
		strings.NewReader(`":"v"},"extra_attrs":{"author":"`), huge(), strings.NewReader(`","os":"linux"},"digest":"`), huge(), strings.NewReader(`"}]`))
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	got, err := list(body, everything.decode, 0)
	runtime.ReadMemStats(&after)
	if err != nil {
		t.Fatal(err)
	}
	want := []Artifact{{ID: 1, Platforms: []Platform{{OS: "linux"}}, AnnotationsTotal: 2, Cut: []string{"annotations"}}}
	if diff := cmp.Diff(want, got, cmpopts.IgnoreFields(Artifact{}, "Annotations")); diff != "" {
		t.Error(diff)
	}
	if used := after.TotalAlloc - before.TotalAlloc; used > 2<<20 {
		t.Errorf("%d bytes were allocated in all", used)
	}
}

// TestNoStringsAtAll: what stands between strings is bounded too.
func TestNoStringsAtAll(t *testing.T) {
	_, err := list(io.MultiReader(strings.NewReader("["), io.LimitReader(repeat('1'), 1<<30)), everything.decode, 0)
	if !errors.Is(err, errShape) {
		t.Errorf("a number of a gigabyte: %v", err)
	}
}

// repeat is an endless stream of one byte.
type repeat byte

func (r repeat) Read(p []byte) (int, error) {
	for i := range p {
		p[i] = byte(r)
	}
	return len(p), nil
}

// TestAnnotationKeys: the annotations that were not asked for are as if they were not there.
func TestAnnotationKeys(t *testing.T) {
	body := `{"annotations":{"a":"` + strings.Repeat("x", 2000) + `","b":"1","c":"` + strings.Repeat("y", 2000) + `","d":5}}`
	for _, tt := range []struct {
		keys []string
		want Artifact
	}{
		{[]string{"b"}, Artifact{Annotations: map[string]string{"b": "1"}, AnnotationsTotal: 1}},
		{[]string{"b", "nothing", "d"}, Artifact{Annotations: map[string]string{"b": "1"}, AnnotationsTotal: 1}},
		{[]string{"c", "b"}, Artifact{
			Annotations: map[string]string{"b": "1", "c": strings.Repeat("y", 1024)}, AnnotationsTotal: 2, Cut: []string{"annotations"},
		}},
		{[]string{"nothing"}, Artifact{}},
	} {
		got, err := single(strings.NewReader(body), Details{Annotations: true, AnnotationKeys: tt.keys}.decode)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(tt.want, got); diff != "" {
			t.Errorf("%q: wanted (-), decoded (+):\n%s", tt.keys, diff)
		}
	}
}
