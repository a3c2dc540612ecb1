package mlcore

import (
	"math"
	"math/bits"
	"math/rand/v2"
	"slices"
	"unsafe"
)

// Scores are added up in an array with a place for every item, or, if a history touches only a small
// part of the items, in a hash table. Both give each item its additions in the same order.

// maxDenseItems bounds the array where memory addresses have 32 bits.
const maxDenseItems = math.MaxInt >> 5

// isDense chooses by what either costs, as measured: the array is faster, and a scratch keeps it for every item.
func isDense(numItems, entries int) bool {
	return numItems <= 1<<12 || (entries >= numItems/512 && numItems <= maxDenseItems)
}

// untouched is the score of an item before anything is added: -0, which no sum of terms that are not -0 is.
var untouched = math.Copysign(0, -1)

func isUntouched(score float64) bool { return math.Float64bits(score) == 1<<63 }

// denseScores has one score for each item.
type denseScores struct {
	scores  []float64
	touched []int32 // items in the order of their first entry; none where isWhole
	isWhole bool    // whether all scores are gone through, as many are touched
}

// reset gets ready for a number of entries.
func (d *denseScores) reset(numItems, entries int) {
	if d.scores == nil {
		d.scores = make([]float64, numItems)
		d.clear()
	}
	if d.isWhole = entries >= numItems/4; !d.isWhole {
		d.touched = slices.Grow(d.touched, entries+1)
	}
}

// add adds one row of the similarity, weighted, and reports whether its indices ascend and exist.
func (d *denseScores) add(weight float64, indices []int32, data []float32) bool {
	if d.isWhole {
		return addRow(d.scores, weight, indices, data)
	}
	count, sound := addNoting(d.scores, d.touched[:cap(d.touched)], len(d.touched), weight, indices, data)
	d.touched = d.touched[:count]
	return sound
}

// addRow is not inlined, because the loop then keeps its variables in registers: it is where a request
// spends its time.
//
//go:noinline
func addRow(scores []float64, weight float64, indices []int32, data []float32) bool {
	data = data[:len(indices)]
	previous := -1
	for entry, index := range indices {
		item := uint(uint32(index)) // a negative one becomes larger than any
		if item >= uint(len(scores)) || int(item) <= previous {
			return false
		}
		previous = int(item)
		// Exact: 24 by 24 bits fit the 53 of a float64. So it is the same whether or not the
		// compiler fuses the product with the addition; the conversion forbids it all the same.
		scores[item] += float64(weight*float64(data[entry])) + 0 // not -0, see untouched
	}
	return true
}

// addNoting is addRow that notes at count which items are touched first, and returns the new count.
//
//go:noinline
func addNoting(scores []float64, touched []int32, count int, weight float64, indices []int32, data []float32) (int, bool) {
	data = data[:len(indices)]
	words := unsafe.Slice((*uint64)(unsafe.Pointer(unsafe.SliceData(scores))), len(scores))
	previous := -1
	for entry, index := range indices {
		item := uint(uint32(index))
		if item >= uint(len(scores)) || int(item) <= previous {
			return count, false
		}
		previous = int(item)
		touched[count] = index
		if words[item] == 1<<63 { // untouched, with no branch
			count++
		}
		scores[item] += float64(weight*float64(data[entry])) + 0
	}
	return count, true
}

// fetch reads something of the first cache lines of a row, all of which are waited for at once: the row that
// is added next is in no cache, mostly.
//
//go:noinline
func fetch(indices []int32, data []float32) (read float32) {
	for entry := 0; entry < min(len(indices), 128); entry += 16 {
		read += float32(indices[entry]) + data[entry]
	}
	return read
}

func (d *denseScores) remove(items []int32) {
	for _, item := range items {
		d.scores[item] = untouched
	}
}

// take offers all touched items to the list, and leaves everything untouched.
func (d *denseScores) take(list *topN, include []int32) {
	t := taker{list: list, include: include}
	scores, nothing, floor := d.scores, untouched, list.floor // in registers
	if d.isWhole {
		for item, score := range scores {
			scores[item] = nothing
			if !(score < floor) {
				floor = t.offer(int32(item), score)
			}
		}
		return
	}
	for _, item := range d.touched {
		score := scores[item]
		scores[item] = nothing
		if !(score < floor) {
			floor = t.offer(item, score)
		}
	}
	d.touched = d.touched[:0]
}

// taker offers items to a list.
type taker struct {
	list    *topN
	include []int32 // ascending, or nil for all items
}

// offer returns the floor of the list.
func (t *taker) offer(item int32, score float64) float64 {
	if !isUntouched(score) && t.includes(item) && t.list.passes(item) {
		t.list.offer(ranked{index: item, score: score})
	}
	return t.list.floor
}

func (t *taker) includes(item int32) bool {
	return t.include == nil || contains(t.include, item)
}

// clear leaves everything untouched, after a fault.
func (d *denseScores) clear() {
	for item := range d.scores {
		d.scores[item] = untouched
	}
	d.touched = d.touched[:0]
}

// hashMultiplier differs from run to run, so that no model can be made to collide.
var hashMultiplier = rand.Uint32() | 1

// sparseScores is a hash table with open addressing that never holds more than half its slots.
type sparseScores struct {
	items  []int32 // item + 1 of each slot, 0 for a free one
	scores []float64
	slots  []int32 // taken ones
	shift  uint
}

// reset makes room for as many items.
func (s *sparseScores) reset(entries int) {
	size := 1 << bits.Len(uint(2*entries))
	if size > len(s.items) {
		s.items = make([]int32, size)
		s.scores = make([]float64, size)
	}
	// A large table left over from another request is used in part only.
	s.shift = uint(32 - bits.TrailingZeros(uint(size)))
	s.slots = s.slots[:0]
}

// add is as denseScores.add.
func (s *sparseScores) add(weight float64, indices []int32, data []float32, numItems int) bool {
	data = data[:len(indices)]
	previous := int32(-1)
	mask := uint32(1)<<(32-s.shift) - 1
	for entry, index := range indices {
		if index <= previous || int(index) >= numItems {
			return false
		}
		previous = index
		product := float64(weight * float64(data[entry]))
		slot := uint32(index) * hashMultiplier >> s.shift
		for s.items[slot] != index+1 {
			if s.items[slot] == 0 {
				s.items[slot] = index + 1
				s.slots = append(s.slots, int32(slot))
				break
			}
			slot = (slot + 1) & mask
		}
		s.scores[slot] += product
	}
	return true
}

// take offers the touched items to the list, unless they are in one of the ascending lists left out
// or missing in include, and frees all slots.
func (s *sparseScores) take(list *topN, include []int32, leftOut ...[]int32) {
	for _, slot := range s.slots {
		item, score := s.items[slot]-1, s.scores[slot]
		if score < list.floor || !list.passes(item) || (include != nil && !contains(include, item)) ||
			containedInAny(leftOut, item) {
			continue
		}
		list.offer(ranked{index: item, score: score})
	}
	s.clear()
}

func (s *sparseScores) clear() {
	for _, slot := range s.slots {
		s.items[slot], s.scores[slot] = 0, 0
	}
	s.slots = s.slots[:0]
}

// contains looks for an item in an ascending list.
func contains(items []int32, item int32) bool {
	low, high := 0, len(items)
	for low < high {
		middle := int(uint(low+high) >> 1)
		if items[middle] < item {
			low = middle + 1
		} else {
			high = middle
		}
	}
	return low < len(items) && items[low] == item
}

func containedInAny(lists [][]int32, item int32) bool {
	for _, list := range lists {
		if contains(list, item) {
			return true
		}
	}
	return false
}

func isFinite(value float64) bool { return value-value == 0 }
