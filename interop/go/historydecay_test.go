package mlcore_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	mlcore "github.com/mlcore/mlcore/interop/go"
	"github.com/mlcore/mlcore/interop/go/internal/modeltest"
)

const quadratic = `{"aggregate": "sum", "weighting": {"name": "none", "half_life_days": null}, ` +
	`"history_decay": {"name": "quadratic"}}`
const exponential = `{"aggregate": "sum", "weighting": {"name": "none", "half_life_days": null}, ` +
	`"history_decay": {"name": "exponential", "half_life_items": 1}}`

// orderedModel gives z the score of what is left of a, b, c and d times 1, 10, 100 and 1000; u took them in
// the order c, a, d, b.
func orderedModel(config string) *modeltest.Model {
	to := func(value float32) []modeltest.Pair { return []modeltest.Pair{{Index: 4, Value: value}} }
	row := []modeltest.Pair{{Index: 0, Value: 16}, {Index: 1, Value: 16}, {Index: 2, Value: 16}, {Index: 3, Value: 16}}
	return &modeltest.Model{
		Items:      []string{"a", "b", "c", "d", "z"},
		Users:      []string{"t", "u"},
		Similarity: [][]modeltest.Pair{to(1), to(10), to(100), to(1000), {}},
		Histories:  [][]modeltest.Pair{{}, row},
		Order:      [][]int32{{}, {2, 4, 1, 3}},
		Rule:       &modeltest.Rule{Config: config},
	}
}

func TestLastItemsCountMore(t *testing.T) {
	at := func(time int64) mlcore.Timestamp { return mlcore.UnixMicro(time) }
	event := func(id string, time mlcore.Timestamp) mlcore.HistoryItem {
		return mlcore.HistoryItem{ID: id, Weight: 16, Time: time}
	}
	none := mlcore.Timestamp{}
	asUser := []mlcore.HistoryItem{event("b", at(7)), event("c", at(-5)), event("d", at(6)), event("a", at(0)), event("?", at(9))}
	for _, c := range []struct {
		config   string
		events   []mlcore.HistoryItem
		expected float64
	}{
		// Of 4 items 16 (1/4)^2 = 1, 4, 9, 16 are left by their place; or 2, 4, 8, 16.
		{quadratic, asUser, 100 + 4*1 + 9*1000 + 16*10},
		{exponential, asUser, 2*100 + 4*1 + 8*1000 + 16*10},
		// Equal times go by position, no times by the order of the events, and come last.
		{quadratic, []mlcore.HistoryItem{event("b", at(1)), event("a", at(1))}, 4*1 + 16*10},
		{quadratic, []mlcore.HistoryItem{event("b", none), event("a", none)}, 4*10 + 16*1},
		{quadratic, []mlcore.HistoryItem{event("b", none), event("a", at(1))}, 4*1 + 16*10},
		// An item counts by its latest event, by the one without a time if there is one: weights 32 and 16.
		{quadratic, []mlcore.HistoryItem{event("a", at(1)), event("b", at(2)), event("a", at(3))}, 4*10 + 32*1},
		{quadratic, []mlcore.HistoryItem{event("a", none), event("b", none), event("a", at(3))}, 8*1 + 16*10},
		{quadratic, []mlcore.HistoryItem{event("a", none), event("b", none), event("a", none)}, 4*10 + 32*1},
	} {
		model := openModel(t, orderedModel(c.config).Write(t, t.TempDir()), mlcore.Options{})
		if err := model.Verify(); err != nil {
			t.Fatal(err)
		}
		items, err := model.RecommendHistory(c.events, 1, mlcore.RecommendOptions{})
		if err != nil || len(items) != 1 || items[0].Score != c.expected {
			t.Errorf("%s, %v: expected %v, got %v, %v", c.config, c.events, c.expected, items, err)
		}
		user, err := model.Recommend("u", 1, mlcore.RecommendOptions{})
		if err != nil || (len(c.events) == len(asUser) && user[0].Score != c.expected) {
			t.Errorf("%s: expected %v, got %v, %v", c.config, c.expected, user, err)
		}
		final := []mlcore.HistoryItem{{ID: "b", Weight: 1}, {ID: "a", Weight: 1}}
		items, err = model.RecommendHistory(final, 1, mlcore.RecommendOptions{FinalWeights: true})
		if err != nil || items[0].Score != 11 {
			t.Errorf("expected ready weights to stay, got %v, %v", items, err)
		}
		withoutUsers := orderedModel(c.config)
		withoutUsers.Users = nil
		model = openModel(t, withoutUsers.Write(t, t.TempDir()), mlcore.Options{})
		items, err = model.RecommendHistory(c.events, 1, mlcore.RecommendOptions{})
		if err != nil || items[0].Score != c.expected {
			t.Errorf("without users: expected %v, got %v, %v", c.expected, items, err)
		}
	}
}

func TestDecaysOfConfigs(t *testing.T) {
	for _, c := range []struct {
		config, old, replacement string
		verdict                  mlcore.Verdict
	}{
		{quadratic, "quadratic", "none", ""},
		{quadratic, "quadratic", "Quadratic", mlcore.VerdictVersion},
		{quadratic, `"quadratic"`, `null`, mlcore.VerdictManifest},
		{quadratic, `{"name": "quadratic"}`, `"quadratic"`, mlcore.VerdictManifest},
		{quadratic, "history_decay", "History_decay", mlcore.VerdictManifest},
		{quadratic, `"quadratic"`, `"quadratic", "half_life_items": null, "x": 1`, ""},
		{quadratic, `"quadratic"`, `"exponential"`, mlcore.VerdictManifest},
		{exponential, `_items": 1`, `_items": 5e-324`, ""},
		{exponential, `_items": 1`, `_items": 1e308`, ""},
		{exponential, `_items": 1`, `_items": 0`, mlcore.VerdictManifest},
		{exponential, `_items": 1`, `_items": 1e-400`, mlcore.VerdictManifest},
		{exponential, `_items": 1`, `_items": 1e400`, mlcore.VerdictManifest},
		{exponential, `_items": 1`, `_items": true`, mlcore.VerdictManifest},
		{exponential, `_items": 1`, `_items": "1"`, mlcore.VerdictManifest},
		{exponential, `_items": 1`, `_items": null`, mlcore.VerdictManifest},
	} {
		written := orderedModel(strings.Replace(c.config, c.old, c.replacement, 1))
		model, err := mlcore.Open(written.Write(t, t.TempDir()), mlcore.Options{})
		if mlcore.VerdictOf(err) != c.verdict {
			t.Errorf("%s: expected %q, got %v", written.Rule.Config, c.verdict, err)
		}
		if err == nil {
			model.Close()
		}
		// Without the feature nobody looks at the decay.
		written.Order = nil
		openModel(t, written.Write(t, t.TempDir()), mlcore.Options{})
	}
}

func TestOrdersThatAreNoneAreFound(t *testing.T) {
	for _, c := range []struct {
		order           []int32
		verify, predict mlcore.Verdict
	}{
		{[]int32{4, 3, 2, 1}, "", ""},
		{[]int32{1, 2, 3, 3}, mlcore.VerdictCSR, ""},
		{[]int32{0, 1, 2, 3}, mlcore.VerdictCSR, mlcore.VerdictCSR},
		{[]int32{1, 2, 3, 5}, mlcore.VerdictCSR, mlcore.VerdictCSR},
		{[]int32{1, 2, 3, -1 << 31}, mlcore.VerdictCSR, mlcore.VerdictCSR},
		{[]int32{1<<31 - 1, 1, 2, 3}, mlcore.VerdictCSR, mlcore.VerdictCSR},
	} {
		written := orderedModel(quadratic)
		written.Order[1] = c.order
		model := openModel(t, written.Write(t, t.TempDir()), mlcore.Options{})
		_, err := model.Recommend("u", 1, mlcore.RecommendOptions{})
		if verified := model.Verify(); mlcore.VerdictOf(verified) != c.verify || mlcore.VerdictOf(err) != c.predict {
			t.Errorf("%v: got %v and %v", c.order, verified, err)
		}
	}
}

func TestTheOrderStandsInTheManifest(t *testing.T) {
	withUsers, withoutUsers := orderedModel(quadratic), orderedModel(quadratic)
	withoutUsers.Users = nil
	plain := orderedModel(quadratic)
	plain.Order = nil
	features := func(m *modeltest.Model, features string) map[string][]byte {
		files := m.Files()
		return with(files, "manifest.json", []byte(strings.Replace(string(files["manifest.json"]),
			`["history_rule", "history_order"]`, features, 1)))
	}
	for what, files := range map[string]map[string][]byte{
		"the order without the rule":               features(withUsers, `["history_order"]`),
		"order.npz without the feature":            features(withUsers, `["history_rule"]`),
		"order.npz beside a model without order":   with(plain.Files(), "order.npz", withUsers.Files()["order.npz"]),
		"order.npz beside a model without users":   with(withoutUsers.Files(), "order.npz", withUsers.Files()["order.npz"]),
		"positions of another type":                replaced(withUsers.Files(), `{"positions": {"dtype": "<i4"`, `{"positions": {"dtype": "<i8"`),
		"positions of another length":              replaced(withUsers.Files(), `{"positions": {"dtype": "<i4", "shape": [4]`, `{"positions": {"dtype": "<i4", "shape": [5]`),
		"a feature without its file, with users":   replaced(plain.Files(), `["history_rule"]`, `["history_rule", "history_order"]`),
		"histories without the order, by a rename": replaced(withUsers.Files(), `"order.npz"`, `"Order.npz"`),
	} {
		dir := t.TempDir()
		for name, data := range files {
			if err := os.WriteFile(filepath.Join(dir, name), data, 0o666); err != nil {
				t.Fatal(err)
			}
		}
		if _, err := mlcore.Open(dir, mlcore.Options{}); mlcore.VerdictOf(err) != mlcore.VerdictManifest {
			t.Errorf("%s: got %v", what, err)
		}
	}
}

func replaced(files map[string][]byte, old, replacement string) map[string][]byte {
	manifest := string(files["manifest.json"])
	if !strings.Contains(manifest, old) {
		panic(old)
	}
	return with(files, "manifest.json", []byte(strings.Replace(manifest, old, replacement, 1)))
}
