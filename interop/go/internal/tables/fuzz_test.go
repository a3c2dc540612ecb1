package tables

import (
	"bytes"
	"slices"
	"testing"

	mlcore "github.com/mlcore/mlcore/interop/go"
)

// FuzzRows takes any table of pairs or of items, with any delimiter, and a header or none.
func FuzzRows(f *testing.F) {
	for _, text := range []string{
		"user_id,item_id,brand,available_from\nann,tea,a,7\nann,milk,,\nbob,tea,\"a,b\",2026-03-01T09:00:00Z\n",
		"item_id;available_until\r\ntea;0\r\nmilk;1,5\r\n", "sep=|\nuser_id|item_id\nann|tea|\n", "item_id\titem_id\n", "\ufeff",
		`{"user_id": "ann", "item_id": "tea", "brand": "a", "available_until": 7, "x": null}` + "\n{\"item_id\": \"milk\", \"n\": 1e400}\n",
		`{"item_id": "tea", "available_from": "2026-03-01T09:00:00+01:00", "year": 1984, "": ["a"]}`, "{\"item_id\": \"\\ud800\"}",
	} {
		for which := range uint8(4) {
			f.Add([]byte(text), which, byte(';'))
		}
	}
	f.Fuzz(func(t *testing.T, data []byte, which uint8, delimiter byte) {
		in := func() *Input {
			given := &Input{Path: "-", Format: "csv", Stdin: bytes.NewReader(data)}
			if which&1 != 0 {
				given.Format = "jsonl"
			}
			if which&2 != 0 {
				given.FieldNames = []string{"user_id", "item_id", "brand"}
			}
			if chosen, err := ParseDelimiter(string(rune(delimiter))); err == nil && which&4 != 0 {
				given.Delimiter = chosen
			}
			return given
		}
		pairs, err := ReadPairs(in())
		checkFault(t, err)
		if err == nil {
			checkPairs(t, pairs)
		}
		attributes, err := ReadAttributes(in())
		checkFault(t, err)
		if err == nil {
			checkAttributes(t, attributes)
		}
	})
}

func checkPairs(t *testing.T, pairs *Pairs) {
	t.Helper()
	checkDistinct(t, pairs.UserIDs)
	checkDistinct(t, pairs.ItemIDs)
	for _, row := range pairs.Rows {
		if int(row.User) >= len(pairs.UserIDs) || int(row.Item) >= len(pairs.ItemIDs) {
			t.Fatalf("%+v of %d users and %d items", row, len(pairs.UserIDs), len(pairs.ItemIDs))
		}
	}
}

func checkAttributes(t *testing.T, attributes *mlcore.Attributes) {
	t.Helper()
	checkDistinct(t, attributes.Items)
	for _, column := range attributes.Columns {
		if len(column.Values) != len(attributes.Items) {
			t.Fatalf("%d values of %d items", len(column.Values), len(attributes.Items))
		}
	}
	for _, times := range [][]mlcore.Timestamp{attributes.From, attributes.Until} {
		if times != nil && len(times) != len(attributes.Items) {
			t.Fatalf("%d times of %d items", len(times), len(attributes.Items))
		}
	}
}

func checkDistinct(t *testing.T, ids []string) {
	t.Helper()
	sorted := slices.Sorted(slices.Values(ids))
	if len(slices.Compact(sorted)) < len(ids) {
		t.Fatalf("an id twice: %q", ids)
	}
	for _, id := range ids {
		if checkID(id) != nil {
			t.Fatalf("a bad id: %q", id)
		}
	}
}
