package server

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"
)

func TestLongBodiesAreRefused(t *testing.T) {
	options := testOptions(cosineModel)
	options.Limits.MaxBody = 100
	server := start(t, options)
	fits := fmt.Sprintf(`{"history": []%s}`, strings.Repeat(" ", 85))
	if answer := server.post(t, fits); len(fits) != 100 || answer.status != 200 {
		t.Errorf("%d bytes: got %d %s", len(fits), answer.status, answer.body)
	}
	for _, length := range []int{101, 10_000, 5_000_000} {
		body := strings.Repeat(" ", length)
		readers := []io.Reader{strings.NewReader(body)} // announces its length
		if length < 64<<10 {                            // or the answer may get lost while we send
			readers = append(readers, io.MultiReader(strings.NewReader(body))) // in chunks
		}
		for _, reader := range readers {
			request, err := http.NewRequest("POST", server.url+"/v1/recommendations", reader)
			if err != nil {
				t.Fatal(err)
			}
			request.Header.Set("Content-Type", "application/json")
			request.Header.Set("Expect", "100-continue")
			answer := do(t, request)
			if code, field := answer.fault(t); answer.status != 413 || code != "body_too_large" || field != "body" {
				t.Errorf("%d bytes: got %d %s", length, answer.status, answer.body)
			}
		}
	}
}

func TestLongHeadersAreRefused(t *testing.T) {
	server := start(t, testOptions(cosineModel))
	answer := server.get(t, "/v1/users/"+strings.Repeat("a", maxHeaderBytes+8<<10)+"/recommendations")
	if answer.status != 431 {
		t.Errorf("got %d", answer.status)
	}
}

// dial returns a connection on which a test can be slow.
func (r *running) dial(t *testing.T) net.Conn {
	t.Helper()
	connection, err := net.Dial("tcp", strings.TrimPrefix(r.url, "http://"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { connection.Close() })
	connection.SetDeadline(time.Now().Add(10 * time.Second))
	return connection
}

func write(t *testing.T, connection net.Conn, text string) {
	t.Helper()
	if _, err := io.WriteString(connection, text); err != nil {
		t.Fatal(err)
	}
}

// read reads one answer.
func read(t *testing.T, connection net.Conn) reply {
	t.Helper()
	response, err := http.ReadResponse(bufio.NewReader(connection), nil)
	if err != nil {
		t.Fatal(err)
	}
	body, err := io.ReadAll(response.Body)
	if err != nil {
		t.Fatal(err)
	}
	return reply{response.StatusCode, response.Header, string(body)}
}

const (
	slowBody  = `{"user_id": "u0002"}`
	slowStart = "POST /v1/recommendations HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"
)

func TestRequestsThatArriveTooSlowlyAreRefused(t *testing.T) {
	options := testOptions(cosineModel)
	options.Limits.RequestTimeout = 300 * time.Millisecond
	server := start(t, options)

	inBody := server.dial(t)
	write(t, inBody, slowStart+"Content-Length: 20\r\n\r\n"+slowBody[:10])
	answer := read(t, inBody)
	if code, field := answer.fault(t); answer.status != 408 || code != "timeout" || field != "body" {
		t.Errorf("got %d %s", answer.status, answer.body)
	}

	inHeader := server.dial(t)
	write(t, inHeader, slowStart)
	if rest, err := io.ReadAll(inHeader); err != nil || len(rest) > 0 {
		t.Errorf("a slow header got %q, %v", rest, err)
	}
}

func TestABodyThatIsCutOffDoesNoHarm(t *testing.T) {
	server := start(t, testOptions(cosineModel))
	connection := server.dial(t)
	write(t, connection, slowStart+"Content-Length: 20\r\n\r\n"+slowBody[:10])
	connection.(*net.TCPConn).CloseWrite()
	answer := read(t, connection)
	if code, field := answer.fault(t); answer.status != 400 || code != "request" || field != "body" {
		t.Errorf("got %d %s", answer.status, answer.body)
	}
	if answer := server.get(t, "/healthz"); answer.status != 200 {
		t.Errorf("got %d", answer.status)
	}
}

func TestAPanicIsAnswered500AndTheServerLives(t *testing.T) {
	server := startChanged(t, testOptions(cosineModel), func(s *Server) {
		s.routes[0].answer = func(s *Server, x *exchange) *fault {
			return s.withModel(x, func(*publication) error {
				x.body = append(x.body, "half an answer"...)
				panic("a mistake")
			}, "id")
		}
	})
	answer := server.get(t, "/v1/users/u0002/recommendations")
	if code, _ := answer.fault(t); answer.status != 500 || code != "internal" {
		t.Errorf("got %d %s", answer.status, answer.body)
	}
	record := server.log.find(t, "panic")
	if record == nil || record["reason"] != "a mistake" || !strings.Contains(fmt.Sprint(record["stack"]), "limits_test.go") {
		t.Errorf("logged %v", record)
	}
	if answer := server.get(t, "/v1/items/0032/similar"); answer.status != 200 {
		t.Errorf("got %d %s", answer.status, answer.body)
	}
	// The clean-up of the test waits for the model to be released.
}
