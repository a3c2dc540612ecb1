package mlcore_test

import (
	"fmt"
	"math"
	"math/rand/v2"
	"reflect"
	"slices"
	"testing"

	mlcore "github.com/mlcore/mlcore/interop/go"
	"github.com/mlcore/mlcore/interop/go/internal/modeltest"
)

// byHand: a speaks for c by 0.5 and against d by 1; b for c by 0.25; c for a by 2. The user has a with
// weight 3 and b with weight 2, so c gets 3 * 0.5 + 2 * 0.25, and d gets -3.
func byHand() *modeltest.Model {
	return &modeltest.Model{
		Items: []string{"a", "b", "c", "d"},
		Users: []string{"u"},
		Similarity: [][]modeltest.Pair{
			{{Index: 2, Value: 0.5}, {Index: 3, Value: -1}}, {{Index: 2, Value: 0.25}}, {{Index: 0, Value: 2}}, {},
		},
		Histories: [][]modeltest.Pair{{{Index: 0, Value: 3}, {Index: 1, Value: 2}}},
	}
}

func TestReasonsAreWhatTheHandComputes(t *testing.T) {
	model := openModel(t, byHand().Write(t, t.TempDir()), mlcore.Options{})
	items, err := model.Recommend("u", 3, mlcore.RecommendOptions{Explain: true, Fill: true})
	expected := []mlcore.Item{
		{ID: "c", Index: 2, Score: 2, Because: []mlcore.Share{{"a", 0, 1.5}, {"b", 1, 0.5}}},
		{ID: "d", Index: 3, Score: -3, Because: []mlcore.Share{{"a", 0, -3}}},
	}
	if err != nil || !reflect.DeepEqual(items, expected) {
		t.Errorf("got %v, %v", items, err)
	}
	items, err = model.RecommendHistory([]mlcore.HistoryItem{{ID: "b", Weight: 1}}, 2, mlcore.RecommendOptions{Explain: true, Fill: true})
	expected = []mlcore.Item{
		{ID: "c", Index: 2, Score: 0.25, Because: []mlcore.Share{{"b", 1, 0.25}}},
		{ID: "a", Index: 0, Filled: true, Because: []mlcore.Share{}},
	}
	if err != nil || !reflect.DeepEqual(items, expected) {
		t.Errorf("got %v, %v", items, err)
	}
	shares, err := model.Explain("u", "d")
	if err != nil || !slices.Equal(shares, []mlcore.Share{{"a", 0, -3}}) {
		t.Errorf("got %v, %v", shares, err)
	}
	// An item of the history, and one that nothing speaks for.
	shares, err = model.ExplainHistory([]mlcore.HistoryItem{{ID: "c", Weight: 0.5}, {ID: "x", Weight: 9}, {ID: "a", Weight: 1}}, "a")
	if err != nil || !slices.Equal(shares, []mlcore.Share{{"c", 2, 1}}) {
		t.Errorf("got %v, %v", shares, err)
	}
	if shares, err = model.Explain("u", "b"); err != nil || len(shares) != 0 {
		t.Errorf("got %v, %v", shares, err)
	}
}

func TestSharesAddUpToTheScore(t *testing.T) {
	for seed, shape := range []struct{ users, items, longest int }{{8, 40, 40}, {6, 5000, 60}} {
		random := rand.New(rand.NewPCG(uint64(seed), 5))
		written := modeltest.Random(random, shape.users, shape.items, shape.longest)
		for _, row := range written.Similarity { // of many sizes, or any order gives the same sum
			for index := range row {
				row[index].Value *= float32(math.Ldexp(1+random.Float64(), random.IntN(40)-20))
			}
		}
		model := openModel(t, written.Write(t, t.TempDir()), mlcore.Options{})
		orderMatters := 0
		for index, user := range written.Users {
			plain, err := model.Recommend(user, 50, mlcore.RecommendOptions{IncludeSeen: true})
			if err != nil {
				t.Fatal(err)
			}
			items, err := model.Recommend(user, 50, mlcore.RecommendOptions{IncludeSeen: true, Explain: true})
			if err != nil || len(items) != len(plain) {
				t.Fatal(err, len(items), len(plain))
			}
			for position, item := range items {
				sum, backwards := 0.0, 0.0
				for share := range item.Because {
					sum += item.Because[share].Share
					backwards += item.Because[len(item.Because)-1-share].Share
				}
				if math.Float64bits(sum) != math.Float64bits(item.Score) || len(item.Because) == 0 {
					t.Errorf("%s: %v add up to %v, not %v", item.ID, item.Because, sum, item.Score)
				}
				if sum != backwards {
					orderMatters++
				}
				alone, err := model.Explain(user, item.ID)
				if err != nil || !slices.Equal(alone, item.Because) {
					t.Errorf("%s: got %v, %v, want %v", item.ID, alone, err, item.Because)
				}
				alone, err = model.ExplainHistory(historyOf(written, index), item.ID)
				if err != nil || !slices.Equal(alone, item.Because) {
					t.Errorf("%s: got %v, %v, want %v", item.ID, alone, err, item.Because)
				}
				item.Because = nil
				checkItems(t, user, plain[position:position+1], []mlcore.Item{item})
			}
		}
		if shape.items < 100 && orderMatters == 0 {
			t.Error("no score depends on the order of its shares")
		}
	}
}

func TestWhatCannotBeExplainedIsRefused(t *testing.T) {
	model := openModel(t, byHand().Write(t, t.TempDir()), mlcore.Options{})
	check := func(err error, verdict mlcore.Verdict, text string) {
		t.Helper()
		if mlcore.VerdictOf(err) != verdict || fmt.Sprint(err) != text {
			t.Errorf("expected %s %q, got %v", verdict, text, err)
		}
	}
	_, err := model.Explain("u", "x")
	check(err, mlcore.VerdictUnknownItem, "item: expected an item of the model, got 'x'")
	_, err = model.ExplainHistory(nil, "")
	check(err, mlcore.VerdictUnknownItem, "item: expected an item of the model, got ''")
	_, err = model.Explain("w", "c")
	check(err, mlcore.VerdictUnknownUser, "user: expected a user of the model, got 'w'")
	_, err = model.ExplainHistory([]mlcore.HistoryItem{{ID: "a", Weight: 1}, {ID: "a", Weight: 2}}, "c")
	check(err, mlcore.VerdictRequest, "history: expected each item once, got 'a' twice")

	damaged := byHand()
	damaged.Similarity[0][1].Index = 4
	faulty := openModel(t, damaged.Write(t, t.TempDir()), mlcore.Options{})
	if _, err = faulty.Explain("u", "c"); mlcore.VerdictOf(err) != mlcore.VerdictCSR {
		t.Errorf("got %v", err)
	}
	damaged = byHand()
	damaged.Similarity[0][0].Value = float32(math.NaN())
	faulty = openModel(t, damaged.Write(t, t.TempDir()), mlcore.Options{})
	if _, err = faulty.Explain("u", "c"); mlcore.VerdictOf(err) != mlcore.VerdictCSR {
		t.Errorf("got %v", err)
	}

	model.Close()
	if _, err = model.Explain("u", "c"); err != mlcore.ErrClosed {
		t.Errorf("got %v", err)
	}
}
