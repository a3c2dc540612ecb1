package server

import (
	_ "embed" // for openapi.json
	"strconv"

	"github.com/mlcore/mlcore/interop/go/internal/jsontext"
)

//go:embed openapi.json
var openAPIDocument string

const (
	// Bytes of a body that an item takes at least.
	minHistoryItem = len(`{"item_id":"a"},`)
	minID          = len(`"",`)
)

// renderDocument returns openapi.json with the limits of this server.
func renderDocument(limits *Limits, withTokens bool) []byte {
	document, err := jsontext.Parse(openAPIDocument, 32)
	if err != nil {
		panic("openapi.json: " + err.Error()) // a mistake of this package
	}
	set := func(value int64, path ...string) {
		place := &document
		for _, key := range append([]string{"components"}, path...) {
			place = place.Member(key)
		}
		*place = jsontext.Value{Kind: jsontext.Number, Text: strconv.FormatInt(value, 10)}
	}
	for _, schema := range [][]string{{"parameters", "n", "schema"}, {"schemas", "Request", "properties", "n"}} {
		set(int64(limits.MaxN), append(schema, "maximum")...)
		set(int64(min(defaultN, limits.MaxN)), append(schema, "default")...)
	}
	set(limits.MaxBody/int64(minHistoryItem), "schemas", "Request", "properties", "history", "maxItems")
	for _, key := range []string{"include", "exclude"} {
		set(limits.MaxBody/int64(minID), "schemas", "Request", "properties", key, "maxItems")
	}
	if !withTokens {
		*document.Member("security") = jsontext.Value{Kind: jsontext.Array}
	}
	return jsontext.AppendDocument(nil, &document)
}
