package server

import (
	"net/http"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"
)

func writeFile(t *testing.T, text string, mode os.FileMode) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(path, []byte(text), mode); err != nil {
		t.Fatal(err)
	}
	return path
}

const (
	oldToken = "0123456789abcdef"
	newToken = "Zm9vYmFyLl9+Ky8tYQ=="
)

// as sends a request with a header Authorization.
func (r *running) as(t *testing.T, authorization, path string) reply {
	t.Helper()
	request, err := http.NewRequest("GET", r.url+path, nil)
	if err != nil {
		t.Fatal(err)
	}
	request.Header.Set("Authorization", authorization)
	return do(t, request)
}

func TestOnlyRequestsWithATokenAreAnswered(t *testing.T) {
	options := testOptions(cosineModel)
	options.TokenFile = writeFile(t, oldToken+"\r\n\n"+newToken, 0o600)
	server := start(t, options)
	const list = "/v1/users/u0002/recommendations"
	for _, path := range []string{list, list + "?n=x", "/v1/users/%ff/recommendations", "/v1/items/0032/similar", "/metrics", "/openapi.json", "/", "/nowhere"} {
		for authorization, challenge := range map[string]string{
			"":                         `Bearer realm="mlcore"`,
			"Bearer ":                  `Bearer realm="mlcore", error="invalid_token"`,
			"Bearer " + oldToken + "x": `Bearer realm="mlcore", error="invalid_token"`,
			"Bearer " + oldToken[:15]:  `Bearer realm="mlcore", error="invalid_token"`,
			"Basic " + oldToken:        `Bearer realm="mlcore", error="invalid_token"`,
			oldToken:                   `Bearer realm="mlcore", error="invalid_token"`,
		} {
			answer := server.as(t, authorization, path)
			code, field := answer.fault(t)
			if answer.status != 401 || code != "unauthorized" || field != "Authorization" || strings.Contains(answer.body, oldToken) ||
				answer.header.Get("WWW-Authenticate") != challenge || answer.header.Get("X-Model") != "" {
				t.Errorf("%s as %q: got %d %v %s", path, authorization, answer.status, answer.header, answer.body)
			}
		}
	}
	for _, authorization := range []string{"Bearer " + oldToken, "bearer " + newToken, "Bearer  " + newToken} {
		if answer := server.as(t, authorization, list); answer.status != 200 {
			t.Errorf("%q: got %d %s", authorization, answer.status, answer.body)
		}
	}
	for _, path := range []string{"/healthz", "/readyz"} {
		if answer := server.get(t, path); answer.status != 200 {
			t.Errorf("%s: got %d", path, answer.status)
		}
	}
	for _, path := range []string{list, "/healthz"} {
		header := server.get(t, path).header
		if header.Get("Cache-Control") != "no-store" || header.Get("X-Content-Type-Options") != "nosniff" {
			t.Errorf("%s: got %v", path, header)
		}
	}
	if server.log.find(t, "a secret is open to all users of this machine: chmod o= FILE") != nil {
		t.Error("warned of a file that others cannot read")
	}
}

func TestTokensAreReadAnewWhenTheyChange(t *testing.T) {
	options := testOptions(cosineModel)
	options.TokenFile, options.ReloadInterval = writeFile(t, oldToken, 0o644), time.Millisecond
	server := start(t, options)
	if server.log.find(t, "a secret is open to all users of this machine: chmod o= FILE") == nil && runtime.GOOS != "windows" {
		t.Error("no warning of a file that others can read")
	}
	status := func(token string) int { return server.as(t, "Bearer "+token, "/v1/users/u0002/recommendations").status }
	write := func(text string) {
		t.Helper()
		next := writeFile(t, text, 0o600)
		if err := os.Rename(next, options.TokenFile); err != nil {
			t.Fatal(err)
		}
	}
	write(oldToken + "\n" + newToken + "\n")
	waitFor(t, "the new token", func() bool { return status(newToken) == 200 })
	if status(oldToken) != 200 {
		t.Error("the old token is gone")
	}
	write(newToken)
	waitFor(t, "the old token to go", func() bool { return status(oldToken) == 401 })
	for _, faulty := range []string{"", "short", strings.Repeat("a", 16) + "\n" + strings.Repeat("b c", 16)} {
		write(faulty)
		time.Sleep(5 * time.Millisecond)
		if status(newToken) != 200 {
			t.Errorf("%q ended the service", faulty)
		}
	}
	record := server.log.find(t, "token file refused, the old one stays")
	if record == nil || !strings.Contains(record["error"].(string), ": expected a token a line, got none") {
		t.Errorf("logged %v", record)
	}
	if err := os.Remove(options.TokenFile); err != nil {
		t.Fatal(err)
	}
	time.Sleep(5 * time.Millisecond)
	if status(newToken) != 200 || status(oldToken) != 401 {
		t.Error("without the file others are admitted")
	}
}

func TestFaultyFilesOfTokensAreRefusedWithoutTellingTheToken(t *testing.T) {
	for text, want := range map[string]string{
		"":                              "expected a token a line, got none",
		"\n \n":                         "expected a token a line, got none",
		oldToken + "\n" + oldToken[:15]: ":2: token: expected " + tokenRule + ", got 15",
		strings.Repeat("a", 4097):       ":1: token: expected " + tokenRule + ", got 4097",
		"secret secret secret":          ":1: token: expected " + tokenRule + ", got another character",
		strings.Repeat("a", 1<<17):      ": expected at most 65536 bytes, got more",
	} {
		_, err := readTokens(writeFile(t, text, 0o600))
		if err == nil || !strings.Contains(err.Error(), want) || strings.Contains(err.Error(), "secret") {
			t.Errorf("%.20q: got %v", text, err)
		}
	}
	if _, err := readTokens(t.TempDir()); err == nil || !strings.HasSuffix(err.Error(), ": expected a regular file, got something else") {
		t.Errorf("a folder: got %v", err)
	}
	options := testOptions(cosineModel)
	options.Log, options.TokenFile = discard, filepath.Join(t.TempDir(), "missing")
	if _, err := New(options); err == nil || !strings.HasSuffix(err.Error(), ": expected a readable file, got 'No such file or directory'") {
		t.Errorf("got %v", err)
	}
}
