package server

import (
	"encoding/json"
	"fmt"
	"maps"
	"math/rand/v2"
	"net/http"
	"reflect"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/mlcore/mlcore/interop/go/internal/modeltest"
	"github.com/mlcore/mlcore/interop/go/internal/tables"
)

// document is openapi.json, as generic JSON.
type document map[string]any

func parseDocument(t *testing.T) document {
	t.Helper()
	var parsed document
	if err := json.Unmarshal([]byte(openAPIDocument), &parsed); err != nil {
		t.Fatal(err)
	}
	return parsed
}

// at follows keys, and references on the way.
func (d document) at(t *testing.T, value any, keys ...string) any {
	t.Helper()
	value = d.resolve(t, value)
	for _, key := range keys {
		object, isObject := value.(map[string]any)
		if !isObject || object[key] == nil {
			t.Fatalf("no %q in %v", key, value)
		}
		value = d.resolve(t, object[key])
	}
	return value
}

func (d document) resolve(t *testing.T, value any) any {
	t.Helper()
	if object, isObject := value.(map[string]any); isObject {
		if reference, isReference := object["$ref"].(string); isReference {
			return d.at(t, map[string]any(d), strings.Split(strings.TrimPrefix(reference, "#/"), "/")...)
		}
	}
	return value
}

// operations returns what the document has for each method and path.
func (d document) operations(t *testing.T) map[string]map[string]any {
	found := map[string]map[string]any{}
	for path, methods := range d["paths"].(map[string]any) {
		for method, operation := range methods.(map[string]any) {
			found[strings.ToUpper(method)+" "+path] = operation.(map[string]any)
		}
	}
	return found
}

func TestTheDocumentHasTheRoutesAndStatusesOfTheServer(t *testing.T) {
	doc := parseDocument(t)
	operations := doc.operations(t)
	for _, route := range routes() {
		if route.template == unmatched {
			continue
		}
		name := route.method + " " + route.template
		operation := operations[name]
		delete(operations, name)
		if operation == nil {
			t.Errorf("%s is not in the document", name)
			continue
		}
		security, isSecured := operation["security"].([]any)
		if isOpen := isSecured && len(security) == 0; isOpen != route.isOpen {
			t.Errorf("%s: open without a token: documented %v, served %v", name, isOpen, route.isOpen)
		}
		codes := map[string]string{"200": ""}
		for _, code := range route.codes {
			codes[strconv.Itoa(statusOf[code])] = string(code)
		}
		responses := operation["responses"].(map[string]any)
		if got, want := slices.Sorted(maps.Keys(responses)), slices.Sorted(maps.Keys(codes)); !slices.Equal(got, want) {
			t.Errorf("%s: documented %v, served %v", name, got, want)
			continue
		}
		for status, code := range codes {
			if code != "" && doc.at(t, responses, status, "content", "application/json", "example", "error", "code") != code {
				t.Errorf("%s: %s is not documented as %s", name, status, code)
			}
		}
	}
	for name := range operations {
		t.Errorf("%s is not served", name)
	}
}

func TestTheDocumentHasTheCodesOfTheServer(t *testing.T) {
	doc := parseDocument(t)
	root := map[string]any(doc)
	var documented []string
	for _, code := range doc.at(t, root, "components", "schemas", "Error", "properties", "error", "properties", "code", "enum").([]any) {
		documented = append(documented, code.(string))
	}
	slices.Sort(documented)
	var served []string
	for code := range statusOf {
		served = append(served, string(code))
	}
	slices.Sort(served)
	responses := doc.at(t, root, "components", "responses").(map[string]any)
	if !slices.Equal(documented, served) || !slices.Equal(slices.Sorted(maps.Keys(responses)), served) {
		t.Errorf("documented %v and %v, served %v", documented, slices.Sorted(maps.Keys(responses)), served)
	}
	for code, response := range responses {
		example := doc.at(t, response, "content", "application/json", "example")
		if fault := doc.check(t, doc.at(t, response, "content", "application/json", "schema"), example); fault != "" {
			t.Errorf("example of %s: %s", code, fault)
		}
	}
}

func TestTheDocumentHasTheParametersOfTheServer(t *testing.T) {
	doc := parseDocument(t)
	operations := doc.operations(t)
	for name, known := range map[string][]parameter{
		"GET /v1/users/{id}/recommendations": userParameters, "GET /v1/items/{id}/similar": itemParameters,
	} {
		var documented, served []string
		for _, p := range operations[name]["parameters"].([]any) {
			p := doc.at(t, p).(map[string]any)
			if p["in"] == "query" {
				documented = append(documented, p["name"].(string))
			}
		}
		for _, p := range known {
			served = append(served, p.name)
		}
		if !slices.Equal(documented, served) {
			t.Errorf("%s: documented %v, served %v", name, documented, served)
		}
	}
	body := doc.at(t, map[string]any(doc), "components", "schemas", "Request", "properties").(map[string]any)
	served := strings.Split(bodyKeys, ", ")
	slices.Sort(served)
	if got := slices.Sorted(maps.Keys(body)); !slices.Equal(got, served) {
		t.Errorf("body: documented %v, served %v", got, served)
	}
}

func TestTheSchemaOfBodiesRefusesNothingThatIsAccepted(t *testing.T) {
	doc := parseDocument(t)
	schema := doc.at(t, map[string]any(doc), "components", "schemas", "Request")
	for _, body := range append(accepted, `{"history": [{"item_id": "a", "weight": 2.5}, {"item_id": "b"}], "n": 10}`) {
		var value any
		if err := json.Unmarshal([]byte(body), &value); err != nil {
			t.Fatal(err)
		}
		if fault := doc.check(t, schema, value); fault != "" {
			t.Errorf("%s: %s", body, fault)
		}
	}
	for _, body := range []string{
		`{}`, `{"user_id": "a", "history": []}`, `{"history": [{}]}`, `{"history": [], "n": 0}`, `{"history": [], "x": 1}`,
		`{"history": [], "n": "1"}`, `{"history": [{"item_id": "a", "weight": 0}]}`, `{"user_id": ""}`,
		`{"history": [], "weights": "raw"}`, `{"history": [], "now": null}`, `{"history": [{"item_id": "a", "timestamp": 1.5}]}`,
		`{"history": [{"item_id": "a", "weight": 1e39}], "weights": "final"}`,
		`{"history": [{"item_id": "a"}, {"item_id": "a"}], "weights": "final"}`,
		`{"user_id": "a", "weights": "final"}`, `{"user_id": "a", "now": 0}`,
		`{"history": [], "now": 253402300800}`, `{"history": [], "filter": []}`, `{"history": [], "filter": {"brand": ["a"]}}`,
		`{"history": [], "filter": {"any_of": {"brand": "a"}}}`, `{"history": [], "filter": {"none_of": {"year": [1999]}}}`,
		`{"history": [], "filter": {"at_most": {"brand": 0}}}`, `{"history": [], "filter": {"available_at": null}}`,
	} {
		var value any
		if err := json.Unmarshal([]byte(body), &value); err != nil {
			t.Fatal(err)
		}
		if doc.check(t, schema, value) == "" {
			t.Errorf("%s: accepted", body)
		}
	}
}

func TestTheDocumentHasTheLimitsOfTheServer(t *testing.T) {
	var root, written any
	usual := &Limits{MaxBody: 1 << 20, MaxN: 1000}
	if err := json.Unmarshal(renderDocument(usual, true), &root); err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal([]byte(openAPIDocument), &written); err != nil || !reflect.DeepEqual(root, written) {
		t.Errorf("with the limits of `mlcore serve` the document is another one than openapi.json, %v", err)
	}
	options := testOptions(cosineModel)
	options.Limits.MaxBody, options.Limits.MaxN = 1600, 5
	server := start(t, options)
	var doc document
	if err := json.Unmarshal([]byte(server.get(t, "/openapi.json").body), &doc); err != nil {
		t.Fatal(err)
	}
	if security := doc["security"].([]any); len(security) > 0 {
		t.Errorf("a server without tokens asks for %v", security)
	}
	request := doc.at(t, map[string]any(doc), "components", "schemas", "Request", "properties")
	for _, n := range []any{doc.at(t, request, "n"), doc.at(t, map[string]any(doc), "components", "parameters", "n", "schema")} {
		for _, key := range []string{"maximum", "default"} {
			if got := doc.at(t, n, key); got != 5.0 {
				t.Errorf("n: %s %v", key, got)
			}
		}
	}
	if got := doc.at(t, request, "history", "maxItems"); got != 100.0 {
		t.Errorf("history: maxItems %v", got)
	}
	for _, length := range []int{5, 6} {
		want := map[bool]int{true: 200, false: 400}[length <= 5]
		if answer := server.get(t, fmt.Sprintf("/v1/users/u0002/recommendations?n=%d", length)); answer.status != want {
			t.Errorf("n=%d: got %d", length, answer.status)
		}
	}
	for _, length := range []int{maxIDBytes, maxIDBytes + 1} {
		want := map[bool]int{true: 404, false: 400}[length <= maxIDBytes]
		if answer := server.get(t, "/v1/items/"+strings.Repeat("a", length)+"/similar"); answer.status != want {
			t.Errorf("an id of %d bytes: got %d", length, answer.status)
		}
	}
}

// plain is a model without a catalogue and without a rule for histories.
func plain(t *testing.T) string {
	t.Helper()
	return modeltest.Random(rand.New(rand.NewPCG(1, 1)), 5, 5, 2).Write(t, t.TempDir())
}

func catalogued(t *testing.T) string {
	t.Helper()
	return modeltest.Catalogued().Write(t, t.TempDir())
}

func TestTheDocumentIsThatOfTheModel(t *testing.T) {
	for name, c := range map[string]struct{ dir, accepted, refused string }{
		"no catalogue, no rule": {
			plain(t), `{"history": [], "filter": {"any_of": {}}}`, `{"history": [], "filter": {"any_of": {"brand": ["x"]}}}`,
		},
		"no rule": {
			plain(t), `{"history": [{"item_id": "a"}]}`, `{"history": [{"item_id": "a", "weight": 1e39}]}`,
		},
		"a rule":       {cosineModel, `{"history": [{"item_id": "a", "weight": 1e39}]}`, `{"history": [], "n": 0}`},
		"no time":      {cosineModel, `{"history": [], "filter": {}}`, `{"history": [], "filter": {"available_at": 0}}`},
		"times":        {catalogued(t), `{"history": [], "filter": {"available_at": 0}}`, `{"history": [], "filter": {"available_at": "0x"}}`},
		"column":       {catalogued(t), `{"history": [], "filter": {"none_of": {"brand": []}}}`, `{"history": [], "filter": {"none_of": {"bran": []}}}`},
		"other column": {catalogued(t), `{"history": [], "filter": {"at_most": {"color": 1}}}`, `{"history": [], "filter": {"at_most": {"size": 1}}}`},
	} {
		server := start(t, testOptions(c.dir))
		var doc document
		if err := json.Unmarshal([]byte(server.get(t, "/openapi.json").body), &doc); err != nil {
			t.Fatal(err)
		}
		schema := doc.at(t, map[string]any(doc), "components", "schemas", "Request")
		for body, want := range map[string]bool{c.accepted: true, c.refused: false} {
			var value any
			if err := json.Unmarshal([]byte(body), &value); err != nil {
				t.Fatal(err)
			}
			fault, answer := doc.check(t, schema, value), server.post(t, body)
			if (fault == "") != want || (answer.status == 200) != want {
				t.Errorf("%s: %s: documented %q, served %d", name, body, fault, answer.status)
			}
		}
	}
}

// check returns what is wrong with a value after the few words of JSON Schema that the document uses.
func (d document) check(t *testing.T, schema, value any) string {
	t.Helper()
	rules := d.at(t, schema).(map[string]any)
	for word, rule := range rules {
		if fault := d.checkWord(t, rules, word, rule, value); fault != "" {
			return fmt.Sprintf("%v: %s", value, fault)
		}
	}
	return ""
}

func (d document) checkWord(t *testing.T, rules map[string]any, word string, rule, value any) string {
	t.Helper()
	object, _ := value.(map[string]any)
	list, _ := value.([]any)
	text, isText := value.(string)
	number, isNumber := value.(float64)
	properties, _ := rules["properties"].(map[string]any)
	failed := false
	switch word {
	case "description", "default", "then":
	case "if":
		if d.check(t, rule, value) == "" {
			return d.check(t, rules["then"], value)
		}
	case "type":
		failed = !map[string]bool{
			"object": object != nil, "array": list != nil, "string": isText, "number": isNumber,
			"integer": isNumber && number == float64(int64(number)), "boolean": value == true || value == false,
		}[rule.(string)]
	case "enum":
		failed = !slices.Contains(rule.([]any), value)
	case "minLength":
		failed = isText && len(text) < int(rule.(float64))
	case "maxLength":
		failed = isText && utf8.RuneCountInString(text) > int(rule.(float64))
	case "maxItems":
		failed = len(list) > int(rule.(float64))
	case "maxProperties":
		failed = len(object) > int(rule.(float64))
	case "propertyNames":
		for key := range object {
			failed = failed || d.check(t, rule, key) != ""
		}
	case "format": // date-time is the only one
		_, err := tables.ParseTimestamp(text)
		failed = isText && (err != nil || !strings.Contains(text, ":"))
	case "pattern":
		failed = !regexp.MustCompile(rule.(string)).MatchString(text)
	case "minimum":
		failed = number < rule.(float64)
	case "maximum":
		failed = number > rule.(float64)
	case "exclusiveMinimum":
		failed = number <= rule.(float64)
	case "exclusiveMaximum":
		failed = number >= rule.(float64)
	case "uniqueItems":
		for position, element := range list {
			same := func(other any) bool { return reflect.DeepEqual(element, other) }
			failed = failed || slices.ContainsFunc(list[:position], same)
		}
	case "required":
		for _, key := range rule.([]any) {
			_, isThere := object[key.(string)]
			failed = failed || !isThere
		}
	case "dependentRequired":
		for key, others := range rule.(map[string]any) {
			_, isThere := object[key]
			if isThere && d.checkWord(t, rules, "required", others, value) != "" {
				failed = true
			}
		}
	case "additionalProperties":
		for key, member := range object {
			if properties[key] == nil {
				failed = failed || rule == false || d.check(t, rule, member) != ""
			}
		}
	case "properties":
		for key, member := range object {
			if properties[key] != nil {
				if fault := d.check(t, properties[key], member); fault != "" {
					return fault
				}
			}
		}
	case "items":
		for _, element := range list {
			if fault := d.check(t, rule, element); fault != "" {
				return fault
			}
		}
	case "oneOf":
		matches := 0
		for _, choice := range rule.([]any) {
			if d.check(t, choice, value) == "" {
				matches++
			}
		}
		failed = matches != 1
	default:
		t.Fatalf("this test does not know the word %q", word)
	}
	if failed {
		return fmt.Sprintf("breaks %s %v", word, rule)
	}
	return ""
}

// TestEveryDocumentedAnswerIsServed brings about each status of each operation and holds it against the
// schema.
func TestEveryDocumentedAnswerIsServed(t *testing.T) {
	doc := parseDocument(t)
	good, hurried := testOptions(cosineModel), testOptions(cosineModel)
	good.Limits.MaxBody, hurried.Limits.RequestTimeout = 100, 300*time.Millisecond
	server := start(t, good)
	guarded := testOptions(cosineModel)
	guarded.TokenFile = writeFile(t, "0123456789abcdef\n", 0o600)
	closed := start(t, guarded)
	without := startChanged(t, testOptions(cosineModel), func(s *Server) { s.models.close() })
	busy := startChanged(t, testOptions(cosineModel), func(s *Server) { s.admission.memory.Store(s.admission.maxMemory) })
	broken := startChanged(t, testOptions(cosineModel), func(s *Server) {
		for _, route := range s.routes {
			route.answer = func(*Server, *exchange) *fault { panic("a mistake") }
		}
	})
	const users, body, items = "/v1/users/{id}/recommendations", "/v1/recommendations", "/v1/items/{id}/similar"
	open := map[string]bool{}
	for name, operation := range doc.operations(t) {
		for status := range operation["responses"].(map[string]any) {
			open[name+" "+status] = true
		}
	}
	check := func(method, template string, answer reply) {
		t.Helper()
		name := method + " " + template
		status := strconv.Itoa(answer.status)
		response := doc.at(t, map[string]any(doc.operations(t)[name]), "responses", status).(map[string]any)
		delete(open, name+" "+status)
		content := response["content"].(map[string]any)
		media, _, _ := strings.Cut(answer.header.Get("Content-Type"), ";")
		if content[media] == nil {
			t.Errorf("%s %s: Content-Type %q is not documented", name, status, media)
			return
		}
		var value any = answer.body
		if media == "application/json" {
			if err := json.Unmarshal([]byte(answer.body), &value); err != nil {
				t.Errorf("%s %s: %v", name, status, err)
			}
		}
		if fault := doc.check(t, doc.at(t, content, media, "schema"), value); fault != "" {
			t.Errorf("%s %s: %s", name, status, fault)
		}
		headers, _ := response["headers"].(map[string]any)
		for header, rules := range headers {
			if fault := doc.check(t, doc.at(t, rules, "schema"), answer.header.Get(header)); fault != "" || answer.header.Get(header) == "" {
				t.Errorf("%s %s: header %s: %s", name, status, header, fault)
			}
		}
	}
	for _, c := range []struct{ template, path string }{
		{users, "/v1/users/u0002/recommendations?n=200&fill=popularity&explain=true"}, {users, "/v1/users/u0002/recommendations?n=0"},
		{users, "/v1/users/nobody/recommendations"}, {items, "/v1/items/0032/similar"}, {items, "/v1/items/0032/similar?n=0"},
		{items, "/v1/items/nothing/similar"}, {"/healthz", "/healthz"}, {"/readyz", "/readyz"}, {"/metrics", "/metrics"},
		{"/openapi.json", "/openapi.json"},
	} {
		check("GET", c.template, server.get(t, c.path))
		check("GET", c.template, without.get(t, c.path))
		check("GET", c.template, busy.get(t, c.path))
		check("GET", c.template, broken.get(t, c.path))
		check("GET", c.template, closed.get(t, c.path))
		check("GET", c.template, send(t, "DELETE", server.url+c.path, "", ""))
	}
	for _, text := range []string{
		`{"history": [{"item_id": "0032"}]}`, `{"history": [{"item_id": "0032"}], "explain": true}`, `{"user_id": "u0002"}`, `{"user_id": "nobody"}`, `{}`,
		strings.Repeat(" ", 101),
	} {
		check("POST", body, server.post(t, text))
	}
	check("POST", body, without.post(t, `{"history": []}`))
	check("POST", body, busy.post(t, `{"history": []}`))
	check("POST", body, closed.post(t, `{"history": []}`))
	check("POST", body, broken.post(t, `{"history": []}`))
	check("POST", body, send(t, http.MethodPost, server.url+body, "text/plain", "{}"))
	check("POST", body, server.get(t, body))
	slow := start(t, hurried).dial(t)
	write(t, slow, slowStart+"Content-Length: 20\r\n\r\n")
	check("POST", body, read(t, slow))
	for name := range open {
		t.Errorf("%s was not brought about", name)
	}
}
