package mlcore_test

import (
	"encoding/binary"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"reflect"
	"runtime"
	"sync"
	"testing"
	"time"

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

func skipUnlessMapped(t *testing.T) {
	t.Helper()
	if !mlcore.CanMap || runtime.GOOS == "darwin" || binary.NativeEndian.Uint16([]byte{1, 0}) != 1 {
		t.Skip("nothing is mapped, the pages may stay, or the numbers were decoded when opening")
	}
}

// answersOf returns what a model says to one request of each kind.
func answersOf(model *mlcore.Model, lists *mlcore.Prepared, written *modeltest.Model) (texts []string, errs []error) {
	add := func(value any, err error) {
		texts, errs = append(texts, fmt.Sprint(value)), append(errs, err)
	}
	add(model.Recommend(written.Users[3], 3000, mlcore.RecommendOptions{Fill: true}))
	add(model.RecommendHistory([]mlcore.HistoryItem{{ID: written.Items[2999], Weight: 1}}, 9, mlcore.RecommendOptions{}))
	for _, item := range []int{0, 1500, 2999} {
		add(model.Similar(written.Items[item], 10))
	}
	line, _, err := lists.AppendRecommend(nil, written.Users[49], 10)
	add(string(line), err)
	index, isKnown, err := model.ItemIndex(written.Items[2999])
	add([]any{index, isKnown}, err)
	return texts, errs
}

func TestTruncatedFilesGiveErrorsNeitherCrashesNorOtherAnswers(t *testing.T) {
	skipUnlessMapped(t)
	written := modeltest.Random(rand.New(rand.NewPCG(1, 2)), 50, 3000, 300)
	whole := openModel(t, written.Write(t, t.TempDir()), mlcore.Options{})
	lists, err := whole.Prepare(mlcore.RecommendOptions{})
	if err != nil {
		t.Fatal(err)
	}
	expected, _ := answersOf(whole, lists, written)
	for _, name := range []string{"similarity.npz", "histories.npz", "items.csv", "users.csv", "popularity.npz", "config.json"} {
		info, err := os.Stat(filepath.Join(whole.Dir(), name))
		if err != nil {
			t.Fatal(err)
		}
		for _, size := range []int64{0, 1, info.Size() / 2, info.Size() / 4096 * 4096, max(0, info.Size()-30), info.Size() - 1} {
			t.Run(fmt.Sprint(name, size), func(t *testing.T) {
				dir := filepath.Join(t.TempDir(), "model")
				if err := os.CopyFS(dir, os.DirFS(whole.Dir())); err != nil {
					t.Fatal(err)
				}
				model := openModel(t, dir, mlcore.Options{})
				lists, err := model.Prepare(mlcore.RecommendOptions{})
				if err := errors.Join(err, os.Truncate(filepath.Join(dir, name), size)); err != nil {
					t.Fatal(err)
				}
				texts, errs := answersOf(model, lists, written)
				for position, err := range errs {
					var refusal *mlcore.Error
					isRefused := errors.As(err, &refusal) && refusal.Verdict == mlcore.VerdictIO && refusal.Stage == mlcore.StagePredict
					// The last byte of an archive is 0, as is what is read in its place.
					isRight := size == info.Size()-1 && err == nil && texts[position] == expected[position]
					if !isRefused && !isRight {
						t.Errorf("request %d: got %v, %.80s", position, err, texts[position])
					}
				}
				for _, err := range []error{model.Check(), model.Verify()} {
					if mlcore.VerdictOf(err) != mlcore.VerdictIO {
						t.Errorf("expected io, got %v", err)
					}
				}
				if err := os.Truncate(filepath.Join(dir, name), info.Size()); err != nil {
					t.Fatal(err)
				}
				if _, err := model.Similar(written.Items[0], 1); mlcore.VerdictOf(err) != mlcore.VerdictIO {
					t.Errorf("made long again: expected io, got %v", err)
				}
			})
		}
	}
}

func TestCheckFindsFilesThatWereWrittenTo(t *testing.T) {
	skipUnlessMapped(t)
	later := time.Now().Add(time.Hour)
	for name, c := range map[string]struct {
		change  func(path string) error
		isFault bool
	}{
		"nothing":   {func(string) error { return nil }, false},
		"touched":   {func(path string) error { return os.Chtimes(path, later, later) }, true},
		"truncated": {func(path string) error { return os.Truncate(path, 5) }, true},
		"longer":    {func(path string) error { return os.Truncate(path, 1<<20) }, true},
		"deleted":   {os.Remove, false},
		"replaced": {func(path string) error {
			return errors.Join(os.Remove(path), os.WriteFile(path, []byte("other"), 0o600))
		}, false},
		"no folder": {func(path string) error { return os.RemoveAll(filepath.Dir(path)) }, false},
	} {
		written := tinyModel()
		model := openModel(t, written.Write(t, t.TempDir()), mlcore.Options{})
		read := openModel(t, model.Dir(), mlcore.Options{DisableMmap: true})
		if err := c.change(filepath.Join(model.Dir(), "similarity.npz")); err != nil {
			t.Fatal(err)
		}
		if err := model.Check(); (err != nil) != c.isFault {
			t.Errorf("%s: got %v", name, err)
		}
		if _, err := model.Similar(written.Items[0], 1); (err != nil) != c.isFault {
			t.Errorf("%s: an answer after it: %v", name, err)
		}
		if err := read.Check(); err != nil {
			t.Errorf("%s: read into memory: %v", name, err)
		}
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
