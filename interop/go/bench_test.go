package mlcore_test

import (
	"flag"
	"math/rand/v2"
	"sync/atomic"
	"testing"

	mlcore "github.com/mlcore/mlcore/interop/go"
	"github.com/mlcore/mlcore/interop/go/internal/modeltest"
)

var benchmarkDir = flag.String("model", "", "measure this model instead of a random one")

// benchmarkModel is a random model, or the one that -model names.
func benchmarkModel(b *testing.B) (*mlcore.Model, []string) {
	dir := *benchmarkDir
	if dir == "" {
		dir = modeltest.Random(rand.New(rand.NewPCG(1, 1)), 500, 5000, 200).Write(b, b.TempDir())
	}
	model := openModel(b, dir, mlcore.Options{})
	var users []string
	for index := range int(model.Manifest().Counts.Users) {
		id, err := model.UserID(index)
		if err != nil {
			b.Fatal(err)
		}
		users = append(users, id)
	}
	return model, users
}

func BenchmarkOpenAndFirstAnswer(b *testing.B) {
	model, users := benchmarkModel(b)
	b.ReportAllocs()
	for b.Loop() {
		again, err := mlcore.Open(model.Dir(), mlcore.Options{})
		if err != nil {
			b.Fatal(err)
		}
		if _, err := again.Recommend(users[0], 10, mlcore.RecommendOptions{}); err != nil {
			b.Fatal(err)
		}
		again.Close()
	}
}

func BenchmarkVerify(b *testing.B) {
	model, _ := benchmarkModel(b)
	for b.Loop() {
		if err := model.Verify(); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkRecommend(b *testing.B) {
	for name, options := range map[string]mlcore.RecommendOptions{"plain": {}, "fill": {Fill: true}} {
		b.Run(name, func(b *testing.B) {
			model, users := benchmarkModel(b)
			b.ReportAllocs()
			turn := 0
			for b.Loop() {
				turn++
				if _, err := model.Recommend(users[turn%len(users)], 10, options); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

func BenchmarkRecommendParallel(b *testing.B) {
	model, users := benchmarkModel(b)
	b.ReportAllocs()
	var turn atomic.Int64
	b.RunParallel(func(pb *testing.PB) {
		for pb.Next() {
			user := users[turn.Add(1)%int64(len(users))]
			if _, err := model.Recommend(user, 10, mlcore.RecommendOptions{}); err != nil {
				b.Fatal(err)
			}
		}
	})
}

func BenchmarkAppendRecommend(b *testing.B) {
	model, users := benchmarkModel(b)
	prepared, err := model.Prepare(mlcore.RecommendOptions{})
	if err != nil {
		b.Fatal(err)
	}
	b.ReportAllocs()
	var line []byte
	turn := 0
	for b.Loop() {
		turn++
		if line, _, err = prepared.AppendRecommend(line[:0], users[turn%len(users)], 10); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkSimilar(b *testing.B) {
	model, _ := benchmarkModel(b)
	id, err := model.ItemID(7)
	if err != nil {
		b.Fatal(err)
	}
	b.ReportAllocs()
	for b.Loop() {
		if _, err := model.Similar(id, 10); err != nil {
			b.Fatal(err)
		}
	}
}
