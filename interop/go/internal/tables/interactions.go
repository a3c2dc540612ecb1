package tables

import (
	"cmp"
	"math"
	"slices"
	"strings"

	"github.com/mlcore/mlcore/interop/go/internal/show"
)

// interactions are the rows of a table by user.
type interactions struct {
	users  []string // ascending
	starts []int    // of the events of each, and the end of the last
	events []HistoryItem
}

// eventsOf returns the events of a user, in the order of the rows.
func (t *interactions) eventsOf(user int) []HistoryItem {
	return t.events[t.starts[user]:t.starts[user+1]:t.starts[user+1]]
}

// eventReader reads rows on one goroutine. Users have numbers of its own.
type eventReader struct {
	users   []string
	itemIDs map[string]string // one copy of each, not the lines they stand in
	user    int32
	event   HistoryItem
	rows    eventRows // of the part that is being read
	parts   map[int]eventRows
}

type eventRows struct {
	users  []int32
	events []HistoryItem
}

func newEventReader() *eventReader {
	return &eventReader{itemIDs: map[string]string{}, event: HistoryItem{Weight: 1}, parts: map[int]eventRows{}}
}

func (r *eventReader) taker(names Columns) rowTaker {
	return rowTaker{
		columns: []csvColumn{
			{name: names.user(), required: true, take: numbered(&r.users, &r.user), hint: Users.hint()},
			{name: names.item(), required: true, take: r.takeItem, hint: Items.hint()},
			optional(names.Weight, "weight", func(text string) (err error) {
				r.event.Weight, err = weightFromText(text)
				return err
			}),
			optional(names.Timestamp, "timestamp", func(text string) (err error) {
				r.event.HasTime = true
				r.event.Time, err = timestampOfTable(text)
				return err
			}),
		},
		endRow: func() {
			r.rows.users, r.rows.events = append(r.rows.users, r.user), append(r.rows.events, r.event)
		},
		endPart: func(number int) {
			r.parts[number] = r.rows
			r.rows = eventRows{}
		},
	}
}

func (r *eventReader) takeItem(id string) error {
	known, isKnown := r.itemIDs[id]
	if !isKnown {
		if err := checkID(id); err != nil {
			return err
		}
		known = strings.Clone(id)
		r.itemIDs[known] = known
	}
	r.event.ID = known
	return nil
}

// readInteractions reads a table in parts of about as many bytes.
func readInteractions(in *Input, size, threads int) (*interactions, error) {
	readers, takers := make([]*eventReader, threads), make([]rowTaker, threads)
	for index := range readers {
		readers[index] = newEventReader()
		takers[index] = readers[index].taker(in.Columns)
	}
	t, err := openTable(in, takers[0].columns, nil)
	if err != nil {
		return nil, err
	}
	defer t.source.close()
	found, err := t.readParts(size, takers)
	if err == nil && !found {
		err = t.refuseEmpty()
	}
	if err != nil {
		return nil, err
	}
	return joinEvents(readers), nil
}

// joinEvents puts together what goroutines read: by user and, within one, in the order of the rows.
func joinEvents(readers []*eventReader) *interactions {
	t := &interactions{}
	numParts, numEvents := 0, 0
	for _, reader := range readers {
		t.users = append(t.users, reader.users...)
		numParts += len(reader.parts)
	}
	slices.Sort(t.users)
	t.users = slices.Compact(t.users)
	numbers := make(map[string]int32, len(t.users))
	for number, id := range t.users {
		numbers[id] = int32(number)
	}
	parts := make([]eventRows, numParts)
	t.starts = make([]int, len(t.users)+1)
	for _, reader := range readers {
		for number, rows := range reader.parts {
			parts[number] = rows
			numEvents += len(rows.users)
			for index, user := range rows.users {
				rows.users[index] = numbers[reader.users[user]]
				t.starts[rows.users[index]+1]++
			}
		}
	}
	for user := range t.users {
		t.starts[user+1] += t.starts[user]
	}
	ends := slices.Clone(t.starts)
	t.events = make([]HistoryItem, numEvents)
	for _, rows := range parts {
		for index, user := range rows.users {
			t.events[ends[user]] = rows.events[index]
			ends[user]++
		}
	}
	return t
}

// checkSums refuses weights of which the sum of a user and an item is infinite.
func (t *interactions) checkSums(place string) error {
	total := 0.0
	for index := range t.events {
		total += t.events[index].Weight
	}
	if total < math.MaxFloat64/2 { // then none is, in whatever order they are added
		return nil
	}
	for user, id := range t.users {
		if _, err := sumWeights(t.eventsOf(user), id, place); err != nil {
			return err
		}
	}
	return nil
}

// sumWeights makes one event of those of a user that share an item.
func sumWeights(events []HistoryItem, userID, place string) ([]HistoryItem, error) {
	events = slices.Clone(events)
	// By time, then weight, within an item: the order of additions decides the last bit of a sum.
	slices.SortFunc(events, func(a, b HistoryItem) int {
		return cmp.Or(cmp.Compare(a.ID, b.ID), cmp.Compare(a.Time, b.Time), cmp.Compare(a.Weight, b.Weight))
	})
	sums := events[:0]
	for _, row := range events {
		last := len(sums) - 1
		if last >= 0 && sums[last].ID == row.ID {
			sums[last].Weight += row.Weight
		} else {
			sums = append(sums, row)
		}
	}
	for _, sum := range sums {
		if sum.Weight > math.MaxFloat64 {
			return nil, faultf("%s: weight: user %s, item %s: expected a finite sum, got Infinity",
				place, show.String(userID), show.String(sum.ID))
		}
	}
	return sums, nil
}
