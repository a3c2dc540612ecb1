package server

import (
	_ "embed" // for openapi.json
	"slices"
	"strconv"

	mlcore "github.com/mlcore/mlcore/interop/go"
	"github.com/mlcore/mlcore/interop/go/internal/jsontext"
)

//go:embed openapi.json
var openAPIDocument string

const (
	// Bytes of a body that one of many takes at least.
	minHistoryItem = int64(len(`{"item_id":"a"},`))
	minID          = int64(len(`"",`))
)

// openAPI answers with openapi.json as it is true of this server and the model that answers now.
func (s *Server) openAPI(x *exchange) *fault {
	p := s.models.acquire()
	if p == nil {
		x.body = append(x.body, s.document...)
		return nil
	}
	defer p.release()
	p.describe.Do(func() {
		p.document = s.document
		if catalogue, err := p.model.AttributeSummary(); err == nil {
			p.document = describeModel(s.document, p.model.Manifest().WithHistoryRule(), catalogue)
		}
	})
	x.body = append(x.body, p.document...)
	return nil
}

// renderDocument returns openapi.json with the limits of a server, for any model.
func renderDocument(limits *Limits, withTokens bool) []byte {
	document := parseOwn(openAPIDocument)
	request := memberAt(&document, "components", "schemas", "Request", "properties")
	for _, n := range []*jsontext.Value{request.Member("n"), memberAt(&document, "components", "parameters", "n", "schema")} {
		put(n, "maximum", integer(int64(limits.MaxN)))
		put(n, "default", integer(int64(min(defaultN, limits.MaxN))))
	}
	put(request.Member("history"), "maxItems", integer(limits.MaxBody/minHistoryItem))
	put(request.Member("include"), "maxItems", integer(limits.MaxBody/minID))
	put(request.Member("exclude"), "maxItems", integer(limits.MaxBody/minID))
	if !withTokens {
		put(&document, "security", jsontext.Value{Kind: jsontext.Array})
	}
	return jsontext.AppendDocument(nil, &document)
}

// describeModel returns a document in which filters have what a catalogue has, if there is one, and weights are
// final where a model has no rule for them.
func describeModel(document []byte, withRule bool, catalogue *mlcore.AttributeSummary) []byte {
	parsed := parseOwn(string(document))
	if !withRule {
		put(memberAt(&parsed, "components", "schemas", "Request"), "if", jsontext.Value{Kind: jsontext.Object})
	}
	describeFilter(memberAt(&parsed, "components", "schemas", "Filter", "properties"), catalogue)
	return jsontext.AppendDocument(nil, &parsed)
}

func describeFilter(conditions *jsontext.Value, catalogue *mlcore.AttributeSummary) {
	rule, allowed := "maxProperties", integer(0)
	if catalogue != nil {
		columns := jsontext.Value{Kind: jsontext.Array}
		for _, column := range catalogue.Columns {
			columns.Items = append(columns.Items, jsontext.Value{Kind: jsontext.String, Text: column.Name})
		}
		rule, allowed = "propertyNames", jsontext.Value{Kind: jsontext.Object, Keys: []string{"enum"}, Items: []jsontext.Value{columns}}
	}
	for _, key := range []string{"any_of", "none_of", "at_most"} {
		put(conditions.Member(key), rule, allowed)
	}
	if catalogue == nil || !catalogue.WithAvailability {
		position := slices.Index(conditions.Keys, "available_at")
		conditions.Keys = slices.Delete(conditions.Keys, position, position+1)
		conditions.Items = slices.Delete(conditions.Items, position, position+1)
	}
}

func integer(value int64) jsontext.Value {
	return jsontext.Value{Kind: jsontext.Number, Text: strconv.FormatInt(value, 10)}
}

// put sets a key of an object.
func put(object *jsontext.Value, key string, value jsontext.Value) {
	if member := object.Member(key); member != nil {
		*member = value
		return
	}
	object.Keys, object.Items = append(object.Keys, key), append(object.Items, value)
}

// parseOwn parses a text of this package, in which faults are mistakes.
func parseOwn(text string) jsontext.Value {
	value, err := jsontext.Parse(text, 32)
	if err != nil {
		panic("openapi.json: " + err.Error())
	}
	return value
}

func memberAt(value *jsontext.Value, path ...string) *jsontext.Value {
	for _, key := range path {
		value = value.Member(key)
	}
	return value
}
