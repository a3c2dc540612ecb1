package server

import (
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/mlcore/mlcore/interop/go/internal/jsontext"
)

// refused are bodies and the field that each is refused for.
var refused = []struct{ body, field string }{
	{``, "body"},
	{` `, "body"},
	{`[]`, "body"},
	{`"a"`, "body"},
	{`1`, "body"},
	{`null`, "body"},
	{`nonsense`, "body"},
	{`{`, "body"},
	{`{}`, "history"},
	{`{"n": 1}`, "history"},
	{`{"history": [], "user_id": "u0002"}`, "history"},
	{`{"now": 1, "history": [], "user_id": "u0002"}`, "history"},
	{`{"user_id": "u0002", "weights": "final"}`, "weights"},
	{`{"weights": "events", "user_id": "u0002"}`, "weights"},
	{`{"user_id": "nobody", "unknown_user": "fill", "now": 1}`, "now"},
	{`{"user_id": "u0002", "now": 1, "weights": "final"}`, "weights"},
	{`{"user_id": "u0002", "now": "noon", "weights": "final"}`, "now"},
	{`{"history": []} {}`, "body"},
	{`{"history": [],}`, "body"},
	{`{"history": [] "n": 1}`, "body"},
	{`{"history": [`, "history[0]"},
	{`{'history': []}`, "body"},
	{"{\"user_id\": \"\xff\"}", "body"},
	{"\xef\xbb\xbf{\"history\": []}", "body"},
	{`{"user_id": "\ud800"}`, "body"},
	{`{"user_id": "u0002`, "body"},
	{`{"user_id": ""}`, "user_id"},
	{`{"user_id": 2}`, "user_id"},
	{`{"user_id": null}`, "user_id"},
	{`{"user_id": ["u0002"]}`, "user_id"},
	{`{"user_id": "a", "user_id": "a"}`, "user_id"},
	{`{"user_id": "a", "user\u005fid": "a"}`, "user_id"},
	{`{"User_id": "a"}`, "User_id"},
	{`{"history": [], "users": []}`, "users"},
	{`{"history": [], "": 1}`, ""},
	{`{"history": {}}`, "history"},
	{`{"history": "a"}`, "history"},
	{`{"history": [], "history": []}`, "history"},
	{`{"history": ["a"]}`, "history[0]"},
	{`{"history": [{"item_id": "a"}, ["b", 1]]}`, "history[1]"},
	{`{"history": [{}]}`, "history[0].item_id"},
	{`{"history": [{"weight": 1}]}`, "history[0].item_id"},
	{`{"history": [{"item_id": 7}]}`, "history[0].item_id"},
	{`{"history": [{"item_id": ""}]}`, "history[0].item_id"},
	{`{"history": [{"item_id": "a", "item_id": "a"}]}`, "history[0].item_id"},
	{`{"history": [{"item_id": "a", "count": 1}]}`, "history[0].count"},
	{`{"history": [{"item_id": "a", "weight": 1, "weight": 1}]}`, "history[0].weight"},
	{`{"history": [{"item_id": "a", "weight": "1"}]}`, "history[0].weight"},
	{`{"history": [{"item_id": "a", "weight": null}]}`, "history[0].weight"},
	{`{"history": [{"item_id": "a", "weight": 0}]}`, "history[0].weight"},
	{`{"history": [{"item_id": "a", "weight": -1}]}`, "history[0].weight"},
	{`{"history": [{"item_id": "a", "weight": 1e39}], "weights": "final"}`, "history[0].weight"},
	{`{"history": [{"item_id": "a", "weight": 1e999}]}`, "history[0].weight"},
	{`{"history": [{"item_id": "a"}, {"item_id": "b", "weight": 1e-46}], "weights": "final"}`, "history[1].weight"},
	{`{"history": [{"item_id": "a", "weight": NaN}]}`, "history[0].weight"},
	{`{"history": [{"item_id": "a", "weight": Infinity}]}`, "history[0].weight"},
	{`{"history": [{"item_id": "a", "weight": -Infinity}]}`, "history[0].weight"},
	{`{"history": [{"item_id": "a", "weight": +1}]}`, "history[0].weight"},
	{`{"history": [{"item_id": "a", "weight": 1 1}]}`, "body"},
	{`{"history": [{"item_id": "a", "weight": 1.}]}`, "body"},
	{`{"history": [{"item_id": "a"}, {"item_id": "a"}], "weights": "final"}`, "history"},
	{`{"history": [{"item_id": "0032"}, {"item_id": "b"}, {"item_id": "0032"}], "weights": "final"}`, "history"},
	{`{"history": [], "n": 0}`, "n"},
	{`{"history": [], "n": -0}`, "n"},
	{`{"history": [], "n": -1}`, "n"},
	{`{"history": [], "n": 1001}`, "n"},
	{`{"history": [], "n": 1.5}`, "n"},
	{`{"history": [], "n": 0.0}`, "n"},
	{`{"history": [], "n": 1e1}`, "n"},
	{`{"history": [], "n": "1"}`, "n"},
	{`{"history": [], "n": true}`, "n"},
	{`{"history": [], "n": 99999999999999999999}`, "n"},
	{`{"history": [], "n": 1, "n": 1}`, "n"},
	{`{"history": [], "n": }`, "n"},
	{`{"history": [], "include": null}`, "include"},
	{`{"history": [], "include": "a"}`, "include"},
	{`{"history": [], "include": ["a", 1]}`, "include[1]"},
	{`{"history": [], "exclude": {}}`, "exclude"},
	{`{"history": [], "exclude": [null]}`, "exclude[0]"},
	{`{"history": [], "include_seen": "true"}`, "include_seen"},
	{`{"history": [], "include_seen": 1}`, "include_seen"},
	{`{"history": [], "include_seen": True}`, "include_seen"},
	{`{"history": [], "include_seen": truely}`, "body"},
	{`{"history": [], "explain": "true"}`, "explain"},
	{`{"history": [], "explain": 1}`, "explain"},
	{`{"history": [], "explain": true, "explain": true}`, "explain"},
	{`{"history": [], "fill": true}`, "fill"},
	{`{"history": [], "fill": "random"}`, "fill"},
	{`{"history": [], "unknown_user": "skip"}`, "unknown_user"},
	{`{"history": [], "weights": "raw"}`, "weights"},
	{`{"history": [], "weights": true}`, "weights"},
	{`{"history": [], "weights": "final", "weights": "final"}`, "weights"},
	{`{"history": [], "filter": null}`, "filter"},
	{`{"history": [], "filter": {"any_of": {"x": [1]}}, "n": }`, "filter.any_of.x[0]"},
	{`{"history": [], "filter": {"any_of": {"x": ["y"]}}}`, "filter.any_of"},
	{`{"history": [], "filter": {}, "filter": {}}`, "filter"},
	{`{"history": [], "now": null}`, "now"},
	{`{"history": [], "now": "yesterday"}`, "now"},
	{`{"history": [], "now": 1.01}`, "now"},
	{`{"history": [], "now": 1e3}`, "now"},
	{`{"history": [], "now": 1577836800000}`, "now"},
	{`{"history": [], "now": 99999999999999999999}`, "now"},
	{`{"history": [], "now": "2020-02-30T00:00:00Z"}`, "now"},
	{`{"history": [], "now": "2020-01-01T00:00:00"}`, "now"},
	{`{"history": [], "now": "0001-01-01T00:00:00+01:00"}`, "now"},
	{`{"history": [], "now": [1]}`, "now"},
	{`{"history": [], "now": 1 1}`, "body"},
	{`{"history": [{"item_id": "a", "timestamp": null}]}`, "history[0].timestamp"},
	{`{"history": [{"item_id": "a"}, {"item_id": "b", "timestamp": "today"}]}`, "history[1].timestamp"},
	{`{"history": [{"item_id": "a", "timestamp": 1, "timestamp": 1}]}`, "history[0].timestamp"},
	{`{"history": [{"item_id": "a", "timestamp": 1577836800000}]}`, "history[0].timestamp"},
	{`{"history": [{"item_id": "a", "timestamp": "1\n"}]}`, "history[0].timestamp"},
}

// accepted are bodies that are not.
var accepted = []string{
	`{"history": []}`,
	" \t\r\n{\"history\"\n:[ ] } ",
	`{"history": [{"item_id": "0032", "weight": 1e-45}], "weights": "final"}`,
	`{"history": [{"weight": 3.4e38, "item_id": "0032"}], "n": 1000, "weights": "final"}`,
	`{"n": 1, "history": [{"item_id": "not of the model"}], "include": [], "exclude": ["x", "x"]}`,
	`{"user_id": "u0002", "include_seen": false, "fill": "popularity", "unknown_user": "error"}`,
	`{"user\u005fid": "u\u0030002"}`,
	`{"history": [{"item_id": "0032"}], "explain": true}`,
	`{"history": [{"item_id": "0032", "timestamp": 1577836800, "weight": 1}], "weights": "events", "now": 0}`,
	`{"history": [{"timestamp": "2020-01-01 00:00:00.5+01", "item_id": "0032"}], "weights": "final", "now": "2019-12-31T23:00:00Z"}`,
	`{"history": [{"item_id": "0032", "timestamp": "-7"}], "now": -62135596800}`,
	`{"user_id": "u0002", "filter": {}}`,
	`{"history": [{"item_id": "0032", "timestamp": 7.0}], "n": 10.0, "now": 1577836800.00}`, // whole to JSON Schema
	`{"filter": {"any_of": {}, "none_of": {}, "at_most": {}}, "history": []}`,
}

func TestBodiesAreReadStrictly(t *testing.T) {
	server := start(t, testOptions(cosineModel))
	for _, c := range refused {
		answer := server.post(t, c.body)
		if code, field := answer.fault(t); answer.status != 400 || code != "request" || field != c.field {
			t.Errorf("%s: expected 400 for %q, got %d %s", c.body, c.field, answer.status, answer.body)
		}
	}
	for _, body := range accepted {
		if answer := server.post(t, body); answer.status != 200 {
			t.Errorf("%s: got %d %s", body, answer.status, answer.body)
		}
	}
}

// FuzzBody compares the reader of bodies with the reader of JSON: what is not strict JSON is refused.
func FuzzBody(f *testing.F) {
	for _, c := range refused {
		f.Add(c.body)
	}
	for _, body := range accepted {
		f.Add(body)
	}
	f.Fuzz(func(t *testing.T, body string) {
		request, fault := parseBody(body, &testLimits)
		value, err := jsontext.Parse(body, 4)
		if fault == nil && err != nil {
			t.Fatalf("accepted, though %v", err)
		}
		if fault != nil {
			return
		}
		history := value.Member("history")
		if history != nil && len(history.Items) != len(request.history) {
			t.Fatalf("%d items of %d", len(request.history), len(history.Items))
		}
		for position, item := range request.history {
			if got := history.Items[position].Member("item_id").Text; got != item.ID {
				t.Fatalf("item %q of %q", item.ID, got)
			}
		}
		if user := value.Member("user_id"); user != nil && user.Text != request.userID {
			t.Fatalf("user %q of %q", request.userID, user.Text)
		}
	})
}

func TestQueriesAreReadStrictly(t *testing.T) {
	server := start(t, testOptions(cosineModel))
	user, item := "/v1/users/u0002/recommendations?", "/v1/items/0032/similar?"
	for _, c := range []struct{ path, field string }{
		{user + "n=", "n"}, {user + "n=0", "n"}, {user + "n=-1", "n"}, {user + "n=1001", "n"},
		{user + "n=abc", "n"}, {user + "n=1.0", "n"}, {user + "n=%2B1", "n"}, {user + "n=+1", "n"},
		{user + "n=0x1", "n"}, {user + "n=1_0", "n"}, {user + "n=99999999999999999999", "n"},
		{user + "n=1&n=1", "n"}, {user + "N=1", "N"}, {user + "=1", ""}, {user + "%ff=1", "\uFFFD"},
		{user + "include_seen=1", "include_seen"}, {user + "include_seen=TRUE", "include_seen"},
		{user + "explain=1", "explain"}, {user + "explain=true&explain=false", "explain"},
		{user + "include_seen", "include_seen"}, {user + "include_seen=true&include_seen=true", "include_seen"},
		{user + "fill=true", "fill"}, {user + "fill=", "fill"}, {user + "unknown_user=skip", "unknown_user"},
		{user + "n=1;fill=popularity", "query"}, {user + "n=%zz", "query"}, {user + "top_n=3", "top_n"},
		{item + "n=0", "n"}, {item + "fill=popularity", "fill"}, {item + "exclude=a", "exclude"},
		{"/v1/users//recommendations", "id"}, {"/v1/users/%ff/recommendations", "id"},
		{"/v1/items//similar", "id"}, {"/v1/items/%ff/similar", "id"},
	} {
		answer := server.get(t, c.path)
		if code, field := answer.fault(t); answer.status != 400 || code != "request" || field != c.field {
			t.Errorf("%s: expected 400 for %q, got %d %s", c.path, c.field, answer.status, answer.body)
		}
	}
	answer := send(t, "POST", server.url+"/v1/recommendations?n=1", "application/json", `{"history": []}`)
	if _, field := answer.fault(t); answer.status != 400 || field != "n" {
		t.Errorf("POST with a query: got %d %s", answer.status, answer.body)
	}
}

func TestNIsBoundedAlsoWhereTheDefaultWouldBeMore(t *testing.T) {
	options := testOptions(cosineModel)
	options.Limits.MaxN = 3
	server := start(t, options)
	for _, answer := range []reply{
		server.get(t, "/v1/users/u0002/recommendations"), server.post(t, `{"user_id": "u0002"}`),
		server.get(t, "/v1/items/0032/similar"),
	} {
		if list := answer.list(t); len(list.Items) != 3 {
			t.Errorf("got %d items", len(list.Items))
		}
	}
	answer := server.get(t, "/v1/users/u0002/recommendations?n=4")
	if !strings.Contains(answer.body, "n: expected an integer from 1 to 3, got '4'") {
		t.Errorf("got %s", answer.body)
	}
}

func TestPathsAndMethodsAreMatchedAsTheyAreSent(t *testing.T) {
	server := start(t, testOptions(cosineModel))
	for _, path := range []string{
		"/", "/v1", "/v1/", "/v2/users/u0002/recommendations", "/v1/users", "/v1/users/u0002",
		"/v1/users/u0002/recommendations/", "/v1/users/a/b/recommendations", "//healthz", "/healthz/",
		"/Healthz", "/v1/users/u0002/../u0002/recommendations", "/%68ealthz", "/none", "none",
	} {
		answer := server.get(t, "/"+strings.TrimPrefix(path, "/"))
		if code, field := answer.fault(t); answer.status != 404 || code != "not_found" || field != "path" {
			t.Errorf("%s: got %d %s", path, answer.status, answer.body)
		}
	}
	for _, route := range server.routes {
		if route.template == unmatched {
			continue
		}
		path := strings.ReplaceAll(route.template, "{id}", "0032")
		for _, method := range []string{"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "get"} {
			if route.allows(method) {
				continue
			}
			answer := send(t, method, server.url+path, "", "")
			if answer.status != 405 || answer.header.Get("Allow") != route.allow() {
				t.Errorf("%s %s: got %d, Allow %q", method, path, answer.status, answer.header.Get("Allow"))
			}
			if method != "HEAD" {
				if code, field := answer.fault(t); code != "method_not_allowed" || field != "method" {
					t.Errorf("%s %s: got %s", method, path, answer.body)
				}
			}
		}
	}
}

func TestHEADIsGETWithoutTheBody(t *testing.T) {
	server := start(t, testOptions(cosineModel))
	for _, path := range []string{"/v1/users/u0002/recommendations", "/healthz", "/nowhere", "/openapi.json"} {
		get, head := server.get(t, path), send(t, "HEAD", server.url+path, "", "")
		if head.status != get.status || head.body != "" {
			t.Errorf("%s: got %d with %d bytes", path, head.status, len(head.body))
		}
		for _, name := range []string{"Content-Type", "Content-Length", "X-Model"} {
			if !slices.Equal(head.header[http.CanonicalHeaderKey(name)], get.header[http.CanonicalHeaderKey(name)]) {
				t.Errorf("%s: %s differs", path, name)
			}
		}
	}
}

func TestOnlyJSONInUTF8IsRead(t *testing.T) {
	server := start(t, testOptions(cosineModel))
	url := server.url + "/v1/recommendations"
	for _, media := range []string{
		"", "text/plain", "application/x-www-form-urlencoded", "application/json; charset=latin1",
		"application/jsonl", "application", "application/json; =",
	} {
		answer := send(t, "POST", url, media, `{"history": []}`)
		if code, field := answer.fault(t); answer.status != 415 || code != "media_type" || field != "Content-Type" {
			t.Errorf("%q: got %d %s", media, answer.status, answer.body)
		}
	}
	for _, media := range []string{"application/json", "Application/JSON; charset=UTF-8", "application/json;charset=utf-8"} {
		if answer := send(t, "POST", url, media, `{"history": []}`); answer.status != 200 {
			t.Errorf("%q: got %d %s", media, answer.status, answer.body)
		}
	}
	request, err := http.NewRequest("POST", url, strings.NewReader(`{"history": []}`))
	if err != nil {
		t.Fatal(err)
	}
	request.Header.Set("Content-Type", "application/json")
	request.Header.Set("Content-Encoding", "gzip")
	answer := do(t, request)
	if code, field := answer.fault(t); answer.status != 415 || code != "media_type" || field != "Content-Encoding" {
		t.Errorf("gzip: got %d %s", answer.status, answer.body)
	}
}
