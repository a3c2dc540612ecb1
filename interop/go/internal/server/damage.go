package server

import (
	"errors"
	"sync/atomic"
	"syscall"
	"time"

	mlcore "github.com/mlcore/mlcore/interop/go"
)

// A model whose mapped files somebody writes to gives no lists any more, until one is loaded that is whole.

// checkCurrent looks whether the files of the model that answers were written to. By then they have been
// tried as a newer model.
func (m *models) checkCurrent() {
	p := m.acquire()
	if p == nil {
		return
	}
	defer p.release()
	if err := p.model.Check(); err != nil {
		m.setDamaged(p, err)
	}
}

// replaceDamaged is for a model that an answer found to be damaged: it makes the watch look at once.
func (m *models) replaceDamaged(p *publication, err error) {
	if m.setDamaged(p, err) {
		select {
		case m.wake <- struct{}{}:
		default: // it is about to look
		}
	}
}

// setDamaged reports whether it is news.
func (m *models) setDamaged(p *publication, err error) bool {
	isNews := p.damaged.CompareAndSwap(false, true)
	if isNews {
		m.log.Error("model damaged, no lists until it is replaced", "model", p.name(),
			"verdict", mlcore.VerdictOf(err), "error", err.Error(), "dir", p.identity.dir)
	}
	return isNews
}

func damagedModel() *fault {
	return newFault(codeUnavailable, "", "a sound model", "one whose files were changed")
}

// isExhausted reports whether an error is for want of descriptors: it says nothing of a model.
func isExhausted(err error) bool {
	return errors.Is(err, syscall.EMFILE) || errors.Is(err, syscall.ENFILE)
}

// postpone leaves a newer model to the next look.
func (m *models) postpone(err error) {
	m.metrics.reloadsPostponed.Add(1)
	if m.warnings.isDue() {
		m.log.Warn("no descriptor left to load a newer model, trying again", "error", err.Error())
	}
}

// sparing keeps what may happen many times a second from filling the log.
type sparing struct{ last atomic.Int64 }

const warningInterval = 10 * time.Second

// isDue reports whether it is time for another line.
func (s *sparing) isDue() bool {
	now, last := time.Now().UnixNano(), s.last.Load()
	return now-last >= int64(warningInterval) && s.last.CompareAndSwap(last, now)
}
