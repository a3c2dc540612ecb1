package mlcore_test

import (
	"math/rand/v2"
	"testing"

	mlcore "github.com/mlcore/mlcore/interop/go"
	"github.com/mlcore/mlcore/interop/go/internal/modeltest"
)

// The number of allocations must not depend on the candidates, nor on the length of the list.
func TestAllocationsAreFewAndConstant(t *testing.T) {
	if raceEnabled {
		t.Skip("the race detector keeps a pool from giving back what was put in")
	}
	for _, shape := range []struct{ items, longest, n int }{{50, 5, 1}, {3000, 1000, 300}, {60000, 40, 100}} {
		written := modeltest.Random(rand.New(rand.NewPCG(1, 1)), 10, shape.items, shape.longest)
		written.Attributes = modeltest.RandomAttributes(rand.New(rand.NewPCG(2, 2)), shape.items)
		column := written.Attributes.Columns[0]
		model := openModel(t, written.Write(t, t.TempDir()), mlcore.Options{})
		for name, options := range map[string]mlcore.RecommendOptions{
			"plain":   {},
			"fill":    {Fill: true},
			"include": {Include: written.Items, Fill: true},
			"exclude": {Exclude: written.Items[:20], IncludeSeen: true},
			"explain": {Explain: true},
			"filter": {Fill: true, Filter: &mlcore.Filter{
				NoneOf: lists{column: written.Attributes.Values[:1]}, AtMost: map[string]int{column: 3},
			}},
		} {
			turn, most := 0, 3.0 // the items and their ids; one more if the collector has emptied the pool
			if options.Explain {
				most++ // all shares
			}
			found := testing.AllocsPerRun(100, func() {
				turn++
				if _, err := model.Recommend(written.Users[turn%10], shape.n, options); err != nil {
					t.Fatal(err)
				}
			})
			if found > most {
				t.Errorf("%+v, %s: %v allocations for a request", shape, name, found)
			}
		}
		history := historyOf(written, 3)
		found := testing.AllocsPerRun(100, func() {
			if _, err := model.RecommendHistory(history, shape.n, mlcore.RecommendOptions{}); err != nil {
				t.Fatal(err)
			}
		})
		if found > 3 {
			t.Errorf("%+v: %v allocations for a history", shape, found)
		}
		// Events and users of a model with a history rule and a decay cost no more.
		weighted := modeltest.Random(rand.New(rand.NewPCG(1, 1)), 10, shape.items, shape.longest)
		rule := randomRule(rand.New(rand.NewPCG(2, 2)), "sum", "bm25", 30, shape.items)
		rule.decay = "exponential"
		weighted.Rule = rule.modelRule()
		for _, row := range weighted.Histories {
			places := []int32{}
			for place := range row {
				places = append(places, int32(place+1))
			}
			weighted.Order = append(weighted.Order, places)
		}
		for index := range weighted.Rule.Factors {
			weighted.Rule.Factors[index] = 1
		}
		ruled := openModel(t, weighted.Write(t, t.TempDir()), mlcore.Options{})
		events := append(append([]mlcore.HistoryItem{}, history...), history...)
		for index := range events {
			events[index].Time = mlcore.UnixMicro(int64(index))
		}
		found = testing.AllocsPerRun(100, func() {
			if _, err := ruled.RecommendHistory(events, shape.n, mlcore.RecommendOptions{}); err != nil {
				t.Fatal(err)
			}
		})
		if found > 3 {
			t.Errorf("%+v: %v allocations for events", shape, found)
		}
		turn := 0
		found = testing.AllocsPerRun(100, func() {
			turn++
			if _, err := ruled.Recommend(weighted.Users[turn%10], shape.n, mlcore.RecommendOptions{}); err != nil {
				t.Fatal(err)
			}
		})
		if found > 3 {
			t.Errorf("%+v: %v allocations for a user of a model with a decay", shape, found)
		}
		for _, explain := range []bool{false, true} {
			prepared, err := model.Prepare(mlcore.RecommendOptions{Fill: true, Explain: explain})
			if err != nil {
				t.Fatal(err)
			}
			var line []byte
			found = testing.AllocsPerRun(100, func() {
				if line, _, err = prepared.AppendRecommend(line[:0], written.Users[3], shape.n); err != nil {
					t.Fatal(err)
				}
			})
			if found > 1 {
				t.Errorf("%+v, explain %t: %v allocations for a line", shape, explain, found)
			}
		}
	}
}
