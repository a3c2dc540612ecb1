package server

import (
	"fmt"
	"math"
	"runtime"
	"sync/atomic"
	"time"

	mlcore "github.com/mlcore/mlcore/interop/go"
)

// admission bounds what all requests together cost. What takes next to nothing is done at once; the
// rest waits in one of two lanes, so that what is short does not wait for what is long. Memory is counted
// for all of them. /healthz, /readyz and /metrics pass by.
type admission struct {
	short, long lane
	memory      atomic.Int64 // bytes that requests hold
	maxMemory   int64
	refused     [numReasons]atomic.Int64
}

// reason says why a request was given up.
type reason int

const (
	reasonQueue  reason = iota // too much is waiting
	reasonMemory               // too much is held
	reasonLate                 // there would be no time left to send the answer
	reasonGone                 // the client does not wait for it
	numReasons
)

// reasons are their names in metrics, and what a message says was got.
var reasons = [numReasons]struct{ name, got string }{
	reasonQueue:  {"queue", "too many that wait"},
	reasonMemory: {"memory", "too little memory left"},
	reasonLate:   {"late", "no time left to answer"},
	reasonGone:   {"gone", "a client that is gone"},
}

// statusGone is that of metrics for a client that does not wait for its answer.
const statusGone = 499

const (
	// DefaultMaxMemory is what requests may take unless a body needs more.
	DefaultMaxMemory = 256 << 20
	// MemoryOfBody is how many times the memory of its text the longest body needs at least: what is made
	// of it takes up to 10 times as much, which must fit into the part of large requests.
	MemoryOfBody = 48

	maxShares = 500_000 // of an answer, of 25 MB then

	inlineSteps = 200_000    // done at once: 0.2 ms
	shortSteps  = 10_000_000 // short: 10 ms

	// A byte of a query or body, where every fourth is an id that is looked up.
	stepsOfText = 150
	bytesOfText = 10

	// Of a list that is made, besides its ids.
	bytesOfShare = 32
	bytesOfItem  = 64

	// smallBytes are so few that a part of the memory is there for such requests alone.
	smallBytes = 32 << 10
)

func (a *admission) set(limits *Limits) {
	processors := runtime.GOMAXPROCS(0)
	a.short = lane{name: "short", slots: processors, patience: limits.RequestTimeout / 2}
	// One processor is left to all others: while every one is busy, nobody looks who has sent something.
	a.long = lane{name: "long", slots: max(1, processors-1), patience: limits.RequestTimeout / 2}
	total := limits.MaxMemory
	if total == 0 {
		total = max(DefaultMaxMemory, MemoryOfBody*limits.MaxBody)
	}
	a.maxMemory = total / 3 // garbage takes as much again before it is collected, and gaps some
}

// largeMemory is the part that requests which are not small may take.
func (a *admission) largeMemory() int64 { return a.maxMemory / 4 * 3 }

// laneOf returns where a request of so many steps waits, or nil.
func (a *admission) laneOf(steps float64) *lane {
	switch {
	case steps <= inlineSteps:
		return nil
	case steps <= shortSteps:
		return &a.short
	}
	return &a.long
}

// share is what a request has of what all have.
type share struct {
	of       *admission
	lane     *lane // in which it has a slot, or nil
	steps    float64
	memory   int64
	deadline time.Time
	gone     bool // whether the client is
}

// Admit is asked by the model, which knows by then what the list costs: see [mlcore.Guard].
func (x *exchange) Admit(cost mlcore.Cost) error {
	most, wanted := x.share.of.largeMemory(), float64(x.share.memory)+cost.Bytes
	if wanted > float64(most) {
		return badRequest("n", fmt.Sprintf("a list for which %d bytes of memory are enough", most),
			fmt.Sprintf("one that may take %.0f", wanted))
	}
	if fault := x.enter(cost.Steps); fault != nil {
		return fault
	}
	if fault := x.reserve(int64(cost.Bytes)); fault != nil {
		return fault
	}
	return nil
}

// Err is asked by the model while it works.
func (x *exchange) Err() error {
	if x.request.Context().Err() != nil {
		return x.giveUp(reasonGone)
	}
	if time.Now().After(x.share.deadline) {
		return x.giveUp(reasonLate)
	}
	return nil
}

// admitText makes room for what a query or body is read into.
func (x *exchange) admitText(length int) *fault {
	if length == 0 {
		return nil
	}
	if fault := x.enter(stepsOfText * float64(length)); fault != nil {
		return fault
	}
	return x.reserve(bytesOfText * int64(length))
}

// enter takes a slot of the lane for so many steps. A request that has one of the short lane gives it
// back first, so that nobody waits for a slot who holds one.
func (x *exchange) enter(steps float64) *fault {
	share := &x.share
	lane := share.of.laneOf(steps)
	if lane == nil || steps <= share.steps {
		return nil
	}
	if lane == share.lane {
		lane.add(steps - share.steps)
		share.steps = steps
		return nil
	}
	x.leave()
	if !lane.enter(x.request.Context(), steps) {
		if x.request.Context().Err() != nil {
			return x.giveUp(reasonGone)
		}
		return x.giveUp(reasonQueue)
	}
	share.lane, share.steps = lane, steps
	return nil
}

// leave gives back the slot, if there is one.
func (x *exchange) leave() {
	if lane := x.share.lane; lane != nil {
		lane.leave(x.share.steps)
		x.share.lane, x.share.steps = nil, 0
	}
}

// reserve counts memory that the request will hold to its end.
func (x *exchange) reserve(bytes int64) *fault {
	a, held := x.share.of, x.share.memory+bytes
	limit := a.maxMemory
	if held > smallBytes {
		limit = a.largeMemory()
	}
	if !a.take(bytes, limit) {
		return x.giveUp(reasonMemory)
	}
	x.share.memory = held
	return nil
}

// take counts memory, unless it becomes more than a limit.
func (a *admission) take(bytes, limit int64) bool {
	for {
		taken := a.memory.Load()
		if taken+bytes > limit {
			return false
		}
		// Not added and taken back: a small request would be refused in between.
		if a.memory.CompareAndSwap(taken, taken+bytes) {
			return true
		}
	}
}

// release gives back what the request holds beyond so many bytes.
func (x *exchange) release(rest int64) {
	if more := x.share.memory - rest; more > 0 {
		x.share.of.memory.Add(-more)
		x.share.memory = rest
	}
}

// giveUp returns the fault of a request that is not done, or not to its end.
func (x *exchange) giveUp(why reason) *fault {
	a := x.share.of
	a.refused[why].Add(1)
	x.share.gone = why == reasonGone
	fault := newFault(codeBusy, "", "room for one more request", reasons[why].got)
	wait := max(a.short.state().delay, a.long.state().delay)
	fault.retryAfter = max(1, int(math.Ceil(wait.Seconds())))
	return fault
}

// sizeOf returns what a list takes at most, with a piece of its text.
func sizeOf(items []mlcore.Item) int64 {
	size := 2 * maxKeptBody
	for position := range items {
		size += bytesOfItem + len(items[position].ID)
		for _, share := range items[position].Because {
			size += bytesOfShare + len(share.ID)
		}
	}
	return int64(size)
}

func (s *Server) addLoad(e *exposition) {
	a := &s.admission
	lanes := []*lane{&a.short, &a.long}
	states := []laneState{a.short.state(), a.long.state()}
	gauge := func(name, help string, value func(laneState) float64) {
		e.family(name, "gauge", help)
		for position, state := range states {
			e.sample(name, value(state), "lane", lanes[position].name)
		}
	}
	gauge("mlcore_load_running", "Requests being done, of those that are not done at once.",
		func(s laneState) float64 { return float64(s.running) })
	gauge("mlcore_load_waiting", "Requests that wait to be done.",
		func(s laneState) float64 { return float64(s.waiting) })
	gauge("mlcore_load_cost_seconds", "Time that these will take, as estimated.",
		func(s laneState) float64 { return s.cost.Seconds() })
	e.family("mlcore_load_memory_bytes", "gauge", "Memory that requests hold, as estimated.")
	e.sample("mlcore_load_memory_bytes", float64(a.memory.Load()))
	e.family("mlcore_load_memory_limit_bytes", "gauge", "Memory that they may hold.")
	e.sample("mlcore_load_memory_limit_bytes", float64(a.maxMemory))
	e.family("mlcore_load_refused_total", "counter", "Requests given up: too many wait, no memory, no time, no client.")
	for why := range reasons {
		e.sample("mlcore_load_refused_total", float64(a.refused[why].Load()), "reason", reasons[why].name)
	}
}
