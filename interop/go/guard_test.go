package mlcore_test

import (
	"bytes"
	"context"
	"errors"
	"math/rand/v2"
	"reflect"
	"strings"
	"testing"

	mlcore "github.com/mlcore/mlcore/interop/go"
	"github.com/mlcore/mlcore/interop/go/internal/modeltest"
)

// watch admits what costs no more than it has, and ends a request when it has been asked often enough.
type watch struct {
	most  float64
	cost  mlcore.Cost
	asked int
	last  int
}

var errDear, errEnded = errors.New("too dear"), errors.New("ended")

func (w *watch) Admit(cost mlcore.Cost) error {
	if w.cost = cost; w.most > 0 && cost.Steps > w.most {
		return errDear
	}
	return nil
}

func (w *watch) Err() error {
	if w.asked++; w.last > 0 && w.asked >= w.last {
		return errEnded
	}
	return nil
}

// denseModel has a user of all its 1,000 items, which stand for a million entries.
func denseModel(t *testing.T) (*modeltest.Model, *mlcore.Model) {
	written := modeltest.Dense(rand.New(rand.NewPCG(1, 1)), 3, 1000)
	written.Attributes = &modeltest.Attributes{
		Columns: []string{"kind", "size"}, Values: []string{"a", "b"}, Codes: [][]int32{make([]int32, 1000), make([]int32, 1000)},
	}
	return written, openModel(t, written.Write(t, t.TempDir()), mlcore.Options{})
}

func TestAGuardEndsARequestAndTheNextOneIsRight(t *testing.T) {
	written, model := denseModel(t)
	for _, c := range []struct {
		name    string
		least   int // how often the guard is asked
		options mlcore.RecommendOptions
	}{
		{"added up", 7, mlcore.RecommendOptions{IncludeSeen: true}},
		{"under caps", 16, mlcore.RecommendOptions{IncludeSeen: true, Filter: &mlcore.Filter{AtMost: map[string]int{"kind": 2}}}},
		{"explained", 14, mlcore.RecommendOptions{IncludeSeen: true, Explain: true}},
	} {
		want, err := model.Recommend(written.Users[0], 100, c.options)
		if err != nil {
			t.Fatal(err)
		}
		count := &watch{}
		c.options.Guard = count
		if _, err := model.Recommend(written.Users[0], 100, c.options); err != nil || count.asked < c.least {
			t.Errorf("%s: asked %d times, %v", c.name, count.asked, err)
		}
		for _, last := range []int{1, count.asked / 2, count.asked} {
			end := &watch{last: last}
			c.options.Guard = end
			if items, err := model.Recommend(written.Users[0], 100, c.options); items != nil || err != errEnded || end.asked != last {
				t.Fatalf("%s: asked %d times of %d, got %v", c.name, end.asked, last, err)
			}
			c.options.Guard = nil
			if got, err := model.Recommend(written.Users[0], 100, c.options); err != nil || !reflect.DeepEqual(got, want) {
				t.Fatalf("%s: another list after an end at %d, %v", c.name, last, err)
			}
		}
	}
}

func TestAGuardEndsTheSearchForPopularItems(t *testing.T) {
	written := modeltest.Random(rand.New(rand.NewPCG(1, 1)), 1, 10_000, 0)
	written.Histories[0] = nil
	for item := range written.Items {
		written.Histories[0] = append(written.Histories[0], modeltest.Pair{Index: int32(item), Value: 1})
	}
	written.Attributes = &modeltest.Attributes{
		Columns: []string{"kind"}, Values: []string{"a"}, Codes: [][]int32{make([]int32, 10_000)},
	}
	model := openModel(t, written.Write(t, t.TempDir()), mlcore.Options{})
	end := &watch{last: 3}
	options := mlcore.RecommendOptions{Fill: true, Filter: &mlcore.Filter{NoneOf: lists{"kind": {"a"}}}, Guard: end}
	if _, err := model.RecommendHistory(nil, 10, options); err != errEnded || end.asked != 3 {
		t.Errorf("asked %d times, got %v", end.asked, err)
	}
}

func TestAContextEndsARequest(t *testing.T) {
	written, model := denseModel(t)
	ctx, cancel := context.WithCancel(t.Context())
	options := mlcore.RecommendOptions{Guard: mlcore.WithContext(ctx)}
	prepared, err := model.Prepare(options)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := model.Recommend(written.Users[1], 10, options); err != nil {
		t.Error(err)
	}
	cancel()
	if _, err := model.Recommend(written.Users[1], 10, options); !errors.Is(err, context.Canceled) {
		t.Errorf("got %v", err)
	}
	if _, err := model.SimilarWith(written.Items[1], 10, options); !errors.Is(err, context.Canceled) {
		t.Errorf("got %v", err)
	}
	if _, _, err := prepared.AppendRecommend(nil, written.Users[1], 10); !errors.Is(err, context.Canceled) {
		t.Errorf("got %v", err)
	}
	if _, _, err := prepared.Under(nil).AppendRecommend(nil, written.Users[1], 10); err != nil {
		t.Error(err)
	}
}

// The cost is known before the work, and is never too low for what can be counted afterwards.
func TestACostIsKnownBeforeTheWorkAndIsNeverTooLow(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 1))
	for range 20 {
		written := modeltest.Random(random, 20, 20+random.IntN(300), 100)
		model := openModel(t, written.Write(t, t.TempDir()), mlcore.Options{})
		for user := range written.Users {
			entries := 0
			for _, pair := range written.Histories[user] {
				entries += len(written.Similarity[pair.Index])
			}
			for _, explain := range []bool{false, true} {
				guard := &watch{}
				options := mlcore.RecommendOptions{Explain: explain, Fill: user%2 == 0, Guard: guard}
				items, err := model.Recommend(written.Users[user], 1+user*5, options)
				if err != nil {
					t.Fatal(err)
				}
				size := len(mlcore.AppendItems(nil, items))
				if guard.cost.Steps < float64(entries) || (!explain && guard.cost.Bytes < float64(size)) {
					t.Errorf("%d entries, %d bytes: estimated %+v", entries, size, guard.cost)
				}
				shares := 0
				for _, item := range items {
					shares += len(item.Because)
				}
				if guard.cost.Bytes < float64(32*shares) {
					t.Errorf("%d shares: estimated %+v", shares, guard.cost)
				}
				options.Guard = &watch{most: guard.cost.Steps / 2}
				if _, err := model.Recommend(written.Users[user], 1+user*5, options); guard.cost.Steps > 0 && err != errDear {
					t.Errorf("a request that is too dear got %v", err)
				}
			}
		}
	}
}

func TestACostGrowsWithAllThatIsDoneForAnItem(t *testing.T) {
	written, model := denseModel(t)
	steps := func(n int, f *mlcore.Filter, fill bool) float64 {
		guard := &watch{}
		options := mlcore.RecommendOptions{IncludeSeen: true, Filter: f, Fill: fill, Guard: guard}
		if _, err := model.Recommend(written.Users[0], n, options); err != nil {
			t.Fatal(err)
		}
		return guard.cost.Steps
	}
	kind, both := lists{"kind": {"b"}}, lists{"kind": {"b"}, "size": {"b"}}
	for _, c := range []struct {
		name       string
		less, more float64
	}{
		{"a longer list", steps(10, nil, false), steps(1000, nil, false)},
		{"a condition", steps(10, &mlcore.Filter{}, false), steps(10, &mlcore.Filter{NoneOf: kind}, false)},
		{"another one", steps(10, &mlcore.Filter{NoneOf: kind}, false), steps(10, &mlcore.Filter{NoneOf: both}, false)},
		{"one of a filled list", steps(10, &mlcore.Filter{NoneOf: kind}, true) - steps(10, &mlcore.Filter{NoneOf: kind}, false),
			steps(10, &mlcore.Filter{NoneOf: both}, true) - steps(10, &mlcore.Filter{NoneOf: both}, false)},
		{"a cap", steps(10, nil, false), steps(10, &mlcore.Filter{AtMost: map[string]int{"kind": 20}}, false)},
		{"another cap", steps(10, &mlcore.Filter{AtMost: map[string]int{"kind": 20}}, false),
			steps(10, &mlcore.Filter{AtMost: map[string]int{"kind": 20, "size": 20}}, false)},
	} {
		if c.more < c.less+990 {
			t.Errorf("%s: %.0f steps, without %.0f", c.name, c.more, c.less)
		}
	}
}

func TestAListOfTooManySharesIsRefused(t *testing.T) {
	model := openModel(t, byHand().Write(t, t.TempDir()), mlcore.Options{})
	// a has two neighbors, b has one.
	for _, c := range []struct{ n, most, shares int }{{3, 3, 0}, {3, 2, 3}, {1, 2, 0}, {1, 1, 2}, {3, 0, 0}} {
		_, err := model.Recommend("u", c.n, mlcore.RecommendOptions{Explain: true, MaxShares: c.most})
		if c.shares == 0 {
			if err != nil {
				t.Errorf("%+v: got %v", c, err)
			}
			continue
		}
		want := "explain: expected at most 1 shares, of which a smaller n or a shorter history has fewer, got up to 2"
		want = strings.NewReplacer("1", string(rune('0'+c.most)), "2", string(rune('0'+c.shares))).Replace(want)
		if mlcore.VerdictOf(err) != mlcore.VerdictRequest || err.Error() != want {
			t.Errorf("%+v: got %v", c, err)
		}
	}
	if _, err := model.Recommend("u", 3, mlcore.RecommendOptions{MaxShares: 1}); err != nil {
		t.Errorf("without shares: %v", err)
	}
}

// pieces keeps what it is given, and fails when it is full.
type pieces struct {
	text  []byte
	calls int
	most  int
}

func (p *pieces) Write(piece []byte) (int, error) {
	if p.calls++; p.calls > p.most {
		return 0, errEnded
	}
	p.text = append(p.text, piece...)
	return len(piece), nil
}

func TestPiecesAreTheTextOfTheList(t *testing.T) {
	written, model := denseModel(t)
	for _, n := range []int{1, 5, 20, 200} {
		items, err := model.Recommend(written.Users[0], n, mlcore.RecommendOptions{IncludeSeen: true, Explain: true})
		if err != nil {
			t.Fatal(err)
		}
		want := append([]byte("head"), mlcore.AppendItems(nil, items)...)
		all := pieces{most: len(want)}
		last, err := mlcore.WriteItems(&all, []byte("head"), items)
		if err != nil || !bytes.Equal(append(all.text, last...), want) {
			t.Fatalf("n = %d: another text, %v", n, err)
		}
		if cap(last) > 600<<10 {
			t.Errorf("n = %d: a piece of %d bytes", n, cap(last))
		}
		if isLong := len(want) > 257<<10; isLong != (all.calls > 0) {
			t.Errorf("n = %d: %d bytes in %d pieces", n, len(want), all.calls)
		}
		if all.calls > 1 {
			if _, err := mlcore.WriteItems(&pieces{most: 1}, nil, items); err != errEnded {
				t.Errorf("n = %d: got %v", n, err)
			}
		}
	}
}
