package server

import (
	"bytes"
	"encoding/json"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"unicode"
)

// hostile would clear a screen, turn the order of letters, hide them, or begin a line of its own.
const hostile = "\x1b[2J\u009b1m\x7f\u202eevil\u2066\u200b\u2028\u2029\n{\"msg\": \"forged\"}\r\t\U000e0001\ue000שלום 😀"

func unprintable(text string) string {
	for _, char := range strings.TrimSuffix(text, "\n") {
		if !unicode.IsPrint(char) {
			return string(char)
		}
	}
	return ""
}

func TestTheLogIsSafeForATerminalAndLosesNothing(t *testing.T) {
	var out bytes.Buffer
	NewLog(&out, slog.LevelInfo).Info(hostile, hostile, hostile, "bytes", "\xff")
	if bad := unprintable(out.String()); bad != "" || strings.Count(out.String(), "\n") != 1 {
		t.Errorf("%q stands in %s", bad, out.String())
	}
	var record map[string]any
	if err := json.Unmarshal(out.Bytes(), &record); err != nil {
		t.Fatal(err)
	}
	if record["msg"] != hostile || record[hostile] != hostile || record["bytes"] != "\ufffd" {
		t.Errorf("read back as %q", record)
	}
}

func TestMessagesOfAnswersAreSafeForATerminal(t *testing.T) {
	options := testOptions(cosineModel)
	options.Log = discard
	server, err := New(options)
	if err != nil {
		t.Fatal(err)
	}
	defer server.models.close()
	key, err := json.Marshal(hostile)
	if err != nil {
		t.Fatal(err)
	}
	text, query := string(key), url.QueryEscape(hostile)
	for _, request := range []*http.Request{
		httptest.NewRequest("GET", "/v1/users/"+url.PathEscape(hostile)+"/recommendations", nil),
		httptest.NewRequest("GET", "/v1/users/a/recommendations?n="+query, nil),
		httptest.NewRequest("GET", "/v1/users/a/recommendations?"+query+"=1", nil),
		httptest.NewRequest("GET", "/v1/users/a/recommendations?fill="+query, nil),
		httptest.NewRequest("GET", "/v1/users/a/recommendations?filter="+query, nil),
		httptest.NewRequest("GET", "/v1/users/a/recommendations?filter="+url.QueryEscape(`{`+text+`: 1}`), nil),
		httptest.NewRequest("GET", "/v1/users/a/recommendations?filter="+url.QueryEscape(`{"any_of": {`+text+`: 1}}`), nil),
		httptest.NewRequest("GET", "/v1/users/a/recommendations?filter="+url.QueryEscape(`{"any_of": {`+text+`: [`+text+`]}}`), nil),
		httptest.NewRequest("GET", "/v1/items/"+url.PathEscape(hostile)+"/similar", nil),
		httptest.NewRequest("GET", "/"+url.PathEscape(hostile), nil),
		httptest.NewRequest("POST", "/v1/recommendations", strings.NewReader(`{`+text+`: 1}`)),
		httptest.NewRequest("POST", "/v1/recommendations", strings.NewReader(`{"user_id": `+text+`}`)),
		httptest.NewRequest("POST", "/v1/recommendations", strings.NewReader(`{"weights": `+text+`}`)),
		httptest.NewRequest("POST", "/v1/recommendations", strings.NewReader(`{"history": [{`+text+`: 1}]}`)),
		httptest.NewRequest("POST", "/v1/recommendations", strings.NewReader(`{"history": [{"item_id": "a", "timestamp": `+text+`}]}`)),
		httptest.NewRequest("POST", "/v1/recommendations", strings.NewReader(text)),
		{Method: hostile, URL: &url.URL{Path: "/healthz"}},
	} {
		request.Header = http.Header{"Content-Type": {"application/json"}}
		answer := httptest.NewRecorder()
		server.ServeHTTP(answer, request)
		body := answer.Body.String()
		if bad := unprintable(body); answer.Code < 400 || bad != "" {
			t.Errorf("%s %s: got %d, %q stands in %s", request.Method, request.URL, answer.Code, bad, body)
		}
	}
}
