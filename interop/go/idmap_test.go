package mlcore

import (
	"fmt"
	"strings"
	"testing"
)

func parsed(t *testing.T, text string, count int) *idMap {
	t.Helper()
	m := &idMap{data: []byte(text), place: "items.csv", count: count}
	if err := m.parse(); err != nil {
		t.Fatal(err)
	}
	return m
}

func TestIDsOfAllForms(t *testing.T) {
	ids := []string{" ", `"`, `""`, `","`, "#", ",", "007", "a", `a"b`, "a,b", "a,c", "e\u0301", "\u00e9", "～", "😀"}
	text := idMapHeader
	for index, id := range ids {
		if strings.ContainsAny(id, `",`) {
			id = `"` + strings.ReplaceAll(id, `"`, `""`) + `"`
		}
		text += fmt.Sprintf("%d,%s\n", index, id)
	}
	small := parsed(t, text, len(ids))
	// As in a file of more than 4 GiB.
	far := &idMap{data: small.data, count: len(ids), farStart: make([]uint64, len(ids))}
	if err := far.parseLines(); err != nil {
		t.Fatal(err)
	}
	for _, m := range []*idMap{small, far} {
		for index, id := range ids {
			if found := string(m.appendID(nil, index)); found != id {
				t.Errorf("%d: expected %q, got %q", index, id, found)
			}
			if found := m.position(id); found != index {
				t.Errorf("%q: expected %d, got %d", id, index, found)
			}
		}
		for _, id := range []string{"", "7", "A", "a ", "a,", `"a,b"`, `a""b`, "ab", "\xff", "😀😀"} {
			if found := m.position(id); found != -1 {
				t.Errorf("%q: expected -1, got %d", id, found)
			}
		}
	}
}

func TestACountThatTheFileCannotHoldAllocatesNothing(t *testing.T) {
	m := &idMap{data: []byte(idMapHeader + "0,a\n"), place: "x", count: maxAxis}
	var err error
	allocated := testing.AllocsPerRun(1, func() { err = m.parseAll() })
	if VerdictOf(err) != VerdictIDMap || m.starts != nil || m.farStart != nil || allocated > 50 {
		t.Errorf("got %v after %v allocations", err, allocated)
	}
}

func TestAFaultOfAnIDMapIsKept(t *testing.T) {
	m := &idMap{data: []byte(idMapHeader + "0,a\n1,a\n"), place: "items.csv", count: 2}
	first, second := m.parse(), m.parse()
	if first == nil || first != second {
		t.Errorf("got %v, then %v", first, second)
	}
	if text := first.Error(); text != "items.csv:3: expected an id after 'a' in UTF-8 byte order, got 'a'" {
		t.Error(text)
	}
	if staged := atStage(first, StagePredict); first.(*Error).Stage != "" || staged.(*Error).Stage != StagePredict {
		t.Error("the stage of one request became that of all")
	}
}
