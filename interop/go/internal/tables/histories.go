package tables

import (
	"fmt"
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

// Histories are those of a file. One goroutine goes through it, and any number of them read what is there.
//
// JSON Lines hold one history a line: {"user_id": "s1", "history": [{"item_id": "a", "weight": 2.5,
// "timestamp": 7}]}, where weight and timestamp may be missing, and the weight is 1 then. A line with
// "weights": "final" says so of its own. CSV is a table of interactions, as for training; its users come in
// the order of their ids, the events of each in that of the rows. Where weights are final an item stands once: rows are added up.
type Histories struct {
	in      *Input
	weights Weights
	table   *interactions  // nil for JSON Lines
	lines   map[string]int // of users, while Once is asked
}

// HistoryPlace is where a history stands.
type HistoryPlace struct {
	line objectLine
	user int // of a table
}

// OpenHistories returns the histories of a file. A table is read here, on as many goroutines.
func OpenHistories(in *Input, weights Weights, threads int) (*Histories, error) {
	h := &Histories{in: in, weights: weights, lines: map[string]int{}}
	isCSV, err := in.IsCSV()
	if isCSV && err == nil {
		h.table, err = readInteractions(in, partBytes, threads)
	}
	if isCSV && err == nil && h.sumsUp() {
		err = h.table.checkSums(in.Name())
	}
	return h, err
}

// sumsUp reports whether the events of a table that share user and item are added up.
func (h *Histories) sumsUp() bool { return h.weights.Final || !h.weights.HasRule }

// Each gives the place of each history to a function, in order.
func (h *Histories) Each(give func(HistoryPlace) error) error {
	if h.table == nil {
		return readObjectLines(h.in, func(line objectLine) error { return give(HistoryPlace{line: line}) })
	}
	for user := range h.table.users {
		if err := give(HistoryPlace{user: user}); err != nil {
			return err
		}
	}
	return nil
}

// Read returns the history of a place. Of a faulty one it returns the user, if that is known.
func (h *Histories) Read(place HistoryPlace) (History, error) {
	if h.table == nil {
		return h.readLine(place.line)
	}
	name := h.in.Name()
	history := History{UserID: h.table.users[place.user], Items: h.table.eventsOf(place.user), Final: h.weights.Final}
	history.Place = fmt.Sprintf("%s: user %s", name, show.String(history.UserID))
	var err error
	if h.sumsUp() {
		history.Items, err = sumWeights(history.Items, history.UserID, name)
	}
	return history, err
}

// Once refuses a user who comes again. It is asked of all histories, in order.
func (h *Histories) Once(userID string, place HistoryPlace) error {
	if h.table != nil {
		return nil
	}
	if first, isKnown := h.lines[userID]; isKnown {
		return faultf("%s:%d: user_id: expected each user once, got %s again (first in line %d)",
			place.line.name, place.line.number, show.String(userID), first)
	}
	h.lines[userID] = place.line.number
	return nil
}

func (h *Histories) readLine(line objectLine) (history History, err error) {
	place, object, err := line.parse()
	if err != nil {
		return history, err
	}
	history.Place = place
	userID, err := idFromJSON(object.Member("user_id"))
	if err != nil {
		return history, at(err, "%s: user_id", place)
	}
	history.UserID = strings.Clone(userID) // not the whole line
	once := h.weights.onceBecause()
	history.Final = h.weights.Final
	if word := object.Member("weights"); word != nil {
		if word.Kind != jsontext.String || (word.Text != "events" && word.Text != "final") {
			return history, faultf("%s: weights: expected 'events' or 'final', got %s", place, word.Show())
		}
		if word.Text == "final" {
			history.Final, once = true, `final weights are ready; without "weights": "final" the model makes them of events`
		}
	}
	history.Items, err = historyItems(object, once, place)
	return history, err
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
	known := map[string]struct{}{} // where each may come once
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
		if _, isKnown := known[id]; isKnown {
			fault := fmt.Sprintf("%s: history[%d]: item_id: expected each item once, got %s again",
				place, position, show.String(id))
			return nil, &Error{Message: fault, Hint: once}
		}
		if once != "" {
			known[id] = struct{}{}
		}
		items = append(items, item)
	}
	return items, nil
}
