package server

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"

	mlcore "github.com/mlcore/mlcore/interop/go"
	"github.com/mlcore/mlcore/interop/go/internal/modeltest"
)

func TestAnswersForUsersAreTheLinesOfTheGoldenPredictions(t *testing.T) {
	for _, name := range []string{"cosine_tf_idf", "dice_binary", "dot_bm25", "jaccard_source"} {
		server := start(t, testOptions(fixtures+"/"+name+"/model"))
		for _, line := range readLines(t, fixtures+"/"+name+"/predictions.jsonl") {
			userID, _, _ := strings.Cut(strings.TrimPrefix(line, `{"user_id": "`), `"`)
			byPath := server.get(t, "/v1/users/"+userID+"/recommendations?n=10")
			byBody := server.post(t, fmt.Sprintf(`{"user_id": %q, "n": 10}`, userID))
			for _, answer := range []reply{byPath, byBody} {
				if answer.status != 200 || answer.body != line+"\n" {
					t.Fatalf("%s: got %d %s, want %s", name, answer.status, answer.body, line)
				}
				if got, want := answer.header.Get("X-Model"), nameOf(t, fixtures+"/"+name+"/model"); got != want {
					t.Fatalf("X-Model %q, want %q", got, want)
				}
			}
		}
	}
}

func TestAnswersForHistoriesAreTheGoldenSessions(t *testing.T) {
	server := start(t, testOptions(cosineModel))
	expected := readLines(t, fixtures+"/cosine_tf_idf/session_predictions.jsonl")
	for position, line := range readLines(t, fixtures+"/sessions.jsonl") {
		session := struct {
			History json.RawMessage
			Weights string
		}{Weights: "events"}
		if err := json.Unmarshal([]byte(line), &session); err != nil {
			t.Fatal(err)
		}
		answer := server.post(t, fmt.Sprintf(`{"history": %s, "weights": %q, "n": 10, "fill": "popularity"}`,
			session.History, session.Weights))
		_, items, _ := strings.Cut(expected[position], `"items": `)
		if want := `{"items": ` + items + "\n"; answer.status != 200 || answer.body != want {
			t.Errorf("got %d %s, want %s", answer.status, answer.body, want)
		}
	}
}

// decoded is the content of a list.
type decoded struct {
	UserID *string `json:"user_id"`
	ItemID *string `json:"item_id"`
	Items  []struct {
		ItemID string `json:"item_id"`
		Score  float64
		Source string
	}
}

func (r reply) list(t *testing.T) decoded {
	t.Helper()
	var list decoded
	if err := json.Unmarshal([]byte(r.body), &list); err != nil || r.status != 200 {
		t.Fatalf("%d %s: %v", r.status, r.body, err)
	}
	return list
}

func TestOptionsMeanWhatTheyMeanInTheLibrary(t *testing.T) {
	server := start(t, testOptions(cosineModel))
	model, err := mlcore.Open(cosineModel, mlcore.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer model.Close()
	some := []string{"0032", "0052", "0029", "0001", "nothing"}
	for _, c := range []struct {
		query, keys string
		n           int
		options     mlcore.RecommendOptions
	}{
		{"", "", 10, mlcore.RecommendOptions{}},
		{"n=3", `, "n": 3`, 3, mlcore.RecommendOptions{}},
		{"n=1000", `, "n": 1000`, 1000, mlcore.RecommendOptions{}},
		{"include_seen=true", `, "include_seen": true`, 10, mlcore.RecommendOptions{IncludeSeen: true}},
		{"include_seen=false", `, "include_seen": false`, 10, mlcore.RecommendOptions{}},
		{"n=1000&fill=popularity", `, "n": 1000, "fill": "popularity"`, 1000, mlcore.RecommendOptions{Fill: true}},
		{
			"n=1000&fill=popularity&include_seen=true", `, "n": 1000, "fill": "popularity", "include_seen": true`,
			1000, mlcore.RecommendOptions{Fill: true, IncludeSeen: true},
		},
		{
			"exclude=0032&exclude=0052&exclude=0029&exclude=0001&exclude=nothing",
			`, "exclude": ["0032", "0052", "0029", "0001", "nothing"]`, 10, mlcore.RecommendOptions{Exclude: some},
		},
		{
			"include=0032&include=0052&include=0029&include=0001&include=nothing&fill=popularity",
			`, "include": ["0032", "0052", "0029", "0001", "nothing"], "fill": "popularity"`, 10,
			mlcore.RecommendOptions{Include: some, Fill: true},
		},
		{
			"include=0032&exclude=0032", `, "include": ["0032"], "exclude": ["0032"]`, 10,
			mlcore.RecommendOptions{Include: some[:1], Exclude: some[:1]},
		},
		{"explain=true", `, "explain": true`, 10, mlcore.RecommendOptions{Explain: true}},
		{"explain=false", `, "explain": false`, 10, mlcore.RecommendOptions{}},
		{
			"n=1000&fill=popularity&include_seen=true&explain=true",
			`, "n": 1000, "fill": "popularity", "include_seen": true, "explain": true`, 1000,
			mlcore.RecommendOptions{Fill: true, IncludeSeen: true, Explain: true},
		},
		{
			"exclude=0032&explain=true", `, "exclude": ["0032"], "explain": true`, 10,
			mlcore.RecommendOptions{Exclude: some[:1], Explain: true},
		},
		{"exclude=", `, "exclude": []`, 10, mlcore.RecommendOptions{}},
		{"include=", `, "include": []`, 10, mlcore.RecommendOptions{Include: []string{}}},
	} {
		items, err := model.Recommend("u0002", c.n, c.options)
		if err != nil {
			t.Fatal(err)
		}
		want := string(mlcore.AppendPrediction(nil, "u0002", items))
		if got := server.get(t, "/v1/users/u0002/recommendations?"+c.query).body; got != want {
			t.Errorf("%s: got %s, want %s", c.query, got, want)
		}
		if got := server.post(t, `{"user_id": "u0002"`+c.keys+`}`).body; got != want {
			t.Errorf("%s: got %s, want %s", c.keys, got, want)
		}
		history := []mlcore.HistoryItem{{ID: "0029", Weight: 0.1}, {ID: "0037", Weight: 1}}
		if items, err = model.RecommendHistory(history, c.n, c.options); err != nil {
			t.Fatal(err)
		}
		_, rest, _ := strings.Cut(string(mlcore.AppendPrediction(nil, "", items)), ", ")
		body := `{"history": [{"item_id": "0029", "weight": 0.1}, {"item_id": "0037"}]` + c.keys + `}`
		if got := server.post(t, body).body; got != "{"+rest {
			t.Errorf("%s: got %s, want {%s", body, got, rest)
		}
	}
}

// TestEventsAreWeighedByTheModel asks a model whose weights halve each day from 11 January 1970 on.
func TestEventsAreWeighedByTheModel(t *testing.T) {
	written := &modeltest.Model{
		Items:      []string{"a", "b"},
		Similarity: [][]modeltest.Pair{{{Index: 1, Value: 1}}, {{Index: 0, Value: 1}}},
		Rule: &modeltest.Rule{Config: `{"aggregate": "sum", "weighting": ` +
			`{"name": "none", "half_life_days": 1, "reference_time": "1970-01-11T00:00:00.000000Z"}}`},
	}
	server := start(t, testOptions(written.Write(t, t.TempDir())))
	for body, score := range map[string]float64{
		`{"history": [{"item_id": "a", "weight": 8, "timestamp": 864000}]}`:                                                              8,
		`{"history": [{"item_id": "a", "weight": 8, "timestamp": 691200}]}`:                                                              2,
		`{"history": [{"item_id": "a", "weight": 8, "timestamp": "1970-01-09T01:00:00+01:00"}]}`:                                         2,
		`{"history": [{"item_id": "a", "weight": 8}]}`:                                                                                   8,
		`{"history": [{"item_id": "a", "weight": 5, "timestamp": 0}, {"item_id": "a", "weight": 3, "timestamp": "691200"}]}`:             2,
		`{"history": [{"item_id": "a", "weight": 8, "timestamp": 864000}], "now": "1970-01-13T00:00:00Z"}`:                               2,
		`{"history": [{"item_id": "a", "weight": 8, "timestamp": 864000}], "now": 950400, "weights": "events"}`:                          4,
		`{"now": 0, "weights": "final", "history": [{"item_id": "a", "weight": 8, "timestamp": 864000}]}`:                                8,
		`{"history": [{"item_id": "a", "weight": 1e39, "timestamp": "1970-01-11T00:00:00Z"}], "now": "1970-01-15T00:00:00Z"}`:            6.25e37,
		`{"history": [{"item_id": "c", "timestamp": "9999-12-31T23:59:59Z"}, {"item_id": "c"}, {"item_id": "a"}], "fill": "popularity"}`: 1,
	} {
		list := server.post(t, body).list(t)
		if len(list.Items) != 1 || float32(list.Items[0].Score) != float32(score) {
			t.Errorf("%s: got %v", body, list.Items)
		}
	}
	for body, expected := range map[string]struct{ field, message string }{
		`{"history": [{"item_id": "a", "timestamp": 864001}]}`: {"history", "history: expected of item 'a' a timestamp up to " +
			"the reference time 1970-01-11T00:00:00.000000Z, got 1970-01-11T00:00:01.000000Z"},
		`{"history": [{"item_id": "a", "timestamp": 1}], "now": 0}`: {"history", "history: expected of item 'a' a timestamp up to " +
			"now, 1970-01-01T00:00:00.000000Z, got 1970-01-01T00:00:01.000000Z"},
		`{"history": [{"item_id": "a", "weight": 1e308}, {"item_id": "a", "weight": 1e308}]}`: {"history",
			"history: expected of item 'a' a finite sum, got Infinity"},
		`{"history": [{"item_id": "a", "weight": 1e39}], "weights": "final"}`: {"history[0].weight",
			"history[0].weight: expected a number above 0 that is finite and above 0 as a float32, got 1e+39"},
		`{"history": [{"item_id": "a"}, {"item_id": "a"}], "weights": "final"}`: {"history",
			"history: expected each item once, got 'a' twice"},
	} {
		answer := server.post(t, body)
		code, field := answer.fault(t)
		if answer.status != 400 || code != "request" || field != expected.field || !strings.Contains(answer.body, expected.message) {
			t.Errorf("%s: got %d %s", body, answer.status, answer.body)
		}
	}
}

func TestWeightsAreFinalWhereTheModelHasNoRule(t *testing.T) {
	written := &modeltest.Model{Items: []string{"a", "b"}, Similarity: [][]modeltest.Pair{{{Index: 1, Value: 1}}, {}}}
	server := start(t, testOptions(written.Write(t, t.TempDir())))
	list := server.post(t, `{"history": [{"item_id": "a", "weight": 8, "timestamp": 1}], "weights": "events", "now": 0}`).list(t)
	if len(list.Items) != 1 || list.Items[0].Score != 8 {
		t.Errorf("got %v", list.Items)
	}
	for body, expected := range map[string]string{
		`{"history": [{"item_id": "a"}, {"item_id": "a"}]}`:                 "history",
		`{"history": [{"item_id": "a"}, {"item_id": "b", "weight": 1e39}]}`: "history[1].weight",
		`{"history": [{"item_id": "x", "weight": 1e-46}]}`:                  "history[0].weight",
	} {
		answer := server.post(t, body)
		if _, field := answer.fault(t); answer.status != 400 || field != expected {
			t.Errorf("%s: got %d %s", body, answer.status, answer.body)
		}
	}
}

func TestUnknownUsersGetPopularItemsOnlyWhenAskedFor(t *testing.T) {
	server := start(t, testOptions(cosineModel))
	popular := server.post(t, `{"history": [], "n": 3, "fill": "popularity"}`).list(t)
	for _, answer := range []reply{
		server.get(t, "/v1/users/a%2Fb%20%22/recommendations?n=3&unknown_user=fill"),
		server.get(t, "/v1/users/a%2Fb%20%22/recommendations?n=3&unknown_user=fill&fill=popularity"),
		server.post(t, `{"user_id": "a/b \"", "n": 3, "unknown_user": "fill"}`),
	} {
		list := answer.list(t)
		if *list.UserID != `a/b "` || !slices.Equal(list.Items, popular.Items) || len(list.Items) != 3 {
			t.Errorf("got %s, want the items %v", answer.body, popular.Items)
		}
	}
	known := server.get(t, "/v1/users/u0002/recommendations")
	if got := server.get(t, "/v1/users/u0002/recommendations?unknown_user=fill"); got.body != known.body {
		t.Errorf("a known user got %s, want %s", got.body, known.body)
	}
	for _, query := range []string{"", "?fill=popularity", "?unknown_user=error&fill=popularity"} {
		answer := server.get(t, "/v1/users/nobody/recommendations"+query)
		if code, field := answer.fault(t); answer.status != 404 || code != "unknown_user" || field != "id" {
			t.Errorf("%s: got %d %s", query, answer.status, answer.body)
		}
		if answer.header.Get("X-Model") == "" {
			t.Error("the answer does not say which model has no such user")
		}
	}
}

func TestAModelWithoutUsersAnswersHistories(t *testing.T) {
	server := start(t, testOptions(suite+"/valid/without_users/model"))
	answer := server.get(t, "/v1/users/ann/recommendations")
	if code, _ := answer.fault(t); answer.status != 404 || code != "unknown_user" {
		t.Errorf("got %d %s", answer.status, answer.body)
	}
	if got := server.get(t, "/v1/users/ann/recommendations?unknown_user=fill").list(t); len(got.Items) == 0 {
		t.Error("no popular items")
	}
	if got := server.post(t, `{"history": [{"item_id": "apple"}]}`).list(t); got.UserID != nil {
		t.Error("a history got a user")
	}
}

func TestSimilarItemsAreThoseOfTheLibrary(t *testing.T) {
	server := start(t, testOptions(cosineModel))
	model, err := mlcore.Open(cosineModel, mlcore.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer model.Close()
	for index := range int(model.Manifest().Counts.Items) {
		id, err := model.ItemID(index)
		if err != nil {
			t.Fatal(err)
		}
		items, err := model.Similar(id, 4)
		if err != nil {
			t.Fatal(err)
		}
		want := strings.Replace(string(mlcore.AppendPrediction(nil, id, items)), "user_id", "item_id", 1)
		if got := server.get(t, "/v1/items/"+id+"/similar?n=4"); got.body != want {
			t.Errorf("got %s, want %s", got.body, want)
		}
	}
}

func TestEveryIDCanStandInAPathAndInABody(t *testing.T) {
	for _, name := range []string{
		"ids_with_commas_and_quotes", "ids_of_files", "ids_of_blanks", "ids_of_controls", "ids_of_nothing",
		"ids_in_utf8_order", "ids_nfc_and_nfd", "ids_of_65535_bytes", "ids_of_65535_quotes", "ids_of_javascript",
	} {
		dir := suite + "/valid/" + name + "/model"
		server := start(t, testOptions(dir))
		model, err := mlcore.Open(dir, mlcore.Options{})
		if err != nil {
			t.Fatal(err)
		}
		defer model.Close()
		for index := range int(model.Manifest().Counts.Users) {
			id, _ := model.UserID(index)
			items, err := model.Recommend(id, 10, mlcore.RecommendOptions{})
			if err != nil {
				t.Fatal(err)
			}
			want := string(mlcore.AppendPrediction(nil, id, items))
			if got := server.get(t, "/v1/users/"+url.PathEscape(id)+"/recommendations"); got.body != want {
				t.Errorf("%s: got %.200q, want %.200q", name, got.body, want)
			}
			body := string(mlcore.AppendString([]byte(`{"user_id": `), id)) + "}"
			if got := server.post(t, body); got.body != want {
				t.Errorf("%s: got %.200q, want %.200q", name, got.body, want)
			}
		}
		for index := range int(model.Manifest().Counts.Items) {
			id, _ := model.ItemID(index)
			list := server.get(t, "/v1/items/"+url.PathEscape(id)+"/similar").list(t)
			if *list.ItemID != id {
				t.Errorf("%s: got %.100q, want %.100q", name, *list.ItemID, id)
			}
		}
	}
}

func TestDotsInAPathAreIDsIfAClientLeavesThem(t *testing.T) {
	server := start(t, testOptions(cosineModel))
	for _, id := range []string{".", "..", "%2e%2E", "%2F", "%2f..%2f", "a%2Fb", "+", "%2B", "%00"} {
		answer := server.get(t, "/v1/users/"+id+"/recommendations?unknown_user=fill&n=1")
		want, _ := url.PathUnescape(id)
		if got := answer.list(t); *got.UserID != want {
			t.Errorf("%s: got %q, want %q", id, *got.UserID, want)
		}
	}
}

func TestAFaultFoundWhilePredictingIsAnswered500AndLogged(t *testing.T) {
	server := start(t, testOptions(suite+"/invalid/csr_index_of_one_item_more/model"))
	failures := 0
	for _, item := range []string{"apple", "bread", "cream"} {
		answer := server.get(t, "/v1/items/"+item+"/similar")
		if answer.status == http.StatusOK {
			continue
		}
		failures++
		if code, _ := answer.fault(t); answer.status != 500 || code != "internal" {
			t.Errorf("got %d %s", answer.status, answer.body)
		}
	}
	if failures == 0 {
		t.Fatal("no request met the fault")
	}
	if record := server.log.find(t, "faulty model"); record == nil || record["verdict"] != "csr" {
		t.Errorf("logged %v", record)
	}
}
