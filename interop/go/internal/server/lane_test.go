package server

import (
	"context"
	"testing"
	"time"
)

// entered tells in which order requests get their slots.
func entered(l *lane, ctx context.Context, steps float64, order chan<- float64) {
	if l.enter(ctx, steps) {
		order <- steps
	} else {
		order <- -steps
	}
}

// queue lets requests of 1, 2, ... steps wait, one after the other.
func queue(t *testing.T, l *lane, ctx context.Context, count int, order chan<- float64) {
	t.Helper()
	for position := range count {
		go entered(l, ctx, float64(position+1), order)
		waitFor(t, "a request to wait", func() bool { return l.state().waiting == position+1 })
	}
}

func expectEmpty(t *testing.T, l *lane) {
	t.Helper()
	if state := l.state(); state != (laneState{}) {
		t.Errorf("left behind: %+v", state)
	}
}

func TestALaneGivesItsSlotsInTurn(t *testing.T) {
	l := &lane{slots: 2, patience: time.Minute}
	order := make(chan float64)
	for range 2 {
		if !l.enter(t.Context(), 10) {
			t.Fatal("no slot in an empty lane")
		}
	}
	queue(t, l, t.Context(), 4, order)
	for want := 1.0; want <= 4; want++ {
		l.leave(10)
		if got := <-order; got != want {
			t.Errorf("got the request of %v steps, wanted that of %v", got, want)
		}
		l.add(10 - want) // so that all have 10
	}
	l.leave(10)
	l.leave(10)
	expectEmpty(t, l)
}

func TestNobodyWaitsInALaneForLong(t *testing.T) {
	l := &lane{slots: 1, patience: time.Minute}
	order := make(chan float64)
	l.enter(t.Context(), 1)
	ctx, cancel := context.WithCancel(t.Context())
	queue(t, l, ctx, 1, order)
	cancel()
	if got := <-order; got != -1 {
		t.Error("a slot for a request that has ended")
	}
	l.patience = time.Millisecond
	if l.enter(t.Context(), 2) {
		t.Error("a slot where none was free")
	}
	// Those that are there take a millisecond: another one is refused at once.
	l.add(2e6)
	begun := time.Now()
	l.patience = time.Second / 1000
	if !l.full() || l.enter(t.Context(), 3) || time.Since(begun) > time.Second {
		t.Error("waited in vain")
	}
	l.leave(1 + 2e6)
	expectEmpty(t, l)
}

func TestASlotGivenAtTheLastMomentGoesOn(t *testing.T) {
	for range 200 {
		l := &lane{slots: 1, patience: time.Minute}
		order := make(chan float64, 2)
		l.enter(t.Context(), 1)
		ctx, cancel := context.WithCancel(t.Context())
		queue(t, l, ctx, 1, order)
		go cancel()
		l.leave(1)
		if <-order > 0 {
			l.leave(1)
		}
		expectEmpty(t, l)
	}
}
