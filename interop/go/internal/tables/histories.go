package tables

import (
	"cmp"
	"fmt"
	"math"
	"slices"
	"strings"

	"github.com/mlcore/mlcore/interop/go/internal/jsontext"
	"github.com/mlcore/mlcore/interop/go/internal/show"
)

// HistoryItem is an event of a history: an item, its weight and, perhaps, its time.
type HistoryItem struct {
	ID      string
	Weight  float64
	HasTime bool
	Time    int64 // microseconds since 1970 UTC
}

// History is what one user has, and where it stands, for messages.
type History struct {
	UserID string
	Items  []HistoryItem
	Final  bool // whether its weights are final
	Place  string
}

// Weights says what the weights of a file are.
type Weights struct {
	HasRule bool // whether the model makes weights of events; else all are final
	Final   bool // whether all are final in any model
}

// onceBecause says why an item may come once only in JSON Lines, or nothing where it may come twice.
func (w Weights) onceBecause() string {
	switch {
	case !w.HasRule:
		return "mlcore 0.2 or before wrote the model, for final weights; train it anew for events"
	case w.Final:
		return "--weights events makes weights of events"
	}
	return ""
}

// ReadHistories gives the histories of a file to a function, which may keep them.
//
// JSON Lines hold one history a line: {"user_id": "s1", "history": [{"item_id": "a", "weight": 2.5,
// "timestamp": 7}]}, where weight and timestamp may be missing, and the weight is 1 then. A line with
// "weights": "final" says so of its own. CSV is a table of interactions, as for training; its users come in
// the order of their ids, the events of each in that of the rows. Where weights are final an item stands once: rows are added up.
func ReadHistories(in *Input, weights Weights, take func(History) error) error {
	isCSV, err := in.IsCSV()
	if err != nil {
		return err
	}
	if isCSV {
		return readInteractions(in, weights, take)
	}
	firstLines := map[string]string{}
	return readObjects(in, func(place string, object *jsontext.Value) error {
		userID, err := idFromJSON(object.Member("user_id"))
		if err != nil {
			return at(err, "%s: user_id", place)
		}
		if first, isKnown := firstLines[userID]; isKnown {
			return faultf("%s: user_id: expected each user once, got %s again (first in line %s)",
				place, show.String(userID), first)
		}
		userID = strings.Clone(userID)
		firstLines[userID] = place[strings.LastIndexByte(place, ':')+1:]
		isFinal, once := weights.Final, weights.onceBecause()
		if word := object.Member("weights"); word != nil {
			if word.Kind != jsontext.String || (word.Text != "events" && word.Text != "final") {
				return faultf("%s: weights: expected 'events' or 'final', got %s", place, word.Show())
			}
			if word.Text == "final" {
				isFinal, once = true, `final weights are ready; without "weights": "final" the model makes them of events`
			}
		}
		items, err := historyItems(object, once, place)
		if err != nil {
			return err
		}
		return take(History{userID, items, isFinal, place})
	})
}

// historyItems reads the items of a history; once says why none may come twice, and is empty where it may.
func historyItems(object *jsontext.Value, once, place string) ([]HistoryItem, error) {
	history := object.Member("history")
	if history == nil || history.Kind != jsontext.Array {
		fault := &Error{Message: fmt.Sprintf("%s: history: expected an array, got %s", place, history.Show())}
		if history == nil {
			fault.Hint = hintAtForm(object)
		}
		return nil, fault
	}
	items := make([]HistoryItem, 0, len(history.Items))
	known := make(map[string]struct{}, len(history.Items))
	for position := range history.Items {
		entry := &history.Items[position]
		if entry.Kind != jsontext.Object {
			fault := &BadValue{Message: "expected an object, got " + entry.Show()}
			if entry.Kind == jsontext.String {
				fault.Hint = "jq -c '.history |= map({item_id: .})' FILE > NEW makes objects of ids"
			}
			return nil, at(fault, "%s: history[%d]", place, position)
		}
		id, err := idFromJSON(entry.Member("item_id"))
		if err != nil {
			return nil, at(err, "%s: history[%d]: item_id", place, position)
		}
		weight, err := weightFromJSON(entry.Member("weight"))
		if err != nil {
			return nil, at(err, "%s: history[%d]: weight", place, position)
		}
		item := HistoryItem{ID: id, Weight: weight}
		if time := entry.Member("timestamp"); time != nil && time.Kind != jsontext.Null {
			item.HasTime = true
			if item.Time, err = TimestampFromJSON(time); err != nil {
				return nil, at(err, "%s: history[%d]: timestamp", place, position)
			}
		}
		if _, isKnown := known[id]; isKnown && once != "" {
			fault := fmt.Sprintf("%s: history[%d]: item_id: expected each item once, got %s again",
				place, position, show.String(id))
			return nil, &Error{Message: fault, Hint: once}
		}
		known[id] = struct{}{}
		items = append(items, item)
	}
	return items, nil
}

// event is a row of a table of interactions.
type event struct {
	user string
	HistoryItem
}

// readInteractions adds up the rows of the same user and item where weights are final.
func readInteractions(in *Input, weights Weights, take func(History) error) error {
	var events []event
	ids := map[string]string{} // one copy of each, not the lines they stand in
	row := event{HistoryItem: HistoryItem{Weight: 1}}
	id := func(target *string) func(string) error {
		return func(text string) error {
			if known, isKnown := ids[text]; isKnown {
				*target = known
				return nil
			}
			if err := checkID(text); err != nil {
				return err
			}
			*target = strings.Clone(text)
			ids[*target] = *target
			return nil
		}
	}
	names := in.Columns
	columns := []csvColumn{
		{name: names.user(), required: true, take: id(&row.user), hint: Users.hint()},
		{name: names.item(), required: true, take: id(&row.ID), hint: Items.hint()},
		optional(names.Weight, "weight", func(text string) (err error) { row.Weight, err = weightFromText(text); return err }),
		optional(names.Timestamp, "timestamp", func(text string) (err error) {
			row.HasTime = true
			row.Time, err = timestampOfTable(text)
			return err
		}),
	}
	if err := readTable(in, columns, func() { events = append(events, row) }); err != nil {
		return err
	}
	if weights.Final || !weights.HasRule {
		var err error
		if events, err = sumWeights(events, in.Name()); err != nil {
			return err
		}
	}
	// Stable: where events have no times, the later rows of a user are the later events.
	slices.SortStableFunc(events, func(a, b event) int { return cmp.Compare(a.user, b.user) })
	for begin := 0; begin < len(events); {
		history := History{UserID: events[begin].user, Final: weights.Final,
			Place: fmt.Sprintf("%s: user %s", in.Name(), show.String(events[begin].user))}
		for begin < len(events) && events[begin].user == history.UserID {
			history.Items = append(history.Items, events[begin].HistoryItem)
			begin++
		}
		if err := take(history); err != nil {
			return err
		}
	}
	return nil
}

// sumWeights makes one event of those that share user and item.
func sumWeights(events []event, place string) ([]event, error) {
	// By time, then weight, within a pair: the order of additions decides the last bit of a sum.
	slices.SortFunc(events, func(a, b event) int {
		return cmp.Or(cmp.Compare(a.user, b.user), cmp.Compare(a.ID, b.ID),
			cmp.Compare(a.Time, b.Time), cmp.Compare(a.Weight, b.Weight))
	})
	sums := events[:0]
	for _, row := range events {
		last := len(sums) - 1
		if last >= 0 && sums[last].user == row.user && sums[last].ID == row.ID {
			sums[last].Weight += row.Weight
		} else {
			sums = append(sums, row)
		}
	}
	for _, sum := range sums {
		if sum.Weight > math.MaxFloat64 {
			return nil, faultf("%s: weight: user %s, item %s: expected a finite sum, got Infinity",
				place, show.String(sum.user), show.String(sum.ID))
		}
	}
	return sums, nil
}
