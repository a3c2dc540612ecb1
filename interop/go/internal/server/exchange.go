package server

import (
	"fmt"
	"log/slog"
	"net/http"
	"runtime"
	"runtime/debug"
	"strconv"
	"sync"
	"time"

	mlcore "github.com/mlcore/mlcore/interop/go"
	"github.com/mlcore/mlcore/interop/go/internal/show"
)

// exchange is one request and what becomes of its answer. Nothing is sent before all is there that goes
// into the answer, so a fault, or a panic, always becomes an answer of its own.
type exchange struct {
	writer      http.ResponseWriter
	request     *http.Request
	id          string // of the path
	contentType string
	body        []byte
	items       []mlcore.Item // that follow the body
	status      int
	begun       bool // whether the header is sent
	share       share
	line        mlcore.Line // the numbers of the list
	isUnknown   bool        // whether it is filled for a user that the model does not have
}

var exchanges = sync.Pool{New: func() any { return new(exchange) }}

// maxKeptBody bounds the memory of an answer that is kept for later ones.
const maxKeptBody = 256 << 10

// ServeHTTP answers a request.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	begun := time.Now()
	s.metrics.inFlight.Add(1)
	x := exchanges.Get().(*exchange)
	*x = exchange{writer: w, request: r, contentType: "application/json", body: x.body[:0]}
	x.share.of, x.share.deadline = &s.admission, begun.Add(s.limits.RequestTimeout/4*7)
	defer x.end()
	route, status := s.answer(x)
	// Before a slow client is waited for.
	x.leave()
	if x.items != nil {
		x.release(sizeOf(x.items))
	}
	x.send(status)
	if x.share.gone {
		status = statusGone
	}
	duration := time.Since(begun)
	s.metrics.inFlight.Add(-1)
	route.metrics.observe(status, duration)
	if s.log.Enabled(r.Context(), slog.LevelDebug) {
		s.log.Debug("request", "method", r.Method, "path", r.URL.EscapedPath(), "status", status,
			"seconds", duration.Seconds())
	}
}

// end gives back what the request had, and keeps the exchange for a later one.
func (x *exchange) end() {
	x.release(0)
	*x = exchange{body: x.body}
	if cap(x.body) <= maxKeptBody {
		exchanges.Put(x)
	}
}

// answer makes the answer to a request, and returns its route and status.
func (s *Server) answer(x *exchange) (*route, int) {
	route, id, err := s.match(x.request.URL.EscapedPath())
	x.id = id
	fault := s.authorize(route, x)
	switch {
	case fault != nil:
	case err != nil:
		fault = badRequest("id", "a percent-encoded id", show.String(err.Error()))
	case !route.allows(x.request.Method):
		x.writer.Header().Set("Allow", route.allow())
		fault = newFault(codeMethodNotAllowed, "method", route.allow(), show.String(x.request.Method))
	default:
		fault = s.run(route, x)
	}
	if fault == nil {
		return route, http.StatusOK
	}
	x.contentType, x.items = "application/json", nil
	x.body = appendFault(x.body[:0], fault)
	if fault.retryAfter > 0 {
		x.writer.Header()["Retry-After"] = []string{strconv.Itoa(fault.retryAfter)}
	}
	return route, statusOf[fault.code]
}

// run calls what answers a route, and turns a panic into a fault.
func (s *Server) run(route *route, x *exchange) (result *fault) {
	defer func() {
		if reason := recover(); reason != nil {
			s.log.Error("panic", "route", route.template, "reason", fmt.Sprint(reason), "stack", stack())
			result = internalFault()
		}
	}()
	return route.answer(s, x)
}

func stack() string { return string(debug.Stack()) }

// internalFault says nothing more: the log does, and paths and values of a model are nobody's business.
func internalFault() *fault {
	return newFault(codeInternal, "", "an answer", "a fault of the server, which its log describes")
}

var (
	noSniff = []string{"nosniff"}
	noStore = []string{"no-store"} // lists are of persons, and all else is of the moment
)

// send sends the body and the items after it: with its length if it is not long, else piece by piece.
func (x *exchange) send(status int) {
	x.status = status
	header := x.writer.Header()
	header["Content-Type"] = []string{x.contentType}
	header["X-Content-Type-Options"] = noSniff
	header["Cache-Control"] = noStore
	if x.items != nil {
		var err error
		if x.body, err = mlcore.WriteItems(x, x.body, x.items); err != nil {
			return // A client that is gone is no fault of ours, and cannot be told anyway.
		}
		x.body = append(x.body, "}\n"...)
	}
	if !x.begun {
		header["Content-Length"] = []string{strconv.Itoa(len(x.body))}
	}
	x.Write(x.body)
}

// Write sends a piece of the answer.
func (x *exchange) Write(piece []byte) (int, error) {
	if x.begun {
		runtime.Gosched() // many long answers must not keep the processors from what is short
	} else {
		x.begun = true
		x.writer.WriteHeader(x.status)
	}
	return x.writer.Write(piece)
}
