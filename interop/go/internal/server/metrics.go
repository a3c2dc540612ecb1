package server

import (
	"strconv"
	"sync/atomic"
	"time"

	mlcore "github.com/mlcore/mlcore/interop/go"
)

// bounds are the upper ends of the buckets of durations.
var bounds = [...]time.Duration{
	100 * time.Microsecond, 250 * time.Microsecond, 500 * time.Microsecond,
	time.Millisecond, 2500 * time.Microsecond, 5 * time.Millisecond,
	10 * time.Millisecond, 25 * time.Millisecond, 50 * time.Millisecond,
	100 * time.Millisecond, 250 * time.Millisecond, 500 * time.Millisecond,
	time.Second, 2500 * time.Millisecond, 5 * time.Second,
}

// routeMetrics counts the requests of one route.
type routeMetrics struct {
	statuses []int // that the route can answer with, ascending
	requests []atomic.Int64
	buckets  [len(bounds) + 1]atomic.Int64
	nanos    atomic.Int64
}

func newRouteMetrics(statuses []int) *routeMetrics {
	return &routeMetrics{statuses: statuses, requests: make([]atomic.Int64, len(statuses))}
}

func (r *routeMetrics) observe(status int, duration time.Duration) {
	for position, known := range r.statuses {
		if known == status {
			r.requests[position].Add(1)
		}
	}
	bucket := 0
	for bucket < len(bounds) && duration > bounds[bucket] {
		bucket++
	}
	r.buckets[bucket].Add(1)
	r.nanos.Add(int64(duration))
}

// failure is why and when a model was refused.
type failure struct {
	time    time.Time
	verdict mlcore.Verdict
}

// metrics are those of the whole server.
type metrics struct {
	inFlight         atomic.Int64
	lists            listMetrics
	reloadsOK        atomic.Int64
	reloadsRefused   atomic.Int64
	reloadsPostponed atomic.Int64
	lastReloadFailed atomic.Bool
	lastFailure      atomic.Pointer[failure]
}

// exposition is a text in the format of Prometheus, version 0.0.4.
type exposition []byte

func (e *exposition) family(name, kind, help string) {
	*e = append(*e, "# HELP "+name+" "+help+"\n# TYPE "+name+" "+kind+"\n"...)
}

// sample appends one line; labels are names and values in turn.
func (e *exposition) sample(name string, value float64, labels ...string) {
	*e = append(*e, name...)
	for position := 0; position < len(labels); position += 2 {
		separator := byte(',')
		if position == 0 {
			separator = '{'
		}
		*e = append(*e, separator)
		*e = append(*e, labels[position]+"="...)
		// No value has a character that this and Prometheus escape differently.
		*e = strconv.AppendQuote(*e, labels[position+1])
	}
	if len(labels) > 0 {
		*e = append(*e, '}')
	}
	*e = append(*e, ' ')
	*e = strconv.AppendFloat(*e, value, 'f', -1, 64)
	*e = append(*e, '\n')
}

func (s *Server) appendMetrics(dst []byte) []byte {
	e := exposition(dst)
	s.addRequests(&e)
	s.addLoad(&e)
	s.metrics.lists.append(&e)
	s.connections.append(&e)
	s.addModel(&e)
	return e
}

func (s *Server) addRequests(e *exposition) {
	e.family("mlcore_requests_total", "counter", "Requests answered.")
	for _, route := range s.routes {
		for position, status := range route.metrics.statuses {
			e.sample("mlcore_requests_total", float64(route.metrics.requests[position].Load()),
				"route", route.template, "status", strconv.Itoa(status))
		}
	}
	const duration = "mlcore_request_duration_seconds"
	e.family(duration, "histogram", "Time from the header of a request to the end of its answer.")
	for _, route := range s.routes {
		total := int64(0)
		for position := range route.metrics.buckets {
			total += route.metrics.buckets[position].Load()
			end := "+Inf"
			if position < len(bounds) {
				end = strconv.FormatFloat(bounds[position].Seconds(), 'f', -1, 64)
			}
			e.sample(duration+"_bucket", float64(total), "route", route.template, "le", end)
		}
		e.sample(duration+"_sum", time.Duration(route.metrics.nanos.Load()).Seconds(), "route", route.template)
		e.sample(duration+"_count", float64(total), "route", route.template)
	}
	e.family("mlcore_requests_in_flight", "gauge", "Requests being answered.")
	e.sample("mlcore_requests_in_flight", float64(s.metrics.inFlight.Load()))
}

func (s *Server) addModel(e *exposition) {
	damaged := 0.0
	if current := s.models.current.Load(); current != nil {
		if current.damaged.Load() {
			damaged = 1
		}
		counts := current.model.Manifest().Counts
		e.family("mlcore_model_info", "gauge", "The model that answers; its digest is the header X-Model.")
		e.sample("mlcore_model_info", 1, "digest", current.name(),
			"users", strconv.FormatInt(counts.Users, 10), "items", strconv.FormatInt(counts.Items, 10))
		e.family("mlcore_model_loaded_timestamp_seconds", "gauge", "When it was loaded.")
		e.sample("mlcore_model_loaded_timestamp_seconds", seconds(current.loaded))
	}
	e.family("mlcore_model_damaged", "gauge", "Whether its files were changed, so that it gives no lists.")
	e.sample("mlcore_model_damaged", damaged)
	e.family("mlcore_models_open", "gauge", "Models in memory: more than one while old ones answer their last requests.")
	e.sample("mlcore_models_open", float64(s.models.open.Load()))
	e.family("mlcore_reloads_total", "counter", "Newer models found.")
	e.sample("mlcore_reloads_total", float64(s.metrics.reloadsOK.Load()), "result", "ok")
	e.sample("mlcore_reloads_total", float64(s.metrics.reloadsRefused.Load()), "result", "refused")
	e.sample("mlcore_reloads_total", float64(s.metrics.reloadsPostponed.Load()), "result", "postponed")
	e.family("mlcore_last_reload_failed", "gauge", "Whether the newest model was refused and an older one serves on.")
	failed := 0.0
	if s.metrics.lastReloadFailed.Load() {
		failed = 1
	}
	e.sample("mlcore_last_reload_failed", failed)
	if last := s.metrics.lastFailure.Load(); last != nil {
		e.family("mlcore_last_reload_failure_timestamp_seconds", "gauge", "When a model was last refused, and its fault.")
		e.sample("mlcore_last_reload_failure_timestamp_seconds", seconds(last.time), "verdict", string(last.verdict))
	}
}

func seconds(t time.Time) float64 { return float64(t.UnixMilli()) / 1000 }
