package server

import (
	"container/list"
	"context"
	"runtime"
	"sync"
	"time"
)

// lane lets so many requests be done at once; others wait their turn, if it comes soon enough.
type lane struct {
	name     string
	slots    int
	patience time.Duration // the longest wait

	mutex   sync.Mutex
	running int
	waiting list.List // of turn
	steps   float64   // of those that run or wait
}

// turn is closed when the request has its slot.
type turn chan struct{}

// maxWaiting bounds what those that wait hold beside the memory that is counted.
const maxWaiting = 1024

// enter takes a slot, waiting for it if need be. It reports false if that took, or would take, too long
// or the context ended.
func (l *lane) enter(ctx context.Context, steps float64) bool {
	l.mutex.Lock()
	if l.running == l.slots {
		return l.wait(ctx, steps)
	}
	l.running++
	l.steps += steps
	l.mutex.Unlock()
	// All that is ready, above all what is small, goes before what takes long.
	runtime.Gosched()
	return true
}

// wait is the rest of enter where all slots are taken. It unlocks.
func (l *lane) wait(ctx context.Context, steps float64) bool {
	if l.isFull() {
		l.mutex.Unlock()
		return false
	}
	mine := make(turn)
	place := l.waiting.PushBack(mine)
	l.steps += steps
	l.mutex.Unlock()
	timer := time.NewTimer(l.patience)
	defer timer.Stop()
	select {
	case <-mine:
		runtime.Gosched()
		return true
	case <-ctx.Done():
	case <-timer.C:
	}
	l.mutex.Lock()
	defer l.mutex.Unlock()
	select {
	case <-mine: // at the last moment
		l.next()
	default:
		l.waiting.Remove(place)
	}
	l.steps -= steps
	return false
}

// isFull reports whether another request would wait too long. The mutex is held.
func (l *lane) isFull() bool {
	return l.running == l.slots && (l.waiting.Len() >= maxWaiting || l.delay() > l.patience)
}

// full is isFull for those that do not hold the mutex.
func (l *lane) full() bool {
	l.mutex.Lock()
	defer l.mutex.Unlock()
	return l.isFull()
}

// delay is how long those that are there will take.
func (l *lane) delay() time.Duration { return time.Duration(l.steps) / time.Duration(l.slots) }

// add says that a request in a slot takes more steps than it was thought to.
func (l *lane) add(steps float64) {
	l.mutex.Lock()
	defer l.mutex.Unlock()
	l.steps += steps
}

// leave gives a slot back.
func (l *lane) leave(steps float64) {
	l.mutex.Lock()
	defer l.mutex.Unlock()
	l.steps -= steps
	l.next()
}

// next hands a slot to the request that has waited longest.
func (l *lane) next() {
	if first := l.waiting.Front(); first != nil {
		close(l.waiting.Remove(first).(turn))
	} else {
		l.running--
	}
}

// laneState is what metrics say of a lane.
type laneState struct {
	running, waiting int
	cost, delay      time.Duration
}

func (l *lane) state() laneState {
	l.mutex.Lock()
	defer l.mutex.Unlock()
	return laneState{l.running, l.waiting.Len(), time.Duration(l.steps), l.delay()}
}
