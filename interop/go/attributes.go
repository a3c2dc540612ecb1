package mlcore

import (
	"fmt"
	"math"
	"slices"
	"sync"

	"github.com/mlcore/mlcore/interop/go/internal/show"
)

// Attributes are a catalogue beside a model, see [Options]: what its items are, and when they are there.
// Items that the model does not have are passed over; those that are missing here have no values.
type Attributes struct {
	Items   []string // ids, each once
	Columns []AttributeColumn
	From    []Timestamp // of each item, or nil for none: from when it is there
	Until   []Timestamp // likewise: from when it is there no more
}

// AttributeColumn is a column of a catalogue.
type AttributeColumn struct {
	Name   string
	Values []string // of each item, empty for none
}

// attributeTable is the catalogue as filters take it: ATT-1 to ATT-3 of SPEC.md.
type attributeTable struct {
	columns idMap // names
	values  idMap // of all columns
	codes   []int32
	timed   bool // whether the catalogue says when items are there:
	// In microseconds since 1970 UTC, or noTime.
	from, until []int64

	lock sync.Mutex
	// What filters have looked at and found sound: columns, and the times as times.
	sound map[int]bool
}

// times stands for from and until among the columns.
const times = -1

// isSound looks at all numbers of a column, or at the times, when a filter uses them first: what is found
// faulty must not depend on which items a list comes by.
func (t *attributeTable) isSound(part int, look func() bool) bool {
	t.lock.Lock()
	defer t.lock.Unlock()
	if t.sound == nil {
		t.sound = map[int]bool{}
	}
	if !t.sound[part] {
		t.sound[part] = look()
	}
	return t.sound[part]
}

func (t *attributeTable) areTimesSound() bool {
	return t.isSound(times, func() bool {
		isFaulty := func(time int64) bool { return !isTime(time) }
		return !slices.ContainsFunc(t.from, isFaulty) && !slices.ContainsFunc(t.until, isFaulty)
	})
}

const (
	noTime = math.MinInt64
	// The years 1 to 9999.
	firstMicrosecond = -62_135_596_800_000_000
	lastMicrosecond  = 253_402_300_799_999_999
)

func isMoment(microseconds int64) bool {
	return firstMicrosecond <= microseconds && microseconds <= lastMicrosecond
}

// isTime reports whether an element of availability.npz is one.
func isTime(microseconds int64) bool { return microseconds == noTime || isMoment(microseconds) }

// isCode reports whether a code is that of a value, or of none.
func (t *attributeTable) isCode(code int32) bool { return code >= -1 && int(code) < t.values.count }

// column returns the codes of all items in a column.
func (t *attributeTable) column(position int) []int32 {
	numItems := len(t.codes) / t.columns.count
	return t.codes[position*numItems : (position+1)*numItems]
}

// readAttributes reads the catalogue of a model that must have one.
func (m *Model) readAttributes() error {
	counts := m.files.manifest.Counts
	table := &attributeTable{}
	m.initIDs(&table.columns, attributeColumnsFile, counts.AttributeColumns)
	m.initIDs(&table.values, attributeValuesFile, counts.AttributeValues)
	m.ownAttributes, m.attributes = table, table
	arrays, err := m.readArrays(attributesFile)
	if err != nil {
		return err
	}
	table.codes = elements(arrays[0], int32At)
	if !m.files.manifest.lists(availabilityFile) {
		return nil
	}
	if arrays, err = m.readArrays(availabilityFile); err != nil {
		return err
	}
	table.timed, table.from, table.until = true, elements(arrays[0], int64At), elements(arrays[1], int64At)
	return nil
}

// verifyAttributes checks ATT-3.
func (m *Model) verifyAttributes() error {
	table := m.ownAttributes
	for position, code := range table.codes {
		if !table.isCode(code) {
			return refuse(VerdictCSR, m.files.path(attributesFile)+": codes.npy", fmt.Sprintf("element %d", position),
				fmt.Sprintf("-1 to %d", table.values.count-1), fmt.Sprint(code))
		}
	}
	for part, times := range [][]int64{table.from, table.until} {
		for item, microseconds := range times {
			if !isTime(microseconds) {
				array := [...]string{": from.npy", ": until.npy"}[part]
				return refuse(VerdictCSR, m.files.path(availabilityFile)+array, fmt.Sprintf("element %d", item),
					"a time of the years 1 to 9999, or -2^63", fmt.Sprint(microseconds))
			}
		}
	}
	return nil
}

// setAttributes takes a catalogue in place of the model's own.
func (m *Model) setAttributes(given *Attributes) error {
	if err := given.check(); err != nil {
		return err
	}
	positions, err := m.positionsOf(given.Items)
	if err != nil {
		return err
	}
	var names, values []string
	for _, column := range given.Columns {
		names = append(names, column.Name)
		for row, value := range column.Values {
			if positions[row] >= 0 {
				values = append(values, value)
			}
		}
	}
	table := &attributeTable{}
	if err := table.columns.fill("attributes: columns", names); err != nil {
		return err
	}
	slices.Sort(values)
	values = slices.DeleteFunc(slices.Compact(values), func(value string) bool { return value == "" })
	if err := table.values.fill("attributes: values", values); err != nil {
		return err
	}
	table.codes = make([]int32, len(names)*len(m.counts))
	for index := range table.codes {
		table.codes[index] = -1
	}
	for _, column := range given.Columns {
		codes := table.column(table.columns.position(column.Name))
		for row, value := range column.Values {
			if position := positions[row]; position >= 0 && value != "" {
				codes[position] = int32(table.values.position(value))
			}
		}
	}
	if given.From != nil || given.Until != nil {
		table.timed = true
		table.from, table.until = m.timesOf(positions, given.From), m.timesOf(positions, given.Until)
	}
	m.attributes = table
	return nil
}

// check refuses columns that are not of the items.
func (a *Attributes) check() error {
	lengths := []int{len(a.Items)}
	for _, column := range a.Columns {
		lengths = append(lengths, len(column.Values))
	}
	for _, times := range [][]Timestamp{a.From, a.Until} {
		if times != nil {
			lengths = append(lengths, len(times))
		}
	}
	for _, length := range lengths {
		if length != len(a.Items) {
			return refuseRequest("attributes", fmt.Sprintf("%d values in each column", len(a.Items)), length)
		}
	}
	return nil
}

// positionsOf returns the position of each item, -1 for those that the model does not have.
func (m *Model) positionsOf(ids []string) ([]int, error) {
	if err := m.items.parse(); err != nil {
		return nil, err
	}
	isGiven := make([]bool, len(m.counts))
	positions := make([]int, len(ids))
	for row, id := range ids {
		position := m.items.position(id)
		positions[row] = position
		if position < 0 {
			continue
		}
		if isGiven[position] {
			return nil, refuseRequest("attributes", "each item once", show.String(id)+" twice")
		}
		isGiven[position] = true
	}
	return positions, nil
}

func (m *Model) timesOf(positions []int, given []Timestamp) []int64 {
	times := make([]int64, len(m.counts))
	for item := range times {
		times[item] = noTime
	}
	for row, time := range given {
		if position := positions[row]; position >= 0 && time.isKnown {
			times[position] = time.microseconds
		}
	}
	return times
}

// AttributeSummary says what a catalogue holds.
type AttributeSummary struct {
	Columns          []ColumnSummary
	WithAvailability bool
	From, Until      int // items with such a time
}

// ColumnSummary says what a column of a catalogue holds.
type ColumnSummary struct {
	Name   string
	Values int // distinct ones
	Items  int // that have one
}

// AttributeSummary describes the catalogue; nil for a model without one.
func (m *Model) AttributeSummary() (summary *AttributeSummary, err error) {
	err = m.use(StagePredict, func() error {
		table := m.attributes
		if table == nil {
			return nil
		}
		if err := table.columns.parse(); err != nil {
			return err
		}
		found := &AttributeSummary{WithAvailability: table.timed, From: countTimes(table.from), Until: countTimes(table.until)}
		for position := range table.columns.count {
			column, isSound := table.summarize(position)
			if !isSound {
				return m.refuseAttributes(attributesFile)
			}
			found.Columns = append(found.Columns, column)
		}
		summary = found
		return nil
	})
	return summary, err
}

func countTimes(times []int64) (count int) {
	for _, time := range times {
		if time != noTime {
			count++
		}
	}
	return count
}

// summarize describes a column, and reports whether its codes are sound.
func (t *attributeTable) summarize(position int) (ColumnSummary, bool) {
	column := ColumnSummary{Name: string(t.columns.appendID(nil, position))}
	seen := make([]bool, t.values.count)
	for _, code := range t.column(position) {
		if !t.isCode(code) {
			return column, false
		}
		if code < 0 {
			continue
		}
		column.Items++
		if !seen[code] {
			seen[code] = true
			column.Values++
		}
	}
	return column, true
}

// used returns which values the items of a column have; what is not a code is none.
func (t *attributeTable) used(codes []int32) []bool {
	used := make([]bool, t.values.count)
	for _, code := range codes {
		if code >= 0 && t.isCode(code) {
			used[code] = true
		}
	}
	return used
}

// ColumnValue is a value in a column.
type ColumnValue struct{ Column, Value string }

// UnknownValues returns what AnyOf and NoneOf of a filter name and no item has in that column, by column.
func (m *Model) UnknownValues(filter *Filter) (unknown []ColumnValue, err error) {
	err = m.use(StagePredict, func() error {
		for _, lists := range []map[string][]string{filter.AnyOf, filter.NoneOf} {
			for _, column := range sortedKeys(nil, lists) {
				codes, err := m.soundColumn("any_of", column)
				if err != nil {
					return err
				}
				if err := m.attributes.values.parse(); err != nil {
					return err
				}
				used := m.attributes.used(codes)
				for _, value := range lists[column] {
					if position := m.attributes.values.position(value); position < 0 || !used[position] {
						unknown = append(unknown, ColumnValue{column, value})
					}
				}
			}
		}
		return nil
	})
	return unknown, err
}

// refuseAttributes refuses what a filter has found in a file of the catalogue.
func (m *Model) refuseAttributes(file string) error {
	expected := "codes of values that exist"
	if file == availabilityFile {
		expected = "times of the years 1 to 9999, or -2^63"
	}
	return refuse(VerdictCSR, m.files.path(file), "", expected, "others")
}
