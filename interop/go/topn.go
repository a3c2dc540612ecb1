package mlcore

import (
	"math"
	"slices"
)

// ranked is one item of a list that is being made.
type ranked struct {
	index  int32
	filled bool
	score  float64
}

// better is the one order of items: score descending, then position ascending.
func better(a, b ranked) bool {
	return a.score > b.score || (a.score == b.score && a.index < b.index)
}

// topN keeps the n best of the items offered, in a heap with the worst of them on top.
type topN struct {
	n     int
	list  []ranked
	floor float64 // a lower score cannot get in any more

	gate   *gate  // nil lets all pass
	faulty string // the file of the catalogue that holds what it may not
}

func (t *topN) reset(n int) {
	t.n, t.list, t.floor = n, t.list[:0], math.Inf(-1)
	t.gate, t.faulty = nil, ""
}

// passes reports whether an item may be offered.
func (t *topN) passes(item int32) bool { return t.gate == nil || t.passesGate(item) }

func (t *topN) passesGate(item int32) bool {
	isAdmitted, faulty := t.gate.admits(item)
	if faulty != "" {
		t.faulty = faulty
	}
	return isAdmitted
}

// offer takes an item, which the caller may leave out if its score is below the floor.
func (t *topN) offer(item ranked) {
	if len(t.list) < t.n {
		t.list = append(t.list, item)
		if len(t.list) == t.n {
			for parent := t.n/2 - 1; parent >= 0; parent-- {
				t.sink(parent)
			}
			t.floor = t.list[0].score
		}
		return
	}
	if better(item, t.list[0]) {
		t.list[0] = item
		t.sink(0)
		t.floor = t.list[0].score
	}
}

// sink moves an item down until both below it are better.
func (t *topN) sink(parent int) {
	list := t.list
	for {
		child := 2*parent + 1
		if child >= len(list) {
			return
		}
		if right := child + 1; right < len(list) && better(list[child], list[right]) {
			child = right
		}
		if !better(list[parent], list[child]) {
			return
		}
		list[parent], list[child] = list[child], list[parent]
		parent = child
	}
}

// sort brings the list into its order; nothing may be offered afterwards.
func (t *topN) sort() {
	slices.SortFunc(t.list, func(a, b ranked) int {
		if better(a, b) {
			return -1
		}
		return 1 // positions are distinct, so no two are equal
	})
}
