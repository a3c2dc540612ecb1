package server

import (
	"encoding/json"
	"math/rand/v2"
	"net/http/httptest"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// drawer makes values by the document, some of which break it.
type drawer struct {
	*rand.Rand
	t   *testing.T
	doc document
}

var (
	drawnTexts   = []any{"", "a", "h", "x", "0032", "u0002", "\x1b\u202e", "é/😀", strings.Repeat("a", maxIDBytes+1)}
	drawnTimes   = []any{"2026-01-31T12:00:00Z", "0001-01-01T00:00:00.5+00:00", "2026-02-30T12:00:00Z", "soon", "-5", "0"}
	drawnNumbers = []any{-1.0, 0.0, 1e-46, 1e-45, 0.5, 1.0, 5.0, 1000.0, 1001.0, 253402300799.0, 253402300800.0, 1e39}
	drawnOthers  = []any{nil, true, "true", 1.0, []any{}, map[string]any{}, []any{nil}, map[string]any{"a": 1.0}}
)

func (d drawer) any(values []any) any { return values[d.IntN(len(values))] }

func (d drawer) draw(schema any) any {
	if d.IntN(30) == 0 {
		return d.any(drawnOthers)
	}
	rules := d.doc.at(d.t, schema).(map[string]any)
	choices, _ := rules["oneOf"].([]any)
	kind, _ := rules["type"].(string)
	switch {
	case rules["enum"] != nil:
		return d.any(rules["enum"].([]any))
	case kind == "" && choices != nil:
		return d.draw(d.any(choices))
	case kind == "object":
		return d.object(rules)
	case kind == "array":
		list := []any{}
		for range d.IntN(4) {
			list = append(list, d.draw(rules["items"]))
		}
		return list
	case kind == "boolean":
		return d.IntN(2) == 0
	case kind == "integer" || kind == "number":
		return d.any(drawnNumbers)
	case rules["format"] != nil || rules["pattern"] != nil:
		return d.any(drawnTimes)
	}
	return d.any(drawnTexts)
}

func (d drawer) object(rules map[string]any) map[string]any {
	object := map[string]any{}
	properties, _ := rules["properties"].(map[string]any)
	required, _ := rules["required"].([]any)
	for name, schema := range properties {
		// A history stands for a user as often as not.
		odds := map[string]int{"user_id": 2, "history": 2}[name] + 2
		if slices.Contains(required, any(name)) || d.IntN(odds) == 0 {
			object[name] = d.draw(schema)
		}
	}
	if object["user_id"] == nil && properties["history"] != nil {
		object["history"] = d.draw(properties["history"])
	}
	if others, isSchema := rules["additionalProperties"].(map[string]any); isSchema {
		names, _ := rules["propertyNames"].(map[string]any)
		known, _ := names["enum"].([]any)
		for range d.IntN(2) {
			object[d.any(append(known, "other")).(string)] = d.draw(others)
		}
	}
	if d.IntN(40) == 0 {
		object["other"] = 1.0
	}
	return object
}

// isBeyondSchemas reports what no schema can say: that an item stands twice, or what the rule of a model makes
// of a weight.
func isBeyondSchemas(body any, answer string) bool {
	if strings.Contains(answer, "history: expected of item") {
		return true
	}
	object, _ := body.(map[string]any)
	history, _ := object["history"].([]any)
	seen := map[any]bool{}
	for _, item := range history {
		item, _ := item.(map[string]any)
		id, _ := item["item_id"].(string)
		if seen[id] {
			return true
		}
		seen[id] = true
	}
	return false
}

func TestExactlyWhatTheDocumentAllowsIsAnswered(t *testing.T) {
	for name, dir := range map[string]string{"plain": plain(t), "catalogued": catalogued(t), "cosine": cosineModel} {
		t.Run(name, func(t *testing.T) {
			server := start(t, testOptions(dir))
			d := drawer{rand.New(rand.NewPCG(1, 1)), t, nil}
			if err := json.Unmarshal([]byte(server.get(t, "/openapi.json").body), &d.doc); err != nil {
				t.Fatal(err)
			}
			schemas := d.doc.at(t, map[string]any(d.doc), "components", "schemas").(map[string]any)
			found := map[bool]int{}
			check := func(schema, value any, method, path, body string) {
				request := httptest.NewRequest(method, path, strings.NewReader(body))
				request.Header.Set("Content-Type", "application/json")
				answer := httptest.NewRecorder()
				server.ServeHTTP(answer, request)
				fault := d.doc.check(t, schema, value)
				isAnswered := answer.Code == 200 || answer.Code == 404
				if isAnswered != (fault == "") && !isBeyondSchemas(value, answer.Body.String()) {
					t.Errorf("%s %.200s %.500s: documented %.500q, served %d %.300s", method, path, body, fault, answer.Code, answer.Body)
				}
				found[isAnswered]++
			}
			for range 400 {
				value := d.draw(schemas["Request"])
				body, err := json.Marshal(value)
				if err != nil {
					t.Fatal(err)
				}
				check(schemas["Request"], value, "POST", "/v1/recommendations", string(body))
				filter := d.draw(schemas["Filter"])
				if body, err = json.Marshal(filter); err != nil {
					t.Fatal(err)
				}
				check(schemas["Filter"], filter, "GET", "/v1/items/h/similar?filter="+url.QueryEscape(string(body)), "")
				n := d.any(drawnNumbers).(float64)
				text := strconv.FormatFloat(n, 'f', -1, 64)
				schema := d.doc.at(t, map[string]any(d.doc), "components", "parameters", "n", "schema")
				check(schema, n, "GET", "/v1/users/u0002/recommendations?n="+text, "")
			}
			if found[true] < 100 || found[false] < 100 {
				t.Errorf("too few of a kind: %v", found)
			}
		})
	}
}
