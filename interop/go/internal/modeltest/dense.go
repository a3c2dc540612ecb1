package modeltest

import (
	"fmt"
	"math/rand/v2"
)

// Dense returns a model whose items are all neighbors of each other. The first user has all items, the
// others have ten.
func Dense(random *rand.Rand, users, items int) *Model {
	m := &Model{}
	for item := range items {
		m.Items = append(m.Items, fmt.Sprintf("i%06d", item))
		pairs := make([]Pair, 0, items-1)
		for other := range items {
			if other != item {
				pairs = append(pairs, Pair{int32(other), random.Float32() + 1e-6})
			}
		}
		m.Similarity = append(m.Similarity, pairs)
	}
	for user := range users {
		m.Users = append(m.Users, fmt.Sprintf("u%06d", user))
		var history []Pair
		step := items / 10
		if user == 0 {
			step = 1
		}
		for item := random.IntN(step); item < items; item += step {
			history = append(history, Pair{int32(item), 1})
		}
		m.Histories = append(m.Histories, history)
	}
	return m
}
