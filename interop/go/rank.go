package mlcore

import (
	"math"
	"slices"

	"github.com/mlcore/mlcore/interop/go/internal/show"
)

// scratch is the memory of one request; a model keeps it for later ones.
type scratch struct {
	items    []int32   // of the history, ascending
	weights  []float32 // of the history
	filter   filter
	narrowed narrowed
	events   []event // of the items that the model has
	unknown  []string
	text     []byte
	guard    Guard // or nil
	entries  int64 // of the rows of the history
	steps    int   // since the guard was asked
	*ranking       // not while the request waits to be admitted
}

// ranking is the part of a scratch that has a place for each item.
type ranking struct {
	dense   denseScores
	sparse  sparseScores
	top     topN
	best    topN     // the candidates that caps are counted for
	held    counter  // of the list, where caps count
	rest    []ranked // the memory of all candidates
	listed  []int32  // items of the list, ascending
	reasons []reason
	// Where the reasons of each item of the list end; empty unless they were asked for.
	reasonEnds []int
	explained  []int32  // the history that the reasons speak of
	names      []string // of its items
}

// event is one of a history, or, once the rule of the model has made one of those of an item, the item.
type event struct {
	index  int32
	weight float64
	time   Timestamp
	age    float64 // in half-lives
	place  int     // in the request
	entry  int     // of an item: its position among the weights
}

func (m *Model) scratch() *scratch {
	if s, isScratch := m.scratches.Get().(*scratch); isScratch {
		return s
	}
	return new(scratch)
}

// lend lets others have what a request needs only once it is done.
func (m *Model) lend(s *scratch) {
	if s.ranking != nil {
		m.rankings.Put(s.ranking)
		s.ranking = nil
	}
}

// equip ends that.
func (m *Model) equip(s *scratch) {
	if s.ranking != nil {
		return
	}
	if r, isRanking := m.rankings.Get().(*ranking); isRanking {
		s.ranking = r
	} else {
		s.ranking = new(ranking)
	}
}

// Longer arrays are not kept for later requests, of which few need them.
const (
	maxKeptEvents  = 1 << 14
	maxKeptReasons = 1 << 16
)

// keep takes the memory of a request back.
func (m *Model) keep(s *scratch) {
	s.guard = nil
	if cap(s.events) > maxKeptEvents {
		s.events, s.unknown, s.items, s.weights = nil, nil, nil, nil
	}
	if r := s.ranking; r != nil && r.explained != nil {
		r.explained = nil
		clear(r.names)
		if cap(r.reasons) > maxKeptReasons {
			r.reasons, r.names = nil, nil
		}
	}
	m.scratches.Put(s)
}

// rank makes the list for a history whose items ascend (section 10 of SPEC.md). It ends in s.top.list.
func (m *Model) rank(s *scratch, items []int32, weights []float32, n int, f *filter) error {
	s.reasons, s.reasonEnds = s.reasons[:0], s.reasonEnds[:0]
	if len(f.gate.caps) > 0 {
		if err := m.rankCapped(s, items, weights, n, f); err != nil {
			return err
		}
	} else {
		if err := m.rankBest(s, items, weights, n, f); err != nil {
			return err
		}
		s.top.sort()
	}
	if f.fill && len(s.top.list) < n {
		if err := m.fill(s, items, f); err != nil {
			return err
		}
	}
	if s.top.faulty != "" {
		return m.refuseAttributes(s.top.faulty)
	}
	if f.explain {
		return m.explain(s, items, weights)
	}
	return nil
}

// rankBest makes s.top.list of the n best candidates, in any order.
func (m *Model) rankBest(s *scratch, items []int32, weights []float32, n int, f *filter) error {
	if s.top.reset(n); !f.gate.isOpen() {
		s.top.gate = &f.gate
	}
	// Entries that exist in memory can be counted by an int.
	entries := int(s.entries)
	if isDense(len(m.counts), entries) {
		return m.rankDense(s, items, weights, f, entries)
	}
	return m.rankSparse(s, items, weights, f, entries)
}

// refuseRows is what unsound rows of the similarity give.
func (m *Model) refuseRows() error {
	return refuse(VerdictCSR, m.files.path(similarityFile), "",
		"item positions that exist and ascend within a row, and finite values", "others")
}

// isFiniteRow looks at the values of a row of the similarity when it is first used.
func (m *Model) isFiniteRow(item int32, data []float32) bool {
	word, bit := &m.finiteRows[item>>5], uint32(1)<<(item&31)
	if word.Load()&bit != 0 {
		return true
	}
	for _, value := range data {
		if !isFinite(float64(value)) {
			return false
		}
	}
	word.Or(bit)
	return true
}

func (m *Model) rankDense(s *scratch, items []int32, weights []float32, f *filter, entries int) error {
	s.dense.reset(len(m.counts), entries)
	for position, item := range items {
		if position+1 < len(items) && !s.dense.isWhole {
			fetch(m.similarity.row(items[position+1]))
		}
		indices, data := m.similarity.row(item)
		if !m.isFiniteRow(item, data) || !s.dense.add(float64(weights[position]), indices, data) {
			s.dense.clear()
			return m.refuseRows()
		}
		if err := s.work(len(indices)); err != nil {
			s.dense.clear()
			return err
		}
	}
	if !f.includeSeen {
		s.dense.remove(items)
	}
	s.dense.remove(f.exclude)
	s.dense.take(&s.top, f.include)
	return nil
}

func (m *Model) rankSparse(s *scratch, items []int32, weights []float32, f *filter, entries int) error {
	s.sparse.reset(min(entries, len(m.counts)))
	for position, item := range items {
		indices, data := m.similarity.row(item)
		if !m.isFiniteRow(item, data) || !s.sparse.add(float64(weights[position]), indices, data, len(m.counts)) {
			s.sparse.clear()
			return m.refuseRows()
		}
	}
	seen := items
	if f.includeSeen {
		seen = nil
	}
	s.sparse.take(&s.top, f.include, seen, f.exclude)
	return nil
}

// fill completes a list with the most popular items.
func (m *Model) fill(s *scratch, history []int32, f *filter) error {
	popular, err := m.byPopularity()
	if err != nil {
		return err
	}
	if f.include != nil {
		popular = f.popular
	}
	s.listed = s.listed[:0]
	for _, item := range s.top.list {
		s.listed = append(s.listed, item.index)
	}
	slices.Sort(s.listed)
	for _, item := range popular {
		if len(s.top.list) == s.top.n {
			break
		}
		if err := s.work(stepsOfFill); err != nil {
			return err
		}
		if !contains(s.listed, item) && !contains(history, item) && !contains(f.exclude, item) && s.top.passes(item) {
			s.take(&f.gate, ranked{index: item, filled: true})
		}
	}
	return nil
}

// storedHistory returns the row of a user, of which opening has not looked at the values, with weights as
// they count.
func (m *Model) storedHistory(s *scratch, user int) ([]int32, []float32, error) {
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
	if m.rule == nil || !m.rule.decay.usesOrder() {
		return items, weights, nil
	}
	s.weights = append(s.weights[:0], weights...)
	for position, place := range m.order[m.histories.indptr[user]:m.histories.indptr[user+1]] {
		if place < 1 || int(place) > len(items) {
			return nil, nil, refuse(VerdictCSR, m.files.path(orderFile), "",
				"positions from 1 to the items of the history", "others")
		}
		s.weights[position] = m.rule.decay.weigh(s.weights[position], int(place), len(items))
	}
	return items, s.weights, nil
}

// encode brings a history of a request into the form of a stored one, in the memory of s, and counts
// the items that the model does not have.
func (m *Model) encode(s *scratch, r *request) (items []int32, weights []float32, unknown int, err error) {
	isFinal, now := m.isFinal(r), Timestamp{}
	if r.filter != nil {
		now = r.filter.now
	} else {
		now = r.options.Now
	}
	m.findItems(s, r.history)
	slices.SortFunc(s.events, compareEvents)
	if isFinal {
		err = m.takeFinal(s)
	} else {
		err = m.weigh(s, now)
	}
	if err == nil {
		unknown, err = m.countUnknown(s, isFinal)
	}
	return s.items, s.weights, unknown, err
}

// isFinal reports whether the weights of the history of a request are final.
func (m *Model) isFinal(r *request) bool {
	return m.rule == nil || r.mustKnow || (r.options != nil && r.options.FinalWeights) ||
		(r.filter != nil && r.filter.finalWeights)
}

// checkHistory looks at weights and times.
func checkHistory(history []HistoryItem, isFinal bool) error {
	for _, item := range history {
		if fault := weightFault(item.Weight, isFinal); fault != "" {
			return refuseRequest("history: item "+show.String(item.ID)+": weight", fault, shownFloat(item.Weight))
		}
		if err := item.Time.check("history: time"); err != nil {
			return err
		}
	}
	return nil
}

func firstTwice(history []HistoryItem) (string, bool) {
	seen := map[string]bool{}
	for _, item := range history {
		if seen[item.ID] {
			return item.ID, true
		}
		seen[item.ID] = true
	}
	return "", false
}

// findItems sets s.events and s.unknown.
func (m *Model) findItems(s *scratch, history []HistoryItem) {
	s.events, s.unknown = s.events[:0], s.unknown[:0]
	for place, item := range history {
		if position := m.items.position(item.ID); position < 0 {
			s.unknown = append(s.unknown, item.ID)
		} else {
			s.events = append(s.events, event{
				index: int32(position), weight: item.Weight, time: item.Time, place: place,
			})
		}
	}
}

// weightFault returns the rule that a weight breaks, or "".
func weightFault(weight float64, isFinal bool) string {
	if single := float32(weight); isFinal && !(single > 0 && single <= math.MaxFloat32) {
		return "a finite number above 0 that float32 holds"
	}
	if !(weight > 0 && weight <= math.MaxFloat64) {
		return "a finite number above 0"
	}
	return ""
}

// takeFinal makes the history of s.events, whose weights are final, in s.items and s.weights.
func (m *Model) takeFinal(s *scratch) error {
	s.items, s.weights = s.items[:0], s.weights[:0]
	for position, item := range s.events {
		if position > 0 && item.index == s.events[position-1].index {
			return m.refuseTwice(string(m.items.appendID(nil, int(item.index))))
		}
		s.items, s.weights = append(s.items, item.index), append(s.weights, float32(item.weight))
	}
	return nil
}

// countUnknown counts the items, not the events, that the model does not have.
func (m *Model) countUnknown(s *scratch, isFinal bool) (int, error) {
	defer clear(s.unknown) // or the ids would be kept alive
	slices.Sort(s.unknown)
	count := 0
	for position, id := range s.unknown {
		if position == 0 || id != s.unknown[position-1] {
			count++
		} else if isFinal {
			return 0, m.refuseTwice(id)
		}
	}
	return count, nil
}

func (m *Model) refuseTwice(id string) error {
	return refuseRequest("history", "each item once", show.String(id)+" twice")
}
