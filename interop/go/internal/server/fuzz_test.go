package server

import (
	"testing"
	"unicode/utf8"
)

// FuzzQuery takes any query of a list: what is accepted is within the limits.
func FuzzQuery(f *testing.F) {
	for _, query := range []string{
		"", "n=5&include=a&include=b&exclude=%C3%A9", "n=1001", "n=1&n=2", "filter=%7B%22any_of%22%3A%20%7B%22brand%22%3A%20%5B%22a%22%5D%7D%7D",
		"fill=popularity&include_seen=true&explain=false", "unknown_user=fill", "N=1", "%ff=1", "n=%zz", "a;b", "include=%ff&include=",
	} {
		f.Add(query)
	}
	known := []parameter{paramN, paramInclude, paramExclude, paramFilter, paramIncludeSeen, paramFill}
	f.Fuzz(func(t *testing.T, query string) {
		request, fault := parseQuery(query, known, &testLimits)
		if fault == nil && (request.n < 1 || request.n > testLimits.MaxN) {
			t.Fatalf("n = %d", request.n)
		}
		if fault != nil && (fault.code != codeRequest || !utf8.ValidString(fault.message)) {
			t.Fatalf("%+v", fault)
		}
	})
}
