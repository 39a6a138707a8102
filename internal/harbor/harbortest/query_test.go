// Copyright The harbor-inventory Authors.
// SPDX-License-Identifier: Apache-2.0

package harbortest

import (
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

func TestParseQuery(t *testing.T) {
	at := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	for text, want := range map[string]keywords{
		"":                                  {},
		"a=b":                               {"a": exact("b")},
		"a=b=c":                             {"a": exact("b=c")},
		"a=]":                               {"a": exact("]")},
		`a=\~b`:                             {"a": exact("~b")},
		"a=~b,c=d":                          {"a": fuzzy("b"), "c": exact("d")},
		"a=1,a=2":                           {"a": exact("2")},
		"a=[1~5]":                           {"a": span{int64(1), int64(5)}},
		"a=[~5]":                            {"a": span{nil, int64(5)}},
		"a=[2026-01-02T03:04:05~]":          {"a": span{at, nil}},
		`a={x "y" 3}`:                       {"a": anyOf{"x", "y", int64(3)}},
		"a=(1 2)":                           {"a": allOf{int64(1), int64(2)}},
		"a=%7B1%202%7D":                     {"a": anyOf{int64(1), int64(2)}},
		"a=b+c":                             {"a": exact("b c")},
		"a=b%2Bc":                           {"a": exact("b+c")},
		"a=%zz":                             {"a": exact("%zz")},
		"media_type=application/vnd.x+json": {"media_type": exact("application/vnd.x json")},
	} {
		got, failure := parseQuery(text)
		if failure != nil {
			t.Errorf("%q: %v", text, failure)
			continue
		}
		if diff := cmp.Diff(want, got, cmp.AllowUnexported(span{})); diff != "" {
			t.Errorf("%q (-want +got):\n%s", text, diff)
		}
	}
	for _, text := range []string{"a", "=b", "a=", ",", "a=b,", "a=~", "a=[", "a=[1]", "a=[1~2", "a=[~]", "a=[1~2~3]", "a={1", "a=(1", "a=[a,b]"} {
		if got, failure := parseQuery(text); failure == nil || failure.status != 400 {
			t.Errorf("%q: got %v, %v, want status 400", text, got, failure)
		}
	}
}

// FuzzParseQuery: any text is either refused with 400 or gives conditions that
// compile, or fail with 500, for every table, and that can be applied.
func FuzzParseQuery(f *testing.F) {
	for _, seed := range []string{
		"id=[1~5]", "tags=~v1", "labels=(1 2)", "push_time=[2026-01-01T00:00:00~]", "base=*", "id__gt=5", "digest={a b}", "q=%2525", "a=%zz,b={", "update_time=yesterday",
	} {
		f.Add(seed)
	}
	r := New(WithClock(steppingClock()))
	r.Push("library/app", Image{Tags: []string{"v1"}, Annotations: map[string]string{"a": "b"}})
	r.PushAccessory("library/app", "v1", Accessory{})
	repo := r.repositories["library/app"]
	f.Fuzz(func(t *testing.T, text string) {
		words, failure := parseQuery(text)
		if failure != nil {
			if failure.status != 400 {
				t.Errorf("%q: status %d, want 400", text, failure.status)
			}
			return
		}
		c := &call{registry: r, query: url.Values{"sort": {strings.ReplaceAll(text, "=", ",")}}}
		p := paging{page: 1, size: 10}
		conditions, failure := artifactConditions(words)
		if failure == nil {
			applied(t, text)(findWhere(c, artifactTable, repo.artifacts, words, conditions, p))
		}
		applied(t, text)(find(c, repositoryTable, []*repository{repo}, words, p))
		applied(t, text)(find(c, projectTable, []*project{repo.project}, words, p))
		applied(t, text)(find(c, tagTable, repo.artifacts[0].rows(), words, p))
		applied(t, text)(find(c, accessoryTable, repo.artifacts[0].extra.accessories, words, p))
	})
}

// applied checks the result of a listing of one row at most.
func applied(t *testing.T, text string) func(any, int64, *apiError) {
	t.Helper()
	return func(_ any, total int64, failure *apiError) {
		t.Helper()
		if failure != nil && failure.status != 500 {
			t.Errorf("%q: status %d, want 500", text, failure.status)
		}
		if total < 0 || total > 2 {
			t.Errorf("%q: total %d of 2 rows", text, total)
		}
	}
}

func TestColumnsCompareAsPostgreSQL(t *testing.T) {
	r := New(WithClock(steppingClock()))
	r.Push("library/app", Image{Tags: []string{"v1"}, Size: 500})
	rows := r.repositories["library/app"].artifacts
	for text, want := range map[string]int{
		"size=500":              1,
		"size=[400~600]":        1,
		"size=[501~]":           0,
		"size={1 500}":          1,
		"size=~50":              1,
		"size__gte=500":         1,
		"size__ne=500":          0,
		"size__in=500":          1,
		"type=IMAGE":            1,
		"type=image":            0,
		"type=~mag":             1,
		"type__icontains=imag":  1,
		"type__contains=imag":   0,
		"push_time=[~tomorrow]": 1,
		"push_time=[2026-04-30 23:59~2026-05-02]":       1,
		"push_time=[2026-05-01T00:00:00.5Z~2026-05-02]": 1,
		"pull_time=[epoch~]":                            0, // NULL
		"nosuch=1":                                      1,
		"size=(1 2)":                                    1, // not for columns: ignored
		"size=abc":                                      -1,
		"size=[a~b]":                                    -1,
		"size={a}":                                      -1,
		"push_time=soon":                                -1,
		"push_time=[5~]":                                -1,
		"size__nosuch=1":                                -1,
		"size__gt=[1~2]":                                -1,
	} {
		words, failure := parseQuery(text)
		if failure != nil {
			t.Errorf("%q: %v", text, failure)
			continue
		}
		_, total, failure := find(&call{registry: r}, artifactTable, rows, words, paging{1, 10})
		switch {
		case want < 0 && (failure == nil || failure.status != 500):
			t.Errorf("%q: got %d rows and %v, want status 500", text, total, failure)
		case want >= 0 && (failure != nil || int(total) != want):
			t.Errorf("%q: got %d rows and %v, want %d", text, total, failure, want)
		}
	}
}
