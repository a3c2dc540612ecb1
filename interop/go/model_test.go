package mlcore_test

import (
	"encoding/binary"
	"errors"
	"math/rand/v2"
	"os"
	"path/filepath"
	"reflect"
	"runtime"
	"sync"
	"testing"

	mlcore "github.com/mlcore/mlcore/interop/go"
	"github.com/mlcore/mlcore/interop/go/internal/modeltest"
)

func TestAfterCloseEveryCallIsRefused(t *testing.T) {
	model := openModel(t, tinyModel().Write(t, t.TempDir()), mlcore.Options{})
	prepared, err := model.Prepare(mlcore.RecommendOptions{})
	if err != nil {
		t.Fatal(err)
	}
	for range 2 { // the second time does no harm
		if err := model.Close(); err != nil {
			t.Fatal(err)
		}
	}
	<-model.Released()
	var errs []error
	add := func(err error) { errs = append(errs, err) }
	_, err = model.Recommend("u", 1, mlcore.RecommendOptions{})
	add(err)
	_, err = model.RecommendHistory(nil, 1, mlcore.RecommendOptions{})
	add(err)
	_, err = model.Similar("a", 1)
	add(err)
	_, err = prepared.Recommend("u", 1)
	add(err)
	_, _, err = prepared.AppendRecommend(nil, "u", 1)
	add(err)
	_, err = model.Prepare(mlcore.RecommendOptions{})
	add(err)
	_, err = model.ItemID(0)
	add(err)
	_, _, err = model.UserIndex("u")
	add(err)
	_, err = model.Config()
	add(err)
	_, err = model.LongestRow()
	add(err)
	_, err = model.ContentDigests()
	add(err)
	add(model.Verify())
	for index, err := range errs {
		if !errors.Is(err, mlcore.ErrClosed) {
			t.Errorf("call %d: expected ErrClosed, got %v", index, err)
		}
	}
	if model.Acquire() {
		t.Error("a closed model could be acquired")
	}
	if model.Manifest().Counts.Items != 3 {
		t.Error("the manifest is gone")
	}
}

func TestCloseWaitsForWhoeverHoldsTheModel(t *testing.T) {
	model := openModel(t, tinyModel().Write(t, t.TempDir()), mlcore.Options{})
	if !model.Acquire() {
		t.Fatal("not acquired")
	}
	model.Close()
	select {
	case <-model.Released():
		t.Fatal("released while somebody held it")
	default:
	}
	model.Release()
	<-model.Released()
}

// TestCloseAmongRequests is worth most under the race detector: a request after the unmapping would
// crash the program.
func TestCloseAmongRequests(t *testing.T) {
	written := modeltest.Random(rand.New(rand.NewPCG(1, 1)), 20, 3000, 200)
	dir := written.Write(t, t.TempDir())
	for range 5 {
		model := openModel(t, dir, mlcore.Options{})
		expected := map[string][]mlcore.Item{}
		for user := range written.Users {
			expected[written.Users[user]] = oracle(written, historyOf(written, user), 7, mlcore.RecommendOptions{Fill: true})
		}
		var running sync.WaitGroup
		answered := make(chan struct{}, 1)
		for worker := range 4 {
			running.Add(1)
			go func() {
				defer running.Done()
				for turn := worker; ; turn++ {
					id := written.Users[turn%len(written.Users)]
					items, err := model.Recommend(id, 7, mlcore.RecommendOptions{Fill: true})
					if errors.Is(err, mlcore.ErrClosed) {
						return
					}
					if err != nil || len(items) != len(expected[id]) || !reflect.DeepEqual(items[0], expected[id][0]) {
						t.Errorf("%s: %v, %v", id, items, err)
						return
					}
					select {
					case answered <- struct{}{}:
					default:
					}
				}
			}()
		}
		for range 20 {
			<-answered
		}
		model.Close()
		running.Wait()
		<-model.Released()
	}
}

func TestModelBehindASymbolicLinkIsFound(t *testing.T) {
	dir := t.TempDir()
	tinyModel().Write(t, filepath.Join(dir, "model"))
	link := filepath.Join(dir, "current")
	if err := os.Symlink("model", link); err != nil {
		t.Skip(err)
	}
	model := openModel(t, link, mlcore.Options{})
	if err := model.Verify(); err != nil {
		t.Fatal(err)
	}
}

func TestMappingHappensWhereItCan(t *testing.T) {
	dir := tinyModel().Write(t, t.TempDir())
	if mapped := openModel(t, dir, mlcore.Options{}).Mapped(); mapped != mlcore.CanMap {
		t.Errorf("expected %v, got %v", mlcore.CanMap, mapped)
	}
	if openModel(t, dir, mlcore.Options{DisableMmap: true}).Mapped() {
		t.Error("mapped though asked not to")
	}
}

func TestTruncatedFilesGiveErrorsNotCrashes(t *testing.T) {
	if !mlcore.CanMap || runtime.GOOS == "darwin" || binary.NativeEndian.Uint16([]byte{1, 0}) != 1 {
		t.Skip("nothing is mapped, the pages may stay, or the numbers were decoded when opening")
	}
	written := modeltest.Random(rand.New(rand.NewPCG(1, 2)), 50, 3000, 300)
	for _, name := range []string{"similarity.npz", "histories.npz", "items.csv", "users.csv", "popularity.npz"} {
		t.Run(name, func(t *testing.T) {
			dir := written.Write(t, t.TempDir())
			model := openModel(t, dir, mlcore.Options{})
			if err := os.Truncate(filepath.Join(dir, name), 0); err != nil {
				t.Fatal(err)
			}
			for range 2 {
				_, err := model.Recommend(written.Users[3], 3000, mlcore.RecommendOptions{Fill: true})
				var refusal *mlcore.Error
				if !errors.As(err, &refusal) || refusal.Verdict != mlcore.VerdictIO || refusal.Stage != mlcore.StagePredict {
					t.Errorf("expected io, got %v", err)
				}
			}
			if err := model.Verify(); mlcore.VerdictOf(err) != mlcore.VerdictIO {
				t.Errorf("expected io, got %v", err)
			}
		})
	}
}

func TestIDsAndPositions(t *testing.T) {
	written := modeltest.Random(rand.New(rand.NewPCG(5, 5)), 400, 1200, 2)
	model := openModel(t, written.Write(t, t.TempDir()), mlcore.Options{})
	for index, id := range written.Items {
		found, isKnown, err := model.ItemIndex(id)
		if err != nil || !isKnown || found != index {
			t.Fatalf("%q: expected %d, got %d, %v, %v", id, index, found, isKnown, err)
		}
		if back, err := model.ItemID(index); err != nil || back != id {
			t.Fatalf("%d: expected %q, got %q, %v", index, id, back, err)
		}
		for _, near := range []string{id + "0", id[:len(id)-1], id + `"`, `"` + id + `"`, ""} {
			if _, isKnown, _ := model.ItemIndex(near); isKnown && !contains(written.Items, near) {
				t.Fatalf("%q is known", near)
			}
		}
	}
	for index, id := range written.Users {
		if found, _, err := model.UserIndex(id); err != nil || found != index {
			t.Fatalf("%q: expected %d, got %d, %v", id, index, found, err)
		}
	}
	for _, index := range []int{-1, len(written.Items)} {
		if _, err := model.ItemID(index); mlcore.VerdictOf(err) != mlcore.VerdictRequest {
			t.Errorf("%d: expected request, got %v", index, err)
		}
	}
}

func contains(ids []string, id string) bool {
	for _, known := range ids {
		if known == id {
			return true
		}
	}
	return false
}
