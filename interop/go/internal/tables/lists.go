package tables

import (
	"cmp"
	"fmt"
	"io"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	mlcore "github.com/mlcore/mlcore/interop/go"
	"github.com/mlcore/mlcore/interop/go/internal/jsontext"
	"github.com/mlcore/mlcore/interop/go/internal/show"
)

// NoRows is the error for a table that is well formed, but has no row.
type NoRows struct{ error }

func (e *NoRows) Unwrap() error { return e.error }

// Axis says whether ids are those of users or of items.
type Axis string

// The axes.
const (
	Users Axis = "user"
	Items Axis = "item"
)

// hint says how a column of another name is read.
func (a Axis) hint() string { return "--" + string(a) + "-column names another" }

// ReadIDs returns the distinct ids of one column of a table, in the order of their first appearance.
// check, unless nil, is asked about each once, and may return a *BadValue.
func ReadIDs(in *Input, axis Axis, check func(id string) error) ([]string, error) {
	column := in.Columns.item()
	if axis == Users {
		column = in.Columns.user()
	}
	var ids []string
	known := map[string]struct{}{}
	add := func(id string) error {
		if _, isKnown := known[id]; isKnown {
			return nil
		}
		if err := checkID(id); err != nil {
			return err
		}
		if check != nil {
			if err := check(id); err != nil {
				return err
			}
		}
		id = strings.Clone(id) // not the whole line
		known[id] = struct{}{}
		ids = append(ids, id)
		return nil
	}
	isCSV, err := in.IsCSV()
	if err != nil {
		return nil, err
	}
	if isCSV {
		err = readTable(in, []csvColumn{{name: column, required: true, take: add, hint: axis.hint()}}, nil)
		return ids, err
	}
	first := true
	return ids, readObjects(in, func(place string, object *jsontext.Value) error {
		if first {
			in.tellNames(object.Keys)
		}
		id, err := idOfRow(place, object, column, axis, first)
		first = false
		if err != nil {
			return err
		}
		return at(add(id), "%s: %s", place, column)
	})
}

// Pairs are rows of users and items: their distinct ids in the order of their first appearance, and of each row
// the positions there.
type Pairs struct {
	UserIDs, ItemIDs []string
	Rows             []mlcore.UserItem
}

// ReadPairs returns the rows of a table with columns of users and of items.
func ReadPairs(in *Input) (*Pairs, error) {
	pairs := &Pairs{}
	var row mlcore.UserItem
	user, item := numbered(&pairs.UserIDs, &row.User), numbered(&pairs.ItemIDs, &row.Item)
	endRow := func() { pairs.Rows = append(pairs.Rows, row) }
	isCSV, err := in.IsCSV()
	if err != nil {
		return nil, err
	}
	if isCSV {
		return pairs, readTable(in, []csvColumn{
			{name: in.Columns.user(), required: true, take: user, hint: Users.hint()},
			{name: in.Columns.item(), required: true, take: item, hint: Items.hint()},
		}, endRow)
	}
	return pairs, readObjects(in, func(place string, object *jsontext.Value) error {
		isFirst := len(pairs.Rows) == 0
		userID, err := idOfRow(place, object, in.Columns.user(), Users, isFirst)
		if err != nil {
			return err
		}
		itemID, err := idOfRow(place, object, in.Columns.item(), Items, isFirst)
		if err != nil {
			return err
		}
		if err := user(userID); err != nil {
			return at(err, "%s: %s", place, in.Columns.user())
		}
		if err := item(itemID); err != nil {
			return at(err, "%s: %s", place, in.Columns.item())
		}
		endRow()
		return nil
	})
}

// numbered returns a function that numbers ids as they come.
func numbered(ids *[]string, position *int32) func(id string) error {
	known := map[string]int32{}
	return func(id string) error {
		if number, isKnown := known[id]; isKnown {
			*position = number
			return nil
		}
		if err := checkID(id); err != nil {
			return err
		}
		id = strings.Clone(id) // not the whole line
		*position = int32(len(*ids))
		known[id] = *position
		*ids = append(*ids, id)
		return nil
	}
}

// idOfRow returns the id in a row of JSON Lines.
func idOfRow(place string, object *jsontext.Value, column string, axis Axis, isFirst bool) (string, error) {
	value := object.Member(column)
	switch {
	case value == nil && isFirst:
		return "", &Error{
			Message: fmt.Sprintf("%s: %s: expected a key of this name, got %s",
				place, column, describeNames(object.Keys, "an empty object")),
			Hint: cmp.Or(hintAtForm(object), likelyColumn(axis.hint(), column, object.Keys)),
		}
	case value == nil:
		return "", faultf("%s: %s: expected a value, got no such key", place, column)
	case value.Kind != jsontext.String:
		return "", at(&BadValue{"expected a string, got " + value.Show(), hintAtNumber(value)}, "%s: %s", place, column)
	}
	return value.Text, nil
}

// hintAtForm returns what else the object of a file is, which other options take.
func hintAtForm(object *jsontext.Value) string {
	isArray := func(key string) bool {
		value := object.Member(key)
		return value != nil && value.Kind == jsontext.Array
	}
	switch {
	case isArray("history"):
		return "these are histories, a line for each user, which predict and show take as --histories; " +
			"a table has a line for each row"
	case isArray("items"):
		return "these are lists as predict writes them, which evaluate, compare and show take"
	case object.Member("item_id") != nil:
		return "these are interactions, a line for each, and not a line for each user; as a table in " +
			".csv --histories takes them: cli.preprocess --out NEW.csv writes one"
	}
	return ""
}

// csvColumn is a column to read: take gets each value, and may return a *BadValue.
type csvColumn struct {
	name     string
	required bool
	take     func(text string) error
	hint     string // where the file lacks it
}

// readTable gives the columns of a CSV file to their functions, row by row, and then calls endRow,
// unless that is nil, with the columns that are there.
func readTable(in *Input, columns []csvColumn, endRow func()) error {
	return readWholeTable(in, columns, nil, endRow)
}

// readWholeTable is readTable for a file of which all other columns are read too: each as rest says.
func readWholeTable(in *Input, columns []csvColumn, rest func(name string) (csvColumn, error), endRow func()) error {
	t, err := openTable(in, columns, rest)
	if err != nil {
		return err
	}
	defer t.source.close()
	found, err := t.read(t.reader, t.columns, endRow)
	if err == nil && !found {
		err = t.refuseEmpty()
	}
	return err
}

// table is a CSV file whose header has been read.
type table struct {
	in        *Input
	source    *lines
	reader    *csvReader
	columns   []csvColumn
	positions []int // of the columns in a row, or -1
	width     int
}

func openTable(in *Input, columns []csvColumn, rest func(name string) (csvColumn, error)) (*table, error) {
	source, err := openLines(in)
	if err != nil {
		return nil, err
	}
	t := &table{in: in, source: source, columns: columns}
	if err := t.readHeader(rest); err != nil {
		source.close()
		return nil, err
	}
	return t, nil
}

func (t *table) readHeader(rest func(name string) (csvColumn, error)) (err error) {
	var required []string
	for _, column := range t.columns {
		if column.required {
			required = append(required, column.name)
		}
	}
	if t.reader, err = openCSV(t.source, t.in, required); err != nil {
		return err
	}
	header, place := t.in.FieldNames, t.source.name
	if header == nil {
		var first int
		header, first, err = t.reader.next()
		if err == io.EOF {
			return &NoRows{faultf("%s: expected a header line, got an empty file", t.source.name)}
		}
		if err != nil {
			return err
		}
		place = fmt.Sprintf("%s:%d", place, first)
	}
	t.in.tellNames(header)
	t.width = len(header)
	if rest != nil {
		if t.columns, err = withRest(t.columns, header, t.in.FieldNames == nil, rest); err != nil {
			return err
		}
	}
	t.positions, err = findColumns(t.in, place, header, t.columns)
	return err
}

func (t *table) refuseEmpty() error {
	after := " after the header"
	if t.in.FieldNames != nil {
		after = ""
	}
	return &NoRows{faultf("%s: expected rows%s, got none", t.source.name, after)}
}

// read gives the rows of a reader to columns like those of the table, and reports whether there were any.
func (t *table) read(reader *csvReader, columns []csvColumn, endRow func()) (found bool, err error) {
	for {
		record, line, err := reader.next()
		switch {
		case err == io.EOF:
			return found, nil
		case err != nil:
			return found, err
		case len(record) == 0:
			continue
		case reader.width != t.width:
			return found, &Error{
				Message: fmt.Sprintf("%s:%d: expected %d fields as in the header, got %d",
					t.source.name, line, t.width, reader.width),
				Hint: hintAtWidth(t.in, record, t.width, reader.delimiter),
			}
		}
		found = true
		for index, column := range columns {
			if t.positions[index] >= 0 {
				if err := column.take(record[t.positions[index]]); err != nil {
					return found, at(err, "%s:%d: %s", t.source.name, line, column.name)
				}
			}
		}
		if endRow != nil {
			endRow()
		}
	}
}

// withRest appends the columns of a header that are not asked for by name.
func withRest(columns []csvColumn, header []string, isHeader bool, rest func(name string) (csvColumn, error)) ([]csvColumn, error) {
	all := slices.Clone(columns)
	for _, name := range header {
		isThere := slices.ContainsFunc(all, func(column csvColumn) bool { return column.name == name })
		if isThere || (name == "" && !isHeader) {
			continue // findColumns counts those of one name; an option may leave names out
		}
		column, err := rest(name)
		if err != nil {
			return nil, err
		}
		all = append(all, column)
	}
	return all, nil
}

// likelyColumn adds to a hint the column that is called so but for case and punctuation.
func likelyColumn(hint, name string, header []string) string {
	letters := func(name string) string {
		return strings.Map(func(char rune) rune {
			if unicode.IsLetter(char) || unicode.IsNumber(char) {
				return char
			}
			return -1
		}, strings.ToLower(name))
	}
	for _, likely := range header {
		if hint != "" && letters(likely) == letters(name) {
			return hint + ", such as " + show.String(likely)
		}
	}
	return hint
}

func findColumns(in *Input, place string, header []string, columns []csvColumn) ([]int, error) {
	if len(header) > maxColumns {
		return nil, tooManyColumns(place)
	}
	places, counts := map[string]int{}, map[string]int{}
	for position, title := range header {
		places[title] = position
		counts[title]++
	}
	positions := make([]int, len(columns))
	for index, column := range columns {
		count := counts[column.name]
		if positions[index] = places[column.name]; count == 0 {
			positions[index] = -1
		}
		if count > 1 {
			return nil, &Error{
				Message: fmt.Sprintf("%s: %s: expected one column of this name, got %d", place, column.name, count),
				Hint:    column.hint,
			}
		}
		if count == 0 && column.required {
			return nil, &Error{
				Message: fmt.Sprintf("%s: %s: expected a column of this name, got %s",
					place, column.name, describeNames(header, "an empty line")),
				Hint: hintAtHeader(in, column, header),
			}
		}
	}
	return positions, nil
}

func describeNames(names []string, empty string) string {
	var shown []string
	for _, name := range names[:min(len(names), 10)] {
		shown = append(shown, show.String(name))
	}
	if len(shown) == 0 {
		return empty
	}
	return strings.Join(shown, ", ")
}

// readObjects gives each object of a JSON Lines file to a function, with its place.
func readObjects(in *Input, take func(place string, object *jsontext.Value) error) error {
	return readObjectLines(in, func(line objectLine) error {
		place, object, err := line.parse()
		if err != nil {
			return err
		}
		return take(place, object)
	})
}

// objectLine is a line of a JSON Lines file, to be parsed by any goroutine.
type objectLine struct {
	name   string // of the file
	number int
	text   string
}

// readObjectLines gives each line that is not blank to a function.
func readObjectLines(in *Input, take func(objectLine) error) error {
	source, err := openLines(in)
	if err != nil {
		return err
	}
	defer source.close()
	for found := false; ; {
		line, err := source.nextUnchecked()
		if err == io.EOF && !found {
			return &NoRows{faultf("%s: expected at least one JSON object, got an empty file", source.name)}
		}
		if err == io.EOF {
			return nil
		}
		if err != nil {
			return err
		}
		if isBlank(line) {
			continue
		}
		found = true
		if err := take(objectLine{source.name, source.number, line}); err != nil {
			return err
		}
	}
}

// parse returns the object, and its place.
func (l objectLine) parse() (place string, object *jsontext.Value, err error) {
	if err := (&lines{name: l.name, number: l.number}).checkText(l.text); err != nil {
		return "", nil, err
	}
	place = fmt.Sprintf("%s:%d", l.name, l.number)
	value, err := jsontext.Parse(strings.TrimSuffix(l.text, "\n"), maxLineDepth)
	switch {
	case err != nil:
		err = &Error{
			Message: fmt.Sprintf("%s: expected a JSON object, got %s", place, err),
			Hint:    hintAtLines(l.text, err.Error()),
		}
	case value.Kind != jsontext.Object:
		err = &Error{
			Message: fmt.Sprintf("%s: expected a JSON object, got %s", place, value.Show()),
			Hint:    hintAtLines(l.text, ""),
		}
	case len(l.text) > maxFieldRunes && hasLongText(&value):
		err = faultf("%s: expected fields of at most %d characters, got a longer one", place, maxFieldRunes)
	}
	return place, &value, err
}

func hasLongText(object *jsontext.Value) bool {
	for index := range object.Items {
		value := &object.Items[index]
		if value.Kind == jsontext.String && utf8.RuneCountInString(value.Text) > maxFieldRunes {
			return true
		}
	}
	return false
}
