package mlcore_test

import (
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"

	mlcore "github.com/mlcore/mlcore/interop/go"
	"github.com/mlcore/mlcore/interop/go/internal/modeltest"
)

// TestRulesOfConfigs changes what a good config.json says.
func TestRulesOfConfigs(t *testing.T) {
	good := `{"aggregate": "sum", "weighting": {"name": "none", "half_life_days": 1, "reference_time": "1970-01-11T00:00:00.000000Z"}}`
	bm25 := `{"aggregate": "sum", "weighting": {"name": "bm25", "half_life_days": null, "k1": 1.5}}`
	for _, c := range []struct {
		config, old, replacement string
		verdict                  mlcore.Verdict
	}{
		{good, "", "", ""},
		{bm25, "", "", ""},
		{good, `{"a`, `{"x": [1e400], "a`, ""},
		{good, `"sum"`, `"SUM"`, mlcore.VerdictVersion},
		{good, `"sum"`, `null`, mlcore.VerdictManifest},
		{good, `"aggregate"`, `"Aggregate"`, mlcore.VerdictManifest},
		{good, `"none"`, `"okapi"`, mlcore.VerdictVersion},
		{good, `"none"`, `0`, mlcore.VerdictManifest},
		{good, `"name"`, `"Name"`, mlcore.VerdictManifest},
		{good, `"weighting": {`, `"weighting": [], "x": {`, mlcore.VerdictManifest},
		{good, `"weighting"`, `"weightings"`, mlcore.VerdictManifest},
		{good, `_days": 1`, `_days": 0`, mlcore.VerdictManifest},
		{good, `_days": 1`, `_days": -1`, mlcore.VerdictManifest},
		{good, `_days": 1`, `_days": 1e-400`, mlcore.VerdictManifest},
		{good, `_days": 1`, `_days": 1e400`, mlcore.VerdictManifest},
		{good, `_days": 1`, `_days": "1"`, mlcore.VerdictManifest},
		{good, `_days": 1`, `_days": true`, mlcore.VerdictManifest},
		{good, `"half_life_days": 1, `, ``, mlcore.VerdictManifest},
		{good, `_days": 1`, `_days": 5e-324`, ""},
		{good, `_days": 1`, `_days": 1e308`, ""},
		{good, `_days": 1`, `_days": null`, ""},
		{good, `"1970-01-11T00:00:00.000000Z"`, `null`, mlcore.VerdictManifest},
		{good, `1970`, `0000`, mlcore.VerdictManifest},
		{good, `1970-01-11`, `1970-02-30`, mlcore.VerdictManifest},
		{good, `00.000000Z`, `00.0000000Z`, mlcore.VerdictManifest},
		{good, `00.000000Z`, `00,000000Z`, mlcore.VerdictManifest},
		{good, `00.000000Z`, `00.000000z`, mlcore.VerdictManifest},
		{good, `00.000000Z`, `00.000000+00:00`, mlcore.VerdictManifest},
		{good, `00.000000Z`, `00Z`, mlcore.VerdictManifest},
		{good, `T00:`, `T24:`, mlcore.VerdictManifest},
		{good, `T00:`, ` 00:`, mlcore.VerdictManifest},
		{good, `T00:`, `T0:`, mlcore.VerdictManifest},
		{good, `00:00.`, `00:60.`, mlcore.VerdictManifest},
		{good, `1970`, `9999`, ""},
		{bm25, `1.5`, `-1`, mlcore.VerdictManifest},
		{bm25, `1.5`, `0`, ""},
		{bm25, `1.5`, `1e400`, mlcore.VerdictManifest},
		{bm25, `1.5`, `null`, mlcore.VerdictManifest},
		{bm25, `"k1"`, `"K1"`, mlcore.VerdictManifest},
		{good, good, ``, mlcore.VerdictManifest},
		{good, good, `[]`, mlcore.VerdictManifest},
		{good, good, "{\"a\": \"\xff\"}", mlcore.VerdictManifest},
		{good, good, good + strings.Repeat(" ", 1<<20), mlcore.VerdictManifest},
		{good, good, good + strings.Repeat(" ", 1<<20-len(good)), ""},
		// Files that the weighting needs, and others.
		{bm25, `bm25`, `tf_idf`, mlcore.VerdictManifest},
		{bm25, `bm25`, `log`, mlcore.VerdictManifest},
		{good, `none`, `bm25", "k1": 1, "x": "`, mlcore.VerdictManifest},
		{good, `none`, `tf_idf`, mlcore.VerdictManifest},
	} {
		written := tinyModel()
		written.Rule = &modeltest.Rule{Config: strings.Replace(c.config, c.old, c.replacement, 1)}
		if c.config == bm25 {
			written.Rule.Norms, written.Rule.Factors = []float64{0, 1, 2}, []float64{3, 2, 1}
		}
		model, err := mlcore.Open(written.Write(t, t.TempDir()), mlcore.Options{})
		if mlcore.VerdictOf(err) != c.verdict {
			t.Errorf("%.200s: expected %q, got %v", written.Rule.Config, c.verdict, err)
		}
		if err == nil {
			err = model.Verify()
			model.Close()
		}
		if c.verdict == "" && err != nil {
			t.Error(err)
		}
	}
}

func TestArraysOfTheRuleAreChecked(t *testing.T) {
	for _, c := range []struct {
		norm, factor float64
		isGood       bool
	}{
		{0, 0, true}, {1, -1, true}, {math.Copysign(0, -1), 1, true}, {math.MaxFloat64, -math.MaxFloat64, true},
		{-1, 1, false}, {math.NaN(), 1, false}, {math.Inf(1), 1, false}, {1, math.NaN(), false}, {1, math.Inf(-1), false},
	} {
		written := tinyModel()
		written.Rule = &modeltest.Rule{
			Config: `{"aggregate": "sum", "weighting": {"name": "bm25", "half_life_days": null, "k1": 1.5}}`,
			Norms:  []float64{c.norm, 1, 1}, Factors: []float64{c.factor, 1, 1},
		}
		model := openModel(t, written.Write(t, t.TempDir()), mlcore.Options{})
		verdict := mlcore.VerdictOf(model.Verify())
		_, err := model.RecommendHistory([]mlcore.HistoryItem{{ID: "a", Weight: 1}}, 1, mlcore.RecommendOptions{})
		if c.isGood && verdict != "" {
			t.Errorf("%+v: got %s", c, verdict)
		}
		if !c.isGood && (verdict != mlcore.VerdictCSR || mlcore.VerdictOf(err) != mlcore.VerdictCSR) {
			t.Errorf("%+v: got %s and %v", c, verdict, err)
		}
		digests, err := model.ContentDigests()
		if err != nil || digests.Arrays["item_norms.npz/norms"] == "" || digests.Arrays["length_factors.npz/factors"] == "" {
			t.Errorf("got %v, %v", digests, err)
		}
	}
}

func TestFilesOfTheRuleStandInTheManifest(t *testing.T) {
	written := tinyModel()
	written.Rule = &modeltest.Rule{
		Config: `{"aggregate": "sum", "weighting": {"name": "tf_idf", "half_life_days": null}}`, Factors: []float64{3, 2, 1},
	}
	files := written.Files()
	plain := tinyModel().Files()
	for what, change := range map[string]func() map[string][]byte{
		"item_norms.npz not listed": func() map[string][]byte {
			return with(files, "item_norms.npz", files["length_factors.npz"])
		},
		"length_factors.npz beside a model without the rule": func() map[string][]byte {
			return with(plain, "length_factors.npz", files["length_factors.npz"])
		},
		"length_factors.npz listed without the rule": func() map[string][]byte {
			manifest := strings.Replace(string(files["manifest.json"]), `["history_rule"]`, "[]", 1)
			return with(files, "manifest.json", []byte(manifest))
		},
		"factors of another length": func() map[string][]byte {
			manifest := strings.Replace(string(files["manifest.json"]), `"<f8", "shape": [3]`, `"<f8", "shape": [4]`, 1)
			return with(files, "manifest.json", []byte(manifest))
		},
		"factors of another type": func() map[string][]byte {
			manifest := strings.Replace(string(files["manifest.json"]), `"<f8"`, `"<i8"`, 1)
			return with(files, "manifest.json", []byte(manifest))
		},
	} {
		dir := t.TempDir()
		for name, data := range change() {
			if err := os.WriteFile(filepath.Join(dir, name), data, 0o666); err != nil {
				t.Fatal(err)
			}
		}
		if _, err := mlcore.Open(dir, mlcore.Options{}); mlcore.VerdictOf(err) != mlcore.VerdictManifest {
			t.Errorf("%s: got %v", what, err)
		}
	}
}

func with(files map[string][]byte, name string, data []byte) map[string][]byte {
	changed := map[string][]byte{name: data}
	for other, data := range files {
		if other != name {
			changed[other] = data
		}
	}
	return changed
}
