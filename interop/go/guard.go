package mlcore

import (
	"context"
	"fmt"
	"math/bits"
	"runtime"
)

// Guard watches over requests: it hears what one will cost before it is done, and can end it.
type Guard interface {
	// Admit is told the cost of a request once its history is known. It may wait, and its error is
	// what the request gives.
	Admit(Cost) error
	// Err returns why the request is no longer wanted, or nil. It is asked again and again while the
	// request is done.
	Err() error
}

// Cost is what a request takes, estimated from above.
type Cost struct {
	// Steps are about a nanosecond each.
	Steps float64
	// Bytes are the memory of its list and text. What a model keeps for later requests is not among
	// them: a few numbers for each item, for each request that is done at the same time.
	Bytes float64
}

// WithContext returns a guard that admits all requests, and ends them with the context.
func WithContext(ctx context.Context) Guard { return contextGuard{ctx} }

type contextGuard struct{ ctx context.Context }

func (g contextGuard) Admit(Cost) error { return g.ctx.Err() }
func (g contextGuard) Err() error       { return g.ctx.Err() }

// What a request does, in nanoseconds as measured, some of them in no cache.
const (
	stepsOfGate       = 20  // for a candidate and a condition
	stepsOfCap        = 100 // for a candidate and a cap
	stepsOfFill       = 50  // for a popular item
	stepsOfComparison = 10  // of a search in a row
	stepsOfItem       = 100 // of the list: to give it its place and its id, and to write it
	stepsOfShare      = 150 // to give it its id, and to write it
)

// What a request takes, in bytes.
const (
	bytesOfItem      = 160 // as ranked, as [Item], and the text around its id
	bytesOfShare     = 56  // as a reason, whose array grows, and as [Share]
	bytesOfCandidate = 40  // under caps
)

// stepsBetweenPauses is how much is done before the guard is asked again.
const stepsBetweenPauses = 1 << 17

// admit counts the entries that the history stands for, and asks the guard.
func (m *Model) admit(s *scratch, r *request, items []int32, f *filter) error {
	longest := int64(min(r.n, len(m.counts)))
	s.entries = 0
	shares, comparisons := int64(0), 0.0
	for _, item := range items {
		row := m.similarity.indptr[item+1] - m.similarity.indptr[item]
		s.entries += row
		if f.explain {
			shares += min(row, longest)
			comparisons += float64(longest) * float64(bits.Len64(uint64(row)))
		}
	}
	if f.maxShares > 0 && shares > int64(f.maxShares) {
		return refuseRequest("explain", fmt.Sprintf("at most %d shares, of which a smaller n or a shorter history has fewer",
			f.maxShares), fmt.Sprintf("up to %d", shares))
	}
	if s.guard == nil {
		return nil
	}
	if err := m.items.parse(); err != nil {
		return err
	}
	cost := m.costOfList(s.entries, longest, f)
	if f.explain {
		cost.Steps += comparisons*stepsOfComparison + float64(shares)*stepsOfShare
		cost.Bytes += float64(shares)*bytesOfShare + float64(m.items.sizeOf(len(items)))
	}
	if cost.Steps > stepsBetweenPauses {
		m.lend(s) // it may wait
	}
	return s.guard.Admit(cost)
}

// costOfList returns the cost of a list without shares.
func (m *Model) costOfList(entries, longest int64, f *filter) Cost {
	candidates := float64(min(entries, int64(len(m.counts))))
	cost := Cost{
		Steps: float64(entries) + candidates,
		Bytes: float64(longest)*bytesOfItem + 2*float64(m.items.sizeOf(int(longest))),
	}
	gate := float64(len(f.gate.conditions)) * stepsOfGate
	if f.gate.timed {
		gate += stepsOfGate
	}
	cost.Steps += candidates * gate
	if caps := len(f.gate.caps); caps > 0 {
		cost.Steps += float64(entries) + candidates*float64(caps)*stepsOfCap
		cost.Bytes += candidates * bytesOfCandidate
	}
	listed := min(float64(longest), candidates)
	if f.fill {
		listed = float64(longest)
		popular := listed
		if !f.gate.isOpen() || len(f.gate.caps) > 0 {
			popular = float64(len(m.counts))
		}
		cost.Steps += popular * (stepsOfFill + gate)
	}
	cost.Steps += listed * stepsOfItem
	return cost
}

// pause lets others have the processor, and returns why the request is to end.
func (s *scratch) pause() error {
	if s.guard == nil {
		return nil
	}
	runtime.Gosched()
	return s.guard.Err()
}

// work counts steps, and pauses after so many.
func (s *scratch) work(steps int) error {
	if s.steps += steps; s.steps < stepsBetweenPauses {
		return nil
	}
	s.steps = 0
	return s.pause()
}
