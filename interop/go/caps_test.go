package mlcore

import (
	"math/rand/v2"
	"slices"
	"testing"
)

// TestCapsAreGreedy has many candidates for few places, so that those behind the first ones are looked at.
func TestCapsAreGreedy(t *testing.T) {
	random := rand.New(rand.NewPCG(14, 4))
	longest := 0
	for range 2000 {
		numItems, n := 1+random.IntN(600), 1+random.IntN(8)
		g := gate{table: &attributeTable{values: idMap{count: 40}}}
		for range 1 + random.IntN(3) {
			codes, values := make([]int32, numItems), 1+random.IntN(40)
			for item := range codes {
				// The better an item is the smaller its value tends to be: the best are of few groups.
				codes[item] = int32(min(values-1, item*values/numItems+random.IntN(3))) - int32(random.IntN(8)/7)
			}
			g.caps = append(g.caps, groupCap{codes, 1 + random.IntN(3)})
		}
		candidates := make([]ranked, numItems)
		for item := range candidates {
			candidates[item] = ranked{index: int32(item), score: float64((numItems - item) / (1 + random.IntN(3)))}
		}
		var expected []ranked
		held := map[[2]int32]int{}
		for _, item := range slices.SortedFunc(slices.Values(candidates), compareRanked) {
			fits := len(expected) < n
			for position, column := range g.caps {
				if code := column.codes[item.index]; code >= 0 {
					fits = fits && held[[2]int32{int32(position), code}] < column.most
				}
			}
			if fits {
				expected = append(expected, item)
				for position, column := range g.caps {
					held[[2]int32{int32(position), column.codes[item.index]}]++
				}
			}
		}
		s := scratch{ranking: &ranking{held: counter{}}}
		random.Shuffle(numItems, func(a, b int) { candidates[a], candidates[b] = candidates[b], candidates[a] })
		if err := s.choose(&g, candidates, n); err != nil {
			t.Fatal(err)
		}
		if !slices.Equal(s.top.list, expected) {
			t.Fatalf("expected %v, got %v", expected, s.top.list)
		}
		if len(expected) > 0 {
			last := expected[len(expected)-1]
			longest = max(longest, int(last.index))
		}
	}
	if longest < 200 {
		t.Errorf("no list goes beyond the item %d", longest)
	}
}

func compareRanked(a, b ranked) int {
	if better(a, b) {
		return -1
	}
	return 1
}
