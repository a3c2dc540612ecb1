package server

import (
	"fmt"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	mlcore "github.com/mlcore/mlcore/interop/go"
	"github.com/mlcore/mlcore/interop/go/internal/modeltest"
)

type lists = map[string][]string

func TestFiltersMeanWhatTheyMeanInTheLibrary(t *testing.T) {
	dir := modeltest.Catalogued().Write(t, t.TempDir())
	server := start(t, testOptions(dir))
	model, err := mlcore.Open(dir, mlcore.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer model.Close()
	moment := mlcore.UnixMicro(10)
	lengths := map[int]bool{}
	for text, filter := range map[string]*mlcore.Filter{
		`{}`:                           {},
		`{"any_of": {"brand": ["x"]}}`: {AnyOf: lists{"brand": {"x"}}},
		`{"any_of": {"brand": ["x", "y"]}, "none_of": {"color": ["blue"]}}`:                       {AnyOf: lists{"brand": {"x", "y"}}, NoneOf: lists{"color": {"blue"}}},
		`{"any_of": {"brand": []}}`:                                                               {AnyOf: lists{"brand": {}}},
		`{"available_at": "1970-01-01T00:00:00.00001Z"}`:                                          {AvailableAt: moment},
		`{"at_most": {"brand": 1.0}}`:                                                             {AtMost: map[string]int{"brand": 1}},
		` {"at_most": {"color": 1, "brand": 2}, "available_at": "1970-01-01 00:00:00.00001+00"} `: {AtMost: map[string]int{"color": 1, "brand": 2}, AvailableAt: moment},
	} {
		options := mlcore.RecommendOptions{Filter: filter, Explain: true, Exclude: []string{"e"}}
		items, err := model.Recommend("u", 3, options)
		if err != nil {
			t.Fatal(err)
		}
		lengths[len(items)] = true
		want := string(mlcore.AppendPrediction(nil, "u", items))
		query := "?n=3&explain=true&exclude=e&filter=" + url.QueryEscape(text)
		if got := server.get(t, "/v1/users/u/recommendations"+query).body; got != want {
			t.Errorf("%s: got %s, want %s", text, got, want)
		}
		keys := `, "n": 3, "explain": true, "exclude": ["e"], "filter": ` + text + `}`
		if got := server.post(t, `{"user_id": "u"`+keys).body; got != want {
			t.Errorf("%s: got %s, want %s", text, got, want)
		}
		_, rest, _ := strings.Cut(want, ", ")
		if got := server.post(t, `{"history": [{"item_id": "h"}]`+keys).body; got != "{"+rest {
			t.Errorf("%s: got %s, want {%s", text, got, rest)
		}
		if items, err = model.SimilarWith("h", 3, mlcore.RecommendOptions{Filter: filter}); err != nil {
			t.Fatal(err)
		}
		want = strings.Replace(string(mlcore.AppendPrediction(nil, "h", items)), "user_id", "item_id", 1)
		if got := server.get(t, "/v1/items/h/similar?n=3&filter="+url.QueryEscape(text)).body; got != want {
			t.Errorf("%s: got %s, want %s", text, got, want)
		}
		// Who is not known gets popular items within the filter.
		if items, err = model.RecommendHistory(nil, 10, mlcore.RecommendOptions{Filter: filter, Fill: true}); err != nil {
			t.Fatal(err)
		}
		want = string(mlcore.AppendPrediction(nil, "nobody", items))
		if got := server.get(t, "/v1/users/nobody/recommendations?unknown_user=fill&filter="+url.QueryEscape(text)).body; got != want {
			t.Errorf("%s: got %s, want %s", text, got, want)
		}
	}
	if len(lengths) < 3 {
		t.Errorf("lists of these lengths only: %v", lengths)
	}
}

func TestFaultyFiltersAreRefusedByTheirPlace(t *testing.T) {
	server := start(t, testOptions(modeltest.Catalogued().Write(t, t.TempDir())))
	for text, expected := range map[string]string{
		`[]`:                                  "filter",
		`null`:                                "filter",
		`{"brand": ["x"]}`:                    "filter",
		`{"any_of": {}, "any_of": {}}`:        "filter.any_of",
		`{"any_of": ["x"]}`:                   "filter.any_of",
		`{"any_of": {"brand": "x"}}`:          "filter.any_of.brand",
		`{"any_of": {"brand": ["x", 1]}}`:     "filter.any_of.brand[1]",
		`{"none_of": {"no such": []}}`:        "filter.none_of",
		`{"at_most": {"no: such": 1}}`:        "filter.at_most",
		`{"at_most": {"brand": 0}}`:           "filter.at_most.brand",
		`{"at_most": {"brand": 1e0}}`:         "filter.at_most.brand",
		`{"available_at": "tomorrow"}`:        "filter.available_at",
		`{"available_at": 253402300800}`:      "filter.available_at",
		`{"available_at": 1, "at_most": {1}}`: "", // no JSON: the body says so, or the filter
	} {
		for place, answer := range map[string]reply{
			"body":    server.post(t, `{"history": [{"item_id": "h"}], "filter": `+text+`}`),
			"filter":  server.get(t, "/v1/users/u/recommendations?filter="+url.QueryEscape(text)),
			"filter ": server.get(t, "/v1/items/h/similar?filter="+url.QueryEscape(text)),
		} {
			want := expected
			if want == "" {
				want = strings.TrimSpace(place)
			}
			if code, field := answer.fault(t); answer.status != 400 || code != "request" || field != want {
				t.Errorf("%s: expected 400 for %s, got %d %s", text, want, answer.status, answer.body)
			}
		}
	}
	for _, query := range []string{"filter=", "filter={}&filter={}"} {
		if answer := server.get(t, "/v1/users/u/recommendations?"+query); answer.status != 400 {
			t.Errorf("%s: got %d %s", query, answer.status, answer.body)
		}
	}
	without := start(t, testOptions(cosineModel))
	if answer := without.post(t, `{"history": [], "filter": {"any_of": {"brand": ["x"]}}}`); answer.status != 400 ||
		!strings.Contains(answer.body, "filter.any_of: expected a model with attributes, got one without") {
		t.Errorf("got %d %s", answer.status, answer.body)
	}
}

func TestAFaultyCatalogueIsAnswered500(t *testing.T) {
	written := modeltest.Catalogued()
	written.Attributes.Codes[0][0] = 7
	server := start(t, testOptions(written.Write(t, t.TempDir())))
	answer := server.get(t, "/v1/users/u/recommendations?filter="+url.QueryEscape(`{"any_of": {"brand": ["x"]}}`))
	if code, _ := answer.fault(t); answer.status != 500 || code != "internal" {
		t.Errorf("got %d %s", answer.status, answer.body)
	}
}

// TestFiltersAreThoseOfTheModelThatAnswers swaps models whose catalogues give the same values other codes.
func TestFiltersAreThoseOfTheModelThatAnswers(t *testing.T) {
	other := modeltest.Catalogued()
	other.Attributes.Columns = []string{"a column before", "brand"}
	other.Attributes.Values = []string{"a", "w", "x", "y"}
	other.Attributes.Codes = [][]int32{{0, 0, 0, 0, 0, 0}, {3, 3, 2, 2, -1, 1}}
	dirs := []string{modeltest.Catalogued().Write(t, t.TempDir()), other.Write(t, t.TempDir())}
	want := map[string]string{nameOf(t, dirs[0]): "abe", nameOf(t, dirs[1]): "cd"}
	path := "/v1/users/u/recommendations?filter=" + url.QueryEscape(`{"any_of": {"brand": ["x"]}}`)
	current := newLink(t, dirs[0])
	options := testOptions(string(current))
	options.ReloadInterval = time.Millisecond
	server := start(t, options)
	var stop atomic.Bool
	var answered atomic.Int64
	var group sync.WaitGroup
	for range 4 {
		group.Add(1)
		go func() {
			defer group.Done()
			for !stop.Load() {
				answer, found := server.get(t, path), ""
				for _, item := range answer.list(t).Items {
					found += item.ItemID
				}
				if found != want[answer.header.Get("X-Model")] {
					t.Errorf("%s gave %s", answer.header.Get("X-Model"), found)
					return
				}
				answered.Add(1)
			}
		}()
	}
	for swap := 1; swap <= 20; swap++ {
		before := answered.Load()
		current.switchTo(t, dirs[swap%2])
		waitFor(t, "answers after a reload", func() bool {
			return t.Failed() || (server.metrics.reloadsOK.Load() == int64(swap) && answered.Load() > before+8)
		})
	}
	stop.Store(true)
	group.Wait()
}

func TestACatalogueBesideTheModelIsReadAnewWhenItChanges(t *testing.T) {
	catalogue := filepath.Join(t.TempDir(), "items.csv")
	replace := func(text string) {
		t.Helper()
		if err := os.WriteFile(catalogue+".new", []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		if err := os.Rename(catalogue+".new", catalogue); err != nil {
			t.Fatal(err)
		}
	}
	replace("item_id,shelf\na,1\nb,2\nunknown,3\n")
	options := testOptions(modeltest.Catalogued().Write(t, t.TempDir()))
	options.Attributes = catalogue
	server := start(t, options)
	expect := func(query, expected string) {
		t.Helper()
		var found string
		answer := server.get(t, "/v1/users/u/recommendations?filter="+url.QueryEscape(query))
		for _, item := range answer.list(t).Items {
			found += item.ItemID
		}
		if found != expected {
			t.Errorf("%s: got %s", query, answer.body)
		}
	}
	expect(`{"any_of": {"shelf": ["1", "3"]}}`, "a")
	if answer := server.get(t, "/v1/users/u/recommendations?filter="+url.QueryEscape(`{"any_of": {"brand": []}}`)); answer.status != http.StatusBadRequest {
		t.Errorf("the catalogue of the model is still there: %s", answer.body)
	}
	if err := server.models.update(false, true); err != nil || server.metrics.reloadsOK.Load() != 0 {
		t.Fatalf("loaded again without a change: %v", err)
	}
	replace("item_id,shelf,available_until\na,2,\nc,1,1970-01-01T00:00:00Z\nd,1,\n")
	if err := server.models.update(false, true); err != nil {
		t.Fatal(err)
	}
	expect(`{"any_of": {"shelf": ["1"]}}`, "cd")
	expect(`{"any_of": {"shelf": ["1"]}, "available_at": 0}`, "d")
	replace("item_id,shelf\na,2\na,1\n")
	if err := server.models.update(false, true); err == nil || !strings.Contains(err.Error(), "each item once") {
		t.Errorf("got %v", err)
	}
	expect(`{"any_of": {"shelf": ["1"]}}`, "cd") // the old one serves on
	if metrics := server.get(t, "/metrics").body; !strings.Contains(metrics, "\nmlcore_reloads_total{result=\"refused\"} 1\n") ||
		!strings.Contains(metrics, `_failure_timestamp_seconds{verdict="attributes"}`) {
		t.Error(metrics)
	}
	replace("item_id,shelf\nA,1\n")
	if err := server.models.update(false, true); err == nil || !strings.Contains(err.Error(), "expected items of the model, got none of them") {
		t.Errorf("got %v", err)
	}
	options.Attributes = filepath.Join(t.TempDir(), "nothing.csv")
	options.Log = discard
	if _, err := New(options); err == nil || !strings.Contains(fmt.Sprint(err), "nothing.csv: expected a readable file") {
		t.Errorf("got %v", err)
	}
}
