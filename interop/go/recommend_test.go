package mlcore_test

import (
	"cmp"
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	mlcore "github.com/mlcore/mlcore/interop/go"
	"github.com/mlcore/mlcore/interop/go/internal/modeltest"
)

// oracle follows the pseudo-code of section 10 of SPEC.md, with maps and a full sort.
func oracle(m *modeltest.Model, history []mlcore.HistoryItem, n int, options mlcore.RecommendOptions) []mlcore.Item {
	position := map[string]int{}
	for index, id := range m.Items {
		position[id] = index
	}
	weights := map[int]float32{}
	for _, item := range history {
		if index, isKnown := position[item.ID]; isKnown {
			weights[index] = float32(item.Weight)
		}
	}
	scores, because := map[int]float64{}, map[int32][]mlcore.Share{}
	for index, id := range m.Items {
		if weight, isThere := weights[index]; isThere {
			for _, pair := range m.Similarity[index] {
				share := float64(float64(weight) * float64(pair.Value))
				scores[int(pair.Index)] += share
				because[pair.Index] = append(because[pair.Index], mlcore.Share{ID: id, Index: int32(index), Share: share})
			}
		}
	}
	included, excluded := setOf(options.Include), setOf(options.Exclude)
	isAllowed := func(index int) bool {
		id := m.Items[index]
		return (options.Include == nil || included[id]) && !excluded[id] && isAdmitted(m.Attributes, options.Filter, index)
	}
	popularity := m.Decayed
	if popularity == nil {
		popularity = userCounts(m)
	}
	var list, more []mlcore.Item
	for index, id := range m.Items {
		_, isSeen := weights[index]
		score, isTouched := scores[index]
		isCandidate := isTouched && isAllowed(index) && (options.IncludeSeen || !isSeen)
		if isCandidate {
			list = append(list, mlcore.Item{ID: id, Index: int32(index), Score: score})
		}
	}
	slices.SortStableFunc(list, func(a, b mlcore.Item) int {
		switch {
		case a.Score > b.Score:
			return -1
		case a.Score < b.Score:
			return 1
		}
		return 0
	})
	held := map[[2]string]int{}
	list = greedy(nil, list, n, m.Attributes, options.Filter, held)
	for position := range list {
		if options.Explain {
			list[position].Because = because[list[position].Index]
		}
	}
	if !options.Fill {
		return list
	}
	isListed := map[int32]bool{}
	for _, item := range list {
		isListed[item.Index] = true
	}
	for index, id := range m.Items {
		_, isSeen := weights[index]
		if popularity[index] > 0 && isAllowed(index) && !isSeen && !isListed[int32(index)] {
			more = append(more, mlcore.Item{ID: id, Index: int32(index), Filled: true})
			if options.Explain {
				more[len(more)-1].Because = []mlcore.Share{}
			}
		}
	}
	slices.SortStableFunc(more, func(a, b mlcore.Item) int {
		return cmp.Compare(popularity[b.Index], popularity[a.Index])
	})
	return greedy(list, more, n, m.Attributes, options.Filter, held)
}

// isAdmitted follows ATT-5.
func isAdmitted(a *modeltest.Attributes, filter *mlcore.Filter, item int) bool {
	if filter == nil {
		return true
	}
	value := func(column string) string { return a.Value(slices.Index(a.Columns, column), item) }
	for column, values := range filter.AnyOf {
		if value(column) == "" || !slices.Contains(values, value(column)) {
			return false
		}
	}
	for column, values := range filter.NoneOf {
		if value(column) != "" && slices.Contains(values, value(column)) {
			return false
		}
	}
	for second := int64(-9); second < 9; second++ { // a Timestamp does not tell its time
		if at := second * 1_000_000; filter.AvailableAt == mlcore.UnixMicro(at) {
			return a.From[item] <= at && (a.Until[item] == modeltest.NoTime || at < a.Until[item])
		}
	}
	return true
}

// greedy follows walk of SPEC.md.
func greedy(
	list, items []mlcore.Item, n int, a *modeltest.Attributes, filter *mlcore.Filter, held map[[2]string]int,
) []mlcore.Item {
	for _, item := range items {
		if len(list) == n {
			break
		}
		var groups [][2]string
		fits := true
		if filter != nil {
			for column, most := range filter.AtMost {
				group := [2]string{column, a.Value(slices.Index(a.Columns, column), int(item.Index))}
				if group[1] != "" {
					groups = append(groups, group)
					fits = fits && held[group] < most
				}
			}
		}
		if fits {
			for _, group := range groups {
				held[group]++
			}
			list = append(list, item)
		}
	}
	return list
}

// randomFilter names columns of the catalogue, with values that it has and others.
func randomFilter(random *rand.Rand, a *modeltest.Attributes) *mlcore.Filter {
	filter := &mlcore.Filter{AnyOf: map[string][]string{}, NoneOf: map[string][]string{}, AtMost: map[string]int{}}
	for _, column := range a.Columns {
		if random.IntN(3) == 0 {
			filter.AnyOf[column] = sample(random, a.Values, random.Float64())
		}
		if random.IntN(3) == 0 {
			filter.NoneOf[column] = sample(random, a.Values, random.Float64()*random.Float64())
		}
		if random.IntN(3) == 0 {
			filter.AtMost[column] = 1 + random.IntN(4)
		}
	}
	if a.From != nil && random.IntN(2) == 0 {
		filter.AvailableAt = mlcore.UnixMicro(int64(random.IntN(12)-6) * 1_000_000)
	}
	return filter
}

func userCounts(m *modeltest.Model) []float64 {
	counts := make([]float64, len(m.Items))
	for _, row := range m.Histories {
		for _, pair := range row {
			counts[pair.Index]++
		}
	}
	return counts
}

// randomDecayed returns a popularity in another order than that by users, with ties.
func randomDecayed(random *rand.Rand, m *modeltest.Model) []float64 {
	decayed := userCounts(m)
	for item, count := range decayed {
		decayed[item] = min(count, 1) / float64(1+random.IntN(6))
	}
	return decayed
}

func setOf(ids []string) map[string]bool {
	set := map[string]bool{}
	for _, id := range ids {
		set[id] = true
	}
	return set
}

func checkItems(t *testing.T, what string, expected, found []mlcore.Item) {
	t.Helper()
	if !slices.EqualFunc(expected, found, func(a, b mlcore.Item) bool {
		return a.ID == b.ID && a.Index == b.Index && a.Filled == b.Filled &&
			math.Float64bits(a.Score) == math.Float64bits(b.Score) &&
			(a.Because == nil) == (b.Because == nil) && slices.Equal(a.Because, b.Because)
	}) {
		t.Fatalf("%s:\nexpected %v\n     got %v", what, expected, found)
	}
}

func openModel(tb testing.TB, dir string, options mlcore.Options) *mlcore.Model {
	tb.Helper()
	model, err := mlcore.Open(dir, options)
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() { model.Close() })
	return model
}

// historyOf returns a user's history as a request would name it.
func historyOf(m *modeltest.Model, user int) []mlcore.HistoryItem {
	history := []mlcore.HistoryItem{}
	for _, pair := range m.Histories[user] {
		history = append(history, mlcore.HistoryItem{ID: m.Items[pair.Index], Weight: float64(pair.Value)})
	}
	return history
}

func sample(random *rand.Rand, ids []string, share float64) []string {
	chosen := []string{"no such item"}
	for _, id := range ids {
		if random.Float64() < share {
			chosen = append(chosen, id)
		}
	}
	random.Shuffle(len(chosen), func(a, b int) { chosen[a], chosen[b] = chosen[b], chosen[a] })
	return chosen
}

func TestListsAreThoseOfTheOracle(t *testing.T) {
	shapes := []struct{ users, items, longest int }{
		{1, 1, 1}, {5, 7, 3}, {12, 40, 40}, {8, 300, 12},
		// The last ones note what they touch, and add up in a hash table: few entries among many items.
		{6, 5000, 6}, {4, 20000, 40}, {6, 40000, 6},
	}
	for seed, shape := range shapes {
		t.Run(fmt.Sprint(shape), func(t *testing.T) {
			random := rand.New(rand.NewPCG(uint64(seed), 17))
			written := modeltest.Random(random, shape.users, shape.items, shape.longest)
			written.Attributes = modeltest.RandomAttributes(random, shape.items)
			if seed%2 == 1 {
				written.Decayed = randomDecayed(random, written)
			}
			dir := written.Write(t, t.TempDir())
			mapped := openModel(t, dir, mlcore.Options{})
			read := openModel(t, dir, mlcore.Options{DisableMmap: true})
			if err := mapped.Verify(); err != nil {
				t.Fatal(err)
			}
			for range max(8, min(60, 20000/shape.items)) {
				options := mlcore.RecommendOptions{
					IncludeSeen: random.IntN(2) == 0, Fill: random.IntN(2) == 0, Explain: random.IntN(2) == 0,
				}
				if random.IntN(3) == 0 {
					options.Include = sample(random, written.Items, random.Float64())
				}
				if random.IntN(3) == 0 {
					options.Exclude = sample(random, written.Items, random.Float64())
				}
				if random.IntN(3) > 0 {
					options.Filter = randomFilter(random, written.Attributes)
				}
				n := []int{1, 2, 5, 50, math.MaxInt32}[random.IntN(5)]
				user := random.IntN(shape.users)
				history := historyOf(written, user)
				expected := oracle(written, history, n, options)
				what := fmt.Sprintf("user %d, n %d, %+v", user, n, options)
				prepared, err := mapped.Prepare(options)
				if err != nil {
					t.Fatal(err)
				}
				random.Shuffle(len(history), func(a, b int) { history[a], history[b] = history[b], history[a] })
				history = append(history, mlcore.HistoryItem{ID: "no such item", Weight: 1})
				for way, ask := range map[string]func() ([]mlcore.Item, error){
					"mapped":   func() ([]mlcore.Item, error) { return mapped.Recommend(written.Users[user], n, options) },
					"read":     func() ([]mlcore.Item, error) { return read.Recommend(written.Users[user], n, options) },
					"history":  func() ([]mlcore.Item, error) { return mapped.RecommendHistory(history, n, options) },
					"prepared": func() ([]mlcore.Item, error) { return prepared.Recommend(written.Users[user], n) },
					"prepared history": func() ([]mlcore.Item, error) {
						return prepared.RecommendHistory(history, n)
					},
				} {
					found, err := ask()
					if err != nil {
						t.Fatal(what, way, err)
					}
					checkItems(t, what+" "+way, expected, found)
				}
				line, _, err := prepared.AppendRecommend(nil, written.Users[user], n)
				if wanted := mlcore.AppendPrediction(nil, written.Users[user], expected); err != nil || string(line) != string(wanted) {
					t.Fatalf("%s:\nexpected %s\n     got %s %v", what, wanted, line, err)
				}
			}
		})
	}
}

func TestSimilarIsTheListOfTheItemAlone(t *testing.T) {
	random := rand.New(rand.NewPCG(3, 3))
	written := modeltest.Random(random, 3, 30, 10)
	model := openModel(t, written.Write(t, t.TempDir()), mlcore.Options{})
	for _, id := range written.Items {
		found, err := model.Similar(id, 4)
		if err != nil {
			t.Fatal(err)
		}
		expected := oracle(written, []mlcore.HistoryItem{{ID: id, Weight: 1}}, 4, mlcore.RecommendOptions{})
		checkItems(t, id, expected, found)
	}
}

// tinyModel has two users and three items.
func tinyModel() *modeltest.Model {
	return &modeltest.Model{
		Items:      []string{"a", "b", "c"},
		Users:      []string{"u", "v"},
		Similarity: [][]modeltest.Pair{{{Index: 1, Value: 0.5}}, {{Index: 0, Value: 0.5}, {Index: 2, Value: 0.25}}, {}},
		Histories:  [][]modeltest.Pair{{{Index: 0, Value: 1}}, {{Index: 0, Value: 1}, {Index: 1, Value: 2}}},
	}
}

func TestBadRequestsHaveTheirVerdict(t *testing.T) {
	model := openModel(t, tinyModel().Write(t, t.TempDir()), mlcore.Options{})
	withoutUsers := tinyModel()
	withoutUsers.Users = nil
	anonymous := openModel(t, withoutUsers.Write(t, t.TempDir()), mlcore.Options{})
	history := func(model *mlcore.Model, items ...mlcore.HistoryItem) error {
		_, err := model.RecommendHistory(items, 1, mlcore.RecommendOptions{})
		return err
	}
	user := func(model *mlcore.Model, id string, n int) error {
		_, err := model.Recommend(id, n, mlcore.RecommendOptions{})
		return err
	}
	_, unknownItem := model.Similar("d", 1)
	cases := []struct {
		err      error
		expected string
	}{
		{user(model, "w", 1), "user: expected a user of the model, got 'w'"},
		{user(model, "", 1), "user: expected a user of the model, got ''"},
		{user(anonymous, "u", 1), "users: expected a model with users, got one trained without"},
		{user(model, "u", 0), "n: expected an integer from 1 to 2147483647, got 0"},
		{unknownItem, "item: expected an item of the model, got 'd'"},
		{history(model, mlcore.HistoryItem{ID: "a", Weight: 1}, mlcore.HistoryItem{ID: "a", Weight: 1}), "history: expected each item once, got 'a' twice"},
		{history(model, mlcore.HistoryItem{ID: "x", Weight: 1}, mlcore.HistoryItem{ID: "a", Weight: 1}, mlcore.HistoryItem{ID: "x", Weight: 1}),
			"history: expected each item once, got 'x' twice"},
		{history(model, mlcore.HistoryItem{ID: "a", Weight: 0}),
			"history: item 'a': weight: expected a finite number above 0 that float32 holds, got 0.0"},
		{history(model, mlcore.HistoryItem{ID: "a", Weight: math.NaN()}),
			"history: item 'a': weight: expected a finite number above 0 that float32 holds, got nan"},
		{history(model, mlcore.HistoryItem{ID: "x", Weight: 1e-46}),
			"history: item 'x': weight: expected a finite number above 0 that float32 holds, got 1e-46"},
		{history(model, mlcore.HistoryItem{ID: "a", Weight: 3.5e38}),
			"history: item 'a': weight: expected a finite number above 0 that float32 holds, got 3.5e+38"},
	}
	verdicts := []mlcore.Verdict{
		mlcore.VerdictUnknownUser, mlcore.VerdictUnknownUser, mlcore.VerdictUnknownUser, mlcore.VerdictRequest,
		mlcore.VerdictUnknownItem,
	}
	for index, c := range cases {
		verdict := mlcore.VerdictRequest
		if index < len(verdicts) {
			verdict = verdicts[index]
		}
		var refusal *mlcore.Error
		if !errors.As(c.err, &refusal) || refusal.Verdict != verdict || refusal.Stage != mlcore.StagePredict ||
			c.err.Error() != c.expected {
			t.Errorf("expected %s %q, got %v", verdict, c.expected, c.err)
		}
	}
}

func TestAnEmptyListToIncludeAllowsNothing(t *testing.T) {
	model := openModel(t, tinyModel().Write(t, t.TempDir()), mlcore.Options{})
	for _, include := range [][]string{{}, {"no such item"}} {
		items, err := model.Recommend("u", 3, mlcore.RecommendOptions{Include: include, Fill: true})
		if err != nil || len(items) != 0 {
			t.Errorf("expected no items, got %v, %v", items, err)
		}
	}
}

func TestOptionsOfOneRequestLeaveNoTraceInTheNext(t *testing.T) {
	model := openModel(t, tinyModel().Write(t, t.TempDir()), mlcore.Options{})
	ask := func(options mlcore.RecommendOptions) []mlcore.Item {
		items, err := model.Recommend("v", 3, options)
		if err != nil {
			t.Fatal(err)
		}
		return items
	}
	before := ask(mlcore.RecommendOptions{Fill: true})
	ask(mlcore.RecommendOptions{Include: []string{"a"}, Exclude: []string{"c"}, IncludeSeen: true, Explain: true})
	checkItems(t, "after other options", before, ask(mlcore.RecommendOptions{Fill: true}))
}
