package mlcore

import (
	"cmp"
	"fmt"
	"math"
	"slices"
	"strings"

	"github.com/mlcore/mlcore/interop/go/internal/show"
)

// Filter says what a list may hold by the catalogue of the model. All its conditions hold together; the
// zero value has none. Naming a column that the catalogue lacks is a fault, a value that it lacks is not.
type Filter struct {
	// AnyOf has, for some columns, the values of which an item must have one; of an empty list none has any.
	AnyOf map[string][]string
	// NoneOf has, for some columns, the values of which an item must have none. No value is in no list.
	NoneOf map[string][]string
	// AvailableAt is when an item must be there, from its available_from to before its available_until.
	AvailableAt Timestamp
	// AtMost has, for some columns, how many items of a list may have the same value. An item is left out
	// if the better ones have used up a value of it; the next ones move up.
	AtMost map[string]int
}

// gate is a filter with codes in place of values. An item that meets no condition of it passes.
type gate struct {
	table      *attributeTable
	conditions []condition
	timed      bool // whether items must be there at a moment
	moment     int64
	caps       []groupCap
	names      []string // of columns; memory only
}

// condition is a column of AnyOf or NoneOf.
type condition struct {
	codes   []int32 // of all items
	listed  []int32 // ascending
	isAnyOf bool
}

// groupCap is a column of AtMost.
type groupCap struct {
	codes []int32 // of all items
	most  int
}

func (g *gate) reset() {
	g.conditions, g.timed, g.caps = g.conditions[:0], false, g.caps[:0]
}

// isOpen reports whether all items pass.
func (g *gate) isOpen() bool { return len(g.conditions) == 0 && !g.timed }

// check refuses a filter for what it says itself, and for columns that the model does not have. If their map
// is faulty, set says so.
func (g *gate) check(m *Model, wanted *Filter) error {
	defer g.forget()
	if err := checkColumns(g, m, "any_of", wanted.AnyOf); err != nil {
		return err
	}
	if err := checkColumns(g, m, "none_of", wanted.NoneOf); err != nil {
		return err
	}
	if wanted.AvailableAt.isKnown && (m.attributes == nil || !m.attributes.timed) {
		return refuse(VerdictRequest, "", "filter: available_at",
			"a model with available_from or available_until of its items", "one without")
	}
	if err := wanted.AvailableAt.check("filter: available_at"); err != nil {
		return err
	}
	if err := checkColumns(g, m, "at_most", wanted.AtMost); err != nil {
		return err
	}
	for _, name := range g.names {
		if most := wanted.AtMost[name]; most < 1 || most > math.MaxInt32 {
			return refuseRequest("filter: at_most: "+show.Cut(name, show.Limit),
				fmt.Sprintf("an integer from 1 to %d", math.MaxInt32), most)
		}
	}
	return nil
}

// checkColumns looks for the columns of a part of a filter, and leaves them in g.names.
func checkColumns[T any](g *gate, m *Model, key string, part map[string]T) error {
	g.names = sortedKeys(g.names, part)
	if m.attributes != nil && m.attributes.columns.parse() != nil {
		return nil
	}
	for _, name := range g.names {
		if _, err := m.attributeColumn(key, name); err != nil {
			return err
		}
	}
	return nil
}

// forget lets go of names, or the request would be kept alive.
func (g *gate) forget() { clear(g.names[:cap(g.names)]) }

// isEmpty reports whether a filter asks for nothing.
func (wanted *Filter) isEmpty() bool {
	return len(wanted.AnyOf)+len(wanted.NoneOf)+len(wanted.AtMost) == 0 && !wanted.AvailableAt.isKnown
}

// set compiles a checked filter; the memory of the gate is used again.
func (g *gate) set(m *Model, wanted *Filter) error {
	g.table = m.attributes
	if wanted.isEmpty() {
		return nil
	}
	if err := cmp.Or(g.table.columns.parse(), g.table.values.parse()); err != nil {
		return err
	}
	defer g.forget()
	// In the order of columns, so that a faulty catalogue gives the same answer each time.
	if err := g.addConditions(m, "any_of", wanted.AnyOf, true); err != nil {
		return err
	}
	if err := g.addConditions(m, "none_of", wanted.NoneOf, false); err != nil {
		return err
	}
	if g.timed, g.moment = wanted.AvailableAt.isKnown, wanted.AvailableAt.microseconds; g.timed && !g.table.areTimesSound() {
		return m.refuseAttributes(availabilityFile)
	}
	g.names = sortedKeys(g.names, wanted.AtMost)
	for _, name := range g.names {
		codes, err := m.soundColumn("at_most", name)
		if err != nil {
			return err
		}
		g.caps = append(g.caps, groupCap{codes, wanted.AtMost[name]})
	}
	return nil
}

func (g *gate) addConditions(m *Model, key string, lists map[string][]string, isAnyOf bool) error {
	g.names = sortedKeys(g.names, lists)
	for _, name := range g.names {
		codes, err := m.soundColumn(key, name)
		if err != nil {
			return err
		}
		added := g.nextCondition()
		added.codes, added.isAnyOf = codes, isAnyOf
		added.listed = g.table.values.positions(added.listed[:0], lists[name])
	}
	return nil
}

// sortedKeys returns keys in order, in the memory of room.
func sortedKeys[T any](room []string, values map[string]T) []string {
	room = room[:0]
	for key := range values {
		room = append(room, key)
	}
	slices.Sort(room)
	return room
}

// nextCondition returns a new condition, which has the memory of one that was there before.
func (g *gate) nextCondition() *condition {
	if length := len(g.conditions); length < cap(g.conditions) {
		g.conditions = g.conditions[:length+1]
	} else {
		g.conditions = append(g.conditions, condition{})
	}
	return &g.conditions[len(g.conditions)-1]
}

const shownColumns = 10 // in messages

// soundColumn returns the codes of a column that a part of a filter names, none of which is out of range.
func (m *Model) soundColumn(key, name string) ([]int32, error) {
	position, err := m.attributeColumn(key, name)
	if err != nil {
		return nil, err
	}
	codes := m.attributes.column(position)
	isSound := m.attributes.isSound(position, func() bool {
		return !slices.ContainsFunc(codes, func(code int32) bool { return !m.attributes.isCode(code) })
	})
	if !isSound {
		return nil, m.refuseAttributes(attributesFile)
	}
	return codes, nil
}

// attributeColumn returns the position of a column that a part of a filter names.
func (m *Model) attributeColumn(key, name string) (int, error) {
	if m.attributes == nil {
		return 0, refuse(VerdictRequest, "", "filter: "+key, "a model with attributes", "one without")
	}
	columns := &m.attributes.columns
	if err := columns.parse(); err != nil {
		return 0, err
	}
	position := columns.position(name)
	if position < 0 {
		var known []string
		for index := range min(columns.count, shownColumns) {
			known = append(known, show.String(string(columns.appendID(nil, index))))
		}
		if columns.count > shownColumns {
			known = append(known, "...")
		}
		return 0, refuse(VerdictRequest, "", "filter: "+key,
			"a column of the model, "+cmp.Or(strings.Join(known, ", "), "none"), show.String(name))
	}
	return position, nil
}

// admits reports whether an item passes. If the catalogue holds what no catalogue may hold, the file is
// named.
func (g *gate) admits(item int32) (isAdmitted bool, faulty string) {
	for index := range g.conditions {
		c := &g.conditions[index]
		code := c.codes[item]
		if !g.table.isCode(code) {
			return false, attributesFile
		}
		if contains(c.listed, code) != c.isAnyOf {
			return false, ""
		}
	}
	if !g.timed {
		return true, ""
	}
	from, until := g.table.from[item], g.table.until[item]
	if !isTime(from) || !isTime(until) {
		return false, availabilityFile
	}
	return from <= g.moment && (until == noTime || g.moment < until), ""
}

// admitted returns those of the items that pass.
func (m *Model) admitted(g *gate, items []int32) ([]int32, error) {
	var passing []int32
	for _, item := range items {
		isAdmitted, faulty := g.admits(item)
		if faulty != "" {
			return nil, m.refuseAttributes(faulty)
		}
		if isAdmitted {
			passing = append(passing, item)
		}
	}
	return passing, nil
}
