package mlcore

import (
	"fmt"
	"math"
	"runtime/debug"
	"unsafe"

	"github.com/mlcore/mlcore/interop/go/internal/jsontext"
	"github.com/mlcore/mlcore/interop/go/internal/show"
)

// HistoryItem is one event of a history given with a request: an item, and what it weighs.
//
// A model with a history rule takes raw events, as its training did: an item may stand more than once,
// and the rule makes the weights. In any other model, and with [RecommendOptions].FinalWeights, weights
// are final: they are only rounded to float32, each item stands once, and times are passed over. Where the
// last items of a history count more, they do so in order of time; those without one come last, as given.
type HistoryItem struct {
	ID     string
	Weight float64   // above 0
	Time   Timestamp // of the event; without one it counts as new, where the model's weights decay
}

// RecommendOptions says what a list may hold. The zero value allows all items but those of the history.
type RecommendOptions struct {
	// Include, if not nil, allows only these items; an empty list allows none. Unknown ids are
	// passed over, here and in Exclude.
	Include []string
	// Exclude leaves these items out.
	Exclude []string
	// Filter, if not nil, leaves out items by the catalogue of the model.
	Filter *Filter
	// IncludeSeen allows the items of the history as well.
	IncludeSeen bool
	// Fill completes a short list with the most popular items that are not in the history.
	Fill bool
	// Explain gives each item what adds up to its score. It changes neither items nor order.
	Explain bool
	// FinalWeights says that the weights of a history are not to be changed by the model's rule.
	FinalWeights bool
	// MaxShares, if above 0, refuses an explained list that may have more shares: as many as the items of
	// its history have neighbors, but at most n each.
	MaxShares int
	// Guard, if not nil, hears what the request costs, and can end it.
	Guard Guard
	// Now is the time from which the model's rule tells the age of events; without one it is the
	// reference time of the model, never the clock.
	Now Timestamp
	// Counts, if not nil, gets the numbers of the list. Options that are prepared give them by themselves.
	Counts *Line
}

// Item is one item of a list.
type Item struct {
	ID     string
	Index  int32   // position of the item in the model
	Score  float64 // 0 for an item filled in
	Filled bool    // whether it was filled in because of its popularity
	// Because is what adds up to the score, in this order; see [Model.Explain]. It is nil unless asked
	// for, and empty for an item filled in.
	Because []Share
}

// Recommend returns the best n items for a user of the model: score descending, then position
// ascending. The list is shorter than n if there are fewer candidates.
func (m *Model) Recommend(userID string, n int, options RecommendOptions) ([]Item, error) {
	return m.answer(request{user: userID, byUser: true, n: n, options: &options})
}

// RecommendHistory returns the best n items for any history: a new user, a session, a basket. Items that
// the model does not have are passed over. With the events of a user of the training, the list is that of
// the user.
func (m *Model) RecommendHistory(history []HistoryItem, n int, options RecommendOptions) ([]Item, error) {
	return m.answer(request{history: history, n: n, options: &options})
}

// Similar returns the n items that having an item speaks for the most. It is the list for a history of
// this item alone, with the final weight 1.
func (m *Model) Similar(itemID string, n int) ([]Item, error) {
	return m.SimilarWith(itemID, n, RecommendOptions{})
}

// SimilarWith is Similar under options.
func (m *Model) SimilarWith(itemID string, n int, options RecommendOptions) ([]Item, error) {
	history := []HistoryItem{{ID: itemID, Weight: 1}}
	return m.answer(request{history: history, mustKnow: true, n: n, options: &options})
}

// request is what all kinds of requests have in common.
type request struct {
	user     string
	byUser   bool
	history  []HistoryItem
	mustKnow bool // whether an item of the history that the model does not have is a fault
	n        int
	options  *RecommendOptions // or, if they are resolved already:
	filter   *filter
	guard    Guard   // in place of that of the options
	only     []int32 // of the filter's items, the candidates of the user, ascending; nil for all
	never    []int32 // and those that are none
}

func (m *Model) answer(r request) (items []Item, err error) {
	if !m.Acquire() {
		return nil, ErrClosed
	}
	defer m.Release()
	defer m.catchFault(debug.SetPanicOnFault(true), StagePredict, &err)
	// After a fault the scratch is left to the garbage collector, as nobody knows what is in it.
	s := m.scratch()
	line, err := m.rankRequest(s, &r)
	if err == nil {
		items, err = m.toItems(s)
	}
	if r.options != nil && r.options.Counts != nil {
		*r.options.Counts = line
	}
	m.keep(s)
	return items, m.checked(err, StagePredict)
}

// rankRequest makes the list of a request in s.top.list, and counts its items and those of its history.
func (m *Model) rankRequest(s *scratch, r *request) (line Line, err error) {
	if r.n < 1 || r.n > math.MaxInt32 {
		return line, refuseRequest("n", fmt.Sprintf("an integer from 1 to %d", math.MaxInt32), r.n)
	}
	f := r.filter
	s.guard, s.steps = r.guard, 0
	if f == nil {
		s.guard = r.options.Guard
	}
	user, err := m.find(s, r)
	if err != nil {
		if VerdictOf(err) == VerdictUnknownItem {
			line.UnknownItems = 1
		}
		return line, err
	}
	var items []int32
	var weights []float32
	if r.byUser {
		items, weights, err = m.storedHistory(s, user)
	} else {
		items, weights, line.UnknownItems, err = m.encode(s, r)
	}
	if err != nil {
		return line, err
	}
	if f == nil {
		f = &s.filter
		if err := f.set(m, r.options); err != nil {
			return line, err
		}
	}
	if r.only != nil || len(r.never) > 0 {
		f = s.narrowed.set(m, f, r.only, r.never)
	}
	line.KnownItems = len(items)
	if err := m.admit(s, r, items, f); err != nil {
		return line, err
	}
	m.equip(s)
	err = m.rank(s, items, weights, r.n, f)
	line.Items, line.FilledItems = len(s.top.list), countFilled(s.top.list)
	return line, err
}

// countFilled counts the items at the end of a list that were filled in.
func countFilled(list []ranked) (count int) {
	for count < len(list) && list[len(list)-1-count].filled {
		count++
	}
	return count
}

// find returns the position of the user of a request, and refuses in the order of IDM-6 and REC-13: the
// request alone, the map of the users, an unknown user, the map of the items, an unknown item.
func (m *Model) find(s *scratch, r *request) (user int, err error) {
	if r.filter == nil {
		if err := s.filter.check(m, r.options); err != nil {
			return 0, err
		}
	}
	isFinal := m.isFinal(r)
	if err := checkHistory(r.history, isFinal); err != nil {
		return 0, err
	}
	if r.byUser {
		if user, err = m.findUser(r.user); err != nil {
			return 0, err
		}
	}
	if err := m.items.parse(); err != nil {
		// With a sound map this is found without a set.
		if id, isTwice := firstTwice(r.history); isFinal && isTwice {
			return 0, m.refuseTwice(id)
		}
		return 0, err
	}
	if r.mustKnow && m.items.position(r.history[0].ID) < 0 {
		return 0, refuse(VerdictUnknownItem, "", "item", "an item of the model", show.String(r.history[0].ID))
	}
	return user, nil
}

func (m *Model) findUser(userID string) (int, error) {
	if !m.files.manifest.WithUsers() {
		return 0, refuse(VerdictUnknownUser, "", "users", "a model with users", "one trained without")
	}
	if err := m.users.parse(); err != nil {
		return 0, err
	}
	user := m.users.position(userID)
	if user < 0 {
		return 0, refuse(VerdictUnknownUser, "", "user", "a user of the model", show.String(userID))
	}
	return user, nil
}

// toItems gives the list its ids: two allocations, however long it is, and one more for all shares.
func (m *Model) toItems(s *scratch) ([]Item, error) {
	list := s.top.list
	if len(list) == 0 {
		return nil, nil
	}
	if err := m.items.parse(); err != nil {
		return nil, err
	}
	size := 0
	for _, item := range list {
		size += len(m.items.field(int(item.index)))
	}
	for _, item := range s.explained {
		size += len(m.items.field(int(item)))
	}
	ids := idWriter{&m.items, make([]byte, 0, size)} // quotes are not needed, so it never grows
	items := make([]Item, len(list))
	for position, item := range list {
		items[position] = Item{ID: ids.write(item.index), Index: item.index, Score: item.score, Filled: item.filled}
	}
	if len(s.reasonEnds) > 0 {
		s.names = s.names[:0]
		for _, item := range s.explained {
			s.names = append(s.names, ids.write(item))
		}
		shares := make([]Share, 0, len(s.reasons))
		for position := range items {
			begin := len(shares)
			reasons, _ := s.reasonsOf(position)
			for _, reason := range reasons {
				shares = append(shares, Share{s.names[reason.place], s.explained[reason.place], reason.share})
			}
			items[position].Because = shares[begin:len(shares):len(shares)]
		}
	}
	return items, nil
}

// idWriter makes strings of ids in memory that they share.
type idWriter struct {
	ids  *idMap
	text []byte
}

func (w *idWriter) write(index int32) string {
	begin := len(w.text)
	w.text = w.ids.appendID(w.text, int(index))
	// Nothing writes to these bytes again, so the string may share them.
	return unsafe.String(unsafe.SliceData(w.text[begin:]), len(w.text)-begin)
}

func refuseRequest(name, expected string, got any) error {
	return refuse(VerdictRequest, "", name, expected, fmt.Sprint(got))
}

func shownFloat(value float64) string {
	switch {
	case math.IsNaN(value):
		return "nan"
	case math.IsInf(value, 1):
		return "inf"
	case math.IsInf(value, -1):
		return "-inf"
	}
	return jsontext.PythonFloat(value)
}
