package server

import (
	"sync/atomic"

	mlcore "github.com/mlcore/mlcore/interop/go"
)

// listMetrics count what says that a model does not fit its requests any more.
type listMetrics struct {
	empty        atomic.Int64
	filled       atomic.Int64
	unknownUsers atomic.Int64
	unknownItems atomic.Int64
}

// observe takes an answer of the model; the verdict is empty if it is a list.
func (l *listMetrics) observe(x *exchange, verdict mlcore.Verdict) {
	if verdict == mlcore.VerdictUnknownUser || x.isUnknown {
		l.unknownUsers.Add(1)
	}
	if x.line.UnknownItems > 0 {
		l.unknownItems.Add(int64(x.line.UnknownItems))
	}
	if verdict == "" && x.line.Items == 0 {
		l.empty.Add(1)
	}
	if verdict == "" && x.line.FilledItems > 0 {
		l.filled.Add(1)
	}
}

func (l *listMetrics) append(e *exposition) {
	for _, counter := range []struct {
		name, help string
		value      *atomic.Int64
	}{
		{"mlcore_empty_lists_total", "Lists without an item.", &l.empty},
		{"mlcore_filled_lists_total", "Lists completed with popular items.", &l.filled},
		{"mlcore_unknown_users_total", "Requests for a user that the model does not have.", &l.unknownUsers},
		{"mlcore_unknown_items_total", "Items asked for, or of a history, that the model does not have.", &l.unknownItems},
	} {
		e.family(counter.name, "counter", counter.help)
		e.sample(counter.name, float64(counter.value.Load()))
	}
}
