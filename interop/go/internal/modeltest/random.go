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
