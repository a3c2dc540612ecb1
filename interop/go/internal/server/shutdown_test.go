package server

import (
	"errors"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"
)

func TestARequestInFlightIsAnsweredBeforeTheEnd(t *testing.T) {
	server := start(t, testOptions(cosineModel))
	slow := server.dial(t)
	write(t, slow, slowStart+"Content-Length: 20\r\n\r\n"+slowBody[:10])
	waitFor(t, "the request", func() bool { return server.metrics.inFlight.Load() == 1 })
	server.stop()
	waitFor(t, "the shutdown", server.stopping.Load)

	ready := httptest.NewRecorder()
	server.ServeHTTP(ready, httptest.NewRequest("GET", "/readyz", nil))
	if ready.Code != 503 {
		t.Errorf("readyz: got %d", ready.Code)
	}
	alive := httptest.NewRecorder()
	server.ServeHTTP(alive, httptest.NewRequest("GET", "/healthz", nil))
	if alive.Code != 200 {
		t.Errorf("healthz: got %d", alive.Code)
	}
	waitFor(t, "the listener to be closed", func() bool {
		response, err := http.Get(server.url + "/healthz")
		if err == nil {
			response.Body.Close()
		}
		return err != nil
	})
	select {
	case err := <-server.done:
		t.Fatalf("ended before the request: %v", err)
	case <-time.After(20 * time.Millisecond):
	}

	write(t, slow, slowBody[10:])
	want := readLines(t, fixtures+"/cosine_tf_idf/predictions.jsonl")[0] + "\n"
	if answer := read(t, slow); answer.status != 200 || answer.body != want {
		t.Errorf("got %d %s", answer.status, answer.body)
	}
	if err := <-server.done; err != nil {
		t.Errorf("ended with %v", err)
	}
	if server.models.acquire() != nil || server.log.find(t, "stopped") == nil {
		t.Error("a model is open, or the end was not logged")
	}
}

func TestARequestThatDoesNotEndIsCutOff(t *testing.T) {
	options := testOptions(cosineModel)
	options.ShutdownTimeout = 50 * time.Millisecond
	server := start(t, options)
	slow := server.dial(t)
	write(t, slow, slowStart+"Content-Length: 20\r\n\r\n"+slowBody[:10])
	waitFor(t, "the request", func() bool { return server.metrics.inFlight.Load() == 1 })
	server.stop()
	if err := <-server.done; !errors.Is(err, ErrCutOff) {
		t.Errorf("ended with %v", err)
	}
}

func TestALostListenerEndsTheServer(t *testing.T) {
	options := testOptions(cosineModel)
	options.Log = discard
	server, err := New(options)
	if err != nil {
		t.Fatal(err)
	}
	listener := httptest.NewUnstartedServer(nil).Listener
	listener.Close()
	if err := server.Serve(t.Context(), listener, nil); err == nil {
		t.Error("no error")
	}
	waitFor(t, "all models to be closed", func() bool { return server.models.open.Load() == 0 })
}
