package modeltest

import (
	"fmt"
	"math/rand/v2"
	"slices"
)

// Random returns a model of the given sizes. Ids need quotes now and then, similarities may be below
// 0, many scores tie, and some rows are empty.
func Random(random *rand.Rand, users, items, longestRow int) *Model {
	m := &Model{Items: ids(random, items, "i"), Users: ids(random, users, "u")}
	for item := range items {
		m.Similarity = append(m.Similarity, row(random, items, longestRow, item, func() float32 {
			switch random.IntN(4) {
			case 0:
				return float32(random.IntN(4)+1) / 4 // ties
			case 1:
				return -random.Float32() - 1e-3
			}
			return random.Float32() + 1e-6
		}))
	}
	for range users {
		m.Histories = append(m.Histories, row(random, items, longestRow, -1, func() float32 {
			return float32(random.IntN(8)+1) / 4
		}))
	}
	return m
}

func ids(random *rand.Rand, count int, prefix string) []string {
	forms := []string{"%s%d", "%s,%d", `%s"%d`, "%s\u00e9%d", "%s \U0001F600%d"}
	result := make([]string, count)
	for index := range result {
		result[index] = fmt.Sprintf(forms[random.IntN(len(forms))], prefix, index)
	}
	slices.Sort(result)
	return result
}

func row(random *rand.Rand, items, longest, own int, value func() float32) []Pair {
	var indices []int32
	for range random.IntN(min(longest, items) + 1) {
		if index := random.IntN(items); index != own {
			indices = append(indices, int32(index))
		}
	}
	slices.Sort(indices)
	var pairs []Pair
	for _, index := range slices.Compact(indices) {
		pairs = append(pairs, Pair{index, value()})
	}
	return pairs
}

// RandomAttributes returns a catalogue whose columns have few values or many, all in common, and none here
// and there. Some times are equal.
func RandomAttributes(random *rand.Rand, items int) *Attributes {
	a := &Attributes{Values: ids(random, 1+random.IntN(2*items), "v")}
	for _, name := range []string{"brand", `co,"l"our`, "série"}[:1+random.IntN(3)] {
		numValues := min(len(a.Values), 1+random.IntN(1<<random.IntN(8)))
		codes := make([]int32, items)
		for item := range codes {
			codes[item] = int32(random.IntN(numValues+1)) - 1
		}
		a.Columns, a.Codes = append(a.Columns, name), append(a.Codes, codes)
	}
	if random.IntN(4) == 0 {
		return a
	}
	time := func() int64 {
		if random.IntN(4) == 0 {
			return NoTime
		}
		return int64(random.IntN(10)-5) * 1_000_000
	}
	for range items {
		a.From, a.Until = append(a.From, time()), append(a.Until, time())
	}
	return a
}
