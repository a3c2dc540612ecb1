package tables

import (
	"errors"
	"fmt"
	"reflect"
	"strings"
	"testing"

	mlcore "github.com/mlcore/mlcore/interop/go"
)

func TestACatalogueIsWhateverColumnsThereAre(t *testing.T) {
	second := mlcore.UnixMicro(1_000_000)
	expected := &mlcore.Attributes{
		Items: []string{"b", "a", "c"},
		Columns: []mlcore.AttributeColumn{
			{Name: "brand", Values: []string{"x", "", "NA"}}, {Name: "in stock", Values: []string{"true", "007", ""}},
			{Name: "nothing", Values: []string{"", "", ""}},
		},
		From:  []mlcore.Timestamp{second, {}, {}},
		Until: []mlcore.Timestamp{{}, second, {}},
	}
	for _, in := range []*Input{
		csvInput("brand,item_id,in stock,nothing,available_from,available_until\nx,b,true,,1,\n,a,007,,,1970-01-01T00:00:01Z\nNA,c,,,,\n"),
		csvInput("brand;item_id;in stock;nothing;available_from;available_until\nx;b;true;;1970-01-01 00:00:01+00;\n;a;007;;;1\nNA;c;;;;\n"),
		jsonInput(`{"item_id": "b", "brand": "x", "in stock": true, "nothing": null, "available_from": 1}
{"in stock": "007", "item_id": "a", "available_until": "1970-01-01T00:00:01Z", "brand": ""}
{"item_id": "c", "brand": "NA", "available_from": null, "available_until": ""}
`),
		{Path: "-", Format: "csv", Stdin: strings.NewReader("x,b,true,,1,,ignored\n,a,007,,,1,\nNA,c,,,,,\n"),
			FieldNames: []string{"brand", "item_id", "in stock", "nothing", "available_from", "available_until", ""}},
	} {
		found, err := ReadAttributes(in)
		if err != nil || !reflect.DeepEqual(found, expected) {
			t.Errorf("expected %+v, got %+v, %v", expected, found, err)
		}
	}
	// A number has one text only if it is an integer, of any size.
	for number, text := range map[string]string{"1": "1", "-7": "-7", "-0": "0", strings.Repeat("9", 100): strings.Repeat("9", 100), "false": "false"} {
		found, err := ReadAttributes(jsonInput(`{"item_id": "a", "x": ` + number + "}"))
		if err != nil || found.Columns[0].Values[0] != text {
			t.Errorf("%s: got %+v, %v", number, found, err)
		}
	}
	in := csvInput("sku,x\na,1\n")
	in.Columns.Item = "sku"
	if found, err := ReadAttributes(in); err != nil || found.Items[0] != "a" || len(found.Columns) != 1 {
		t.Errorf("got %+v, %v", found, err)
	}
}

func TestFaultyCataloguesHaveTheirMessage(t *testing.T) {
	const value = "expected a string, an integer, true, false or null"
	for _, c := range []struct{ text, expected, hint string }{
		{"item_id,x\na,1\nb,2\na,3\n", ": item_id: expected each item once, got 'a' again", oneRow},
		{"item_id,x\n,1\n", ":2: item_id: expected an id of at least one character, got an empty one", ""},
		{"item,x\na,1\n", ":1: item_id: expected a column of this name, got 'item', 'x'", "--item-column names another"},
		{"item_id\na\n", ": expected columns besides item_id, got none", ""},
		{"item_id,\na,1\n", ": name of a column: expected an id of at least one character, got an empty one", noName},
		{"item_id,x,x\na,1,2\n", ":1: x: expected one column of this name, got 2", ""},
		{"item_id,x\na,\"1\n2\"\n", ":2: x: expected no NUL and no line break, got '1\\n2'", noText},
		{"item_id,x\na," + strings.Repeat("y", 65_536) + "\n", ":2: x: expected at most 65535 bytes, got 65536", noText},
		{"item_id,available_from\na,soon\n", ":2: available_from: expected integer seconds or an RFC 3339 time, got 'soon'", otherTimes},
		{"item_id,available_until\na,NaT\n", ":2: available_until: expected integer seconds or an RFC 3339 time, got 'NaT'", emptyIsNone},
		{`{"item_id": "a", "x": 1.5}`, ":1: x: " + value + ", got 1.5", noFraction},
		{`{"item_id": "a", "x": -` + strings.Repeat("1", 4301) + "}", ":1: x: " + value + ", got -Infinity", noFraction},
		{`{"item_id": "a", "x": 1e3}`, ":1: x: " + value + ", got 1000.0", noFraction},
		{`{"item_id": "a", "x": ["y"]}`, `:1: x: ` + value + `, got ["y"]`, oneValue},
		{`{"item_id": "a", "x": {}}`, ":1: x: " + value + ", got {}", oneValue},
		{`{"item_id": "a", "": "y"}`, ": name of a column: expected an id of at least one character, got an empty one", noName},
		{`{"item_id": 7, "x": "y"}`, ":1: item_id: expected a string, got 7", noNumber},
		{`{"x": "y"}`, ":1: item_id: expected a key of this name, got 'x'", "--item-column names another"},
		{`{"item_id": "a", "available_from": 1.5}`, ":1: available_from: expected integer seconds or an RFC 3339 time, got 1.5", noDecimals},
		{`{"item_id": "a", "available_from": true}`, ":1: available_from: expected integer seconds or an RFC 3339 time, got true", ""},
		{`{"item_id": "a"}`, ": expected columns besides item_id, got none", ""},
	} {
		in := csvInput(c.text)
		if strings.HasPrefix(c.text, "{") {
			in = jsonInput(c.text)
		}
		_, err := ReadAttributes(in)
		var fault *Error
		if fmt.Sprint(err) != "standard input"+c.expected || !errors.As(err, &fault) || fault.Hint != c.hint {
			t.Errorf("%.60q: expected %s, %q, got %v, %+v", c.text, c.expected, c.hint, err, fault)
		}
	}
}
