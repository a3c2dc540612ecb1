package tables

import (
	"fmt"
	"strings"

	mlcore "github.com/mlcore/mlcore/interop/go"
	"github.com/mlcore/mlcore/interop/go/internal/jsontext"
	"github.com/mlcore/mlcore/interop/go/internal/show"
)

const (
	// Columns that are times.
	availableFrom  = "available_from"
	availableUntil = "available_until"

	// Hints are those of mlcore/files/catalogue.py.
	noText      = "cut such texts, or leave the column out of the file"
	noFraction  = "write the column as text, so that nobody invents its digits"
	oneValue    = "a column has one value for each item"
	oneRow      = "keep one row of each item: a value for each column"
	noName      = "give it a name, or leave it out"
	emptyIsNone = "leave the field empty, or null, where there is none"
)

// ReadAttributes returns a catalogue: a row for each item with its id and, as text, whatever other columns
// there are. Empty texts, nulls and missing keys are no value.
func ReadAttributes(in *Input) (*mlcore.Attributes, error) {
	isCSV, err := in.IsCSV()
	if err != nil {
		return nil, err
	}
	c := catalogue{name: in.Name(), idColumn: in.Columns.item(), columns: map[string]int{}, known: map[string]struct{}{}, texts: map[string]string{}}
	if isCSV {
		id := csvColumn{name: c.idColumn, required: true, take: c.addItem, hint: Items.hint()}
		err = readWholeTable(in, []csvColumn{id}, func(name string) (csvColumn, error) {
			return csvColumn{name: name, take: func(text string) error { return c.set(name, text) }}, c.addColumn(name)
		}, nil)
	} else {
		err = readObjects(in, c.addObject)
	}
	if err == nil && len(c.values) == 0 && c.from == nil && c.until == nil {
		err = faultf("%s: expected columns besides %s, got none", c.name, c.idColumn)
	}
	if err == nil && c.twice != "" {
		err = &Error{Message: fmt.Sprintf("%s: %s: expected each item once, got %s again", c.name, c.idColumn, show.String(c.twice)), Hint: oneRow}
	}
	return c.attributes(), err
}

// catalogue gathers rows.
type catalogue struct {
	name        string // of the file
	idColumn    string
	items       []string
	known       map[string]struct{}
	twice       string         // the first item that comes again
	columns     map[string]int // position in values
	values      []mlcore.AttributeColumn
	texts       map[string]string // one copy of each, not the lines they stand in
	from, until []mlcore.Timestamp
}

func (c *catalogue) addItem(id string) error {
	if err := checkID(id); err != nil {
		return err
	}
	id = strings.Clone(id)
	if _, isKnown := c.known[id]; isKnown && c.twice == "" {
		c.twice = id
	}
	c.known[id] = struct{}{}
	c.items = append(c.items, id)
	return nil
}

// addColumn makes room for a column.
func (c *catalogue) addColumn(name string) error {
	if name == availableFrom && c.from == nil {
		c.from = []mlcore.Timestamp{}
	}
	if name == availableUntil && c.until == nil {
		c.until = []mlcore.Timestamp{}
	}
	if _, isKnown := c.columns[name]; isKnown || name == availableFrom || name == availableUntil {
		return nil
	}
	if err := checkID(name); err != nil {
		return &Error{Message: fmt.Sprintf("%s: name of a column: %s", c.name, err), Hint: noName}
	}
	if len(c.columns) >= maxColumns-1 { // the column of ids counts, too
		return tooManyColumns(c.name)
	}
	c.columns[name] = len(c.values)
	c.values = append(c.values, mlcore.AttributeColumn{Name: strings.Clone(name)})
	return nil
}

// set takes the value that the last item has in a column.
func (c *catalogue) set(name, text string) error {
	switch {
	case text == "":
		return nil
	case name == availableFrom || name == availableUntil:
		return c.setTime(name, &jsontext.Value{Kind: jsontext.String, Text: text})
	}
	if err := checkID(text); err != nil {
		return &BadValue{err.Error(), noText}
	}
	if _, isKnown := c.texts[text]; !isKnown {
		text = strings.Clone(text)
		c.texts[text] = text
	}
	column := &c.values[c.columns[name]]
	column.Values = append(padded(column.Values, len(c.items)-1), c.texts[text])
	return nil
}

func (c *catalogue) setTime(name string, value *jsontext.Value) error {
	microseconds, err := TimestampFromJSON(value)
	if fault, isBad := err.(*BadValue); isBad && value.Kind == jsontext.String && isEmptyWord(value.Text) {
		return &BadValue{fault.Message, emptyIsNone}
	}
	times := &c.from
	if name == availableUntil {
		times = &c.until
	}
	*times = append(padded(*times, len(c.items)-1), mlcore.UnixMicro(microseconds))
	return err
}

// padded lengthens a column by rows that have no value in it.
func padded[T any](column []T, length int) []T {
	return append(column, make([]T, length-len(column))...)
}

func (c *catalogue) addObject(place string, object *jsontext.Value) error {
	id, err := idOfRow(place, object, c.idColumn, Items, len(c.items) == 0)
	if err == nil {
		err = at(c.addItem(id), "%s: %s", place, c.idColumn)
	}
	if err != nil {
		return err
	}
	for index, name := range object.Keys {
		if name == c.idColumn {
			continue
		}
		err := c.addColumn(name)
		if err == nil {
			err = c.setJSON(name, &object.Items[index])
		}
		if err != nil {
			return at(err, "%s: %s", place, show.Cut(name, show.Limit))
		}
	}
	return nil
}

// setJSON takes what has one text only: fractions are written in many ways.
func (c *catalogue) setJSON(name string, value *jsontext.Value) error {
	switch {
	case value.Kind == jsontext.Null:
		return nil
	case value.Kind == jsontext.String:
		return c.set(name, value.Text)
	case name == availableFrom || name == availableUntil:
		return c.setTime(name, value)
	case value.Kind == jsontext.Bool:
		return c.set(name, fmt.Sprint(value.Bool))
	case value.Kind == jsontext.Number && value.Text == "-0":
		return c.set(name, "0")
	case value.Kind == jsontext.Number && !strings.ContainsAny(value.Text, ".eE"):
		return c.set(name, value.Text)
	}
	hint := oneValue
	if value.Kind == jsontext.Number {
		hint = noFraction
	}
	return &BadValue{"expected a string, an integer, true, false or null, got " + value.Show(), hint}
}

func (c *catalogue) attributes() *mlcore.Attributes {
	for position := range c.values {
		c.values[position].Values = padded(c.values[position].Values, len(c.items))
	}
	if c.from != nil {
		c.from = padded(c.from, len(c.items))
	}
	if c.until != nil {
		c.until = padded(c.until, len(c.items))
	}
	return &mlcore.Attributes{Items: c.items, Columns: c.values, From: c.from, Until: c.until}
}
