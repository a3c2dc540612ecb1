package mlcore_test

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"

	mlcore "github.com/mlcore/mlcore/interop/go"
	"github.com/mlcore/mlcore/interop/go/internal/modeltest"
)

// randomPairs returns few items of each user, many or none, some of which the model does not have, and the same
// as pairs in no order, some of them twice.
func randomPairs(random *rand.Rand, m *modeltest.Model) (map[string][]string, []string, []string, []mlcore.UserItem) {
	byUser, itemIDs := map[string][]string{}, append(slices.Clone(m.Items), "no item")
	var pairs []mlcore.UserItem
	for user, id := range m.Users {
		if random.IntN(5) == 0 {
			continue
		}
		byUser[id] = []string{}
		for range []int{0, 1, 5, 2 * len(m.Items)}[random.IntN(4)] {
			item := random.IntN(len(itemIDs))
			byUser[id] = append(byUser[id], itemIDs[item])
			pairs = append(pairs, mlcore.UserItem{User: int32(user), Item: int32(item)})
		}
		if len(byUser[id]) == 0 { // an item that nobody has, so that the user has a row
			pairs = append(pairs, mlcore.UserItem{User: int32(user), Item: int32(len(m.Items))})
		}
	}
	random.Shuffle(len(pairs), func(i, j int) { pairs[i], pairs[j] = pairs[j], pairs[i] })
	return byUser, m.Users, itemIDs, pairs
}

func TestListsByUserAreThoseOfOneRequestEach(t *testing.T) {
	for seed, shape := range []struct{ users, items, longest int }{{12, 40, 40}, {8, 300, 12}, {6, 5000, 6}} {
		random := rand.New(rand.NewPCG(uint64(seed), 5))
		written := modeltest.Random(random, shape.users, shape.items, shape.longest)
		model := openModel(t, written.Write(t, t.TempDir()), mlcore.Options{})
		for round := range 40 {
			options := mlcore.RecommendOptions{
				IncludeSeen: random.IntN(2) == 0, Fill: random.IntN(2) == 0, Explain: random.IntN(2) == 0,
			}
			if random.IntN(2) == 0 {
				options.Include = sample(random, written.Items, random.Float64())
			}
			if random.IntN(2) == 0 {
				options.Exclude = sample(random, written.Items, random.Float64())
			}
			included, userIDs, itemIDs, pairs := randomPairs(random, written)
			include, err := model.UserItems(userIDs, itemIDs, pairs)
			if err != nil {
				t.Fatal(err)
			}
			excluded, userIDs, itemIDs, pairs := randomPairs(random, written)
			exclude, err := model.UserItems(userIDs, itemIDs, pairs)
			if err != nil {
				t.Fatal(err)
			}
			switch round % 3 {
			case 0:
				include, included = nil, nil
			case 1:
				exclude, excluded = nil, nil
			}
			prepared, err := model.Prepare(options)
			if err != nil {
				t.Fatal(err)
			}
			byUser := prepared.ByUser(include, exclude)
			n := []int{1, 5, 50}[random.IntN(3)]
			for _, id := range append(written.Users, "nobody") {
				alone := options
				alone.Exclude = append(slices.Clone(options.Exclude), excluded[id]...)
				if include != nil {
					alone.Include = intersection(options.Include, included[id])
				}
				what := fmt.Sprint(shape, id, options, included[id], excluded[id])
				checkLine(t, what, model, byUser, alone, id, n)
			}
		}
	}
}

// checkLine compares the line of one request of many with the list of a request of its own.
func checkLine(
	t *testing.T, what string, model *mlcore.Model, byUser *mlcore.Prepared, alone mlcore.RecommendOptions, id string, n int,
) {
	t.Helper()
	expected, err := model.Recommend(id, n, alone)
	found, otherErr := byUser.Recommend(id, n)
	if mlcore.VerdictOf(err) != mlcore.VerdictOf(otherErr) {
		t.Fatal(what, err, otherErr)
	}
	checkItems(t, what, expected, found)
	line, _, _ := byUser.AppendRecommend(nil, id, n)
	if err == nil && !bytes.Equal(line, mlcore.AppendPrediction(nil, id, expected)) {
		t.Fatalf("%s: got %s", what, line)
	}
	expected, _ = model.RecommendHistory([]mlcore.HistoryItem{}, n, alone)
	line, _, _ = byUser.AppendRecommendHistory(nil, id, nil, n)
	if !bytes.Equal(line, mlcore.AppendPrediction(nil, id, expected)) {
		t.Fatalf("%s: no history: got %s", what, line)
	}
}

// intersection returns the ids of both lists; the first may be nil for all.
func intersection(all, some []string) []string {
	both := []string{}
	for _, id := range some {
		if all == nil || slices.Contains(all, id) {
			both = append(both, id)
		}
	}
	return both
}
