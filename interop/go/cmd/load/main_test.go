package main

import (
	"bytes"
	"encoding/json"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/mlcore/mlcore/interop/go/internal/server"
)

const model = "../../../../fixtures/small/cosine_tf_idf/model"

func TestFiguresAreOfAnswersThatWereChecked(t *testing.T) {
	good, err := server.New(server.Options{ModelDir: model, ReloadInterval: time.Hour, Log: server.NewLog(io.Discard, slog.LevelError), Limits: server.Limits{
		MaxN: 100, MaxBody: 1 << 20, RequestTimeout: time.Second,
	}})
	if err != nil {
		t.Fatal(err)
	}
	for name, damage := range map[string]func(string) string{
		"":          func(body string) string { return body },
		"expected ": func(body string) string { return strings.ReplaceAll(body, `"item_id": "`, `"item_id": "x`) },
	} {
		asked := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			answer := httptest.NewRecorder()
			good.ServeHTTP(answer, r)
			for key, values := range answer.Header() {
				w.Header()[key] = values
			}
			w.Header().Del("Content-Length")
			w.Write([]byte(damage(answer.Body.String())))
		}))
		var out bytes.Buffer
		l := load{url: asked.URL, light: 1, duration: 100 * time.Millisecond}
		err := l.run(&out, []string{model}, "")
		asked.Close()
		if name != "" {
			if err == nil || !strings.Contains(err.Error(), name) {
				t.Errorf("expected a fault of a list, got %v", err)
			}
			continue
		}
		var figures map[string]figure
		if err != nil || json.Unmarshal(out.Bytes(), &figures) != nil || figures["light"].Statuses[200] == 0 || figures["health"].Rate == 0 {
			t.Errorf("got %v, %s", err, out.String())
		}
	}
}
