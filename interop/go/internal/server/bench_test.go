package server

import (
	"fmt"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"net/url"
	"testing"

	"github.com/mlcore/mlcore/interop/go/internal/modeltest"
)

// nowhere takes answers without keeping them.
type nowhere http.Header

func (n nowhere) Header() http.Header            { return http.Header(n) }
func (n nowhere) Write(data []byte) (int, error) { return len(data), nil }
func (n nowhere) WriteHeader(int)                {}

func BenchmarkRecommendUser(b *testing.B) {
	options := testOptions(cosineModel)
	options.Log = discard
	server, err := New(options)
	if err != nil {
		b.Fatal(err)
	}
	defer server.models.close()
	for name, query := range map[string]string{"plain": "", "query": "?n=20&fill=popularity"} {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			b.RunParallel(func(pb *testing.PB) {
				request := httptest.NewRequest("GET", "/v1/users/u0002/recommendations"+query, nil)
				writer := nowhere{}
				for pb.Next() {
					server.ServeHTTP(writer, request)
				}
			})
		})
	}
}

// catalogueModel has many items, each of one of 100 brands, of one of many series and of one of 5 kinds.
func catalogueModel(items int) *modeltest.Model {
	random := rand.New(rand.NewPCG(1, 1))
	m := modeltest.Random(random, 500, items, 100)
	column := func(values int) []int32 {
		codes := make([]int32, items)
		for item := range codes {
			codes[item] = int32(random.IntN(values))
		}
		return codes
	}
	m.Attributes = &modeltest.Attributes{
		Columns: []string{"brand", "kind", "series"},
		Codes:   [][]int32{column(100), column(5), column(items / 5)},
		From:    make([]int64, items), Until: make([]int64, items),
	}
	for value := range items / 5 {
		m.Attributes.Values = append(m.Attributes.Values, fmt.Sprintf("%06d", value))
	}
	for item := range items {
		m.Attributes.Until[item] = 1 + random.Int64N(100_000_000)
	}
	return m
}

func BenchmarkFilters(b *testing.B) {
	const items = 100_000
	model := catalogueModel(items)
	options := testOptions(model.Write(b, b.TempDir()))
	options.Log = discard
	server, err := New(options)
	if err != nil {
		b.Fatal(err)
	}
	defer server.models.close()
	for _, c := range []struct{ name, query string }{
		{"none", ""},
		{"none, filled", "fill=popularity&n=200"},
		{"1 percent", `filter={"any_of": {"brand": ["000007"]}}`},
		{"1 percent, filled", `fill=popularity&n=200&filter={"any_of": {"brand": ["000007"]}}`},
		{"99 percent", `filter={"none_of": {"brand": ["000007"]}}`},
		{"available", `filter={"available_at": 50}`},
		{"1 of a series", `filter={"at_most": {"series": 1}}`},
		{"1 of a brand, 2 of a kind", `filter={"at_most": {"brand": 1, "kind": 2}}`},
		{"1 of a kind, exhausted", `filter={"at_most": {"kind": 1}}`},
		{"all", `fill=popularity&filter={"any_of": {"brand": ["000007", "000008"]}, "none_of": {"kind": ["000003"]}, ` +
			`"available_at": 50, "at_most": {"series": 1}}`},
	} {
		query, err := url.ParseQuery(c.query)
		if err != nil {
			b.Fatal(err)
		}
		b.Run(c.name, func(b *testing.B) {
			b.ReportAllocs()
			b.RunParallel(func(pb *testing.PB) {
				var requests []*http.Request
				for _, user := range model.Users {
					target := "/v1/users/" + url.PathEscape(user) + "/recommendations?" + query.Encode()
					requests = append(requests, httptest.NewRequest("GET", target, nil))
				}
				writer := nowhere{}
				for turn := 0; pb.Next(); turn++ {
					server.ServeHTTP(writer, requests[turn%len(requests)])
				}
			})
			b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "requests/s")
		})
	}
}
