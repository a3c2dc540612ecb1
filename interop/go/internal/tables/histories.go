package tables

import (
	"cmp"
	"math"
	"slices"
	"strings"

	"github.com/mlcore/mlcore/interop/go/internal/jsontext"
	"github.com/mlcore/mlcore/interop/go/internal/show"
)

// HistoryItem is an item of a history and its weight.
type HistoryItem struct {
	ID     string
	Weight float64
}

// History is what one user has, and where it stands, for messages.
type History struct {
	UserID string
	Items  []HistoryItem
	Place  string
}

// ReadHistories gives the histories of a file to a function, which may keep them.
//
// JSON Lines hold one history a line: {"user_id": "s1", "history": [{"item_id": "a", "weight": 2.5}]},
// where the weight may be missing and is 1 then. CSV is a table of interactions, as for training; its
// users come in the order of their ids.
func ReadHistories(in *Input, take func(History) error) error {
	isCSV, err := in.IsCSV()
	if err != nil {
		return err
	}
	if isCSV {
		return readInteractions(in, take)
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
		items, err := historyItems(object, place)
		if err != nil {
			return err
		}
		return take(History{userID, items, place})
	})
}

func historyItems(object *jsontext.Value, place string) ([]HistoryItem, error) {
	history := object.Member("history")
	if history == nil || history.Kind != jsontext.Array {
		return nil, faultf("%s: history: expected an array, got %s", place, history.Show())
	}
	items := make([]HistoryItem, 0, len(history.Items))
	known := make(map[string]struct{}, len(history.Items))
	for position := range history.Items {
		entry := &history.Items[position]
		if entry.Kind != jsontext.Object {
			return nil, faultf("%s: history[%d]: expected an object, got %s", place, position, entry.Show())
		}
		id, err := idFromJSON(entry.Member("item_id"))
		if err != nil {
			return nil, at(err, "%s: history[%d]: item_id", place, position)
		}
		if _, isKnown := known[id]; isKnown {
			return nil, faultf("%s: history[%d]: item_id: expected each item once, got %s again",
				place, position, show.String(id))
		}
		known[id] = struct{}{}
		weight, err := weightFromJSON(entry.Member("weight"))
		if err != nil {
			return nil, at(err, "%s: history[%d]: weight", place, position)
		}
		items = append(items, HistoryItem{id, weight})
	}
	return items, nil
}

// event is a row of a table of interactions.
type event struct {
	user, item string
	weight     float64
	time       int64
}

// readInteractions adds up the rows of the same user and item.
func readInteractions(in *Input, take func(History) error) error {
	var events []event
	ids := map[string]string{} // one copy of each, not the lines they stand in
	row := event{weight: 1}
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
		{names.user(), true, id(&row.user), Users.hint()},
		{names.item(), true, id(&row.item), Items.hint()},
		optional(names.Weight, "weight", func(text string) (err error) { row.weight, err = weightFromText(text); return err }),
		optional(names.Timestamp, "timestamp", func(text string) (err error) { row.time, err = parseTimestamp(text); return err }),
	}
	if err := readTable(in, columns, func() { events = append(events, row) }); err != nil {
		return err
	}
	// By time, then weight, within a pair: the order of additions decides the last bit of a sum.
	slices.SortFunc(events, func(a, b event) int {
		return cmp.Or(cmp.Compare(a.user, b.user), cmp.Compare(a.item, b.item),
			cmp.Compare(a.time, b.time), cmp.Compare(a.weight, b.weight))
	})
	events, err := sumWeights(events, in.Name())
	if err != nil {
		return err
	}
	for begin := 0; begin < len(events); {
		history := History{UserID: events[begin].user, Place: in.Name()}
		for begin < len(events) && events[begin].user == history.UserID {
			history.Items = append(history.Items, HistoryItem{events[begin].item, events[begin].weight})
			begin++
		}
		if err := take(history); err != nil {
			return err
		}
	}
	return nil
}

// sumWeights makes one event of those that share user and item, and stand together.
func sumWeights(events []event, place string) ([]event, error) {
	sums := events[:0]
	for _, row := range events {
		last := len(sums) - 1
		if last >= 0 && sums[last].user == row.user && sums[last].item == row.item {
			sums[last].weight += row.weight
		} else {
			sums = append(sums, row)
		}
	}
	for _, sum := range sums {
		if sum.weight > math.MaxFloat64 {
			return nil, faultf("%s: weight: user %s, item %s: expected a finite sum, got Infinity",
				place, show.String(sum.user), show.String(sum.item))
		}
	}
	return sums, nil
}
