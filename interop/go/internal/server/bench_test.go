package server

import (
	"net/http"
	"net/http/httptest"
	"testing"
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
