package tables

import (
	"fmt"
	"io"
	"math/rand/v2"
	"reflect"
	"strings"
	"testing"
	"testing/iotest"
)

// readAtOnce is readInteractions with one reader for the whole table.
func readAtOnce(in *Input) (*interactions, error) {
	reader := newEventReader()
	taker := reader.taker(in.Columns)
	t, err := openTable(in, taker.columns, nil)
	if err != nil {
		return nil, err
	}
	defer t.source.close()
	found, err := t.read(t.reader, taker.columns, taker.endRow)
	if err == nil && !found {
		err = t.refuseEmpty()
	}
	if err != nil {
		return nil, err
	}
	taker.endPart(0)
	return joinEvents([]*eventReader{reader}), nil
}

// checkParts compares what a table is in parts of any size with what it is as a whole, faults too.
func checkParts(t *testing.T, input func() *Input) {
	t.Helper()
	expected, fault := readAtOnce(input())
	for _, size := range []int{1, 20, 1 << 12} {
		for _, threads := range []int{1, 3} {
			found, err := readInteractions(input(), size, threads)
			if fmt.Sprint(err) != fmt.Sprint(fault) || (err == nil && !reflect.DeepEqual(found, expected)) {
				t.Fatalf("size %d, %d threads: expected %v, %v, got %v, %v", size, threads, expected, fault, found, err)
			}
		}
	}
}

func TestPartsOfATableAreTheWholeTable(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 2))
	pieces := []string{"a", "b", "u1", "u1", ",", ",", "\n", "\n", "\n", "\r", "\r\n", `"`, `"`, `""`, "é", ";", "::", "\x00", "\xff", "1", ""}
	faults := 0
	for number := range 100 {
		var text strings.Builder
		if random.IntN(8) == 0 {
			text.WriteString("\ufeff")
		}
		text.WriteString([]string{"user_id,item_id\n", "user_id,item_id\r", "user_id::item_id\n", "sep=,\nuser_id,item_id\n"}[number%4])
		mark := []string{",", ",", "::", ","}[number%4]
		for range random.IntN(40) {
			// Mostly whole rows, whose fields have quotes and line breaks in them; some are faulty.
			if isFaulty := random.IntN(100) == 0; isFaulty {
				text.WriteString(pieces[random.IntN(len(pieces))])
			}
			user := fmt.Sprintf("u%d", random.IntN(5))
			item := []string{"a", "bb", `"c"`, `"d""e"`, "\"f,\ng\"", "\"h\r\n\n\"", "\"\ri\"", `j"`, `"k"""`}[random.IntN(9)]
			if mark == "::" {
				item = strings.NewReplacer("\n", "", "\r", "").Replace(item)
			}
			text.WriteString(user + mark + item + []string{"\n", "\n", "\r\n", "\r", "\n\n"}[random.IntN(5)])
		}
		input := func() *Input { return csvInput(text.String()) }
		if _, err := readAtOnce(input()); err != nil {
			faults++
		}
		checkParts(t, input)
		broken := func() *Input {
			in := csvInput("")
			in.Stdin = io.MultiReader(strings.NewReader(text.String()), iotest.ErrReader(io.ErrClosedPipe))
			return in
		}
		checkParts(t, broken)
		nameless := func() *Input {
			in := csvInput(text.String())
			in.FieldNames, in.Delimiter = []string{"user_id", "item_id"}, mark
			return in
		}
		checkParts(t, nameless)
	}
	if faults < 10 || faults > 90 {
		t.Errorf("%d of 100 tables are faulty", faults)
	}
}

func TestTheFirstFaultOfATableIsTold(t *testing.T) {
	rows := strings.Repeat("u,a,1\n", 50_000)
	text := "user_id,item_id,weight\n" + rows + "u,a,-1\n" + rows + "u,a,0\n" + rows + "u\n"
	for range 5 {
		_, err := OpenHistories(csvInput(text), Weights{HasRule: true}, 3)
		if expected := "standard input:50002: weight: expected a finite number above 0, got '-1'"; fmt.Sprint(err) != expected {
			t.Fatalf("expected %s, got %v", expected, err)
		}
	}
}

func TestSumsBeyondFloat64AreRefusedBeforeAnyHistory(t *testing.T) {
	text := "user_id,item_id,weight\na,x,1\nb,y,1e308\nb,y,1e308\n"
	_, err := OpenHistories(csvInput(text), Weights{}, 2)
	if expected := "standard input: weight: user 'b', item 'y': expected a finite sum, got Infinity"; fmt.Sprint(err) != expected {
		t.Errorf("expected %s, got %v", expected, err)
	}
	all, err := OpenHistories(csvInput("user_id,item_id,weight\na,x,1e308\nb,y,1e308\n"), Weights{}, 2)
	if err != nil || len(all.table.users) != 2 {
		t.Errorf("sums of different users are added up: %v", err)
	}
}
