package mlcore

import (
	"cmp"
	"math"
	"slices"

	"github.com/mlcore/mlcore/interop/go/internal/show"
)

// scratch is the memory of one request; a model keeps it for later ones.
type scratch struct {
	items   []int32   // of the history, ascending
	weights []float32 // of the history
	dense   denseScores
	sparse  sparseScores
	top     topN
	filter  filter
	listed  []int32 // items of the list, ascending
	reasons []reason
	// Where the reasons of each item of the list end; empty unless they were asked for.
	reasonEnds []int
	encoded    []encodedItem
	unknown    []string
	text       []byte
}

type encodedItem struct {
	index  int32
	weight float32
}

func (m *Model) scratch() *scratch {
	if s, isScratch := m.scratches.Get().(*scratch); isScratch {
		return s
	}
	return new(scratch)
}

// rank makes the list for a history whose items ascend (section 9 of SPEC.md). It ends in s.top.list.
func (m *Model) rank(s *scratch, items []int32, weights []float32, n int, f *filter) error {
	entries := int64(0)
	for _, item := range items {
		entries += m.similarity.indptr[item+1] - m.similarity.indptr[item]
	}
	s.top.reset(n)
	s.reasons, s.reasonEnds = s.reasons[:0], s.reasonEnds[:0]
	var sound bool
	// Entries that exist in memory can be counted by an int.
	if isDense(len(m.counts), int(entries)) {
		sound = m.rankDense(s, items, weights, f)
	} else {
		sound = m.rankSparse(s, items, weights, f, int(entries))
	}
	if !sound {
		return refuse(VerdictCSR, m.files.path(similarityFile), "",
			"item positions that exist and ascend within a row, and finite values", "others")
	}
	s.top.sort()
	if f.fill && len(s.top.list) < n {
		m.fill(s, items, f)
	}
	if f.explain {
		m.explain(s, items, weights)
	}
	return nil
}

func (m *Model) rankDense(s *scratch, items []int32, weights []float32, f *filter) bool {
	s.dense.reset(len(m.counts))
	for position, item := range items {
		indices, data := m.similarity.row(item)
		if !s.dense.add(float64(weights[position]), indices, data) {
			s.dense.clear()
			return false
		}
	}
	if !f.includeSeen {
		s.dense.remove(items)
	}
	s.dense.remove(f.exclude)
	return s.dense.take(&s.top, f.include)
}

func (m *Model) rankSparse(s *scratch, items []int32, weights []float32, f *filter, entries int) bool {
	s.sparse.reset(min(entries, len(m.counts)))
	for position, item := range items {
		indices, data := m.similarity.row(item)
		if !s.sparse.add(float64(weights[position]), indices, data, len(m.counts)) {
			s.sparse.clear()
			return false
		}
	}
	seen := items
	if f.includeSeen {
		seen = nil
	}
	return s.sparse.take(&s.top, f.include, seen, f.exclude)
}

// fill completes a list with the most popular items.
func (m *Model) fill(s *scratch, history []int32, f *filter) {
	popular := f.popular
	if f.include == nil {
		popular = m.byPopularity()
	}
	s.listed = s.listed[:0]
	for _, item := range s.top.list {
		s.listed = append(s.listed, item.index)
	}
	slices.Sort(s.listed)
	for _, item := range popular {
		if len(s.top.list) == s.top.n {
			return
		}
		if !contains(s.listed, item) && !contains(history, item) && !contains(f.exclude, item) {
			s.top.list = append(s.top.list, ranked{index: item, filled: true})
		}
	}
}

// storedHistory returns the row of a user, of which opening has not looked at the values.
func (m *Model) storedHistory(user int) ([]int32, []float32, error) {
	items, weights := m.histories.row(int32(user))
	previous := int32(-1)
	for position, item := range items {
		weight := weights[position]
		if item <= previous || int(item) >= len(m.counts) || !(weight > 0) || weight > math.MaxFloat32 {
			return nil, nil, refuse(VerdictCSR, m.files.path(historiesFile), "",
				"item positions that exist and ascend within a row, and finite weights above 0", "others")
		}
		previous = item
	}
	return items, weights, nil
}

// encode brings a history of a request into the form of a stored one, in the memory of s, and counts
// the items that the model does not have.
func (m *Model) encode(s *scratch, history []HistoryItem) (items []int32, weights []float32, unknown int, err error) {
	s.encoded, s.unknown = s.encoded[:0], s.unknown[:0]
	if len(history) > 0 {
		if err := m.items.parse(); err != nil {
			return nil, nil, 0, err
		}
	}
	for _, item := range history {
		weight := float32(item.Weight)
		if !(weight > 0) || weight > math.MaxFloat32 {
			return nil, nil, 0, refuseRequest("history: item "+show.String(item.ID)+": weight",
				"a finite number above 0 that float32 holds", shownFloat(item.Weight))
		}
		position := m.items.position(item.ID)
		if position < 0 {
			s.unknown = append(s.unknown, item.ID)
		} else {
			s.encoded = append(s.encoded, encodedItem{int32(position), weight})
		}
	}
	slices.SortFunc(s.encoded, func(a, b encodedItem) int { return cmp.Compare(a.index, b.index) })
	s.items, s.weights = s.items[:0], s.weights[:0]
	for position, item := range s.encoded {
		if position > 0 && item.index == s.encoded[position-1].index {
			return nil, nil, 0, m.refuseTwice(string(m.items.appendID(nil, int(item.index))))
		}
		s.items, s.weights = append(s.items, item.index), append(s.weights, item.weight)
	}
	unknown = len(s.unknown)
	slices.Sort(s.unknown)
	for position, id := range s.unknown {
		if position > 0 && id == s.unknown[position-1] {
			return nil, nil, 0, m.refuseTwice(id)
		}
	}
	clear(s.unknown) // or the ids would be kept alive
	return s.items, s.weights, unknown, nil
}

func (m *Model) refuseTwice(id string) error {
	return refuseRequest("history", "each item once", show.String(id)+" twice")
}
