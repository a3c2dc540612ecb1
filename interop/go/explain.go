package mlcore

import (
	"slices"

	"github.com/mlcore/mlcore/interop/go/internal/show"
)

// Share is what one item of a history adds to a score.
type Share struct {
	ID    string
	Index int32 // position of the item in the model
	Share float64
}

// Explain returns what each item of a user's history adds to the score of an item, recommended or not:
// the shares of the items that speak for it, or against it, by ascending position. Added one by one in
// this order they are the score, bit for bit. [RecommendOptions] says the same of whole lists.
func (m *Model) Explain(userID, itemID string) ([]Share, error) {
	return m.explainItem(request{user: userID, byUser: true}, itemID)
}

// ExplainHistory is Explain for any history.
func (m *Model) ExplainHistory(history []HistoryItem, itemID string) ([]Share, error) {
	return m.explainItem(request{history: history}, itemID)
}

func (m *Model) explainItem(r request, itemID string) ([]Share, error) {
	_, isKnown, err := m.ItemIndex(itemID)
	if err == nil && !isKnown {
		err = refuse(VerdictUnknownItem, "", "item", "an item of the model", show.String(itemID))
	}
	if err != nil {
		return nil, atStage(err, StagePredict)
	}
	// The list of this item alone has the same sums and checks as any other.
	r.n, r.options = 1, &RecommendOptions{Include: []string{itemID}, IncludeSeen: true, Explain: true}
	items, err := m.answer(r)
	if err != nil || len(items) == 0 {
		return nil, err
	}
	return items[0].Because, nil
}

// reason is a share before it gets its id.
type reason struct {
	place int32 // of its item in the history
	share float64
}

// explain finds the reasons of all items of the list. The rows have been found sound by then.
func (m *Model) explain(s *scratch, items []int32, weights []float32) error {
	s.explained = items
	for _, listed := range s.top.list {
		if !listed.filled {
			s.reasons = m.appendReasons(s.reasons, listed.index, items, weights)
			if err := s.work(len(items) * stepsOfComparison); err != nil {
				return err
			}
		}
		s.reasonEnds = append(s.reasonEnds, len(s.reasons))
	}
	return nil
}

// appendReasons appends the terms of one score, in the order in which they were added up.
func (m *Model) appendReasons(dst []reason, listed int32, items []int32, weights []float32) []reason {
	for position, item := range items {
		indices, data := m.similarity.row(item)
		if entry, isThere := slices.BinarySearch(indices, listed); isThere {
			dst = append(dst, reason{int32(position), float64(weights[position]) * float64(data[entry])})
		}
	}
	return dst
}

// reasonsOf returns the reasons of one item of the list, and whether they were asked for.
func (s *scratch) reasonsOf(position int) ([]reason, bool) {
	if len(s.reasonEnds) == 0 {
		return nil, false
	}
	begin := 0
	if position > 0 {
		begin = s.reasonEnds[position-1]
	}
	return s.reasons[begin:s.reasonEnds[position]], true
}
