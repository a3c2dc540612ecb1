package mlcore

import (
	"math"
	"math/rand/v2"
	"slices"
	"testing"
)

func TestTopNIsTheHeadOfAFullSort(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 2))
	for range 2000 {
		var all []ranked
		for _, index := range random.Perm(random.IntN(40)) {
			all = append(all, ranked{index: int32(index), score: float64(random.IntN(6)-2) / 2})
		}
		top := topN{}
		top.reset(1 + random.IntN(45))
		for _, item := range all {
			if item.score >= top.floor {
				top.offer(item)
			}
		}
		top.sort()
		slices.SortFunc(all, func(a, b ranked) int {
			if a.score != b.score {
				return map[bool]int{true: -1, false: 1}[a.score > b.score]
			}
			return int(a.index) - int(b.index)
		})
		if expected := all[:min(top.n, len(all))]; !slices.Equal(top.list, expected) {
			t.Fatalf("n %d: expected %v, got %v", top.n, expected, top.list)
		}
	}
}

func TestBothZerosAreOneScore(t *testing.T) {
	negative := -1.0 * 0
	top := topN{}
	top.reset(2)
	top.offer(ranked{index: 2, score: 0})
	top.offer(ranked{index: 1, score: negative})
	top.offer(ranked{index: 0, score: 0})
	top.sort()
	if top.list[0].index != 0 || top.list[1].index != 1 {
		t.Errorf("got %v", top.list)
	}
}

func TestDenseAndSparseScoresAreTheSame(t *testing.T) {
	random := rand.New(rand.NewPCG(7, 7))
	for range 500 {
		numItems := 1 + random.IntN(200)
		var dense denseScores
		var sparse sparseScores
		rows := make([][]int32, random.IntN(8))
		entries := 0
		for row := range rows {
			rows[row] = ascending(random, numItems)
			entries += len(rows[row])
		}
		dense.reset(numItems, entries)
		sparse.reset(min(entries, numItems))
		for _, indices := range rows {
			data := make([]float32, len(indices))
			for entry := range data {
				data[entry] = random.Float32() - 0.5
				if random.IntN(4) == 0 {
					data[entry] = float32(math.Copysign(0, -1)) // a candidate all the same
				}
			}
			weight := float64(random.Float32())
			if !dense.add(weight, indices, data) || !sparse.add(weight, indices, data, numItems) {
				t.Fatal("a good row was refused")
			}
		}
		leftOut, include := ascending(random, numItems), ascending(random, numItems)
		if random.IntN(2) == 0 {
			include = nil
		}
		var a, b topN
		a.reset(1 + random.IntN(20))
		b.reset(a.n)
		dense.remove(leftOut)
		dense.take(&a, include)
		sparse.take(&b, include, nil, leftOut)
		a.sort()
		b.sort()
		if !slices.EqualFunc(a.list, b.list, isSame) {
			t.Fatalf("%v is not %v", a.list, b.list)
		}
		if slices.ContainsFunc(dense.scores, func(score float64) bool { return !isUntouched(score) }) ||
			len(dense.touched) != 0 ||
			slices.ContainsFunc(sparse.items, func(item int32) bool { return item != 0 }) {
			t.Fatal("something was left behind")
		}
	}
}

// isSame tells the two zeros apart.
func isSame(a, b ranked) bool { return a == b && math.Signbit(a.score) == math.Signbit(b.score) }

func ascending(random *rand.Rand, below int) []int32 {
	items := make([]int32, 0, below)
	for item := range below {
		if random.IntN(3) == 0 {
			items = append(items, int32(item))
		}
	}
	return items
}

func TestRowsWithBadIndicesAreRefused(t *testing.T) {
	var dense denseScores
	var sparse sparseScores
	sparse.reset(8)
	data := []float32{1, 1}
	for _, indices := range [][]int32{{0, 12}, {0, -1}, {1, 1}, {2, 0}, {-2147483648, 0}, {0, 2147483647}} {
		if sparse.add(1, indices, data, 12) {
			t.Errorf("%v was accepted", indices)
		}
		for _, entries := range []int{2, 3} {
			if dense.reset(12, entries); dense.isWhole != (entries == 3) || dense.add(1, indices, data) {
				t.Errorf("%v of %d entries was accepted", indices, entries)
			}
			dense.clear()
		}
		sparse.clear()
	}
}
