package mlcore_test

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	mlcore "github.com/mlcore/mlcore/interop/go"
	"github.com/mlcore/mlcore/interop/go/internal/modeltest"
)

// TestEventsBecomeTheHistoryOfTheOracle takes every weighting, decay and aggregate.
func TestEventsBecomeTheHistoryOfTheOracle(t *testing.T) {
	accepted, refused := 0, 0
	for seed, name := range weightings {
		for _, aggregate := range aggregates {
			for turn, halfLife := range []float64{0, 0.01, 30, 1e-12, 1e300} {
				for _, decay := range decays {
					random := rand.New(rand.NewPCG(uint64(seed), 14))
					written := modeltest.Random(random, 6, 12, 8)
					rule := randomRule(random, aggregate, name, halfLife, len(written.Items))
					rule.decay, rule.halfLifeItems = decay, []float64{1, 2.5, 0.01, 1e9, 5e-324}[turn]
					userEvents := giveUsersEvents(random, written, rule)
					model := openModel(t, written.Write(t, t.TempDir()), mlcore.Options{})
					if err := model.Verify(); err != nil {
						t.Fatal(err)
					}
					options := mlcore.RecommendOptions{Fill: true, Explain: true}
					for user, id := range written.Users {
						expected, err := model.Recommend(id, 20, options)
						if err != nil {
							t.Fatal(err)
						}
						found, err := model.RecommendHistory(asRequest(userEvents[user]), 20, options)
						if err != nil {
							t.Fatal(err)
						}
						checkItems(t, fmt.Sprintf("%s, user %s", written.Rule.Config, id), expected, found)
					}
					good, bad := checkRandomEvents(t, random, model, written, rule)
					accepted, refused = accepted+good, refused+bad
				}
			}
		}
	}
	if accepted < 3000 || refused < 900 {
		t.Errorf("%d accepted, %d refused: too few to tell", accepted, refused)
	}
}

// giveUsersEvents gives the users of a model the histories of some events, without what the rule refuses.
func giveUsersEvents(random *rand.Rand, written *modeltest.Model, rule *ruleOracle) [][]rawEvent {
	userEvents := make([][]rawEvent, len(written.Users))
	written.Rule = rule.modelRule()
	if rule.decay != "none" {
		written.Order = make([][]int32, len(written.Users))
	}
	for user := range written.Histories {
		history, isGood := map[int]float32{}, false
		for !isGood {
			userEvents[user] = randomEvents(random, written.Items, rule)
			history, isGood = rule.history(written.Items, userEvents[user], nil)
		}
		places := rule.order(written.Items, userEvents[user])
		written.Histories[user] = nil
		for index := range written.Items {
			if weight, isThere := history[index]; isThere {
				pair := modeltest.Pair{Index: int32(index), Value: weight}
				written.Histories[user] = append(written.Histories[user], pair)
				if written.Order != nil {
					written.Order[user] = append(written.Order[user], int32(places[index]))
				}
			}
		}
	}
	return userEvents
}

// checkRandomEvents compares 60 requests with the oracle, and counts those accepted and refused.
func checkRandomEvents(
	t *testing.T, random *rand.Rand, model *mlcore.Model, written *modeltest.Model, rule *ruleOracle,
) (accepted, refused int) {
	for range 60 {
		events := randomEvents(random, written.Items, rule)
		options := mlcore.RecommendOptions{Explain: true, IncludeSeen: true}
		var now *int64
		if random.IntN(2) == 0 {
			moment := rule.reference + int64(random.IntN(3)-1)*day
			now, options.Now = &moment, mlcore.UnixMicro(moment)
		}
		history, isGood := rule.history(written.Items, events, now)
		found, err := model.RecommendHistory(asRequest(events), 20, options)
		what := fmt.Sprintf("%s, %v, now %v", written.Rule.Config, events, options.Now)
		if !isGood {
			refused++
			if mlcore.VerdictOf(err) != mlcore.VerdictRequest {
				t.Fatalf("%s: expected a refusal, got %v, %v", what, found, err)
			}
			continue
		}
		accepted++
		if err != nil {
			t.Fatal(what, err)
		}
		history = rule.decayed(history, rule.order(written.Items, events))
		expected := oracle(written, final(written.Items, history), 20, options)
		checkItems(t, what, expected, found)
		options.FinalWeights = true
		if found, err = model.RecommendHistory(final(written.Items, history), 20, options); err != nil {
			t.Fatal(err)
		}
		checkItems(t, what+", final", expected, found)
	}
	return accepted, refused
}

// decayingModel has two items, b alone similar to a, and weights that halve each day from 11 January on.
func decayingModel(name, aggregate string) *modeltest.Model {
	m := tinyModel()
	rule := ruleOracle{aggregate: aggregate, name: name, halfLifeDays: 1, reference: 10 * day}
	if name == "tf_idf" {
		rule.factors = []float64{2, 1, -0.5}
	}
	m.Rule = rule.modelRule()
	return m
}

// The years 1 to 9999.
const firstMoment, lastMoment = -62_135_596_800_000_000, 253_402_300_799_999_999

func TestEventsAgeUpToNow(t *testing.T) {
	model := openModel(t, decayingModel("none", "sum").Write(t, t.TempDir()), mlcore.Options{})
	at := func(days int64) mlcore.Timestamp { return mlcore.UnixMicro(days * day) }
	event := func(weight float64, time mlcore.Timestamp) mlcore.HistoryItem {
		return mlcore.HistoryItem{ID: "a", Weight: weight, Time: time}
	}
	none := mlcore.Timestamp{}
	for _, c := range []struct {
		now      mlcore.Timestamp
		events   []mlcore.HistoryItem
		expected float64 // twice the score of b is the weight of a
	}{
		{none, []mlcore.HistoryItem{event(8, at(10))}, 8},
		{none, []mlcore.HistoryItem{event(8, at(8))}, 2},
		{none, []mlcore.HistoryItem{event(8, none)}, 8},
		{at(12), []mlcore.HistoryItem{event(8, at(10))}, 2},
		{at(12), []mlcore.HistoryItem{event(8, none)}, 8},
		{at(9), []mlcore.HistoryItem{event(8, at(8))}, 4},
		// All age from the latest, and from now if one of them has no time.
		{none, []mlcore.HistoryItem{event(5, at(9)), event(3, at(2))}, 4},
		{none, []mlcore.HistoryItem{event(5, none), event(3, at(2))}, 8},
		// So old that float32 would round it to 0.
		{none, []mlcore.HistoryItem{event(1, at(-400))}, 0x1p-149},
		{none, []mlcore.HistoryItem{event(1, mlcore.UnixMicro(firstMoment))}, 0x1p-149},
		{mlcore.UnixMicro(lastMoment), []mlcore.HistoryItem{event(1, mlcore.UnixMicro(firstMoment))}, 0x1p-149},
	} {
		items, err := model.RecommendHistory(c.events, 1, mlcore.RecommendOptions{Now: c.now})
		if err != nil || len(items) != 1 || 2*items[0].Score != c.expected {
			t.Errorf("%+v: got %v, %v", c, items, err)
		}
	}
	similar, err := model.Similar("a", 1)
	if err != nil || similar[0].Score != 0.5 {
		t.Errorf("got %v, %v", similar, err)
	}
}

func TestEventsThatTheRuleRefusesHaveTheirMessage(t *testing.T) {
	plain := openModel(t, decayingModel("none", "sum").Write(t, t.TempDir()), mlcore.Options{})
	weighted := openModel(t, decayingModel("tf_idf", "sum").Write(t, t.TempDir()), mlcore.Options{})
	one := func(weight float64, time int64) []mlcore.HistoryItem {
		return []mlcore.HistoryItem{{ID: "a", Weight: weight, Time: mlcore.UnixMicro(time)}}
	}
	three := []mlcore.HistoryItem{{ID: "a", Weight: 1}, {ID: "b", Weight: 1}, {ID: "c", Weight: 1}}
	now := mlcore.RecommendOptions{Now: mlcore.UnixMicro(5 * day)}
	final := mlcore.RecommendOptions{FinalWeights: true}
	for _, c := range []struct {
		model    *mlcore.Model
		history  []mlcore.HistoryItem
		options  mlcore.RecommendOptions
		expected string
	}{
		{plain, one(0, 0), now, "history: item 'a': weight: expected a finite number above 0, got 0.0"},
		{plain, []mlcore.HistoryItem{{ID: "x", Weight: math.Inf(1)}}, now, "history: item 'x': weight: expected a finite number above 0, got inf"},
		{plain, one(1, 10*day+1), mlcore.RecommendOptions{}, "weighting none: item 'a': expected a timestamp up to the reference time " +
			"1970-01-11T00:00:00.000000Z, got 1970-01-11T00:00:00.000001Z"},
		{plain, one(1, lastMoment), now, "weighting none: item 'a': expected a timestamp up to now, " +
			"1970-01-06T00:00:00.000000Z, got 9999-12-31T23:59:59.999999Z"},
		{plain, one(1, lastMoment+1), now, "history: time: expected a time of the years 1 to 9999, got 253402300800000000 microseconds after 1970"},
		{plain, append(one(1e308, 0), one(1e308, 0)...), now, "weight: item 'a': expected a finite sum, got Infinity"},
		{plain, one(1e-44, 8*day), mlcore.RecommendOptions{}, ""},
		{plain, one(1e-50, 8*day), mlcore.RecommendOptions{}, "weighting none: item 'a': expected a weight above 0 that float32 holds, got 2.5e-51"},
		{weighted, three, mlcore.RecommendOptions{}, "weighting tf_idf: item 'a': expected a weight above 0 that float32 holds, got -0.5"},
		{weighted, three, final, ""},
		{plain, append(one(1, 0), one(1, 0)...), final, "history: expected each item once, got 'a' twice"},
		{plain, one(1e-50, 0), final, "history: item 'a': weight: expected a finite number above 0 that float32 holds, got 1e-50"},
		{plain, one(1, lastMoment), final, ""},
		{plain, []mlcore.HistoryItem{{ID: "x", Weight: 1, Time: mlcore.UnixMicro(lastMoment)}, {ID: "x", Weight: 1}}, now, ""},
	} {
		_, err := c.model.RecommendHistory(c.history, 1, c.options)
		if (c.expected == "") != (err == nil) || (err != nil && err.Error() != c.expected) {
			t.Errorf("%v: expected %q, got %v", c.history, c.expected, err)
		}
		if err != nil && mlcore.VerdictOf(err) != mlcore.VerdictRequest {
			t.Errorf("%v: got %s", c.history, mlcore.VerdictOf(err))
		}
	}
}

func TestLinesCountItemsNotEvents(t *testing.T) {
	model := openModel(t, decayingModel("none", "count").Write(t, t.TempDir()), mlcore.Options{})
	prepared, err := model.Prepare(mlcore.RecommendOptions{})
	if err != nil {
		t.Fatal(err)
	}
	history := []mlcore.HistoryItem{{ID: "x", Weight: 1}, {ID: "a", Weight: 1}, {ID: "x", Weight: 2}, {ID: "a", Weight: 1}, {ID: "y", Weight: 1}}
	text, line, err := prepared.AppendRecommendHistory(nil, "u", history, 1)
	if expected := `{"user_id": "u", "items": [{"item_id": "b", "score": 1}]}` + "\n"; err != nil || string(text) != expected {
		t.Errorf("got %s, %v", text, err)
	}
	if expected := (mlcore.Line{Items: 1, KnownItems: 1, UnknownItems: 2}); line != expected {
		t.Errorf("expected %+v, got %+v", expected, line)
	}
	if _, _, err := prepared.WithFinalWeights().AppendRecommendHistory(nil, "u", history, 1); mlcore.VerdictOf(err) != mlcore.VerdictRequest {
		t.Errorf("got %v", err)
	}
}

// FuzzEvents takes any two events: the order in which they are given must not matter, unless one is without
// a time and the history decays; nor may any crash.
func FuzzEvents(f *testing.F) {
	var models []*mlcore.Model
	var items []string
	for seed, name := range weightings {
		for _, aggregate := range aggregates {
			random := rand.New(rand.NewPCG(uint64(seed), 3))
			written := modeltest.Random(random, 1, 3, 3)
			rule := randomRule(random, aggregate, name, float64(seed%2)*7, 3)
			rule.decay = decays[seed%3]
			giveUsersEvents(random, written, rule)
			items = written.Items
			models = append(models, openModel(f, written.Write(f, f.TempDir()), mlcore.Options{}))
		}
	}
	f.Add(0, 1.0, int64(0), 2.0, int64(5), uint8(0), int64(0))
	f.Add(7, 1e308, int64(math.MinInt64), 1e308, int64(math.MaxInt64), uint8(7), int64(math.MaxInt64))
	f.Add(9, 5e-324, int64(20*day), math.Inf(1), int64(-1), uint8(3), int64(math.MinInt64))
	f.Add(4, 0.1, int64(5), 0.2, int64(5), uint8(11), int64(-1))
	f.Add(5, 1e-44, int64(5), 0.2, int64(6), uint8(9), int64(7))
	f.Add(19, 0.1, int64(20*day), 0.2, int64(20*day), uint8(11), int64(-1))
	f.Fuzz(func(t *testing.T, which int, weight float64, time int64, other float64, otherTime int64, bits uint8, now int64) {
		if which < 0 {
			which = ^which
		}
		which %= len(models)
		options := mlcore.RecommendOptions{IncludeSeen: true, FinalWeights: bits&16 != 0}
		history := []mlcore.HistoryItem{{ID: items[0], Weight: weight}, {ID: items[bits>>3&1], Weight: other}}
		if bits&1 != 0 {
			history[0].Time = mlcore.UnixMicro(time)
		}
		if bits&2 != 0 {
			history[1].Time = mlcore.UnixMicro(otherTime)
		}
		if bits&4 != 0 {
			options.Now = mlcore.UnixMicro(now)
		}
		found, err := models[which].RecommendHistory(history, 3, options)
		slices.Reverse(history)
		again, errAgain := models[which].RecommendHistory(history, 3, options)
		if mlcore.VerdictOf(err) != mlcore.VerdictOf(errAgain) || (err != nil && mlcore.VerdictOf(err) != mlcore.VerdictRequest) {
			t.Fatalf("got %v and %v", err, errAgain)
		}
		if bits&3 == 3 || options.FinalWeights || !models[which].Manifest().WithHistoryOrder() {
			checkItems(t, "in the other order", found, again)
		}
	})
}
